"""Tables that cannot be used, through every verb that reads one."""

import gzip
from pathlib import Path

import pytest

from cli.made import STUDY, contents, linear_bundle, refused, write_cases, write_labelled, write_rows, write_table

GOOD = "id,radius,texture,area\na,14,19,600\nb,15,20,700\n"
BAD_FOR_ALL = {
    "empty": (b"", ["is empty"]),
    "only a header": (b"id,radius,texture,area\n", ["no row"]),
    "blank lines": (b"\n\n\n", ["is empty"]),
    "text cell": (GOOD.encode().replace(b"20", b"large"), ["large", "row 2", "'texture'"]),
    "infinity": (GOOD.encode().replace(b"700", b"-inf"), ["Infinity", "row 2", "'area'"]),
    "short row": (GOOD.encode().replace(b",700", b""), ["Row 2", "3 cells"]),
    "two columns of one name": (GOOD.encode().replace(b"texture", b"radius"), ["radius"]),
    "no UTF-8": (GOOD.encode().replace(b"b,", b"\xff,"), ["UTF-8"]),
    "a spreadsheet": (b"PK\x03\x04" + bytes(60), ["Excel"]),
    "damaged gzip": (gzip.compress(GOOD.encode() * 99)[:40], ["damaged"]),
    "damaged Parquet": (b"PAR1" + bytes(60), ["Parquet"]),
    "missing column": (GOOD.encode().replace(b"texture", b"texure"), ["texture"]),
}


@pytest.mark.parametrize(("content", "words"), BAD_FOR_ALL.values(), ids=BAD_FOR_ALL.keys())
@pytest.mark.parametrize("verb", ["predict", "evaluate", "explain"])
def test_a_bad_table_is_refused_by_every_verb(here: Path, bundle: Path, verb: str, content: bytes, words) -> None:
    (here / "rows.csv").write_bytes(content)
    out = here / ("out.csv" if verb == "predict" else "out")
    more = () if verb == "predict" else ("--target", "id", "--group", "row")
    message = refused(verb, bundle, "rows.csv", "--out", out, *more[: 0 if verb == "explain" else 4])
    for word in (*words, "rows.csv"):
        assert word in message


@pytest.mark.parametrize("content", ["empty", "only a header", "text cell", "infinity", "damaged gzip"])
def test_a_bad_table_is_refused_by_audit_and_train(here: Path, content: str) -> None:
    (here / "rows.csv").write_bytes(BAD_FOR_ALL[content][0])
    (here / "tiny.toml").write_text(STUDY.replace("cases.csv", "rows.csv").replace('id = "case"', ""))
    refused("data", "audit", "rows.csv")
    refused("train", "tiny.toml", "--set", "data.target=texture", "--group", "row")


def test_a_file_that_is_not_there_or_a_folder(here: Path, bundle: Path) -> None:
    (here / "folder").mkdir()
    for verb in (("predict", bundle), ("evaluate", bundle), ("explain", bundle), ("data", "audit")):
        assert "no such file" in refused(*verb, "nowhere.csv")
        words = "'folder' holds no image" if verb == ("data", "audit") else "it is a folder"
        assert words in refused(*verb, "folder")


def test_missing_values_are_refused_by_a_bundle_without_medians(here: Path, bundle: Path) -> None:
    (here / "rows.csv").write_text(GOOD.replace("20", "NA"))
    message = refused("predict", bundle, "rows.csv", "--out", "out.csv")
    assert "row 2" in message.lower()
    assert "'texture'" in message
    assert message == refused("explain", bundle, "rows.csv", "--out", "why").removeprefix("Explaining ...\n")


@pytest.mark.parametrize(
    "command", [("explain",), ("predict", "--out", "new/folder/out.csv")], ids=["explain", "predict"]
)
def test_no_new_folder_is_left_either(here: Path, bundle: Path, command) -> None:
    (here / "rows.csv").write_text(GOOD.replace("20", "NA"))
    refused(command[0], bundle, "rows.csv", *command[1:])


def test_a_late_bad_row_leaves_no_half_of_the_predictions(here: Path, bundle: Path) -> None:
    rows = write_rows(here / "rows.csv", rows=70_000)  # more than one chunk
    with rows.open("a") as stream:
        stream.write("last,14,oops,600\n")
    message = refused("predict", bundle, "rows.csv", "--out", "out.csv")
    assert "70001" in message
    assert "oops" in message


