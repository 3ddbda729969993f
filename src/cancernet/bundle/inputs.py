"""The part of a card that says what a model takes: rows of a table, patches, fields, or bags of features."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from cancernet.bundle.part import Part, refuse
from cancernet.errors import InvalidInput

__all__ = ["BagInput", "Column", "FieldInput", "Input", "PatchInput", "PixelSize", "TableInput"]


class Column(Part):
    """One input column: its name and its unit (empty when it has none or none is known)."""

    name: str = Field(min_length=1)
    unit: str = ""


class TableInput(Part):
    """Rows of a table, raw values, in this order of columns.

    Parameters
    ----------
    columns
        Names and units.
    medians
        Of the training rows, one per column, to fill missing values; None when missing values are refused. Where the
        study fills with minima, these.
    library
        The values of a row are brought to this sum before all else; None leaves them.
    log2_plus
        Then the binary logarithm of value plus this is taken; None leaves the values.
    kept
        Positions of the columns that the network takes in the end; None: all.
    """

    kind: Literal["table"] = "table"
    columns: tuple[Column, ...] = Field(min_length=1)
    medians: tuple[float, ...] | None = None
    library: float | None = Field(default=None, gt=0)
    log2_plus: float | None = Field(default=None, ge=0)
    kept: tuple[int, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold names, medians and positions together."""
        refuse(len(set(self.names)) < len(self.names), "two columns have the same name")
        kept = self.kept or ()
        refuse(
            len(set(kept)) < len(kept) or not all(0 <= place < len(self.names) for place in kept), "kept: no columns"
        )
        medians = self.names if self.medians is None else self.medians
        refuse(len(medians) != len(self.names), f"{len(medians)} medians for {len(self.names)} columns")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one case as the network takes it."""
        return (len(self.network_names),)

    @property
    def network_names(self) -> tuple[str, ...]:
        """The names of the columns that the network takes."""
        return self.names if self.kept is None else tuple(self.names[place] for place in self.kept)

    @property
    def plain(self) -> bool:
        """Whether the network takes the raw columns as they are."""
        return self.library is None and self.log2_plus is None and self.kept is None

    def prepare(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the network takes of complete raw rows (n, columns): scaled, logarithms, the kept columns.

        Raises
        ------
        InvalidInput
            When a row has no positive sum to scale, or a value has no logarithm.
        """
        if self.library is not None:
            total = values.sum(axis=1, keepdims=True)
            self._refuse(total[:, 0] <= 0, "has no positive sum", "Counts of 0 and more, not all 0")
            values = values * (self.library / total)
        if self.log2_plus is not None:
            low = np.asarray((values <= -self.log2_plus).any(axis=1))
            self._refuse(low, "has a value without a logarithm", "Values before log2")
            values = np.log2(values + self.log2_plus)
        return values if self.kept is None else values[:, list(self.kept)]

    @staticmethod
    def _refuse(wrong: NDArray[np.bool_], what: str, expected: str) -> None:
        """Raise for the first row that is wrong."""
        if wrong.any():
            row = int(np.argmax(wrong)) + 1
            raise InvalidInput(f"Row {row} {what}", expected, "Check that the values are raw, as the study says")


