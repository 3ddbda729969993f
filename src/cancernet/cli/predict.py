"""`cancernet predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from cancernet.ahead import processors
from cancernet.cli.options import Bundle, Features, Force, Group, Id, Json, Layout, Prevalence, Quiet, Runtime
from cancernet.cli.show import fitted, paragraph, print_json, progress_bar, rows_table, say
from cancernet.errors import InvalidInput

if TYPE_CHECKING:
    from cancernet.bundle import Card
    from cancernet.engine import Model
    from cancernet.predict import Cases, Summary

__all__ = ["in_words", "predict"]

_FEW = 500  # images that take about a second: no bar


def predict(
    bundle: Bundle,
    cases: Annotated[
        list[Path],
        typer.Argument(
            metavar="CASES",
            help="A CSV, TSV or Parquet file, also .gz; for a bundle of patches images, folders or a manifest; "
            "for one of bags a table of slides, or a folder of features; for a fusion a file for each of its sources, "
            "in their order or as NAME=FILE.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="File for the predictions (.csv, .tsv, .parquet); - is stdout.",
            show_default=False,
        ),
    ] = None,
    prevalence: Prevalence = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="TIMES",
            help="Of survival: times in the unit of the bundle, such as 24,60,120.",
            show_default="those of the bundle",
        ),
    ] = None,
    id: Id = None,
    layout: Layout = "auto",
    group: Group = None,
    features: Features = None,
    runtime: Runtime = "openvino",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Predict new cases: calibrated probabilities, sets, abstentions. Needs neither Keras nor TensorFlow."""
    from cancernet import engine
    from cancernet.predict import refuse_fields

    threads = max(1, processors() - 1)  # one is left for reading and writing, which go on meanwhile
    with engine.open(bundle, runtime=runtime, threads=threads) as model:
        if model.card.survival is not None or at is not None:
            _foretell(model, cases, at, id=id, out=out, options={"force": force, "json": json, "quiet": quiet})
            return
        refuse_fields(model.card)
        silent = quiet or json or str(out) == "-"
        options: dict[str, Any] = {"out": _target(out), "prevalence": prevalence, "force": force}
        if model.card.fusion is not None:
            found = _of_sources(model, cases, id, {**options, "runtime": runtime})
        elif model.card.input.kind == "patches":
            found = _of_patches(model, cases, layout, group=group, quiet=silent, options=options)
        elif model.card.input.kind == "bags":
            found = _of_bags(model, cases, id, features=features, quiet=silent, options=options)
        else:
            found = _of_rows(model, cases, id, options)
        card = model.card
    if json:
        print_json(_as_json(found, card, out))
    elif str(out) != "-":
        say(in_words(found, card, out), quiet=quiet)


def _foretell(
    model: Model, cases: list[Path], at: str | None, *, id: str | None, out: Path | None, options: dict[str, bool]
) -> None:
    """Predict survival, and say what was found."""
    from cancernet.cli.curves import in_words as curves_in_words
    from cancernet.cli.curves import parse_times
    from cancernet.fusion import foretell_fused
    from cancernet.survival import foretell

    asked: dict[str, Any] = {"times": None if at is None else parse_times(at), "out": _target(out), "id": id}
    if model.card.fusion is not None:
        found = foretell_fused(model, cases, force=options["force"], **asked)
    else:
        found = foretell(model, _one(model, cases, "the rows of a table"), force=options["force"], **asked)
    if options["json"]:
        shown = {name: getattr(found, name) for name in ("rows", "times", "unit", "filled", "ood", "no_median")}
        print_json({"bundle": model.card.name, **shown, "out": None if out is None else str(out)})
    elif str(out) != "-":
        say(curves_in_words(found, model.card, out), quiet=options["quiet"])


def _of_rows(model: Model, cases: list[Path], id: str | None, options: dict[str, Any]) -> Summary:
    """Predict the rows of one file."""
    from cancernet.predict import predict_file

    return predict_file(model, _one(model, cases, "the rows of a table"), id=id, **options)


def _of_sources(model: Model, cases: list[Path], id: str | None, options: dict[str, Any]) -> Summary:
    """Predict the patients whom the tables of all sources know."""
    from cancernet.fusion import predict_fused

    return predict_fused(model, cases, id=id, **options)


def _one(model: Model, cases: list[Path], what: str) -> Path:
    """Return the only file, or raise."""
    if len(cases) > 1:
        raise InvalidInput(
            f"{len(cases)} files for '{model.card.name}', which takes {what}",
            "One CSV, TSV or Parquet file",
            "Join them first, or predict one after the other",
        )
    return cases[0]


