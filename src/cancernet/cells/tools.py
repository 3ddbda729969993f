"""What a field or a slide is looked at with: a segmenter, and what says the types of nuclei."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from cancernet.cells.segmenter import Segmenter
from cancernet.cells.segmenters import open_segmenter
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
    held
        What is closed in the end.
    """

    segmenter: Segmenter
    types: NucleusTypes | None = None
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
    runtime, threads
        Of the engines.

    Raises
    ------
    CancerNetError
        As `open_segmenter` and `NucleusTypes` do; nothing stays open.
    """
    with ExitStack() as stack:
        outlines = stack.enter_context(open_segmenter(segmenter, runtime=runtime, threads=threads))
        named = None if types is None else stack.enter_context(NucleusTypes(types, runtime=runtime, threads=threads))
        return CellTools(outlines, named, stack.pop_all())
