"""The last layers: from features to logits, by the kind of task; stock layers only."""

from __future__ import annotations

from typing import Any

import numpy as np

from cancernet.models.backend import keras_library
from cancernet.tasks import TaskKind

__all__ = ["cumulative_link", "logits_of"]


def logits_of(features: Any, classes: int, *, kind: TaskKind) -> Any:
    """Return the logits (n, classes), or for ordered grades (n, classes - 1), of features (n, width).

    They are float32, whatever precision the layers before them compute in.
    """
    if kind == "ordinal":
        return cumulative_link(features, classes)
    return keras_library().layers.Dense(classes, dtype="float32", name="logits")(features)


def cumulative_link(features: Any, classes: int) -> Any:
    """Return for each grade but the last the logit that the grade is at most this one.

    Entry k is cut_k - severity, where one dense unit gives the severity of a row and cut_0 <= cut_1 <= ... are the same
    for all rows: no class ever has a negative probability. The cut-points stand in stock layers. The first one is in
    the bias of the severity; the steps between them are weights held above zero by a constraint, applied to a constant
    1 (`Rescaling` by 0, offset 1); a fixed triangular matrix adds them up.

    Parameters
    ----------
    features
        Keras tensor, (n, width).
    classes
        Number of grades, at least 3.

    References
    ----------
    McCullagh 1980, doi 10.1111/j.2517-6161.1980.tb01109.x, eq. 2.2.
    """
    layers, keras = keras_library().layers, keras_library()
    steps = classes - 2
    ease = layers.Dense(1, dtype="float32", name="ease")(features)  # cut_0 - severity
    one = layers.Rescaling(0.0, offset=1.0, dtype="float32", name="one")(ease)
    apart = layers.Dense(
        steps,
        use_bias=False,
        kernel_initializer="ones",
        kernel_constraint=keras.constraints.NonNeg(),
        dtype="float32",
        name="steps",
    )(one)
    parts = layers.Concatenate(dtype="float32", name="cut_points")([ease, apart])
    total = layers.Dense(classes - 1, use_bias=False, trainable=False, dtype="float32", name="logits")
    logits = total(parts)
    total.set_weights([np.triu(np.ones((classes - 1, classes - 1), dtype=np.float32))])
    return logits