def _of_bags(
    model: Model, cases: list[Path], slide: str | None, *, features: Path | None, quiet: bool, options: dict[str, Any]
) -> Summary:
    """Predict slides by their features, with a bar."""
    from cancernet.bags import BagOptions, read_bags
    from cancernet.predict import predict_bags

    asked = BagOptions(None if features is None else str(features), slide or BagOptions.slide)
    bags = read_bags(_one(model, cases, "a table of slides"), options=asked)
    with progress_bar(quiet=quiet) as progress:
        progress.begin("Predicting", len(bags))
        return predict_bags(model, bags, progress=progress.reach, **options)


def _of_patches(
    model: Model, cases: list[Path], layout: str, *, group: str | None, quiet: bool, options: dict[str, Any]
) -> Summary:
    """Predict images, with a bar."""
    from cancernet.patches import PatchOptions, read_patches
    from cancernet.predict import predict_patches

    patches = read_patches(cases[0] if len(cases) == 1 else cases, options=PatchOptions(layout=layout, group=group))
    with progress_bar(quiet=quiet or len(patches) < _FEW) as progress:
        progress.begin("Predicting", len(patches))
        return predict_patches(model, patches, progress=progress.reach, **options)


def _target(out: Path | None) -> Path | BinaryIO | None:
    """Return where predictions go: a file, stdout, or nowhere."""
    import sys

    return sys.stdout.buffer if str(out) == "-" else out


def in_words(found: Summary, card: Card, out: Path | None, *, notice: bool = True) -> str:
    """Return the first rows and the counts, with the notice that this is no medical device."""
    lines = [_first_rows(found, card), "", paragraph(_counts(found))]
    if found.ppv is not None and found.npv is not None:
        said = f"At a prevalence of {found.prevalence:.4g}: PPV {found.ppv.format()}, NPV {found.npv.format()}"
        how = "by the sensitivity and specificity on the card"
        lines.append(paragraph(f"{said}, {how}. Probabilities are re-weighted; the classes called are not."))
    if found.filled:
        lines.append(f"  {found.filled} missing values were filled with the medians of the training rows.")
    lines += [paragraph(note) for note in found.notes]
    if found.faults:
        lines.append(paragraph(_faults(found)))
    lines += ["", f"  predictions  {out}" if out else "  To keep all of them, add: --out predictions.csv"]
    if notice:
        lines += ["", "  Research use only, not a medical device."]
    return "\n".join(lines)


def _first_rows(found: Summary, card: Card) -> str:
    """Return a table of the first rows."""
    cases, ids = found.first, _ids(found.first)
    head = ["id", *(f"p_{name}" for name in card.task.classes), "predicted", "set", ""]
    body = [
        [
            ids[row],
            *(f"{p:.3f}" for p in cases.probabilities[row]),
            str(cases.labels[row]),
            _set(cases, row),
            "abstained" if cases.abstained[row] else "",
        ]
        for row in range(len(cases))
    ]
    more = f"\n  ... and {found.rows - len(cases)} more" if found.rows > len(cases) else ""
    unlike = [paragraph(f"{ids[row]}: {cases.ood_reason[row]}") for row in range(len(cases)) if cases.ood[row]]
    return "\n".join([fitted(rows_table([head, *body])) + more, *([""] if unlike else []), *unlike])


def _ids(cases: Cases) -> list[str]:
    """Return the ids, or numbers from 1."""
    return [str(name) for name in (range(1, len(cases) + 1) if cases.ids is None else cases.ids)]


def _set(cases: Cases, row: int) -> str:
    """Return the classes of a set joined by |."""
    if cases.sets is None:
        return ""
    return "|".join(name for name, held in zip(cases.classes, cases.sets[row], strict=True) if held)


def _counts(found: Summary) -> str:
    """Return how many rows, of which class, how many abstain."""
    classes = ", ".join(f"{name}: {count}" for name, count in found.counts.items())
    share = 100 * found.abstained / max(found.rows, 1)
    return (
        f"{_number(found.rows, 'row')}; {classes}; {found.abstained} abstained ({share:.1f} %), "
        f"of them {found.ood} unlike the training rows."
    )


def _number(count: int, what: str) -> str:
    """Return '1 file' or '2 files'."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def _faults(found: Summary) -> str:
    """Return which files could not be read."""
    named = "; ".join(f"{fault.path.name}: {fault.reason}" for fault in found.faults[:5])
    more = f"; and {len(found.faults) - 5} more" if len(found.faults) > 5 else ""
    return f"Set aside: {_number(len(found.faults), 'file')} that could not be read ({named}{more})."


def _as_json(found: Summary, card: Card, out: Path | None) -> dict[str, Any]:
    """Return the summary for machines."""
    return {
        "bundle": card.name,
        "rows": found.rows,
        "predicted": found.counts,
        "abstained": found.abstained,
        "ood": found.ood,
        "filled": found.filled,
        "notes": list(found.notes),
        "faults": [{"path": str(fault.path), "reason": fault.reason} for fault in found.faults],
        "prevalence": found.prevalence,
        "ppv": found.ppv and found.ppv.to_dict(),
        "npv": found.npv and found.npv.to_dict(),
        "out": None if out is None else str(out),
    }
