from pathlib import Path

import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.survival import (
    Coding,
    CoxOptions,
    Forecast,
    Outcome,
    auroc_at,
    brier_at,
    calibration_groups,
    compare_forecasts,
    fit_cox,
    grid_to,
    harrell,
    horizon_of,
    integrated_brier,
    kaplan_meier,
    measure_forecast,
    uno,
)
from survival.made import made_outcome, outcome_of, real_outcomes


def forecast_of(outcome: Outcome, risk: np.ndarray, *, scale: float = 1.0, copies: int = 1) -> Forecast:
    """Return a forecast by the true form of the hazard; copies are repeats of a cross-validation."""
    grid = grid_to(horizon_of(outcome))
    times = grid[[9, 24]]
    rows = np.tile(np.arange(len(outcome)), copies)
    hazard = scale * np.exp(risk)[rows] / 50
    return Forecast(
        outcome=outcome.take(rows),
        risk=risk[rows],
        times=times,
        survival=np.exp(-np.outer(hazard, times)),
        grid=grid,
        curves=np.exp(-np.outer(hazard, grid)),
        groups=rows.astype(str),
        strata=np.repeat(np.arange(copies), len(outcome)),
    )


def _made(n: int = 300, seed: int = 0, **options: float) -> Forecast:
    outcome, values = made_outcome(n, seed=seed)
    return forecast_of(outcome, values @ [0.8, -0.5, 0.0], **options)  # type: ignore[arg-type]


def test_values_are_those_of_the_functions() -> None:
    forecast = _made()
    outcome, early = forecast.outcome, float(forecast.times[0])
    found = {name: estimate.value for name, estimate in measure_forecast(forecast, draws=200).items()}
    assert found["concordance_harrell"] == pytest.approx(harrell(outcome, forecast.risk))
    assert found["concordance_uno"] == pytest.approx(uno(outcome, forecast.risk, until=forecast.horizon))
    assert found["integrated_brier"] == pytest.approx(integrated_brier(outcome, forecast.curves, times=forecast.grid))
    assert found[f"auroc_at_{early:g}"] == pytest.approx(auroc_at(outcome, forecast.risk, time=early))
    assert found[f"brier_at_{early:g}"] == pytest.approx(brier_at(outcome, forecast.survival[:, :1], times=early)[0])
    assert found[f"observed_at_{early:g}"] == pytest.approx(1 - kaplan_meier(outcome).at(early))
    assert found[f"predicted_at_{early:g}"] == pytest.approx(1 - forecast.survival[:, 0].mean())


def test_resamples_are_resamples() -> None:
    forecast = _made(120)
    drawn = np.random.default_rng(0).integers(0, 120, size=(1000, 120))
    values = [harrell(forecast.outcome.take(rows), forecast.risk[rows]) for rows in drawn]
    found = measure_forecast(forecast, draws=1000)["concordance_harrell"]
    assert found.low == pytest.approx(np.quantile(values, 0.025), abs=0.015)
    assert found.high == pytest.approx(np.quantile(values, 0.975), abs=0.015)
    assert (found.n, found.groups) == (120, 120)


def test_a_calibrated_model_is_found_calibrated_and_another_is_not() -> None:
    good, bad = (measure_forecast(_made(600, scale=scale), draws=200) for scale in (1.0, 2.0))
    name = f"{_made(600).times[1]:g}"
    ratio, wrong = good[f"calibration_ratio_at_{name}"], bad[f"calibration_ratio_at_{name}"]
    assert ratio.low < 1 < ratio.high  # type: ignore[operator]
    assert wrong.high < 1  # type: ignore[operator]
    assert good[f"calibration_error_at_{name}"].value < 0.07 < bad[f"calibration_error_at_{name}"].low  # type: ignore[operator]


