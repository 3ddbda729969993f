"""What a batch costs around the work: a queue of 10,000 tiny items, milliseconds for each as the ledger fills."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.page import table
from cancernet.jobs import BatchOptions, BatchWatcher, Entry, Item, run_batch

ITEMS, EDGE = 10_000, 1_000
GOAL = 20.0  # milliseconds for each item


class _Clock(BatchWatcher):
    """Notes when the batch begins, and when each item is finished."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def begin(self, total: int, kept: int) -> None:
        self.times.append(time.perf_counter())

    def finish(self, entry: Entry) -> None:
        self.times.append(time.perf_counter())


def write_one(item: Item, folder: Path, **_: object) -> dict[str, int]:
    """Write one small file, as little as a work can do."""
    folder.joinpath("answer.txt").write_text(item.key)
    return {"letters": len(item.key)}


def measure() -> str:
    """Return milliseconds for the first and the last thousand items, here and with two workers, and of a second run."""
    rows = []
    with _inputs(ITEMS) as (items, folder):
        for workers in (1, 2):
            out, options = folder / f"out{workers}", BatchOptions(workers=workers)
            rows.append([f"{ITEMS:,} items, {workers} worker{'s' * (workers > 1)}", *_first_run(items, out, options)])
            rows.append(["the same again: nothing to do", *_again(items, out, options)])
        rows.append(["for comparison: the small file alone", *_alone(items, folder / "alone")])
    head = ["queue", f"first {EDGE:,}, ms an item", f"last {EDGE:,}", "last / first", "all, s"]
    return f"{table(head, rows)}\n\nGoal: below {GOAL:.0f} ms an item, and no slower at the end than plain files are."


@contextmanager
def _inputs(count: int) -> Iterator[tuple[list[Item], Path]]:
    """Yield small inputs and the folder for outputs."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.joinpath("in").mkdir()
        paths = [folder / "in" / f"slide{number:05}.txt" for number in range(count)]
        for path in paths:
            path.write_text(path.stem)
        yield [Item(path) for path in paths], folder


def _first_run(items: list[Item], out: Path, options: BatchOptions) -> list[str]:
    """Return what a run costs that does all items."""
    clock, began = _Clock(), time.perf_counter()
    result = run_batch(items, write_one, out=out, options=options, watcher=clock)
    seconds = time.perf_counter() - began
    if len(result.done) != len(items):
        raise RuntimeError(result.failed[0].error)
    return _edges(np.diff(clock.times), seconds)


def _again(items: list[Item], out: Path, options: BatchOptions) -> list[str]:
    """Return what a run costs that finds everything done."""
    began = time.perf_counter()
    result = run_batch(items, write_one, out=out, options=options)
    seconds = time.perf_counter() - began
    if len(result.kept) != len(items):
        raise RuntimeError(f"only {len(result.kept)} of {len(items)} were kept")
    return [f"{1000 * seconds / len(items):.2f}", "", "", f"{seconds:.1f}"]


def _alone(items: list[Item], out: Path) -> list[str]:
    """Return what the work costs without a batch around it; nothing is written through to the disk."""
    times = [time.perf_counter()]
    for item in items:
        folder = out / item.path.stem
        folder.mkdir(parents=True)
        write_one(item, folder)
        times.append(time.perf_counter())
    return _edges(np.diff(times), times[-1] - times[0])


def _edges(steps: np.ndarray, seconds: float) -> list[str]:
    """Return milliseconds an item at the beginning and at the end."""
    first, last = 1000 * steps[:EDGE].mean(), 1000 * steps[-EDGE:].mean()
    return [f"{first:.2f}", f"{last:.2f}", f"{last / first:.2f}", f"{seconds:.1f}"]
