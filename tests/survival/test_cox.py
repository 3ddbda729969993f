import warnings
from pathlib import Path

import lifelines
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sksurv.linear_model import CoxnetSurvivalAnalysis, CoxPHSurvivalAnalysis
from sksurv.util import Surv

from cancernet.errors import InvalidInput
from cancernet.survival import CoxOptions, Outcome, fit_cox
from cancernet.survival.elastic import elastic_path, largest_penalty
from cancernet.survival.partial import RiskSets
from survival.made import made_outcome, outcome_of, real_outcomes

Floats = NDArray[np.float64]


def _scaled(values: Floats) -> Floats:
    return (values - values.mean(axis=0)) / values.std(axis=0)


def _wide(n: int = 150, columns: int = 40, seed: int = 0) -> tuple[Outcome, Floats]:
    outcome, values = made_outcome(n, seed=seed, ties=True)
    noise = np.random.default_rng(seed).normal(size=(n, columns - 3))
    return outcome, np.column_stack([values, noise + 0.4 * values[:, :1]])


def _agrees(outcome: Outcome, values: Floats, ties: str, penalty: float) -> None:
    ours = fit_cox(values, outcome, options=CoxOptions(penalty=penalty, ties=ties))  # type: ignore[arg-type]
    twin = CoxPHSurvivalAnalysis(alpha=penalty * len(outcome), ties=ties, tol=1e-12)
    twin.fit(_scaled(values), Surv.from_arrays(outcome.event, outcome.time))
    np.testing.assert_allclose(ours.coefficients, twin.coef_, atol=1e-6)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("penalty", [0.0, 0.1, 2.0])
def test_ridge_agrees_with_scikit_survival(ties: str, penalty: float) -> None:
    _agrees(*made_outcome(200, ties=True), ties, penalty)


@pytest.mark.realdata
def test_ridge_agrees_on_real_data(realdata: Path) -> None:
    for name, (outcome, values) in real_outcomes(realdata).items():
        if name != "rotterdam":  # the twin takes half a minute there
            _agrees(outcome, values, "efron", 0.01)


def _frame(outcome: Outcome, values: Floats) -> pd.DataFrame:
    frame = pd.DataFrame(_scaled(values), columns=[f"x{place}" for place in range(values.shape[1])])
    return frame.assign(time=outcome.time, event=outcome.event)


def test_coefficients_errors_and_curves_agree_with_lifelines() -> None:
    outcome, values = made_outcome(250, ties=True, seed=2)
    ours = fit_cox(values, outcome, options=CoxOptions(penalty=0.0))
    twin = lifelines.CoxPHFitter().fit(_frame(outcome, values), "time", "event", fit_options={"precision": 1e-12})
    np.testing.assert_allclose(ours.coefficients, twin.params_, atol=1e-6)
    np.testing.assert_allclose(ours.spread, twin.standard_errors_, atol=1e-6)
    new = values[:5]
    times = outcome.time[:7]
    curves = twin.predict_survival_function(_frame(outcome, values).iloc[:5], times=times)
    np.testing.assert_allclose(ours.survival(new, times), curves.to_numpy().T, atol=1e-6)


def test_baseline_agrees_with_scikit_survival() -> None:
    outcome, values = made_outcome(120, seed=4)
    ours = fit_cox(values, outcome, options=CoxOptions(penalty=0.05))
    twin = CoxPHSurvivalAnalysis(alpha=0.05 * 120, ties="efron", tol=1e-12)
    twin.fit(_scaled(values), Surv.from_arrays(outcome.event, outcome.time))
    curves = twin.predict_survival_function(_scaled(values)[:6], return_array=True)
    np.testing.assert_allclose(ours.survival(values[:6], twin.unique_times_), curves, atol=1e-6)


