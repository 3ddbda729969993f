"""What conv1d does on the Keras backend of this process; a program: python -m contracts.fitting OUT [--export]."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from cancernet.bundle import Execution, check_keras_file
from cancernet.engine import check_parity, export_onnx
from cancernet.models import Conv1D, build_conv1d, keras_library, with_normalisation
from cancernet.tasks import softmax
from cancernet.training import Network, TrainingOptions
from cancernet.training.network import Watched

COLUMNS, ROWS = 30, 64


def problem() -> tuple[np.ndarray, np.ndarray]:
    """Return standardised inputs (ROWS, COLUMNS) float32 and codes of two classes."""
    rng = np.random.default_rng(0)
    codes = np.arange(ROWS) % 2
    return rng.normal(codes[:, None] * 1.0 - 0.5, 1.0, (ROWS, COLUMNS)).astype(np.float32), codes


def findings(*, export: bool) -> dict[str, Any]:
    """Return all that the contract asks about, for JSON; the export of another backend than TensorFlow takes long."""
    inputs, codes = problem()
    small = Conv1D(filters=(8,), dense=8)  # one block: XLA compiles for seconds
    network = Network(
        lambda: build_conv1d(COLUMNS, 2, layout="10x3", options=small), TrainingOptions(epochs=2, batch_size=16)
    )
    fits = [network.fit(inputs, codes, seed=seed, watched=Watched(inputs, codes)) for seed in (3, 4, 3)]
    return {
        "backend": keras_library().backend.backend(),
        "parameters": build_conv1d(COLUMNS, 2, layout="10x3").count_params(),
        "losses": [[row["val_loss"] for row in fit.history] for fit in fits],
        "training_losses": [row["loss"] for row in fits[0].history],
        "same": all(np.array_equal(one, other) for one, other in zip(fits[0].weights, fits[2].weights, strict=True)),
        "epochs": [fit.epochs for fit in fits],
        **(_exported(network.with_weights(fits[0].weights), inputs) if export else {}),
    }


def _exported(core: Any, inputs: np.ndarray) -> dict[str, Any]:
    """Return how far the exported network stands from Keras, on raw rows."""
    mean, variance = np.linspace(-50, 900, COLUMNS), np.linspace(0.01, 4e4, COLUMNS)
    rows = inputs * np.sqrt(variance) + mean
    model = with_normalisation(core, mean=mean, variance=variance)

    def run(values: np.ndarray) -> np.ndarray:
        return np.asarray(model.predict(values, verbose=0))

    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, "model.keras"))
        check_keras_file(Path(folder, "model.keras"))
        export_onnx(model, Path(folder, "model.onnx"))
        parity = check_parity(run, Path(folder, "model.onnx"), sample=rows, execution=Execution())
    by_hand = np.asarray(core.predict_on_batch(((rows - mean) / np.sqrt(variance)).astype(np.float32)))
    return {
        "parity": {f"{entry.runtime} {entry.batch}": entry.difference for entry in parity},
        "raw": float(np.abs(softmax(by_hand) - softmax(run(rows.astype(np.float32)))).max()),
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(findings(export="--export" in sys.argv)), encoding="utf-8")
