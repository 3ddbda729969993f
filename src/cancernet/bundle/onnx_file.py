"""ONNX files from elsewhere: read once, and refused when they could reach beyond themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cancernet.errors import CorruptFile
from cancernet.files import storage_errors

if TYPE_CHECKING:
    import onnx

__all__ = ["check_onnx_file", "read_onnx_file"]

_LARGEST = 2**31 - 1  # bytes; the limit of protobuf itself
_OWN_DOMAINS = frozenset({"", "ai.onnx"})
_AGAIN = "Export the model again with: cancernet export"


def check_onnx_file(path: str | Path) -> None:
    """Refuse an ONNX file with external data, custom domains or functions.

    Raises
    ------
    CorruptFile
        When it has one of these, or is no ONNX file.
    StorageFailure
        When it cannot be read.
    """
    read_onnx_file(path)


def read_onnx_file(path: str | Path) -> bytes:
    """Read an ONNX file, check it as `check_onnx_file` does, and return the bytes that were checked.

    An engine that loads these bytes loads what was checked, and has no folder to look for external data in.

    Raises
    ------
    CorruptFile
        When it has external data, custom domains or functions, or is no ONNX file.
    StorageFailure
        When it cannot be read.
    """
    path = Path(path)
    with storage_errors(path):
        if path.stat().st_size > _LARGEST:
            raise CorruptFile(f"'{path}' is larger than 2 GiB", "An ONNX file in one piece", _AGAIN)
        raw = path.read_bytes()
    for reason in _reasons(_parsed(raw, path)):
        raise CorruptFile(
            f"'{path}' {reason}", "An ONNX file that stands alone: standard operators, weights inside", _AGAIN
        )
    return raw


def _parsed(raw: bytes, path: Path) -> onnx.ModelProto:
    """Return the message in `raw`."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model: onnx.ModelProto = onnx.ModelProto.FromString(raw)
    except DecodeError as error:
        raise CorruptFile(f"'{path}' is no ONNX file ({error})", todo=_AGAIN) from error
    if not model.graph.node:
        raise CorruptFile(f"'{path}' is no ONNX file: it holds no graph", todo=_AGAIN)
    return model


def _reasons(model: onnx.ModelProto) -> Iterator[str]:
    """Yield what speaks against opening the model."""
    if model.functions:
        yield f"defines functions of its own ('{model.functions[0].name}')"
    if model.training_info:
        yield "holds training graphs"
    foreign = {opset.domain for opset in model.opset_import} - _OWN_DOMAINS
    if foreign:
        yield f"uses the operator domain '{min(foreign)}'"
    yield from _graph_reasons(model.graph)


def _graph_reasons(graph: onnx.GraphProto) -> Iterator[str]:
    """Yield what speaks against a graph, the graphs inside its nodes included."""
    for sparse in graph.sparse_initializer:
        yield from _tensor_reasons((sparse.values, sparse.indices))
    yield from _tensor_reasons(graph.initializer)
    for node in graph.node:
        if node.domain not in _OWN_DOMAINS:
            yield f"uses the operator '{node.op_type}' of the domain '{node.domain}'"
        for attribute in node.attribute:
            yield from _attribute_reasons(attribute)


def _attribute_reasons(attribute: onnx.AttributeProto) -> Iterator[str]:
    """Yield what speaks against the tensors and graphs in an attribute, whatever type it claims to be."""
    yield from _tensor_reasons((attribute.t, *attribute.tensors))
    for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
        yield from _tensor_reasons((sparse.values, sparse.indices))
    if attribute.HasField("g"):
        yield from _graph_reasons(attribute.g)
    for graph in attribute.graphs:
        yield from _graph_reasons(graph)


def _tensor_reasons(tensors: Iterable[onnx.TensorProto]) -> Iterator[str]:
    """Yield what speaks against tensors: that their values lie in another file."""
    for tensor in tensors:
        if tensor.external_data or tensor.data_location == tensor.EXTERNAL:
            yield f"keeps the tensor '{tensor.name}' in another file"