@pytest.mark.parametrize("l1_ratio", [0.1, 0.5, 1.0])
def test_the_elastic_net_agrees_with_scikit_survival(l1_ratio: float) -> None:
    outcome, values = _wide()
    scaled, sets = _scaled(values), RiskSets(outcome, ties="breslow")
    penalties = np.geomspace(largest_penalty(scaled, sets, l1_ratio=l1_ratio), 0.01, 8)
    path = elastic_path(scaled, sets, l1_ratio=l1_ratio, penalties=penalties)
    twin = CoxnetSurvivalAnalysis(l1_ratio=l1_ratio, alphas=penalties, tol=1e-12, max_iter=1_000_000)
    twin.fit(scaled, Surv.from_arrays(outcome.event, outcome.time))
    np.testing.assert_allclose(path, twin.coef_.T, atol=1e-5)
    assert (path[0] == 0).all()
    assert 0 < (path[-1] != 0).sum() <= 40


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("l1_ratio", [0.2, 1.0])
def test_the_elastic_net_meets_its_conditions(ties: str, l1_ratio: float) -> None:
    outcome, values = _wide(60, 100, seed=6)  # more columns than patients
    scaled, sets = _scaled(values), RiskSets(outcome, ties=ties)  # type: ignore[arg-type]
    penalties = np.geomspace(largest_penalty(scaled, sets, l1_ratio=l1_ratio), 0.05, 4)
    for penalty, beta in zip(
        penalties, elastic_path(scaled, sets, l1_ratio=l1_ratio, penalties=penalties), strict=True
    ):
        slopes = scaled.T @ sets.slopes(scaled @ beta).gradient / len(outcome) - penalty * (1 - l1_ratio) * beta
        inside = beta == 0
        assert (np.abs(slopes[inside]) <= penalty * l1_ratio + 1e-6).all()
        np.testing.assert_allclose(slopes[~inside], penalty * l1_ratio * np.sign(beta[~inside]), atol=1e-6)


def test_slopes_are_those_of_the_likelihood() -> None:
    outcome, values = made_outcome(40, ties=True)
    sets, predictor, step = RiskSets(outcome), values[:, 0], 1e-5
    found = sets.slopes(predictor)
    assert found.likelihood == pytest.approx(sets.likelihood(predictor))
    for row in range(0, 40, 7):
        moved = np.zeros(40)
        moved[row] = step
        up, down = sets.likelihood(predictor + moved), sets.likelihood(predictor - moved)
        assert (up - down) / (2 * step) == pytest.approx(found.gradient[row], abs=1e-7)
        assert (2 * found.likelihood - up - down) / step**2 == pytest.approx(found.curvature[row], abs=2e-4)


def test_more_columns_than_patients() -> None:
    outcome, values = _wide(60, 90)
    _agrees(outcome, values, "efron", 0.3)


def test_the_penalty_is_chosen_inside_and_noise_is_left_out() -> None:
    outcome, values = _wide(250, 30)
    net = fit_cox(values, outcome, options=CoxOptions(l1_ratio=0.9, inner_folds=4))
    assert (net.coefficients[:2] != 0).all()
    assert (net.coefficients == 0).sum() > 10
    assert np.isnan(net.spread).all()
    ridge = fit_cox(values, outcome, options=CoxOptions(inner_folds=4))
    assert 1e-4 < ridge.penalty < 10
    assert fit_cox(values, outcome, options=CoxOptions(inner_folds=4)).penalty == ridge.penalty


def test_nothing_is_said_past_the_follow_up() -> None:
    outcome, values = made_outcome(80)
    model = fit_cox(values, outcome, options=CoxOptions(penalty=0.1))
    chances = model.survival(values[:3], [0, outcome.follow_up, outcome.follow_up + 1])
    assert (chances[:, 0] == 1).all()
    assert np.isfinite(chances[:, 1]).all()
    assert np.isnan(chances[:, 2]).all()
    medians = model.median(values)
    assert np.isnan(medians[model.survival(values, [outcome.follow_up])[:, 0] > 0.5]).all()
    best, worst = model.risk(values).argmin(), model.risk(values).argmax()
    assert np.isnan(medians[best]) or medians[worst] < medians[best]


def test_what_cannot_be_fitted_is_said() -> None:
    outcome = outcome_of([1, 2, 3, 4], [1, 1, 1, 0])
    perfect = [[4.0], [3.0], [2.0], [1.0]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidInput, match="no solution"):
            fit_cox(perfect, outcome, options=CoxOptions(penalty=0.0))
    with pytest.raises(InvalidInput, match="no solution"):
        fit_cox(np.ones((4, 1)), outcome, options=CoxOptions(penalty=0.0))
    with pytest.raises(InvalidInput, match="for 4 patients"):
        fit_cox([[np.nan]] * 4, outcome)
    with pytest.raises(InvalidInput, match="without a penalty"):
        fit_cox(perfect, outcome, options=CoxOptions(l1_ratio=1, penalty=0.0))
    with pytest.raises(InvalidInput, match="penalties above zero that fall"):
        elastic_path(np.ones((4, 1)), RiskSets(outcome), l1_ratio=1, penalties=np.array([0.1, 0.2]))
    with pytest.raises(InvalidInput, match="Rows of 1 numbers"):
        fit_cox(perfect, outcome, options=CoxOptions(penalty=0.1)).risk([[1.0, 2.0]])
