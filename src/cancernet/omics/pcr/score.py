"""The published 21-gene recurrence score of breast cancer, re-implemented for research. It is not the commercial test.

Every number below is from Paik et al. 2004 (doi:10.1056/NEJMoa041588, figure 1 and the methods), where the expression
of a gene is 10 plus the mean cycle of the five reference genes minus its own: 0 to 15, one unit a doubling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cancernet.checks import listed
from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.omics.pcr.replicates import CtTable

__all__ = ["NOT_THE_TEST", "RS21_CUTOFFS", "RS21_GENES", "RS21_REFERENCES", "RecurrenceScore", "rs21"]

NOT_THE_TEST = (
    "A research re-implementation of the published 21-gene formula, not the commercial test: other primers, platform "
    "and laboratory give other cycles, and no decision about a patient may rest on it."
)

# The genes of the paper, each with its present symbol and other names that are accepted.
_NAMES = {
    "GRB7": ("GRB7",),
    "HER2": ("ERBB2", "HER2"),
    "ER": ("ESR1", "ER"),
    "PgR": ("PGR", "PR"),
    "BCL2": ("BCL2",),
    "SCUBE2": ("SCUBE2", "CEGP1"),
    "Survivin": ("BIRC5", "SURVIVIN"),
    "Ki67": ("MKI67", "KI67"),
    "MYBL2": ("MYBL2",),
    "CCNB1": ("CCNB1",),
    "STK15": ("AURKA", "STK15"),
    "CTSL2": ("CTSV", "CTSL2"),
    "MMP11": ("MMP11", "STMY3"),
    "CD68": ("CD68",),
    "GSTM1": ("GSTM1",),
    "BAG1": ("BAG1",),
    "ACTB": ("ACTB",),
    "GAPDH": ("GAPDH", "GAPD"),
    "RPLP0": ("RPLP0", "RPLPO"),
    "GUS": ("GUSB", "GUS"),
    "TFRC": ("TFRC",),
}
RS21_REFERENCES = ("ACTB", "GAPDH", "RPLP0", "GUS", "TFRC")
RS21_GENES = tuple(name for name in _NAMES if name not in RS21_REFERENCES)

# Groups of genes with their weights. The floors hold only for expression as 10 minus delta Ct.
_GROUPS: Mapping[str, Mapping[str, float]] = {
    "her2_group": {"GRB7": 0.9, "HER2": 0.1},
    "er_group": {"ER": 0.8 / 4, "PgR": 1.2 / 4, "BCL2": 1 / 4, "SCUBE2": 1 / 4},
    "proliferation_group": {name: 1 / 5 for name in ("Survivin", "Ki67", "MYBL2", "CCNB1", "STK15")},
    "invasion_group": {"CTSL2": 1 / 2, "MMP11": 1 / 2},
    "CD68": {"CD68": 1.0},
    "GSTM1": {"GSTM1": 1.0},
    "BAG1": {"BAG1": 1.0},
}
_FLOORS = {"her2_group": 8.0, "proliferation_group": 6.5}
_COEFFICIENTS = {
    "her2_group": 0.47,
    "er_group": -0.34,
    "proliferation_group": 1.04,
    "invasion_group": 0.10,
    "CD68": 0.05,
    "GSTM1": -0.08,
    "BAG1": -0.07,
}
_SLOPE, _SHIFT = 20.0, 6.7  # score = 20 x (unscaled - 6.7), from 0 to 100

RS21_CUTOFFS: Mapping[str, tuple[int, int]] = {
    "paik2004": (18, 31),  # low below 18, high from 31: Paik et al. 2004
    "tailorx2018": (11, 26),  # low up to 10, high from 26: Sparano et al. 2018, doi:10.1056/NEJMoa1804710
}


@dataclass(frozen=True, kw_only=True)
class RecurrenceScore:
    """The score of one sample.

    Parameters
    ----------
    sample
        Its name.
    unscaled
        The sum before scaling; None without a score.
    score
        0 to 100; its interval is that of the replicate wells alone, and undefined with a reason where there is none.
    groups
        The scores of the groups of genes, after the floors; empty without a score.
    categories
        "low", "intermediate" or "high" by each pair of cut-offs, of the score rounded to a whole number as reports
        give it; empty without a score.
    flags
        What to look at: floors that were reached, a clipped score, expression outside 0 to 15, spread replicates.
    """

    sample: str
    unscaled: float | None
    score: Estimate
    groups: Mapping[str, float]
    categories: Mapping[str, str]
    flags: tuple[str, ...]


def rs21(table: CtTable) -> tuple[RecurrenceScore, ...]:
    """Return the score of each sample.

    A sample in which one of the 21 genes has no cycle gets no score, and the reason.

    Parameters
    ----------
    table
        The mean cycles; other genes than the 21 are left out.

    Raises
    ------
    InvalidInput
        When a gene is not on the plate at all, or stands there under two names.

    References
    ----------
    Paik et al. 2004, doi:10.1056/NEJMoa041588. Cut-offs: the same, and Sparano et al. 2018, doi:10.1056/NEJMoa1804710.
    """
    places = _places(table)
    return tuple(_score(table, row, places) for row in range(len(table.samples)))


def _places(table: CtTable) -> dict[str, int]:
    """Return the column of each of the 21 genes."""
    found = {
        name: [place for place, gene in enumerate(table.genes) if gene.upper() in known]
        for name, known in _NAMES.items()
    }
    missing = [f"{name} ({_NAMES[name][0]})" if name != _NAMES[name][0] else name for name in found if not found[name]]
    if missing:
        raise InvalidInput(
            f"The score needs 21 genes; not on the plate: {', '.join(missing)}",
            f"Expected {len(RS21_GENES)} genes and the references {', '.join(RS21_REFERENCES)}, by these or HGNC names",
            "Measure them: a score without one of its genes is another score",
        )
    twice = [name for name, columns in found.items() if len(columns) > 1]
    if twice:
        names = [table.genes[place] for place in found[twice[0]]]
        raise InvalidInput(f"{listed(names)} are one gene", "Expected each gene once", "Take one of them out")
    return {name: columns[0] for name, columns in found.items()}


def _score(table: CtTable, row: int, places: Mapping[str, int]) -> RecurrenceScore:
    """Return the score of one sample."""
    lost = [name for name, place in places.items() if np.isnan(table.ct[row, place])]
    if lost:
        reason = f"no cycle of {listed(lost, 3)} ({table.reasons[row, places[lost[0]]]})"
        return RecurrenceScore(
            sample=table.samples[row],
            unscaled=None,
            score=Estimate.undefined(reason),
            groups={},
            categories={},
            flags=(),
        )
    expression = _expression(table, row, places)
    groups, reached = _group_scores(expression)
    unscaled = sum(_COEFFICIENTS[name] * value for name, value in groups.items())
    raw = _SLOPE * (unscaled - _SHIFT)
    error = _standard_error(table, row, places, reached)
    return RecurrenceScore(
        sample=table.samples[row],
        unscaled=unscaled,
        score=_estimate(raw, error),
        groups=groups,
        categories={name: _category(raw, cuts) for name, cuts in RS21_CUTOFFS.items()},
        flags=_flags(table, row, places, expression=expression, reached=reached, raw=raw),
    )


def _expression(table: CtTable, row: int, places: Mapping[str, int]) -> dict[str, float]:
    """Return 10 minus delta Ct of the 16 genes."""
    reference = float(np.mean([table.ct[row, places[name]] for name in RS21_REFERENCES]))
    return {name: 10 + reference - float(table.ct[row, places[name]]) for name in RS21_GENES}


def _group_scores(expression: Mapping[str, float]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the scores of the groups, and which were raised to their floor."""
    raw = {group: sum(weight * expression[name] for name, weight in genes.items()) for group, genes in _GROUPS.items()}
    reached = tuple(group for group, floor in _FLOORS.items() if raw[group] < floor)
    return {group: max(value, _FLOORS.get(group, -np.inf)) for group, value in raw.items()}, reached


