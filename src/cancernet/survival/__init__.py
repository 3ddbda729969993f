"""Outcomes in time: who had which event when, curves, models of the hazard, and what they are worth."""

from cancernet.survival.attime import auroc_at, brier_at, integrated_brier
from cancernet.survival.censoring import Censoring
from cancernet.survival.concordance import harrell, uno
from cancernet.survival.cox import CoxModel, CoxOptions, fit_cox
from cancernet.survival.curves import Curve, aalen_johansen, kaplan_meier, nelson_aalen
from cancernet.survival.forecast import GRID, Forecast, grid_to, horizon_of
from cancernet.survival.logrank import LogRank, logrank
from cancernet.survival.measure import compare_forecasts, measure_forecast, time_name
from cancernet.survival.observed import CalibrationGroup, calibration_groups
from cancernet.survival.outcome import UNITS, Coding, Outcome, Unit, make_outcome

__all__ = [
    "GRID",
    "UNITS",
    "CalibrationGroup",
    "Censoring",
    "Coding",
    "CoxModel",
    "CoxOptions",
    "Curve",
    "Forecast",
    "LogRank",
    "Outcome",
    "Unit",
    "aalen_johansen",
    "auroc_at",
    "brier_at",
    "calibration_groups",
    "compare_forecasts",
    "fit_cox",
    "grid_to",
    "harrell",
    "horizon_of",
    "integrated_brier",
    "kaplan_meier",
    "logrank",
    "make_outcome",
    "measure_forecast",
    "nelson_aalen",
    "time_name",
    "uno",
]
