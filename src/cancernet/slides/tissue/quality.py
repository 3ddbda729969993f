"""What spoils a slide: ink of pens, blur, folds, air bubbles and bare glass, with areas, and flags in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.slides.tissue.bubbles import bubbles_of
from cancernet.slides.tissue.focus import Detail, Focus, focus_of
from cancernet.slides.tissue.folds import folds_of
from cancernet.slides.tissue.glass import evidence, glass_of, unscanned
from cancernet.slides.tissue.ink import strokes_of
from cancernet.slides.tissue.mask import TissueOptions, tissue_mask
from cancernet.slides.tissue.picture import (
    Densities,
    at_mpp,
    blurred,
    checked_mask,
    checked_mpp,
    checked_thumbnail,
    drop_small,
    grown,
    mm2,
    resized,
)

__all__ = ["Finding", "Quality", "quality_of"]

_COARSE_UM = 16.0  # microns per pixel; above it outlines of bubbles and most folds are below a pixel
_WORTH_A_WORD = 0.005  # share of the tissue
_LITTLE_TISSUE = 0.01  # share of the picture
_INK_EDGE_UM = 100  # around ink, darker tissue is stained by it and no fold
_LOOKALIKES = (
    "Keratin, and dense epithelium beside pale stroma, can look like folds in a thumbnail",
    "Black ink is not told from black pigment, nor red ink from blood of the same colour",
    "Pale ink over dark tissue is missed, as are strokes below 40 microns",
    "Bubbles are found by a closed round outline of 0.2 mm or more, on glass and on even tissue; others are missed",
)


@dataclass(frozen=True)
class Finding:
    """One kind of fault.

    Parameters
    ----------
    mask
        Shape (h, w) of the thumbnail, bool: on tissue and beside it.
    area_mm2
        Area of all of it.
    share
        Of the tissue, the part that it covers, 0 to 1; 0 without tissue.
    """

    mask: NDArray[np.bool_]
    area_mm2: float
    share: float


@dataclass(frozen=True)
class Quality:
    """What was looked for in a slide and found.

    Parameters
    ----------
    tissue_mm2
        Area of the tissue mask.
    pen, fold, bubble, glass
        What was found of each.
    blur
        The same for what is out of focus; None when no finer tiles were given: a thumbnail does not show it.
    inks
        The colours of ink that were seen.
    flags
        What a reader should know, one sentence each; empty when nothing is worth a word.
    limits
        What could not be told at this resolution, one sentence each.
    """

    tissue_mm2: float
    pen: Finding
    fold: Finding
    bubble: Finding
    glass: Finding
    blur: Finding | None
    inks: tuple[str, ...]
    flags: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def findings(self) -> dict[str, Finding]:
        """All findings by name, without blur where it was not judged."""
        found = {"pen": self.pen, "fold": self.fold, "bubble": self.bubble, "glass": self.glass}
        return found if self.blur is None else {**found, "blur": self.blur}

    @property
    def spoiled(self) -> NDArray[np.bool_]:
        """Where no cell can be judged: below ink, in a fold or bubble, out of focus. Shape (h, w), bool."""
        masks = [finding.mask for name, finding in self.findings.items() if name != "glass"]
        spoiled: NDArray[np.bool_] = np.logical_or.reduce(masks)
        return spoiled

    def as_record(self) -> dict[str, Any]:
        """Return all but the masks, ready for JSON."""
        areas = {
            name: {"area_mm2": round(finding.area_mm2, 6), "share": round(finding.share, 6)}
            for name, finding in self.findings.items()
        }
        words = {"inks": list(self.inks), "flags": list(self.flags), "limits": list(self.limits)}
        return {"tissue_mm2": round(self.tissue_mm2, 6), **areas, **words}


def quality_of(
    thumbnail: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    *,
    mpp: Sequence[float],
    detail: Detail | None = None,
    found: bool = False,
) -> Quality:
    """Return what spoils a slide, each with its area and its share of the tissue.

    Parameters
    ----------
    thumbnail
        Shape (h, w, 3), uint8 RGB; at about 8 microns per pixel, finer ones are reduced to it.
    mask
        Shape (h, w), bool: the tissue, of `tissue_mask` or drawn by hand.
    mpp
        Width and height of a pixel of both in microns.
    detail
        Finer tiles, without which blur is not judged; see `detail_of`.
    found
        Whether the mask is what `tissue_mask` finds in this thumbnail: then it need not be found again, to tell where
        a mask that was drawn by hand covers bare glass.

    Raises
    ------
    InvalidInput
        When thumbnail and mask are not what they should be, or belong to different pictures.
    MissingResolution
        When the microns per pixel are not above 0.
    """
    thumbnail, sides = checked_thumbnail(thumbnail), checked_mpp(mpp)
    mask = checked_mask(mask, thumbnail.shape)
    image, grid = at_mpp(thumbnail, sides, target=TissueOptions().mpp)
    masks, inks = _masks(image, resized(mask, image.shape), grid, found=found)
    findings = {name: _finding(resized(each, mask.shape), mask, sides) for name, each in masks.items()}
    focus = None if detail is None else focus_of(mask, detail, mpp=sides)
    blur = None if focus is None else _finding(focus.blurred, mask, sides)
    flags = tuple(_flags(mask, findings, inks=inks) + _focus_flags(blur, focus))
    limits = tuple(_limits(grid, focus))
    return Quality(mm2(mask, sides), **findings, blur=blur, inks=inks, flags=flags, limits=limits)


def _masks(
    image: NDArray[np.uint8], tissue: NDArray[np.bool_], grid: tuple[float, float], *, found: bool
) -> tuple[dict[str, NDArray[np.bool_]], tuple[str, ...]]:
    """Return what a thumbnail shows of each fault, and the colours of ink."""
    blank = ~((tissue if found else tissue_mask(image, grid)) | unscanned(image))
    densities = glass_of(image).densities(blurred(image))
    strokes = strokes_of(densities, grid)
    pen = np.logical_or.reduce([np.zeros(tissue.shape, bool), *strokes.values()])
    stain, (mean, least) = evidence(densities), _mean_and_least(densities)
    del densities  # of a large slide each is 33 MB
    bubble = bubbles_of(least, stain=stain, mpp=grid)
    del least
    masks = {
        "pen": pen,
        "fold": folds_of(mean, tissue & ~grown(pen, _INK_EDGE_UM, grid), stain=stain, mpp=grid),
        "bubble": bubble,
        "glass": drop_small(blank & ~pen, TissueOptions().max_hole_um2 / (grid[0] * grid[1])),
    }
    return masks, tuple(strokes)


def _mean_and_least(densities: Densities) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and least of red, green and blue; the mean stands in the place of red."""
    red, green, blue = densities
    least = np.minimum(red, green)
    np.minimum(least, blue, out=least)
    red += green
    red += blue
    red /= 3
    return red, least


