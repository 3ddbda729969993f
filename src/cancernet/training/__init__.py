"""Fitting networks: options, the loop, cross-fitting."""

from cancernet.training.crossfit import CrossFit, choose_epochs, cross_fit
from cancernet.training.network import Fit, Network
from cancernet.training.options import TrainingOptions
from cancernet.training.seeds import seed_of
from cancernet.training.tables import FittedTable, TableLearner

__all__ = [
    "CrossFit",
    "Fit",
    "FittedTable",
    "Network",
    "TableLearner",
    "TrainingOptions",
    "choose_epochs",
    "cross_fit",
    "seed_of",
]
