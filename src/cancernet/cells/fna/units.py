"""From microns to the units of the Wisconsin table: one constant, from published sizes of nuclei, never fitted.

The table gives lengths in units of an unknown scale (pixels of a camera of 1993). What is known is how large nuclei of
such smears are: Kaushik et al. 1991 measured duct cells in fine-needle aspirates of the breast, 30 of them benign
(fibroadenoma: 85.05 square microns, standard deviation 14.2) and 32 malignant (157.6, 58.64). The mean of `mean_area`
is 462.8 square units over the 357 benign rows and 978.4 over the 212 malignant ones. A unit is thus 0.429 microns by
the benign and 0.401 by the malignant; the geometric mean of both is taken, and they lie 3.3 % on either side.

References
----------
Kaushik, Sardana, Das and Luthra 1991, Quantitative analysis of nuclear area variation in benign and malignant breast
fine needle aspirates, Indian Journal of Cancer 28(4): 202 (read in its abstract). The stain and the fixation of those
smears may differ from Wisconsin's: `off_by` shows how much rides on it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure import WISCONSIN

__all__ = ["OFF_BY", "PUBLISHED_UM2", "UM_PER_UNIT", "WISCONSIN_AREAS", "in_units"]

PUBLISHED_UM2 = {"B": 85.05, "M": 157.6}
"""Mean nuclear area in aspirates, square microns."""

WISCONSIN_AREAS = {"B": 462.79, "M": 978.38}
"""Mean of `mean_area` in the Wisconsin table, square units."""

UM_PER_UNIT = round(float(np.prod([PUBLISHED_UM2[name] / WISCONSIN_AREAS[name] for name in "BM"])) ** 0.25, 3)
"""Microns to one unit of length: 0.415."""

OFF_BY = (0.8, 0.9, 1.0, 1.1, 1.2)
"""By what the constant is multiplied, to see how the answer moves."""

_POWERS = np.array([{"radius": 1, "perimeter": 1, "area": 2}.get(name, 0) for name in WISCONSIN])


def in_units(values: NDArray[np.float64], *, um_per_unit: float = UM_PER_UNIT) -> NDArray[np.float64]:
    """Return the ten features of nuclei, (n, 10) in microns, in the units of the table: lengths, areas."""
    scaled: NDArray[np.float64] = values / um_per_unit**_POWERS
    return scaled
