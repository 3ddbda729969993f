"""`cancernet explain`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from cancernet.checks import listed, one_of
from cancernet.cli import complete
from cancernet.cli.options import Bundle, Force, Group, Id, Quiet, Rows, Runtime, Target
from cancernet.cli.show import label_of, paragraph, progress_bar, rows_table, say

if TYPE_CHECKING:
    from cancernet.data import Table
    from cancernet.explain import Explanation
    from cancernet.explain.attribution import Method

__all__ = ["explain"]

_SHOWN = 10


def explain(
    bundle: Bundle,
    rows: Rows,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="The folder to make.", show_default="why/ROWS")
    ] = None,
    method: Annotated[
        str, typer.Option(metavar="NAME", help="shapley or occlusion.", autocompletion=complete.methods)
    ] = "shapley",
    target: Target = None,
    group: Group = None,
    id: Id = None,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="Of the random orders and shuffles.")] = 0,
    runtime: Runtime = "openvino",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Say why: what each column added to each answer; with labels, how much the model relies on each column."""
    from cancernet import engine
    from cancernet.data import read_table
    from cancernet.explain import METHODS, explain_table
    from cancernet.files import refuse_existing

    place = out or Path("why", rows.name.partition(".")[0])
    way = cast("Method", one_of(method, METHODS, "method"))
    refuse_existing(place, force=force)
    with engine.open(bundle, runtime=runtime) as model:
        columns, classes = model.card.input.names, model.card.task.classes
        table = read_table(rows, target=target, group=group, id=id, columns=columns)
        note = "" if target else _foreign(table, classes)
        if note:
            table = replace(table, target=None, target_column=None)
        with progress_bar(quiet=quiet) as progress:
            progress.begin("Explaining", len(table))
            found = explain_table(model, table, out=place, method=way, seed=seed, progress=progress.reach, force=force)
    say(_in_words(found, place, note or found.reason), quiet=quiet)


def _foreign(table: Table, classes: tuple[str, ...]) -> str:
    """Return why the labels of a file whose form is known are not the truth for this bundle, or nothing."""
    other = [name for name in table.classes if name not in classes]
    return (
        f"the labels of column '{table.target_column}' are no classes of this bundle: {listed(other)}" if other else ""
    )


def _in_words(found: Explanation, place: Path, reason: str) -> str:
    """Return the columns that count most, and where the rest is."""
    if found.importance is None:
        todo = "Where the truth is known, name it: --target COLUMN and --group COLUMN (or --group row)"
        head = f"{paragraph(f'No permutation importance: {reason}.')}\n{paragraph(todo)}"
    else:
        lines = [["column", f"loss of {label_of(found.metric)} when shuffled"]]
        lines += [[name, estimate.format(4)] for name, estimate in found.importance[:_SHOWN]]
        head = rows_table(lines)
    files = ", ".join(sorted(path.name for path in place.iterdir()))
    return f"{head}\n\n{paragraph(f'{place}: {files}')}\n\n  Research use only, not a medical device."
