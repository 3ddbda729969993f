"""A table of single cells from images with their masks: what studies of tables learn grades from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cancernet.cells.cytology import CYTOLOGY, measure_cell
from cancernet.errors import CancerNetError, InvalidInput
from cancernet.patches import PatchOptions, read_image, read_labels, read_patches

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CellSetOptions", "cell_table"]


@dataclass(frozen=True)
class CellSetOptions:
    """Where the masks are, and what they hold.

    Parameters
    ----------
    labels
        Column of the masks: a code at each pixel.
    nucleus, cytoplasm
        The codes.
    target, group
        Columns that are kept: the grades, and the patients.
    """

    labels: str = "mask"
    nucleus: int = 2
    cytoplasm: int = 1
    target: str = "grade"
    group: str = "group"


def cell_table(
    manifest: str | Path, *, options: CellSetOptions | None = None, progress: Callable[[int], None] | None = None
) -> tuple[pd.DataFrame, Sequence[str]]:
    """Return the measurements of single cells, and what could not be measured.

    Parameters
    ----------
    manifest
        A table with the columns `path`, and those of masks, grades and groups; an image shows one cell.
    options
        See there.
    progress
        Called with the number of images done.

    Returns
    -------
    A row for each cell: `path`, target, group, and the columns of `CYTOLOGY`; and a sentence for each image that was
    left out.

    Raises
    ------
    InvalidInput
        When a column or a file is missing, or no cell can be measured.
    """
    import pandas as pd

    chosen = options or CellSetOptions()
    wanted = PatchOptions(layout="manifest", target=chosen.target, slide=chosen.labels, group=chosen.group)
    found = read_patches(manifest, options=wanted)
    told, rows, said = progress or (lambda done: None), [], []
    masks = [] if found.slides is None else found.slides.tolist()
    known = zip(found.ids.tolist(), [] if found.target is None else found.target.tolist(), found.groups, strict=True)
    for row, (name, target, group) in enumerate(known):
        codes = read_labels(found.folder / masks[row])
        inside = codes == chosen.nucleus
        try:
            values = measure_cell(read_image(found.path(row)), inside, cell=inside | (codes == chosen.cytoplasm))
            rows.append({"path": name, chosen.target: target, chosen.group: str(group), **values})
        except CancerNetError as error:
            said.append(f"{name}: {error.wrong}")
        told(row + 1)
    if not rows:
        raise InvalidInput(f"None of the {len(found)} cells can be measured: {said[0]}", "Masks of nuclei and cells")
    table = pd.DataFrame(rows, columns=["path", chosen.target, chosen.group, *CYTOLOGY])
    return table.astype(dict.fromkeys(CYTOLOGY, np.float64)), said
