"""Pairs of patients counted in n log n: how often the one whose event came first had the higher risk. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["TIE", "Pairs", "tied_codes"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TIE = 1e-8  # risks that differ by no more are equal, as in scikit-survival


@dataclass(frozen=True, eq=False)
class _Level:
    """All pairs whose ranks first differ in one binary digit.

    Parameters
    ----------
    order
        Shape (n,): rows by block, then by score.
    later
        Shape (n,), in that order: whether the digit is set, so that the row comes second.
    first
        Rows whose digit is not set.
    below, upto
        For each of them, how many rows in that order come before its score, and up to it.
    begin, end
        For each of them, where its block begins and ends.
    """

    order: Ints
    later: Floats
    first: Ints
    below: Ints
    upto: Ints
    begin: Ints
    end: Ints


class Pairs:
    """Pairs of rows of one stratum with different ranks; the one of the lower rank is called first.

    Two ranks differ first in one binary digit. For each digit, rows that agree in all higher ones are a block, in which
    those without the digit come first. Sorted by score, a running sum over the block counts, for all its rows at once,
    the weight of those that come second and have a lower score. There are log2(n) digits.

    Parameters
    ----------
    rank
        Shape (n,), whole numbers from 0; rows of equal rank are no pair.
    score
        Shape (n,); within `TIE` of the next one they are equal.
    strata
        Shape (n,), whole numbers from 0: only rows of the same stratum are a pair.
    counted
        Shape (n,): rows that may be first; None for all.
    """

    def __init__(
        self, rank: Ints, score: Floats, *, strata: Ints | None = None, counted: NDArray[np.bool_] | None = None
    ):
        codes = tied_codes(score)
        by_score = np.argsort(codes, kind="stable")
        stratum = np.zeros_like(rank) if strata is None else strata
        rank = _within(stratum, rank)
        digits = int(rank.max(initial=0)).bit_length()
        rows = np.ones(len(rank), dtype=np.bool_) if counted is None else counted
        self._levels = [_level(rank, codes, stratum, by_score, rows, digit) for digit in range(digits)]

    def sums(self, weights: Floats, left: Floats, right: Floats | None = None) -> tuple[Floats, Floats]:
        """Return the weight of concordant pairs (ties count half), and of all pairs.

        Parameters
        ----------
        weights
            Shape (draws, n): how often each row counts.
        left
            Shape (kinds, n): a further weight of the row that is first.
        right
            Shape (n,): a further weight of the row that is second; None: 1.

        Returns
        -------
        Two arrays of shape (draws, kinds).
        """
        shape = (len(weights), len(left))
        concordant, every = np.zeros(shape), np.zeros(shape)
        second = weights if right is None else weights * right
        for level in self._levels:
            running = np.zeros((len(weights), weights.shape[1] + 1))
            np.cumsum(second[:, level.order] * level.later, axis=1, out=running[:, 1:])
            begun = running[:, level.begin]
            lower = (running[:, level.below] + running[:, level.upto]) / 2 - begun
            own, factor = weights[:, level.first], left[:, level.first].T
            concordant += (own * lower) @ factor
            every += (own * (running[:, level.end] - begun)) @ factor
        return concordant, every


def tied_codes(score: Floats) -> Ints:
    """Return whole numbers in the order of the scores; a score within `TIE` of the next lower one has its number."""
    order = np.argsort(score, kind="stable")
    codes = np.zeros(len(score), dtype=np.int64)
    codes[order[1:]] = np.cumsum(np.diff(score[order]) > TIE)
    return codes


def _level(rank: Ints, codes: Ints, strata: Ints, by_score: Ints, counted: NDArray[np.bool_], digit: int) -> _Level:
    """Return the pairs whose ranks first differ in a digit."""
    block = _joined(strata, rank >> (digit + 1))
    order = by_score[np.argsort(block[by_score], kind="stable")]
    later = ((rank[order] >> digit) & 1).astype(np.float64)
    blocks, runs = block[order], _joined(block, codes)[order]
    places = np.flatnonzero((later == 0) & counted[order])
    return _Level(
        order,
        later,
        order[places],
        np.searchsorted(runs, runs[places], "left"),
        np.searchsorted(runs, runs[places], "right"),
        np.searchsorted(blocks, blocks[places], "left"),
        np.searchsorted(blocks, blocks[places], "right"),
    )


def _within(strata: Ints, rank: Ints) -> Ints:
    """Return the ranks counted from 0 without gaps in each stratum: the fewer digits, the fewer levels."""
    _, dense = np.unique(_joined(strata, rank), return_inverse=True)
    first = np.full(int(strata.max(initial=0)) + 1, len(rank))
    np.minimum.at(first, strata, dense)
    within: Ints = dense - first[strata]
    return within


def _joined(major: Ints, minor: Ints) -> Ints:
    """Return one number for two, in the order of the first and then of the second."""
    joined: Ints = major * (int(minor.max(initial=0)) + 1) + minor
    return joined
