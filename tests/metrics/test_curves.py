import numpy as np
import pytest
from sklearn.metrics import auc, confusion_matrix, precision_recall_curve, roc_curve

from cancernet.errors import InvalidInput
from cancernet.metrics import (
    confusion,
    decision_curve,
    ece,
    net_benefit,
    precision_recall,
    reliability,
    risk_coverage,
    roc,
)
from metrics.made import binary, several, wdbc

SAMPLES = [binary(80), binary(200, digits=1), binary(90, positive="B"), wdbc()]


@pytest.mark.parametrize("scored", SAMPLES)
def test_roc_is_scikit_learns(scored):
    curve = roc(scored)
    false, true, thresholds = roc_curve(scored.positive_truth, scored.p_positive, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_positive_rate, false)
    np.testing.assert_allclose(curve.true_positive_rate, true)
    np.testing.assert_allclose(curve.thresholds, thresholds)


@pytest.mark.parametrize("scored", SAMPLES)
def test_precision_recall_is_scikit_learns(scored):
    curve = precision_recall(scored)
    precision, recall, thresholds = precision_recall_curve(scored.positive_truth, scored.p_positive)
    np.testing.assert_allclose(curve.precision, precision[-2::-1])  # without the point that scikit-learn adds
    np.testing.assert_allclose(curve.recall, recall[-2::-1])
    np.testing.assert_allclose(curve.thresholds, thresholds[::-1])
    assert curve.prevalence == pytest.approx(scored.positive_truth.mean())


@pytest.mark.parametrize("scored", [*SAMPLES, several()])
def test_confusion_is_scikit_learns_and_read_by_name(scored):
    table = confusion(scored)
    expected = confusion_matrix(scored.truth, scored.predicted)
    np.testing.assert_array_equal(table.counts, expected)
    first, second = scored.classes[:2]
    assert table.count(truth=first, predicted=second) == expected[0, 1]
    assert table.count(truth=second, predicted=first) == expected[1, 0]


@pytest.mark.parametrize("scored", SAMPLES)
def test_reliability_has_the_bins_of_ece(scored):
    bins = reliability(scored)
    gap = np.abs(bins.predicted - bins.observed) @ bins.rows / len(scored)
    assert gap == pytest.approx(ece(scored.p_positive, scored.positive_truth))
    assert bins.rows.sum() == pytest.approx(len(scored))
    assert (np.diff(bins.predicted) >= -1e-12).all()
    assert (bins.low <= bins.observed + 1e-12).all()
    assert (bins.observed <= bins.high + 1e-12).all()


def test_reliability_of_several_classes_is_that_of_the_top_class():
    scored = several()
    bins = reliability(scored, bins=5)
    right = scored.probabilities.argmax(axis=1) == scored.truth
    assert bins.observed @ bins.rows / len(scored) == pytest.approx(right.mean())
    assert len(bins.rows) == 5


@pytest.mark.parametrize("scored", [binary(150), several()])
def test_risk_coverage_counts_the_errors_of_the_surest(scored):
    curve = risk_coverage(scored)
    sure = scored.probabilities.max(axis=1)
    for coverage, risk, confidence in list(zip(curve.coverage, curve.risk, curve.confidence, strict=True))[::20]:
        kept = sure >= confidence
        assert coverage == pytest.approx(kept.mean())
        assert risk == pytest.approx((scored.truth != scored.predicted)[kept].mean())
    assert curve.coverage[-1] == 1
    assert curve.risk[-1] == pytest.approx((scored.truth != scored.predicted).mean())


def test_equally_sure_cases_come_together():
    curve = risk_coverage(binary(100, digits=1))
    assert len(curve.coverage) <= 6
    assert auc(curve.coverage, curve.risk) >= 0


def test_decision_curve_of_model_all_and_none():
    scored = binary(200)
    curve = decision_curve(scored)
    share = scored.positive_truth.mean()
    np.testing.assert_allclose(curve.everyone, share - (1 - share) * curve.thresholds / (1 - curve.thresholds))
    np.testing.assert_array_equal(curve.no_one, 0)
    np.testing.assert_allclose(
        curve.model, net_benefit(scored.positive_truth, scored.p_positive, thresholds=curve.thresholds)
    )
    assert curve.thresholds[[0, -1]].tolist() == [0.01, 0.99]
    assert decision_curve(scored, thresholds=[0.2, 0.4]).model.shape == (2,)


def test_curves_that_do_not_exist_say_why():
    negatives = binary(60).take(~binary(60).positive_truth)
    positives = binary(60).take(binary(60).positive_truth)
    for curve in (roc, precision_recall):
        with pytest.raises(InvalidInput, match="No row is of the positive class 'M'"):
            curve(negatives)
    with pytest.raises(InvalidInput, match="All rows are of the positive class"):
        roc(positives)
    with pytest.raises(InvalidInput, match="no positive class"):
        roc(several())
    for curve in (reliability, risk_coverage, decision_curve):
        with pytest.raises(InvalidInput, match="no rows"):
            curve(negatives.take([]))
