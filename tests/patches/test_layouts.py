import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.errors import InvalidInput, StorageFailure
from cancernet.patches.found import find_images
from cancernet.patches.read import PatchOptions, read_patches
from patches.made import idc_name, write_files, write_manifest

IDC = [idc_name(8863, 0, 0), idc_name(8863, 1, 1), idc_name(9173, 0, 0), idc_name(10253, 7, 1)]
BREAKHIS = [
    "SOB_B_A-14-22549AB-40-001.png",
    "SOB_B_A-14-22549CD-40-002.png",
    "SOB_B_TA-14-3411F-40-001.png",
    "SOB_M_DC-14-13412-400-013.png",
    "SOB_M_LC-14-13412-400-027.png",
    "SOB_M_PC-15-190EF-100-004.png",
]
CLASSES = ["tumour/p1_a.png", "tumour/p2_a.png", "normal/p2_b.png", "normal/deep/p3_a.png"]
COLUMNS = {
    "path": ["a/1.png", "a/2.png", "b/3.png"],
    "label": ["M", "B", "M"],
    "patient": ["p1", "p1", "p2"],
    "site": ["here", "there", "here"],
    "um": [0.5, "", 0.25],
}


def read(source, **options):
    return read_patches(source, options=PatchOptions(**options))


def refusal(source, error=InvalidInput, **options):
    with pytest.raises(error) as caught:
        read(source, **options)
    assert caught.value.expected
    assert "\n" not in str(caught.value)
    return str(caught.value)


def by_id(patches, column="target"):
    return dict(zip(patches.ids.tolist(), getattr(patches, column).tolist(), strict=True))


# --- a folder is searched


def test_images_are_sorted_by_path_at_any_depth(tmp_path):
    names = ["b.png", "B.JPG", "a/c.tiff", "a/b/a.webp", "a-1/x.bmp", "ä.tif", "a.jpeg"]
    found = find_images(write_files(tmp_path, [*names, "notes.txt", "table.csv"]))
    assert found.ids == tuple(sorted(names))
    assert set(found.sizes) == {len(b"never opened")}
    assert found.others == {".txt": 1, ".csv": 1}


def test_what_systems_leave_behind_is_passed_over(tmp_path):
    left = [".hidden.png", "._a.png", ".cache/b.png", "__MACOSX/c.png", "in/.DS_Store", "Thumbs.db"]
    assert find_images(write_files(tmp_path, ["in/a.png", *left])).ids == ("in/a.png",)


def test_empty_files_and_what_is_no_file_are_set_aside(tmp_path):
    write_files(tmp_path, ["a.png", "b.png"])
    write_files(tmp_path, ["in/empty.png"], b"")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle.png").symlink_to(tmp_path / "circle.png")
    patches = read(tmp_path)
    assert patches.ids.tolist() == ["a.png", "b.png"]
    assert {fault.path.name: fault.reason for fault in patches.faults} == {
        "empty.png": "it is empty (0 bytes)",
        "gone.png": "it is a link to nothing",
        "circle.png": "it is a link to nothing",
    }
    assert all(fault.path.is_relative_to(tmp_path) for fault in patches.faults)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_hang(tmp_path):
    write_files(tmp_path, ["a.png"])
    os.mkfifo(tmp_path / "pipe.png")
    assert [fault.reason for fault in read(tmp_path).faults] == ["it is not a file"]


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are a matter of Linux")
def test_a_name_that_is_no_text_is_set_aside(tmp_path):
    write_files(tmp_path, ["a.png"])
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.png")).write_bytes(b"x")
    patches = read(tmp_path)
    assert patches.ids.tolist() == ["a.png"]
    assert [(fault.path.name, fault.reason) for fault in patches.faults] == [(r"b\xff.png", "its name is not UTF-8")]


