"""The networks that are trained on some rows: one on all of them, and those of an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.data import rows_by_fold
from cancernet.studies.patches.plan import PatchPlan
from cancernet.studies.patches.ways import Way
from cancernet.training import Checkpoint, FittedPatches, PatchLearner, seed_of

__all__ = ["Fits", "fit_alone", "fit_ensemble"]


@dataclass(frozen=True, eq=False)
class Fits:
    """The networks that were trained on some rows: one on all of them, and an ensemble, which may hold it too."""

    alone: FittedPatches
    members: tuple[FittedPatches, ...] = ()

    @property
    def different(self) -> tuple[FittedPatches, ...]:
        """Each network once."""
        return (self.alone, *(fit for fit in self.members if fit is not self.alone))

    def of(self, way: Way) -> tuple[FittedPatches, ...]:
        """Return the networks whose answers are averaged."""
        return self.members if way.ensemble else (self.alone,)

    def forget(self, stem: Path | None) -> None:
        """Remove what the finished fits left to go on from."""
        for number in range(len(self.different)):
            kept = _checkpoint(stem, number)
            if kept is not None:
                kept.remove()


def fit_alone(
    learner: PatchLearner,
    rows: NDArray[np.int64],
    *,
    seed: int,
    stem: Path | None,
    watched: NDArray[np.int64] | None = None,
) -> FittedPatches:
    """Return a network that is trained on all rows.

    Parameters
    ----------
    learner, rows, seed
        What to fit on what, and the seed of the weights.
    stem
        Path of the file of an unfinished fit, without suffix; None keeps nothing.
    watched
        Rows whose loss is written into the history.
    """
    return learner.fit(rows, seed=seed, watched=watched, checkpoint=_checkpoint(stem, 0))


def fit_ensemble(
    plan: PatchPlan,
    learner: PatchLearner,
    rows: NDArray[np.int64],
    *,
    seed: int,
    stem: Path | None,
    alone: FittedPatches | None = None,
) -> tuple[FittedPatches, ...]:
    """Return the networks of an ensemble; none when none is asked for.

    Parameters
    ----------
    plan, learner, rows
        What to fit on what.
    seed
        Of the parts, and of the weights.
    stem
        Path of the files of unfinished fits, without number and suffix; None keeps nothing.
    alone
        The network on all rows of this seed; it is fitted where it is needed and None.
    """
    asked = plan.study.training
    if asked.ensemble == 1:
        return ()
    if asked.ensemble_rows == "all":
        first = alone or fit_alone(learner, rows, seed=seed, stem=stem)
        return (first, *_fit_each(learner, [rows] * (asked.ensemble - 1), seed=seed, stem=stem))
    cohort = plan.cohort
    parts = rows_by_fold(cohort.codes[rows], cohort.groups[rows], folds=asked.ensemble, seed=seed)
    return _fit_each(learner, [np.delete(rows, part) for part in parts], seed=seed, stem=stem)


def _fit_each(
    learner: PatchLearner, several: Sequence[NDArray[np.int64]], *, seed: int, stem: Path | None
) -> tuple[FittedPatches, ...]:
    """Return a network for each set of rows, numbered from 1, each with a seed of its own."""
    return tuple(
        learner.fit(rows, seed=seed_of(seed, number), checkpoint=_checkpoint(stem, number))
        for number, rows in enumerate(several, start=1)
    )


def _checkpoint(stem: Path | None, number: int) -> Checkpoint | None:
    """Return where an unfinished fit is kept, if anything is; 0 is the network on all rows."""
    part = f".{number}" if number else ""
    return None if stem is None else Checkpoint(stem.with_name(f"{stem.name}{part}.fit.npz"))
