"""Large weights kept as float16 in the files of a network; every engine still computes in float32.

Weights of fewer than 512 values stay as they are: the first convolution and batch normalisation hold few bytes, and
rounding them would bring most of the error.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import require
from cancernet.errors import InvalidInput

if TYPE_CHECKING:
    import keras
    import onnx

__all__ = ["halve_keras_file", "halve_onnx_file", "round_weights"]

_FEWEST = 512  # values of a weight; rounding the smaller ones too moved probabilities on breast tissue ten times as far
_FORMAT = ("v108", "v108")  # HDF5 since 2008; the older default takes 0.5 KiB more for each weight
_CLOSE = 2.0**-20  # relative; float32 itself keeps 2**-24, and a folded factor is rounded twice
_LARGEST = float(np.finfo(np.float16).max)


def round_weights(model: keras.Model) -> None:
    """Round the large weights of a model to the nearest float16, in place; their type stays as it is.

    Raises
    ------
    InvalidInput
        When a value is beyond the range of float16, or no number.
    """
    weights = model.get_weights()
    for variable, values in zip(model.weights, weights, strict=True):
        _refuse_overflow(values, variable.path)
    model.set_weights([_half(values).astype(values.dtype) for values in weights])


def halve_keras_file(source: Path, target: Path) -> None:
    """Copy a `.keras` file, its large weights as float16, which Keras reads into float32 variables.

    Its HDF5 is parsed without the checks that Keras makes: only for a file that was written here.
    """
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as halved:
        for member in archive.infolist():
            content = archive.read(member)
            halved.writestr(member, _halved_hdf5(content) if member.filename.endswith(".h5") else content)


def halve_onnx_file(source: Path, target: Path, *, kernels: Sequence[NDArray[np.float32]]) -> None:
    """Copy an ONNX file, its large constants as float16 wherever that loses nothing.

    A constant becomes float16 and a node that widens it to float32 under the old name. The export multiplies the
    factors of batch normalisation into the kernel before it, whose values then are no float16 any more: such a constant
    becomes the float16 kernel and, in float32, one factor per output channel. Engines fold both when they load the
    file. What is neither stays float32.

    Parameters
    ----------
    source, target
        Files of `export_onnx`; the target is replaced.
    kernels
        The weights of the model that was exported, as Keras lays them out, after `round_weights`.
    """
    import onnx

    model = onnx.load(source)
    graph, initializers, nodes = model.graph, [], []
    for tensor in graph.initializer:
        constants, widening = _halved_tensor(tensor, kernels)
        initializers += constants
        nodes += widening
    halved = onnx.helper.make_graph(
        [*nodes, *graph.node], graph.name, graph.input, graph.output, initializers, value_info=graph.value_info
    )
    model.graph.CopyFrom(halved)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, target)


def _half(values: NDArray[Any]) -> NDArray[Any]:
    """Return a large weight as the nearest float16; small ones, counts and states of generators as they are."""
    is_large = values.size >= _FEWEST and np.issubdtype(values.dtype, np.floating)
    with np.errstate(over="ignore"):
        return values.astype(np.float16) if is_large else values


def _refuse_overflow(values: NDArray[Any], name: str) -> None:
    """Raise when rounding makes a value infinite, or it was no number before."""
    overflown = ~np.isfinite(_half(values))
    if overflown.any():
        raise InvalidInput(
            f"The weight '{name}' holds {values[overflown][0]:g}",
            f"Numbers that float16 can hold: {-_LARGEST:g} to {_LARGEST:g}",
            "Keep the bundle as it is; --format onnx and --format keras write float32",
        )


def _halved_hdf5(content: bytes) -> bytes:
    """Return an HDF5 file with the same groups and attributes, its large weights as float16."""
    h5py, halved = require("h5py", "train"), io.BytesIO()
    with h5py.File(io.BytesIO(content)) as source, h5py.File(halved, "w", libver=_FORMAT) as target:

        def copy(name: str, item: Any) -> None:
            """Copy a group or a dataset."""
            if isinstance(item, h5py.Dataset):
                copied = target.create_dataset(name, data=_half(item[()]))
            else:
                copied = target.require_group(name)
            copied.attrs.update(item.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    return halved.getvalue()


def _halved_tensor(
    tensor: onnx.TensorProto, kernels: Sequence[NDArray[np.float32]]
) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]]:
    """Return the constants that stand for a constant, and the nodes that make it of them."""
    from onnx import TensorProto, helper, numpy_helper

    values = numpy_helper.to_array(tensor)
    factors = _factors(values, kernels) if values.dtype == np.float32 and values.size >= _FEWEST else None
    if factors is None:
        return [tensor], []
    (half, scale), name = factors, tensor.name
    constants = [numpy_helper.from_array(half, f"{name}/half")]
    if scale is None:
        return constants, [helper.make_node("Cast", [f"{name}/half"], [name], to=TensorProto.FLOAT)]
    constants.append(numpy_helper.from_array(scale, f"{name}/scale"))
    widen = helper.make_node("Cast", [f"{name}/half"], [f"{name}/wide"], to=TensorProto.FLOAT)
    return constants, [widen, helper.make_node("Mul", [f"{name}/wide", f"{name}/scale"], [name])]


def _factors(
    values: NDArray[np.float32], kernels: Sequence[NDArray[np.float32]]
) -> tuple[NDArray[np.float16], NDArray[np.float32] | None] | None:
    """Return the values as float16 and a factor per output channel (None: 1), or None where there are no such two."""
    half = _half(values)
    if np.array_equal(half.astype(np.float32), values):
        return half, None
    for kernel, axis in _laid_out(values.shape, kernels):
        scale = _scale(values, kernel, axis)
        if np.allclose(kernel * scale, values, rtol=_CLOSE, atol=0):
            return kernel.astype(np.float16), scale
    return None


def _laid_out(
    shape: tuple[int, ...], kernels: Sequence[NDArray[np.float32]]
) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Yield the kernels that a constant of this shape may be made of, as ONNX lays them out, and the output axis."""
    for kernel in (kernel for kernel in kernels if kernel.size == np.prod(shape)):
        if kernel.shape == shape:  # dense: (inputs, outputs)
            yield kernel, kernel.ndim - 1
        places = tuple(range(kernel.ndim - 2))
        if kernel.ndim > 2 and kernel.shape[-1] == shape[0]:  # (places, inputs, outputs)
            yield kernel.transpose(-1, -2, *places).reshape(shape), 0
        if kernel.ndim > 2 and kernel.shape[-2] == shape[0]:  # depthwise: (places, outputs, 1)
            yield kernel.transpose(-2, -1, *places).reshape(shape), 0


def _scale(values: NDArray[np.float32], kernel: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return the factor of each output channel that brings the kernel nearest to the values, by least squares."""
    others = tuple(place for place in range(values.ndim) if place != axis)
    squares = np.sum(kernel.astype(np.float64) ** 2, axis=others, keepdims=True)
    products = np.sum(kernel.astype(np.float64) * values, axis=others, keepdims=True)
    scale: NDArray[np.float32] = np.divide(products, squares, out=np.ones_like(squares), where=squares > 0)
    return scale.astype(np.float32)
