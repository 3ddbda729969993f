"""Weights kept as float16 in the files of a network; every engine still computes in float32."""

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

_FEWEST = 32  # values; a smaller constant gains less than the node that widens it costs
_CLOSE = 2.0**-20  # relative; float32 itself keeps 2**-24, and a folded factor is rounded twice
_LARGEST = float(np.finfo(np.float16).max)


def round_weights(model: keras.Model) -> None:
    """Round all weights of a model to the nearest float16, in place; their type stays as it is.

    Raises
    ------
    InvalidInput
        When a weight is beyond the range of float16, or no number.
    """
    weights = model.get_weights()
    for variable, values in zip(model.weights, weights, strict=True):
        _refuse_overflow(values, f"{model.name}/{variable.path}")
    model.set_weights([_rounded(values) for values in weights])


def halve_keras_file(source: Path, target: Path) -> None:
    """Copy a `.keras` file that Keras wrote here, its float32 weights as float16.

    Keras reads them into float32 variables. Values that are no float16 are rounded. HDF5 is parsed: give it no file
    from elsewhere.
    """
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as halved:
        for member in archive.infolist():
            content = archive.read(member)
            halved.writestr(member, _halved_hdf5(content) if member.filename.endswith(".h5") else content)


def halve_onnx_file(source: Path, target: Path, *, kernels: Sequence[NDArray[np.float32]]) -> None:
    """Copy an ONNX file, its large float32 constants as float16 wherever that loses nothing.

    A constant becomes float16 and a node that widens it to float32 under the old name. The export multiplies the
    factors of batch normalisation into the kernel before it, which then is no float16 any more: such a constant becomes
    the float16 kernel and, in float32, one factor per output channel. Engines fold both when they load the file. What
    is neither stays float32.

    Parameters
    ----------
    source, target
        Files of `export_onnx`; the target is replaced.
    kernels
        All weights of the Keras model, as Keras lays them out, that may stand behind a folded constant.
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


def _is_real(values: NDArray[Any]) -> bool:
    """Return whether these are real numbers, not counts or states of generators."""
    return bool(np.issubdtype(values.dtype, np.floating))


def _rounded(values: NDArray[Any]) -> NDArray[Any]:
    """Return the nearest float16 as the type the values have; what are no real numbers stay."""
    return values.astype(np.float16).astype(values.dtype) if _is_real(values) else values


def _refuse_overflow(values: NDArray[Any], name: str) -> None:
    """Raise when a weight is no finite float16."""
    with np.errstate(over="ignore"):
        overflown = ~np.isfinite(values.astype(np.float16)) if _is_real(values) else np.zeros(0, np.bool_)
    if overflown.any():
        raise InvalidInput(
            f"The weight '{name}' holds {values[overflown][0]:g}",
            f"Numbers that float16 can hold: {-_LARGEST:g} to {_LARGEST:g}",
            "Ship the bundle as it is; --format onnx and --format keras keep float32",
        )


def _halved_hdf5(content: bytes) -> bytes:
    """Return an HDF5 file with the same groups and attributes, its float32 data as float16."""
    h5py, halved = require("h5py", "train"), io.BytesIO()
    with h5py.File(io.BytesIO(content)) as source, h5py.File(halved, "w") as target:

        def copy(name: str, item: Any) -> None:
            """Copy a group or a dataset."""
            if isinstance(item, h5py.Dataset):
                values = item[()]
                copied = target.create_dataset(name, data=values.astype(np.float16) if _is_real(values) else values)
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
    name, (half, scale) = tensor.name, factors
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
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
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
    for kernel in kernels:
        if kernel.size != np.prod(shape):
            continue
        if kernel.ndim == 2 and kernel.shape == shape:  # dense: (inputs, outputs)
            yield kernel, 1
        elif kernel.ndim > 2:  # (places, inputs, outputs); depthwise: (places, outputs, 1)
            spatial = tuple(range(kernel.ndim - 2))
            for channels in ((-1, -2), (-2, -1)):
                moved = kernel.transpose(*channels, *spatial)
                if moved.shape[0] == shape[0]:
                    yield moved.reshape(shape), 0


def _scale(values: NDArray[np.float32], kernel: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return the factor of each output channel that brings the kernel nearest to the values, by least squares."""
    others = tuple(place for place in range(values.ndim) if place != axis)
    squares = np.sum(kernel.astype(np.float64) ** 2, axis=others, keepdims=True)
    products = np.sum(kernel.astype(np.float64) * values, axis=others, keepdims=True)
    scale: NDArray[np.float32] = np.divide(products, squares, out=np.ones_like(squares), where=squares > 0)
    return scale.astype(np.float32)
