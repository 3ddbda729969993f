"""The stack and what it has to beat, behind the protocol of learners, so that all go through the same recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.fusion import Stack, StackOptions, fit_stack
from cancernet.models import build_linear, with_normalisation
from cancernet.studies.cohort import Cohort
from cancernet.training import CrossFit

if TYPE_CHECKING:
    import keras

__all__ = ["FixedLearner", "StackLearner"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Fit:
    """A fitted stack; it takes no epochs."""

    stack: Stack
    epochs = 0
    history: tuple[dict[str, float], ...] = ()


class StackLearner:
    """Fits a stack on rows of the answers of the sources.

    Parameters
    ----------
    cohort
        All rows.
    centre
        Shape (columns, classes): what the weights are drawn to.
    options
        How.
    """

    own = False

    def __init__(self, cohort: Cohort, centre: Floats, options: StackOptions) -> None:
        self.values, self._cohort, self._centre, self._options = cohort.values, cohort, centre, options

    def cross_fit(self, rows: Ints, folds: Sequence[Ints], *, seed: int) -> CrossFit:
        """Return out-of-fold logits inside `rows`."""
        logits = np.empty((len(rows), self._centre.shape[1]))
        for held in folds:
            fitted = self.refit(np.delete(rows, held), epochs=0, seed=seed)
            logits[held] = self.logits(fitted, self.values[rows[held]])
        return CrossFit(logits, 0, ())

    def refit(self, rows: Ints, *, epochs: int, seed: int) -> _Fit:
        """Fit on all of `rows`."""
        codes, groups = self._cohort.codes[rows], self._cohort.groups[rows]
        options = self._options
        return _Fit(fit_stack(self.values[rows], codes, centre=self._centre, groups=groups, options=options, seed=seed))

    def fit_until(self, rows: Ints, stop_rows: Ints, *, seed: int) -> _Fit:
        """Fit on `rows` and `stop_rows`: nothing here needs to be stopped."""
        return self.refit(np.concatenate([rows, stop_rows]), epochs=0, seed=seed)

    def logits(self, fitted: _Fit, values: Floats) -> Floats:
        """Return the logits of rows."""
        return fitted.stack.logits(values)

    def model(self, fitted: _Fit) -> keras.Model:
        """Return the stack as a network, for the bundle."""
        count, classes = fitted.stack.weights.shape
        core = build_linear(count, classes)
        parts = [fitted.stack.weights.astype(np.float32), fitted.stack.intercept.astype(np.float32)]
        core.get_layer("logits").set_weights(parts)
        return with_normalisation(core, mean=np.zeros(count), variance=np.ones(count))


class FixedLearner(StackLearner):
    """Weights that nothing is learnt for: a source by itself, or the plain mean of all."""

    def refit(self, rows: Ints, *, epochs: int, seed: int) -> _Fit:
        """Return the weights."""
        return _Fit(Stack(self._centre, np.zeros(self._centre.shape[1]), 0.0))
