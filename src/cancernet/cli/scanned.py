"""The end of `cancernet scan`: the overview, what is said, and the exit code."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cancernet.cli.show import paragraph, print_json, say

if TYPE_CHECKING:
    from cancernet.jobs import BatchOptions, BatchResult, Entry
    from cancernet.scan import Scanned

__all__ = ["failures_in_words", "failures_of", "finish", "found_in"]

_NAMED = 20  # failures that are told; the report has all


def finish(result: BatchResult, out: Path, *, batch: BatchOptions, json: bool, quiet: bool) -> None:
    """Write the overview, say where things are, and end with 2 when a slide failed.

    The overview is of all slides in the folder that were scanned with the same options, also by earlier calls.
    """
    from cancernet.scan import read_scanned, write_overview

    failures = failures_of(result.failed)
    slides = read_scanned([out / entry.key for entry in result.done])
    done_before, failed_before = _before(result, out, batch)
    others = read_scanned(done_before)
    write_overview(out, [*slides, *others], failures={**failures_of(failed_before), **failures})
    if json:
        print_json(_as_json(result, out, slides, failures))
    else:
        say(_in_words(result, out, others=len(others)), quiet=quiet)
    if failures:
        typer.echo(failures_in_words(failures, out / "report.html"), err=True)
        raise typer.Exit(2)


def _before(result: BatchResult, out: Path, batch: BatchOptions) -> tuple[list[Path], list[Entry]]:
    """Return the folders of other slides than these that were scanned with the same options, and those that failed."""
    from cancernet.jobs import Ledger, Place

    these = {entry.key for entry in result.entries}
    entries = [one for one in Ledger(Place(out.absolute())).entries() if one.key not in these]
    done = [out / one.key for one in entries if one.status == "done" and batch.accepts(one)]
    failed = [one for one in entries if one.status == "failed"]
    return [folder for folder in done if (folder / "summary.json").exists()], failed


def failures_of(failed: Sequence[Entry]) -> dict[str, str]:
    """Return why slides failed, by name; by path where two have the same name."""
    counts = Counter(Path(entry.path).name for entry in failed)
    found = {}
    for entry in failed:
        name = Path(entry.path).name
        found[name if counts[name] == 1 else entry.path] = (entry.error or "unknown").removeprefix(f"{name}: ")
    return found


def _as_json(
    result: BatchResult, out: Path, slides: tuple[Scanned, ...], failures: Mapping[str, str]
) -> dict[str, object]:
    """Return the result for machines."""
    return {
        "schema": 1,
        "out": str(out),
        "report": str(out / "report.html"),
        "table": str(out / "summary.csv"),
        "slides": [slide.row for slide in slides],
        "kept": sorted(entry.key for entry in result.done if entry.key in result.kept),
        "failed": dict(failures),
    }


def _in_words(result: BatchResult, out: Path, *, others: int) -> str:
    """Return what is there now, and where."""
    more = f", with {others} more of earlier calls" if others else ""
    lines = [_counted(result), "", f"  overview  {out / 'report.html'}{more}", f"  table     {out / 'summary.csv'}"]
    if result.done:
        key = result.done[0].key if len(result.done) == 1 else "SLIDE"
        lines.append(f"  heat map  {out / key / 'heatmap.png'}")
    return "\n".join([*lines, "", "  Research use only, not a medical device."])


def _counted(result: BatchResult) -> str:
    """Return how many slides are done."""
    total, done = len(result.entries), len(result.done)
    kept = sum(entry.key in result.kept for entry in result.done)
    before = f", {'all' if kept == done else kept} of them before" if kept else ""
    failed = f"; {len(result.failed)} failed" if result.failed else ""
    return f"{done} of {total} slide{'' if total == 1 else 's'} done{before}{failed}."


def found_in(entry: Entry) -> str:
    """Return what was found in a slide, in a line."""
    name, found, seconds = Path(entry.path).name, entry.answer, entry.seconds or 0
    if not found["tissue_mm2"]:
        return f"{name}: no tissue found in {seconds:.0f} s"
    foci = "1 focus" if found["foci"] == 1 else f"{found['foci']} foci"
    areas = f"{found['positive_mm2']:.2f} of {found['tissue_mm2']:.2f} mm2 positive, {foci}"
    return f"{name}: {areas}; {found['tiles']:,} tiles in {seconds:.0f} s"


def failures_in_words(failures: Mapping[str, str], all_in: Path) -> str:
    """Return a line for each slide that failed, wrapped only on a terminal, where all are, and what to do."""
    lines = [f"{name}: {why}" for name, why in list(failures.items())[:_NAMED]]
    if len(failures) > _NAMED:
        lines.append(f"and {len(failures) - _NAMED} more: see {all_in}")
    if sys.stderr.isatty():
        shown = [paragraph(line, first="  ", indent="    ", stream=sys.stderr) for line in lines]
    else:
        shown = [f"  {line}" for line in lines]
    count = "1 slide" if len(failures) == 1 else f"{len(failures)} slides"
    return "\n".join([f"Failed: {count}", *shown, "Once the cause is mended, run it again with --retry-failed"])
