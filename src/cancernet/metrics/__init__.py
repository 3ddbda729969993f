"""What a model is worth: metrics with intervals over groups, calibration, thresholds, sets, curves, baselines."""

from cancernet.metrics.baselines import (
    BAG_BASELINES,
    BASELINES,
    EXPRESSION_BASELINES,
    PATCH_BASELINES,
    baseline_logits,
)
from cancernet.metrics.bias import fit_temperature_and_bias
from cancernet.metrics.calibration import ece, ece_of_perfect, fit_temperature
from cancernet.metrics.conformal import fit_conformal, prediction_sets
from cancernet.metrics.curves import (
    Confusion,
    DecisionCurve,
    PrecisionRecall,
    Reliability,
    RiskCoverage,
    Roc,
    confusion,
    decision_curve,
    precision_recall,
    reliability,
    risk_coverage,
    roc,
)
from cancernet.metrics.decision import net_benefit
from cancernet.metrics.elastic import ElasticNet, fit_elastic
from cancernet.metrics.free_response import Marks, free_response, free_response_curve
from cancernet.metrics.instances import (
    INSTANCE_METRICS,
    InstanceScores,
    instance_scores,
    mean_over_groups,
    measure_instances,
    paired_instances,
)
from cancernet.metrics.intervals import wilson
from cancernet.metrics.measure import measure, measure_answers, measure_at
from cancernet.metrics.paired import paired_difference
from cancernet.metrics.prevalence import predictive_values, reweight
from cancernet.metrics.ranking import auroc, average_precision, delong
from cancernet.metrics.recalibration import calibration_line
from cancernet.metrics.scored import Scored
from cancernet.metrics.thresholds import RULES, Rule, choose_threshold, parse_rule
from cancernet.metrics.typed import DETECTION, Named, TypeCounts, count_named, measure_named

__all__ = [
    "BAG_BASELINES",
    "BASELINES",
    "DETECTION",
    "EXPRESSION_BASELINES",
    "INSTANCE_METRICS",
    "PATCH_BASELINES",
    "RULES",
    "Confusion",
    "DecisionCurve",
    "ElasticNet",
    "InstanceScores",
    "Marks",
    "Named",
    "PrecisionRecall",
    "Reliability",
    "RiskCoverage",
    "Roc",
    "Rule",
    "Scored",
    "TypeCounts",
    "auroc",
    "average_precision",
    "baseline_logits",
    "calibration_line",
    "choose_threshold",
    "confusion",
    "count_named",
    "decision_curve",
    "delong",
    "ece",
    "ece_of_perfect",
    "fit_conformal",
    "fit_elastic",
    "fit_temperature",
    "fit_temperature_and_bias",
    "free_response",
    "free_response_curve",
    "instance_scores",
    "mean_over_groups",
    "measure",
    "measure_answers",
    "measure_at",
    "measure_instances",
    "measure_named",
    "net_benefit",
    "paired_difference",
    "paired_instances",
    "parse_rule",
    "precision_recall",
    "prediction_sets",
    "predictive_values",
    "reliability",
    "reweight",
    "risk_coverage",
    "roc",
    "wilson",
]
