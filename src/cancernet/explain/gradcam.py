"""Grad-CAM: where in a patch the last features of a block push the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.explain.blocks import choose_block, open_network, split_network
from cancernet.models import keras_library

if TYPE_CHECKING:
    import keras

__all__ = ["GradCam", "grad_cam", "scale_maps"]

_PIXELS = 2**17  # of patches in a batch: bounds memory whatever the number and size of the patches


@dataclass(frozen=True)
class GradCam:
    """Maps of where a network looks, one per patch.

    Parameters
    ----------
    maps
        Shape (n, h, w), float32, 0 to 1: the strongest place of each patch is 1; all zero where nothing in the patch
        pushes towards what is explained.
    peaks
        Shape (n,), float32: the strongest value of each map before it was scaled to 1, in units of the logit; where
        average pooling and one dense layer follow, what that cell adds to the logit. A map whose peak is 0, or small
        beside those of other patches, says little.
    explained
        Shape (n,), codes of the classes that are explained; None when it is the severity of an ordinal model.
    block, layer
        Number of the block, from 1, and name of the layer whose activations were taken.
    cell
        Pixels of the patch from one cell of the map to the next, down and across: the map is no finer than that.
    field
        Pixels that a cell has seen, down and across.
    """

    maps: NDArray[np.float32]
    peaks: NDArray[np.float32]
    explained: NDArray[np.int64] | None
    block: int
    layer: str
    cell: tuple[int, int]
    field: tuple[int, int]

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.peaks)


def grad_cam(
    model: keras.Model,
    images: NDArray[Any],
    *,
    classes: ArrayLike | None = None,
    block: int | None = None,
    ordinal: bool = False,
    progress: Callable[[int], None] | None = None,
) -> GradCam:
    """Return for each patch where the activations of a block push the logit of a class up.

    With A the activations (cells, channels) and y the logit, the weight of a channel is the mean of dy/dA over the
    cells, and the map is the positive part of the weighted sum of the channels. It is laid on the patch bilinearly,
    each cell at the middle of the pixels that it stands for. Where an odd number of cells was pooled, and so padded at
    one edge, these are no equal shares of the patch. The network runs in float32 and as in use: no dropout, moving
    statistics.

    Parameters
    ----------
    model
        Sequential or functional, of stock layers, with nested models and skip connections or without; one input
        (n, h, w, channels) and one output (n, logits). It is left as it is.
    images
        Shape (n, h, w, channels) as the model takes them: uint8 RGB for the networks of this package.
    classes
        The class to explain: one code, or shape (n,). None: the class of the largest logit of each patch.
    block
        From 1; a block is all layers at one resolution, and its last convolution or activation is taken. None: the last
        block whose cells have seen at most 0.8 of the sides of the patch. Deeper activations are closer to the answer,
        but the place of a cell that has seen the whole patch tells little. Where stripes of 12 to 24 pixels decided the
        class, the strongest place of cancernet19 lay on them in 92 to 100 % of the patches by this rule, in 1 to 97 %
        one block deeper, and in 5 to 47 % at the last one; by chance in 4 to 6 %. (Patches of 48 to 128 pixels, 6
        trainings; of the class that the network told by its stripes. It told the other one by their absence, which has
        no place.)
    ordinal
        The logits are cumulative, and the severity (minus their mean) is explained instead of a class.
    progress
        Called with the number of patches done.

    Raises
    ------
    InvalidInput
        When the model has no such block, the images do not fit it, or a class is none of its own.
    MissingExtra
        When Keras is not installed.

    References
    ----------
    Selvaraju et al. 2017, arXiv:1610.02391, eq. 1 and 2. What such maps can show and what not: Adebayo et al. 2018,
    arXiv:1810.03292.
    """
    images = np.asarray(images)
    network, steps = open_network(model, images)
    number, step = choose_block(steps, block, size=images.shape[1:3], name=model.name)
    stem, head = split_network(network, step)
    batches = list(_batches(images))
    explained = None if ordinal else _explained(classes, network, images, batches)
    weights = _logit_weights(explained, len(images), network.output_shape[1])
    maps = np.zeros(images.shape[:3], np.float32)
    for batch in batches:
        cells = _cells(stem, head, images[batch], weights[batch])
        maps[batch] = step.lattice.lay_out(cells, images.shape[1:3])
        if progress is not None:
            progress(batch.stop)
    maps, peaks = scale_maps(maps)
    return GradCam(maps, peaks, explained, number, step.name, _whole(step.lattice.pitch), _whole(step.lattice.field))


def scale_maps(maps: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return maps (n, h, w) scaled so that the strongest place of each is 1, and what it was before, (n,)."""
    peaks: NDArray[np.float32] = maps.max(axis=(1, 2), initial=0)
    scaled: NDArray[np.float32] = (maps / np.where(peaks > 0, peaks, 1)[:, None, None]).astype(np.float32, copy=False)
    return scaled, peaks


