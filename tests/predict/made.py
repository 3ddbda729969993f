"""Bundles made by hand: real files that the real engine opens, whose answers can be worked out on paper."""

import json
import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cancernet import bundle, predict

COLUMNS = ("radius", "texture", "area")
CLASSES = ("B", "M")
ROWS = "made rows"


def training_values(n=400, seed=0):
    """Rows of three columns of different scale; radius and area go together."""
    generator = np.random.default_rng(seed)
    radius = generator.normal(14, 3, n)
    return np.stack([radius, generator.normal(19, 4, n), radius**2 * 3 + generator.normal(0, 40, n)], axis=1)


def make_card(**changes):
    """A binary card with everything: temperature, threshold, sets, novelty, prior."""
    fields = {
        "name": "made",
        "task": bundle.Task(kind="binary", classes=CLASSES, positive="M"),
        "input": bundle.TableInput(columns=tuple(bundle.Column(name=name) for name in COLUMNS)),
        "decision": make_decision(),
        "prior": {"B": 0.6, "M": 0.4},
        "training": bundle.Training(
            versions={}, backend="none", seed=0, epochs=0, date="2026-11-22", rows=400, groups=400
        ),
        "data": bundle.DataSource(name="made", source="made", licence="CC0", synthetic=True),
        "weights_licence": "CC0",
        "intended_use": "tests",
        "limits": (),
    }
    return bundle.Card(**(fields | changes))


def make_decision(**changes):
    fields = {
        "temperature": 2.0,
        "threshold": bundle.Threshold(value=0.3, rule="balanced", rows=ROWS),
        "conformal": bundle.Conformal(quantile=0.8, coverage=0.9, rows=ROWS),
        "novelty": predict.fit_novelty(training_values(), rows=ROWS),
    }
    return bundle.Decision(**(fields | changes))


def make_bundle(folder: Path, card, weights, *, bias=None) -> Path:
    """Write a bundle whose logits are values @ weights + bias, and whose features are the values."""
    weights = np.asarray(weights, dtype=np.float32)
    bias = np.zeros(weights.shape[1], dtype=np.float32) if bias is None else np.asarray(bias, dtype=np.float32)
    nodes = [
        helper.make_node("Gemm", ["input", "weights", "bias"], ["logits"]),
        helper.make_node("Identity", ["input"], ["features"]),
    ]
    return _write(folder, card, nodes, {"weights": weights, "bias": bias})


def make_curved_bundle(folder: Path, card, *, hidden=8, seed=0) -> Path:
    """Write a bundle with one hidden layer, so that columns act together."""
    generator, columns = np.random.default_rng(seed), len(card.input.names)
    values = training_values()
    scale = values.std(axis=0)[:columns]
    first = generator.normal(0, 1, (columns, hidden)) / scale[:, None]
    tensors = {
        "first": first.astype(np.float32),
        "offset": (-values.mean(axis=0)[:columns] @ first).astype(np.float32),
        "second": generator.normal(0, 1, (hidden, len(card.task.classes))).astype(np.float32),
    }
    nodes = [
        helper.make_node("Gemm", ["input", "first", "offset"], ["hidden"]),
        helper.make_node("Tanh", ["hidden"], ["features"]),
        helper.make_node("MatMul", ["features", "second"], ["logits"]),
    ]
    return _write(folder, card, nodes, tensors)


def write_csv(path: Path, values, *, names=COLUMNS, ids=None) -> Path:
    """Write rows as CSV, NaN as an empty cell."""
    lines = [",".join(["id", *names] if ids is not None else names)]
    for row, cells in enumerate(values):
        texts = ["" if np.isnan(cell) else repr(float(cell)) for cell in cells]
        lines.append(",".join([str(ids[row]), *texts] if ids is not None else texts))
    path.write_text("\n".join(lines) + "\n")
    return path


def _write(folder, card, nodes, tensors):
    folder.parent.mkdir(parents=True, exist_ok=True)
    onnx_file, keras_file = folder.with_suffix(".onnx"), folder.with_suffix(".keras")
    columns = len(card.input.names)
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", columns])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", None]) for name in ("logits", "features")],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, onnx_file)
    _write_keras_file(keras_file)
    bundle.write(folder, card, keras_file=keras_file, onnx_file=onnx_file)
    return folder


def _write_keras_file(path):
    """Write a Keras file of no layers: the engine never opens it, the bundle wants one."""
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": []}, "registered_name": None}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", b"")
