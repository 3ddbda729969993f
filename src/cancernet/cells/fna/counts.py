"""How the answer for a field depends on how many of its nuclei are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.fna.features import statistics
from cancernet.predict import cases

if TYPE_CHECKING:
    from cancernet.engine import Model

__all__ = ["Draws", "by_count"]

_COUNTS = (10, 20, 40, 80, 160)
_DRAWS = 100
_SEED = 0


@dataclass(frozen=True)
class Draws:
    """The answers for nuclei of a field that were drawn by chance.

    Parameters
    ----------
    count
        How many nuclei were drawn each time.
    chance
        Median of the calibrated probability of the positive class over the draws.
    abstained
        Share of the draws that the model abstains from.
    distance
        Median of the distance; None when the model knows none.
    """

    count: int
    chance: float
    abstained: float
    distance: float | None


def by_count(model: Model, units: NDArray[np.float64]) -> tuple[Draws, ...]:
    """Return the answers for 10, 20, 40, 80 and 160 nuclei of a field, 100 draws each, where it has more of them.

    A row of the Wisconsin table rests on about 16 nuclei (8 to 30 in most rows), as the distance of its worst values
    from its means tells, in standard errors. Of more nuclei the standard errors are smaller, and the three largest
    values larger, whatever the tissue is: this is shown here.

    Parameters
    ----------
    model
        Of the 30 features.
    units
        Shape (n, 10): the ten features of the nuclei in the units of the table.
    """
    rng, found = np.random.default_rng(_SEED), []
    place = model.card.task.classes.index(str(model.card.task.positive))
    for count in (one for one in _COUNTS if one < len(units)):
        chosen = [rng.permutation(len(units))[:count] for _ in range(_DRAWS)]
        drawn = cases(model, np.stack([statistics(units[rows]) for rows in chosen]))
        distance = None if drawn.ood_distance is None else float(np.median(drawn.ood_distance))
        chance = float(np.median(drawn.probabilities[:, place]))
        found.append(Draws(count, chance, float(drawn.abstained.mean()), distance))
    return tuple(found)
