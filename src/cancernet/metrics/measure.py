"""Every metric of a task as an Estimate: the value, its 95 % interval over groups, or why there is none. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.metrics import ranking
from cancernet.metrics.calibration import ece_of_perfect
from cancernet.metrics.contrasts import contrasts
from cancernet.metrics.intervals import draw_counts, percentile, reflected, square_and_add, wilson
from cancernet.metrics.recalibration import calibration_line
from cancernet.metrics.scored import Scored
from cancernet.metrics.tally import Named, Part, Rankings, Shares, parts_of, threshold_parts, values_at

__all__ = ["measure", "measure_answers", "measure_at", "resample"]

Bounds = tuple[float, float]

# Metrics that a rare class does not undo. Quadratic kappa: simulated, all groups hold 92 to 96 % with a rare grade.
_OF_ALL_ROWS = ("brier", "nll", "ece", "set_size", "quadratic_kappa", "mean_absolute_error")
_ROUNDING = 1e-12  # an interval that is narrower does not vary


def measure(scored: Scored, *, draws: int = 1000, seed: int = 0) -> dict[str, Estimate]:
    """Return all metrics that apply.

    Where every row is a group of its own, proportions have Wilson's interval, AUROC has DeLong's; else, and for all
    other metrics, groups are resampled. A class that rests on a single group gives no interval. Where groups have
    several rows of one class, the metrics follow once more with the prefix `group_`, of rows averaged per group.

    Parameters
    ----------
    scored
        Answers and truth, one row at least.
    draws
        Number of resamples of the groups.
    seed
        The same seed gives the same intervals.

    Returns
    -------
    Estimates by name. Two classes: auroc, average_precision, accuracy, balanced_accuracy, sensitivity, specificity,
    ppv, npv, f1, mcc, brier, nll, brier_skill, ece, ece_of_perfect, calibration_slope, calibration_intercept. Several:
    macro_auroc, accuracy, balanced_accuracy, macro_f1, kappa, brier, nll, brier_skill, ece, ece_of_perfect, and
    auroc_<a>_vs_<b> of each pair of up to 6 types. Ordered grades have auroc_from_<grade> in the place of those, and
    quadratic_kappa and mean_absolute_error. With sets: coverage, coverage_<class>, set_size, abstained,
    selective_accuracy.

    Raises
    ------
    InvalidInput
        When there are no rows.
    """
    found = _measured(scored, draws=draws, seed=seed)
    if scored.one_row_per_group or not scored.one_truth_per_group.all():
        return found
    return found | {
        f"group_{name}": estimate for name, estimate in _measured(scored.by_group(), draws=draws, seed=seed).items()
    }


def measure_at(scored: Scored, threshold: float, *, draws: int = 1000, seed: int = 0) -> dict[str, Estimate]:
    """Return the metrics of the answers at another threshold: accuracy, sensitivity, ppv, f1 and the like.

    Parameters
    ----------
    scored
        Answers and truth of a binary task.
    threshold
        Probability of the positive class from which on a row is called positive.
    draws, seed
        As for `measure`.

    Raises
    ------
    InvalidInput
        When the task has no positive class, or there are no rows.
    """
    return measure_answers(scored.at(threshold), draws=draws, seed=seed)


def measure_answers(scored: Scored, *, draws: int = 1000, seed: int = 0) -> dict[str, Estimate]:
    """Return the metrics that rest on the answers alone, as `measure_at` does, for the answers as they are.

    Parameters
    ----------
    scored
        Answers and truth of a binary task; the threshold may differ between rows, as between folds.
    draws, seed
        As for `measure`.

    Raises
    ------
    InvalidInput
        When there are no rows.
    """
    return _estimates(scored, threshold_parts(scored), draws=draws, seed=seed)


def resample(scored: Scored, parts: list[Part], *, draws: int, seed: int) -> Named:
    """Return the metrics of resampled groups, each of shape (draws,), NaN where undefined."""
    tables = [values_at(parts, counts) for counts in draw_counts(scored.group_count, draws, seed, rows=len(scored))]
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def _measured(scored: Scored, *, draws: int, seed: int) -> dict[str, Estimate]:
    """Return all metrics of rows, without those of averaged groups."""
    found = _estimates(scored, parts_of(scored), draws=draws, seed=seed)
    scores = scored.p_positive if scored.binary else scored.probabilities.max(axis=1)
    found["ece_of_perfect"] = ece_of_perfect(
        scores, _streams(scored), draws=draws, seed=seed, groups=scored.group_count
    )
    found["ece"] = _from_zero(found["ece"], found["ece_of_perfect"])
    if scored.binary:
        found |= calibration_line(scored.positive_truth, scored.p_positive, groups=scored.group_codes)
    return found | {name: _area(asked, draws=draws, seed=seed) for name, asked in contrasts(scored)}


def _area(scored: Scored, *, draws: int, seed: int) -> Estimate:
    """Return the AUROC alone."""
    return _estimates(scored, [Rankings.of(scored)], draws=draws, seed=seed)["auroc"]


def _from_zero(error: Estimate, perfect: Estimate) -> Estimate:
    """Return the ECE with an interval from zero on, where a perfectly calibrated model would show as much."""
    if None in (error.value, error.low, perfect.high) or (error.value or 0) > (perfect.high or 0):
        return error
    return replace(error, low=0.0, method=f"{error.method}; from 0, as a perfect model may show as much")


def _streams(scored: Scored) -> NDArray[np.int64]:
    """Return which rows share one chance in the simulation of a perfect model.

    Rows of a group that are all of one class are one event seen several times (a case tested in every repeat, the
    patches of one tumour); for several classes, as far as they have the same top class. All other rows are on their
    own.
    """
    top = np.zeros(len(scored), dtype=np.int64) if scored.binary else scored.probabilities.argmax(axis=1)
    shared = scored.group_codes * len(scored.classes) + top
    own = scored.group_count * len(scored.classes) + np.arange(len(scored))
    keys = np.where(scored.one_truth_per_group[scored.group_codes], shared, own)
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


def _estimates(scored: Scored, parts: list[Part], *, draws: int, seed: int) -> dict[str, Estimate]:
    """Return the metrics of the parts, each with its interval."""
    if not len(scored):
        raise InvalidInput("There are no rows to measure", "One row at least")
    values = values_at(parts, np.ones((1, scored.group_count)))
    intervals = _Intervals(scored, parts, resample(scored, parts, draws=draws, seed=seed), draws)
    return {name: intervals.estimate(name, float(value[0])) for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class _Intervals:
    """Chooses the interval of each metric."""

    scored: Scored
    parts: list[Part]
    resampled: Named
    draws: int

    def estimate(self, name: str, value: float) -> Estimate:
        """Return the estimate of one metric."""
        rows, groups = self._support(name)
        if not np.isfinite(value):
            return Estimate.undefined(_why_undefined(name, self.scored), n=rows, groups=groups)
        bare = Estimate(value, None, None, rows, groups, "none")
        fewest = self._fewest_groups(name, groups)
        if fewest < 2:
            return replace(bare, reason="it rests on a single group")
        found = self._closed(name, value) or self._resampled(name, value, fewest)
        if found is None:
            return replace(bare, reason="resampling the groups does not vary it, or seldom defines it")
        return Estimate(value, found[0][0], found[0][1], rows, groups, found[1])

    def _share(self, name: str) -> tuple[Shares, int] | None:
        """Return the table and column of a proportion."""
        for part in self.parts:
            if isinstance(part, Shares) and name in part.names:
                return part, part.names.index(name)
        return None

    def _support(self, name: str) -> tuple[int, int]:
        """Return the rows and groups that a metric rests on."""
        share = self._share(name)
        if share is None:
            return len(self.scored), self.scored.group_count
        table, column = share
        return int(table.rows[column]), int((table.cases[:, column] > 0).sum())

    def _fewest_groups(self, name: str, groups: int) -> int:
        """Return the groups that the metric rests on; where it compares classes, those of the rarest class."""
        return groups if name in _OF_ALL_ROWS or self._share(name) is not None else self.scored.rarest_groups

    def _closed(self, name: str, value: float) -> tuple[Bounds, str] | None:
        """Return an interval that needs no resampling."""
        share = self._share(name)
        if share is not None:
            return self._of_share(*share)
        if name == "auroc":
            return self._of_area(value)
        if not self.scored.one_row_per_group:
            return None
        if name == "balanced_accuracy":
            return self._of_recalls()
        return self._of_f1() if name == "f1" else None

    def _of_share(self, table: Shares, column: int) -> tuple[Bounds, str] | None:
        """Return Wilson's interval, for groups of several rows only where resampling cannot vary the proportion."""
        hits, cases = table.hits[:, column].sum(), table.cases[:, column]
        if self.scored.one_row_per_group:
            return _pair(wilson(hits, cases.sum())), "wilson"
        if 0 < hits < cases.sum():
            return None
        groups = int((cases > 0).sum())
        return _pair(wilson(groups * float(hits > 0), groups)), "wilson over groups"

    def _of_area(self, value: float) -> tuple[Bounds, str] | None:
        """Return DeLong's interval, or the score interval of a perfect ranking."""
        truth, groups = self.scored.positive_truth, self.scored.group_codes
        if self.scored.one_row_per_group:
            bounds = ranking.delong(truth, self.scored.p_positive)
            if bounds is not None:
                return bounds, "delong"
        elif 0 < value < 1:
            return None
        sizes = len(np.unique(groups[truth])), len(np.unique(groups[~truth]))
        return ranking.perfect_area(value, *sizes), "newcombe"

    def _of_recalls(self) -> tuple[Bounds, str]:
        """Return the interval of the mean recall from the Wilson intervals of the classes."""
        rows = np.bincount(self.scored.truth, minlength=len(self.scored.classes))
        right = self.scored.truth == self.scored.predicted
        hits = np.bincount(self.scored.truth[right], minlength=len(rows))
        return square_and_add(hits / rows, *wilson(hits, rows)), "wilson, square-and-add"

    def _of_f1(self) -> tuple[Bounds, str]:
        """Return the interval of F1 from Wilson's of the Jaccard index, of which it is a rising function."""
        truth, called = self.scored.positive_truth, self.scored.predicted == self.scored.positive_code
        low, high = _pair(wilson((truth & called).sum(), (truth | called).sum()))
        return (2 * low / (1 + low), 2 * high / (1 + high)), "wilson of the jaccard index"

    def _resampled(self, name: str, value: float, groups: int) -> tuple[Bounds, str] | None:
        """Return the interval of the resamples; None where they do not vary."""
        drawn = self.resampled[name]
        method = f"bootstrap over groups, {self.draws} draws"
        if name == "ece":
            bounds, method = reflected(value, drawn, groups), f"reflected {method}"
        else:
            bounds, method = percentile(drawn, groups), f"percentile {method}"
        return None if bounds is None or bounds[1] - bounds[0] < _ROUNDING else (bounds, method)


