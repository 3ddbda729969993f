"""The two engines: OpenVINO, which comes with the package, and ONNX Runtime, which is an extra."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Execution
from cancernet.checks import one_of, require
from cancernet.engine.protocol import Engine, Outputs, Shapes
from cancernet.errors import BundleMismatch, CorruptFile, StorageFailure

__all__ = ["RUNTIMES", "load", "save_openvino"]

_OUTPUTS = ("logits", "features")
_OPTIONAL = ("attention",)
_AGAIN = "Export the model again with: cancernet export"


class OpenVinoEngine:
    """The network in OpenVINO, on the processor.

    Parameters
    ----------
    content
        A checked ONNX file.
    execution
        Its precision becomes the hint that OpenVINO gets, whose own default is bf16 on processors that have it.
    threads
        How many it may use; None: as many as it likes.
    """

    name = "openvino"

    def __init__(self, content: bytes, execution: Execution, *, threads: int | None = None) -> None:
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": execution.precision}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        core = _openvino().Core()
        try:
            compiled = core.compile_model(core.read_model(content), "CPU", settings)
        except RuntimeError as error:
            raise _unloadable("OpenVINO", error) from error
        ports = (*compiled.inputs, *compiled.outputs)
        self.shapes: Shapes = {port.any_name: _lengths(port.partial_shape) for port in ports}
        self._names = _outputs_in(self.shapes)
        # Twice as many as run at once: one computes while the answers of the other are taken.
        count = 2 * compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._requests: list[Any] = [compiled.create_infer_request() for _ in range(count)]

    def run(self, batch: NDArray[np.generic]) -> Outputs:
        """Return logits and features of a batch: float32 rows or bags, or uint8 patches, C-contiguous, n at least 1."""
        return next(self.stream([batch]))

    def stream(self, batches: Iterable[NDArray[np.generic]]) -> Iterator[Outputs]:
        """Yield the outputs of each batch in order, with as many under way as there are requests."""
        running: deque[tuple[Any, NDArray[np.generic]]] = deque()  # holds the batches: their memory is shared
        try:
            for number, batch in enumerate(batches):
                if len(running) == len(self._requests):
                    yield self._answer(running.popleft()[0])
                request = self._requests[number % len(self._requests)]
                request.start_async({"input": batch}, share_inputs=True)
                running.append((request, batch))
            while running:
                yield self._answer(running.popleft()[0])
        finally:
            for request, _ in running:
                request.wait()

    def close(self) -> None:
        """Free the memory; a closed engine is not used again."""
        self._requests = []

    def _answer(self, request: Any) -> Outputs:
        """Return what a request computed, once it is done; copies, as its next batch overwrites its tensors."""
        request.wait()
        return Outputs(*(request.get_tensor(name).data.copy() for name in self._names))


class OnnxRuntimeEngine:
    """The network in ONNX Runtime, on the processor, in float32.

    Parameters
    ----------
    content
        A checked ONNX file.
    execution
        Only precision "f32" can be kept here.
    threads
        How many it may use; None: one per core.
    """

    name = "onnxruntime"

    def __init__(self, content: bytes, execution: Execution, *, threads: int | None = None) -> None:
        runtime = _onnxruntime()
        _refuse_precision(execution)
        options = runtime.SessionOptions()
        options.log_severity_level = 4  # fatal only: what goes wrong is raised, not printed
        options.intra_op_num_threads = threads or 0
        try:
            self._session: Any = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except _onnxruntime_errors() as error:
            raise _unloadable("ONNX Runtime", error) from error
        ports = (*self._session.get_inputs(), *self._session.get_outputs())
        self.shapes: Shapes = {port.name: _numbers(port.shape) for port in ports}
        self._names = list(_outputs_in(self.shapes))

    def run(self, batch: NDArray[np.generic]) -> Outputs:
        """Return logits and features of a batch: float32 rows or bags, or uint8 patches, C-contiguous, n at least 1."""
        return Outputs(*self._session.run(self._names, {"input": batch}))

    def stream(self, batches: Iterable[NDArray[np.generic]]) -> Iterator[Outputs]:
        """Yield the outputs of each batch in order, one after the other: a session uses all threads by itself."""
        return map(self.run, batches)

    def close(self) -> None:
        """Free the memory; a closed engine is not used again."""
        self._session = None


_ENGINES: dict[str, Callable[..., Engine]] = {"openvino": OpenVinoEngine, "onnxruntime": OnnxRuntimeEngine}
RUNTIMES: tuple[str, ...] = tuple(_ENGINES)


def load(content: bytes, execution: Execution, *, runtime: str = "openvino", threads: int | None = None) -> Engine:
    """Return the engine of that name, loaded.

    Parameters
    ----------
    content
        What `bundle.read_onnx_file` returned.
    execution
        Of the card.
    runtime, threads
        As for `open`.

    Raises
    ------
    InvalidInput
        When there is no such runtime.
    MissingExtra
        When it is not installed.
    CorruptFile
        When it cannot load the network.
    BundleMismatch
        When it cannot keep the precision of the card, or the network lacks an input or output.
    """
    engine = _ENGINES[one_of(runtime, RUNTIMES, "runtime")](content, execution, threads=threads)
    if set(engine.shapes) - set(_OPTIONAL) != {"input", *_OUTPUTS}:
        expected = "'input', 'logits' and 'features'"
        raise BundleMismatch(f"The network's inputs and outputs are {sorted(engine.shapes)}", expected, _AGAIN)
    return engine


def save_openvino(content: bytes, target: Path) -> None:
    """Write a checked ONNX file as OpenVINO's .xml, and .bin beside it, float32."""
    library = _openvino()
    try:
        library.save_model(library.Core().read_model(content), target, compress_to_fp16=False)
    except RuntimeError as error:
        todo = "Free some space, or choose another place with --out"
        raise StorageFailure(f"OpenVINO cannot write '{target}'", "Room and rights there", todo) from error


