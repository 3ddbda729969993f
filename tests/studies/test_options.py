import pytest

from cancernet.errors import InvalidInput
from cancernet.studies import study_from
from studies.made import made_study


def refused(match: str, **sections) -> None:
    """Fail unless the study is refused with these words."""
    with pytest.raises(InvalidInput, match=match):
        made_study(**sections)


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ({"folds": 5, "test": 0.2}, "'split'.*folds and test exclude each other"),
        ({"folds": 5, "file": "split.json"}, "folds and file exclude each other"),
        ({"folds": None, "test": 0.2, "file": "split.json"}, "test and file exclude each other"),
        ({"validation": 0.2}, "validation needs test"),
        ({"folds": None, "test": 0.5, "validation": 0.5}, r"test \+ validation is 1: nothing is left to train on"),
        ({"folds": None, "test": 0.2, "repeats": 3}, "repeats = 3 needs folds"),
        ({"folds": None, "file": "split.json", "repeats": 2}, "a split with file is drawn once"),
        ({"folds": 1}, "'split.folds' = 1 cannot be used"),
        ({"repeats": 0}, "'split.repeats' = 0"),
        ({"folds": None, "test": 0}, "'split.test' = 0"),
        ({"folds": None, "test": 1.0}, "'split.test' = 1.0"),
        ({"seed": -1}, "'split.seed' = -1"),
        ({"seed": 2**32}, "'split.seed' = 4294967296"),
    ],
)
def test_splits_that_cannot_be_are_refused(split, words):
    refused(words, split=split)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ({"positive": None}, 'a binary task needs its positive class, for example positive = "M"'),
        ({"kind": "multiclass"}, "a multiclass task has no positive class"),
        ({"kind": "ranking"}, "'task.kind' = 'ranking'"),
        ({"kind": "ordinal", "positive": None}, "its grades in order"),
        ({"classes": ["M"]}, "classes are two or more, each named once"),
        ({"classes": ["M", "M"]}, "classes are two or more, each named once"),
        ({"positive": 1}, "'task.positive' = 1"),
    ],
)
def test_tasks_that_cannot_be_are_refused(task, words):
    refused(words, task=task)


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({"threshold": "balance"}, r"report.threshold: Unknown threshold rule 'balance'.*Did you mean 'balanced'\?"),
        ({"threshold": "sensitivity = 95"}, "Unknown threshold rule"),
        ({"threshold": 1.5}, "Unknown threshold rule '1.5'"),
        ({"coverage": 0.3}, "'report.coverage' = 0.3"),
        ({"coverage": 1}, "'report.coverage' = 1"),
        ({"prevalence": [0.1, 1.0]}, "'report.prevalence.1' = 1.0"),
        ({"draws": 10}, "'report.draws' = 10"),
    ],
)
def test_reports_that_cannot_be_are_refused(report, words):
    refused(words, report=report)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"name": ""}, "'name' = ''"),
        ({"name": "../x"}, "'name' = '../x'"),
        ({"name": "a/b"}, "'name' = 'a/b'"),
        ({"data": {"source": ""}}, "'data.source' = ''"),
        ({"data": {"missing": "drop"}}, "'data.missing' = 'drop'"),
        ({"data": {"kind": "slides"}}, "Unknown data.kind 'slides'. Known are: 'table', 'expression', 'patches'"),
        ({"model": {"filters": [0]}}, "'model.filters.0' = 0"),
        ({"model": {"dense": 10**90}}, r"'model.dense' = 1000+\.\.\.0000000000 cannot"),
        ({"training": {"epochs": "many"}}, "'training.epochs' = 'many'"),
        ({"training": {"learning_rate": 0}}, "'training.learning_rate' = 0"),
    ],
)
def test_other_values_that_cannot_be_are_refused(sections, words):
    refused(words, **sections)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "the study lacks 'name'. It is required"),
        ({"name": "a"}, "lacks 'data'"),
        ({"name": "a", "data": {}}, "lacks 'data.source'"),
        ({"name": "a", "data": {"source": "wdbc"}}, "lacks 'task'"),
        ({"name": "a", "data": "wdbc", "task": {"positive": "M"}}, "'data' = 'wdbc' cannot be used"),
    ],
)
def test_what_is_required_is_named(fields, words):
    with pytest.raises(InvalidInput, match=words):
        study_from(fields)


def test_a_threshold_may_be_a_number():
    assert made_study(report={"threshold": 0.5}).report.threshold == "0.5"


def test_a_study_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        made_study().name = "other"


@pytest.mark.parametrize("name", ["lineer", ["linear"], 1])
def test_an_unknown_network_for_tables_is_refused_with_the_names_of_all(name):
    with pytest.raises(InvalidInput, match="should be 'conv1d', 'dense' or 'linear'"):
        made_study(model={"name": name})


def test_a_table_may_have_either_network():
    assert made_study(model={"name": "linear", "l2": 0.5, "filters": None, "dense": None}).model.l2 == 0.5
    assert made_study(model={"dense": 7}).model.name == "conv1d"