def test_links_in_a_circle_come_to_an_end(tmp_path):
    write_files(tmp_path, ["z/a.png"])
    (tmp_path / "z" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a-link").symlink_to(tmp_path / "z", target_is_directory=True)
    assert find_images(tmp_path).ids == ("z/a.png",)  # the folder counts, not the link to it


def test_linked_folders_are_entered(tmp_path):
    write_files(tmp_path / "elsewhere", ["a.png"])
    write_files(tmp_path / "set", ["b.png"])
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert find_images(tmp_path / "set").ids == ("b.png", "linked/a.png")


@given(order=st.permutations(["a/1.png", "a/2.png", "b/1.png", "b.png", "c/d/1.png"]))
def test_the_order_of_the_file_system_does_not_matter(tmp_path_factory, order):
    folder = write_files(tmp_path_factory.mktemp("set"), order)
    assert find_images(folder).ids == ("a/1.png", "a/2.png", "b.png", "b/1.png", "c/d/1.png")


def test_a_folder_without_images_says_what_is_there(tmp_path):
    assert "found nothing" in refusal(tmp_path)
    message = refusal(write_files(tmp_path, ["a.csv", "b.csv", "slide.svs", "readme"]))
    assert message.startswith(f"'{tmp_path}' holds no image")
    assert "2 .csv, 1 .svs, 1 no suffix" in message


def test_a_folder_of_empty_images_is_refused(tmp_path):
    message = refusal(write_files(tmp_path, ["a.png", "b.png"], b""))
    assert "'a.png', 'b.png': it is empty (0 bytes)" in message


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(StorageFailure, match="no such file or folder"):
        read(tmp_path / "none")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(tmp_path):
    write_files(tmp_path, ["a.png", "closed/b.png"])
    (tmp_path / "closed").chmod(0)
    try:
        with pytest.raises(StorageFailure, match="rights are missing"):
            read(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)


# --- a manifest


def test_every_column_has_its_role(tmp_path):
    write_manifest(tmp_path, COLUMNS)
    patches = read(tmp_path, target="label", group="patient", site="site", slide="patient", mpp="um")
    assert (patches.name, patches.layout, patches.folder) == (tmp_path.name, "manifest", tmp_path)
    assert patches.ids.tolist() == COLUMNS["path"]
    assert patches.target.tolist() == ["M", "B", "M"]
    assert patches.groups.tolist() == patches.slides.tolist() == ["p1", "p1", "p2"]
    assert patches.sites.tolist() == ["here", "there", "here"]
    np.testing.assert_array_equal(patches.mpp, [0.5, np.nan, 0.25])
    assert (patches.target_column, patches.group_column) == ("label", "patient")
    assert patches.source == str(tmp_path / "manifest.csv")
    assert all(patches.path(row).is_file() for row in range(3))


def test_of_a_manifest_nothing_is_guessed(tmp_path):
    patches = read(write_manifest(tmp_path, COLUMNS))
    assert (patches.target, patches.target_column, patches.group_column) == (None, None, None)
    assert patches.groups.tolist() == patches.ids.tolist()
    assert patches.slides is patches.sites is patches.mpp is None


def test_parquet_and_other_names(tmp_path):
    write_manifest(tmp_path, COLUMNS)
    table = {"file": COLUMNS["path"], "grade": [1, 2, 3], "um": [0.5, None, 0.25], "patient": ["p1", "p1", "p2"]}
    pq.write_table(pa.table(table), tmp_path / "set.parquet")
    patches = read(tmp_path / "set.parquet", path="file", target="grade", group="patient", mpp="um")
    assert patches.name == "set"
    assert patches.target.tolist() == ["1", "2", "3"]
    np.testing.assert_array_equal(patches.mpp, [0.5, np.nan, 0.25])


def test_rows_are_filtered_before_anything_is_missed(tmp_path):
    columns = COLUMNS | {"label": ["M", "", "B"], "um": [0.5, -1, 0.25]}
    path = write_manifest(tmp_path, columns)
    (tmp_path / "a" / "2.png").unlink()
    patches = read(path, target="label", group="patient", mpp="um", where={"site": "here"})
    assert patches.ids.tolist() == ["a/1.png", "b/3.png"]
    assert patches.target.tolist() == ["M", "B"]
    assert patches.mpp.tolist() == [0.5, 0.25]
    both = read(path, where={"site": "here", "patient": "p2"})
    assert both.ids.tolist() == ["b/3.png"]


def test_a_filter_that_leaves_nothing_says_what_there_is(tmp_path):
    path = write_manifest(tmp_path, COLUMNS)
    message = refusal(path, where={"site": "hear"})
    assert "'here' (2), 'there' (1)" in message
    assert "Did you mean 'here'?" in message
    assert "lacks the column 'sight'" in refusal(path, where={"sight": "here"})


def test_missing_files_are_all_counted_and_ten_are_named(tmp_path):
    path = write_manifest(tmp_path, {"path": [f"{number:02}.png" for number in range(30)]})
    for number in range(5, 20):
        (tmp_path / f"{number:02}.png").unlink()
    message = refusal(path)
    assert message.startswith(f"15 of 30 files that '{path}' names are missing: '05.png'")
    assert "'14.png' and 5 more" in message
    assert "'15.png'" not in message
    assert str(tmp_path) in message


def test_empty_files_of_a_manifest_are_set_aside(tmp_path):
    path = write_manifest(tmp_path, COLUMNS)
    write_files(tmp_path, ["a/2.png"], b"")
    patches = read(path, target="label")
    assert patches.ids.tolist() == ["a/1.png", "b/3.png"]
    assert patches.target.tolist() == ["M", "M"]
    assert [(fault.path, fault.reason) for fault in patches.faults] == [
        (tmp_path / "a" / "2.png", "it is empty (0 bytes)")
    ]


@pytest.mark.parametrize("option", ["target", "group", "slide", "site", "mpp", "path"])
def test_the_nearest_column_is_offered(tmp_path, option):
    assert "Did you mean 'patient'?" in refusal(write_manifest(tmp_path, COLUMNS), **{option: "patiemt"})


@pytest.mark.parametrize(("option", "column"), [("target", "label"), ("group", "patient")])
def test_an_empty_label_or_group_is_named_with_its_row(tmp_path, option, column):
    path = write_manifest(tmp_path, COLUMNS | {column: ["M", "NA", "?"]})
    message = refusal(path, **{option: column})
    assert f"row 2 below the header, column '{column}'" in message
    assert "the first of 2 such cells" in message


def test_an_empty_path_is_named(tmp_path):
    write_files(tmp_path, ["a.png"])
    path = tmp_path / "manifest.csv"
    path.write_text("path,label\na.png,M\n,B\n")
    assert "row 2 below the header, column 'path'" in refusal(path)


@pytest.mark.parametrize("wrong", ["0", "-0.5", "fine"])
def test_microns_per_pixel_are_positive_numbers(tmp_path, wrong):
    path = write_manifest(tmp_path, COLUMNS | {"um": [0.5, 0.5, wrong]})
    assert "row 3 below the header, column 'um'" in refusal(path, mpp="um")


def test_an_image_that_stands_twice_is_refused(tmp_path):
    path = write_manifest(tmp_path, {"path": ["a.png", "./a.png"]})
    with pytest.raises(InvalidInput, match=r"'a\.png' stands twice"):
        read(path)


def test_paths_are_read_as_written_on_any_system(tmp_path):
    write_files(tmp_path / "set", ["in/a.png", "b.png", "c.png"])
    write_files(tmp_path, ["beside.png"])
    rows = ["in\\a.png", "./b.png", str(tmp_path / "set" / "c.png"), "../beside.png"]
    (tmp_path / "set" / "list.tsv").write_text("\n".join(["path\tlabel", *(f"{row}\tM" for row in rows)]) + "\n")
    patches = read(tmp_path / "set" / "list.tsv")
    assert patches.ids.tolist() == ["in/a.png", "b.png", "c.png", "../beside.png"]
    assert all(patches.path(row).is_file() for row in range(4))


def test_a_folder_with_several_manifests_or_none(tmp_path):
    write_files(tmp_path, ["a.png"])
    assert "no manifest" in refusal(tmp_path, layout="manifest")
    write_manifest(tmp_path, COLUMNS)
    write_manifest(tmp_path, COLUMNS, name="manifest.tsv")
    assert "'manifest.csv', 'manifest.tsv'" in refusal(tmp_path, layout="manifest")


# --- class folders


def test_the_topmost_folder_is_the_class(tmp_path):
    patches = read(write_files(tmp_path, CLASSES))
    assert (patches.layout, patches.classes, patches.target_column) == ("folders", ("normal", "tumour"), "label")
    assert by_id(patches) == {name: name.partition("/")[0] for name in CLASSES}
    assert (patches.group_column, patches.groups.tolist()) == (None, patches.ids.tolist())
    assert read(tmp_path, target="parent").classes == ("deep", "normal", "tumour")
    assert read(tmp_path, group="parent").group_column == "parent"


def test_one_class_folder_is_no_fault_of_the_folders(tmp_path):
    write_files(tmp_path, ["tumour/a.png", "tumour/b.png"])
    assert read(tmp_path, layout="folders").classes == ("tumour",)
    assert read(tmp_path).layout == "files"


def test_images_beside_the_folders_are_set_aside(tmp_path):
    patches = read(write_files(tmp_path, [*CLASSES, "loose.png"]), layout="folders")
    assert len(patches) == 4
    assert [(fault.path.name, fault.reason) for fault in patches.faults] == [
        ("loose.png", "it lies in no class folder")
    ]
    assert "no folder of images" in refusal(write_files(tmp_path / "flat", ["a.png"]), layout="folders")


def test_the_parts_of_a_split_are_no_classes(tmp_path):
    write_files(tmp_path, [f"{part}/{name}" for part in ("Train", "test") for name in CLASSES])
    assert "parts of a split, no classes: 'Train', 'test'" in refusal(tmp_path)
    assert read(tmp_path, layout="folders", target="parent").classes == ("deep", "normal", "tumour")
    assert read(tmp_path, layout="files").target is None


def test_groups_by_a_regular_expression(tmp_path):
    patches = read(write_files(tmp_path, CLASSES), group=r"re:/(p\d+)_")
    assert by_id(patches, "groups") == {name: name.rpartition("/")[2][:2] for name in CLASSES}
    assert patches.group_column == "path"


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "'(' is no regular expression"),
        (r"p\d", "has 0 groups"),
        (r"(p)(\d)", "has 2 groups"),
        (r"deep/(p\d)", "3 of 4 images do not fit the pattern 'deep/(p\\d)': 'normal/p2_b.png', 'tumour/p1_a.png'"),
        (r"p\d()", "4 of 4 images do not fit"),
    ],
)
def test_a_regular_expression_that_tells_no_group(tmp_path, pattern, words):
    assert words in refusal(write_files(tmp_path, CLASSES), group=f"re:{pattern}")


