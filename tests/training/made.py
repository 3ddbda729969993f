"""Small problems for networks: two noisy clouds, and the network that tells them apart."""

from __future__ import annotations

import numpy as np

from cancernet.models import Conv1D, build_conv1d
from cancernet.training import Network, TableLearner, TrainingOptions

COLUMNS = 4
SMALL = Conv1D(filters=(4,), dense=4, noise=0.1, dropout=0.2)


def clouds(rows: int = 60, *, positive_share: float = 0.5, seed: int = 0):
    """Return standardised inputs (n, COLUMNS) float32 and codes (n,) of two classes that overlap."""
    rng = np.random.default_rng(seed)
    codes = (np.arange(rows) < positive_share * rows).astype(np.int64)
    inputs = rng.normal(codes[:, None] * 1.2 - 0.6, 1.0, (rows, COLUMNS))
    return inputs.astype(np.float32), codes


def small_network(*, advance=None, **options) -> Network:
    """Return a compiled network of a few hundred weights."""
    chosen = TrainingOptions(**{"epochs": 5, "batch_size": 16, "learning_rate": 0.02, **options})
    return Network(lambda: build_conv1d(COLUMNS, 2, options=SMALL), chosen, advance=advance)


def small_learner(values, codes, **options) -> TableLearner:
    """Return a learner of a table with two classes."""
    chosen = TrainingOptions(**{"epochs": 3, "batch_size": 16, "learning_rate": 0.02, **options})
    return TableLearner(values, codes, task=("multiclass", 2), model=(SMALL, "columns"), options=chosen)


def assert_same_weights(first, second) -> None:
    """Fail unless two lists of weights agree in every bit."""
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
