"""Segmenters by name, as the command line knows them."""

from __future__ import annotations

from cancernet.cells.classical import Classical
from cancernet.cells.segmenter import Segmenter
from cancernet.checks import one_of

__all__ = ["SEGMENTERS", "open_segmenter"]

SEGMENTERS = ("classical",)
"""What `open_segmenter` knows."""


def open_segmenter(name: str) -> Segmenter:
    """Return a segmenter.

    Raises
    ------
    InvalidInput
        When there is none of that name.
    """
    one_of(name, SEGMENTERS, "segmenter")
    return Classical()
