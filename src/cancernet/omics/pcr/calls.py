"""Is the target there? Present, absent or undecided, with the error rates of the rule; and how many copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.omics.pcr.curve import Curve, count_copies, fit_curve
from cancernet.omics.pcr.limits import Blank, Detection, blank_limit, detection_limit
from cancernet.omics.pcr.plate import BLANK, SAMPLE, STANDARD, Plate

__all__ = ["Assay", "Call", "Rule", "call_samples", "calling_rule", "characterise"]

ERROR = 0.05  # highest rate of a wrong "present"
_HIT_AT_LIMIT = 0.95  # of a well with as many copies as the limit of detection


@dataclass(frozen=True, kw_only=True)
class Assay:
    """What standards and blanks say of one gene: curve, limit of blank, limit of detection."""

    gene: str
    curve: Curve
    blank: Blank
    detection: Detection


@dataclass(frozen=True, kw_only=True)
class Rule:
    """From how many wells on the target counts as present; without a hit it is absent, between them undecided.

    Parameters
    ----------
    wells
        Of a sample.
    present
        Hits from which on it is present; None when no number is enough: too few blanks were measured.
    wrong_present
        Probability of calling a sample without target present, were the blanks' highest share of false hits true.
    wrong_absent
        Probability of calling a sample with copies at the limit of detection absent.
    """

    wells: int
    present: int | None
    wrong_present: float
    wrong_absent: float


@dataclass(frozen=True, kw_only=True)
class Call:
    """The answer for one sample.

    Parameters
    ----------
    sample
        Name.
    call
        "present", "absent" or "undecided".
    hits, wells
        Wells above the limit of blank, and wells in all.
    rule
        The rule with its error rates.
    copies
        In a well, with interval.
    flags
        What to keep in mind.
    """

    sample: str
    call: str
    hits: int
    wells: int
    rule: Rule
    copies: Estimate
    flags: tuple[str, ...]


def characterise(plate: Plate, gene: str) -> Assay:
    """Return curve and limits of a gene from the standards and blanks of a plate.

    Raises
    ------
    InvalidInput
        When standards or blanks are missing, or their curve cannot be fitted.
    """
    standards, blanks = plate.wells(gene, STANDARD), plate.wells(gene, BLANK)
    if not len(standards):
        raise InvalidInput(
            f"Gene '{gene}' has no standards on plate '{plate.name}'",
            "Expected wells of known copies: a column 'quantity' in the long form",
            "Measure a dilution series",
        )
    curve = fit_curve(plate.quantities[standards], plate.ct[standards], gene=gene)
    blank = blank_limit(curve.copies(plate.ct[blanks]))
    hit = curve.copies(plate.ct[standards]) > blank.limit
    detection = detection_limit(plate.quantities[standards], hit)
    return Assay(gene=gene, curve=curve, blank=blank, detection=detection)


def calling_rule(wells: int, false_hits: float) -> Rule:
    """Return the rule for samples of so many wells.

    Parameters
    ----------
    wells
        1 or more.
    false_hits
        Highest share of wells without target that hit, from the blanks.
    """
    from scipy import stats

    counts = np.arange(1, wells + 1)
    at_least = stats.binom.sf(counts - 1, wells, false_hits)  # of so many hits without target
    enough = np.flatnonzero(at_least <= ERROR)
    return Rule(
        wells=wells,
        present=int(counts[enough[0]]) if len(enough) else None,
        wrong_present=float(at_least[enough[0]]) if len(enough) else 0.0,
        wrong_absent=(1 - _HIT_AT_LIMIT) ** wells,
    )


def call_samples(plate: Plate, assay: Assay) -> tuple[Call, ...]:
    """Return the answer for each sample of the plate."""
    wells = plate.wells(assay.gene, SAMPLE)
    names = dict.fromkeys(str(name) for name in plate.samples[wells])
    return tuple(_call(name, plate.ct[wells[plate.samples[wells] == name]], assay) for name in names)


def _call(sample: str, ct: NDArray[np.float64], assay: Assay) -> Call:
    """Return the answer for one sample from the cycles of its wells."""
    hits, wells = int((assay.curve.copies(ct) > assay.blank.limit).sum()), len(ct)
    rule = calling_rule(wells, assay.blank.upper)
    present = rule.present is not None and hits >= rule.present
    absent = hits == 0 and assay.detection.limit.value is not None
    copies = count_copies(assay.curve, ct)
    return Call(
        sample=sample,
        call="present" if present else "absent" if absent else "undecided",
        hits=hits,
        wells=wells,
        rule=rule,
        copies=copies,
        flags=_flags(copies, hits, assay.curve),
    )


def _flags(copies: Estimate, hits: int, curve: Curve) -> tuple[str, ...]:
    """Return what to keep in mind of the copies."""
    value = copies.value or 0.0
    if hits and value < curve.lowest:
        return (f"below the lowest standard of the curve, {curve.lowest:g} copies",)
    return (f"above the highest standard, {curve.highest:g} copies",) if value > curve.highest else ()
