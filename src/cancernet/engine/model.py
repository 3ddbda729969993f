"""The open bundle: verified, loaded, run in batches, closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.bundle import Card, find, read_onnx_file, verify
from cancernet.bundle.store import ONNX
from cancernet.engine.batches import run_in_batches, run_stream
from cancernet.engine.inputs import batch_size, check_inputs
from cancernet.engine.protocol import Engine, Outputs
from cancernet.engine.runtimes import RUNTIMES, load
from cancernet.errors import BundleMismatch, InvalidInput

__all__ = ["RUNTIMES", "Model", "open"]


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

    def __init__(self, card: Card, *, folder: Path, engine: Engine) -> None:
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
            Raw values, shape (n, columns) in the order of the card's columns; patches, shape (n, size, size, 3),
            uint8; or bags, shape (n, tiles, width + 1), from `pad_bags`; n may be 0.

        Raises
        ------
        InvalidInput
            When the model is closed, the shape is another, or a value is missing or infinite.
        """
        batch = check_inputs(self.card, values)
        with self._lock:
            return run_in_batches(self._opened(), batch, test_time=self.card.engine.test_time)

    def stream(self, batches: Iterable[NDArray[np.generic]]) -> Iterator[Outputs]:
        """Yield logits and features of each batch in order, while the engine works on the next ones.

        The model is held until the last batch is answered, or the iterator is closed.

        Parameters
        ----------
        batches
            As for `run`, each of at least one case; all but the last of one length is fastest. A batch must not be
            changed before its outputs are there.

        Raises
        ------
        InvalidInput
            As `run` does.
        """
        with self._lock:
            checked = (check_inputs(self.card, batch) for batch in batches)
            yield from run_stream(self._opened(), checked, test_time=self.card.engine.test_time)

    @property
    def batch_size(self) -> int:
        """How many cases `stream` should get at once."""
        return batch_size(np.empty((0, *(length or 1 for length in self.card.input.shape))))

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
    _refuse_misfit(engine, card, folder)
    return Model(card, folder=folder, engine=engine)


def _refuse_misfit(engine: Engine, card: Card, folder: Path) -> None:
    """Raise when the network takes or gives other shapes than its card says."""
    shapes = {"input": (None, *card.input.shape), "logits": (None, *card.logit_shape)}
    for name, expected in shapes.items():
        if engine.shapes[name] != expected:
            raise BundleMismatch(
                f"The network in '{folder}' has {name} of shape {_spelt(engine.shapes[name])}",
                f"{_spelt(expected)} by its card",
                "Get the bundle again",
            )


def _spelt(shape: tuple[int | None, ...]) -> str:
    """Return the shape as '(n, 30)'."""
    return f"({', '.join('n' if length is None else str(length) for length in shape)})"
