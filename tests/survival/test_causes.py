from itertools import product

import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.survival import (
    CauseForecast,
    Censoring,
    Measured,
    Outcome,
    aalen_johansen,
    brier_at,
    cause_brier,
    cause_concordance,
    uno,
)
from survival.made import made_outcome


def _slow_concordance(outcome: Outcome, risk: np.ndarray, code: int, until: float) -> float:
    """Count every pair of Wolbers et al. 2014."""
    share = Censoring.fit(outcome).at(outcome.time)
    time, cause = outcome.time, outcome.cause
    top = bottom = 0.0
    for i, j in product(range(len(time)), repeat=2):
        if i == j or cause[i] != code or time[i] >= until:
            continue
        later = time[j] > time[i] or (time[j] == time[i] and cause[j] == 0)
        other = cause[j] not in (0, code) and time[j] <= time[i]
        weight = later / share[i] ** 2 + other / (share[i] * share[j] if other else 1.0)
        bottom += weight
        top += weight * (risk[i] > risk[j]) + weight * (risk[i] == risk[j]) / 2
    return top / bottom


def _slow_brier(outcome: Outcome, chance: np.ndarray, code: int, time: float) -> float:
    """Add up the error of each patient."""
    known, total = Censoring.fit(outcome), 0.0
    for row in range(len(outcome)):
        had = outcome.time[row] <= time and outcome.cause[row] == code
        if outcome.time[row] > time:
            total += chance[row] ** 2 / known.at(time)
        elif outcome.cause[row] > 0:
            total += (float(had) - chance[row]) ** 2 / known.at(outcome.time[row])
    return total / len(outcome)


@pytest.mark.parametrize("ties", [False, True])
def test_metrics_of_a_cause_are_those_of_every_pair_and_patient(ties: bool) -> None:
    outcome, values = made_outcome(130, seed=1, ties=ties, causes=3)
    risk = 1 / (1 + np.exp(-values[:, 0].round(1)))
    until = float(np.quantile(outcome.time, 0.85))
    for code, cause in enumerate(outcome.causes, 1):
        found = cause_concordance(outcome, risk, cause=cause, until=until)
        assert found == pytest.approx(_slow_concordance(outcome, risk, code, until), rel=1e-9)
        times = np.array([until / 3, until / 2])
        briers = cause_brier(outcome, np.column_stack([risk / 2, risk]), cause=cause, times=times)
        expected = [_slow_brier(outcome, risk / 2, code, times[0]), _slow_brier(outcome, risk, code, times[1])]
        np.testing.assert_allclose(briers, expected, rtol=1e-9)


def test_with_one_cause_they_are_uno_and_brier() -> None:
    outcome, values = made_outcome(150, seed=2)
    until, chance = float(np.quantile(outcome.time, 0.8)), 1 / (1 + np.exp(-values[:, 0]))
    assert cause_concordance(outcome, chance, cause="event", until=until) == pytest.approx(
        uno(outcome, chance, until=until), rel=1e-12
    )
    times = np.array([until / 2])
    np.testing.assert_allclose(
        cause_brier(outcome, chance[:, None], cause="event", times=times),
        brier_at(outcome, 1 - chance[:, None], times=times),
    )


def _forecast(outcome: Outcome, chance: np.ndarray, cause: str) -> CauseForecast:
    grid = np.linspace(4, 40, 10)
    shares = np.multiply.outer(chance, grid / 40)
    rows = np.arange(len(outcome))
    return CauseForecast(outcome, cause, grid[[4]], shares[:, [4]], grid, shares, rows.astype(str), np.zeros_like(rows))


def test_a_forecast_of_a_cause_is_measured_with_intervals_and_compared() -> None:
    outcome, values = made_outcome(200, seed=3, causes=2)
    good = Measured(_forecast(outcome, 0.5 / (1 + np.exp(-2 * values[:, 0])), "a"), draws=200)
    flat = Measured(_forecast(outcome, np.full(200, 0.3), "a"), draws=200)
    found = good.estimates
    assert set(found) == {
        *("concordance_a", "integrated_brier_a", "brier_a_at_20"),
        *("observed_a_at_20", "predicted_a_at_20", "calibration_ratio_a_at_20"),
    }
    assert found["observed_a_at_20"].value == pytest.approx(float(aalen_johansen(outcome, "a").at(20.0)))
    assert found["concordance_a"].low > 0.5  # type: ignore[operator]
    assert flat.estimates["concordance_a"].value == 0.5
    gain = good.minus(flat)
    assert set(gain) == {"concordance_a", "integrated_brier_a", "brier_a_at_20"}
    assert gain["concordance_a"].low > 0  # type: ignore[operator]


def test_shares_that_are_no_chances_and_causes_without_pairs_are_refused() -> None:
    outcome, values = made_outcome(60, seed=4, causes=2)
    with pytest.raises(InvalidInput, match="shares"):
        _forecast(outcome, np.full(60, 9.0), "a")
    with pytest.raises(InvalidInput, match="No two of these patients"):
        cause_concordance(outcome, values[:, 0], cause="a", until=0.0)