class PixelSize(Part):
    """How large a pixel of the model's input is, and how that is known.

    Parameters
    ----------
    status
        "known": stored with the images; "estimated": inferred, `how` says from what; "unknown".
    mpp
        Microns per pixel of the patch as the network takes it; None when unknown.
    low, high
        Range of an estimate, or of a set of several scanners.
    how
        Where the number is from, in words.
    """

    status: Literal["known", "estimated", "unknown"] = "unknown"
    mpp: float | None = Field(default=None, gt=0)
    low: float | None = Field(default=None, gt=0)
    high: float | None = Field(default=None, gt=0)
    how: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold status and number together."""
        refuse((self.mpp is None) != (self.status == "unknown"), f"mpp {self.mpp} with status '{self.status}'")
        refuse(self.status == "estimated" and not self.how, "an estimated mpp must say how it was estimated")
        return self


class PatchInput(Part):
    """Square RGB patches, uint8, as they are in the image file, or with their colours normalised.

    Parameters
    ----------
    size
        Pixels of a side.
    fit
        What becomes of an image of another size: "refuse", "resize", or "crop" (centre, padded with white).
    pixel_size
        Microns per pixel, and how they are known.
    statistics
        Names of the image statistics that tell a patch unlike the training ones, in the order of `Novelty`.
    stain
        How the colours of each slide are brought to those of a reference before anything else: "none", "macenko" or
        "reinhard", see `stain.normalise`.
    """

    kind: Literal["patches"] = "patches"
    size: int = Field(ge=27, le=512)
    fit: Literal["refuse", "resize", "crop"] = "refuse"
    pixel_size: PixelSize = Field(default_factory=PixelSize)
    statistics: tuple[str, ...] = Field(min_length=1)
    stain: Literal["none", "macenko", "reinhard"] = "none"

    @property
    def medians(self) -> None:
        """Nothing fills a gap in a patch."""
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the numbers that describe a case."""
        return self.statistics

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one case as the model takes it."""
        return (self.size, self.size, 3)


class BagInput(Part):
    """Bags of features: of each slide what an encoder made of its tiles, float32, as they are in the file.

    The network takes (bags, tiles, width + 1): the last column is 1 for a tile, and padding is 0 throughout. The number
    of tiles is free; neither their order nor padding changes an answer.

    Parameters
    ----------
    width
        How many numbers describe a tile.
    encoder
        The name of what made them; empty when nobody said it.
    pixel_size
        Microns per pixel that the encoder saw, over all training slides.
    statistics
        Names of the columns that tell a bag unlike the training ones, in the order of `Novelty`.
    """

    kind: Literal["bags"] = "bags"
    width: int = Field(ge=1, le=65_536)
    encoder: str = ""
    pixel_size: PixelSize = Field(default_factory=PixelSize)
    statistics: tuple[str, ...] = Field(min_length=1)

    @property
    def medians(self) -> None:
        """Nothing fills a gap in a bag."""
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the numbers that describe a case."""
        return self.statistics

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape of one case as the model takes it; None: any number of tiles."""
        return (None, self.width + 1)


class FieldInput(Part):
    """Square tiles of an image, uint8; the network answers at every pixel.

    Parameters
    ----------
    size
        Pixels of a side of a tile.
    margin
        Pixels at each edge whose answers are not used where a neighbouring tile has better ones.
    pixel_size
        Microns per pixel of a tile, and how they are known: images are brought to it first.
    channels
        "rgb", or "haematoxylin": the three channels of `cells.StainChannels`, by the stains of the image or slide.
    views
        Answers are the mean over so many of the eight turns and mirror images of the image.
    """

    kind: Literal["fields"] = "fields"
    size: int = Field(ge=32, le=2048)
    margin: int = Field(ge=0)
    pixel_size: PixelSize
    channels: Literal["rgb", "haematoxylin"] = "rgb"
    views: Literal[1, 2, 4, 8] = 1

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Leave something between the margins, and know how large a pixel is."""
        refuse(self.size <= 4 * self.margin, f"margins of {self.margin} leave too little of {self.size} pixels")
        refuse(self.pixel_size.mpp is None, "fields need microns per pixel")
        return self

    @property
    def mpp(self) -> float:
        """Microns per pixel of a tile."""
        return self.pixel_size.mpp or 1.0

    @property
    def medians(self) -> None:
        """Nothing fills a gap in an image."""
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """No numbers describe a field."""
        return ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one tile as the model takes it."""
        return (self.size, self.size, 3)


Input = Annotated[TableInput | PatchInput | FieldInput | BagInput, Field(discriminator="kind")]
