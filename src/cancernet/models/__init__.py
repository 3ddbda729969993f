"""The networks: functions that return plain Keras models of stock layers."""

from cancernet.models.backend import keras_library
from cancernet.models.conv1d import LAYOUTS, Conv1D, Layout, build_conv1d, with_normalisation

__all__ = ["LAYOUTS", "Conv1D", "Layout", "build_conv1d", "keras_library", "with_normalisation"]
