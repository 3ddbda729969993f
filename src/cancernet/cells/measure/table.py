"""One row for each nucleus: all measurements, in microns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure.chromatin import PATTERNS, haralick, local_patterns
from cancernet.cells.measure.contours import Contours, contours_of
from cancernet.cells.measure.ellipse import ellipses, solidity
from cancernet.cells.measure.mend import checked_labels, mended, numbered
from cancernet.cells.measure.pixels import Pixels, pixels_of
from cancernet.cells.measure.places import places
from cancernet.cells.measure.rings import Rings
from cancernet.cells.measure.wisconsin import SHAPES, shapes
from cancernet.errors import InvalidInput, MissingResolution
from cancernet.stain import separate

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WISCONSIN", "Measured", "checked_image", "measure_nuclei", "measured_columns", "no_nuclei"]

WISCONSIN = {
    "radius": "radius_um",
    "texture": "texture",
    "perimeter": "perimeter_um",
    "area": "area_um2",
    "smoothness": "smoothness",
    "compactness": "compactness",
    "concavity": "concavity",
    "concave_points": "concave_points",
    "symmetry": "symmetry",
    "fractal_dimension": "fractal_dimension",
}
"""The ten features of the Wisconsin table in its order, and the columns that hold them here."""

_LEAST_PIXELS = 12  # fewer have no shape that could be told from the stairs of pixels
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_OF_THE_IMAGE = ("nucleus", "x_um", "y_um", "orientation_deg", "border_um", "cut", "reason")
_OF_OUTLINE = (*(WISCONSIN[name] for name in SHAPES if name != "area"), "solidity")

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]
Choice = Callable[[Floats], NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class Measured:
    """Nuclei with their measurements.

    Parameters
    ----------
    table
        One row for each nucleus; see `measure_nuclei`.
    contours
        Of the same nuclei, in the same order.
    labels
        Shape (h, w), int32: 1 to n in the order of the rows, mended.
    mpp
        Microns per pixel.
    """

    table: pd.DataFrame
    contours: Contours
    labels: NDArray[np.int32]
    mpp: float

    def __len__(self) -> int:
        """Return the number of nuclei."""
        return len(self.contours.label)

    @property
    def mm2(self) -> float:
        """Area of the image."""
        return self.labels.size * self.mpp**2 / 1e6


def measure_nuclei(image: NDArray[Any], labels: NDArray[Any], *, mpp: float, chosen: Choice | None = None) -> Measured:
    """Measure each nucleus of an image.

    Nuclei with holes are filled and of several pieces the largest is measured; the column `reason` says so. It says too
    why a value is not there: a nucleus of fewer than 12 pixels has no shape, and an only one no neighbour.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8 RGB.
    labels
        Shape (h, w), integers: 0 background, every other number one nucleus; gaps may be.
    mpp
        Microns per pixel.
    chosen
        Says by the centres, (n, 2) x and y in pixels, which nuclei are measured; the others count as neighbours only.

    Returns
    -------
    Rows by rising number, with the columns `nucleus` (the number in `labels`), `x_um`, `y_um`; the ten of `WISCONSIN`;
    `major_um`, `minor_um`, `eccentricity`, `orientation_deg`, `solidity`; `haematoxylin`, `eosin` (means, natural
    optical density), `haematoxylin_sd`; the five of `HARALICK`; `lbp_0` to `lbp_9`; `nearest_um`, `neighbours`,
    `density_per_mm2`, `border_um`; `cut` (touches the border of the image) and `reason`.

    Raises
    ------
    InvalidInput
        When the image is no RGB of 8 bits, or the labels do not fit it.
    MissingResolution
        When `mpp` is not above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from cancernet.cells import measure_nuclei
    >>> y, x = np.mgrid[:64, :64]
    >>> labels = ((x - 32) ** 2 + (y - 32) ** 2 < 16**2).astype(int)
    >>> image = np.where(labels[..., None] > 0, [90, 60, 140], 240).astype(np.uint8)
    >>> row = measure_nuclei(image, labels, mpp=0.25).table.iloc[0]
    >>> round(float(row["radius_um"]), 1), round(float(row["compactness"]), 2), bool(row["cut"])
    (4.0, 0.0, False)
    """
    image = checked_image(image)
    if not (np.isfinite(mpp) and mpp > 0):
        raise MissingResolution(f"mpp is {mpp}", "Microns per pixel, above 0", "Ask who made the image")
    whole, own = numbered(checked_labels(labels, image.shape[:2]))
    fixed, rings, mending = mended(whole)
    around, (height, width) = _centres(fixed, len(own)), fixed.shape
    there = places(around * mpp, (width * mpp, height * mpp))
    if chosen is not None:
        kept = np.flatnonzero(chosen(around))
        fixed, rings, mending = _only(kept, fixed, rings, mending=mending)
        own, there = own[kept], {name: values[kept] for name, values in there.items()}
    contours = contours_of(rings, mpp=mpp)
    pixels = pixels_of(fixed, len(own))
    columns: dict[str, Any] = {"nucleus": own}
    ellipse = ellipses(pixels, mpp=mpp)
    columns |= {name: ellipse.pop(name) for name in ("x_um", "y_um")}
    columns |= _wisconsin(image, pixels, contours, mpp)
    columns |= ellipse | {"solidity": solidity(contours.points)}
    columns |= _stains(image, fixed, pixels, mpp)
    columns |= there
    columns["cut"] = _cut(fixed, len(own))
    table = _explained(columns, pixels.areas, mending)
    return Measured(table, contours, fixed, mpp)


def no_nuclei(mpp: float) -> Measured:
    """Return what `measure_nuclei` finds where there is no nucleus: a table with all columns, and no row."""
    return measure_nuclei(np.full((1, 1, 3), 255, np.uint8), np.zeros((1, 1), np.int32), mpp=mpp)


@cache
def measured_columns() -> tuple[str, ...]:
    """Return the names of the columns that say what a nucleus is like, without those that say where it lies."""
    return tuple(str(name) for name in no_nuclei(1.0).table.columns if name not in _OF_THE_IMAGE)


def _centres(labels: NDArray[np.int32], count: int) -> Floats:
    """Return x, y of the centre of each nucleus in pixels from the corner of the image, (n, 2)."""
    pixels = pixels_of(labels, count)
    row, column = np.divmod(pixels.place, pixels.width)
    return np.stack([pixels.mean(column), pixels.mean(row)], axis=1) + 0.5


def _only(
    kept: NDArray[np.intp], labels: NDArray[np.int32], rings: Rings, *, mending: dict[int, str]
) -> tuple[NDArray[np.int32], Rings, dict[int, str]]:
    """Return labels, rings and what was mended of some of the nuclei, given by their rows, numbered anew."""
    numbers = np.arange(1, len(kept) + 1)
    new = np.zeros(len(rings) + 1, np.int32)
    new[kept + 1] = numbers
    said = {int(new[number]): words for number, words in mending.items() if new[number]}
    return new[labels], replace(rings.take(kept), label=numbers), said


def checked_image(image: NDArray[Any]) -> Image:
    """Return an image when it is one of RGB with 8 bits and at least one pixel.

    Raises
    ------
    InvalidInput
        When it is not.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        found = f"An image of shape {image.shape} and type {image.dtype}"
        raise InvalidInput(found, "(h, w, 3), uint8: red, green, blue", "Convert it to 8-bit RGB")
    return image


