"""How well some classes are told from some others: each pair of types, each step of a grade. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cancernet.metrics.scored import Scored

__all__ = ["contrasts"]

_MOST_CLASSES = 6  # pairs of more classes would fill pages
_NAMES = ("below", "above")


def contrasts(scored: Scored) -> Iterator[tuple[str, Scored]]:
    """Yield binary questions on the rows of several classes, each with the name of its AUROC.

    Types are compared in pairs, on the rows that are of either, by p_b / (p_a + p_b) (Hand and Till 2001, doi
    10.1023/A:1010920819831): `auroc_<a>_vs_<b>`, for up to 6 types. Grades are cut at each step, on all rows, by the
    probability of that grade or a worse one: `auroc_from_<grade>`. Questions that lack a side are left out.

    Parameters
    ----------
    scored
        Of three classes or more; nothing is yielded for two.
    """
    count = len(scored.classes)
    if scored.binary or count < 3:
        return
    for name, rows, above, score in _grades(scored) if scored.ordered else _pairs(scored):
        truth = above[rows]
        if truth.any() and not truth.all():
            yield name, _asked(scored.groups[rows], truth, score[rows])


_Question = tuple[str, NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]


def _grades(scored: Scored) -> Iterator[_Question]:
    """Yield name, rows, truth and score of each step of the grades."""
    everything = np.ones(len(scored), dtype=bool)
    for code, name in enumerate(scored.classes[1:], start=1):
        yield f"auroc_from_{name}", everything, scored.truth >= code, scored.probabilities[:, code:].sum(axis=1)


def _pairs(scored: Scored) -> Iterator[_Question]:
    """Yield name, rows, truth and score of each pair of types."""
    if len(scored.classes) > _MOST_CLASSES:
        return
    for first, second in combinations(range(len(scored.classes)), 2):
        one, other = (scored.probabilities[:, code] for code in (first, second))
        score = np.divide(other, one + other, out=np.full(len(scored), 0.5), where=one + other > 0)
        rows = (scored.truth == first) | (scored.truth == second)
        yield f"auroc_{scored.classes[first]}_vs_{scored.classes[second]}", rows, scored.truth == second, score


def _asked(groups: NDArray[np.str_], truth: NDArray[np.bool_], score: NDArray[np.float64]) -> Scored:
    """Return the question as a binary task."""
    score = np.clip(score, 0.0, 1.0)
    answers = (score >= 0.5).astype(np.int64)
    return Scored(truth.astype(np.int64), np.column_stack([1 - score, score]), answers, groups, _NAMES, _NAMES[1])
