"""The figures, the page and `metrics.json` of a run: they draw and write what was measured."""

from cancernet.report.figures import render_figures, save_figures
from cancernet.report.metricsfile import METRICS_SCHEMA, read_estimates, write_metrics
from cancernet.report.page import write_page
from cancernet.report.record import Importance, RunRecord
from cancernet.report.style import Picture

__all__ = [
    "METRICS_SCHEMA",
    "Importance",
    "Picture",
    "RunRecord",
    "read_estimates",
    "render_figures",
    "save_figures",
    "write_metrics",
    "write_page",
]
