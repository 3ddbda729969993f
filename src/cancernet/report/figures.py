"""All figures of a record, in the order of the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cancernet.files import whole_file
from cancernet.report.fitfigures import difference_drawings, importance_drawings, learning_drawings
from cancernet.report.groupfigures import grade_drawings, group_drawings
from cancernet.report.outcomefigures import outcome_drawings
from cancernet.report.record import RunRecord
from cancernet.report.relationfigures import relation_drawings
from cancernet.report.sheetfigures import sheet_drawings
from cancernet.report.style import Drawing, Picture, render
from cancernet.report.tablefigures import label_table, table_drawings
from cancernet.report.trustfigures import decision_drawings, trust_drawings

__all__ = ["drawings", "render_figures", "save_figures"]


def drawings(record: RunRecord) -> list[Drawing]:
    """Return the figures that the record allows, not drawn yet."""
    outcome = outcome_drawings(record) if len(record.scored) else []
    return [
        *outcome[:1],
        *grade_drawings(record),  # beside the confusion matrix
        *outcome[1:],
        *_of_table(record),
        *learning_drawings(record),
        *difference_drawings(record),
        *decision_drawings(record),
        *trust_drawings(record),
        *importance_drawings(record),
        *group_drawings(record),
        *sheet_drawings(record),
    ]


def _of_table(record: RunRecord) -> list[Drawing]:
    """Return the figures of the table; nothing without labelled rows."""
    if record.table is None or not len(record.table):
        return []
    labelled = label_table(record.table, record.scored.positive)
    return [] if labelled is None else [*table_drawings(labelled), *relation_drawings(labelled)]


def render_figures(record: RunRecord) -> tuple[Picture, ...]:
    """Draw all figures of a record, once for the page and for the files."""
    return tuple(render(drawing) for drawing in drawings(record))


def save_figures(folder: Path, record: RunRecord, *, pictures: Sequence[Picture] | None = None) -> tuple[str, ...]:
    """Write each figure as a PNG.

    Parameters
    ----------
    folder
        Made when it is not there; files of the same names are replaced.
    record
        What the run found.
    pictures
        Figures that are drawn already, from `render_figures`; None draws them.

    Returns
    -------
    The names of the files.

    Raises
    ------
    StorageFailure
        When the place cannot be written.
    """
    drawn = render_figures(record) if pictures is None else pictures
    names = tuple(f"{picture.name}.png" for picture in drawn)
    for name, picture in zip(names, drawn, strict=True):
        with whole_file(Path(folder) / name, force=True) as partial:
            partial.write_bytes(picture.png)
    return names
