import shutil

import numpy as np
import pytest

from bags.made import made_features, write_slide, write_stamp, write_table, write_trident
from cancernet.bags import BagOptions, open_bags, read_bags
from cancernet.errors import InvalidInput

OPTIONS = BagOptions(target="label", group="patient")


def made_slides(folder, count=4):
    """Write a table of slides, and the files of their features in the folder `features` beside it."""
    for number in range(count):
        write_slide(folder / "features", f"s{number}", made_features(3 + number, seed=number))
    return write_table(folder / "slides.csv", [(f"s{n}", "ab"[n % 2], f"p{n // 2}") for n in range(count)])


def test_a_table_names_slides_labels_and_patients(tmp_path):
    bags = read_bags(made_slides(tmp_path), options=OPTIONS)
    assert bags.ids.tolist() == ["s0", "s1", "s2", "s3"]
    assert bags.target.tolist() == ["a", "b", "a", "b"]
    assert bags.groups.tolist() == ["p0", "p0", "p1", "p1"]
    assert (bags.name, bags.group_column, bags.target_column) == ("slides", "patient", "label")
    assert [path.name for path in bags.paths] == ["s0.npz", "s1.npz", "s2.npz", "s3.npz"]


def test_files_are_looked_for_in_order(tmp_path):
    """The folder that is named, else a column `features`, else the folder `features` beside the table, else there."""
    table = made_slides(tmp_path, 1)
    beside = read_bags(table, options=OPTIONS).paths[0]
    assert beside == tmp_path / "features" / "s0.npz"
    named = write_slide(tmp_path / "other", "s0", made_features(2))
    assert read_bags(table, options=BagOptions(features=str(named.parent))).paths == (named,)
    column = write_table(tmp_path / "t.csv", [("s0", "other/s0.npz")], head=("slide", "features"))
    assert read_bags(column).paths == (named,)
    shutil.move(beside, tmp_path / "s0.npz")
    assert read_bags(table).paths == (tmp_path / "s0.npz",)


@pytest.mark.parametrize("slide", ["case.1", "case.1.svs", "case.1.h5", "deep/case.1.ndpi"])
def test_the_ending_of_a_slide_is_no_part_of_its_name(tmp_path, slide):
    folder = (tmp_path / "features" / slide).parent
    folder.mkdir(parents=True)
    path = write_trident(folder / "case.1.h5", made_features(2))
    assert read_bags(write_table(tmp_path / "t.csv", [(slide,)], head=("slide",))).paths == (path,)


def test_a_folder_is_a_set_of_slides_without_labels(tmp_path):
    made_slides(tmp_path)
    bags = read_bags(tmp_path / "features")
    assert bags.ids.tolist() == ["s0", "s1", "s2", "s3"]
    assert bags.target is None
    with pytest.raises(InvalidInput, match="holds no file of features"):
        read_bags(tmp_path)


def test_missing_files_are_counted_and_ten_named(tmp_path):
    made_slides(tmp_path, 1)
    rows = [(f"s{number}", "a", f"p{number}") for number in range(13)]
    bags = read_bags(write_table(tmp_path / "slides.csv", rows), options=OPTIONS)
    assert len(bags) == 1
    assert len(bags.faults) == 12
    with pytest.raises(InvalidInput, match=r"12 of 13 slides .* 's1', .*'s10' and 2 more"):
        open_bags(bags)


