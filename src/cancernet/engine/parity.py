"""The proof that an exported network answers as Keras does, on every runtime that is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Execution, Parity, read_onnx_file
from cancernet.engine.protocol import Engine
from cancernet.engine.runtimes import RUNTIMES, load
from cancernet.errors import BundleMismatch, InvalidInput
from cancernet.tasks import TaskKind, probabilities

__all__ = ["check_parity"]

_BATCHES = (1, 7)  # rows: alone, and a number that no engine pads or unrolls for
_MOST_ROWS = 70
_EXACT = Execution()  # what shows that the export is right, whatever is lost to rounding afterwards


def check_parity(
    reference: Callable[[NDArray[Any]], NDArray[np.floating]],
    onnx_file: str | Path,
    *,
    sample: NDArray[Any],
    execution: Execution | None = None,
    kind: TaskKind = "multiclass",
    runtimes: tuple[str, ...] | None = None,
) -> tuple[Parity, ...]:
    """Compare the probabilities of every engine with those of Keras, at batch sizes 1 and 7.

    Parameters
    ----------
    reference
        Takes raw values, shape (n, columns) or (n, tiles, columns) float32 or (n, size, size, 3) uint8, and returns the
        logits that Keras computes, shape (n, width).
    onnx_file
        What `export_onnx` wrote.
    sample
        Raw values of real cases, shape (n, columns) or (n, size, size, 3), n at least 1; the first 70 are used.
    execution
        Precision and tolerance; f32 and 1e-5 when None. Engines in bf16 are compared after they agreed in f32.
    kind
        Of the task: how logits become probabilities.
    runtimes
        Names; None: all that are installed and can keep the precision.

    Returns
    -------
    One entry per precision, runtime and batch size, for the card.

    Raises
    ------
    BundleMismatch
        When a probability differs by more than the tolerance, or is not a number.
    """
    execution = execution or Execution()
    content, values = read_onnx_file(onnx_file), _enough_rows(sample)
    expected = probabilities(reference(values), kind=kind)
    measured = []
    for exact in (execution,) if execution.precision == "f32" else (_EXACT, execution):
        for runtime in _installed(exact) if runtimes is None else runtimes:
            engine = load(content, exact, runtime=runtime)
            found = [_measured(engine, values, expected=expected, kind=kind, batch=batch) for batch in _BATCHES]
            engine.close()
            measured += [_within(exact, *entry) for entry in found]
    return tuple(measured)


def _enough_rows(sample: NDArray[Any]) -> NDArray[Any]:
    """Return at most `_MOST_ROWS` rows, and at least one full batch of the largest size by repetition."""
    if sample.ndim < 2 or not len(sample):
        raise InvalidInput(f"The sample has shape {sample.shape}", "(n, columns) with n at least 1")
    rows = np.arange(max(min(len(sample), _MOST_ROWS), _BATCHES[-1])) % len(sample)
    return np.ascontiguousarray(sample[rows], dtype=sample.dtype if sample.dtype == np.uint8 else np.float32)


def _installed(execution: Execution) -> tuple[str, ...]:
    """Return the runtimes that are installed and can keep the precision."""
    able = RUNTIMES if execution.precision == "f32" else ("openvino",)
    return tuple(runtime for runtime in able if find_spec(runtime))


def _measured(
    engine: Engine, values: NDArray[Any], *, expected: NDArray[np.float64], kind: TaskKind, batch: int
) -> tuple[str, int, float]:
    """Return runtime, batch size and the largest difference of a probability, over all rows."""
    parts = [engine.run(values[start : start + batch]).logits for start in range(0, len(values), batch)]
    return engine.name, batch, float(np.abs(probabilities(np.concatenate(parts), kind=kind) - expected).max())


def _within(execution: Execution, runtime: str, batch: int, difference: float) -> Parity:
    """Return the entry for the card, or raise when the difference is too large or not a number."""
    if not difference <= execution.tolerance:
        raise BundleMismatch(
            f"{runtime} ({execution.precision}) differs from Keras by {difference:.2g} in a probability, "
            f"at batch size {batch}",
            f"At most {execution.tolerance:.0e}",
            "Do not use this export; report it with the versions that 'cancernet doctor' prints",
        )
    return Parity(runtime=runtime, precision=execution.precision, batch=batch, difference=difference)
