"""The one way to Keras: with a clear error where it is missing, and without the start-up noise of TensorFlow."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cancernet.checks import require

__all__ = ["keras_library"]


def keras_library() -> Any:
    """Return the module `keras`, imported on the first call (6 to 13 s with TensorFlow).

    TensorFlow writes notes about the processor to stderr while it starts, whatever its settings say; they are held
    back, and shown only when the import fails.

    Raises
    ------
    MissingExtra
        When Keras or its backend is not installed.
    """
    if "keras" in sys.modules:
        return sys.modules["keras"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of retracing when several studies run in turn
    with _held_back():
        if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
            require("tensorflow", "train").zeros(1)  # the first tensor writes the last of the notes
        return require("keras", "train")


@contextmanager
def _held_back() -> Iterator[None]:
    """Send what is written to file descriptor 2 to a temporary file, and show it after an error."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as notes:
        original = os.dup(2)
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(original, 2)
            notes.seek(0)
            os.write(2, notes.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