@pytest.mark.parametrize("key", ["path", "name"])
def test_groups_by_a_table(tmp_path, key):
    folder = write_files(tmp_path / "set", CLASSES)
    names = [name if key == "path" else name.rpartition("/")[2] for name in [*CLASSES, "other.png"]]
    table = tmp_path / "groups.csv"
    table.write_text(f"{key},group\n" + "".join(f"{name},g{row}\n" for row, name in enumerate(names)))
    patches = read(folder, group=f"table:{table}")
    assert by_id(patches, "groups") == {name: f"g{row}" for row, name in enumerate(CLASSES)}
    assert patches.group_column == "group"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,group\ntumour/p1_a.png,g1\n", "3 of 4 images are not in '"),
        ("path,group\ntumour/p1_a.png,g1\ntumour/p1_a.png,g2\n", "'tumour/p1_a.png' has two groups"),
        ("path,group\ntumour/p1_a.png,\n", "row 1 below the header, column 'group'"),
        ("file,group\na,b\n", "lacks the column 'path'"),
        ("path,groups\na,b\n", "Did you mean 'groups'?"),
    ],
)
def test_a_table_that_tells_no_group(tmp_path, text, words):
    (tmp_path / "groups.csv").write_text(text)
    folder = write_files(tmp_path / "set", CLASSES)
    assert words in refusal(folder, group=f"table:{tmp_path / 'groups.csv'}")