def _finding(found: NDArray[np.bool_], tissue: NDArray[np.bool_], mpp: tuple[float, float]) -> Finding:
    """Return a mask with its area and its share of the tissue."""
    held = np.count_nonzero(tissue)
    share = np.count_nonzero(found & tissue) / held if held else 0.0
    return Finding(found, mm2(found, mpp), float(share))


def _flags(mask: NDArray[np.bool_], found: dict[str, Finding], *, inks: tuple[str, ...]) -> list[str]:
    """Return what a thumbnail tells, in words."""
    flags = []
    if not mask.any():
        flags.append("No tissue was found")
    elif mask.mean() < _LITTLE_TISSUE:
        flags.append(f"Almost empty: tissue covers {mask.mean():.2%} of the picture")
    if inks:
        flags.append(f"Pen marks: {' and '.join(inks)} ink, {_words(found['pen'])}")
    for name, words in (("fold", "Folds, or bands as dark"), ("bubble", "Air bubbles")):
        if found[name].share >= _WORTH_A_WORD or (name == "bubble" and found[name].area_mm2 > 0):
            flags.append(f"{words}: {_words(found[name])}")
    if found["glass"].share >= _WORTH_A_WORD:
        flags.append(f"Bare glass inside the tissue mask: {found['glass'].share:.1%} of it")
    return flags


def _words(finding: Finding) -> str:
    """Return area and share in words."""
    return f"{finding.area_mm2:.2f} mm2, {finding.share:.1%} of the tissue"


def _focus_flags(blur: Finding | None, focus: Focus | None) -> list[str]:
    """Return what the finer tiles tell, in words."""
    if blur is None or focus is None or blur.share < _WORTH_A_WORD:
        return []
    return [f"Out of focus: {blur.share:.1%} of the tissue, judged by {focus.judged} of {focus.tiles} tiles"]


def _limits(mpp: tuple[float, float], focus: Focus | None) -> list[str]:
    """Return what could not be told, in words."""
    coarsest = max(mpp)
    limits = list(_LOOKALIKES)
    if coarsest > _COARSE_UM:
        limits.append(f"At {coarsest:.3g} microns per pixel most folds and bubbles are too small to be seen")
    if focus is None:
        limits.append(f"Blur was not judged: {coarsest:.3g} microns per pixel do not show it")
    elif focus.unclear:
        limits.append(f"{focus.unclear} of {focus.judged + focus.unclear} tiles hold too little structure to show blur")
    return limits
