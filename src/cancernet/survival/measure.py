"""Every metric of a forecast as an Estimate, and differences of two forecasts: patients are resampled. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.metrics.intervals import draw_counts, percentile, reflected
from cancernet.survival.attime import case_pairs, refuse_time, squared_errors, trapezoid
from cancernet.survival.causeparts import cause_makers
from cancernet.survival.causes import CauseForecast
from cancernet.survival.concordance import event_pairs, uno_weights
from cancernet.survival.forecast import Forecast
from cancernet.survival.observed import Observed

__all__ = ["DIFFERENCES", "Measured", "compare_forecasts", "measure_forecast", "time_name"]

Floats = NDArray[np.float64]
Part = Callable[[Floats], dict[str, Floats]]

DIFFERENCES = ("concordance_", "integrated_brier", "auroc_", "brier_")
_KINDS = ("observed", "predicted", "calibration_ratio", "calibration_error")
_GROUPS = 10  # of equal size, for the calibration error


class Measured:
    """The metrics of a forecast and of its resamples, worked out once.

    Parameters
    ----------
    forecast
        Predictions beside outcomes: of the event, or of one of several causes.
    draws, seed
        Number of resamples of the patients, and where they start.
    """

    def __init__(self, forecast: Forecast | CauseForecast, *, draws: int = 1000, seed: int = 0) -> None:
        self.forecast, self._names = forecast, _Named(forecast)
        self._values, self._drawn = self._names.both(draws, seed)

    @property
    def estimates(self) -> dict[str, Estimate]:
        """All metrics; see `measure_forecast`."""
        found = {name: _estimate(self.forecast, name, value, self._drawn[name]) for name, value in self._values.items()}
        return found | self._names.undefined

    def minus(self, other: Measured) -> dict[str, Estimate]:
        """Return the paired differences; see `compare_forecasts`."""
        _check_same(self.forecast, other.forecast)
        shared = [name for name in self._values if name in other._values and name.startswith(DIFFERENCES)]
        missing = self._names.undefined | other._names.undefined
        return {
            name: _estimate(
                self.forecast,
                name,
                self._values[name] - other._values[name],
                self._drawn[name] - other._drawn[name],
                "paired ",
            )
            for name in shared
        } | {name: estimate for name, estimate in missing.items() if name.startswith(DIFFERENCES)}


def measure_forecast(forecast: Forecast, *, draws: int = 1000, seed: int = 0) -> dict[str, Estimate]:
    """Return all metrics, each with its 95 % interval from resampling the patients.

    The weights that make up for censoring are those of all rows, and stay as they are in the resamples.

    Parameters
    ----------
    forecast
        Predictions beside outcomes.
    draws, seed
        Number of resamples, and where they start.

    Returns
    -------
    Estimates by name: concordance_harrell, concordance_uno (events up to the horizon), integrated_brier (over the
    grid), and for each time t auroc_at_<t>, brier_at_<t>, observed_at_<t> (share with the event, Kaplan-Meier),
    predicted_at_<t> (mean), calibration_ratio_at_<t> (observed by predicted, 1 is perfect), and
    calibration_error_at_<t> (mean distance of both over ten groups of equal size by predicted risk).
    """
    return Measured(forecast, draws=draws, seed=seed).estimates


def compare_forecasts(first: Forecast, second: Forecast, *, draws: int = 1000, seed: int = 0) -> dict[str, Estimate]:
    """Return first minus second for discrimination and Brier scores, resampling the patients of both together.

    An interval that excludes zero says that one is better on such patients; for Brier scores less is better.

    Parameters
    ----------
    first, second
        Forecasts of two models for the same rows in the same order.
    draws, seed
        As for `measure_forecast`.

    Raises
    ------
    InvalidInput
        When the rows or the times are not the same.
    """
    _check_same(first, second)
    return Measured(first, draws=draws, seed=seed).minus(Measured(second, draws=draws, seed=seed))


def time_name(time: float) -> str:
    """Return how a time is written in the name of a metric: 60, or 7.5."""
    return f"{time:g}"


class _Named:
    """The metrics of a forecast as functions of how often each patient counts, and those that do not exist."""

    def __init__(self, forecast: Forecast | CauseForecast) -> None:
        self.forecast = forecast
        makers = _makers(forecast) if isinstance(forecast, Forecast) else cause_makers(forecast)
        self.parts: list[Part] = []
        self.undefined: dict[str, Estimate] = {}
        for names, make in makers:
            try:
                self.parts.append(make())
            except InvalidInput as error:
                lacking = Estimate.undefined(error.wrong, n=len(forecast), groups=forecast.group_count)
                self.undefined |= dict.fromkeys(names, lacking)

    def both(self, draws: int, seed: int) -> tuple[dict[str, float], dict[str, Floats]]:
        """Return the values, and those of resamples, each of shape (draws,)."""
        codes, count = self.forecast.codes, self.forecast.group_count
        values = self._at(np.ones((1, len(codes))))
        tables = [self._at(counts[:, codes]) for counts in draw_counts(count, draws, seed, rows=len(codes))]
        drawn = {name: np.concatenate([table[name] for table in tables]) for name in values}
        return {name: float(value[0]) for name, value in values.items()}, drawn

    def _at(self, weights: Floats) -> dict[str, Floats]:
        """Return all metrics for weights of shape (draws, n)."""
        found: dict[str, Floats] = {}
        for part in self.parts:
            found |= part(weights)
        return found


def _makers(forecast: Forecast) -> Iterator[tuple[tuple[str, ...], Callable[[], Part]]]:
    """Yield the names of metrics, and what makes the function for them or raises."""
    yield ("concordance_harrell",), lambda: _concordance(forecast, "concordance_harrell")
    yield ("concordance_uno",), lambda: _concordance(forecast, "concordance_uno")
    yield ("integrated_brier",), lambda: _integrated(forecast)
    for place, time in enumerate(forecast.times.tolist()):
        name = time_name(time)
        yield (f"auroc_at_{name}",), lambda time=time: _auroc(forecast, time)  # type: ignore[misc]
        yield (f"brier_at_{name}",), lambda place=place: _brier(forecast, place)  # type: ignore[misc]
        named = tuple(f"{kind}_at_{name}" for kind in _KINDS)
        yield named, lambda place=place: _calibration(forecast, place)  # type: ignore[misc]


def _concordance(forecast: Forecast, name: str) -> Part:
    """Return a concordance as a function of weights."""
    outcome = forecast.outcome
    left = outcome.event.astype(np.float64)
    if name == "concordance_uno":
        left = uno_weights(outcome, forecast.censoring, until=forecast.horizon)
    pairs = event_pairs(outcome, forecast.risk, strata=forecast.strata)
    return lambda weights: {name: _ratio(*pairs.sums(weights, left[None]))}


def _auroc(forecast: Forecast, time: float) -> Part:
    """Return the AUROC at a time as a function of weights."""
    refuse_time(forecast.outcome, time)
    risk = 1 - forecast.survival[:, forecast.times.tolist().index(time)]
    pairs, left = case_pairs(forecast.outcome, risk, time, forecast.censoring, strata=forecast.strata)
    return lambda weights: {f"auroc_at_{time_name(time)}": _ratio(*pairs.sums(weights, left[None]))}


def _integrated(forecast: Forecast) -> Part:
    """Return the integrated Brier score as a function of weights."""
    errors = squared_errors(forecast.outcome, forecast.curves, times=forecast.grid, censoring=forecast.censoring)
    mean = errors @ trapezoid(forecast.grid)
    return lambda weights: {"integrated_brier": weights @ mean / weights.sum(axis=1)}


def _brier(forecast: Forecast, place: int) -> Part:
    """Return the Brier score at a time as a function of weights."""
    time, chance = forecast.times[place], forecast.survival[:, [place]]
    errors = squared_errors(forecast.outcome, chance, times=time, censoring=forecast.censoring)[:, 0]
    return lambda weights: {f"brier_at_{time_name(float(time))}": weights @ errors / weights.sum(axis=1)}


def _calibration(forecast: Forecast, place: int) -> Part:
    """Return what was observed and predicted at a time as a function of weights."""
    time, chance = float(forecast.times[place]), 1 - forecast.survival[:, place]
    refuse_time(forecast.outcome, time)
    groups = np.array_split(np.argsort(chance, kind="stable"), min(_GROUPS, len(chance)))
    every = Observed(forecast.outcome, time=time)
    parts = [Observed(forecast.outcome, time=time, rows=rows) for rows in groups]

    def found(weights: Floats) -> dict[str, Floats]:
        """Return the four numbers."""
        observed, predicted = every.share(weights), _mean(chance, weights)
        gaps = sum(
            np.abs(part.share(weights) - _mean(chance[rows], weights[:, rows])) * weights[:, rows].sum(axis=1)
            for part, rows in zip(parts, groups, strict=True)
        )
        values = (observed, predicted, observed / predicted, gaps / weights.sum(axis=1))
        return {f"{kind}_at_{time_name(time)}": value for kind, value in zip(_KINDS, values, strict=True)}

    return found


def _mean(values: Floats, weights: Floats) -> Floats:
    """Return weighted means, (draws,); zero where nothing is drawn."""
    total = weights.sum(axis=1)
    mean: Floats = np.divide(weights @ values, total, out=np.zeros(len(total)), where=total > 0)
    return mean


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """Return the ratio of two columns, NaN where the bottom is zero."""
    ratio: Floats = np.divide(top[:, 0], bottom[:, 0], out=np.full(len(top), np.nan), where=bottom[:, 0] > 0)
    return ratio


def _estimate(forecast: Forecast | CauseForecast, name: str, value: float, drawn: Floats, kind: str = "") -> Estimate:
    """Return the estimate of one metric."""
    rows, groups = len(forecast), forecast.group_count
    if not np.isfinite(value):
        return Estimate.undefined("no two patients can be compared", n=rows, groups=groups)
    events = len(np.unique(forecast.groups[forecast.outcome.event]))
    method = f"{kind}bootstrap over groups, {len(drawn)} draws"
    if name.startswith("calibration_error"):
        bounds, method = reflected(value, drawn, events), f"reflected {method}"
    else:
        bounds, method = percentile(drawn, events), f"percentile {method}"
    if bounds is None:
        return Estimate(value, None, None, rows, groups, "none", "resampling the patients seldom defines it")
    return Estimate(value, *bounds, rows, groups, method)


def _check_same(first: Forecast | CauseForecast, second: Forecast | CauseForecast) -> None:
    """Refuse forecasts of other rows or times."""
    pairs: Mapping[str, Sequence[NDArray[np.generic]]] = {
        "time": (first.outcome.time, second.outcome.time),
        "event": (first.outcome.cause, second.outcome.cause),
        "groups": (first.groups, second.groups),
        "strata": (first.strata, second.strata),
        "times": (first.times, second.times),
        "grid": (first.grid, second.grid),
    }
    for name, (one, two) in pairs.items():
        if not np.array_equal(one, two):
            raise InvalidInput(f"The two models were not tested on the same rows: '{name}' differs", "The same rows")
