"""Files of any length: reading, the network and writing overlap, and memory holds a few chunks only."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from cancernet.ahead import one_ahead
from cancernet.bundle import Card
from cancernet.data import Chunk, read_chunks
from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.files import refuse_existing
from cancernet.metrics import predictive_values
from cancernet.patches import Fault
from cancernet.predict.decide import Cases, also_unlike, check_prevalence, decide, fill_missing, join_cases
from cancernet.predict.rows import check_suffix, open_writer, tabulate, write_rows

if TYPE_CHECKING:
    from cancernet.engine import Model

__all__ = ["Batch", "Summary", "check_place", "predict_batches", "predict_file"]

_CHUNK = 65536  # rows; 30 columns of them are 16 MB
_SHOWN = 10  # rows that a summary keeps

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Batch:
    """Some cases on their way to the engine.

    Parameters
    ----------
    inputs
        What the network takes: rows (n, columns), patches (n, size, size, 3) uint8, or bags (n, tiles, width + 1).
    values
        What tells a case unlike the training ones: the rows themselves, image statistics, or what the mean features
        of bags are like; (n, columns).
    ids
        Shape (n,), text.
    first_row
        Number of the first one in messages, from 1.
    filled
        Missing values that were replaced.
    unlike
        Shape (n,), text: why a case is known already to be unlike the training ones; None: of none.
    """

    inputs: NDArray[Any]
    values: NDArray[np.float64]
    ids: NDArray[np.str_]
    first_row: int = 1
    filled: int = 0
    unlike: NDArray[np.object_] | None = None


@dataclass(frozen=True)
class Summary:
    """What was predicted, in numbers.

    Parameters
    ----------
    rows
        How many there were.
    counts
        Rows per predicted class, those that abstain included.
    abstained, ood
        Rows that abstain, and those of them that are unlike the training rows.
    filled
        Missing values that were replaced by medians of the training rows.
    first
        The first rows.
    faults
        Files that could not be read, with the reason; they are not among the rows.
    notes
        Sentences about how the cases were prepared.
    prevalence, ppv, npv
        The prevalence that was given, and the predictive values that the card's sensitivity and specificity have at
        it; None without one, or when the card does not know them.
    """

    rows: int
    counts: dict[str, int]
    abstained: int
    ood: int
    filled: int
    first: Cases
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    prevalence: float | None = None
    ppv: Estimate | None = None
    npv: Estimate | None = None


def predict_file(
    model: Model,
    source: str | Path,
    *,
    out: Path | BinaryIO | None = None,
    prevalence: float | None = None,
    progress: Callable[[int], None] | None = None,
    force: bool = False,
    id: str | None = None,
) -> Summary:
    """Predict the rows of a file, chunk by chunk.

    Parameters
    ----------
    model
        Opened by `engine.open`.
    source
        CSV, TSV or Parquet with the columns of the card, in any order.
    out
        Where to: a file, whole or absent, whose suffix says its form; an open binary stream, which gets CSV; or None.
    prevalence
        Share of the positive class where the rows are from.
    progress
        Called with the number of rows done.
    force
        Replace an existing file.
    id
        Column that names the rows.

    Raises
    ------
    CancerNetError
        When a column is missing, a cell is no number, or the file exists; no file is left behind.
    """
    check_place(Path(source), out, force=force)
    chunks = read_chunks(Path(source), model.card.input.names, rows=_CHUNK, id=id)
    return predict_batches(
        model, _chunks_as_batches(model.card, chunks), out=out, prevalence=prevalence, progress=progress, force=force
    )


def predict_batches(
    model: Model,
    batches: Iterable[Batch],
    *,
    out: Path | BinaryIO | None = None,
    prevalence: float | None = None,
    progress: Callable[[int], None] | None = None,
    force: bool = False,
) -> Summary:
    """Predict what comes in batches; parameters as of `predict_file`. Reading, the network and writing overlap."""
    check_prevalence(model.card, prevalence)
    tally = _Tally(model.card.task.classes)
    with _writer(out, force=force) as write, closing(one_ahead(batches)) as ready:
        for batch in ready:
            write(tally.add(_answer(model, batch, prevalence), batch))
            if progress is not None:
                progress(tally.rows)
    return tally.summary(prevalence, *_predictive(model.card, prevalence))


def _chunks_as_batches(card: Card, chunks: Iterable[Chunk]) -> Generator[Batch, None, None]:
    """Yield chunks of a table with their gaps filled."""
    for chunk in chunks:
        first_row = chunk.first_row + 1
        values = fill_missing(card, chunk.values, first_row=first_row)
        yield Batch(values, values, chunk.ids, first_row, int(np.isnan(chunk.values).sum()))


class _Tally:
    """Counts what passes by."""

    def __init__(self, classes: tuple[str, ...]) -> None:
        self._classes, self._first = classes, list[Cases]()
        self._counts = np.zeros(len(classes), dtype=np.int64)
        self.rows = self._abstained = self._ood = self._filled = 0

    def add(self, found: Cases, batch: Batch) -> Cases:
        """Count one batch and hand its cases on."""
        missing = _SHOWN - sum(map(len, self._first))
        if missing > 0:
            self._first.append(found.take(slice(missing)))
        self._counts += np.bincount(found.predicted, minlength=len(self._classes))
        self._abstained += int(found.abstained.sum())
        self._ood += int(found.ood.sum())
        self._filled += batch.filled
        self.rows += len(found)
        return found

    def summary(self, prevalence: float | None, ppv: Estimate | None, npv: Estimate | None) -> Summary:
        """Return the counts, once all has passed."""
        counts = dict(zip(self._classes, self._counts.tolist(), strict=True))
        return Summary(
            self.rows,
            counts,
            self._abstained,
            self._ood,
            self._filled,
            first=join_cases(self._first),
            prevalence=prevalence,
            ppv=ppv,
            npv=npv,
        )


def check_place(source: Path, out: Path | BinaryIO | None, *, force: bool) -> None:
    """Refuse an output that cannot be, before any work is done."""
    if not isinstance(out, Path):
        return
    check_suffix(out)
    refuse_existing(out, force=force)
    if out.exists() and source.exists() and out.samefile(source):
        raise InvalidInput(f"'{out}' is the input itself", "Another file for the predictions", "Choose another --out")


def _answer(model: Model, batch: Batch, prevalence: float | None) -> Cases:
    """Return the cases of one batch."""
    logits = model.run(batch.inputs).logits
    found = decide(model.card, logits, values=batch.values, prevalence=prevalence, first_row=batch.first_row)
    return replace(found if batch.unlike is None else also_unlike(found, batch.unlike), ids=batch.ids)


def _predictive(card: Card, prevalence: float | None) -> tuple[Estimate | None, Estimate | None]:
    """Return positive and negative predictive value at the prevalence, when the card knows what they rest on."""
    sensitivity, specificity = (card.metrics.get(name) for name in ("sensitivity", "specificity"))
    if prevalence is None or sensitivity is None or specificity is None:
        return None, None
    return predictive_values(sensitivity, specificity, prevalence)


@contextmanager
def _writer(out: Path | BinaryIO | None, *, force: bool) -> Iterator[Callable[[Cases], None]]:
    """Yield a function that writes cases in another thread."""
    if out is None:
        yield lambda found: None
        return
    opened = write_rows(out, force=force) if isinstance(out, Path) else open_writer(out)
    with opened as writer:

        def append(found: Cases) -> None:
            writer.write(tabulate(found))

        with _behind(append) as write:
            yield write


@contextmanager
def _behind(job: Callable[[Item], None]) -> Iterator[Callable[[Item], None]]:
    """Yield a function that runs the job in another thread; a failure is raised at the next call, or at the end."""
    with ThreadPoolExecutor(1) as pool:
        pending: list[Future[None]] = []

        def submit(item: Item) -> None:
            if pending:
                pending.pop().result()
            pending.append(pool.submit(job, item))

        yield submit
        for future in pending:
            future.result()
