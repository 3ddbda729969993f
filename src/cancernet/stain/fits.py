"""What is known of the colours of one slide: small frozen types that travel as JSON.

Each method of normalising has one. A fit is made once per slide, stored, and used for each of its tiles, so that all
tiles of a slide change by the same map.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed, one_of
from cancernet.errors import InvalidInput
from cancernet.stain.colourmap import ColourMap

__all__ = ["StainFit", "Triple", "finite"]

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class StainFit(ABC):
    """The colours of one slide, by one of the methods.

    Parameters
    ----------
    pixels
        How many pixels of tissue it was made from; 0 when it was given from elsewhere.
    """

    pixels: int

    method: ClassVar[str]
    _lengths: ClassVar[dict[str, int]] = {}
    _kinds: ClassVar[dict[str, type[StainFit]]] = {}

    def __post_init__(self) -> None:
        """Refuse a number of pixels that is none, and turn sequences into tuples of finite floats."""
        count: Any = self.pixels
        if not isinstance(count, int) or count < 0:
            raise InvalidInput(f"pixels = {count!r} in a stain fit", "A whole number", "Fit the slide again")
        for name, length in self._lengths.items():
            object.__setattr__(self, name, tuple(finite(getattr(self, name), length, what=name).tolist()))

    def __init_subclass__(cls) -> None:
        """Make the method known to `from_dict`."""
        StainFit._kinds[cls.method] = cls

    def to_dict(self) -> dict[str, Any]:
        """Return the fit as JSON types; `from_dict` makes the same fit of it."""
        parts = asdict(self).items()
        return {"method": self.method} | {name: list(part) if isinstance(part, tuple) else part for name, part in parts}

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> StainFit:
        """Return the fit that `to_dict` wrote.

        Raises
        ------
        InvalidInput
            When the method is unknown, or a part is missing, unknown or impossible.
        """
        parts, kinds = dict(content), StainFit._kinds
        kind = kinds[one_of(str(parts.pop("method", "")), sorted(kinds), "method of normalising stains")]
        expected = sorted(field.name for field in fields(kind))
        if sorted(parts) != expected:
            found = listed(sorted(map(str, parts))) or "none"
            raise InvalidInput(f"A stain fit of the parts {found}", listed(expected), "Fit the slide again")
        return kind(**parts)

    @abstractmethod
    def words(self) -> str:
        """Return one sentence for a card or a summary."""

    @abstractmethod
    def onto(self, target: Self, *, keep_rest: bool = False) -> ColourMap:
        """Return the map from the colours of this slide to those of another; see `normalise`."""

    def _origin(self) -> str:
        """Return where the numbers come from, in words."""
        return f"fitted on {self.pixels:,} pixels" if self.pixels else "given"


def finite(values: Any, length: int, *, what: str) -> NDArray[np.float64]:
    """Return so many finite numbers as an array, or refuse them."""
    try:
        numbers = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.array(np.nan)
    if numbers.shape != (length,) or not np.isfinite(numbers).all():
        raise InvalidInput(f"{what} = {values!r} in a stain fit", f"{length} finite numbers", "Fit the slide again")
    return numbers
