"""The colours of a slide, for bundles that were trained on normalised ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.scan.grid import Grid
from cancernet.slides import Slide
from cancernet.stain import StainFit, fit_stain

__all__ = ["colours_of"]

_FITTED = 64  # tiles, as many as a training slide was fitted on


def colours_of(slide: Slide, grid: Grid, wanted: NDArray[np.bool_], *, method: str) -> StainFit | None:
    """Return the fit of a slide, from tiles all over its tissue as the network sees them; None where none is needed.

    Parameters
    ----------
    slide
        Open.
    grid
        Where its tiles lie.
    wanted
        Shape (rows, columns): the tiles that hold tissue.
    method
        "none", "macenko" or "reinhard".

    Raises
    ------
    InvalidInput
        When these tiles hold too little tissue, or one stain only.
    CorruptFile
        When one of them cannot be decoded.
    """
    rows, columns = np.nonzero(wanted)
    if method == "none" or not len(rows):
        return None
    some = np.linspace(0, len(rows) - 1, min(_FITTED, len(rows))).astype(np.int64)
    places = zip(columns[some].tolist(), rows[some].tolist(), strict=True)
    tiles = [slide.read(grid.box(column, row, columns=1, rows=1), px_size=grid.px_size(1, 1)) for column, row in places]
    try:
        return fit_stain(np.stack(tiles), method=method)
    except InvalidInput as error:
        raise InvalidInput(
            f"The colours of '{slide.path.name}' cannot be normalised by '{method}': {error.wrong}",
            error.expected,
            "Choose a bundle that takes colours as they are",
        ) from error