# --- idc


def test_the_names_of_idc_say_all(tmp_path):
    patches = read(write_files(tmp_path, IDC))
    assert (patches.layout, patches.target_column, patches.group_column) == ("idc", "label", "patient")
    assert by_id(patches) == {name: name.split("/")[1] for name in IDC}
    assert by_id(patches, "groups") == {name: name.split("/")[0] for name in IDC}
    assert patches.mpp is None
    assert patches.notes == patches.faults == ()
    assert read(tmp_path, group="row").group_column == "row"
    assert read(tmp_path, mpp=4.0).mpp.tolist() == [4.0] * 4
    assert read(tmp_path, where={"patient": "8863"}).target.tolist() == ["0", "1"]


@pytest.mark.parametrize("copy", ["IDC_regular_ps50_idx5", "00-first"])
def test_the_second_copy_inside_the_archive_is_skipped(tmp_path, copy):
    patches = read(write_files(tmp_path, [*IDC, *(f"{copy}/{name}" for name in IDC)]))
    assert patches.ids.tolist() == sorted(IDC)
    assert patches.notes == (f"4 images below '{copy}' are second copies of others (name and size) and were skipped",)


def test_a_namesake_of_another_size_is_no_copy(tmp_path):
    write_files(tmp_path, IDC)
    write_files(tmp_path, [f"more/{IDC[0]}"], b"another content")
    patches = read(tmp_path)
    assert (len(patches), patches.notes) == (4, ())
    assert [fault.path for fault in patches.faults] == [tmp_path / "more" / IDC[0]]
    assert f"has the name of '{IDC[0]}' and another size" in patches.faults[0].reason