def _batches(images: NDArray[Any]) -> Iterator[slice]:
    """Yield slices of so many images that memory stays bounded."""
    size = max(1, _PIXELS // (images.shape[1] * images.shape[2]))
    return (slice(start, min(start + size, len(images))) for start in range(0, len(images), size))


def _explained(
    classes: ArrayLike | None, network: keras.Model, images: NDArray[Any], batches: list[slice]
) -> NDArray[np.int64]:
    """Return the class to explain of each image."""
    if classes is None:
        answers = (_array(network([images[batch]], training=False)).argmax(axis=1) for batch in batches)
        return np.concatenate([np.zeros(0, np.int64), *answers])
    codes, logits = np.asarray(classes), network.output_shape[1]
    whole = np.issubdtype(codes.dtype, np.integer) and codes.shape in {(), (len(images),)}
    if not whole or ((codes < 0) | (codes >= logits)).any():
        raise InvalidInput(
            f"The classes to explain are {classes}",
            f"One whole number, or one for each of {len(images)} images, from 0 to {logits - 1}",
        )
    return np.broadcast_to(codes, len(images)).astype(np.int64)


def _logit_weights(explained: NDArray[np.int64] | None, images: int, logits: int) -> NDArray[np.float32]:
    """Return what the logits are multiplied with to give the number that is explained, shape (n, logits)."""
    if explained is None:
        return np.full((images, logits), -1 / logits, np.float32)
    return np.eye(logits, dtype=np.float32)[explained]


def _cells(
    stem: keras.Model, head: keras.Model, images: NDArray[Any], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the maps before they are laid on the patch, shape (n, rows, columns): equations 1 and 2."""
    ops = keras_library().ops
    patches, shares = ops.convert_to_tensor(images), ops.convert_to_tensor(weights)
    activations = stem([patches], training=False)
    slopes = _gradient(lambda tensor: ops.sum(head([tensor, patches], training=False) * shares), activations)
    channels = slopes.mean(axis=(1, 2))  # equation 1, shape (n, channels)
    cells: NDArray[np.float32] = np.maximum(np.einsum("nrck,nk->nrc", _array(activations), channels), 0)  # equation 2
    if not np.isfinite(cells).all():
        raise InvalidInput("The network has no finite answer for a patch", "Weights of a trained network")
    return cells


def _gradient(score: Callable[[Any], Any], activations: Any) -> NDArray[np.float32]:
    """Return the derivative of the score by the activations. The one function that knows what runs below Keras."""
    name = keras_library().backend.backend()
    if name not in ("tensorflow", "jax", "torch"):
        raise InvalidInput(f"Keras runs on '{name}'", "tensorflow, jax or torch", "Set KERAS_BACKEND to one of them")
    below = import_module(name)
    if name == "jax":
        return _array(below.grad(score)(activations))
    if name == "torch":
        leaf = activations.detach().requires_grad_()
        return _array(below.autograd.grad(score(leaf), leaf)[0])
    with below.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(activations)
        result = score(activations)
    return _array(tape.gradient(result, activations))


def _array(tensor: Any) -> NDArray[np.float32]:
    """Return a tensor in NumPy."""
    array: NDArray[np.float32] = keras_library().ops.convert_to_numpy(tensor)
    return array


def _whole(pixels: NDArray[np.float64]) -> tuple[int, int]:
    """Return pixels down and across as whole numbers, at least 1."""
    down, across = (max(1, round(float(length))) for length in pixels)
    return down, across
