"""The figures, the page and metrics.json of a run."""

from cancernet.report.record import Importance, RunRecord

__all__ = ["Importance", "RunRecord"]