def _pair(bounds: tuple[NDArray[np.float64], NDArray[np.float64]]) -> Bounds:
    """Return two numbers."""
    return float(bounds[0]), float(bounds[1])


def _why_undefined(name: str, scored: Scored) -> str:
    """Return why a metric does not exist for these rows."""
    if name.startswith("coverage_"):
        return f"class '{name.removeprefix('coverage_')}' has no rows"
    reasons = {
        "sensitivity": f"no row is of the positive class '{scored.positive}'",
        "specificity": f"every row is of the positive class '{scored.positive}'",
        "average_precision": f"no row is of the positive class '{scored.positive}'",
        "ppv": f"no row was called '{scored.positive}'",
        "npv": f"every row was called '{scored.positive}'",
        "f1": f"no row is, or was called, '{scored.positive}'",
        "mcc": "all rows are, or were called, of one class",
        "kappa": "all rows are, and were called, of one class",
        "quadratic_kappa": "all rows are, and were called, of one grade",
        "selective_accuracy": "every row was abstained",
    }
    return reasons.get(name) or _missing_class(scored)


def _missing_class(scored: Scored) -> str:
    """Return which classes have no rows."""
    missing = [name for code, name in enumerate(scored.classes) if not (scored.truth == code).any()]
    return f"no row is of class {', '.join(repr(name) for name in missing)}"
