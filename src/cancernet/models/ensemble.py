"""Several networks as one: the mean of their logits, in one model of stock layers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cancernet.models.backend import keras_library

if TYPE_CHECKING:
    import keras

__all__ = ["average_of", "members_of", "outputs_of"]


def average_of(networks: Sequence[keras.Model]) -> keras.Model:
    """Return one network whose logits are the mean of those of several.

    Parameters
    ----------
    networks
        At least two, with the same input, a layer `features` and the output `logits`; their weights are shared with
        the result, and they get the names `member1`, `member2`, ...

    References
    ----------
    Lakshminarayanan et al. 2017, arXiv:1612.01474, averages probabilities; the mean of logits keeps one temperature
    and cumulative links meaningful.
    """
    keras = keras_library()
    first = networks[0]
    inputs = keras.Input(first.input_shape[1:], dtype=first.inputs[0].dtype, name="input")
    parts = [
        keras.Model(network.inputs, [network.get_layer("features").output, network.outputs[0]], name=f"member{number}")
        for number, network in enumerate(networks, start=1)
    ]
    return keras.Model(inputs, _joined(parts, inputs)["logits"], name=f"{first.name}_ensemble")


def outputs_of(network: keras.Model) -> dict[str, Any]:
    """Return the symbolic tensors `logits` and `features` (the last hidden layer); of an ensemble all its features.

    A network that weighs tiles has a third one, `attention`.
    """
    parts = _members(network)
    if parts:
        return _joined(parts, network.inputs[0])
    found = {"logits": network.outputs[0], "features": network.get_layer("features").output}
    if "attention" in [layer.name for layer in network.layers]:
        weights = network.get_layer("attention").output  # (bags, tiles, 1)
        found["attention"] = keras_library().layers.Reshape((-1,), name="weights")(weights)
    return found


def members_of(network: keras.Model) -> tuple[keras.Model, ...]:
    """Return the networks that `average_of` joined, each from input to its own logits; the network itself if none."""
    model = keras_library().Model
    return tuple(model(part.inputs, part.outputs[1], name=part.name) for part in _members(network)) or (network,)


def _members(network: keras.Model) -> tuple[keras.Model, ...]:
    """Return the networks inside an ensemble, with the outputs features and logits; none if it is no ensemble."""
    model = keras_library().Model
    return tuple(
        layer
        for layer in network.layers
        if isinstance(layer, model) and re.fullmatch(r"member\d+", layer.name) and len(layer.outputs) == 2
    )


def _joined(parts: Sequence[keras.Model], inputs: Any) -> dict[str, Any]:
    """Return the mean of the logits of networks called on one input, and their features side by side."""
    layers = keras_library().layers
    features, logits = zip(*(part(inputs) for part in parts), strict=True)
    return {
        "logits": layers.Average(dtype="float32", name="logits")(logits),
        "features": layers.Concatenate(dtype="float32", name="features")(features),
    }
