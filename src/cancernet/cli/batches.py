"""What verbs that work on many slides check alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cancernet.errors import InvalidInput

__all__ = ["bytes_of", "refuse_own_folders", "refuse_shared_mask"]

_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def refuse_shared_mask(paths: Sequence[Path], mask: Path | None) -> None:
    """Raise when one mask is given for several slides: polygons are drawn on one of them."""
    if mask is not None and len(paths) > 1:
        raise InvalidInput(
            f"One mask, '{mask}', for {len(paths)} slides", "One slide: a mask is drawn on it", "Give them one by one"
        )


def refuse_own_folders(paths: Sequence[Path], out: Path) -> None:
    """Raise when outputs would take the place of a slide, or of the folder beside it that may hold its tiles (MIRAX).

    Even `--force` must not remove these.
    """
    for path in paths:
        place = out / path.stem
        beside = path.absolute().parent.resolve() == out.resolve()
        if beside and place.exists() and not place.joinpath("job.json").exists():
            raise InvalidInput(
                f"The outputs of '{path}' would take the place of '{place}'",
                "It may belong to the slide",
                "Choose an --out apart from the slides",
            )


def bytes_of(text: str | None) -> int | None:
    """Return the bytes of 500M or 2G."""
    if text is None:
        return None
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].upper() in _UNITS else (text, "")
    try:
        size = float(number) * _UNITS.get(unit, 1)
    except ValueError:
        size = 0
    if not 0 < size < float("inf"):
        raise InvalidInput(f"--max-ram {text}", "A size such as 500M or 2G")
    return int(size)
