import numpy as np
import pytest

from cancernet.survival import auroc_at, roc_at
from survival.made import made_outcome


@pytest.mark.parametrize("ties", [False, True])
def test_the_area_of_the_curve_is_the_auroc(ties: bool) -> None:
    outcome, values = made_outcome(200, ties=ties)
    time, risk = float(np.median(outcome.time)), np.round(values[:, 0], 1)
    wrong, right = roc_at(outcome, risk, time=time)
    assert (wrong[0], right[0], wrong[-1]) == (0, 0, 1)
    assert right[-1] == pytest.approx(1)
    assert np.trapezoid(right, wrong) == pytest.approx(auroc_at(outcome, risk, time=time))
