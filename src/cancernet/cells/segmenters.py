"""Segmenters by name, as the command line knows them."""

from __future__ import annotations

from pathlib import Path

from cancernet.bundle import find, zoo_names
from cancernet.cells.classical import Classical
from cancernet.cells.network import NetworkSegmenter
from cancernet.cells.segmenter import OpenSegmenter
from cancernet.checks import nearest, one_of
from cancernet.files import sha256

__all__ = ["SEGMENTERS", "digest_of", "open_segmenter"]

SEGMENTERS = ("classical",)
"""What `open_segmenter` knows without a bundle."""


def open_segmenter(name: str | Path, *, runtime: str = "openvino", threads: int | None = None) -> OpenSegmenter:
    """Return a segmenter; a context manager, which frees the memory of a bundle in the end.

    Parameters
    ----------
    name
        "classical", a bundle's folder, or the name of a shipped bundle.
    runtime, threads
        Of the engine of a bundle.

    Raises
    ------
    InvalidInput
        When there is none of that name.
    BundleMismatch
        When the bundle outlines nothing.
    CancerNetError
        As `engine.open` does.
    """
    if str(name) in SEGMENTERS:
        return Classical()
    return NetworkSegmenter(_found(str(name)), runtime=runtime, threads=threads)


def _found(name: str) -> Path:
    """Return the folder of a bundle; a name that is nearly that of a segmenter is taken for a slip."""
    close = nearest(name, SEGMENTERS)
    if close and not Path(name).exists() and name not in zoo_names():
        one_of(name, SEGMENTERS, "segmenter")
    return find(name)


def digest_of(name: str | Path) -> str:
    """Return what tells a segmenter from others: its name, or the checksum of its bundle.

    Raises
    ------
    InvalidInput, CorruptFile
        As `open_segmenter` does.
    """
    return str(name) if str(name) in SEGMENTERS else sha256(_found(str(name)) / "checksums.json")