@pytest.mark.parametrize(
    ("rows", "head", "words"),
    [
        ([("s0", "a"), ("s0", "b")], ("slide", "label"), "Slides stand twice in .*: 's0'"),
        ([("", "a")], ("slide", "label"), "Nothing in row 1"),
        ([("../s0", "a")], ("slide", "label"), "leads out of the folder"),
        ([("/s0", "a")], ("slide", "label"), "leads out of the folder"),
        ([("s0", "a")], ("slid", "label"), "lacks the column 'slide'.*Did you mean 'slid'"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, rows, head, words):
    with pytest.raises(InvalidInput, match=words):
        read_bags(write_table(tmp_path / "t.csv", rows, head=head))


def test_two_files_of_a_slide_are_one_too_many(tmp_path):
    table = made_slides(tmp_path)
    write_trident(tmp_path / "features" / "s2.h5", made_features(2))
    with pytest.raises(InvalidInput, match="'s2' has 2 files of features"):
        read_bags(table)


def test_open_bags_are_summed_up(tmp_path):
    opened = open_bags(read_bags(made_slides(tmp_path), options=OPTIONS))
    features = [made_features(3 + number, seed=number).astype(np.float64) for number in range(4)]
    assert (opened.encoder, opened.width, opened.pixel_size.mpp) == ("made", 6, 0.5)
    assert opened.counts.tolist() == [3, 4, 5, 6]
    np.testing.assert_allclose(opened.means, [bag.mean(axis=0) for bag in features])
    np.testing.assert_allclose(opened.squares, [(bag**2).mean(axis=0) for bag in features])
    np.testing.assert_allclose(opened.maxima, [bag.max(axis=0) for bag in features])


def test_what_memory_does_not_hold_is_read_again(tmp_path):
    bags = read_bags(made_slides(tmp_path), options=OPTIONS)
    opened = open_bags(bags, most=4 * 6 * (3 + 4))
    assert set(opened.kept) == {0, 1}
    for row in range(4):
        np.testing.assert_array_equal(opened.features(row), made_features(3 + row, seed=row))


def test_other_encoders_are_refused_by_name(tmp_path):
    table = made_slides(tmp_path)
    write_slide(tmp_path / "features", "s1", made_features(3), encoder="conch")
    with pytest.raises(InvalidInput, match=r"same encoder \(conch: 1 slides, for example 's1', made: 3 slides"):
        open_bags(read_bags(table))


def test_an_encoder_can_be_stated_for_files_that_do_not(tmp_path):
    for number in range(2):
        write_slide(tmp_path, f"s{number}", made_features(3), encoder=("", "uni")[number])
    with pytest.raises(InvalidInput, match=r"\(not stated\): 1 slides"):
        open_bags(read_bags(tmp_path))
    assert open_bags(read_bags(tmp_path, options=BagOptions(encoder="uni"))).encoder == "uni"


def test_other_widths_are_refused_by_name(tmp_path):
    table = made_slides(tmp_path)
    write_slide(tmp_path / "features", "s3", made_features(3, 8))
    with pytest.raises(InvalidInput, match=r"same width of the features \(6: 3 .* 8: 1 slides, for example 's3'"):
        open_bags(read_bags(table))


def test_empty_and_nan_bags_are_refused_by_name(tmp_path):
    table = made_slides(tmp_path)
    for slide, features in (("s1", np.empty((0, 6))), ("s2", np.full((2, 6), np.nan))):
        (tmp_path / "features" / f"{slide}.npz").unlink()
        write_stamp(tmp_path / "features" / f"{slide}.h5", features)
    with pytest.raises(InvalidInput, match=r"2 of 4 slides cannot be used: 's1': .* holds no tile; 's2': 12 features"):
        open_bags(read_bags(table))


def test_resolutions_are_joined(tmp_path):
    write_trident(tmp_path / "a.h5", made_features(3))
    write_slide(tmp_path, "b", made_features(3), encoder="uni_v1")
    size = open_bags(read_bags(tmp_path)).pixel_size
    assert (size.status, size.mpp, size.low, size.high) == ("estimated", 0.5, 0.4, 0.6)
    write_trident(tmp_path / "c.h5", made_features(3))
    import h5py

    with h5py.File(tmp_path / "c.h5", "a") as file:
        del file["coords"]
    assert open_bags(read_bags(tmp_path)).pixel_size.status == "unknown"
    stated = open_bags(read_bags(tmp_path, options=BagOptions(mpp=0.55))).pixel_size
    assert (stated.status, stated.high) == ("estimated", 0.6)
