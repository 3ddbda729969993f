"""A bundle on other cases whose truth is known: the same metrics, predictions and report as of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from cancernet import engine
from cancernet.bags import BagSet
from cancernet.bundle import Card
from cancernet.data import Table
from cancernet.engine import Model
from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.explain import permutation_importance
from cancernet.files import refuse_existing, whole_folder
from cancernet.metrics import Scored, measure, measure_at, paired_difference
from cancernet.patches import PatchOptions, PatchSet
from cancernet.predict import Cases, fill_missing, write_predictions
from cancernet.report import Importance, RunRecord, group_rows
from cancernet.studies.fusion import read_fused
from cancernet.studies.given import Given, read_given
from cancernet.studies.outputs import write_results
from cancernet.studies.patches import shown_patches
from cancernet.studies.progress import Progress
from cancernet.studies.record import at_prevalences
from cancernet.studies.sections import ReportOptions
from cancernet.studies.seen import refuse_seen
from cancernet.studies.survival import TimedOptions, evaluate_survival
from cancernet.studies.words import abstention_sentence, calibration_sentence, coverage_sentence
from cancernet.survival import SurvivalRecord
from cancernet.tasks import nearest_grade

__all__ = ["EvaluateOptions", "evaluate"]


@dataclass(frozen=True)
class EvaluateOptions:
    """How cases are read and measured.

    Parameters
    ----------
    target, group, id
        Columns of the file: labels, patients ("row": every row is one), names of the rows or slides.
    time, event, codes, unit
        Of survival: columns of the time and of what happened then, what its labels mean (0 is censored), and the unit
        of the times; those of the training data when None.
    layout
        Of images.
    features
        Folder of the features of slides; see `BagOptions`.
    allow_leak
        Measure although the model was trained on some of these cases; the report says so.
    runtime
        "openvino" or "onnxruntime".
    draws
        Of the bootstrap.
    """

    target: str | None = None
    group: str | None = None
    id: str | None = None
    time: str | None = None
    event: str | None = None
    codes: Mapping[str, int] | None = None
    unit: str | None = None
    layout: str = "auto"
    features: str | None = None
    allow_leak: bool = False
    runtime: str = "openvino"
    draws: int = 1000

    @property
    def patches(self) -> PatchOptions:
        """How images are found."""
        return PatchOptions(layout=self.layout, target=self.target, group=self.group)


def evaluate(
    bundle: str | Path,
    source: Table | PatchSet | BagSet | str | Path | Sequence[str | Path],
    *,
    out: str | Path,
    options: EvaluateOptions | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> RunRecord | SurvivalRecord:
    """Test a bundle on cases with truth and leave `metrics.json`, `predictions.csv`, `report.html` and figures.

    Parameters
    ----------
    bundle
        A folder, or the name of a shipped bundle.
    source
        A table, a set of patches or of bags, a file, a folder of images, or the name of a built-in table; of a fusion a
        file for each source, the first with the truth.
    out
        The folder to make.
    options
        How to read and measure.
    force
        Replace an existing folder.
    progress
        Told how far it is.

    Raises
    ------
    LeakingSplit
        When the model was trained on some of these cases and `allow_leak` is not set.
    InvalidInput
        When the truth is missing, a label is unknown to the card, or the folder exists.
    """
    chosen, tell = options or EvaluateOptions(), progress or Progress()
    refuse_existing(Path(out), force=force)
    with engine.open(bundle, runtime=chosen.runtime) as model:
        if model.card.survival is not None:
            file = _one_file(model.card, source)
            return evaluate_survival(model, file, out=Path(out), options=_timed(chosen), force=force)
        given = _given(model, source, chosen, tell)
        seen = refuse_seen(model.card, given.table, given.seen, allow=chosen.allow_leak, unseen=given.unseen)
        tell.begin("Testing", 3)
        found = given.answer(model)
        tell.reach(1)
        scored = _scored(model.card, given.table, found)
        record = _record(model, given, scored, seen=seen, options=chosen)
    tell.reach(2)
    _write(Path(out), record, given.table, found, force=force)
    tell.reach(3)
    return record


def _timed(options: EvaluateOptions) -> TimedOptions:
    """Return the options that survival knows."""
    known = {field.name: getattr(options, field.name) for field in fields(TimedOptions)}
    return TimedOptions(**known | {"event": options.event or options.target})


def _one_file(card: Card, source: Any) -> str | Path:
    """Return the table of patients for a bundle of survival."""
    if card.fusion is not None:
        raise InvalidInput(
            f"'{card.name}' is a fusion of survival, which is tested in its own folds",
            "A bundle of one table, or a fusion that tells classes",
            "Test its sources one by one; predict answers new patients",
        )
    found = source[0] if isinstance(source, list | tuple) and len(source) == 1 else source
    if not isinstance(found, str | Path):
        raise InvalidInput(f"A bundle of survival with a {type(source).__name__}", "The path of one table")
    return found


def _given(model: Model, source: Any, options: EvaluateOptions, progress: Progress) -> Given:
    """Return the cases as the bundle takes them."""
    files = list(source) if isinstance(source, list | tuple) else [source]
    if model.card.fusion is not None:
        return read_fused(model, files, options=options.patches, id=options.id, runtime=options.runtime)
    if len(files) != 1:
        wrong = f"{len(files)} files for '{model.card.name}', which is no fusion"
        raise InvalidInput(wrong, "One file", "Join them first")
    return read_given(
        files[0], model.card, options=options.patches, id=options.id, features=options.features, progress=progress
    )


def _scored(card: Card, table: Table, found: Cases) -> Scored:
    """Return answers beside the truth."""
    cuts = card.decision.grades
    return Scored(
        truth=table.codes(card.task.classes),
        probabilities=found.probabilities,
        predicted=found.predicted,
        groups=table.groups,
        classes=card.task.classes,
        positive=card.task.positive,
        sets=found.sets,
        abstained=found.abstained,
        ordered=card.task.kind == "ordinal",
        cuts=None if cuts is None else np.tile(cuts.values, (len(found.predicted), 1)),
    )


def _majority(card: Card, scored: Scored) -> Scored:
    """Return the answers of one who knows nothing but the shares of the classes in the training data."""
    prior = np.array([card.prior[name] for name in card.task.classes])
    shares = np.tile(prior / prior.sum(), (len(scored), 1))
    answer = nearest_grade(prior / prior.sum()) if scored.ordered else prior.argmax()
    predicted = np.full(len(scored), int(answer))
    return replace(scored, probabilities=shares, predicted=predicted, sets=None, abstained=None, cuts=None)


def _record(
    model: Model, given: Given, scored: Scored, *, seen: tuple[str, ...], options: EvaluateOptions
) -> RunRecord:
    """Return everything that the report shows."""
    card, table = model.card, given.table
    metrics = measure(scored, draws=options.draws)
    majority = _majority(card, scored)
    decision, conformal = card.decision, card.decision.conformal
    report = ReportOptions(coverage=conformal.coverage) if conformal else ReportOptions()
    warned = (*seen, *_coverage_words(metrics, report), calibration_sentence(metrics), abstention_sentence(metrics))
    return RunRecord(
        name=card.name,
        kind="evaluate",
        title=f"{card.name} on {table.name}",
        scored=scored,
        metrics=metrics,
        facts=_facts(card, table, model.runtime),
        statements=warned,
        data_notes=given.notes,
        operating_points=_operating_points(card, scored, options),
        threshold=None if decision.threshold is None else decision.threshold.value,
        threshold_rule="" if decision.threshold is None else decision.threshold.rule,
        baselines={"majority": measure(majority, draws=options.draws)},
        baseline_scored={"majority": majority},
        differences={"majority": paired_difference(scored, majority, draws=options.draws)},
        leak_audit={"what": "training data of the bundle", "sentences": list(seen)},
        leak_sentences=seen,
        importance=_importance(model, table, scored, options) if given.columns else (),
        importance_metric="auroc" if scored.binary else "accuracy",
        prevalence=at_prevalences(metrics, report.prevalence, scored),
        limits=card.limits,
        licences=(("Weights", card.weights_licence), ("Data", table.licence or "not stated")),
        **_shown(given, scored, options),
    )


def _shown(given: Given, scored: Scored, options: EvaluateOptions) -> dict[str, Any]:
    """Return the rows of a table for figures of its columns, or pictures and tables of patches, or groups of slides."""
    if given.columns:
        return {"table": given.table}
    if given.images is None:
        return {"by_group": group_rows(scored), "group_name": given.table.group_column or "group"}
    rows = np.arange(len(given.table))
    return shown_patches(scored, rows, images=given.images, sites=given.sites, draws=options.draws)


def _coverage_words(metrics: dict[str, Estimate], report: ReportOptions) -> tuple[str, ...]:
    """Return the sentence on the sets, where there are any."""
    return (coverage_sentence(metrics, report),) if "coverage" in metrics else ()


def _operating_points(card: Card, scored: Scored, options: EvaluateOptions) -> dict[str, dict[str, Estimate]]:
    """Return the threshold metrics at the card's threshold and at 0.5."""
    if not scored.binary:
        return {}
    thresholds = {"0.5": 0.5}
    if card.decision.threshold is not None:
        thresholds = {card.decision.threshold.rule: card.decision.threshold.value, **thresholds}
    return {rule: measure_at(scored, value, draws=options.draws) for rule, value in thresholds.items()}


