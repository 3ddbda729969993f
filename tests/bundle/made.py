"""Small bundles made by hand, for tests that need no trained network: real files, no Keras."""

import json
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cancernet.bundle import Card, Column, DataSource, TableInput, Task, Training, write

COLUMNS = ("radius", "texture", "perimeter", "area")
CLASSES = ("B", "M")


def made_card(columns=COLUMNS, classes=CLASSES, **changes) -> Card:
    """Return a valid card; `changes` replace its parts."""
    positive = classes[-1] if len(classes) == 2 else None
    parts = {
        "name": "made",
        "task": Task(kind="binary" if positive else "multiclass", classes=classes, positive=positive),
        "input": TableInput(columns=tuple(Column(name=name) for name in columns)),
        "prior": dict.fromkeys(classes, 1 / len(classes)),
        "training": Training(versions={}, backend="tensorflow", seed=0, epochs=0, date="2026-01-01", rows=9, groups=9),
        "data": DataSource(name="made", source="by hand", licence="CC0-1.0", synthetic=True),
        "weights_licence": "Apache-2.0",
        "intended_use": "Tests.",
        "limits": ("Made by hand.",),
    }
    return Card(**{**parts, **changes})


def made_weights(columns=4, classes=2, width=3):
    """Return kernel and bias of two dense layers, float32."""
    rng = np.random.default_rng(7)
    shapes = ((columns, width), (width,), (width, classes), (classes,))
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def made_onnx(columns=4, classes=2, width=3) -> onnx.ModelProto:
    """Return the network relu(x K1 + b1) = features, features K2 + b2 = logits."""
    names = ("kernel1", "bias1", "kernel2", "bias2")
    weights = made_weights(columns, classes, width)
    nodes = [
        helper.make_node("Gemm", ["input", "kernel1", "bias1"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["features"]),
        helper.make_node("Gemm", ["features", "kernel2", "bias2"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", columns])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", classes]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", width]),
        ],
        [numpy_helper.from_array(array, name) for name, array in zip(names, weights, strict=True)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def layer(kind: str, /, *, module: str = "keras.layers", registered_name=None, **config) -> dict:
    """Return a layer as Keras writes it into `config.json`."""
    return {"module": module, "class_name": kind, "config": config, "registered_name": registered_name}


def made_config(*layers: dict) -> dict:
    """Return the `config.json` of a Sequential model."""
    stack = layers or (layer("InputLayer", batch_shape=[None, 4]), layer("Dense", name="logits", units=2))
    return layer("Sequential", module="keras", name="made", layers=list(stack))


def made_keras(path: Path, config=None, *, compression=zipfile.ZIP_STORED, extra=None) -> Path:
    """Write a `.keras` file whose weights are filler; Keras would not open it, our check does."""
    text = config if isinstance(config, str) else json.dumps(made_config() if config is None else config)
    members = {"metadata.json": "{}", "config.json": text, "model.weights.h5": "weights", **(extra or {})}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def made_bundle(folder: Path, card: Card | None = None) -> Path:
    """Write a bundle of two dense layers that both engines open; its `.keras` file is filler. Takes milliseconds."""
    card = card or made_card()
    keras_file, onnx_file = folder.with_name("made.keras"), folder.with_name("made.onnx")
    folder.parent.mkdir(parents=True, exist_ok=True)
    made_keras(keras_file)
    onnx.save(made_onnx(len(card.input.columns), card.task.logit_width), onnx_file)
    write(folder, card, keras_file=keras_file, onnx_file=onnx_file)
    keras_file.unlink()
    onnx_file.unlink()
    return folder


def made_outputs(values, columns=4, classes=2, width=3):
    """Return logits and features of the network of `made_onnx`, computed in float64 NumPy."""
    kernel1, bias1, kernel2, bias2 = (array.astype(np.float64) for array in made_weights(columns, classes, width))
    features = np.maximum(np.asarray(values, np.float64) @ kernel1 + bias1, 0)
    return features @ kernel2 + bias2, features
