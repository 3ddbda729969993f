"""Fitting networks: options, augmentation, the loop, cross-fitting."""

from cancernet.training.augment import Augmentation
from cancernet.training.backbone import OpenBackbone, open_backbone
from cancernet.training.bags import BAG_EXECUTION, BagLearner, FittedBags
from cancernet.training.checkpoint import Checkpoint
from cancernet.training.crossfit import CrossFit, choose_epochs, cross_fit
from cancernet.training.network import Fit, Network
from cancernet.training.options import BagTraining, FitOptions, PatchTraining, SegmenterTraining, TrainingOptions
from cancernet.training.patches import FittedPatches, Known, PatchLearner, execution_of
from cancernet.training.seeds import seed_of
from cancernet.training.segmenter import FittedSegmenter, Scene, SegmenterLearner, prepare_scene
from cancernet.training.tables import FittedTable, TableLearner
from cancernet.training.targets import edge_distance, make_targets

__all__ = [
    "BAG_EXECUTION",
    "Augmentation",
    "BagLearner",
    "BagTraining",
    "Checkpoint",
    "CrossFit",
    "Fit",
    "FitOptions",
    "FittedBags",
    "FittedPatches",
    "FittedSegmenter",
    "FittedTable",
    "Known",
    "Network",
    "OpenBackbone",
    "PatchLearner",
    "PatchTraining",
    "Scene",
    "SegmenterLearner",
    "SegmenterTraining",
    "TableLearner",
    "TrainingOptions",
    "choose_epochs",
    "cross_fit",
    "edge_distance",
    "execution_of",
    "make_targets",
    "open_backbone",
    "prepare_scene",
    "seed_of",
]
