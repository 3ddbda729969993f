import json
from dataclasses import replace

import numpy as np
import pytest

from cancernet.data import (
    Feature,
    Fold,
    Split,
    Table,
    audit_split,
    audit_tables,
    digest_of_ids,
    folds_by_group,
    load,
    read_table,
)
from cancernet.data import split_by_group as held_out
from cancernet.errors import InvalidInput, LeakingSplit
from data.made import patients, table_of


def by_rows(table, test, validation=()):
    """Return the held-out split that tests these rows, whatever the groups."""
    train = np.setdiff1d(np.arange(len(table)), [*test, *validation])
    fold = Fold(0, 0, train, np.array(validation), np.array(test))
    return Split("held-out", (fold,), 0, table.group_column, len(table), digest_of_ids(table.ids))


def scores(rows=400, features=9, seed=0):
    """Return independent scores 1 to 3 with a label that says nothing."""
    rng = np.random.default_rng(seed)
    return table_of(rng.choice(["B", "M"], rows).tolist(), values=rng.integers(1, 4, (rows, features)))


def test_a_clean_split_passes():
    for split in (folds_by_group(patients(), repeats=2), held_out(patients())):
        audit = audit_split(patients(), split)
        audit.refuse()
        assert not audit.leaks
        assert audit.shared_groups == audit.identical == ()
        assert "None of the 60 groups" in audit.sentences()[0]


@pytest.mark.parametrize("validation", [(), (6, 7)])
def test_a_group_on_two_sides_is_refused_by_name(validation):
    table = table_of(["M", "B"] * 4, ["a", "b", "c", "d", "e", "f", "a", "g"])
    audit = audit_split(table, by_rows(table, [0, 1], validation))
    assert audit.shared_groups == ("a",)
    with pytest.raises(LeakingSplit, match="1 groups of column 'patient' stand on two sides of the split: 'a'"):
        audit.refuse()


def test_validation_is_held_out_from_training_too():
    table = table_of(["M", "B"] * 4, ["a", "b", "c", "d", "e", "f", "f", "g"])
    assert audit_split(table, by_rows(table, [0], [5])).shared_groups == ("f",)


def test_identical_rows_of_continuous_features_are_refused_by_name():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 4))
    values[50] = values[3]
    values[51] = values[3]
    table = table_of(["M", "B"] * 30, values=values)
    audit = audit_split(table, by_rows(table, [50, 51, 52]))
    assert audit.resolution.continuous
    assert audit.identical == (("case-50", "case-3"), ("case-51", "case-3"))
    assert (audit.crossing.count, audit.crossing.rows, audit.alike.count) == (2, 3, 3)
    with pytest.raises(LeakingSplit, match=r"2 rows .* all 4 features .*'case-50' = 'case-3'.*Give identical rows one"):
        audit.refuse()
    together = replace(table, groups=np.where(np.isin(np.arange(60), [3, 50, 51]), "twins", table.ids))
    assert not audit_split(together, folds_by_group(together)).leaks


def test_equal_means_equal_as_float32_and_missing_equals_missing():
    values = np.random.default_rng(0).normal(size=(40, 3))
    values[0] = [0.1, np.nan, -0.0]
    values[39] = [float(np.float32(0.1)), np.nan, 0.0]
    table = table_of(["M", "B"] * 20, values=values)
    assert audit_split(table, by_rows(table, [39])).identical == (("case-39", "case-0"),)


def test_few_valued_features_are_counted_not_refused():
    table = scores(features=3)
    audit = audit_split(table, folds_by_group(table))
    audit.refuse()
    assert not audit.resolution.continuous
    assert audit.identical
    assert "by chance" in " ".join(audit.sentences())


def test_independent_scores_collide_as_often_as_chance_says():
    table = scores(features=5)
    audit = audit_split(table, folds_by_group(table))
    for number in (audit.alike, audit.crossing):
        assert number.low - 20 <= number.count <= number.high + 20
        assert number.expected == pytest.approx(number.count, rel=0.15)


def test_copied_scores_collide_more_often_than_chance_says():
    table = scores(features=9)
    copied = table.values.copy()
    copied[200:] = copied[:200]
    table = replace(table, values=copied)
    audit = audit_split(table, folds_by_group(table))
    assert audit.alike.count == 400
    assert audit.alike.high < 40


