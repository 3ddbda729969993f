"""How large a pixel is, as files say it: Aperio's MPP, TIFF resolution, OME physical sizes, DICOM pixel spacing.

A number that no microscope makes is not believed, whoever wrote it: images that never saw one say 72, 96 or 300 dots
per inch, which would be pixels of 353, 265 and 85 microns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from cancernet.slides.slide import Pitch

__all__ = ["from_aperio", "from_dots", "from_ome", "from_openslide", "from_spacing", "measured"]

_SMALLEST, _LARGEST = 0.02, 20.0  # microns per pixel: beyond an oil objective of 100x, and below one of 0.5x
_UM_PER_INCH, _UM_PER_CM, _UM_PER_MM = 25_400.0, 10_000.0, 1_000.0
_UM_PER_TIFF_UNIT = {2: _UM_PER_INCH, 3: _UM_PER_CM}  # 1 is "no unit"
_UM_PER_OME_UNIT = {"pm": 1e-6, "Å": 1e-4, "nm": 1e-3, "µm": 1.0, "μm": 1.0, "um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}
_APERIO_MPP = re.compile(r"\|\s*MPP\s*=\s*([0-9.,]+)")
_OME_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b([^>]*)>")
_ATTRIBUTE = re.compile(r"""(\w+)\s*=\s*["']([^"']*)["']""")
_INVENTED_BY_OPENSLIDE = "generic-tiff"  # its microns come from the resolution of the TIFF, whatever that is


def measured(um_x: float | None, um_y: float | None, *, source: str) -> Pitch | None:
    """Return the pitch, or None when a side is missing or no microscope has such pixels."""
    if um_x is None or um_y is None:
        return None
    believable = all(_SMALLEST <= side <= _LARGEST for side in (um_x, um_y))  # False for NaN
    return Pitch(um_x, um_y, source) if believable else None


def from_aperio(description: str) -> Pitch | None:
    """Return what an Aperio image description says: `MPP = 0.4990`."""
    found = _APERIO_MPP.search(description)
    side = _number(found[1]) if found else None
    return measured(side, side, source="aperio.MPP")


def from_dots(dots_x: float, dots_y: float, *, unit: int) -> Pitch | None:
    """Return what the resolution of a TIFF says.

    Parameters
    ----------
    dots_x, dots_y
        Pixels per unit.
    unit
        2 for an inch, 3 for a centimetre; all else says nothing.
    """
    length = _UM_PER_TIFF_UNIT.get(unit)
    if length is None or not (dots_x > 0 and dots_y > 0):
        return None
    return measured(length / dots_x, length / dots_y, source="TIFF resolution")


def from_ome(xml: str, size: tuple[int, int]) -> Pitch | None:
    """Return what the first image of this size says in OME-XML; its unit is the micron unless it names another."""
    for pixels in _OME_PIXELS.finditer(xml):
        said = dict(_ATTRIBUTE.findall(pixels[1]))
        if (said.get("SizeX"), said.get("SizeY")) == (str(size[0]), str(size[1])):
            return measured(_ome_side(said, "X"), _ome_side(said, "Y"), source="OME PhysicalSize")
    return None


def _ome_side(said: Mapping[str, str], axis: str) -> float | None:
    """Return the physical size of a pixel in microns, or None when its unit is no length."""
    side, unit = _number(said.get(f"PhysicalSize{axis}", "")), said.get(f"PhysicalSize{axis}Unit", "µm")
    factor = _UM_PER_OME_UNIT.get(unit.replace("&#181;", "µ").replace("&#xB5;", "µ").replace("&#956;", "μ"))
    return None if side is None or factor is None else side * factor


def from_openslide(properties: Mapping[str, str]) -> Pitch | None:
    """Return what OpenSlide says: `openslide.mpp-x` and `-y`."""
    sides = (_number(properties.get(f"openslide.mpp-{axis}", "")) for axis in "xy")
    generic = properties.get("openslide.vendor") == _INVENTED_BY_OPENSLIDE
    return measured(*sides, source="TIFF resolution" if generic else "openslide.mpp")


def from_spacing(spacing_mm: Any) -> Pitch | None:
    """Return what DICOM says: the distance of rows, then of columns, in millimetres."""
    if spacing_mm is None or len(spacing_mm) != 2:
        return None
    down, across = (_number(str(side)) for side in spacing_mm)
    if down is None or across is None:
        return None
    return measured(across * _UM_PER_MM, down * _UM_PER_MM, source="DICOM PixelSpacing")


def _number(text: str) -> float | None:
    """Return a number that may be written with a decimal comma, or None."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
