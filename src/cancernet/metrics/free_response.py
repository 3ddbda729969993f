"""Finding things whose number and place are not known: how many are found at so many false marks for each slide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.metrics.intervals import draw_counts, percentile, wilson

__all__ = ["Marks", "free_response", "free_response_curve"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Marks:
    """What was to be found on some slides, and what was marked.

    Parameters
    ----------
    found
        Shape (targets,): the highest score of a mark on each thing that was to be found; -inf where there is none.
    found_on
        Shape (targets,): which slide it is on, 0 to slides - 1.
    false
        Shape (marks,): scores of the marks on nothing that was to be found.
    false_on
        Shape (marks,): which slide they are on.
    slides
        How many there are, those without targets or marks too.

    Raises
    ------
    InvalidInput
        When shapes differ, a slide is out of range, or a score is not a number.
    """

    found: Floats
    found_on: NDArray[np.int64]
    false: Floats
    false_on: NDArray[np.int64]
    slides: int

    def __post_init__(self) -> None:
        """Hold the parts together."""
        for scores, on in ((self.found, self.found_on), (self.false, self.false_on)):
            if scores.shape != on.shape or scores.ndim != 1 or np.isnan(scores).any():
                raise InvalidInput(f"Scores {scores.shape} on slides {on.shape}", "One number for each, and its slide")
            if len(on) and not 0 <= on.min() <= on.max() < self.slides:
                raise InvalidInput(f"Slides {on.min()} to {on.max()}", f"0 to {self.slides - 1}")


def free_response(
    marks: Marks, *, at: Sequence[float] = (1, 4), draws: int = 1000, seed: int = 0
) -> dict[float, Estimate]:
    """Return the sensitivity at each mean number of false marks for a slide, with intervals that resample slides.

    It is the share of the targets whose score lies above the cut, at the lowest cut that leaves at most so many false
    marks on the mean slide.

    Parameters
    ----------
    marks
        What was to be found, and what was marked.
    at
        Mean numbers of false marks.
    draws, seed
        Of the bootstrap.

    References
    ----------
    Chakraborty 2017, Observer Performance Methods for Diagnostic Imaging, ch. 12 (the FROC curve); sensitivities at 1
    and 4 false positives: Ehteshami Bejnordi et al. 2017, doi:10.1001/jama.2017.14585.
    """
    return {allowed: _estimate(marks, allowed, draws=draws, seed=seed) for allowed in at}


def free_response_curve(marks: Marks) -> tuple[Floats, Floats]:
    """Return mean false marks for a slide and sensitivity, (k,) each, at every cut from the highest to none."""
    scores = np.unique(np.concatenate([marks.false, marks.found[np.isfinite(marks.found)]]))
    cuts = np.append(np.inf, scores[::-1])
    false = (marks.false >= cuts[:, None]).sum(axis=1) / max(marks.slides, 1)
    share = (marks.found >= cuts[:, None]).mean(axis=1) if len(marks.found) else np.full(len(cuts), np.nan)
    return false, share


def _estimate(marks: Marks, allowed: float, *, draws: int, seed: int) -> Estimate:
    """Return the sensitivity at one number of false marks."""
    targets, slides = len(marks.found), len(np.unique(marks.found_on))
    if not targets:
        return Estimate.undefined("there is nothing to be found", groups=marks.slides)
    value = float(_sensitivities(marks, np.ones((1, marks.slides)), allowed)[0])
    rows = targets + len(marks.false)
    drawn = np.concatenate(
        [_sensitivities(marks, counts, allowed) for counts in draw_counts(marks.slides, draws, seed, rows=rows)]
    )
    bounds = percentile(drawn, slides)
    if bounds is None:
        reason = "too few slides hold something to be found"
        return Estimate(value, None, None, targets, marks.slides, "bootstrap over slides", reason)
    if bounds[0] == bounds[1]:  # all found, or none: resampling cannot show that the next slide may be another
        low, high = wilson(value * slides, slides)
        return Estimate(value, float(low), float(high), targets, marks.slides, "wilson over slides with targets")
    return Estimate(value, *bounds, targets, marks.slides, f"percentile bootstrap over slides, {draws} draws")


def _sensitivities(marks: Marks, counts: Floats, allowed: float) -> Floats:
    """Return the sensitivity where each slide counts so often, (draws, slides) to (draws,); NaN without targets."""
    order = np.argsort(-marks.false, kind="stable")
    scores = np.append(marks.false[order], -np.inf)
    sums = np.cumsum(counts[:, marks.false_on[order]], axis=1)
    too_many = np.column_stack([sums > allowed * counts.sum(axis=1, keepdims=True), np.ones(len(counts), dtype=bool)])
    cuts = scores[too_many.argmax(axis=1)]  # the first mark that is one too many
    weights = counts[:, marks.found_on]
    total = weights.sum(axis=1)
    share: Floats = np.divide(
        (weights * (marks.found > cuts[:, None])).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0
    )
    return share
