"""A small convolutional network with real weights: made by Keras and exported once in a test session."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from bundle.made import made_card
from cancernet.bundle import write
from cancernet.engine import export_onnx

COLUMNS = 8
CLASSES = ("B", "M", "other")
WIDTH = 5


def made_model(seed: int = 3):
    """Return an untrained Keras model: normalisation, convolution, `features`, dropout, `logits`."""
    import keras

    initial = keras.initializers.RandomNormal(stddev=0.5, seed=seed)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((COLUMNS,), name="input"),
            layers.Normalization(mean=[10.0] * COLUMNS, variance=[4.0] * COLUMNS, name="normalisation"),
            layers.Reshape((COLUMNS, 1)),
            layers.Conv1D(4, 3, padding="same", kernel_initializer=initial),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling1D(2, padding="same"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(WIDTH, activation="relu", kernel_initializer=initial, name="features"),
            layers.Dropout(0.5),
            layers.Dense(len(CLASSES), kernel_initializer=initial, name="logits"),
        ],
        name="made",
    )


def made_values(rows: int, seed: int = 0) -> np.ndarray:
    """Return raw values, shape (rows, COLUMNS), float32."""
    return np.random.default_rng(seed).normal(10, 2, (rows, COLUMNS)).astype(np.float32)


def keras_outputs(model, values):
    """Return logits and features as Keras computes them."""
    import keras

    hidden = keras.ops.convert_to_tensor(values)
    outputs = {}
    for layer in model.layers:
        hidden = layer(hidden, training=False) if isinstance(layer, keras.layers.Dropout) else layer(hidden)
        outputs[layer.name] = keras.ops.convert_to_numpy(hidden)
    return outputs["logits"], outputs["features"]


@cache
def made_files() -> tuple[Path, Path]:
    """Return the `.keras` and the `.onnx` file of `made_model()`; they live as long as the session."""
    folder = Path(tempfile.mkdtemp(prefix="cancernet-tests-"))
    made_model().save(folder / "model.keras")
    export_onnx(made_model(), folder / "model.onnx")
    return folder / "model.keras", folder / "model.onnx"


def trained_bundle(folder: Path) -> Path:
    """Write a bundle of `made_model()`; the first call takes seconds, since TensorFlow is imported."""
    keras_file, onnx_file = made_files()
    card = made_card(tuple(f"column{number}" for number in range(COLUMNS)), CLASSES)
    write(folder, card, keras_file=keras_file, onnx_file=onnx_file)
    return folder
