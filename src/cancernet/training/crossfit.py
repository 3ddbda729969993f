"""Cross-fitting: out-of-fold logits for calibration and the number of epochs, from the same fits, without leaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.training.network import Fit, nll

__all__ = ["CrossFit", "choose_epochs", "cross_fit"]

FitFold = Callable[[NDArray[np.int64], NDArray[np.int64], int], Fit]


@dataclass(frozen=True, eq=False)
class CrossFit:
    """What cross-fitting found.

    Parameters
    ----------
    logits
        Out-of-fold logits, (n, classes), each from a network that has not seen the row, after a number of epochs
        that was chosen on other folds.
    epochs
        The number of epochs with the lowest loss over all folds, for the fit on all rows.
    history
        One row per inner fold and epoch, with the key "inner".
    """

    logits: NDArray[np.float64]
    epochs: int
    history: tuple[dict[str, float], ...]


def cross_fit(fit_fold: FitFold, codes: NDArray[np.int64], *, folds: Sequence[NDArray[np.int64]]) -> CrossFit:
    """Fit once per fold and watch its rows after every epoch.

    The epoch at which the logits of a fold are taken is the one with the lowest mean loss on the *other* folds, so
    that no row decides about the outputs it is calibrated with.

    Parameters
    ----------
    fit_fold
        Called with the rows to fit, the rows to watch and the number of the fold (from 0).
    codes
        Class codes of all n rows.
    folds
        Disjoint rows that together are all n; at least two folds.
    """
    everything = np.arange(len(codes))
    fits = [fit_fold(np.setdiff1d(everything, rows), rows, number) for number, rows in enumerate(folds)]
    watched = [_watched(fit) for fit in fits]
    losses = np.array([_losses(logits, codes[rows]) for logits, rows in zip(watched, folds, strict=True)])
    weights = np.array([len(rows) for rows in folds], dtype=np.float64)
    outputs = np.empty((len(codes), watched[0].shape[-1]))
    for number, rows in enumerate(folds):
        others = np.arange(len(folds)) != number
        outputs[rows] = watched[number][choose_epochs(losses[others], weights[others]) - 1]
    history = tuple({"inner": number, **row} for number, fit in enumerate(fits, start=1) for row in fit.history)
    return CrossFit(outputs, choose_epochs(losses, weights), history)


def choose_epochs(losses: NDArray[np.float64], weights: NDArray[np.float64]) -> int:
    """Return the number of epochs (from 1) whose loss, averaged over folds by their rows, is lowest.

    Parameters
    ----------
    losses
        Mean loss per fold and epoch, (folds, epochs).
    weights
        Rows per fold, (folds,).
    """
    return int(np.argmin(np.average(losses, axis=0, weights=weights))) + 1


def _watched(fit: Fit) -> NDArray[np.float32]:
    """Return the logits after each epoch; a fit that watched nothing is a mistake of the caller."""
    if fit.watched_logits is None:
        raise ValueError("cross_fit needs fits that watched their held-out rows")
    return fit.watched_logits


def _losses(logits: NDArray[np.float32], codes: NDArray[np.int64]) -> list[float]:
    """Return the mean loss after each epoch."""
    return [nll(step, codes) for step in logits]
