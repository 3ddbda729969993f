"""Slides that are analysed together: warnings when they do not come from one kind of scanner at one magnification."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cancernet.slides.policy import CONTRADICTION
from cancernet.slides.slide import Pitch

__all__ = ["cohort_warnings"]


def cohort_warnings(pitches: Sequence[Pitch | None], vendors: Sequence[str]) -> list[str]:
    """Return sentences on what is mixed in a cohort; none when nothing is.

    A model that was trained on one scanner may read another one differently; and where scanner and diagnosis go
    together, it may have learnt the scanner.

    Parameters
    ----------
    pitches
        Of each slide, None where it is not known.
    vendors
        Of each slide, in the same order.

    Examples
    --------
    >>> cohort_warnings([Pitch(0.25, 0.25, "aperio.MPP"), Pitch(0.5, 0.5, "aperio.MPP")], ["Aperio", "Aperio"])
    ['The slides differ in resolution: 0.25 (1 slide), 0.5 (1 slide) microns per pixel.']
    """
    found = [_mixed_vendors(vendors), _mixed_resolutions(pitches), _assumed(pitches), _unknown(pitches)]
    return [sentence for sentence in found if sentence]


def _mixed_vendors(vendors: Sequence[str]) -> str:
    """Say which scanners there are, when there are several."""
    counts = Counter(vendors)
    if len(counts) < 2:
        return ""
    return f"The slides come from {len(counts)} kinds of files: {_counted(counts)}."


def _mixed_resolutions(pitches: Sequence[Pitch | None]) -> str:
    """Say which resolutions there are, when some differ by more than 10 %."""
    known = sorted(pitch.mpp for pitch in pitches if pitch is not None)
    if not known or known[-1] <= known[0] * (1 + CONTRADICTION):
        return ""
    groups: dict[float, list[float]] = {}
    first = known[0]
    for side in known:  # rising: a group ends where a value is 10 % above its first
        first = side if side > first * (1 + CONTRADICTION) else first
        groups.setdefault(first, []).append(side)
    counts = Counter({f"{members[len(members) // 2]:.3g}": len(members) for members in groups.values()})
    return f"The slides differ in resolution: {_counted(counts)} microns per pixel."


def _assumed(pitches: Sequence[Pitch | None]) -> str:
    """Say how many resolutions were assumed."""
    count = sum(pitch is not None and pitch.assumed for pitch in pitches)
    return (
        f"The resolution of {_slides(count)} was assumed, not measured: sizes and areas depend on it." if count else ""
    )


def _unknown(pitches: Sequence[Pitch | None]) -> str:
    """Say how many resolutions are not known."""
    count = sum(pitch is None for pitch in pitches)
    return f"The resolution of {_slides(count)} is not known." if count else ""


def _counted(counts: Counter[str]) -> str:
    """Return names with the number of their slides, in the order in which they came."""
    return ", ".join(f"{name} ({_slides(count)})" for name, count in counts.items())


def _slides(count: int) -> str:
    """Return a number of slides in words."""
    return "1 slide" if count == 1 else f"{count} slides"
