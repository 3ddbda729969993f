"""What the maps of patches tell, in words: captions, reasons, and a page with the words of the card."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import PatchInput
from cancernet.predict import Cases, patch_input

if TYPE_CHECKING:
    from cancernet.bundle import Card

__all__ = ["ON_PAGE", "SEVERITY", "PatchExplanation", "caption", "page", "reason"]

SEVERITY = "severity"
ON_PAGE = 60  # pictures; the page holds them inside


@dataclass(frozen=True)
class PatchExplanation:
    """What was found, one entry per patch.

    Parameters
    ----------
    cases
        What the model says, with ids.
    explained
        Shape (n,), names of the explained classes; "severity" for ordered grades.
    peaks
        Shape (n,), float32: the strongest push of a place on the logit; 0 where nothing pushes towards the answer.
    places
        Shape (n, 2), the strongest pixel, down and across from 0.
    centre
        Shape (n,), share of the map in the middle half of both sides, 0 to 1; 0.25 for an even map.
    pictures
        Shape (n,), names of the PNG files.
    block, layer, cell, field
        As in `GradCam`.
    """

    cases: Cases
    explained: NDArray[np.str_]
    peaks: NDArray[np.float32]
    places: NDArray[np.int64]
    centre: NDArray[np.float64]
    pictures: NDArray[np.str_]
    block: int
    layer: str
    cell: tuple[int, int]
    field: tuple[int, int]

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.cases)

    @property
    def ids(self) -> NDArray[np.str_]:
        """The ids of the patches, shape (n,)."""
        return np.asarray(self.cases.ids)

    @property
    def empty(self) -> NDArray[np.bool_]:
        """Where nothing in the patch pushes towards the answer, shape (n,)."""
        nothing: NDArray[np.bool_] = ~(self.peaks > 0)
        return nothing


def caption(found: PatchExplanation, row: int) -> tuple[str, ...]:
    """Return the answer for a patch, its set, whether the model abstains, and what the map is."""
    cases = found.cases
    grade = "" if cases.expected_grade is None else f", expected grade {cases.expected_grade[row]:.1f} (the first is 0)"
    answer = f"Predicted “{cases.labels[row]}” with calibrated probability {_probability(cases, row)}{grade}."
    what = "the severity" if found.explained[row] == SEVERITY else f"“{found.explained[row]}”"
    pushes = f"The map is empty: nothing pushes {what} up" if found.empty[row] else f"Grad-CAM: what pushes {what} up"
    layer = f"block {found.block}, layer {found.layer}, a cell is {_area(found.cell)} pixels"
    return answer, _set_and_abstention(cases, row), f"{pushes}; {layer}.", "Research use only. A map is no proof."


def reason(cases: Cases, row: int) -> str:
    """Return why the model abstains; empty when it does not."""
    if not cases.abstained[row]:
        return ""
    size = 0 if cases.sets is None else int(cases.sets[row].sum())
    reasons = [f"the set holds {size} classes"] if size > 1 else []
    return "; ".join([*reasons, *([str(cases.ood_reason[row])] if cases.ood[row] else [])])


def page(found: PatchExplanation, card: Card, pngs: Sequence[bytes]) -> str:
    """Return the page as HTML that needs nothing else: the words of the card, what the maps are, and first pictures."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(str(files("cancernet.explain")))
    environment = Environment(autoescape=True, loader=loader, undefined=StrictUndefined, trim_blocks=True)
    sides = patch_input(card).shape[:2]
    return environment.get_template("patches.html.j2").render(
        card=card,
        found=found,
        shown=[_shown(found, row, png) for row, png in enumerate(pngs)],
        cell=_area(found.cell),
        field=_area(found.field),
        size=_area(sides),
        sees_all=min(found.field) >= max(sides),
        microns=_microns(card, found.cell),
    )


def _shown(found: PatchExplanation, row: int, png: bytes) -> dict[str, Any]:
    """Return a picture for the page, with its words."""
    down, across = found.places[row]
    where = "empty" if found.empty[row] else f"strongest {across} pixels from the left and {down} from the top"
    words = caption(found, row)
    alt = f"The patch and beside it its Grad-CAM map, {where}. {words[0]}"
    name = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(found.ids[row]))
    return {"id": name, "alt": alt, "words": words[:3], "base64": base64.b64encode(png).decode("ascii")}


def _probability(cases: Cases, row: int) -> str:
    """Return the probability of the predicted class with two digits, where they say something."""
    p = float(cases.probabilities[row, cases.predicted[row]])
    return "over 0.99" if p > 0.99 else "under 0.01" if p < 0.01 else f"{p:.2f}"


def _set_and_abstention(cases: Cases, row: int) -> str:
    """Return the conformal set, and whether the model abstains and why."""
    why = reason(cases, row)
    end = f"Abstained: {why}." if why else "Not abstained."
    if cases.sets is None:
        return f"No set: this bundle has no conformal quantile. {end}"
    inside = [name for name, held in zip(cases.classes, cases.sets[row], strict=True) if held]
    return f"Set: {', '.join(inside)}. {end}"


def _area(pixels: tuple[int, ...]) -> str:
    """Return '4 × 4'."""
    return " × ".join(map(str, pixels))


def _microns(card: Card, cell: tuple[int, int]) -> str:
    """Return the size of a cell in microns and how that is known; empty when it is not."""
    size = card.input.pixel_size if isinstance(card.input, PatchInput) else None
    if size is None or size.mpp is None:
        return ""
    return f"{' × '.join(f'{side * size.mpp:.3g}' for side in cell)} µm, {size.status}"
