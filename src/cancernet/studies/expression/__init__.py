"""Studies of expression: tables whose columns are chosen, and whose gaps are filled, inside each fold."""

from cancernet.studies.expression.plan import ExpressionPlan, make_expression_plan

__all__ = ["ExpressionPlan", "make_expression_plan"]
