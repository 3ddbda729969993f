"""A field from file to folder: read, outline, measure, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.cytoplasm import describe_cells, with_cells
from cancernet.cells.field import Field, read_field, read_labels
from cancernet.cells.fna import FnaAnswer, ask_fna, describe_answer, write_answer
from cancernet.cells.measure import Measured, measure_nuclei
from cancernet.cells.outputs import write_cells
from cancernet.cells.overlay import CANDIDATE, DRIVER, Mark
from cancernet.cells.profile import draw_profile, mitosis_candidates, profile_of, references
from cancernet.cells.segmenter import Segmenter
from cancernet.cells.segmenters import SEGMENTERS
from cancernet.cells.summary import summarise_field, summarise_types
from cancernet.cells.tools import CellTools, open_tools
from cancernet.errors import InvalidInput
from cancernet.files import whole_file
from cancernet.report.style import render

if TYPE_CHECKING:
    from cancernet.engine import Model

__all__ = ["CellOptions", "Examined", "examine", "write_examined"]


@dataclass(frozen=True)
class CellOptions:
    """How the nuclei of a field are found.

    Parameters
    ----------
    mpp
        What to do about the resolution; see `MppPolicy.parse`.
    segmenter
        What outlines the nuclei; see `open_segmenter`.
    runtime
        Of the engine of a bundle.
    labels
        A file of masks instead; see `read_labels`.
    types
        A bundle that says what the nuclei are; see `NucleusTypes`.
    cytology
        A bundle that outlines cytoplasm, and nuclei where no other one is named; see `CytologySegmenter`.
    grades
        Bundles that say how severe cells look; see `CellGrades`.
    """

    mpp: str = "error"
    segmenter: str = "classical"
    runtime: str = "openvino"
    labels: Path | None = None
    types: str | None = None
    cytology: str | None = None
    grades: tuple[str, ...] = ()

    def opened(self) -> CellTools:
        """Return the tools that are named; a context manager."""
        return open_tools(
            self.segmenter, types=self.types, cytology=self.cytology, grades=self.grades, runtime=self.runtime
        )

    @property
    def found_by(self) -> str:
        """Who outlines the nuclei, in words."""
        if self.labels is not None:
            return f"masks of '{self.labels.name}'"
        by_cytology = self.cytology is not None and self.segmenter in SEGMENTERS
        return f"segmenter '{self.cytology if by_cytology else self.segmenter}'"


@dataclass(frozen=True, eq=False)
class Examined:
    """A field with its nuclei, and what is said of it.

    Parameters
    ----------
    field, measured
        The image, and its nuclei.
    summary
        Values that JSON has.
    marks
        Of some nuclei in the overlay, by their row.
    fna
        What the FNA model says, if it was asked and there are nuclei enough.
    cells
        The cell at each pixel, (h, w), by the row of its nucleus from 1; None when no cytoplasm was asked for.
    """

    field: Field
    measured: Measured
    summary: Mapping[str, Any]
    marks: Mapping[int, Mark]
    fna: FnaAnswer | None = None
    cells: NDArray[np.int32] | None = None


def examine(
    path: str | Path,
    *,
    options: CellOptions | None = None,
    tools: CellTools | None = None,
    model: Model | None = None,
) -> Examined:
    """Return the nuclei of an image file, measured.

    Parameters
    ----------
    path
        The image.
    options
        How its nuclei are found.
    tools
        That are open already; None: open those that the options name.
    model
        Of the 30 features of nuclei, such as the bundle `fna`: it is asked about the field.

    Raises
    ------
    InvalidInput, MissingResolution, CorruptFile
        As `read_field`, `read_labels` and the tools do.
    """
    chosen = options or CellOptions()
    if tools is None:
        with chosen.opened() as opened:
            return examine(path, options=chosen, tools=opened, model=model)
    field = read_field(path, mpp=chosen.mpp)
    measured = measure_nuclei(field.image, _labels(field, chosen, tools.segmenter), mpp=field.mpp)
    summary = summarise_field(field, measured, found_by=chosen.found_by) | _profiled(measured)
    found = _with_tools(Examined(field, measured, summary, _candidates(measured)), tools)
    return found if model is None else _asked(found, model)


def write_examined(folder: Path, examined: Examined) -> None:
    """Write the files of a field into a folder that is there."""
    write_cells(
        folder,
        examined.field,
        examined.measured,
        summary=examined.summary,
        marks=examined.marks,
        cells=examined.cells,
    )
    if examined.fna is not None:
        write_answer(folder, examined.fna, name=examined.field.name)
    if len(examined.measured):
        name, profile = examined.field.name, examined.summary["profile"]
        drawing = draw_profile(name, examined.measured.table, profile, references=references())
        with whole_file(folder / "profile.png") as partial:
            partial.write_bytes(render(drawing).png)


def _profiled(measured: Measured) -> dict[str, Any]:
    """Return growth and structure of the field, and where its numbers stand among those of public sets."""
    profile = profile_of(measured)
    known = {name: value for name, value in profile.items() if value is not None}
    ranks = {one.name: {name: one.rank(name, value) for name, value in known.items()} for one in references()}
    numbers = measured.table["nucleus"].to_numpy()[mitosis_candidates(measured.table)]
    return {"profile": profile, "rank_among_fields": ranks, "mitosis_candidates": numbers.tolist()}


def _with_tools(found: Examined, tools: CellTools) -> Examined:
    """Return the field with what types and cytoplasm add, where they are asked for."""
    image, measured, summary, cells = found.field.image, found.measured, dict(found.summary), None
    if tools.cytology is not None:
        around = with_cells(measured, tools.cytology.cytoplasm(image, mpp=measured.mpp))
        if tools.grades is not None:
            around = tools.grades(image, around)
            summary["grades"] = tools.grades.describe(around.measured.table)
        measured, cells = around.measured, around.labels
        summary["cells"] = said = describe_cells(measured, by=tools.cytology.words)
        summary["profile"] = {**summary["profile"], "median_nucleus_share": said["median_nucleus_share"]}
    if tools.types is not None:
        measured = tools.types(image, measured)
        summary |= summarise_types(measured.table, tools.types.words)
    return replace(found, measured=measured, summary=summary, cells=cells)


def _candidates(measured: Measured) -> dict[int, Mark]:
    """Return the marks of candidates for mitosis."""
    return {int(row): Mark("m?", CANDIDATE) for row in mitosis_candidates(measured.table)}


def _asked(found: Examined, model: Model) -> Examined:
    """Return the field with the answer of the FNA model, or the reason why there is none."""
    try:
        answer = ask_fna(model, found.measured.table)
    except InvalidInput as few:
        said: dict[str, Any] = {"says": f"No FNA features: {few}", "reason": str(few)}
        return replace(found, summary={**found.summary, "fna": said})
    places = answer.strangers() if answer.case.ood[0] else answer.drivers()
    drove = {int(answer.nuclei.rows[place]): Mark(str(answer.nuclei.nucleus[place]), DRIVER) for place in places}
    summary = {**found.summary, "fna": describe_answer(answer)}
    return replace(found, summary=summary, marks={**found.marks, **drove}, fna=answer)


def _labels(field: Field, options: CellOptions, segmenter: Segmenter) -> NDArray[np.int32]:
    """Return the nuclei: of the file that the user brings, else found."""
    height, width = field.image.shape[:2]
    if options.labels is not None:
        return read_labels(options.labels, (height, width))
    return segmenter.labels(field.image, mpp=field.mpp)