def _standard_error(table: CtTable, row: int, places: Mapping[str, int], reached: tuple[str, ...]) -> float:
    """Return the standard error of the score from its wells; NaN where a gene has one well. A floor has no error."""
    weights = {
        name: _COEFFICIENTS[group] * weight
        for group, genes in _GROUPS.items()
        if group not in reached
        for name, weight in genes.items()
    }
    weights |= {name: sum(weights.values()) / len(RS21_REFERENCES) for name in RS21_REFERENCES}
    variance = sum(weight**2 * float(table.variance[row, places[name]]) for name, weight in weights.items())
    return float(_SLOPE * variance**0.5)


def _estimate(raw: float, error: float) -> Estimate:
    """Return the score, clipped, with the interval of its wells."""
    value, low, high = (min(max(number, 0.0), 100.0) for number in (raw, raw - 1.96 * error, raw + 1.96 * error))
    if np.isnan(error):
        return Estimate(value, None, None, 1, 1, "formula", "a gene has one well: no technical interval")
    return Estimate(value, low, high, 1, 1, "normal, from replicate wells only")


def _category(raw: float, cuts: tuple[int, int]) -> str:
    """Return where the score lies, rounded half up."""
    score = np.floor(min(max(raw, 0.0), 100.0) + 0.5)
    return "low" if score < cuts[0] else "intermediate" if score < cuts[1] else "high"


def _flags(
    table: CtTable,
    row: int,
    places: Mapping[str, int],
    *,
    expression: Mapping[str, float],
    reached: tuple[str, ...],
    raw: float,
) -> tuple[str, ...]:
    """Return what to look at."""
    floors = [f"{group.replace('_', ' ')} raised to its floor {_FLOORS[group]:g}" for group in reached]
    clipped = [f"{raw:.1f} before clipping to 0 to 100"] if not 0 <= raw <= 100 else []
    outside = [f"{name} {value:.1f} outside 0 to 15" for name, value in expression.items() if not 0 <= value <= 15]
    spread = [f"{name}: {table.flags[row, place]}" for name, place in places.items() if table.flags[row, place]]
    return (*floors, *clipped, *outside, *spread)
