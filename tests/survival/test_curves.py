import warnings
from pathlib import Path

import lifelines
import numpy as np
import pytest
from lifelines.statistics import multivariate_logrank_test
from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator

from cancernet.errors import InvalidInput
from cancernet.survival import Outcome, aalen_johansen, kaplan_meier, logrank, nelson_aalen
from survival.made import made_outcome, outcome_of, real_outcomes


def _agrees(outcome: Outcome) -> None:
    curve = kaplan_meier(outcome)
    times, shares, band = kaplan_meier_estimator(outcome.event, outcome.time, conf_type="log-log")
    np.testing.assert_array_equal(curve.times, times)
    np.testing.assert_allclose(curve.values, shares, atol=1e-10)
    inner = (shares > 0) & (shares < 1)
    np.testing.assert_allclose(np.array([curve.low, curve.high])[:, inner], band[:, inner], atol=1e-10)
    fitted = lifelines.KaplanMeierFitter().fit(outcome.time, outcome.event)
    np.testing.assert_allclose(curve.at(times), fitted.survival_function_at_times(times), atol=1e-10)
    hazard = lifelines.NelsonAalenFitter(nelson_aalen_smoothing=False).fit(outcome.time, outcome.event)
    np.testing.assert_allclose(
        nelson_aalen(outcome).at(times), hazard.cumulative_hazard_at_times(times), rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize("ties", [False, True])
def test_curves_agree_with_both_libraries(ties: bool) -> None:
    _agrees(made_outcome(300, ties=ties, seed=3)[0])


@pytest.mark.realdata
def test_curves_agree_on_real_data(realdata: Path) -> None:
    for outcome, _ in real_outcomes(realdata).values():
        _agrees(outcome)


@pytest.mark.parametrize("ties", [False, True])
def test_competing_risks_agree(ties: bool) -> None:
    outcome, _ = made_outcome(250, ties=ties, causes=3, seed=5)
    times, shares, bands = cumulative_incidence_competing_risks(
        outcome.cause, outcome.time, conf_type="log-log", var_type="Aalen"
    )
    total = np.zeros(len(times))
    for code, cause in enumerate(outcome.causes, 1):
        curve = aalen_johansen(outcome, cause)
        np.testing.assert_allclose(curve.values, shares[code], atol=1e-10)
        inner = curve.values > 0
        np.testing.assert_allclose(curve.low[inner], bands[code, 0][inner], atol=1e-8)
        np.testing.assert_allclose(curve.high[inner], bands[code, 1][inner], atol=1e-8)
        total += curve.values
    np.testing.assert_allclose(total + kaplan_meier(outcome).values, 1, atol=1e-12)


def test_a_curve_ends_with_the_follow_up() -> None:
    curve = kaplan_meier(outcome_of([1, 2, 3, 4], [1, 0, 1, 0]))
    assert curve.at([0, 0.5, 1, 2.5, 4]).tolist() == [1, 1, 0.75, 0.75, 0.375]
    assert np.isnan(curve.at(4.5))
    assert curve.seen([0, 1, 1.5, 4, 9]).tolist() == [4, 4, 3, 1, 0]
    assert curve.quantile(0.5) == 3
    assert curve.quantile(0.2) is None


def test_when_all_died_the_curve_ends_at_zero() -> None:
    curve = kaplan_meier(outcome_of([1, 2], [1, 1]))
    assert curve.values.tolist() == [0.5, 0]
    assert np.isfinite([curve.low, curve.high]).all()
    with pytest.raises(InvalidInput, match="no patients"):
        kaplan_meier(made_outcome(5)[0].take(np.zeros(5, bool)))


@pytest.mark.parametrize("groups", [2, 4])
@pytest.mark.parametrize("ties", [False, True])
def test_the_log_rank_test_agrees_with_lifelines(groups: int, ties: bool) -> None:
    outcome, values = made_outcome(240, ties=ties)
    codes = np.digitize(values[:, 0], np.linspace(-1, 1, groups - 1))
    found = logrank(outcome, codes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twin = multivariate_logrank_test(outcome.time, codes, outcome.event)
    assert found.statistic == pytest.approx(twin.test_statistic, rel=1e-8)
    assert found.p == pytest.approx(twin.p_value, rel=1e-6)
    assert sum(found.observed) == pytest.approx(sum(found.expected))
    assert found.freedom == groups - 1


def test_one_group_is_no_test() -> None:
    with pytest.raises(InvalidInput, match="1 groups"):
        logrank(outcome_of([1, 2], [1, 1]), [0, 0])
