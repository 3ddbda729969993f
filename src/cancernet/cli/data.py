"""`cancernet data`: what is built in, and what is wrong with a table before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cancernet.cli import complete, makeslide
from cancernet.cli.cellsets import crops, measured_cells
from cancernet.cli.options import Group, Id, Json, Layout, Target
from cancernet.cli.patchaudit import audit_images, holds_images
from cancernet.cli.sets import describe_sets, fetch, sets_in_words
from cancernet.cli.show import paragraph, print_json, rows_table, say

if TYPE_CHECKING:
    from cancernet.data import LeakAudit, Table

__all__ = ["app"]

app = typer.Typer(
    help="List tables and public data sets, fetch a set, audit a table, make slides and sets of crops.",
    no_args_is_help=True,
)
app.command()(fetch)
app.command()(crops)
app.command("cells")(measured_cells)
app.add_typer(makeslide.app, name="make")

_FOLDS, _SEED = 5, 7  # of the split that is audited: the default of studies
_GROUPS = {None: "if each row is another patient: it is not known", "row": "each row another patient"}


@app.command("list")
def list_tables(json: Json = False) -> None:
    """List the built-in tables, and the public data sets that can be fetched."""
    from cancernet.data import catalogue

    found = catalogue()
    if json:
        print_json({"tables": [_described(builtin) for builtin in found], "sets": describe_sets()})
        return
    say("Built-in tables\n")
    for builtin in found:
        counts = ", ".join(f"{label} {count}" for label, count in builtin.classes.items())
        lines = [
            ["rows", str(builtin.rows)],
            ["features", str(builtin.features)],
            ["classes", counts],
            ["groups", builtin.groups],
            ["source", builtin.source],
            ["licence", builtin.licence],
        ]
        say(f"{builtin.name}\n{paragraph(builtin.description)}\n\n{rows_table(lines)}\n")
    say("To train on one, name a study or write one:\n  cancernet train wdbc\n  cancernet init my-study.toml\n")
    say(sets_in_words())


@app.command()
def audit(
    path: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A table (CSV, TSV, Parquet), a built-in name, or a folder of images.",
            show_default=False,
            autocompletion=complete.tables,
        ),
    ],
    target: Target = None,
    group: Group = None,
    id: Id = None,
    layout: Layout = "auto",
    against: Annotated[
        Path | None,
        typer.Option(metavar="TABLE", help="A second table: what have the two in common?", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Count what is there; look for leaks across a 5-fold split, or against a second table.

    Of tables: rows, classes, groups, gaps. Of images: classes, patients, sizes, copies, blank and inked ones, how far
    darkness alone tells the classes apart.
    """
    from cancernet.data import audit_tables
    from cancernet.patches import PatchOptions

    if against is None and holds_images(path, layout):
        images = audit_images(path, PatchOptions(layout=layout, target=target, group=group), json=json)
        return images.refuse() if images is not None else None
    table = _read(path, target, group, id)
    if against is None:
        found, reason = _audit_of_split(table)
    else:
        other = _read(str(against), target, group, id)
        shared = [name for name in table.feature_names if name in set(other.feature_names)]
        found, reason = audit_tables(other.select(shared, exact=False), table.select(shared, exact=False)), ""
    if json:
        print_json({**_counts(table), "leak_audit": None if found is None else found.to_dict(), "reason": reason})
    else:
        say(_in_words(table, found, reason))
    if found is not None:
        found.refuse()


def _read(path: str, target: str | None, group: str | None, id: str | None) -> Table:
    """Return a built-in table or one from a file."""
    from cancernet.data import catalogue, load, read_table

    if path in {builtin.name for builtin in catalogue()} and not Path(path).exists():
        return load(path)
    return read_table(path, target=target, group=group, id=id)


def _audit_of_split(table: Table) -> tuple[LeakAudit | None, str]:
    """Return the audit of the usual split, or the reason why there is none."""
    from cancernet.data import audit_split, folds_by_group

    if table.target is None:
        return None, "no leak audit: the target is not known; name it with --target COLUMN"
    if table.group_column is None:
        return None, "no leak audit: the patients are not known; name their column with --group COLUMN, or --group row"
    return audit_split(table, folds_by_group(table, folds=_FOLDS, seed=_SEED)), ""


def _counts(table: Table) -> dict[str, Any]:
    """Return what there is in the table, ready for JSON."""
    import numpy as np

    labels = [] if table.target is None else np.unique(table.target, return_counts=True)
    missing = np.isnan(table.values)
    spread = np.nanmin(np.where(missing.all(axis=0), 0.0, table.values), axis=0)
    constant = spread == np.nanmax(np.where(missing.all(axis=0), 0.0, table.values), axis=0)
    names = np.array(table.feature_names)
    return {
        "name": table.name,
        "rows": len(table),
        "features": len(table.features),
        "classes": dict(zip(*(part.tolist() for part in labels), strict=True)) if len(labels) else {},
        "groups": len(np.unique(table.groups)),
        "group_column": table.group_column,
        "missing_values": int(missing.sum()),
        "rows_with_missing": int(missing.any(axis=1).sum()),
        "constant_columns": names[constant].tolist(),
    }


def _in_words(table: Table, found: LeakAudit | None, reason: str) -> str:
    """Return the counts and the findings as lines."""
    counts = _counts(table)
    classes = ", ".join(f"{label} {count}" for label, count in counts["classes"].items()) or "no target named"
    known = _GROUPS.get(table.group_column, f"by column '{table.group_column}'")
    lines = [
        ["rows", str(counts["rows"])],
        ["features", str(counts["features"])],
        ["classes", classes],
        ["groups", f"{counts['groups']}, {known}"],
        ["missing", f"{counts['missing_values']} values in {counts['rows_with_missing']} rows"],
        ["constant", ", ".join(counts["constant_columns"]) or "none"],
    ]
    said = [reason] if found is None else list(found.sentences())
    return f"{table.name}\n{rows_table(lines)}\n\n" + "\n".join(paragraph(sentence, first="- ") for sentence in said)


def _described(builtin: Any) -> dict[str, Any]:
    """Return a built-in table for JSON."""
    fields = ("name", "description", "rows", "features", "classes", "groups", "source", "licence")
    return {name: getattr(builtin, name) for name in fields}
