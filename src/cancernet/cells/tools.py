"""What a field or a slide is looked at with: what outlines nuclei and cytoplasm, what says types and grades."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from cancernet.cells.cytoplasm import CytologySegmenter
from cancernet.cells.grades import CellGrades
from cancernet.cells.held import Held
from cancernet.cells.segmenter import Segmenter
from cancernet.cells.segmenters import SEGMENTERS, open_segmenter
from cancernet.cells.types import NucleusTypes
from cancernet.errors import InvalidInput

__all__ = ["CellTools", "open_tools"]


@dataclass(frozen=True, eq=False)
class CellTools(Held):
    """Open tools; a context manager.

    Parameters
    ----------
    segmenter
        Outlines the nuclei.
    types
        Says what they are; None: nobody does.
    cytology
        Outlines the cytoplasm around them; None: nobody does.
    grades
        Says how severe cells look; None: nobody does.
    held
        What is closed in the end.
    """

    segmenter: Segmenter
    types: NucleusTypes | None = None
    cytology: CytologySegmenter | None = None
    grades: CellGrades | None = None
    held: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Free the memory."""
        self.held.close()


def open_tools(
    segmenter: str | Path = "classical",
    *,
    types: str | Path | None = None,
    cytology: str | Path | None = None,
    grades: Sequence[str | Path] = (),
    runtime: str = "openvino",
    threads: int | None = None,
) -> CellTools:
    """Return the tools by their names.

    Parameters
    ----------
    segmenter
        See `open_segmenter`.
    types
        A bundle for `NucleusTypes`; None: no types are asked for.
    cytology
        A bundle for `CytologySegmenter`; it outlines the nuclei too, unless another bundle is to do that.
    grades
        Bundles for `CellGrades`.
    runtime, threads
        Of the engines.

    Raises
    ------
    InvalidInput
        When grades are asked for without cytoplasm.
    CancerNetError
        As `open_segmenter`, `NucleusTypes`, `CytologySegmenter` and `CellGrades` do; nothing stays open.
    """
    if grades and cytology is None:
        raise InvalidInput("Grades without cytoplasm", "A grade is of a whole cell", "Give --cytology BUNDLE too")
    asked = {"runtime": runtime, "threads": threads}
    with ExitStack() as stack:
        named = None if types is None else stack.enter_context(NucleusTypes(types, **asked))  # type: ignore[arg-type]
        plasma = None if cytology is None else stack.enter_context(CytologySegmenter(cytology, **asked))  # type: ignore[arg-type]
        outlines: Segmenter
        if plasma is not None and str(segmenter) in SEGMENTERS:
            outlines = plasma
        else:
            outlines = stack.enter_context(open_segmenter(segmenter, runtime=runtime, threads=threads))
        graded = stack.enter_context(CellGrades(grades, **asked)) if grades else None  # type: ignore[arg-type]
        return CellTools(outlines, named, plasma, graded, stack.pop_all())