def _wisconsin(image: Image, pixels: Pixels, contours: Contours, mpp: float) -> dict[str, Floats]:
    """Return the ten features by their columns, in the order of the Wisconsin table."""
    shape = shapes(contours.points)
    shape["area"] = pixels.areas * mpp**2
    shape["texture"] = pixels.deviation(pixels.of(image) @ _LUMA)
    return {column: shape[name] for name, column in WISCONSIN.items()}


def _stains(image: Image, labels: NDArray[np.int32], pixels: Pixels, mpp: float) -> dict[str, Floats]:
    """Return optical densities and textures of each nucleus."""
    amounts = separate(image)
    own = pixels.of(amounts)
    grey = image @ _LUMA
    patterns = local_patterns(grey, pixels, labels.shape)
    return {
        "haematoxylin": pixels.mean(own[:, 0]),
        "eosin": pixels.mean(own[:, 1]),
        "haematoxylin_sd": pixels.deviation(own[:, 0]),
        **haralick(amounts[..., 0], labels, count=pixels.count, mpp=mpp),
        **{f"lbp_{kind}": patterns[:, kind] for kind in range(PATTERNS)},
    }


def _cut(labels: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """Return which nuclei touch the border of the image, (n,)."""
    cut = np.zeros(count + 1, bool)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        cut[side] = True
    return cut[1:]


def _explained(columns: dict[str, Any], areas: Floats, mending: dict[int, str]) -> pd.DataFrame:
    """Return the table with reasons; what has none is empty text."""
    import pandas as pd

    said: list[list[str]] = [[] for _ in areas]
    for number, words in mending.items():
        said[number - 1].append(words)
    small = np.flatnonzero(areas < _LEAST_PIXELS)
    for name in _OF_OUTLINE:
        columns[name][small] = np.nan
    for place in small:
        said[place].append(f"{areas[place]:.0f} pixels: too few for a shape, at least {_LEAST_PIXELS}")
    for place in np.flatnonzero(np.isnan(columns["contrast"])):
        said[place].append("no two pixels half a micron apart for its texture")
    for place in np.flatnonzero(np.isnan(columns["nearest_um"])):
        said[place].append("the only nucleus")
    return pd.DataFrame(columns | {"reason": ["; ".join(words) for words in said]})
