"""The numbers behind the figures and the words: against other implementations, and their properties."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.files import read_json
from cancernet.metrics import precision_recall, roc
from cancernet.report import RunRecord, read_estimates, write_metrics
from cancernet.report.bands import precision_band, roc_band
from cancernet.report.fitfigures import learning, rank_importance
from cancernet.report.outcomefigures import against_rest
from cancernet.report.relationfigures import cluster_order, distinct_strongest, rank_correlation
from cancernet.report.tablefigures import label_table
from cancernet.report.words import describe, headline, interval, number, share, sort_metrics, verdict
from report.made import make_history, make_record, make_table

RECORD = make_record(rows=90)


def test_metrics_json_holds_what_the_design_names_and_reads_back_the_same(tmp_path: Path) -> None:
    write_metrics(tmp_path / "metrics.json", RECORD)
    found = read_json(tmp_path / "metrics.json")
    assert found["schema"] == 1
    assert read_estimates(found["test"]) == dict(RECORD.metrics)
    assert read_estimates(found["validation"]) == RECORD.validation
    assert [read_estimates(fold) for fold in found["folds"]] == list(RECORD.folds)
    for part in ("operating_points", "baselines", "differences", "prevalence"):
        assert {name: read_estimates(fields) for name, fields in found[part].items()} == getattr(RECORD, part)
    assert read_estimates(found["importance"]["features"]) == {
        item.feature: item.estimate for item in RECORD.importance
    }
    assert found["leak_audit"] == RECORD.leak_audit


def test_undefined_is_null_with_its_reason_and_extras_are_kept(tmp_path: Path) -> None:
    metrics = {"auroc": Estimate.undefined("one class"), "ece": Estimate(math.nan, None, None, 3, 3, "none")}
    bare = RunRecord(
        name="x", kind="evaluate", title="x", scored=RECORD.scored, metrics=metrics, extra_metrics={"slides": 2}
    )
    write_metrics(tmp_path / "metrics.json", bare)
    found = read_json(tmp_path / "metrics.json")
    assert found["test"]["auroc"]["value"] is None
    assert found["test"]["auroc"]["reason"] == "one class"
    assert found["test"]["ece"]["value"] is None
    assert found["validation"] is None
    assert found["slides"] == 2


def test_baselines_must_have_the_rows_of_the_network() -> None:
    with pytest.raises(InvalidInput, match="baseline 'x' has 10 rows, the network 90"):
        make_record(rows=90, baseline_scored={"x": RECORD.scored.take(np.arange(10))})


@given(st.floats(-1.5, 1.5))
def test_a_number_is_never_rounded_to_certainty(value: float) -> None:
    text = number(value)
    assert (text in {"1.000", "\N{MINUS SIGN}1.000"}) <= (abs(value) >= 1)
    assert (text == "0.000") == (value == 0)
    assert text.startswith("\N{MINUS SIGN}") == (value < 0)


def test_numbers_read_as_expected() -> None:
    assert [number(value) for value in (0.99953, 0.0004, 1.0, 0.0, None, -0.25)] == [
        *(">0.999", "<0.001", "1.000", "0.000", "–", "\N{MINUS SIGN}0.250")
    ]
    assert number(0.0001, signed=True) == "+0.000"
    assert [share(value) for value in (0.9996, 0.0004, 1, 0)] == [">99.9 %", "<0.1 %", "100.0 %", "0.0 %"]
    assert share(0.373) == "37.3 %"
    assert interval(Estimate(0.1, -0.2, 0.3, 5, 5, "x"), signed=True) == "\N{MINUS SIGN}0.200 to +0.300"


@pytest.mark.parametrize(
    ("low", "high", "better", "expected"),
    [
        (0.1, 0.2, "higher", "better"),
        (0.1, 0.2, "lower", "worse"),
        (-0.2, -0.1, "lower", "better"),
        (-0.2, -0.1, "higher", "worse"),
        (-0.1, 0.0, "higher", "no difference shown"),
        (0.1, 0.2, "", "differs"),
        (None, None, "higher", ""),
    ],
)
def test_better_means_an_interval_without_zero(
    low: float | None, high: float | None, better: str, expected: str
) -> None:
    assert verdict(Estimate(0.0, low, high, 5, 5, "x"), better) == expected


def test_every_metric_of_the_record_has_words() -> None:
    several = make_record(("a", "b", "c"), None, rows=60)
    for name in {*RECORD.metrics, *several.metrics}:
        assert describe(name).label
        assert describe(name).family != "Other", name
    assert describe("group_auroc").better == "higher"
    assert describe("brier_at_60").better == "lower"
    assert describe("something_new").label == "something new"
    names = [metric.name for _, metrics in sort_metrics(list(RECORD.metrics)) for metric in metrics]
    assert sorted(names) == sorted(RECORD.metrics)
    assert headline(list(RECORD.metrics))[0] == "auroc"


def test_the_strength_of_a_feature_is_its_auroc() -> None:
    table = make_table(np.array(["B", "M"])[np.arange(80) % 2])
    labelled = label_table(table, "M")
    assert labelled is not None
    expected = [roc_auc_score(table.target == "M", column) for column in table.values.T]
    np.testing.assert_allclose(labelled.strength, np.maximum(expected, 1 - np.array(expected)))


def test_rank_correlation_is_spearmans_and_its_order_holds_every_column() -> None:
    values = np.random.default_rng(0).normal(size=(50, 6))
    values[:, 5] = np.exp(values[:, 0])
    found = rank_correlation(values)
    np.testing.assert_allclose(found, spearmanr(values).statistic, atol=1e-12)
    order = cluster_order(found)
    assert sorted(order) == list(range(6))
    assert abs(order.index(0) - order.index(5)) == 1
    assert 5 not in distinct_strongest(np.array([0.9, 0.8, 0.7, 0.6, 0.6, 0.85]), found, most=4)


def test_learning_curves_end_where_half_of_the_fits_end() -> None:
    found = learning(make_history(3), "loss")  # the fits end after 11, 9 and 7 epochs
    assert found is not None
    assert list(found.epochs) == list(range(1, 10))
    np.testing.assert_allclose(found.mean, 0.7 / found.epochs)
    assert learning(make_history(), "unknown") is None


def test_the_most_important_feature_comes_first_and_the_undefined_last() -> None:
    odd = (*RECORD.importance[::-1], type(RECORD.importance[0])("none", Estimate.undefined("no rows")))
    ranked = rank_importance(odd)
    assert [item.feature for item in ranked] == [*(item.feature for item in RECORD.importance), "none"]


def test_the_bands_hold_their_curves() -> None:
    curve, band = roc(RECORD.scored), roc_band(RECORD.scored)
    ends = np.append(np.flatnonzero(np.diff(curve.false_positive_rate)), len(curve.false_positive_rate) - 1)
    middle = np.interp(band.places, curve.false_positive_rate[ends], curve.true_positive_rate[ends])
    assert np.mean((band.low <= middle + 1e-9) & (middle <= band.high + 1e-9)) > 0.9
    assert (np.diff(band.low) >= -1e-12).all()
    found, precision = precision_recall(RECORD.scored), precision_band(RECORD.scored)
    middle = found.precision[np.searchsorted(found.recall, precision.places - 1e-12)]
    assert np.mean((precision.low <= middle + 1e-9) & (middle <= precision.high + 1e-9)) > 0.9


def test_one_class_against_the_rest_keeps_rows_and_probabilities() -> None:
    several = make_record(("a", "b", "c"), None, rows=60).scored
    binary = against_rest(several, "b")
    np.testing.assert_array_equal(binary.positive_truth, several.truth == 1)
    np.testing.assert_allclose(binary.p_positive, several.probabilities[:, 1])
