"""Cases through an engine, a batch at a time, averaged over rotations and flips where that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Execution, read_onnx_file
from cancernet.engine.export import export_onnx
from cancernet.engine.inputs import batch_size, views_of
from cancernet.engine.protocol import Engine, Outputs
from cancernet.engine.runtimes import load

if TYPE_CHECKING:
    import keras

__all__ = ["load_network", "run_in_batches"]


def run_in_batches(engine: Engine, values: NDArray[np.generic], *, test_time: str = "none") -> Outputs:
    """Return the outputs of all cases.

    Parameters
    ----------
    engine
        Loaded.
    values
        Rows (n, columns) float32 or patches (n, size, size, 3) uint8; n may be 0.
    test_time
        "none", or "dihedral": means over the 8 rotations and flips of each patch.
    """
    step = batch_size(values)
    parts = [_averaged(engine, values[start : start + step], test_time) for start in range(0, len(values), step)]
    empty = Outputs(*(np.empty((0, engine.shapes[name][1] or 0), np.float32) for name in ("logits", "features")))
    parts = parts or [empty]
    return Outputs(np.concatenate([p.logits for p in parts]), np.concatenate([p.features for p in parts]))


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


def _averaged(engine: Engine, batch: NDArray[np.generic], test_time: str) -> Outputs:
    """Return the outputs of one batch, averaged over its views."""
    parts = [engine.run(view) for view in views_of(batch, test_time)]
    if len(parts) == 1:
        return parts[0]
    return Outputs(*(np.mean([getattr(part, name) for part in parts], axis=0) for name in ("logits", "features")))