def test_the_audit_is_the_same_twice():
    table = scores()
    split = folds_by_group(table)
    assert audit_split(table, split).to_dict() == audit_split(table, split).to_dict()


def test_the_audit_is_json():
    table = scores(features=3)
    content = json.loads(json.dumps(audit_split(table, folds_by_group(table)).to_dict(), allow_nan=False))
    assert content["leaks"] is False
    assert len(content["identical_rows"]["first"]) == 20


def test_a_split_of_another_table_is_refused():
    with pytest.raises(InvalidInput, match="other ids"):
        audit_split(scores(rows=10), folds_by_group(patients()))


def test_tables_compare_columns_of_the_same_name():
    train = load("wdbc")
    test = train.take(range(10)).select(["worst_area", "mean_texture", "mean_area", "area_error"], exact=False)
    audit = audit_tables(train, test)
    assert audit.features == 4
    assert len(audit.identical) == 10
    assert audit.group_column is None
    with pytest.raises(LeakingSplit, match=r"training and test table"):
        audit.refuse()


def test_tables_without_a_common_column_or_group():
    train, test = table_of(["M", "B"] * 20), load("wdbc")
    audit = audit_tables(train, test)
    audit.refuse()
    assert audit.features == 0
    assert "could not be compared" in " ".join(audit.sentences())


def test_rows_that_agree_in_few_features_are_no_copies():
    """Scores of slides: an engine of low precision gives equal ones, and 0 where nothing is found."""
    values = np.repeat(np.linspace(0, 1, 60), 2)[:, None]
    names = np.array([f"s{number}" for number in range(120)])
    labels = np.array(["M", "B"] * 60)
    few, more = (
        Table(
            name="scores",
            features=tuple(Feature(f"f{column}") for column in range(columns)),
            values=np.repeat(values, columns, axis=1),
            ids=names,
            groups=names,
            target=labels,
            target_column="label",
            group_column="row",
        )
        for columns in (2, 3)
    )
    audit = audit_split(few, folds_by_group(few))
    audit.refuse()
    assert audit.resolution.continuous
    assert "with 2 features, equal ones are no sign of it" in " ".join(audit.sentences())
    with pytest.raises(LeakingSplit, match="the same values in all 3 features"):
        audit_split(more, folds_by_group(more)).refuse()


def test_tables_share_groups():
    table = patients()
    audit = audit_tables(table.take(range(100)), table.take(range(100, 180)))
    assert set(audit.shared_groups) == set(table.groups[:100]) & set(table.groups[100:])


@pytest.mark.realdata
def test_wpbc_repeats_wdbc(realdata):
    folder = realdata / "tabular/wisconsin"
    audit = audit_tables(read_table(folder / "wdbc.data"), read_table(folder / "wpbc.data"))
    assert (len(audit.identical), audit.crossing.rows) == (156, 198)
    assert len(audit.shared_groups) == 139
    assert audit.resolution.many_valued == 30
    with pytest.raises(LeakingSplit, match="139 groups of column 'id'"):
        audit.refuse()
    unnamed = [replace(read_table(folder / name), group_column="row") for name in ("wdbc.data", "wpbc.data")]
    with pytest.raises(LeakingSplit, match="156 rows have the same values in all 30 features"):
        audit_tables(*unnamed).refuse()


@pytest.mark.realdata
def test_the_scored_file_collides_and_is_not_refused(realdata):
    table = read_table(realdata / "tabular/wisconsin/breast-cancer-wisconsin.data")
    audit = audit_split(table, folds_by_group(table))
    audit.refuse()
    assert (audit.groups, audit.alike.rows, audit.alike.count) == (645, 699, 278)
    assert not audit.resolution.continuous
    assert 150 < audit.alike.expected < 250
    assert "278 of 699 rows (39.8 %)" in " ".join(audit.sentences())


@pytest.mark.realdata
def test_wdbc_has_no_row_twice(realdata):
    audit = audit_split(load("wdbc"), folds_by_group(load("wdbc"), repeats=5))
    assert not audit.leaks
    assert audit.alike.count == 0
