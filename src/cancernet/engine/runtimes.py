"""The two engines: OpenVINO, which comes with the package, and ONNX Runtime, which is an extra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Execution
from cancernet.checks import one_of, require
from cancernet.engine.protocol import Engine, Outputs
from cancernet.errors import BundleMismatch

__all__ = ["RUNTIMES", "load"]

_OUTPUTS = ("logits", "features")


class OpenVinoEngine:
    """The network in OpenVINO, on the processor.

    Parameters
    ----------
    content
        A checked ONNX file.
    execution
        Its precision becomes the hint that OpenVINO gets; its own default is bf16 on processors that have it.
    threads
        How many it may use; None: as many as it likes.
    """

    name = "openvino"

    def __init__(self, content: bytes, execution: Execution, *, threads: int | None = None) -> None:
        openvino = require("openvino", "")
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": execution.precision}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(content), "CPU", settings)
        self._request: Any = compiled.create_infer_request()

    def run(self, batch: NDArray[np.float32]) -> Outputs:
        """Return logits and features of a batch, shape (n, columns), C-contiguous, n at least 1."""
        self._request.infer({"input": batch})
        # Copies: the next batch overwrites the tensors of the request.
        return Outputs(*(self._request.get_tensor(name).data.copy() for name in _OUTPUTS))

    def close(self) -> None:
        """Free the memory; a closed engine is not used again."""
        self._request = None


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
        onnxruntime = require("onnxruntime", "onnxruntime")
        _refuse_precision(execution)
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only; what goes wrong is raised, not printed
        options.intra_op_num_threads = threads or 0
        self._session: Any = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(self, batch: NDArray[np.float32]) -> Outputs:
        """Return logits and features of a batch, shape (n, columns), C-contiguous, n at least 1."""
        return Outputs(*self._session.run(list(_OUTPUTS), {"input": batch}))

    def close(self) -> None:
        """Free the memory; a closed engine is not used again."""
        self._session = None


_ENGINES: dict[str, Callable[..., Engine]] = {"openvino": OpenVinoEngine, "onnxruntime": OnnxRuntimeEngine}
RUNTIMES: tuple[str, ...] = tuple(_ENGINES)


def load(content: bytes, execution: Execution, *, runtime: str = "openvino", threads: int | None = None) -> Engine:
    """Return the engine of that name, loaded.

    Raises
    ------
    InvalidInput
        When there is no such runtime.
    MissingExtra
        When it is not installed.
    """
    return _ENGINES[one_of(runtime, RUNTIMES, "runtime")](content, execution, threads=threads)


def _refuse_precision(execution: Execution) -> None:
    """Raise when ONNX Runtime cannot keep the precision that calibration was fitted at."""
    if execution.precision != "f32":
        raise BundleMismatch(
            f"The bundle is calibrated at precision {execution.precision}, ONNX Runtime runs it at f32",
            "The precision of the calibration",
            "Run: cancernet predict with --runtime openvino",
        )
