import tomllib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.errors import CancerNetError, InvalidInput, StorageFailure
from cancernet.studies import (
    Study,
    builtin_studies,
    find_study,
    parse_study,
    read_study,
    study_from,
    template,
    to_toml,
)
from cancernet.studies.tables import read_data

TEXT = """
name = "made"
[data]
source = "wdbc"
[task]
positive = "M"
"""

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
shares = st.floats(0.01, 0.45)
seeds = st.integers(0, 2**31 - 1)
splits = st.one_of(
    st.fixed_dictionaries({"folds": st.integers(2, 20), "repeats": st.integers(1, 9), "seed": seeds}),
    st.fixed_dictionaries({"test": shares}, optional={"validation": shares}),
    st.fixed_dictionaries({"file": words}),
)
tasks = st.one_of(
    st.fixed_dictionaries({"kind": st.just("binary"), "positive": words}),
    st.fixed_dictionaries(
        {"kind": st.just("multiclass")}, optional={"classes": st.lists(words, min_size=2, max_size=4, unique=True)}
    ),
)
rules = st.one_of(
    st.sampled_from(["balanced", "f1", "sensitivity = 0.9", "specificity = 0.99"]), st.floats(0.001, 0.999)
)
studies = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
        "data": st.fixed_dictionaries(
            {"source": names},
            optional={
                "target": words,
                "group": words,
                "id": words,
                "columns": st.lists(words, max_size=3),
                "drop": st.lists(words, max_size=3),
                "missing": st.sampled_from(["error", "median"]),
            },
        ),
        "split": splits,
        "task": tasks,
        "model": st.fixed_dictionaries(
            {},
            optional={
                "filters": st.lists(st.integers(1, 64), min_size=1, max_size=3),
                "l2": st.floats(0, 1e300),
                "noise": st.floats(0, 3),
                "dropout": st.floats(0, 0.99),
            },
        ),
        "training": st.fixed_dictionaries(
            {}, optional={"seed": st.integers(0, 2**32 - 1), "learning_rate": st.floats(1e-300, 10)}
        ),
        "report": st.fixed_dictionaries(
            {}, optional={"threshold": rules, "prevalence": st.lists(st.floats(1e-9, 0.99), max_size=3)}
        ),
    },
    optional={"title": words, "licence": words, "intended_use": words, "limits": st.lists(words, max_size=2)},
)


@given(studies)
def test_what_is_written_is_read_again(fields):
    study = study_from(fields)
    assert study_from(tomllib.loads(to_toml(study))) == study


@given(studies)
def test_every_key_is_written(fields):
    """A run can be repeated although defaults change: only what is None is left out."""
    written = tomllib.loads(to_toml(study_from(fields)))
    assert {"epochs", "schedule", "seed", "class_weights"} <= set(written["training"])
    assert {"filters", "dense", "noise", "dropout", "l2", "activation"} <= set(written["model"])


@given(st.text(max_size=200))
def test_any_text_is_a_study_or_refused(text):
    with suppress(CancerNetError):
        assert isinstance(parse_study(text), Study)


toml_values = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), words, st.dates()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)
keys = st.sampled_from(
    ["name", "data", "split", "task", "model", "training", "report", "source", "positive", "folds", "x"]
)


@given(st.dictionaries(keys, st.one_of(toml_values, st.dictionaries(keys, toml_values, max_size=4)), max_size=6))
def test_any_dictionary_is_a_study_or_refused(fields):
    with suppress(CancerNetError):
        assert isinstance(study_from(fields), Study)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_setting_is_taken_or_refused(key, value):
    with suppress(CancerNetError):
        assert isinstance(parse_study(TEXT, settings=[f"{key}={value}", value]), Study)


