"""Outcomes in time: who had which event when, curves, models of the hazard, and what they are worth."""

from cancernet.survival.attime import auroc_at, brier_at, integrated_brier
from cancernet.survival.censoring import Censoring
from cancernet.survival.concordance import harrell, uno
from cancernet.survival.cox import CoxModel, CoxOptions, fit_cox
from cancernet.survival.curves import Curve, aalen_johansen, kaplan_meier, nelson_aalen
from cancernet.survival.logrank import LogRank, logrank
from cancernet.survival.outcome import Coding, Outcome, make_outcome

__all__ = [
    "Censoring",
    "Coding",
    "CoxModel",
    "CoxOptions",
    "Curve",
    "LogRank",
    "Outcome",
    "aalen_johansen",
    "auroc_at",
    "brier_at",
    "fit_cox",
    "harrell",
    "integrated_brier",
    "kaplan_meier",
    "logrank",
    "make_outcome",
    "nelson_aalen",
    "uno",
]
