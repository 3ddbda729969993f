"""Engines: run a bundle with OpenVINO or ONNX Runtime, and export a Keras model so that they can."""

from cancernet.engine.batches import load_network, run_in_batches
from cancernet.engine.export import export_onnx, float32_clone, load_keras
from cancernet.engine.formats import FORMATS, export_bundle
from cancernet.engine.model import RUNTIMES, Model, open
from cancernet.engine.parity import check_parity
from cancernet.engine.protocol import Engine, Outputs

__all__ = [
    "FORMATS",
    "RUNTIMES",
    "Engine",
    "Model",
    "Outputs",
    "check_parity",
    "export_bundle",
    "export_onnx",
    "float32_clone",
    "load_keras",
    "load_network",
    "open",
    "run_in_batches",
]
