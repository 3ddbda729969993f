"""Ordered grades in words and tables: which numbers stand first, and what they and their rivals are called."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cancernet.metrics import measure, paired_difference
from cancernet.report.grids import fold_grid, folds_sentence, metrics_grid
from cancernet.report.words import describe, headline, rival, sort_metrics
from cancernet.tasks import nearest_grade
from report.made import DRAWS, make_record

RECORD = make_record(("none", "mild", "severe"), None, rows=90)
SCORED = replace(RECORD.scored, ordered=True, predicted=nearest_grade(RECORD.scored.probabilities))
OTHER = replace(RECORD.baseline_scored["majority"], ordered=True)
GRADES = replace(
    RECORD,
    scored=SCORED,
    metrics=measure(SCORED, draws=DRAWS),
    folds=tuple(measure(SCORED.take(np.arange(90) % 3 == fold), draws=DRAWS) for fold in range(3)),
    baselines={"colour": measure(OTHER, draws=DRAWS)},
    baseline_scored={"colour": OTHER},
    differences={"colour": paired_difference(SCORED, OTHER, draws=DRAWS)},
)


def test_quadratic_kappa_stands_first() -> None:
    assert headline(list(GRADES.metrics))[0] == "quadratic_kappa"
    assert "mean_absolute_error" in headline(list(GRADES.metrics))
    assert headline(list(RECORD.metrics))[0] == "macro_auroc"


def test_the_metrics_of_grades_have_words_and_a_family_of_their_own() -> None:
    assert (describe("quadratic_kappa").better, describe("mean_absolute_error").better) == ("higher", "lower")
    assert describe("group_quadratic_kappa").label == "Quadratic kappa, per group"
    families = dict(sort_metrics(list(GRADES.metrics)))
    names = [metric.name for metric in families["Distance from the true grade"]]
    assert names == ["quadratic_kappa", "mean_absolute_error"]


def test_the_folds_of_grades_are_told_apart_by_their_distances() -> None:
    grid = fold_grid(GRADES)
    assert grid is not None
    assert grid.heads[1:3] == ("Quadratic kappa", "Mean absolute error")
    assert folds_sentence(GRADES).startswith("Quadratic kappa lies between")
    plain = fold_grid(RECORD)
    assert plain is not None
    assert plain.heads[1] == "Macro AUROC"


def test_less_error_than_a_rival_is_better() -> None:
    grid = metrics_grid(GRADES)
    assert grid.heads[1:4] == ("Network", "Colour statistics", "Network minus colour statistics")
    rows = {row.label: row for block in grid.blocks for row in block.rows}
    assert rows["Mean absolute error"].cells[2].verdict == "better"
    assert rows["Quadratic kappa"].cells[2].verdict == "better"


def test_rivals_of_patches_have_names() -> None:
    assert [rival(name) for name in ("darkness", "colour", "logistic", "new")] == [
        *("darkness", "colour statistics", "logistic regression", "new")
    ]