def _importance(model: Model, table: Table, scored: Scored, options: EvaluateOptions) -> tuple[Importance, ...]:
    """Return the permutation importance of the columns on these cases."""
    found = permutation_importance(
        model,
        fill_missing(model.card, table.values),
        scored=scored,
        metric="auroc" if scored.binary else "accuracy",
        draws=options.draws,
    )
    return tuple(Importance(name, estimate) for name, estimate in found)


def _facts(card: Card, table: Table, runtime: str) -> tuple[tuple[str, str], ...]:
    """Return pairs of label and value for the page."""
    labels, counts = np.unique(np.asarray(table.target), return_counts=True)
    shares = ", ".join(f"{label} {count}" for label, count in zip(labels.tolist(), counts.tolist(), strict=True))
    return (
        ("Bundle", f"{card.name}, trained on {card.data.name} ({card.training.rows} rows) on {card.training.date}"),
        ("Data", f"{table.name}: {len(table)} rows"),
        ("Classes", shares + (f" (positive: {card.task.positive})" if card.task.positive else "")),
        ("Groups", f"{len(np.unique(table.groups))}, by {table.group_column}"),
        ("Split", "none: all rows are tested, nothing is fitted"),
        ("Engine", f"{runtime}, {card.engine.precision}"),
    )


def _write(out: Path, record: RunRecord, table: Table, found: Cases, *, force: bool) -> None:
    """Write the folder, whole or not at all."""
    with whole_folder(out, force=force) as folder:
        write_predictions(
            folder / "predictions.csv",
            found,
            ids=table.ids,
            groups=table.groups,
            split=np.full(len(table), "test"),
            truth=np.asarray(table.target),
        )
        write_results(folder, record)