def test_the_name_counts_where_the_folder_says_otherwise(tmp_path):
    name = IDC[1].rpartition("/")[2]
    patches = read(write_files(tmp_path, [IDC[0], IDC[2], f"8863/0/{name}"]))
    assert by_id(patches)[f"8863/0/{name}"] == "1"
    assert patches.notes == (
        f"1 image lies in the folder of another class or patient than the name says ('8863/0/{name}'); the name counts",
    )
    other = read(write_files(tmp_path / "b", [f"777/1/{name}"]), layout="idc")
    assert other.groups.tolist() == ["8863"]
    assert len(other.notes) == 1


def test_flat_idc_needs_no_folders(tmp_path):
    patches = read(write_files(tmp_path, [name.rpartition("/")[2] for name in IDC]))
    assert (patches.layout, patches.notes) == ("idc", ())
    assert Counter(patches.target.tolist()) == {"0": 2, "1": 2}


def test_other_names_among_idc_are_set_aside(tmp_path):
    strange = ["8863/1/overview.png", "8863/1/8863_idx5_x1_y1_class7.png"]
    patches = read(write_files(tmp_path, [*IDC, *strange]), layout="idc")
    assert len(patches) == 4
    assert sorted(fault.path for fault in patches.faults) == sorted(tmp_path / name for name in strange)
    assert "is named like" in refusal(write_files(tmp_path / "b", CLASSES), layout="idc")


# --- breakhis


def test_the_names_of_breakhis_say_all(tmp_path):
    patches = read(write_files(tmp_path / "BreaKHis_v1", [f"{name[4:9]}/{name}" for name in BREAKHIS]))
    assert (patches.layout, patches.target_column, patches.group_column) == ("breakhis", "label", "patient")
    names = [path.rpartition("/")[2] for path in patches.ids]
    truth = {"B": "benign", "M": "malignant"}
    assert patches.target.tolist() == [truth[name[4]] for name in names]
    groups = dict(zip(names, patches.groups.tolist(), strict=True))
    assert groups == dict(
        zip(
            BREAKHIS,
            ["14-22549AB", "14-22549CD", "14-3411F", "14-13412", "14-13412", "15-190EF"],
            strict=True,
        )
    )
    assert patches.mpp is None


def test_other_targets_and_filters_of_breakhis(tmp_path):
    folder = write_files(tmp_path, BREAKHIS)
    assert read(folder, target="class").classes == ("benign", "malignant")
    assert read(folder, target="subtype").target.tolist() == ["A", "A", "TA", "DC", "LC", "PC"]
    assert read(folder, target="magnification").classes == ("100", "40", "400")
    assert read(folder, where={"magnification": "400"}).target.tolist() == ["malignant"] * 2
    assert read(folder, group="case").groups.tolist()[:2] == ["14-22549"] * 2
    assert read(folder, site="magnification").sites.tolist() == ["40", "40", "40", "400", "400", "100"]
    assert "Did you mean 'subtype'?" in refusal(folder, target="subtypes")


def test_notes_on_what_may_mislead_in_breakhis(tmp_path):
    folder = write_files(tmp_path, BREAKHIS)
    mixed, shared = read(folder).notes
    assert mixed.startswith("Magnifications are mixed (3 at 40x, 1 at 100x, 2 at 400x)")
    assert shared.startswith("2 patients share a number with another (14-22549AB, 14-22549CD) and may be 1")
    assert read(folder, where={"magnification": "400"}).notes == ()


@pytest.mark.parametrize("name", ["SOB_B_DC-14-1-40-001.png", "SOB_M_DC-14-1-50-001.png", "SOB_M_DC-14-1-40-001.jpg"])
def test_names_that_contradict_breakhis_are_set_aside(tmp_path, name):
    patches = read(write_files(tmp_path, [*BREAKHIS, name]))
    assert (patches.layout, len(patches)) == ("breakhis", 6)
    assert [fault.path.name for fault in patches.faults] == [name]


# --- single files, and what is recognised


