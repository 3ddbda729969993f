"""Cases through an engine, a batch at a time, averaged over rotations and flips where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Execution, read_onnx_file
from cancernet.engine.export import export_onnx
from cancernet.engine.inputs import batch_size, count_views, views_of
from cancernet.engine.protocol import Engine, Outputs
from cancernet.engine.runtimes import load

if TYPE_CHECKING:
    import keras

__all__ = ["load_network", "run_in_batches", "run_stream"]


def run_in_batches(engine: Engine, values: NDArray[np.generic], *, test_time: str = "none") -> Outputs:
    """Return the outputs of all cases.

    Parameters
    ----------
    engine
        Loaded.
    values
        Rows (n, columns) or bags (n, tiles, width + 1), float32, or patches (n, size, size, 3) uint8; n may be 0.
    test_time
        "none", or "dihedral": means over the 8 rotations and flips of each patch.
    """
    step = batch_size(values)
    batches = (values[start : start + step] for start in range(0, len(values), step))
    parts = list(run_stream(engine, batches, test_time=test_time))
    empty = Outputs(*(np.empty((0, engine.shapes[name][1] or 0), np.float32) for name in ("logits", "features")))
    parts = parts or [empty]
    weights = [part.attention for part in parts if part.attention is not None]
    logits, features = (np.concatenate([getattr(part, name) for part in parts]) for name in ("logits", "features"))
    return Outputs(logits, features, np.concatenate(weights) if weights else None)


def run_stream(engine: Engine, batches: Iterable[NDArray[np.generic]], *, test_time: str = "none") -> Iterator[Outputs]:
    """Yield the outputs of each batch in order; the engine works on several of them at once.

    Parameters
    ----------
    engine
        Loaded.
    batches
        Each of any length but none, as `run_in_batches` takes them; one must not be changed before its outputs are
        there.
    test_time
        As for `run_in_batches`.
    """
    outputs = engine.stream(view for batch in batches for view in views_of(batch, test_time))
    while views := list(islice(outputs, count_views(test_time))):
        yield _mean(views)


@contextmanager
def load_network(model: keras.Model, execution: Execution) -> Iterator[Engine]:
    """Yield a Keras model as an engine of the given precision, so that calibration is fitted on what users will get."""
    with TemporaryDirectory(prefix="cancernet-") as folder:
        path = Path(folder) / "model.onnx"
        export_onnx(model, path)
        engine = load(read_onnx_file(path), execution)
    try:
        yield engine
    finally:
        engine.close()


def _mean(parts: list[Outputs]) -> Outputs:
    """Return the mean of the outputs of several views of one batch."""
    if len(parts) == 1:
        return parts[0]
    return Outputs(*(np.mean([getattr(part, name) for part in parts], axis=0) for name in ("logits", "features")))
