"""The bundle of a study of survival: the linear predictor as a network, the baseline hazard in the card."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import (
    Card,
    Column,
    DataSource,
    Decision,
    Novelty,
    OutcomeColumns,
    Survival,
    TableInput,
    Task,
    Training,
    hash_groups,
    hash_rows,
)
from cancernet.models import build_linear, keras_library, with_normalisation
from cancernet.predict import fit_novelty
from cancernet.report.words import describe
from cancernet.studies.card import GENERAL_LIMITS, versions, write_bundle
from cancernet.studies.survival.fit import FoldFit
from cancernet.studies.survival.plan import SurvivalPlan
from cancernet.studies.survival.record import data_licence
from cancernet.studies.survival.words import comparison
from cancernet.survival import CoxModel, NetworkModel, SurvivalRecord

if TYPE_CHECKING:
    import keras

__all__ = ["make_survival_card", "write_survival_bundle"]

_WIDEST = 100  # columns from which on the distance to the training rows is not kept: its table grows with the square
_NO_EXTRAPOLATION = "Nothing is said of times beyond the follow-up of the training patients."
_COMPARED = 70
_COMPARED_BY = ("concordance_harrell", "concordance_uno", "integrated_brier")


def make_survival_card(plan: SurvivalPlan, final: FoldFit, record: SurvivalRecord) -> Card:
    """Return the card, without what parity checks measure; its limits say what Cox reached in the same folds."""
    study, share = plan.study, float(plan.outcome.event.mean())
    free, events = f"free of {plan.event}", plan.causes or (plan.event,)
    prior = {cause: float((plan.every.cause == code).mean()) for code, cause in enumerate(plan.causes, 1)}
    return Card(
        name=study.name,
        task=Task(kind="survival", classes=(free, *events)),
        input=_input(plan, final),
        decision=Decision(novelty=_novelty(plan, final)),
        survival=_part(plan, final),
        fusion=plan.fusion,
        prior={free: 1 - share, **(prior or {plan.event: share})},
        metrics=dict(record.metrics),
        training=_training(plan, final),
        data=DataSource(
            name=plan.table.name,
            source=Path(plan.table.source).name,
            licence=data_licence(plan),
            synthetic=plan.synthetic,
        ),
        weights_licence=study.licence or "not stated",
        intended_use=study.intended_use or "Research on data like those it was trained on.",
        limits=(*study.limits, *_beside_cox(record), _NO_EXTRAPOLATION, *GENERAL_LIMITS),
    )


def _beside_cox(record: SurvivalRecord) -> tuple[str, ...]:
    """Return what the ridge Cox model reached, and what this one gains over it; nothing where it is one."""
    if "cox" not in record.baselines:
        return ()
    told = (f"{describe(name).label} {record.baselines['cox'][name].format()}" for name in _COMPARED_BY)
    return (
        f"The ridge Cox model on the same columns reached, in the same folds: {'; '.join(told)}.",
        comparison("cox", record.differences["cox"]),
    )


def write_survival_bundle(folder: Path, card: Card, plan: SurvivalPlan, *, final: FoldFit) -> Card:
    """Write the bundle whose logit is the linear predictor; see `write_bundle`."""
    sample = final.medians.apply(plan.table.values)[:_COMPARED]
    return write_bundle(folder, card, _network(final.model), sample, sources=plan.sources())


def _row_hashes(plan: SurvivalPlan, rows: NDArray[np.int64], salt: str) -> tuple[str, ...]:
    """Return hashes of rows of continuous columns; none of answers of sources, which are not met again."""
    told = plan.audit.resolution.continuous and plan.fusion is None
    return hash_rows(plan.table.values[rows], salt) if told else ()


def _part(plan: SurvivalPlan, final: FoldFit) -> Survival:
    """Return how logits become curves."""
    model = final.model
    chosen: dict[str, Any] = {
        "asked": tuple(plan.times.tolist()),
        "cuts": tuple(final.cuts.tolist()),
        "outcome": _columns(plan),
    }
    if isinstance(model, NetworkModel):
        return model.part.model_copy(update=chosen)
    times, hazard = (tuple(part.tolist()) for part in (model.baseline.times, model.baseline.hazard))
    return Survival(form="cox", unit=plan.outcome.unit, times=times, hazard=hazard, end=model.baseline.end, **chosen)


def _columns(plan: SurvivalPlan) -> OutcomeColumns:
    """Return how the outcome stood in the table."""
    data = plan.study.data
    return OutcomeColumns(time=data.time, event=data.event, codes=data.codes, causes=plan.every.causes)


def _network(model: CoxModel | NetworkModel) -> keras.Model:
    """Return the network of the bundle: of a Cox model the linear predictor of raw columns."""
    if isinstance(model, NetworkModel):
        return model.network()
    core = build_linear(len(model.mean), 1)
    core.get_layer("logits").set_weights([model.coefficients[:, None].astype(np.float32), np.zeros(1, np.float32)])
    return with_normalisation(core, mean=model.mean, variance=model.scale**2)


def _input(plan: SurvivalPlan, final: FoldFit) -> TableInput:
    """Return what the bundle takes."""
    columns = tuple(Column(name=feature.name, unit=feature.unit) for feature in plan.table.features)
    fills = plan.study.data.missing == "median"
    return TableInput(columns=columns, medians=tuple(final.medians.values.tolist()) if fills else None)


def _novelty(plan: SurvivalPlan, final: FoldFit) -> Novelty | None:
    """Return what rows unlike the training rows are told by; None of very many columns."""
    if len(plan.table.features) > _WIDEST:
        return None
    rows = final.fold.train
    return fit_novelty(final.medians.apply(plan.table.values[rows]), rows=f"{len(rows)} training rows")


def _training(plan: SurvivalPlan, final: FoldFit) -> Training:
    """Return where the coefficients come from, and hashes of all rows that they have seen."""
    rows = np.concatenate([final.fold.train, final.fold.validation])
    salt, groups, named = secrets.token_hex(16), plan.table.groups[rows], plan.table.group_column != "row"
    return Training(
        versions=versions(),
        backend=keras_library().backend.backend(),
        seed=plan.study.training.seed,
        epochs=0 if isinstance(final.model, CoxModel) else max(final.model.epochs),
        networks=1 if isinstance(final.model, CoxModel) else len(final.model.members),
        date=datetime.now(UTC).date().isoformat(),
        rows=len(rows),
        groups=len(np.unique(groups)),
        salt=salt,
        group_hashes=hash_groups(groups.tolist(), salt) if named else (),
        row_hashes=_row_hashes(plan, rows, salt),
    )
