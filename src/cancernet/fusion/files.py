"""A fused bundle applied to files: what the sources say becomes one answer for each patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from cancernet.data import Chunk
from cancernet.engine import Model
from cancernet.fusion.answer import ask_sources
from cancernet.predict import Batch, Summary, check_place, predict_batches
from cancernet.survival import Foretold, foretell

__all__ = ["foretell_fused", "predict_fused"]


def predict_fused(
    model: Model,
    given: Sequence[str | Path],
    *,
    out: Path | BinaryIO | None = None,
    prevalence: float | None = None,
    id: str | None = None,
    force: bool = False,
    runtime: str = "openvino",
) -> Summary:
    """Predict classes of the patients whom all tables know; parameters as of `ask_sources` and `predict_file`."""
    check_place(Path(given[0]), out, force=force)
    found = ask_sources(model, given, id=id, runtime=runtime)
    batch = Batch(found.values, found.values, found.patients, filled=found.filled, unlike=found.unlike)
    told = predict_batches(model, [batch], out=out, prevalence=prevalence, force=force)
    return replace(told, notes=(*told.notes, *found.notes))


def foretell_fused(
    model: Model,
    given: Sequence[str | Path],
    *,
    times: Sequence[float] | None = None,
    out: Path | BinaryIO | None = None,
    id: str | None = None,
    force: bool = False,
    runtime: str = "openvino",
) -> Foretold:
    """Predict the survival of the patients whom all tables know; parameters as of `ask_sources` and `foretell`."""
    check_place(Path(given[0]), out, force=force)
    found = ask_sources(model, given, id=id, runtime=runtime)
    rows = Chunk(found.patients, found.values, (), 0, found.unlike)
    told = foretell(model, [rows], times=times, out=out, force=force)
    return replace(told, filled=found.filled, notes=found.notes)
