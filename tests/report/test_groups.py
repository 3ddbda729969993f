"""Answers by group and by site: the counts, their tables and figures, and when they are left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cancernet.metrics import Scored, measure
from cancernet.report import GroupRow, RunRecord, group_rows
from cancernet.report.figures import drawings
from cancernet.report.grids import Grid, group_metrics_grid, metrics_grid, site_grid, sites_sentence
from cancernet.report.groupfigures import evenness
from cancernet.report.grouptables import group_grid, groups_sentence, mixed_sentence
from report.made import DRAWS

CLASSES = ("benign", "atypical", "malignant")


def answers(
    groups: NDArray[Any], *, classes: int = 2, seed: int = 0, ordered: bool = False, one_truth: bool = False
) -> Scored:
    """Return random answers, right in about two of three rows."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, len(groups))
    if one_truth:
        truth = np.unique(groups, return_inverse=True)[1] % classes
    shares = random.dirichlet(np.ones(classes), len(groups)) + np.eye(classes)[truth]
    shares /= shares.sum(axis=1, keepdims=True)
    called = np.where(random.random(len(groups)) < 0.67, truth, random.integers(0, classes, len(groups)))
    names, positive = (("no", "yes"), "yes") if classes == 2 else (CLASSES[:classes], None)
    return Scored(truth, shares, called, groups.astype(str), names, positive, ordered=ordered)


def record_of(scored: Scored, **changes: Any) -> RunRecord:
    """Return a record with nothing but rows and groups."""
    return RunRecord(
        **(
            {
                "name": "x",
                "kind": "train",
                "title": "x",
                "scored": scored,
                "metrics": {},
                "by_group": group_rows(scored),
            }
            | changes
        )
    )


def cells(grid: Grid | None) -> dict[str, list[str]]:
    """Return the texts of a table by the heading of their row."""
    assert grid is not None
    return {row.label: [cell.text for cell in row.cells] for block in grid.blocks for row in block.rows}


# Counts


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 120), st.integers(1, 30), st.sampled_from([2, 3]))
def test_the_counts_are_those_of_a_table_of_rows(seed: int, rows: int, groups: int, classes: int) -> None:
    names = np.random.default_rng(seed).integers(0, groups, rows)
    scored = answers(names, classes=classes, seed=seed, ordered=classes == 3)
    frame = pd.DataFrame({"group": scored.groups, "truth": scored.truth, "called": scored.predicted})
    frame["p"] = scored.p_positive if classes == 2 else scored.probabilities[np.arange(rows), scored.truth]
    frame["grade"] = scored.probabilities @ np.arange(classes)
    found = group_rows(scored)
    assert sorted(row.group for row in found) == sorted(frame["group"].unique())
    for row in found:
        part = frame[frame["group"] == row.group]
        for code in range(classes):
            assert row.counts[code] == (part["truth"] == code).sum()
            assert row.called[code] == (part["called"] == code).sum()
            assert row.found[code] == ((part["called"] == code) & (part["truth"] == code)).sum()
        assert (row.rows, row.right) == (len(part), (part["truth"] == part["called"]).sum())
        assert row.probability == pytest.approx(part["p"].mean())
        if classes == 3:
            assert row.grade == pytest.approx(part["truth"].mean())
            assert row.expected_grade == pytest.approx(part["grade"].mean())
        else:
            assert row.grade is row.expected_grade is None
    order = [(-row.errors, row.rows, row.group) for row in found]
    assert order == sorted(order)


# The table


