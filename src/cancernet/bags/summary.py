"""What tells a slide unlike the training ones: its mean features, along a few fixed directions where they are many.

A covariance of a thousand columns cannot be estimated from a hundred slides. Random directions keep distances nearly as
they are (Johnson and Lindenstrauss 1984) and, unlike principal components, need no training rows: nothing leaks, and
the card need not hold a matrix. The directions follow from the width alone and never change.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["summarise", "summary_names"]

_MOST = 32  # columns


def summary_names(width: int) -> tuple[str, ...]:
    """Return the names of the columns that describe a bag of features of this width."""
    if width <= _MOST:
        return tuple(f"mean of feature {number}" for number in range(1, width + 1))
    return tuple(f"direction {number} of the mean features" for number in range(1, _MOST + 1))


def summarise(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the columns that describe bags.

    Parameters
    ----------
    means
        Shape (bags, width): mean features over the tiles of each bag.

    Returns
    -------
    Shape (bags, columns), as many columns as `summary_names` names.
    """
    width = means.shape[1]
    if width <= _MOST:
        return means
    described: NDArray[np.float64] = means @ _directions(width) / np.sqrt(width)
    return described


def _directions(width: int) -> NDArray[np.float64]:
    """Return signs, (width, columns), from the raw bits of a generator whose stream NumPy keeps for ever (NEP 19)."""
    bits = np.random.PCG64(0).random_raw(width)
    return 2.0 * ((bits[:, None] >> np.arange(_MOST, dtype=np.uint64)) & np.uint64(1)).astype(np.float64) - 1.0
