"""The networks: functions that return plain Keras models of stock layers."""

from cancernet.models.backend import keras_library
from cancernet.models.cancernet import CancerNet, build_cancernet, weight_layers
from cancernet.models.conv1d import LAYOUTS, Conv1D, Layout, build_conv1d, with_normalisation

__all__ = [
    "LAYOUTS",
    "CancerNet",
    "Conv1D",
    "Layout",
    "build_cancernet",
    "build_conv1d",
    "keras_library",
    "weight_layers",
    "with_normalisation",
]
