"""`python -m cancernet.engine.convert MODEL.keras MODEL.onnx`: convert in a process of its own.

`export_onnx` starts it when Keras runs on another backend than TensorFlow; `KERAS_BACKEND` must be `tensorflow`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cancernet.engine.export import export_onnx, load_keras

__all__ = ["convert"]


def convert(arguments: Sequence[str]) -> None:
    """Convert the checked Keras file named first into the ONNX file named second, replacing it."""
    source, target = arguments
    export_onnx(load_keras(source), target, force=True)


if __name__ == "__main__":
    convert(sys.argv[1:])
