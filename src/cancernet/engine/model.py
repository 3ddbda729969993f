"""The open bundle: verified, loaded, run in batches, closed."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.bundle import Card, find, read_onnx_file, verify
from cancernet.bundle.store import ONNX
from cancernet.engine.protocol import Engine, Outputs
from cancernet.engine.runtimes import RUNTIMES, load
from cancernet.errors import BundleMismatch, InvalidInput

__all__ = ["RUNTIMES", "Model", "open"]

_BATCH = 8192  # rows: 1 MB of 30 columns; larger ones are no faster and cost memory


class Model:
    """An open bundle; a context manager, safe to share between threads.

    Parameters
    ----------
    card
        Of the bundle.
    folder
        Where it lies.
    engine
        Holds the network.
    """

    def __init__(self, card: Card, folder: Path, engine: Engine) -> None:
        self.card, self.folder = card, folder
        self._engine: Engine | None = engine
        self._lock = Lock()

    @property
    def runtime(self) -> str:
        """The name of the engine, or "closed"."""
        return "closed" if self._engine is None else self._engine.name

    def run(self, values: ArrayLike) -> Outputs:
        """Return logits and features of all cases.

        Parameters
        ----------
        values
            Raw values, shape (n, columns) in the order of the card's columns; n may be 0.

        Raises
        ------
        InvalidInput
            When the model is closed, the shape is another, or a value is missing or infinite.
        """
        batch = _checked(values, self.card.input.shape)
        with self._lock:
            return _run_in_batches(self._opened(), batch)

    def close(self) -> None:
        """Free the memory, after the run that is under way; closing twice does no harm."""
        with self._lock:
            if self._engine is not None:
                self._engine.close()
            self._engine = None

    def __enter__(self) -> Self:
        """Return the model itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the model."""
        self.close()

    def _opened(self) -> Engine:
        """Return the engine, or raise when the model is closed."""
        if self._engine is None:
            todo = "Run it inside the with block, or open the bundle again"
            raise InvalidInput(f"The model '{self.card.name}' is closed", "An open model", todo)
        return self._engine


def open(name_or_path: str | Path, *, runtime: str = "openvino", threads: int | None = None) -> Model:
    """Open a bundle, ready to run, without Keras.

    Its checksums are compared and its ONNX file is checked first.

    Parameters
    ----------
    name_or_path
        A bundle's folder, or the name of a shipped one.
    runtime
        "openvino" or "onnxruntime".
    threads
        How many the engine may use; None: its own choice.

    Raises
    ------
    InvalidInput
        When there is no such bundle or runtime, or `threads` is below 1.
    CorruptFile
        When the bundle is damaged or unsafe.
    BundleMismatch
        When it was written for a newer version, or its network does not fit its card.
    MissingExtra
        When the runtime is not installed.

    Examples
    --------
    >>> with engine.open("fna") as model:  # doctest: +SKIP
    ...     outputs = model.run(values)
    """
    if threads is not None and threads < 1:
        raise InvalidInput(f"threads is {threads}", "1 or more", "Leave it out to use what the machine has")
    folder = find(name_or_path)
    card = verify(folder)
    engine = load(read_onnx_file(folder / ONNX), card.engine, runtime=runtime, threads=threads)
    return Model(card, folder, engine)


def _checked(values: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the values as the engine takes them."""
    batch = np.ascontiguousarray(values, dtype=np.float32)
    if batch.shape[1:] != shape or batch.ndim != len(shape) + 1:
        raise InvalidInput(f"The values have shape {batch.shape}", f"(n, {shape})")
    return batch


def _run_in_batches(engine: Engine, values: NDArray[np.float32]) -> Outputs:
    """Return the outputs of all rows, computed `_BATCH` rows at a time."""
    parts = [engine.run(values[start : start + _BATCH]) for start in range(0, len(values), _BATCH)]
    return Outputs(np.concatenate([p.logits for p in parts]), np.concatenate([p.features for p in parts]))
