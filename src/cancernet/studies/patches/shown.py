"""What a report shows of patches: samples, worst errors, abstentions, and tables by site and by group."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.estimate import Estimate
from cancernet.metrics import Scored, measure
from cancernet.report import abstained_sheet, error_sheets, group_rows, sample_sheet

__all__ = ["shown_patches"]


def shown_patches(
    scored: Scored,
    rows: NDArray[np.int64],
    *,
    images: NDArray[np.uint8],
    sites: NDArray[np.str_] | None,
    draws: int,
    group_name: str = "group",
) -> dict[str, Any]:
    """Return the fields of a `RunRecord` that only patches have.

    Parameters
    ----------
    scored
        The test rows.
    rows
        Shape (m,): their numbers among the images.
    images
        Shape (n, size, size, 3) uint8; it may lie on disk.
    sites
        Shape (n,), where each image was made; None when that is unknown.
    draws
        Of the bootstrap.
    group_name
        What a group is called.
    """

    def take(chosen: NDArray[np.int64]) -> NDArray[np.uint8]:
        return np.asarray(images[chosen])

    known: dict[str, Any] = {"images": take, "group_name": group_name}
    single = (sample_sheet(scored, rows, **known), abstained_sheet(scored, rows, **known))
    sheets = (*error_sheets(scored, rows, **known), *(sheet for sheet in single if sheet is not None))
    return {
        "sheets": sheets,
        "by_group": group_rows(scored),
        "by_site": {} if sites is None else _by_site(scored, sites[rows], draws),
        "group_name": group_name,
    }


def _by_site(scored: Scored, sites: NDArray[np.str_], draws: int) -> dict[str, dict[str, Estimate]]:
    """Return the metrics of each site."""
    return {str(site): measure(scored.take(sites == site), draws=draws) for site in np.unique(sites)}
