"""What a field or a slide is looked at with: a segmenter, what says types, what outlines cytoplasm."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from cancernet.cells.cytoplasm import CytologySegmenter
from cancernet.cells.segmenter import Segmenter
from cancernet.cells.segmenters import SEGMENTERS, open_segmenter
from cancernet.cells.types import NucleusTypes

__all__ = ["CellTools", "open_tools"]


@dataclass(frozen=True, eq=False)
class CellTools:
    """Open tools; a context manager.

    Parameters
    ----------
    segmenter
        Outlines the nuclei.
    types
        Says what they are; None: nobody does.
    cytology
        Outlines the cytoplasm around them; None: nobody does.
    held
        What is closed in the end.
    """

    segmenter: Segmenter
    types: NucleusTypes | None = None
    cytology: CytologySegmenter | None = None
    held: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Free the memory."""
        self.held.close()

    def __enter__(self) -> Self:
        """Return the tools."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        self.close()


def open_tools(
    segmenter: str | Path = "classical",
    *,
    types: str | Path | None = None,
    cytology: str | Path | None = None,
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
    runtime, threads
        Of the engines.

    Raises
    ------
    CancerNetError
        As `open_segmenter`, `NucleusTypes` and `CytologySegmenter` do; nothing stays open.
    """
    asked = {"runtime": runtime, "threads": threads}
    with ExitStack() as stack:
        named = None if types is None else stack.enter_context(NucleusTypes(types, **asked))  # type: ignore[arg-type]
        plasma = None if cytology is None else stack.enter_context(CytologySegmenter(cytology, **asked))  # type: ignore[arg-type]
        outlines: Segmenter
        if plasma is not None and str(segmenter) in SEGMENTERS:
            outlines = plasma
        else:
            outlines = stack.enter_context(open_segmenter(segmenter, runtime=runtime, threads=threads))
        return CellTools(outlines, named, plasma, stack.pop_all())
