"""A network on a table: missing values filled, columns standardised, all learnt from the fitted rows alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.data import Medians
from cancernet.models import (
    Conv1D,
    Dense,
    Layout,
    Linear,
    build_conv1d,
    build_dense,
    build_linear,
    with_normalisation,
)
from cancernet.tasks import TaskKind
from cancernet.training.crossfit import CrossFit, cross_fit
from cancernet.training.network import Fit, Network, Watched
from cancernet.training.options import TrainingOptions
from cancernet.training.seeds import seed_of

if TYPE_CHECKING:
    import keras

__all__ = ["FittedTable", "Standard", "TableLearner"]


@dataclass(frozen=True, eq=False)
class Standard:
    """Medians, means and variances of the fitted rows, per column.

    Values are rounded to float32 first: that is what the bundle's network takes, and what it cannot tell apart must
    not help it while it is trained.
    """

    medians: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]

    @classmethod
    def fit(cls, values: NDArray[np.float64]) -> Standard:
        """Learn from rows (n, columns), NaN where missing; a column without spread gets variance 1."""
        medians = Medians.fit(values)
        filled = _rounded(medians.apply(values))
        variance = filled.var(axis=0)
        return cls(np.asarray(medians.values), _rounded(filled.mean(axis=0)), np.where(variance > 0, variance, 1.0))

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return filled and standardised columns, (n, columns) float32."""
        filled = _rounded(np.where(np.isnan(values), self.medians, values))
        return ((filled - self.mean) / np.sqrt(self.variance)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class FittedTable:
    """A fit with what its columns were standardised by; `history` as in `Fit`."""

    weights: list[NDArray[np.float32]]
    standard: Standard
    epochs: int
    history: tuple[dict[str, float], ...]


class TableLearner:
    """Fits conv1d, a dense or a linear network on rows of one table.

    Parameters
    ----------
    values
        All rows, (n, columns), raw units, NaN where missing.
    codes
        Class codes, (n,).
    task
        Kind of task and number of classes; ordered grades need a dense network.
    model
        The network, and the layout of the columns in conv1d.
    options
        Of the training.
    inner
        All rows as a fit of the cross-fitting on the given ones sees them, (n, columns); `values` when None.
    advance
        Called after every epoch.
    """

    own = False

    def __init__(
        self,
        values: NDArray[np.float64],
        codes: NDArray[np.int64],
        *,
        task: tuple[TaskKind, int],
        model: tuple[Conv1D | Dense | Linear, Layout],
        options: TrainingOptions,
        inner: Callable[[NDArray[np.int64]], NDArray[np.float64]] | None = None,
        advance: Callable[[], None] | None = None,
    ) -> None:
        self._inner = inner or (lambda rows: values)
        self.values, self.codes, self.options = values, codes, options
        (self._kind, self._classes), (own, layout) = task, model
        self._model = own
        columns, classes, kind = values.shape[1], self._classes, self._kind

        def build() -> keras.Model:
            if isinstance(own, Linear):
                return build_linear(columns, classes, options=own)
            if isinstance(own, Dense):
                return build_dense(columns, classes, options=own, kind=kind)
            return build_conv1d(columns, classes, layout=layout, options=own)

        self._network = Network(build, options, kind=kind, classes=classes, advance=advance)

    def cross_fit(self, rows: NDArray[np.int64], folds: Sequence[NDArray[np.int64]], *, seed: int) -> CrossFit:
        """Cross-fit inside `rows`; `folds` hold positions within `rows`."""

        def fit_fold(fitted: NDArray[np.int64], held: NDArray[np.int64], number: int) -> Fit:
            """Fit on some of the rows and watch the others."""
            values = self._inner(rows[fitted])
            return self._fit(values, rows[fitted], watched=rows[held], seed=seed_of(seed, number))[0]

        return cross_fit(fit_fold, self.codes[rows], folds=folds, kind=self._kind)

    def refit(self, rows: NDArray[np.int64], *, epochs: int, seed: int) -> FittedTable:
        """Fit on all of `rows` for a known number of epochs."""
        fit, standard = self._fit(self.values, rows, epochs=epochs, seed=seed)
        return FittedTable(fit.weights, standard, fit.epochs, fit.history)

    def fit_until(self, rows: NDArray[np.int64], stop_rows: NDArray[np.int64], *, seed: int) -> FittedTable:
        """Fit on `rows`, stop early by `stop_rows`, and keep the weights of the best epoch."""
        fit, standard = self._fit(self.values, rows, watched=stop_rows, patience=self.options.patience, seed=seed)
        return FittedTable(fit.weights, standard, fit.epochs, fit.history)

    def logits(self, fitted: FittedTable, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logits (n, classes) of raw rows."""
        return self._network.logits(fitted.weights, fitted.standard.apply(values)).astype(np.float64)

    def model(self, fitted: FittedTable) -> keras.Model:
        """Return the network that takes raw columns, for the bundle."""
        mean, variance = fitted.standard.mean, fitted.standard.variance
        core = self._network.with_weights(fitted.weights)
        if isinstance(self._model, Dense):
            return _standardising(
                core,
                build_dense(len(mean), self._classes, options=self._model, kind=self._kind, standard=(mean, variance)),
            )
        return with_normalisation(core, mean=fitted.standard.mean, variance=fitted.standard.variance)

    def _fit(
        self,
        values: NDArray[np.float64],
        rows: NDArray[np.int64],
        *,
        seed: int,
        epochs: int | None = None,
        watched: NDArray[np.int64] | None = None,
        patience: int | None = None,
    ) -> tuple[Fit, Standard]:
        """Fit on rows by their numbers; also return what their columns were standardised by."""
        standard, codes = Standard.fit(values[rows]), self.codes[rows]
        follow = None if watched is None else Watched(standard.apply(values[watched]), self.codes[watched])
        inputs = standard.apply(values[rows])
        fit = self._network.fit(inputs, codes, seed=seed, epochs=epochs, watched=follow, patience=patience)
        return fit, standard


def _standardising(core: keras.Model, raw: keras.Model) -> keras.Model:
    """Return the network for raw columns with the weights of the one for standardised ones."""
    for layer in raw.layers:
        if layer.name in {own.name for own in core.layers}:
            layer.set_weights(core.get_layer(layer.name).get_weights())
    return raw


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values as float32 knows them."""
    return values.astype(np.float32).astype(np.float64)
