"""One cell of a smear: its nucleus, its cytoplasm, and how they go together. Only what does not depend on its size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure import checked_image, checked_labels, measure_nuclei
from cancernet.errors import InvalidInput

__all__ = ["CYTOLOGY", "measure_cell"]

_SHAPE = ("smoothness", "compactness", "concavity", "concave_points", "symmetry", "fractal_dimension", "solidity")
_MORE = (*_SHAPE, "eccentricity", "haematoxylin", "eosin", "haematoxylin_sd")
_CHROMATIN = ("contrast", "correlation", "energy", "homogeneity", "entropy", "lbp_0", "lbp_4", "lbp_8", "lbp_9")

CYTOLOGY = (
    "nucleus_share",
    "off_centre",
    "darker_nucleus",
    *(f"nucleus_{name}" for name in (*_MORE, *_CHROMATIN)),
    *(f"cell_{name}" for name in (*_SHAPE, "eccentricity", "haematoxylin", "eosin")),
)
"""The measurements of a cell; none has a unit of length, so that images scaled to one size can be compared."""


def measure_cell(image: NDArray[Any], nucleus: NDArray[Any], *, cell: NDArray[Any]) -> dict[str, float]:
    """Return the measurements of one cell.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8 RGB.
    nucleus, cell
        Shape (h, w), bool: the nucleus, and the whole cell with it.

    Returns
    -------
    By the names of `CYTOLOGY`. `nucleus_share` is the area of the nucleus by that of the cell; `off_centre` the
    distance of both centres by the radius of a disc as large as the cell; `darker_nucleus` the haematoxylin of the
    nucleus less that of the cytoplasm, natural optical density (0 where there is no cytoplasm); the others are those
    of `measure_nuclei`, of the nucleus and of the cell.

    Raises
    ------
    InvalidInput
        When the image is no RGB of 8 bits, a mask does not fit it, or nucleus or cell are empty or too small for a
        shape.
    """
    image = checked_image(image)
    inner, outer = (_mask(one, image.shape[:2], what) for one, what in ((nucleus, "nucleus"), (cell, "cell")))
    outer = outer | inner
    core, whole = _row(image, inner, "nucleus"), _row(image, outer, "cell")
    share, rest = inner.sum() / outer.sum(), outer.sum() - inner.sum()
    plasma = whole["haematoxylin"] * outer.sum() - core["haematoxylin"] * inner.sum()
    apart = np.hypot(core["x_um"] - whole["x_um"], core["y_um"] - whole["y_um"])
    found = {
        "nucleus_share": float(share),
        "off_centre": float(apart / np.sqrt(outer.sum() / np.pi)),
        "darker_nucleus": float(core["haematoxylin"] - plasma / rest) if rest else 0.0,
    }
    found |= {f"nucleus_{name}": core[name] for name in (*_MORE, *_CHROMATIN)}
    found |= {f"cell_{name}": whole[name] for name in (*_SHAPE, "eccentricity", "haematoxylin", "eosin")}
    return {name: found[name] for name in CYTOLOGY}


def _mask(mask: NDArray[Any], shape: tuple[int, ...], what: str) -> NDArray[np.bool_]:
    """Return a mask that fits the image."""
    mask = np.asarray(mask)
    if mask.dtype != np.bool_:
        raise InvalidInput(f"The mask of the {what} has type {mask.dtype}", "bool", "Compare the labels first")
    checked_labels(mask.astype(np.int32), (shape[0], shape[1]))
    return mask


def _row(image: NDArray[np.uint8], mask: NDArray[np.bool_], what: str) -> dict[str, float]:
    """Return the measurements of one thing, lengths in pixels."""
    if not mask.any():
        raise InvalidInput(f"The mask of the {what} is empty", "At least 12 pixels", "Leave the cell out")
    row = measure_nuclei(image, mask.astype(np.int32), mpp=1.0).table.iloc[0]
    values = {name: float(row[name]) for name in (*_MORE, *_CHROMATIN, "x_um", "y_um")}
    missing = [name for name, value in values.items() if not np.isfinite(value)]
    if missing:
        raise InvalidInput(
            f"The {what} has no {missing[0]}: {row['reason']}", "12 pixels or more", "Leave the cell out"
        )
    return values
