"""`cancernet explain`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cancernet.checks import listed, one_of
from cancernet.cli import complete
from cancernet.cli.options import Bundle, Force, Group, Id, Layout, Quiet, Rows, Runtime, Target
from cancernet.cli.show import label_of, paragraph, progress_bar, rows_table, say
from cancernet.errors import InvalidInput

if TYPE_CHECKING:
    from cancernet.data import Table
    from cancernet.engine import Model
    from cancernet.explain import Explanation, PatchExplanation
    from cancernet.explain.attribution import Method
    from cancernet.patches import Fault
    from cancernet.studies import Progress

__all__ = ["explain"]

_SHOWN = 10
_MOST_PATCHES = 500


def explain(
    bundle: Bundle,
    rows: Rows,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="The folder to make.", show_default="why/ROWS")
    ] = None,
    method: Annotated[
        str, typer.Option(metavar="NAME", help="Of tables: shapley or occlusion.", autocompletion=complete.methods)
    ] = "shapley",
    block: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            help="Of patches: the block of convolutions, from 1.",
            show_default="the last that sees at most 0.8 of the patch",
        ),
    ] = None,
    layout: Layout = "auto",
    target: Target = None,
    group: Group = None,
    id: Id = None,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="Of the random orders and shuffles.")] = 0,
    runtime: Runtime = "openvino",
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Say why: of tables what each column added to each answer; of patches where the network looked (Grad-CAM)."""
    from cancernet import engine
    from cancernet.explain import METHODS
    from cancernet.files import refuse_existing
    from cancernet.predict import refuse_fields

    place = out or Path("why", rows.name.partition(".")[0])
    way = cast("Method", one_of(method, METHODS, "method"))
    refuse_existing(place, force=force)
    with engine.open(bundle, runtime=runtime) as model, progress_bar(quiet=quiet) as progress:
        refuse_fields(model.card)
        _refuse_bags(model)
        if model.card.input.kind == "patches":
            said = _of_patches(model, rows, place, layout=layout, block=block, progress=progress, force=force)
        else:
            columns = {"target": target, "group": group, "id": id}
            chosen = {"method": way, "seed": seed, "progress": progress.reach, "force": force}
            said = _of_table(model, rows, place, columns=columns, progress=progress, options=chosen)
    say(said, quiet=quiet)


def _refuse_bags(model: Model) -> None:
    """Raise when the bundle takes slides, whose tiles are weighed by another function."""
    if model.card.input.kind == "bags":
        raise InvalidInput(
            f"The bundle '{model.card.name}' takes bags of features",
            "A bundle of a table or of patches",
            "Ask cancernet.explain.attention_of for the weight of each tile",
        )


def _of_table(
    model: Model,
    rows: Path,
    place: Path,
    *,
    columns: dict[str, Any],
    progress: Progress,
    options: dict[str, Any],
) -> str:
    """Explain rows, and say what counts most."""
    from cancernet.data import read_table
    from cancernet.explain import explain_table

    table = read_table(rows, columns=model.card.input.names, **columns)
    note = "" if columns["target"] else _foreign(table, model.card.task.classes)
    if note:
        table = replace(table, target=None, target_column=None)
    progress.begin("Explaining", len(table))
    found = explain_table(model, table, out=place, **options)
    return _in_words(found, place, note or found.reason)


def _of_patches(
    model: Model, rows: Path, place: Path, *, layout: str, block: int | None, progress: Progress, force: bool
) -> str:
    """Explain images, and say where the maps are."""
    from cancernet.explain import explain_patches
    from cancernet.patches import PatchOptions, read_patches
    from cancernet.predict import answer_patches

    patches = read_patches(rows, options=PatchOptions(layout=layout))
    if len(patches) > _MOST_PATCHES:
        raise InvalidInput(
            f"{len(patches)} images to explain, each of which becomes a picture",
            f"At most {_MOST_PATCHES} at once",
            "Name an image, or a folder of a few",
        )
    images, cases, faults = answer_patches(model, patches)
    progress.begin("Explaining", len(cases))
    found = explain_patches(model, images, cases=cases, out=place, block=block, progress=progress.reach, force=force)
    return _patches_in_words(found, place, faults)


def _patches_in_words(found: PatchExplanation, place: Path, faults: tuple[Fault, ...]) -> str:
    """Return the answers, and where the pictures are."""
    cases = found.cases
    head = ["image", "predicted", "p", "", "picture"]
    body = [
        [
            str(name)[-40:],
            str(cases.labels[row]),
            f"{cases.probabilities[row, cases.predicted[row]]:.3f}",
            "abstained" if cases.abstained[row] else "",
            str(found.pictures[row]),
        ]
        for row, name in enumerate((cases.ids if cases.ids is not None else found.pictures)[:_SHOWN])
    ]
    lines = [rows_table([head, *body])]
    if len(cases) > _SHOWN:
        lines.append(f"  ... and {len(cases) - _SHOWN} more")
    lines += [paragraph(f"Set aside: {fault.path.name}: {fault.reason}") for fault in faults[:_SHOWN]]
    said = (
        f"The maps show which places pushed the features after {found.layer} towards the answer: no proof, and no "
        "finer than that layer sees."
    )
    lines += ["", paragraph(said), f"  pictures  {place}", "", "  Research use only, not a medical device."]
    return "\n".join(lines)


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