def _outputs_in(shapes: Shapes) -> tuple[str, ...]:
    """Return the names of the outputs that a network has, in the order of `Outputs`."""
    return (*_OUTPUTS, *(name for name in _OPTIONAL if name in shapes))


def _openvino() -> ModuleType:
    """Import OpenVINO without its telemetry.

    `import openvino` by itself starts a process that reports to Google Analytics, and writes to `~/intel`. Where
    `openvino_telemetry` cannot be imported it uses an empty class of its own instead.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: "cannot be imported"
    return import_module("openvino")


def _onnxruntime() -> ModuleType:
    """Import ONNX Runtime without its telemetry.

    Since 2026 its packages for Linux and macOS, too, write an identifier of the machine to `~/.cache/Microsoft` and
    report to Microsoft from the import on, unless the variable is set before; on Windows the function turns it off.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    runtime = require("onnxruntime", "onnxruntime")
    runtime.disable_telemetry_events()
    return runtime


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of ONNX Runtime for a model that it cannot load; they share no ancestor."""
    state = require("onnxruntime.capi.onnxruntime_pybind11_state", "onnxruntime")
    return state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented


def _unloadable(runtime: str, error: Exception) -> CorruptFile:
    """Return the error for a network that the runtime does not take, with the end of what it said."""
    said = " ".join(str(error).split())[-300:]
    return CorruptFile(f"{runtime} cannot load the network: {said}", "A network that this package exported", _AGAIN)


def _lengths(shape: Any) -> tuple[int | None, ...]:
    """Return the shape of OpenVINO as numbers, None where it is dynamic."""
    return tuple(length.get_length() if length.is_static else None for length in shape)


def _numbers(shape: list[int | str | None]) -> tuple[int | None, ...]:
    """Return the shape of ONNX Runtime as numbers, None where it is a symbol."""
    return tuple(length if isinstance(length, int) else None for length in shape)


def _refuse_precision(execution: Execution) -> None:
    """Raise when ONNX Runtime cannot keep the precision that calibration was fitted at."""
    if execution.precision != "f32":
        raise BundleMismatch(
            f"The bundle is calibrated at precision {execution.precision}, and ONNX Runtime computes in f32",
            "A runtime that keeps the precision of the calibration",
            "Choose the runtime 'openvino'",
        )
