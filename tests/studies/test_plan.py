from dataclasses import replace

import numpy as np
import pytest

from cancernet.data import FNA_FEATURES, load, write_split
from cancernet.errors import InvalidInput, LeakingSplit
from cancernet.studies.options import TableData
from cancernet.studies.plan import make_split, task_of
from cancernet.studies.tables import read_data
from cancernet.studies.train import make_plan
from studies.made import held_out_study, made_study, made_table

FNA = [feature.name for feature in FNA_FEATURES]


@pytest.fixture(scope="module")
def wdbc():
    """Eighty rows of the built-in table, both classes."""
    return load("wdbc").take(np.arange(80))


def shuffled(table, seed):
    """Return the table with its columns in another order."""
    order = np.random.default_rng(seed).permutation(table.feature_names)
    return table.select([str(name) for name in order])


@pytest.mark.parametrize("seed", range(3))
def test_the_thirty_features_are_put_in_order(wdbc, seed):
    plan = make_plan(made_study(), shuffled(wdbc, seed))
    assert plan.layout == "10x3"
    assert list(plan.table.feature_names) == FNA
    np.testing.assert_array_equal(plan.cohort.values, wdbc.select(FNA).values)
    assert "10 features with 3 channels" in plan.layout_reason


def test_the_order_of_the_file_does_not_change_what_is_fitted(wdbc):
    """The digest is over version, study, values, classes, groups and split: all that a prediction follows from."""
    first, second = (make_plan(made_study(), table) for table in (wdbc, shuffled(wdbc, 1)))
    assert first.digest == second.digest


def test_features_of_a_row_stand_at_their_place(wdbc):
    """Position p of the network sees mean, error and worst value of one feature."""
    plan = make_plan(made_study(), shuffled(wdbc, 2))
    names = np.array(plan.table.feature_names).reshape(3, 10).T
    for mean, error, worst in names.tolist():
        assert mean.removeprefix("mean_") == error.removesuffix("_error") == worst.removeprefix("worst_")


@pytest.mark.parametrize("columns", [FNA[:29], FNA[:10]])
def test_other_columns_keep_their_order_and_the_reason_is_said(wdbc, columns):
    plan = make_plan(made_study(), wdbc.select(columns, exact=False))
    assert plan.layout == "columns"
    assert list(plan.table.feature_names) == columns
    assert f"The {len(columns)} columns are laid out in the order of the table with 1 channel" in plan.layout_reason


def test_the_positive_class_comes_last():
    table = made_table()
    for positive, classes in (("M", ("B", "M")), ("B", ("M", "B"))):
        plan = make_plan(made_study(task={"positive": positive}), table)
        assert plan.task.classes == classes
        assert plan.task.positive == positive
        np.testing.assert_array_equal(np.array(classes)[plan.cohort.codes], table.target)
    assert task_of(made_study(task={"classes": ["M", "B"]}), table.classes, target="label").classes == ("B", "M")


def test_classes_keep_the_order_that_was_asked_for():
    table = made_table(classes=("x", "y", "z"))
    multiclass = {"kind": "multiclass", "positive": None}
    assert task_of(made_study(task=multiclass), table.classes, target="label").classes == ("x", "y", "z")
    assert task_of(
        made_study(task={**multiclass, "classes": ["z", "x", "y"]}), table.classes, target="label"
    ).classes == ("z", "x", "y")


@pytest.mark.parametrize(
    ("study", "table", "words"),
    [
        ({"task": {"positive": "m"}}, {}, r"Unknown positive class 'm'.*Did you mean 'M'\?"),
        ({}, {"classes": ("B", "M", "Q")}, "has 3 classes: B, M, Q. Two for a binary task"),
        ({}, {"classes": ("M",)}, "holds one class only: M"),
        ({"task": {"kind": "multiclass", "positive": None}}, {"classes": ("M",)}, "holds one class only: M"),
        ({"task": {"kind": "multiclass", "positive": None, "classes": ["B", "M", "Z"]}}, {}, "has no row of 'Z'"),
        ({"task": {"positive": "B", "classes": ["B", "C"]}}, {}, "has the label 'M'"),
        ({}, {"missing": 0.1}, "is missing, the first of"),
        ({}, {"columns": 0}, "has no feature column"),
        ({"split": {"folds": 30}}, {}, "has 24 groups for 30 folds.*Take at most 24 folds"),
        ({"training": {"inner_folds": 24}}, {}, "has 24 groups for 25 folds"),
    ],
)
def test_data_that_cannot_be_used_are_refused(study, table, words):
    with pytest.raises(InvalidInput, match=words):
        make_plan(made_study(**study), made_table(**table))


