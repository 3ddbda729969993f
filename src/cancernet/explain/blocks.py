"""A network opened at its blocks: where the cells of each layer lie in the patch, and the network cut in two there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.models import keras_library

if TYPE_CHECKING:
    import keras

__all__ = ["Lattice", "Step", "choose_block", "open_network", "split_network"]

_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D")
_ACTIVATIONS = ("Activation", "LeakyReLU", "ReLU")
_SEEN = 0.8  # of the sides of the patch, at most, by the cells of the block that is taken when none is named


@dataclass(frozen=True)
class Lattice:
    """Where the cells of a layer lie in the patch; all of shape (2,), float64, pixels down and across.

    Parameters
    ----------
    first
        Middle of the first cell; the middle of the first pixel is 0.
    pitch
        From one cell to the next.
    field
        What a cell has seen: its receptive field.
    """

    first: NDArray[np.float64]
    pitch: NDArray[np.float64]
    field: NDArray[np.float64]

    def after(self, layer: keras.Layer, cells: tuple[int, ...]) -> Lattice:
        """Return the lattice after a layer that pads, repeats, or slides a window over so many cells.

        References
        ----------
        Dumoulin and Visin 2016, arXiv:1603.07285; receptive fields: Araujo et al. 2019, doi:10.23915/distill.00021.
        """
        kind = type(layer).__name__
        if kind == "ZeroPadding2D":
            return Lattice(self.first - self.pitch * np.array(layer.padding)[:, 0], self.pitch, self.field)
        if kind == "UpSampling2D":
            repeats = np.array(layer.size)
            return Lattice(self.first - self.pitch * (1 - 1 / repeats) / 2, self.pitch / repeats, self.field)
        window, strides, padding = _window(layer, np.array(cells))
        first = self.first + self.pitch * ((window - 1) / 2 - padding)
        return Lattice(first, self.pitch * strides, self.field + self.pitch * (window - 1))

    def lay_out(self, cells: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.float32]:
        """Return maps (n, rows, columns) on patches of a size (h, w), bilinearly: (n, h, w)."""
        down, across = (self._shares(axis, cells.shape[1 + axis], size[axis]) for axis in (0, 1))
        laid: NDArray[np.float32] = np.einsum("yr,nrc,xc->nyx", down, cells, across, optimize=True)
        return laid

    def _shares(self, axis: int, cells: int, pixels: int) -> NDArray[np.float32]:
        """Return how much of each cell a pixel gets, shape (pixels, cells)."""
        middles = self.first[axis] + self.pitch[axis] * np.arange(cells)
        edges = np.clip(middles + self.pitch[axis] * np.array([[-0.5], [0.5]]), -0.5, pixels - 0.5)
        inside = edges.mean(axis=0)  # the middle of that part of the cell that lies in the patch
        shares = [np.interp(np.arange(pixels), inside, row) for row in np.eye(cells)]
        return np.stack(shares, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Step:
    """One call of a layer: name and class of the layer, its output, and where the cells of that lie."""

    name: str
    kind: str
    output: Any
    lattice: Lattice

    @property
    def cells(self) -> tuple[int, ...]:
        """How many cells the output has, down and across; empty when it is no map."""
        return tuple(self.output.shape[1:3]) if len(self.output.shape) == 4 else ()

    @property
    def has_features(self) -> bool:
        """Whether it is a convolution or an activation, and a map of more than one cell."""
        return self.kind in (*_CONVOLUTIONS, *_ACTIVATIONS) and min(self.cells or (0,)) > 1


def open_network(model: keras.Model, images: NDArray[Any]) -> tuple[keras.Model, list[Step]]:
    """Return a copy in float32 for images of this size with nested models opened, and its calls in their order.

    It is a copy because a layer that is called again would belong to two networks, and could not be exported any more.

    Parameters
    ----------
    model
        Sequential or functional.
    images
        Shape (n, h, w, channels).

    Raises
    ------
    InvalidInput
        When the model does not turn such images into logits.
    """
    keras = keras_library()
    _refuse_misfit(model, images)
    image = keras.Input(images.shape[1:], dtype=model.inputs[0].dtype)
    steps: list[Step] = []
    output = _through(model, image, steps, count())
    return keras.Model([image], output, name=model.name), steps


def choose_block(steps: list[Step], block: int | None, *, size: tuple[int, ...], name: str) -> tuple[int, Step]:
    """Return number and last step of a block: of all layers at one resolution.

    Parameters
    ----------
    steps
        Of the network.
    block
        From 1; None: the last one whose cells have seen at most 0.8 of the sides of the patch, or the first.
    size
        Of the patch, down and across.
    name
        Of the network, for the message.

    Raises
    ------
    InvalidInput
        When there is no such block.
    """
    ends = {tuple(step.lattice.pitch): step for step in steps if step.has_features}  # the last of each stays
    blocks = [ends[pitch] for pitch in sorted(ends)]
    if not blocks:
        raise InvalidInput(f"The model '{name}' has no convolution", "A network for patches")
    if block is None:
        most = _SEEN * np.array(size)
        narrow = [number for number, step in enumerate(blocks, start=1) if (step.lattice.field <= most).all()]
        block = narrow[-1] if narrow else 1
    if not 1 <= block <= len(blocks):
        known = [f"{number} ({' x '.join(map(str, step.cells))} cells)" for number, step in enumerate(blocks, start=1)]
        raise InvalidInput(f"'{name}' has no block {block}", f"It has the blocks {', '.join(known)}", "Choose one")
    return block, blocks[block - 1]


def split_network(network: keras.Model, step: Step) -> tuple[keras.Model, keras.Model]:
    """Return the network up to a step, and from there on.

    The second part takes the image as well, for paths that go around the step.
    """
    keras = keras_library()
    head = keras.Model([step.output, *network.inputs], network.outputs[0])
    return keras.Model(network.inputs, step.output), head


def _refuse_misfit(model: keras.Model, images: NDArray[Any]) -> None:
    """Raise when the model does not turn images into logits, or takes other images."""
    name = getattr(model, "name", type(model).__name__)
    shapes = [[tensor.shape for tensor in getattr(model, side, None) or ()] for side in ("inputs", "outputs")]
    if [[len(shape) for shape in side] for side in shapes] != [[4], [2]]:
        raise InvalidInput(
            f"The model '{name}' has inputs of the shapes {shapes[0]} and outputs of {shapes[1]}",
            "One input (n, h, w, channels) and one output (n, logits)",
            "Give a Sequential or functional Keras model for patches that is built",
        )
    wanted = shapes[0][0][1:]
    if images.ndim != 4 or any(need not in (None, has) for has, need in zip(images.shape[1:], wanted, strict=True)):
        raise InvalidInput(
            f"The images have the shape {images.shape}",
            f"(n, {', '.join('any' if length is None else str(length) for length in wanted)}), as '{name}' takes them",
            "Cut or resize them first",
        )


def _through(model: keras.Model, tensor: Any, steps: list[Step], numbers: Iterator[int]) -> Any:
    """Return what copies of all layers of a model make of a symbolic tensor, and append each call to `steps`."""
    keras = keras_library()
    made: dict[str, Any] = {}

    def call(layer: Any, *inputs: Any, **options: Any) -> Any:
        """Call a copy of the layer, or of the layers of a nested model."""
        tensors = keras.tree.flatten(inputs)
        if isinstance(layer, keras.Model):
            made[layer.name] = _through(layer, tensors[0], steps, numbers)
        else:
            made[layer.name] = _copy(layer, next(numbers))(*inputs, **options)
            steps.append(_step(layer, tensors, made[layer.name], steps))
        return made[layer.name]

    bare = keras.Model(model.inputs, model.outputs)  # the same tensors, without what it was compiled with
    keras.models.clone_model(bare, input_tensors=[tensor], clone_function=lambda layer: layer, call_function=call)
    return made[bare.output_names[0]]


def _copy(layer: Any, number: int) -> Any:
    """Return a float32 copy of a layer; the number keeps the names of nested models apart."""
    if not isinstance(layer, keras_library().Layer):
        return layer  # an operation, such as a sum of two tensors
    settings = {"dtype": "float32", "name": f"{number}_{layer.name}"}
    copy = type(layer).from_config({**layer.get_config(), **settings})
    if layer.weights:
        copy.build(layer.get_build_config()["input_shape"])
        copy.set_weights(layer.get_weights())
    if type(layer).__name__ == "Normalization":
        copy.finalize_state()  # which reads the weights once
    return copy


def _step(layer: Any, inputs: list[Any], output: Any, steps: list[Step]) -> Step:
    """Return the step of a layer, given those before it; of several inputs that counts which has seen most."""
    before = [step for step in steps if any(step.output is tensor for tensor in inputs)]
    widest = max(before, key=lambda step: float(step.lattice.field.sum()), default=None)
    lattice = Lattice(np.zeros(2), np.ones(2), np.ones(2)) if widest is None else widest.lattice
    shape = (inputs[0] if widest is None else widest.output).shape
    if len(shape) == 4:
        lattice = lattice.after(layer, shape[1:3])
    return Step(layer.name, type(layer).__name__, output, lattice)


def _window(layer: Any, cells: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Return size and strides of the window that a layer slides, and how many cells are padded before the first."""
    window = np.array(getattr(layer, "kernel_size", getattr(layer, "pool_size", 1)))
    strides = np.array(getattr(layer, "strides", 1))
    window = (window - 1) * np.array(getattr(layer, "dilation_rate", 1)) + 1
    lacking = (-(-cells // strides) - 1) * strides + window - cells
    same = getattr(layer, "padding", "valid") == "same"
    return window, strides, np.maximum(lacking, 0) // 2 * same
