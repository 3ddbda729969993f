"""The networks: functions that return plain Keras models of stock layers."""

from cancernet.models.attention import Attention, build_attention
from cancernet.models.backbone import Backbone, build_on_backbone, check_extractor, check_patch_size
from cancernet.models.backend import keras_library
from cancernet.models.cancernet import CancerNet, build_cancernet, weight_layers
from cancernet.models.conv1d import LAYOUTS, Conv1D, Layout, build_conv1d, with_normalisation
from cancernet.models.dense import Dense, build_dense
from cancernet.models.ensemble import average_of, members_of, outputs_of
from cancernet.models.hazard import build_hazard
from cancernet.models.linear import Linear, build_linear
from cancernet.models.normalise import quickly_normalised
from cancernet.models.segmenter import Segmenter, build_segmenter

__all__ = [
    "LAYOUTS",
    "Attention",
    "Backbone",
    "CancerNet",
    "Conv1D",
    "Dense",
    "Layout",
    "Linear",
    "Segmenter",
    "average_of",
    "build_attention",
    "build_cancernet",
    "build_conv1d",
    "build_dense",
    "build_hazard",
    "build_linear",
    "build_on_backbone",
    "build_segmenter",
    "check_extractor",
    "check_patch_size",
    "keras_library",
    "members_of",
    "outputs_of",
    "quickly_normalised",
    "weight_layers",
    "with_normalisation",
]
