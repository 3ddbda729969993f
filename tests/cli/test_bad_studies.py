"""Studies that cannot be: the key, its value and the nearest known one are named, and nothing is begun."""

from pathlib import Path

import pytest

from cli.made import STUDY, contents, refused, succeeded, write_cases, write_study

SETTINGS = {
    "training.epoch=3": "Did you mean 'training.epochs'?",
    "trainng.epochs=3": "Did you mean 'training'?",
    "training.epochs=many": "'training.epochs' = 'many'",
    "training.epochs=0": "greater than or equal to 1",
    "training.learning_rate=nan": "finite",
    "split.folds=1": "'split.folds' = 1",
    "split.folds=70": "for 70 folds",
    "split.test=0.5": "exclude each other",
    "split.file=other.json": "exclude each other",
    "task.kind=ranking": "'binary', 'multiclass', 'ordinal' or 'segmentation'",
    "task.kind=ordinal": "no positive class",
    "task.classes=[]": "task",
    "model.name=conv2d": "'conv1d'",
    "report.threshold=sensitivity": "Unknown threshold rule",
    "report.coverage=1": "less than 1",
    "data=3": "section",
    "name=../up": "letters",
    "data.source=nowhere.csv": "no such file",
    "data.source=wdcb": "Did you mean 'wdbc'?",
    'data.drop=["textur"]': "Did you mean 'texture'?",
    'data.columns=["label"]': "at once",
    "epochs": "section.key=value",
    "=3": "section.key=value",
    "a.b.c.d=3": "section.key=value",
    "name.x=3": "not a section",
}


@pytest.mark.parametrize(("setting", "words"), SETTINGS.items(), ids=SETTINGS.keys())
def test_a_setting_that_cannot_be(here: Path, setting: str, words: str) -> None:
    study = write_study(here / "tiny.toml")
    assert words in refused("train", study, "--set", setting)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("epochs", "epoch", "Did you mean 'training.epochs'?"),
        ("[task]", "[taks]", "Did you mean 'task'?"),
        ('positive = "M"', "", "positive class"),
        ('source = "cases.csv"', "", "lacks 'data.source'"),
        ('name = "tiny"', "", "lacks 'name'"),
        ("folds = 2", "folds = ", "not valid TOML"),
        ("[split]", "[data]", "not valid TOML"),
        ("cases.csv", "cases\\u0000.csv", "null character"),
        ("cases.csv", "~nobody-at-all/cases.csv", "no such file"),
        ("cases.csv", "a" * 300 + ".csv", "name is too long"),
        ("cases.csv", "/", "it is a folder"),
    ],
)
def test_a_study_file_that_cannot_be(here: Path, old: str, new: str, words: str) -> None:
    write_study(here / "tiny.toml", STUDY.replace(old, new))
    assert words in refused("train", "tiny.toml")


def test_a_study_that_is_not_there(here: Path) -> None:
    assert "Did you mean 'wdbc'?" in refused("train", "wdcb")
    assert "no such file" in refused("train", "nowhere.toml")
    assert "cancernet init" in refused("train", "")
    write_study(here / "mine.toml")
    assert "Did you mean 'mine.toml'?" in refused("train", "mine")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\x00", b"[" * 5000, b"a = [" * 3000], ids=str)
def test_a_study_file_of_noise(here: Path, content: bytes) -> None:
    (here / "noise.toml").write_bytes(content)
    assert "noise.toml" in refused("train", "noise.toml")


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("{}", "not a valid split"),
        ("[1", "not valid JSON"),
        ('{"schema": 99}', "newer version"),
        (None, "no such file"),
    ],
)
def test_a_split_file_that_cannot_be(here: Path, split: str | None, words: str) -> None:
    write_study(here / "tiny.toml", STUDY.replace("folds = 2", 'file = "split.json"', 1))
    if split is not None:
        (here / "split.json").write_text(split)
    assert words in refused("train", "tiny.toml")


def test_the_split_of_another_table(here: Path, run_folder: Path) -> None:
    study = write_study(here / "tiny.toml", STUDY.replace("folds = 2", f'file = "{run_folder / "split.json"}"', 1))
    write_cases(here / "cases.csv", rows=40)
    assert "other ids" in refused("train", study)


def test_a_study_is_not_overwritten(here: Path) -> None:
    (here / "mine.toml").write_text("precious")
    assert "'mine.toml' exists already" in refused("init", "mine.toml")
    assert contents(here) == {"mine.toml": b"precious"}
    succeeded("init", "mine.toml", "--force")
    assert "precious" not in (here / "mine.toml").read_text()
