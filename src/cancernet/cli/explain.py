"""`cancernet explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cancernet.cli.options import Bundle, Force, Group, Id, OutFolder, Quiet, Rows, Runtime, Seed, Target
from cancernet.cli.show import progress_bar, rows_table, say

if TYPE_CHECKING:
    from cancernet.explain import Explanation

__all__ = ["explain"]

_SHOWN = 10


def explain(
    bundle: Bundle,
    rows: Rows,
    out: OutFolder = None,
    method: Annotated[str, typer.Option(help="shapley or occlusion.")] = "shapley",
    target: Target = None,
    group: Group = None,
    id: Id = None,
    seed: Seed = None,
    runtime: Runtime = "openvino",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Say why: what each column added to each answer; with labels, how much the model relies on each column."""
    from cancernet import engine
    from cancernet.checks import one_of
    from cancernet.data import read_table
    from cancernet.explain import METHODS, explain_table
    from cancernet.files import refuse_existing

    place = out or Path("why", rows.stem)
    one_of(method, METHODS, "method")
    refuse_existing(place, force=force)
    with engine.open(bundle, runtime=runtime) as model:
        columns = model.card.input.names
        table = read_table(rows, target=target, group=group, id=id, columns=columns)
        with progress_bar(quiet=quiet) as progress:
            progress.begin("Explaining", len(table))
            found = explain_table(
                model, table, out=place, method=method, seed=seed or 0, progress=progress.reach, force=force
            )
    say(_in_words(found, place), quiet=quiet)


def _in_words(found: Explanation, place: Path) -> str:
    """Return the columns that count most, and where the rest is."""
    if found.importance is None:
        head = f"  No permutation importance: {found.reason}."
    else:
        lines = [["column", f"loss of {found.metric} when shuffled"]]
        lines += [[name, estimate.format(4)] for name, estimate in found.importance[:_SHOWN]]
        head = rows_table(lines)
    files = ", ".join(sorted(path.name for path in place.iterdir()))
    return f"{head}\n\n  {place}: {files}\n  Research use only, not a medical device."
