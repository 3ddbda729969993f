"""Cross-fitting: out-of-fold logits for calibration and the number of epochs, from the same fits, without leaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.tasks import TaskKind
from cancernet.training.network import Fit, row_losses

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
        The number of epochs that was chosen over all folds, for the fit on all rows.
    history
        One row per inner fold and epoch, with the key "inner".
    """

    logits: NDArray[np.float64]
    epochs: int
    history: tuple[dict[str, float], ...]


def cross_fit(
    fit_fold: FitFold,
    codes: NDArray[np.int64],
    *,
    folds: Sequence[NDArray[np.int64]],
    kind: TaskKind = "multiclass",
) -> CrossFit:
    """Fit once per fold and watch its rows after every epoch.

    The epoch at which the logits of a fold are taken is chosen on the *other* folds, so that no row decides about the
    outputs it is calibrated with.

    Parameters
    ----------
    fit_fold
        Called with the rows to fit, the rows to watch and the number of the fold (from 0).
    codes
        Class codes of all n rows.
    folds
        Disjoint rows that together are all n; at least two folds.
    kind
        Of the task.
    """
    everything = np.arange(len(codes))
    fits = [fit_fold(np.setdiff1d(everything, rows), rows, number) for number, rows in enumerate(folds)]
    watched = [_watched(fit) for fit in fits]
    losses = [row_losses(logits, codes[rows], kind=kind) for logits, rows in zip(watched, folds, strict=True)]
    outputs = np.empty((len(codes), watched[0].shape[-1]))
    for number, rows in enumerate(folds):
        others = np.concatenate(losses[:number] + losses[number + 1 :], axis=1)
        outputs[rows] = watched[number][choose_epochs(others) - 1]
    history = tuple({"inner": number, **row} for number, fit in enumerate(fits, start=1) for row in fit.history)
    return CrossFit(outputs, choose_epochs(np.concatenate(losses, axis=1)), history)


def choose_epochs(losses: NDArray[np.float64]) -> int:
    """Return the number of epochs (from 1): the latest that is not worse than the best by more than chance.

    Of all epochs whose mean loss exceeds the lowest by at most one standard error of the paired difference, the last
    is taken. The rate falls towards the end, so late weights are steadier; on the Wisconsin table stopping at the
    lowest loss gave a slightly lower AUROC. A network that overfits is still stopped.

    Parameters
    ----------
    losses
        Of rows that were not fitted on, (epochs, n).

    References
    ----------
    One standard error: Breiman et al. 1984, Classification and Regression Trees, section 3.4.3.
    """
    best = int(np.argmin(losses.mean(axis=1)))
    worse = losses - losses[best]  # (epochs, n)
    chance = worse.std(axis=1) / np.sqrt(losses.shape[1])
    return int(np.flatnonzero(worse.mean(axis=1) <= chance)[-1]) + 1


def _watched(fit: Fit) -> NDArray[np.float32]:
    """Return the logits after each epoch; a fit that watched nothing is a mistake of the caller."""
    if fit.watched_logits is None:
        raise ValueError("cross_fit needs fits that watched their held-out rows")
    return fit.watched_logits
