"""The figures, the page and `metrics.json` of a run: they draw and write what was measured."""

from cancernet.report.fields import FieldRecord, Outlined, draw_outlines, write_field_metrics, write_field_page
from cancernet.report.figures import render_figures, save_figures
from cancernet.report.grouptables import group_rows
from cancernet.report.metricsfile import METRICS_SCHEMA, read_estimates, write_metrics
from cancernet.report.page import write_page
from cancernet.report.record import GroupRow, Importance, PatchSheet, RunRecord
from cancernet.report.sheets import abstained_sheet, error_sheets, sample_sheet
from cancernet.report.style import Picture
from cancernet.report.words import rival

__all__ = [
    "METRICS_SCHEMA",
    "FieldRecord",
    "GroupRow",
    "Importance",
    "Outlined",
    "PatchSheet",
    "Picture",
    "RunRecord",
    "abstained_sheet",
    "draw_outlines",
    "error_sheets",
    "group_rows",
    "read_estimates",
    "render_figures",
    "rival",
    "sample_sheet",
    "save_figures",
    "write_field_metrics",
    "write_field_page",
    "write_metrics",
    "write_page",
]