def test_images_named_one_by_one_keep_their_order(tmp_path, monkeypatch):
    write_files(tmp_path, ["b/2.png", "a/1.png", "a/odd.name"])
    monkeypatch.chdir(tmp_path)
    patches = read([tmp_path / "b" / "2.png", "a/1.png", "a/odd.name"])
    assert (patches.layout, patches.target, patches.group_column) == ("files", None, None)
    assert patches.ids.tolist() == ["b/2.png", "a/1.png", "a/odd.name"]
    assert patches.folder == tmp_path
    one = read("a/1.png")
    assert (one.ids.tolist(), one.name, one.folder) == (["1.png"], "1.png", tmp_path / "a")
    assert read(["a"]).ids.tolist() == ["1.png"]  # a sequence of one is that one


def test_images_that_are_not_there_are_counted(tmp_path):
    write_files(tmp_path, ["a.png"])
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    assert refusal(paths).startswith("2 of 3 images are missing: 'b.png', 'c.png'")
    assert "No file was named" in refusal([])
    assert "does not fit single files" in refusal(paths, layout="idc")


def test_a_folder_among_files_is_set_aside(tmp_path):
    write_files(tmp_path, ["a.png", "b/c.png"])
    patches = read([tmp_path / "a.png", tmp_path / "b"])
    assert [(fault.path.name, fault.reason) for fault in patches.faults] == [("b", "it is not a file")]


def test_a_file_of_another_kind(tmp_path):
    write_files(tmp_path, ["notes.md", "a.png"])
    assert "neither a folder" in refusal(tmp_path / "notes.md")
    assert "is a file" in refusal(tmp_path / "a.png", layout="folders")


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        ([*IDC, "readme.png"], "idc"),
        ([*IDC[:2], "a/1.png", "b/1.png", "c/1.png"], "files"),
        (BREAKHIS, "breakhis"),
        (CLASSES, "folders"),
        ([*CLASSES, "loose.png"], "files"),
        (["a.png", "b.png"], "files"),
        (["slide1/a.png", "slide2/a.png", "slide3/a.png"], "files"),
    ],
)
def test_the_layout_is_recognised(tmp_path, names, layout):
    assert read(write_files(tmp_path, names)).layout == layout


def test_options_that_cannot_be():
    with pytest.raises(InvalidInput, match="Did you mean 'folders'"):
        PatchOptions(layout="folder")
    for mpp in (0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidInput, match="mpp is"):
            PatchOptions(mpp=mpp)


def test_a_column_of_mpp_belongs_to_a_manifest(tmp_path):
    assert "is no manifest" in refusal(write_files(tmp_path, CLASSES), mpp="mpp")


# --- real sets

REAL = {
    "idc": ({}, 12_003, 223, {"0": 8_622, "1": 3_381}),
    "crchisto": ({"target": "label", "group": "patient"}, 9_411, 51, {"0": 6_635, "1": 2_776}),
    "crchisto/manifest.csv": (
        {"target": "cell_type", "group": "patient", "where": {"part": "main"}},
        4_439,
        32,
        {"epithelial": 1_789, "inflammatory": 1_044, "fibroblast": 943, "others": 663},
    ),
    "lung": ({"target": "label", "group": "group"}, 1_178, 589, {"lung_n": 388, "lung_aca": 384, "lung_scc": 406}),
    "herlev": ({"target": "grade", "group": "group"}, 755, 260, {"0": 195, "1": 147, "2": 126, "3": 169, "4": 118}),
    "gleason": ({"target": "label", "group": "slide"}, 755, 107, {"0": 553, "1": 151, "2": 51}),
    "gleason/manifest.csv": (
        {"target": "label", "group": "slide", "where": {"site": "karolinska"}},
        668,
        95,
        {"0": 553, "1": 90, "2": 25},
    ),
    "breakhis": ({"layout": "breakhis"}, 19, 19, {"benign": 9, "malignant": 10}),
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", REAL)
def test_real_sets_have_the_counts_of_their_description(realdata, name):
    options, rows, groups, labels = REAL[name]
    patches = read(realdata / name, **options)
    assert (len(patches), len(np.unique(patches.groups))) == (rows, groups)
    assert Counter(patches.target.tolist()) == labels
    assert patches.faults == ()
    assert patches.path(0).is_file()


@pytest.mark.realdata
def test_the_names_of_breakhis_agree_with_the_manifest(realdata):
    folder = realdata / "breakhis"
    for column, own in (("label", "label"), ("subtype", "subtype"), ("magnification", "magnification")):
        assert by_id(read(folder, target=column)) == by_id(read(folder, layout="breakhis", target=own))
    assert by_id(read(folder, group="patient"), "groups") == by_id(read(folder, layout="breakhis"), "groups")
