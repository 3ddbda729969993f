"""A bundle of crops whose answer can be worked out on paper: dark crops and pale ones; no Keras."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bundle.made import made_card, made_keras
from cancernet.bundle import Conformal, Decision, PatchInput, PixelSize, Task, write
from cancernet.patches import STATISTICS

SIZE, MPP = 32, 0.5
CLASSES = ("dark", "pale", "other")
MIDDLE, STEP = 200.0, 8.0  # of the mean red of a crop: grey levels


def type_card(**changes):
    """Return the card; its sets hold two classes where the first has less than 0.8."""
    parts = {
        "name": "shades",
        "task": Task(kind="multiclass", classes=CLASSES),
        "input": PatchInput(size=SIZE, pixel_size=PixelSize(status="known", mpp=MPP), statistics=STATISTICS),
        "decision": Decision(conformal=Conformal(quantile=0.8, coverage=0.9, rows="made")),
        "prior": dict.fromkeys(CLASSES, 1 / 3),
    }
    return made_card(**{**parts, **changes})


def type_bundle(folder: Path, **changes) -> Path:
    """Write a bundle whose logits are (-z, z, -4) for z = (mean red - 200) / 8."""
    weights = np.array([[-1, 1, 0], [0, 0, 0], [0, 0, 0]], np.float32) / np.float32(STEP)
    bias = np.array([MIDDLE / STEP, -MIDDLE / STEP, -4], np.float32)
    nodes = [
        helper.make_node("Cast", ["input"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["real", "sides"], ["features"], keepdims=0),
        helper.make_node("Gemm", ["features", "weights", "bias"], ["logits"]),
    ]
    tensors = {"sides": np.array([1, 2], np.int64), "weights": weights, "bias": bias}
    outputs = {"logits": len(CLASSES), "features": 3}
    graph = helper.make_graph(
        nodes,
        "shades",
        [helper.make_tensor_value_info("input", TensorProto.UINT8, ["n", SIZE, SIZE, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width]) for name, width in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx_file, keras_file = folder.with_suffix(".onnx"), folder.with_suffix(".keras")
    onnx.save(model, onnx_file)
    made_keras(keras_file)
    write(folder, type_card(**changes), keras_file=keras_file, onnx_file=onnx_file)
    return folder
