"""Outcomes in time: who had which event when, curves, models of the hazard, and what they are worth."""

from cancernet.survival.answers import Answers, answer
from cancernet.survival.attime import auroc_at, brier_at, integrated_brier
from cancernet.survival.causerivals import CauseCox, CauseMarginal
from cancernet.survival.causes import CauseForecast, cause_brier, cause_concordance
from cancernet.survival.censoring import Censoring
from cancernet.survival.concordance import harrell, uno
from cancernet.survival.cox import CoxModel, fit_cox
from cancernet.survival.curves import Curve, aalen_johansen, kaplan_meier, nelson_aalen
from cancernet.survival.forecast import GRID, Forecast, grid_to, horizon_of
from cancernet.survival.foretell import Foretold, foretell
from cancernet.survival.logrank import LogRank, logrank
from cancernet.survival.measure import Measured, compare_forecasts, measure_forecast, time_name
from cancernet.survival.nets import NetworkModel, fit_network
from cancernet.survival.observed import CalibrationGroup, calibration_groups
from cancernet.survival.options import CoxOptions, NetworkOptions
from cancernet.survival.outcome import UNITS, Coding, Outcome, Unit, in_unit, make_outcome
from cancernet.survival.predicted import Baseline, Marginal, Predictor
from cancernet.survival.record import Example, HazardRatio, SurvivalRecord
from cancernet.survival.results import write_survival_results
from cancernet.survival.roc import roc_at

__all__ = [
    "GRID",
    "UNITS",
    "Answers",
    "Baseline",
    "CalibrationGroup",
    "CauseCox",
    "CauseForecast",
    "CauseMarginal",
    "Censoring",
    "Coding",
    "CoxModel",
    "CoxOptions",
    "Curve",
    "Example",
    "Forecast",
    "Foretold",
    "HazardRatio",
    "LogRank",
    "Marginal",
    "Measured",
    "NetworkModel",
    "NetworkOptions",
    "Outcome",
    "Predictor",
    "SurvivalRecord",
    "Unit",
    "aalen_johansen",
    "answer",
    "auroc_at",
    "brier_at",
    "calibration_groups",
    "cause_brier",
    "cause_concordance",
    "compare_forecasts",
    "fit_cox",
    "fit_network",
    "foretell",
    "grid_to",
    "harrell",
    "horizon_of",
    "in_unit",
    "integrated_brier",
    "kaplan_meier",
    "logrank",
    "make_outcome",
    "measure_forecast",
    "nelson_aalen",
    "roc_at",
    "time_name",
    "uno",
    "write_survival_results",
]