def test_missed_cases_and_false_alarms_of_each_patient_are_counted() -> None:
    truth, called = np.array([1, 1, 1, 0, 0, 0, 1]), np.array([0, 1, 0, 1, 0, 0, 1])
    groups = np.array(["a", "a", "a", "a", "b", "b", "c"])
    shares = np.stack([np.full(7, 0.75), np.full(7, 0.25)], axis=1)
    record = record_of(Scored(truth, shares, called, groups, ("no", "yes"), "yes"), group_name="patient")
    grid = group_grid(record)
    assert grid is not None
    assert grid.heads == ("Patient", "Right", "yes missed", "False alarms", "Mean probability of yes")
    assert not grid.folded
    assert cells(grid) == {
        "All 3 patients": ["4 of 7", "2 of 4", "1 of 3", "0.25"],
        "a": ["1 of 4", "2 of 3", "1 of 1", "0.25"],
        "c": ["1 of 1", "0 of 1", "–", "0.25"],
        "b": ["2 of 2", "–", "0 of 2", "0.25"],
    }
    assert groups_sentence(record) == (
        "2 of 3 patients were answered without an error; in 1, more than half of the rows are wrong."
    )


def test_of_several_classes_truth_and_answers_are_listed_and_of_grades_the_means() -> None:
    truth, called = np.array([0, 0, 2, 2]), np.array([0, 1, 2, 2])
    shares, groups = np.eye(3)[called], np.array(["a", "a", "a", "b"])
    plain = record_of(Scored(truth, shares, called, groups, CLASSES))
    assert cells(group_grid(plain))["a"] == [
        "2 of 3",
        "2 benign, 1 malignant",
        "1 benign, 1 atypical, 1 malignant",
        "0.67",
    ]
    graded = record_of(Scored(truth, shares, called, groups, CLASSES, ordered=True))
    assert cells(group_grid(graded))["a"][3:] == ["0.67", "1.00"]
    assert cells(group_grid(graded))["All 2 groups"] == [
        *("3 of 4", "2 benign, 2 malignant", "1 benign, 1 atypical, 2 malignant", "1.00", "1.25")
    ]


def test_of_many_groups_the_worst_twenty_are_listed_and_all_are_counted() -> None:
    groups = np.repeat(np.arange(223), 54)[:12_000]
    record = record_of(answers(groups), group_name="family")
    grid = group_grid(record)
    rows = cells(grid)
    assert grid is not None
    assert grid.folded
    assert len(rows) == 21
    assert next(iter(rows)) == "All 223 families"
    assert rows["All 223 families"][0].endswith("of 12,000")
    assert list(rows)[1:] == [row.group for row in record.by_group[:20]]
    errors = [row.errors for row in record.by_group]
    assert f"The 20 with most errors hold {sum(errors[:20]):,} of {sum(errors):,} errors." in groups_sentence(record)


def test_there_is_no_table_without_groups_of_several_rows() -> None:
    scored = answers(np.arange(30))
    assert group_grid(record_of(scored)) is None
    assert group_grid(record_of(scored, by_group=())) is None


# Metrics per group


def test_metrics_per_group_have_a_table_of_their_own() -> None:
    scored = answers(np.repeat(np.arange(20), 3), one_truth=True)
    metrics = measure(scored, draws=DRAWS)
    record = record_of(scored, metrics=metrics, group_name="patient", baselines={"darkness": metrics})
    grid = group_metrics_grid(record)
    assert grid is not None
    assert grid.caption.startswith("Metrics on 20 patients, the rows of each averaged")
    assert grid.heads == ("Metric", "Network", "Darkness")
    found = {row.label: row.cells[0].estimate for block in grid.blocks for row in block.rows}
    assert found["AUROC"] == metrics["group_auroc"]
    labels = [row.label for block in metrics_grid(record).blocks for row in block.rows]
    assert not any("per group" in label for label in labels)
    assert len(found) == sum(name.startswith("group_") for name in metrics)
    assert len(labels) + len(found) == len(metrics)
    assert mixed_sentence(record) == ""


def test_a_page_says_why_there_are_no_metrics_per_group() -> None:
    mixed = record_of(answers(np.repeat(np.arange(20), 10)), group_name="patient")
    assert group_metrics_grid(mixed) is None
    count = int((~mixed.scored.one_truth_per_group).sum())
    assert mixed_sentence(mixed).startswith(
        f"Metrics per patient are not defined: {count} of 20 patients have rows of several classes"
    )
    assert mixed_sentence(record_of(answers(np.arange(20)))) == ""


