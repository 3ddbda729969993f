import pytest

from cancernet.errors import InvalidInput
from cancernet.scan.inputs import find_slides


@pytest.fixture
def folder(tmp_path):
    for name in ("b.svs", "a.tiff", "notes.txt", ".hidden.svs", "dicom/1.dcm", "dicom/2.dcm", "inner/c.ndpi"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def test_a_folder_means_its_slides_by_name(folder):
    assert find_slides([folder]) == (folder / "a.tiff", folder / "b.svs")


def test_a_folder_of_dicom_files_is_one_slide(folder):
    assert find_slides([folder / "dicom"]) == (folder / "dicom",)


def test_a_file_may_have_any_name_and_counts_once(folder):
    assert find_slides([folder / "notes.txt", folder / "b.svs", folder / "b.svs"]) == (
        folder / "notes.txt",
        folder / "b.svs",
    )


@pytest.mark.parametrize(("name", "mark"), [("list.csv", ","), ("list.tsv", "\t")])
def test_a_list_is_relative_to_itself(folder, name, mark):
    (folder / name).write_text(f"label{mark}slide\n1{mark}b.svs\n0{mark}inner/c.ndpi\n0{mark}\n")
    assert find_slides([folder / name]) == (folder / "b.svs", folder / "inner" / "c.ndpi")


def test_a_list_without_a_column_of_slides_is_refused(folder):
    (folder / "list.csv").write_text("name,label\nb.svs,1\n")
    with pytest.raises(InvalidInput, match="column named slide"):
        find_slides([folder / "list.csv"])


def test_all_that_are_absent_are_counted_and_ten_are_named(folder):
    absent = [folder / f"gone{number}.svs" for number in range(12)]
    with pytest.raises(InvalidInput, match=r"12 slides do not exist: .*gone0\.svs.*gone9\.svs") as error:
        find_slides([folder / "b.svs", *absent])
    assert "gone10" not in str(error.value)


def test_no_slide_at_all_is_refused(folder):
    (folder / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no slide"):
        find_slides([folder / "empty"])