def test_a_table_without_target_or_groups_is_refused():
    with pytest.raises(InvalidInput, match="has no target column"):
        make_plan(made_study(), replace(made_table(), target=None))
    with pytest.raises(InvalidInput, match='group = "row"'):
        make_plan(made_study(), replace(made_table(), group_column=None))


def test_a_constant_column_is_named():
    table = made_table()
    values = table.values.copy()
    values[:, 2] = 4.0
    with pytest.raises(InvalidInput, match="same value in all rows: 'f2'"):
        make_plan(made_study(), replace(table, values=values))


def test_the_same_row_on_two_sides_is_a_leak():
    table = made_table()
    values = table.values.copy()
    values[:2] = values[2:4]  # four patients, two measurements
    studies = [made_study(split={"folds": 5, "seed": seed}, training={"inner_folds": 2}) for seed in range(3)]

    def leaks(study):
        try:
            make_plan(study, replace(table, values=values))
        except LeakingSplit:
            return True
        return False

    assert any(leaks(study) for study in studies)


def test_splits_are_those_that_were_asked_for(tmp_path):
    table = made_table()
    folds = make_split(made_study(split={"folds": 3, "repeats": 2, "seed": 5}), table)
    assert (folds.kind, len(folds.folds), folds.repeats, folds.seed) == ("k-fold", 6, 2, 5)
    assert len(make_split(made_study(split={"folds": None}), table).folds) == 5
    held = make_split(held_out_study(), table)
    assert held.kind == "held-out"
    assert min(len(held.folds[0].validation), len(held.folds[0].test)) > 10
    assert not len(make_split(made_study(split={"folds": None, "test": 0.3}), table).folds[0].validation)
    write_split(tmp_path / "split.json", folds)
    again = make_split(made_study(split={"folds": None, "file": str(tmp_path / "split.json")}), table)
    assert again.to_dict() == folds.to_dict()


def test_a_split_of_another_table_is_refused(tmp_path):
    write_split(tmp_path / "split.json", make_split(held_out_study(), made_table()))
    study = made_study(split={"folds": None, "file": str(tmp_path / "split.json")})
    with pytest.raises(InvalidInput, match="other ids"):
        make_plan(study, made_table(50))


def test_built_in_tables_take_columns_and_nothing_that_they_lack():
    chosen = read_data(TableData(source="wdbc", columns=("mean_area", "mean_radius"), drop=("mean_area",)))
    assert chosen.feature_names == ("mean_radius",)
    assert len(read_data(TableData(source="wdbc", drop=("mean_area",))).features) == 29
    with pytest.raises(InvalidInput, match=r"Unknown column of the built-in table 'wdbc' 'mean_aera'.*'mean_area'"):
        read_data(TableData(source="wdbc", drop=("mean_aera",)))
    with pytest.raises(InvalidInput, match="Unknown target"):
        read_data(TableData(source="wdbc", target="label"))
    with pytest.raises(InvalidInput, match="Unknown group"):
        read_data(TableData(source="wdbc", group="patient"))


def test_the_digest_tells_studies_data_and_splits_apart():
    study, table = made_study(), made_table()
    values, target = table.values.copy(), np.array(table.target)
    values[3, 1] += 1e-9
    target[0], target[1] = target[1], target[0]
    others = [
        make_plan(made_study(training={"epochs": 5}), table),
        make_plan(made_study(split={"seed": 8}), table),
        make_plan(study, replace(table, values=values)),
        make_plan(study, replace(table, target=target)),
        make_plan(study, replace(table, groups=np.char.add(table.groups, "x"))),
        make_plan(study, table.select(table.feature_names[::-1])),
        make_plan(held_out_study(), table),
    ]
    digests = {plan.digest for plan in [make_plan(study, table), *others]}
    assert len(digests) == len(others) + 1
    assert make_plan(study, made_table()).digest == make_plan(study, table).digest


def test_a_table_may_have_ordered_grades():
    grades = ("c", "a", "b")  # from the least severe
    task = {"kind": "ordinal", "positive": None, "classes": list(grades)}
    study = made_study(task=task, model={"name": "dense", "filters": None, "dense": None, "units": [4]})
    plan = make_plan(study, made_table(classes=("a", "b", "c")))
    assert plan.task.classes == grades
    rows = np.arange(len(plan.table))
    logits = plan.baseline("logistic").cross_fit(rows, [rows[::2], rows[1::2]], seed=0).logits
    assert logits.shape == (len(rows), 2)
    assert (np.diff(logits, axis=1) >= 0).all()
    with pytest.raises(InvalidInput, match=r'a table need model\.name = "dense"'):
        made_study(task=task)
