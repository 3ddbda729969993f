"""What the FNA model says about a field: its answer or abstention, and the nuclei that drove it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.fna.counts import Draws, by_count
from cancernet.cells.fna.features import FNA_NAMES, FieldNuclei, nuclei_of, statistics, statistics_without_each
from cancernet.cells.fna.units import OFF_BY, UM_PER_UNIT
from cancernet.errors import BundleMismatch
from cancernet.predict import Cases, cases

if TYPE_CHECKING:
    import pandas as pd

    from cancernet.engine import Model

__all__ = ["CAVEAT", "FnaAnswer", "ask_fna"]

CAVEAT = (
    "H&E sections are not aspirates: the model has seen smears of one clinic only. This use is not validated: no "
    "paired images are public."
)
"""Stands beside every answer."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FnaAnswer:
    """The 30 features of a field, and what the model says about them.

    Parameters
    ----------
    nuclei
        Those that count.
    features
        Shape (30,), in the units of the Wisconsin table, in the order of `FNA_NAMES`.
    case
        One case.
    limit
        Of the distance; beyond it the model abstains. None when the bundle knows no distance.
    positive
        The class that the probability and the log-odds are of.
    log_odds
        Shape (n,): log-odds of the positive class with all nuclei, less those without this one. Above 0 it speaks for
        the class. Empty with 3 nuclei.
    farther
        Shape (n,): distance with all nuclei less the one without this one: above 0 it makes the field unlike the
        training rows. Empty with 3 nuclei.
    off_by
        The answers when the constant is off: one case for each of `OFF_BY`.
    fewer
        The answers for fewer of the nuclei, drawn by chance.
    """

    nuclei: FieldNuclei
    features: Floats
    case: Cases
    limit: float | None
    positive: str
    log_odds: Floats
    farther: Floats
    off_by: Cases
    fewer: tuple[Draws, ...]

    @property
    def chance(self) -> float:
        """Calibrated probability of the positive class."""
        return float(self.case.probabilities[0, self.case.classes.index(self.positive)])

    @property
    def distance(self) -> float | None:
        """Mahalanobis distance of the field from the training rows."""
        return None if self.case.ood_distance is None else float(self.case.ood_distance[0])

    def drivers(self, most: int = 5) -> NDArray[np.intp]:
        """Return the places, among the nuclei that count, of those that moved the answer most, the strongest first."""
        return np.argsort(-np.abs(self.log_odds), kind="stable")[:most]

    def strangers(self, most: int = 5) -> NDArray[np.intp]:
        """Return the places of those that make the field unlike the training rows, the strongest first."""
        order = np.argsort(-self.farther, kind="stable")[:most]
        return order[self.farther[order] > 0]


def ask_fna(model: Model, table: pd.DataFrame, *, um_per_unit: float = UM_PER_UNIT) -> FnaAnswer:
    """Return what a model of the 30 features says about a field.

    Parameters
    ----------
    model
        Opened by `engine.open("fna")`, or another one of these features.
    table
        Of `measure_nuclei`.
    um_per_unit
        Microns to one unit of length of the Wisconsin table.

    Raises
    ------
    InvalidInput
        When fewer than 3 nuclei count.
    BundleMismatch
        When the model takes other columns, or has no positive class.
    """
    _check(model)
    nuclei = nuclei_of(table)
    units = nuclei.units(um_per_unit)
    features = statistics(units)
    case = cases(model, features[None])
    scaled = np.stack([statistics(nuclei.units(um_per_unit * factor)) for factor in OFF_BY])
    log_odds, farther = _without_each(model, units, case)
    limit = model.card.decision.novelty.limit if model.card.decision.novelty else None
    positive = str(model.card.task.positive)
    moved, fewer = cases(model, scaled), by_count(model, units)
    return FnaAnswer(nuclei, features, case, limit, positive, log_odds, farther, moved, fewer)


def _check(model: Model) -> None:
    """Raise when the model is none of the 30 features with a positive class."""
    card = model.card
    if card.input.kind != "table" or tuple(card.input.names) != FNA_NAMES or card.task.positive is None:
        raise BundleMismatch(
            f"The bundle '{card.name}' is no model of the 30 features of nuclei",
            f"A binary task on the columns {FNA_NAMES[0]} to {FNA_NAMES[-1]}",
            "Use the shipped bundle 'fna', or train one on the same columns",
        )


def _without_each(model: Model, units: Floats, case: Cases) -> tuple[Floats, Floats]:
    """Return how log-odds and distance change by each nucleus: all fields without one go through the engine at once."""
    if len(units) < 4:
        return np.empty(0), np.empty(0)
    without = cases(model, statistics_without_each(units))
    place = case.classes.index(str(model.card.task.positive))
    change = _log_odds(case, place) - _log_odds(without, place)
    farther = np.zeros(len(units))
    if case.ood_distance is not None and without.ood_distance is not None:
        farther = case.ood_distance - without.ood_distance
    return change, farther


def _log_odds(found: Cases, place: int) -> Floats:
    """Return the log-odds of a class from its calibrated probabilities, finite."""
    chance = np.clip(found.probabilities[:, place], 1e-12, 1 - 1e-12)
    odds: Floats = np.log(chance) - np.log1p(-chance)
    return odds
