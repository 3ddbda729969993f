"""From Keras to ONNX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Execution, Parity

if TYPE_CHECKING:
    import keras

__all__ = ["check_parity", "export_onnx", "load_keras"]


def load_keras(path: str | Path) -> keras.Model:
    """Open a checked keras file."""
    raise NotImplementedError


def export_onnx(model: keras.Model, path: str | Path) -> None:
    """Write ONNX."""
    raise NotImplementedError


def check_parity(
    reference: Callable[[NDArray[np.float32]], NDArray[np.floating]],
    onnx_file: str | Path,
    *,
    sample: NDArray[np.floating],
    execution: Execution | None = None,
    runtimes: tuple[str, ...] | None = None,
) -> tuple[Parity, ...]:
    """Measure."""
    raise NotImplementedError