@given(st.text(min_size=1, max_size=30))
def test_any_source_is_read_or_refused(source):
    with suppress(CancerNetError):
        assert read_data(parse_study(TEXT).data.model_copy(update={"source": source})).features


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("training.epoch=3", r"unknown key 'training.epoch'. Known in \[training\].*Did you mean 'training.epochs'\?"),
        ("modle.name=conv1d", r"unknown key 'modle'. Known in the top level.*Did you mean 'model'\?"),
        ("task.postive=M", r"Did you mean 'task.positive'\?"),
        ("report.zzz=1", r"unknown key 'report.zzz'. Known in \[report\]: 'threshold'"),
        ("name.first=a", "'name' is not a section"),
        ("a.b.c.d=1", "Cannot understand --set 'a.b.c.d=1'"),
        ("epochs", "Cannot understand --set 'epochs'. section.key=value. For example training.epochs=20"),
        ("=3", "Cannot understand"),
    ],
)
def test_a_setting_that_is_not_known_is_told_with_the_nearest(setting, words):
    with pytest.raises(InvalidInput, match=words):
        parse_study(TEXT, settings=[setting])


def test_settings_change_the_study_in_order():
    settings = ["training.epochs=3", "training.epochs = 4", "report.threshold=0.4", 'limits=["a", "b"]', "title=Ä b"]
    study = parse_study(TEXT, settings=settings)
    assert (study.training.epochs, study.report.threshold, study.limits) == (4, "0.4", ("a", "b"))
    assert study.title == "Ä b"


@pytest.mark.parametrize("text", ["name = ", "[data", "= 3", "a = " + "1" * 5000, "a = " + "[" * 3000])
def test_what_is_no_toml_is_refused(text):
    with pytest.raises(InvalidInput, match="is not valid TOML"):
        parse_study(text)


def test_a_file_is_named_in_its_errors(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace("positive", "positiv"))
    with pytest.raises(InvalidInput, match=r"mine.toml' has an unknown key 'task.positiv'"):
        read_study(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="is not text in UTF-8"):
        read_study(path)
    with pytest.raises(StorageFailure, match="there is no such file"):
        read_study(tmp_path / "absent.toml")


def test_relative_paths_start_at_the_study(tmp_path, monkeypatch):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    (tmp_path / "split.json").write_text("{}")
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace("wdbc", "rows.csv") + '[split]\nfile = "split.json"\n')
    study = read_study(path)
    assert study.data.source == str((tmp_path / "rows.csv").resolve())
    assert study.split.file == str((tmp_path / "split.json").resolve())
    monkeypatch.chdir(tmp_path)
    assert read_study(path.relative_to(tmp_path)) == study


def test_variables_are_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACE", str(tmp_path))
    (tmp_path / "rows.csv").write_text("a\n1\n")
    study = parse_study(TEXT.replace("wdbc", "$PLACE/rows.csv"))
    assert study.data.source == str((tmp_path / "rows.csv").resolve())


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("~no_such_user_here/a.csv", StorageFailure),
        ("a" * 5000 + ".csv", StorageFailure),
        ("a" * 5000, InvalidInput),
        (r"a\u0000b.csv", InvalidInput),
        ("wbdc", InvalidInput),
        ("absent.csv", StorageFailure),
    ],
)
def test_a_source_that_is_not_there_is_told(source, error):
    with pytest.raises(error):
        read_data(parse_study(TEXT.replace("wdbc", source)).data)


def test_the_studies_of_the_package_are_valid():
    assert builtin_studies() == ("wdbc",)
    for name in builtin_studies():
        assert find_study(name).name == name
    assert find_study("wdbc", settings=["training.epochs=2"]).training.epochs == 2


def test_an_unknown_study_is_told_with_the_nearest():
    with pytest.raises(InvalidInput, match=r"Did you mean 'wdbc'\?"):
        find_study("wbdc")


def test_the_template_is_a_study_and_its_comments_are_the_defaults():
    study = parse_study(template())
    lines = template().splitlines()
    shown = [line.removeprefix("# ") if line.startswith("# ") and "=" in line else line for line in lines]
    skipped = ("Run it", "A study", "id =", "columns", "drop", "classes", "licence")
    fields = tomllib.loads("\n".join(line for line in shown if not line.startswith(skipped)))
    for section in ("model", "training", "report"):
        assert study_from({**study.to_dict(), section: fields[section]}).to_dict()[section] == study.to_dict()[section]
    assert study.training == type(study.training)()
    assert study.model == type(study.model)()
    assert study.report == type(study.report)()