# Sites


def test_every_site_and_all_rows_stand_in_one_table() -> None:
    scored = answers(np.repeat(np.arange(30), 2), classes=3)
    sites = {
        "north": measure(scored.take(np.arange(40)), draws=DRAWS),
        "<b>": measure(scored.take(np.arange(40, 60)), draws=DRAWS),
    }
    record = record_of(scored, metrics=measure(scored, draws=DRAWS), by_site=sites)
    grid = site_grid(record)
    assert grid is not None
    rows = grid.blocks[0].rows
    assert [(row.label, row.note, row.marked) for row in rows] == [
        ("north", "40 rows, 20 groups", False),
        ("<b>", "20 rows, 10 groups", False),
        ("All rows", "60 rows, 30 groups", True),
    ]
    assert rows[0].cells[0].estimate == sites["north"]["macro_auroc"]
    values = sorted(f"{site['macro_auroc'].value:.3f}" for site in sites.values())
    assert sites_sentence(record).startswith(f"Macro AUROC lies between {values[0]} and {values[1]} over 2 sites.")
    assert site_grid(record_of(scored)) is None


# Figures


def figure(record: RunRecord, name: str) -> Any:
    """Return a drawing of a record by its name; None when it is not there."""
    return next((drawing for drawing in drawings(record) if drawing.name == name), None)


def test_groups_that_are_equally_hard_lie_between_the_limits_of_chance() -> None:
    random = np.random.default_rng(0)
    sizes = random.integers(20, 200, 2000)
    right = random.binomial(sizes, 0.8)
    rows = [
        GroupRow(str(place), (int(n),), (int(n),), (int(k),), 0.8)
        for place, (n, k) in enumerate(zip(sizes, right, strict=True))
    ]
    found = evenness(rows)
    below, above = found.outside
    assert found.overall == pytest.approx(right.sum() / sizes.sum())
    assert 0.01 * 2000 < below < 0.045 * 2000
    assert 0.01 * 2000 < above < 0.045 * 2000


def test_the_figure_by_group_tells_its_numbers_and_is_left_out_where_it_tells_nothing() -> None:
    scored = answers(np.repeat(np.arange(40), 30))
    drawing = figure(record_of(scored, group_name="slide"), "right-by-group")
    shares = [row.right / row.rows for row in group_rows(scored)]
    assert drawing.section == "groups"
    assert f"median {100 * np.median(shares):.1f} %" in drawing.alt
    assert "slides equally hard" in drawing.caption
    small = figure(record_of(answers(np.repeat(np.arange(40), 2))), "right-by-group")
    assert "Right:" not in small.caption  # with two rows each, chance alone makes any share
    assert figure(record_of(answers(np.arange(40))), "right-by-group") is None
    assert figure(record_of(answers(np.repeat([0, 1], 20))), "right-by-group") is None
    assert figure(record_of(scored, by_group=()), "right-by-group") is None


def test_expected_grades_are_drawn_for_ordered_classes_only() -> None:
    scored = answers(np.arange(60), classes=3, ordered=True)
    drawing = figure(record_of(scored), "expected-grade")
    expected = scored.probabilities @ np.arange(3)
    for code, name in enumerate(CLASSES):
        assert f"{name} (grade {code}): {np.median(expected[scored.truth == code]):.2f}" in drawing.alt
    assert figure(record_of(replace(scored, ordered=False)), "expected-grade") is None
    absent = scored.take(scored.truth != 1)
    assert "atypical" not in figure(record_of(absent), "expected-grade").alt


def test_no_figure_of_features_is_drawn_without_a_table() -> None:
    names = {drawing.name for drawing in drawings(record_of(answers(np.repeat(np.arange(20), 3))))}
    assert names.isdisjoint({"class-balance", "strongest-features", "all-features", "correlation", "pair-plot"})