def test_duplicated_ids_are_named(here: Path, bundle: Path) -> None:
    (here / "rows.csv").write_text(GOOD.replace("b,", "a,"))
    assert "'a'" in refused("data", "audit", "rows.csv", "--id", "id")
    assert "'a'" in refused("explain", bundle, "rows.csv")


def _train(here: Path, columns, *settings: str) -> str:
    write_table(here / "cases.csv", columns)
    (here / "tiny.toml").write_text(STUDY)
    return refused("train", "tiny.toml", "--out", "run", *settings)


def _columns(**changes) -> dict[str, list]:
    from cli.made import read_rows

    rows = read_rows(write_cases(Path("base.csv")))
    Path("base.csv").unlink()
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return columns | changes


def test_training_on_tables_that_teach_nothing(here: Path) -> None:
    count = len(_columns()["case"])
    cases = [
        ("the same value in all rows: 'texture'", {"texture": [3.5] * count}, ()),
        ("one class only", {"label": ["M"] * count}, ()),
        ("Unknown positive class 'Q'", {}, ("--set", "task.positive=Q")),
        ("column 'area'", {"area": ["inf"] * count}, ()),
        ("is missing", {"area": ["", *["1.5", "2.5"] * 30]}, ()),
        ("no value in any row: 'area'", {"area": [""] * count}, ("--set", "data.missing=median")),
        ("'c1'", {"case": ["c1"] * count}, ()),
        ("Class 'B' has 2 groups for 3 folds", {"patient": ["p1", "p2"] * 30 + ["p2"]}, ()),
        ("Did you mean 'patient'?", {}, ("--group", "patien")),
        ("Did you mean 'label'?", {}, ("--set", "data.target=lable")),
        ("lacks the column ''", {}, ("--set", "data.target=")),
    ]
    for words, changes, settings in cases:
        assert words in _train(here, _columns(**changes), *settings)


def test_identical_rows_of_two_patients_leak(here: Path) -> None:
    columns = _columns()
    for name in ("radius", "texture", "area"):
        columns[name] = [*columns[name][:40], *columns[name][:21]]
    assert "same values" in _train(here, columns)


def test_evaluating_needs_truth_and_groups(here: Path, bundle: Path) -> None:
    write_labelled(here / "rows.csv")
    assert "--target COLUMN" in refused("evaluate", bundle, "rows.csv")
    assert "--group" in refused("evaluate", bundle, "rows.csv", "--target", "label")
    message = refused("evaluate", bundle, "rows.csv", "--target", "lable", "--group", "patient")
    assert "Did you mean 'label'?" in message
    rows = (here / "rows.csv").read_text().replace(",M\n", ",Q\n", 1)
    (here / "rows.csv").write_text(rows)
    assert "'Q'" in refused("evaluate", bundle, "rows.csv", "--target", "label", "--group", "patient")


def test_a_wrong_share_or_name_of_an_option(here: Path, bundle: Path) -> None:
    write_rows(here / "rows.csv")
    for share in ("0", "1", "-0.1", "nan", "inf"):
        assert "prevalence" in refused("predict", bundle, "rows.csv", "--prevalence", share).lower()
    assert "Did you mean 'openvino'?" in refused("predict", bundle, "rows.csv", "--runtime", "openvion")
    assert "Did you mean 'shapley'?" in refused("explain", bundle, "rows.csv", "--method", "shaply")
    assert "Did you mean 'onnx'?" in refused("export", bundle, "--format", "onx")
    assert "Did you mean 'id'?" in refused("predict", bundle, "rows.csv", "--id", "idd")


def test_a_prevalence_wants_a_positive_class(here: Path) -> None:
    from cancernet import bundle as store

    task = store.Task(kind="multiclass", classes=("B", "M"))
    folder = linear_bundle(here / "many", task=task, decision=store.Decision())
    write_rows(here / "rows.csv")
    assert "prevalence" in refused("predict", folder, "rows.csv", "--prevalence", "0.1").lower()


def test_the_suffix_of_an_output_says_its_form(here: Path, bundle: Path) -> None:
    write_rows(here / "rows.csv")
    assert ".csv" in refused("predict", bundle, "rows.csv", "--out", "out.xlsx")


def test_the_input_is_not_overwritten(here: Path, bundle: Path) -> None:
    write_rows(here / "rows.csv")
    before = contents(here)
    refused("predict", bundle, "rows.csv", "--out", "rows.csv")
    assert "the input itself" in refused("predict", bundle, "rows.csv", "--out", "rows.csv", "--force")
    assert contents(here) == before
