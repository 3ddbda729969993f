"""The part of a card that says whose answers a fused bundle takes: bundles that lie inside it."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from cancernet.bundle.part import Part, refuse

__all__ = ["FusedSource", "Fusion"]


class FusedSource(Part):
    """A bundle inside the bundle.

    Parameters
    ----------
    name
        Its folder below `sources`.
    columns
        Those of the card's input that are its answers, in order: the logarithm of the hazard, or logarithms of
        calibrated probabilities.
    sha256
        Of its `checksums.json`, and so of everything in it.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    columns: tuple[str, ...] = Field(min_length=1)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Fusion(Part):
    """The sources of a fused bundle, in the order of the columns that it takes."""

    sources: tuple[FusedSource, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse a name that stands twice."""
        refuse(len(set(self.names)) < len(self.names), f"the sources {self.names} repeat a name")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the sources."""
        return tuple(source.name for source in self.sources)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of all sources."""
        return tuple(name for source in self.sources for name in source.columns)
