"""Does the order of the columns matter? The 10 x 3 layout against 20 random orders of the 30 columns."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.page import table
from cancernet.data import folds_by_group, load
from cancernet.metrics import auroc
from cancernet.models import Conv1D
from cancernet.tasks import softmax
from cancernet.training import TableLearner, TrainingOptions

ORDERS = 20


def measure() -> str:
    """Return mean, spread and range over 20 weight seeds: known layout, and one random order per seed."""
    known = np.array([_scores(np.arange(30), seed) for seed in range(ORDERS)])
    shuffled = np.array([_scores(np.random.default_rng(seed).permutation(30), seed) for seed in range(ORDERS)])
    rows = []
    for column, name in enumerate(("AUROC", "accuracy at 0.5", "negative log-likelihood")):
        difference = known[:, column] - shuffled[:, column]
        rows.append([name, _spread(known[:, column]), _spread(shuffled[:, column]), _mean(difference)])
    head = ["5-fold, pooled", "10 x 3 layout", "random orders", "difference (mean, 95 % interval)"]
    return table(head, rows)


def _scores(order: NDArray[np.int64], seed: int) -> tuple[float, float, float]:
    """Return AUROC, accuracy and loss of pooled test rows; fits of the full number of epochs, nothing is chosen."""
    loaded = load("wdbc")
    split = folds_by_group(loaded, folds=5, seed=7)
    codes, options = loaded.codes(loaded.classes), TrainingOptions()
    learner = TableLearner(
        loaded.values[:, order],
        codes,
        task=("multiclass", 2),
        model=(Conv1D(), "10x3"),
        options=options,
    )
    pooled = np.empty((len(loaded), 2))
    for fold in split.folds:
        fitted = learner.refit(fold.train, epochs=options.epochs, seed=seed * 100 + fold.number)
        pooled[fold.test] = learner.logits(fitted, loaded.values[fold.test][:, order])
    shares = softmax(pooled)
    loss = -np.log(shares[np.arange(len(codes)), codes]).mean()
    accuracy = float((shares.argmax(axis=1) == codes).mean())
    return float(auroc(codes == 1, shares[:, 1]) or 0.0), accuracy, float(loss)


def _spread(values: NDArray[np.float64]) -> str:
    """Return mean, standard deviation and range."""
    return f"{values.mean():.4f} ± {values.std(ddof=1):.4f} ({values.min():.4f} to {values.max():.4f})"


def _mean(values: NDArray[np.float64]) -> str:
    """Return the mean with its interval by Student's t."""
    from scipy.stats import t

    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():+.4f} ({values.mean() - half:+.4f} to {values.mean() + half:+.4f})"
