"""Studies of bags: gated attention beside logistic regression on pooled features, calibrated across folds."""

from cancernet.studies.bags.fit import fit_bags
from cancernet.studies.bags.plan import BagPlan, bag_table, make_bag_plan

__all__ = ["BagPlan", "bag_table", "fit_bags", "make_bag_plan"]