def test_repeats_do_not_make_the_interval_narrower() -> None:
    one, three = (measure_forecast(_made(150, copies=copies), draws=300) for copies in (1, 3))
    for name in ("concordance_harrell", "integrated_brier", "concordance_uno"):
        assert three[name].value == pytest.approx(one[name].value)
        assert three[name].low == pytest.approx(one[name].low)
        assert three[name].groups == 150


def test_the_better_of_two_is_told_and_equal_ones_are_not() -> None:
    outcome, values = made_outcome(300)
    good = forecast_of(outcome, values @ [0.8, -0.5, 0.0])
    poor = forecast_of(outcome, values @ [0.0, -0.5, 0.8])
    found = compare_forecasts(good, poor, draws=200)
    assert found["concordance_harrell"].low > 0  # type: ignore[operator]
    assert found["integrated_brier"].high < 0  # type: ignore[operator]
    assert set(found) == {
        name for name in measure_forecast(good, draws=200) if not name.startswith(("obs", "pred", "calib"))
    }
    same = compare_forecasts(good, good, draws=200)["concordance_harrell"]
    assert (same.value, same.low, same.high) == (0, 0, 0)
    with pytest.raises(InvalidInput, match="'time' differs"):
        compare_forecasts(good, _made(300, seed=1))


def test_what_does_not_exist_is_said() -> None:
    outcome = outcome_of(np.arange(1, 41), np.arange(40) >= 30, coding=Coding("days", trust=True))
    forecast = forecast_of(outcome, np.linspace(1, -1, 40))
    found = measure_forecast(forecast, draws=200)[f"auroc_at_{forecast.times[0]:g}"]
    assert found.value is None
    assert found.reason is not None
    with pytest.raises(InvalidInput, match="too few"):
        horizon_of(outcome_of([1, 2], [1, 0]))
    with pytest.raises(InvalidInput, match="'survival' of shape"):
        Forecast(
            outcome, forecast.risk, forecast.times, forecast.curves, forecast.grid, forecast.curves,
            forecast.groups, forecast.strata,
        )  # fmt: skip


def test_a_time_past_the_follow_up_leaves_its_metrics_undefined() -> None:
    forecast = _made(80)
    early = forecast.take(np.flatnonzero(forecast.outcome.time < forecast.times[1]))
    found = measure_forecast(early, draws=200)
    late = f"{forecast.times[1]:g}"
    for name in (f"auroc_at_{late}", f"brier_at_{late}", f"observed_at_{late}", "integrated_brier"):
        assert found[name].value is None
        assert "not inside the follow-up" in (found[name].reason or "")
    assert found["concordance_harrell"].value is not None
    assert found[f"brier_at_{forecast.times[0]:g}"].value is not None


def test_groups_by_predicted_risk_hold_all_and_rise() -> None:
    forecast = _made(400)
    groups = calibration_groups(forecast.outcome, 1 - forecast.survival[:, 1], time=float(forecast.times[1]), groups=5)
    assert sum(group.size for group in groups) == 400
    assert (np.diff([group.predicted for group in groups]) > 0).all()
    assert sum(group.low <= group.predicted <= group.high for group in groups) >= 4


@pytest.mark.realdata
def test_cox_on_gbsg_is_measured_as_published(realdata: Path) -> None:
    outcome, values = real_outcomes(realdata)["gbsg"]
    even = np.arange(len(outcome)) % 2 == 0
    model = fit_cox(values[even], outcome.take(even), options=CoxOptions(penalty=0.01))
    test, grid = outcome.take(~even), grid_to(2000.0)
    forecast = Forecast(
        test, model.risk(values[~even]), np.array([1825.0]), model.survival(values[~even], [1825.0]), grid,
        model.survival(values[~even], grid), np.arange(len(test)).astype(str), np.zeros(len(test), int),
    )  # fmt: skip
    found = measure_forecast(forecast, draws=200)
    assert 0.60 < found["concordance_harrell"].value < 0.72  # type: ignore[operator]
    assert 0.15 < found["integrated_brier"].value < 0.21  # type: ignore[operator]
