import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, jaccard_score, matthews_corrcoef

from cancernet.metrics.binary import f1, jaccard, matthews, ratio
from metrics.made import binary, wdbc


def counts(scored):
    truth, called = scored.positive_truth, scored.predicted == scored.positive_code
    return [
        np.array(float(part.sum())) for part in (truth & called, ~truth & called, truth & ~called, ~truth & ~called)
    ]


@pytest.mark.parametrize("scored", [binary(80), binary(200, positive="B"), wdbc(), wdbc(5)])
def test_agrees_with_scikit_learn(scored):
    tp, fp, fn, tn = counts(scored)
    answers = scored.positive_truth, scored.predicted == scored.positive_code
    assert float(f1(tp, fp, fn)) == pytest.approx(f1_score(*answers))
    assert float(jaccard(tp, fp, fn)) == pytest.approx(jaccard_score(*answers))
    assert float(matthews(tp, fp, fn, tn)) == pytest.approx(matthews_corrcoef(*answers))


@given(*[st.integers(0, 1000).map(float)] * 4)
def test_ranges_and_relations(tp, fp, fn, tn):
    tp, fp, fn, tn = (np.array(value) for value in (tp, fp, fn, tn))
    score, overlap = f1(tp, fp, fn), jaccard(tp, fp, fn)
    assert np.isnan(score) == np.isnan(overlap)
    np.testing.assert_allclose(score, 2 * overlap / (1 + overlap))
    correlation = matthews(tp, fp, fn, tn)
    assert np.isnan(correlation) or abs(correlation) <= 1 + 1e-12
    np.testing.assert_allclose(correlation, -matthews(fp, tp, tn, fn), atol=1e-12)  # all truths turned round


def test_ratio_is_undefined_by_zero_without_a_warning():
    np.testing.assert_array_equal(ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])), [0.5, np.nan])
