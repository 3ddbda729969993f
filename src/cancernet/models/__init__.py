"""The networks: functions that return plain Keras models of stock layers."""

from cancernet.models.conv1d import LAYOUTS, Conv1D, Layout, build_conv1d, with_normalisation

__all__ = ["LAYOUTS", "Conv1D", "Layout", "build_conv1d", "with_normalisation"]
