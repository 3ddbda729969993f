"""Studies of tables: conv1d beside its baselines, calibrated by cross-fitting inside each fold."""

from cancernet.studies.tables.fit import fit_table
from cancernet.studies.tables.plan import TablePlan, make_table_plan, read_data

__all__ = ["TablePlan", "fit_table", "make_table_plan", "read_data"]
