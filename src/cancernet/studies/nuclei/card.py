"""The bundle of a study of nuclei."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from cancernet.bundle import Card, DataSource, Decision, Task, Training, hash_groups
from cancernet.estimate import Estimate
from cancernet.models import keras_library
from cancernet.studies.card import GENERAL_LIMITS, versions
from cancernet.studies.nuclei.fit import FittedNuclei, execution_of
from cancernet.studies.nuclei.plan import NucleiPlan

__all__ = ["nuclei_card"]


def nuclei_card(plan: NucleiPlan, fitted: FittedNuclei, metrics: Mapping[str, Estimate]) -> Card:
    """Return the card, without what parity checks measure."""
    study = plan.study
    return Card(
        name=study.name,
        task=Task(kind="segmentation", classes=study.classes),
        input=plan.taken,
        engine=execution_of(plan),
        decision=Decision(outlining=fitted.outlining),
        prior=_shares(plan),
        metrics=dict(metrics),
        training=_training(plan),
        data=DataSource(
            name=plan.table.name, source=Path(study.data.source).name, licence=study.data_licence or "not stated"
        ),
        weights_licence=study.licence or "not stated",
        intended_use=study.intended_use or "Research on images like those it was trained on.",
        limits=(*study.limits, *GENERAL_LIMITS),
    )


def _shares(plan: NucleiPlan) -> dict[str, float]:
    """Return the share of the training pixels of each class."""
    counts = sum(np.bincount(field.classes.ravel(), minlength=len(plan.study.classes)) for field in plan.fields)
    shares = np.asarray(counts) / np.sum(counts)
    return dict(zip(plan.study.classes, shares.tolist(), strict=True))


def _training(plan: NucleiPlan) -> Training:
    """Return where the weights come from."""
    options, salt = plan.study.training, secrets.token_hex(16)
    named = plan.table.group_column != "row"
    return Training(
        versions=versions(),
        backend=keras_library().backend.backend(),
        seed=options.seed,
        epochs=options.epochs,
        start="" if options.start is None else Path(options.start).name,
        date=datetime.now(UTC).date().isoformat(),
        rows=len(plan.fields),
        groups=len(np.unique(plan.table.groups)),
        salt=salt,
        group_hashes=hash_groups(plan.table.groups.tolist(), salt) if named else (),
    )
