"""`cancernet train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cancernet.cli import complete
from cancernet.cli.options import FLAG, Force, Group, Json, Quiet, Setting
from cancernet.cli.show import estimates_table, models_table, paragraph, print_json, progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cancernet.estimate import Estimate
    from cancernet.report import FieldRecord, RunRecord
    from cancernet.studies import NucleiRun, Run, SurvivalRun
    from cancernet.survival import SurvivalRecord

__all__ = ["HEADLINE", "summary", "train"]

HEADLINE = (
    "concordance_uno",
    "concordance_harrell",
    "integrated_brier",
    "aji",
    "dice",
    "pq",
    "detection_f1",
    "quadratic_kappa",
    "mean_absolute_error",
    "auroc",
    "macro_auroc",
    "accuracy",
    "sensitivity",
    "specificity",
    "macro_f1",
    "brier",
    "ece",
    "coverage",
    "abstained",
    "selective_accuracy",
)


STACK = "stack"
_FUSED = (
    ("concordance_uno", "concordance_harrell", "integrated_brier"),
    ("auroc", "accuracy", "nll"),
    ("macro_f1", "macro_auroc", "nll"),
)
_PLAIN = ("kaplan-meier", "majority")  # nobody asks what a stack gains over these


def train(
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY",
            help="A study file (.toml), or the name of a built-in study (wdbc).",
            autocompletion=complete.studies,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="The run folder.", show_default="runs/NAME"),
    ] = None,
    settings: Setting = None,
    group: Group = None,
    seed: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Of the weights and the order of training.", show_default=False)
    ] = None,
    allow_leak: Annotated[
        bool,
        typer.Option(
            "--allow-leak", metavar=FLAG, help="Of images with copies on two sides: train both ways, say the price."
        ),
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", metavar=FLAG, help="Go on with an interrupted run.")] = False,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train, calibrate and test a study; leave a run folder with report and bundle."""
    from cancernet import studies

    chosen = studies.find_study(study, settings=[*(settings or []), *_as_settings(group, seed)])
    place = out or Path("runs", chosen.name)
    try:
        with progress_bar(quiet=quiet or json) as progress:
            finished = studies.train(
                chosen, place, resume=resume, force=force, allow_leak=allow_leak, progress=progress
            )
    except KeyboardInterrupt:
        typer.echo(_interrupted(place), err=True)
        raise typer.Exit(130) from None
    if json:
        print_json(_as_json(finished, place))
    else:
        say(summary(finished.record, place), quiet=quiet)


def summary(record: RunRecord | FieldRecord | SurvivalRecord, place: Path) -> str:
    """Return what a run found, in a few lines, with the place of its report."""
    model = getattr(record, "model", "network")
    columns = {model: record.metrics, **{name: record.baselines[name] for name in record.baselines}}
    facts = dict(record.facts)
    tested = paragraph(f"{facts['Data']}; {facts['Split'] if record.kind == 'train' else 'all of them tested'}")
    folder = f"\n  bundle  {place / 'bundle'}" if record.kind == "train" else ""
    blocks = (
        f"{record.title}\n{tested}",
        _fused(record, columns) if model == STACK else estimates_table(columns, HEADLINE),
        "\n".join(paragraph(sentence, first="- ") for sentence in record.statements),
        f"  report  {place / 'report.html'}{folder}",
        "  Research use only, not a medical device.",
    )
    return "\n\n".join(blocks)


def _fused(record: RunRecord | FieldRecord | SurvivalRecord, columns: dict[str, Mapping[str, Estimate]]) -> str:
    """Return the stack, what it is made of, and the paired gain over each, one line per model."""
    first = next(names for names in _FUSED if names[0] in record.metrics)
    gains = {f"{STACK} minus {name}": found for name, found in record.differences.items() if name not in _PLAIN}
    return models_table({**columns, **gains}, first)


def _as_settings(group: str | None, seed: int | None) -> list[str]:
    """Return options of the command line as changes of the study."""
    import json

    given = {"data.group": group, "training.seed": seed}
    return [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]


def _interrupted(place: Path) -> str:
    """Return what to do after Ctrl-C."""
    from cancernet.files import partial_of

    partial = partial_of(place)
    kept, begun = (len(list((partial / "work").glob(f"fold-*.{ending}"))) for ending in ("json", "fit.npz"))
    if not kept and not begun:
        return "Interrupted: no fold was finished, nothing is left behind."
    folds = f"{kept} finished fold{'' if kept == 1 else 's'}" + (" and an unfinished one" if begun else "")
    return f"Interrupted: {folds} kept in '{partial}'.\n  To go on, give the same command with --resume"


def _as_json(finished: Run | NucleiRun | SurvivalRun, place: Path) -> dict[str, Any]:
    """Return the result for machines."""
    return {
        "run": str(place),
        "report": str(place / "report.html"),
        "bundle": str(place / "bundle"),
        "test": {name: estimate.to_dict() for name, estimate in finished.record.metrics.items()},
    }
