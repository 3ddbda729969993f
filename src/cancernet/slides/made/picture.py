"""What a made slide is before it is written: its pixels by place, and what is known about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cancernet.errors import InvalidInput
from cancernet.slides.made.outlines import Outlines, check_slide, draw_outlines
from cancernet.slides.made.tissue import Tissue
from cancernet.slides.writing.strips import Block

__all__ = ["Cells", "Picture", "tissue_picture"]

_FINEST, _COARSEST = 0.1, 10.0


@dataclass(frozen=True)
class Cells:
    """Which patch lies where: columns of one length.

    Parameters
    ----------
    l0_x, l0_y
        Upper left corner in base-level pixels.
    l0_side
        Width and height, the same for all.
    path, label, group
        Of the patch.
    """

    l0_x: list[int]
    l0_y: list[int]
    l0_side: int
    path: list[str]
    label: list[str]
    group: list[str]


@dataclass(frozen=True)
class Picture:
    """A slide that can be written.

    Parameters
    ----------
    kind
        "tissue", "repeat" or "mosaic".
    block
        Returns the pixels of a block; any thread may call it.
    size
        Width and height in pixels.
    mpp
        Microns per pixel.
    facts
        What else goes into the description beside the slide.
    outlines
        Of tissue and tumours, when they are known.
    cells
        Of a mosaic.
    """

    kind: str
    block: Block
    size: tuple[int, int]
    mpp: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    outlines: Outlines | None = None
    cells: Cells | None = None


def tissue_picture(
    size: tuple[int, int], *, mpp: float = 0.5, seed: int = 7, foci: int = 3, outlines: Outlines | None = None
) -> Picture:
    """Return a slide of synthetic H&E tissue: stroma, fat, lobules and lymphocytes, with tumours of known outlines.

    Nothing in it is of a patient. A pixel depends on the seed and on its place alone, so blocks can be made in any
    order, and the same seed gives the same slide.

    Parameters
    ----------
    size
        Width and height in pixels, from 64.
    mpp
        Microns per pixel, 0.1 to 10. Nuclei and glands have their real size.
    seed
        0 or larger.
    foci
        How many tumours, when no outlines are given.
    outlines
        Of tissue and tumours; None: drawn by `draw_outlines`.

    Raises
    ------
    InvalidInput
        When a value cannot be, or the tumours do not fit.

    Examples
    --------
    >>> picture = tissue_picture((2000, 1500), mpp=2.0, foci=1)
    >>> picture.block(500, 400, 300, 200).shape, len(picture.outlines.tumour)
    ((200, 300, 3), 1)
    """
    check_slide(size, mpp)
    if not _FINEST <= mpp <= _COARSEST:
        wanted = f"Expected {_FINEST} to {_COARSEST:g} microns per pixel"
        raise InvalidInput(f"mpp = {mpp}", wanted, "0.25 and 0.5 are those of scanners")
    outlines = outlines or draw_outlines(size, mpp=mpp, seed=seed, foci=foci)
    tissue = Tissue(outlines, size, mpp=mpp, seed=seed)
    return Picture("tissue", tissue.block, size, mpp, {"seed": seed}, outlines)
