import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from cancernet.metrics import net_benefit
from metrics.made import binary, wdbc


@pytest.mark.parametrize("scored", [binary(120, digits=1), wdbc(5)])
def test_net_benefit_agrees_with_the_confusion_matrix(scored):
    marks = np.array([0.05, 0.3, 0.5, 0.9])
    for mark, found in zip(marks, net_benefit(scored.positive_truth, scored.p_positive, thresholds=marks), strict=True):
        _, fp, _, tp = confusion_matrix(scored.positive_truth, scored.p_positive >= mark, labels=[False, True]).ravel()
        assert found == pytest.approx((tp - fp * mark / (1 - mark)) / len(scored))


def test_a_perfect_model_is_worth_the_prevalence():
    truth = np.arange(10) < 3
    np.testing.assert_allclose(net_benefit(truth, truth.astype(float), thresholds=[0.1, 0.5, 0.99]), 0.3)
    np.testing.assert_allclose(net_benefit(truth, np.zeros(10), thresholds=[0.1, 0.5]), 0)
