"""How a slide is scanned."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cancernet.errors import InvalidInput
from cancernet.geometry import Box

__all__ = ["ScanOptions", "parse_region"]


@dataclass(frozen=True)
class ScanOptions:
    """How a slide is scanned; every field is recorded in the summary.

    Parameters
    ----------
    overlap
        Share of a tile that the next one covers too, 0 to 0.9. At 0.5 each place is seen by four tiles: smoother maps
        for four times the work.
    region
        The part that is scanned; None: all of it.
    mask
        GeoJSON file whose polygons are scanned, in the place of the tissue that is found; None: find it.
    mpp
        What to do about the resolution, as `slides.resolve_pitch` takes it: "error", "0.25", "assume:0.25", or a table.
    name
        Of the class to map; None: the card's positive class.
    tissue_share
        Tiles with less tissue are not scored.
    smooth
        Standard deviation of the smoothing, in tiles; 0: none.
    min_um2
        Smaller foci are left out.
    threads
        That read the slide while the network computes.

    Raises
    ------
    InvalidInput
        When a number is out of its range.
    """

    overlap: float = 0.0
    region: Box | None = None
    mask: Path | None = None
    mpp: str = "error"
    name: str | None = None
    tissue_share: float = 0.05
    smooth: float = 0.5
    min_um2: float = 0.0
    threads: int = 2

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        _refuse(not 0 <= self.overlap <= 0.9, f"An overlap of {self.overlap:g}", "0 to 0.9")
        _refuse(not 0 <= self.tissue_share <= 1, f"A share of tissue of {self.tissue_share:g}", "0 to 1")
        _refuse(not 0 <= self.smooth <= 100, f"Smoothing over {self.smooth:g} tiles", "0 to 100")
        _refuse(not self.min_um2 >= 0, f"A smallest area of {self.min_um2:g} square microns", "0 or more")
        _refuse(self.threads < 1, f"{self.threads} threads", "1 or more")

    def to_dict(self) -> dict[str, Any]:
        """Return what the outputs depend on, for JSON."""
        fields = asdict(self) | {"mask": None if self.mask is None else str(self.mask)}
        del fields["threads"]
        return fields


def parse_region(text: str) -> Box:
    """Return the box that `--region X,Y,W,H` says, in base-level pixels.

    Raises
    ------
    InvalidInput
        When it is not four numbers, or the box is empty.
    """
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        x = y = width = height = float("nan")
    if not (width > 0 and height > 0 and abs(x) + abs(y) < float("inf")):
        raise InvalidInput(
            f"'{text}' is no region", "X,Y,W,H in pixels of the base level", "For example --region 1000,2000,4096,4096"
        )
    return Box(x, y, width, height)


def _refuse(bad: bool, wrong: str, expected: str) -> None:
    """Raise when a number is out of its range."""
    if bad:
        raise InvalidInput(wrong, expected)
