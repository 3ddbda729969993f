"""A bundle of survival applied to the rows of a file: risk, curves and medians, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Survival
from cancernet.data import Chunk, read_chunks
from cancernet.errors import BundleMismatch
from cancernet.files import refuse_existing
from cancernet.predict import fill_missing, novelty_distance, novelty_reason, write_rows
from cancernet.predict.rows import check_suffix, open_writer
from cancernet.survival.answers import Answers, answer, refuse_unseen
from cancernet.survival.measure import time_name

if TYPE_CHECKING:
    import pyarrow as pa

    from cancernet.engine import Model

__all__ = ["Foretold", "foretell"]

_SHOWN = 10


@dataclass(frozen=True)
class Foretold:
    """What was said of a file, in numbers.

    Parameters
    ----------
    rows
        How many patients.
    times, unit
        The times that were answered.
    filled
        Missing values that were replaced by medians of the training rows.
    ood
        How many are unlike the training patients.
    no_median
        Of how many the median lies beyond the follow-up, so that none is stated.
    first
        The first rows, by column.
    notes
        Sentences about how the patients were found.
    """

    rows: int
    times: tuple[float, ...]
    unit: str
    filled: int
    ood: int
    no_median: int
    first: dict[str, list[Any]]
    notes: tuple[str, ...] = ()


def foretell(
    model: Model,
    source: str | Path | Iterable[Chunk],
    *,
    times: Sequence[float] | None = None,
    out: Path | BinaryIO | None = None,
    id: str | None = None,
    force: bool = False,
) -> Foretold:
    """Predict the rows of a file.

    The columns are id, risk (logarithm of the hazard by that of the mean training patient), survival_<t> for each time,
    incidence_<cause>_<t> for each cause where several may come first (the chance that it has come by then), median_time
    (empty where the follow-up is too short to see it), risk_group (1 is the lowest; cut points of the training rows),
    ood and ood_reason.

    Parameters
    ----------
    model
        Opened by `engine.open`.
    source
        CSV, TSV or Parquet with the columns of the card, in any order; or rows that were read already.
    times
        In the unit of the card; its own when None.
    out
        A file, whole or absent, whose suffix says its form; an open binary stream, which gets CSV; or None.
    id
        Column that names the rows.
    force
        Replace an existing file.

    Raises
    ------
    BundleMismatch
        When the bundle does not answer with curves.
    InvalidInput
        When a time is past the follow-up of the training patients, a column is missing, or a cell is no number.
    """
    part = model.card.survival
    if part is None:
        raise BundleMismatch(
            f"'{model.card.name}' tells classes, not survival", "A bundle of survival", "Leave --at out"
        )
    asked = tuple(sorted(set(part.asked if times is None else times)))
    refuse_unseen(part, np.asarray(asked, dtype=np.float64))
    if isinstance(out, Path):
        refuse_existing(out, force=force)
        check_suffix(out)
    if isinstance(source, str | Path):
        source = read_chunks(Path(source), model.card.input.names, id=id)
    told = _Tally(model, part, asked)
    with _writer(out, force=force) as writer:
        for chunk in source:
            rows = told.add(chunk)
            if writer is not None:
                writer.write(rows)
    return told.summary()


def _writer(out: Path | BinaryIO | None, *, force: bool) -> Any:
    """Return what takes tables, as a context; None takes nothing."""
    if out is None:
        return nullcontext()
    return write_rows(out, force=force) if isinstance(out, Path) else open_writer(out)


class _Tally:
    """Answers chunks, and counts what passes by."""

    def __init__(self, model: Model, part: Survival, times: tuple[float, ...]) -> None:
        self._model, self._part, self._times = model, part, times
        self._rows = self._filled = self._ood = self._no_median = 0
        self._first: dict[str, list[Any]] = {}

    def add(self, chunk: Chunk) -> pa.Table:
        """Return the rows of one chunk."""
        values = fill_missing(self._model.card, chunk.values, first_row=chunk.first_row + 1)
        found = answer(self._part, self._model.run(values).logits, times=self._times)
        unlike, reason = self._unlike(values, chunk.unlike)
        rows = _table(found, self._part, chunk.ids, unlike=unlike, reason=reason)
        if not self._first:
            self._first = rows.slice(0, _SHOWN).to_pydict()
        self._rows += len(chunk.ids)
        self._filled += int(np.isnan(chunk.values).sum())
        self._ood += int(unlike.sum())
        self._no_median += int(np.isnan(found.median).sum())
        return rows

    def _unlike(
        self, values: NDArray[np.float64], known: NDArray[np.object_] | None
    ) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
        """Return which rows are unlike the training rows, and why."""
        novelty, names = self._model.card.decision.novelty, self._model.card.input.names
        reason = np.full(len(values), "", dtype=object)
        if novelty is not None:
            unlike = novelty_distance(novelty, values) > novelty.limit
            reason[unlike] = novelty_reason(novelty, values[unlike], names=names)
        reason = reason if known is None else np.where(reason == "", known, reason)
        return np.asarray(reason != "", dtype=np.bool_), reason

    def summary(self) -> Foretold:
        """Return the counts, once all has passed."""
        counts = (self._filled, self._ood, self._no_median)
        return Foretold(self._rows, self._times, self._part.unit, *counts, self._first)


def _table(
    found: Answers, part: Survival, ids: NDArray[np.str_], *, unlike: NDArray[np.bool_], reason: NDArray[np.object_]
) -> pa.Table:
    """Return the answers as an Arrow table."""
    import pyarrow as pa

    known = np.isfinite(found.median)
    named = {
        f"survival_{time_name(time)}": np.ascontiguousarray(column)
        for time, column in zip(found.times.tolist(), found.survival.T, strict=True)
    }
    shares = {
        f"incidence_{cause}_{time_name(time)}": np.ascontiguousarray(found.incidence[:, row, place])
        for place, cause in enumerate(part.causes)
        for row, time in enumerate(found.times.tolist())
    }
    return pa.table(
        {
            "id": pa.array(ids),
            "risk": found.risk,
            **named,
            **shares,
            "median_time": pa.array(np.where(known, found.median, 0.0), mask=~known),
            "risk_group": found.group + 1,
            "ood": unlike,
            "ood_reason": pa.array(reason.tolist(), pa.string()),
        }
    )
