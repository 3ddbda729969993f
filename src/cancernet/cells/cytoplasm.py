"""Cytoplasm around nuclei, by a bundle that outlines both: the cell of each nucleus, and how much of it is nucleus."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure import Measured
from cancernet.cells.network import NetworkSegmenter, resize_maps
from cancernet.errors import BundleMismatch

__all__ = ["CYTOPLASM", "Cells", "CytologySegmenter", "cells_of", "describe_cells", "with_cells"]

CYTOPLASM = "cytoplasm"
"""The class that a bundle must have."""

_LEAST = 0.5  # probability from which a pixel is cytoplasm
_NONE = "no cytoplasm was found around it"

Labels = NDArray[np.int32]


class CytologySegmenter(NetworkSegmenter):
    """Nuclei and cytoplasm by the network of a bundle; a context manager.

    Parameters
    ----------
    name_or_path
        A bundle's folder: one whose classes are background, cytoplasm and nucleus.
    runtime, threads
        Of the engine.

    Raises
    ------
    BundleMismatch
        When the bundle outlines no cytoplasm.
    CancerNetError
        As `engine.open` does.
    """

    def __init__(self, name_or_path: str | Path, *, runtime: str = "openvino", threads: int | None = None) -> None:
        super().__init__(name_or_path, runtime=runtime, threads=threads)
        classes = self.model.card.task.classes
        if CYTOPLASM not in classes[1:-1]:
            self.close()
            raise BundleMismatch(
                f"The bundle '{self.model.card.name}' outlines {', '.join(classes)}",
                f"A class '{CYTOPLASM}' between the background and the nucleus",
                "Train one: studies/cytology.toml",
            )
        self._place = classes.index(CYTOPLASM) - 1

    @property
    def words(self) -> str:
        """Who outlines the cytoplasm, in words."""
        return f"bundle '{self.model.card.name}'"

    def cytoplasm(self, image: NDArray[np.uint8], *, mpp: float) -> NDArray[np.bool_]:
        """Return where cytoplasm is, (h, w); it may reach under nuclei.

        Raises
        ------
        InvalidInput
            As `labels` does.
        """
        one = self.maps(image, mpp=mpp)[..., self._place : self._place + 1]
        fine = one if one.shape[:2] == image.shape[:2] else resize_maps(one, image.shape[:2])
        found: NDArray[np.bool_] = fine[..., 0] >= _LEAST
        return found


@dataclass(frozen=True, eq=False)
class Cells:
    """Nuclei with their cells.

    Parameters
    ----------
    measured
        The nuclei, with the columns of `with_cells`.
    labels
        Shape (h, w), int32: the cell at each pixel, nucleus and cytoplasm, by the row of its nucleus from 1.
    """

    measured: Measured
    labels: Labels


def cells_of(nuclei: Labels, cytoplasm: NDArray[np.bool_]) -> Labels:
    """Return the cell at each pixel: each pixel of cytoplasm belongs to the nucleus that is nearest inside of it.

    Cytoplasm that no nucleus touches belongs to no cell.

    Parameters
    ----------
    nuclei
        Shape (h, w): 0 background, other numbers one nucleus each.
    cytoplasm
        Shape (h, w).

    References
    ----------
    Flooding from the nuclei in the order of the distance to them: Meyer 1991, as in scikit-image.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    if not nuclei.any():
        return np.zeros_like(nuclei)
    away = ndimage.distance_transform_edt(nuclei == 0)
    return np.asarray(watershed(away, nuclei, mask=cytoplasm | (nuclei > 0)), np.int32)  # type: ignore[no-untyped-call]


def with_cells(measured: Measured, cytoplasm: NDArray[np.bool_]) -> Cells:
    """Return nuclei with the cytoplasm around them.

    Columns are added: `cytoplasm_um2`, its area; `nucleus_share`, the area of the nucleus by that of the cell;
    `nc_ratio`, by that of the cytoplasm (both NaN without cytoplasm, and `reason` says so); `cell_cut`, whether the
    border of the image cuts the cell, so that both are too large.

    Parameters
    ----------
    measured
        Of `measure_nuclei`.
    cytoplasm
        Shape (h, w).
    """
    labels, count = cells_of(measured.labels, cytoplasm), len(measured)
    nucleus, cell = (np.bincount(part.ravel(), minlength=count + 1)[1:] for part in (measured.labels, labels))
    plasma = (cell - nucleus).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(plasma > 0, nucleus / plasma, np.nan)
    cut = np.zeros(count + 1, bool)
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        cut[side] = True
    table = measured.table.assign(
        cytoplasm_um2=plasma * measured.mpp**2,
        nucleus_share=ratio / (1 + ratio),
        nc_ratio=ratio,
        cell_cut=cut[1:],
        reason=_reasons(measured.table["reason"].tolist(), plasma == 0),
    )
    return Cells(replace(measured, table=table), labels)


def describe_cells(measured: Measured, *, by: str) -> dict[str, Any]:
    """Return what a summary says of cells: how many nuclei have cytoplasm, and the share of the nucleus.

    Parameters
    ----------
    measured
        With the columns of `with_cells`.
    by
        Who outlined the cytoplasm, in words.
    """
    known = measured.table["nucleus_share"].dropna()
    middle = None if known.empty else float(known.median())
    return {
        "by": by,
        "with_cytoplasm": len(known),
        "without_cytoplasm": len(measured) - len(known),
        "cut_by_border": int(measured.table["cell_cut"].sum()),
        "median_nucleus_share": middle,
        "median_nc_ratio": None if middle is None else float(measured.table["nc_ratio"].median()),
    }


def _reasons(reasons: list[str], bare: NDArray[np.bool_]) -> list[str]:
    """Return the reasons, with why there is no ratio."""
    return [
        "; ".join([part for part in (words, _NONE if alone else "") if part])
        for words, alone in zip(reasons, bare.tolist(), strict=True)
    ]
