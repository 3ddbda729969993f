"""What is fitted: the network and its baselines behind one small protocol, so that all go through the same recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cancernet.data import Medians
from cancernet.metrics import baseline_logits
from cancernet.tasks import TaskKind, logit_width
from cancernet.training import CrossFit

__all__ = ["BaselineLearner", "Learner"]


class Learner(Protocol):
    """Fits on rows of one table, by their numbers, and gives logits (m, classes).

    Attributes
    ----------
    values
        All rows, (n, columns).
    own
        Whether these are other columns than those of the table.
    """

    values: NDArray[np.float64]
    own: bool

    def cross_fit(self, rows: NDArray[np.int64], folds: Sequence[NDArray[np.int64]], *, seed: int) -> CrossFit:
        """Return out-of-fold logits inside `rows`; `folds` hold positions within `rows`."""

    def refit(self, rows: NDArray[np.int64], *, epochs: int, seed: int) -> Any:
        """Fit on all of `rows`."""

    def fit_until(self, rows: NDArray[np.int64], stop_rows: NDArray[np.int64], *, seed: int) -> Any:
        """Fit on `rows`; `stop_rows` decide when to stop."""

    def logits(self, fitted: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logits of raw rows."""


class _BaselineFit:
    """The rows that a baseline learns from; it is fast enough to be fitted when it is asked."""

    epochs = 0
    history: tuple[dict[str, float], ...] = ()

    def __init__(self, rows: NDArray[np.int64]) -> None:
        self.rows = rows


class BaselineLearner:
    """A baseline by its name.

    Parameters
    ----------
    name
        One of `metrics.BASELINES`.
    values, codes
        All rows, (n, columns) and (n,).
    classes
        Number of classes.
    kind
        Of the task.
    own
        Whether it looks at columns of its own, and not at those of the table.
    inner
        All rows as a fit on the given ones sees them; `values` when None.
    """

    def __init__(
        self,
        name: str,
        values: NDArray[np.float64],
        codes: NDArray[np.int64],
        *,
        classes: int,
        kind: TaskKind = "multiclass",
        own: bool = False,
        inner: Callable[[NDArray[np.int64]], NDArray[np.float64]] | None = None,
    ) -> None:
        self.name, self.values, self.codes, self.classes = name, values, codes, classes
        self.kind, self.own = kind, own
        self._inner = inner or (lambda rows: values)

    def cross_fit(self, rows: NDArray[np.int64], folds: Sequence[NDArray[np.int64]], *, seed: int) -> CrossFit:
        """Return out-of-fold logits inside `rows`."""
        logits = np.empty((len(rows), logit_width(self.kind, self.classes)))
        for held in folds:
            fitted = np.delete(rows, held)
            values = self._inner(fitted)
            logits[held] = self._between(values[fitted], self.codes[fitted], values[rows[held]])
        return CrossFit(logits, 0, ())

    def refit(self, rows: NDArray[np.int64], *, epochs: int, seed: int) -> _BaselineFit:
        """Fit on all of `rows`."""
        return _BaselineFit(rows)

    def fit_until(self, rows: NDArray[np.int64], stop_rows: NDArray[np.int64], *, seed: int) -> _BaselineFit:
        """Fit on `rows` and `stop_rows`: nothing here needs to be stopped."""
        return self.refit(np.concatenate([rows, stop_rows]), epochs=0, seed=seed)

    def logits(self, fitted: _BaselineFit, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logits of raw rows."""
        return self._between(self.values[fitted.rows], self.codes[fitted.rows], values)

    def _between(
        self, known: NDArray[np.float64], codes: NDArray[np.int64], new: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the logits of raw rows by other raw rows and their classes."""
        medians = Medians.fit(known)
        names = [str(code) for code in range(self.classes)]
        return baseline_logits(
            self.name, medians.apply(known), codes, medians.apply(new), classes=names, kind=self.kind
        )
