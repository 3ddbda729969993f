"""The bundle of a run: its card, and the files of its network, exported and held against Keras."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from cancernet import bundle
from cancernet.bundle import Card, Column, DataSource, Decision, Execution, TableInput, Training, hash_groups, hash_rows
from cancernet.data import Medians
from cancernet.engine import check_parity, export_onnx
from cancernet.estimate import Estimate
from cancernet.files import storage_errors
from cancernet.models import keras_library
from cancernet.studies.plan import Plan

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

__all__ = ["GENERAL_LIMITS", "Final", "make_card", "versions", "write_bundle"]

GENERAL_LIMITS = (
    "Measured on cases of the same source as the training data: another laboratory, population or way of measuring "
    "may give other numbers.",
    "For research only, not a medical device; no decision about a patient may rest on it.",
)
_MOST_HASHES = 100_000  # rows: 2 MB of the card
_PACKAGES = ("cancernet", "keras", "tensorflow", "tensorflow-cpu", "jax", "openvino", "numpy", "scikit-learn")


class Final:
    """The network of the bundle.

    Parameters
    ----------
    model
        Takes raw columns, gives logits.
    decision
        How its logits become answers, with the limits of its training rows.
    rows
        Row numbers that its weights have seen.
    calibration_rows
        Row numbers that the decision was fitted on.
    epochs
        Of its fit.
    """

    def __init__(
        self,
        model: keras.Model,
        decision: Decision,
        *,
        rows: NDArray[np.int64],
        calibration_rows: NDArray[np.int64],
        epochs: int,
    ) -> None:
        self.model, self.decision, self.epochs = model, decision, epochs
        self.rows, self.calibration_rows = rows, calibration_rows


def make_card(plan: Plan, final: Final, metrics: Mapping[str, Estimate]) -> Card:
    """Return the card, without what parity checks measure."""
    study, table = plan.study, plan.table
    counts = np.bincount(plan.cohort.codes[final.calibration_rows], minlength=len(plan.task.classes))
    medians = Medians.fit(table.values[final.rows]).values if study.data.missing == "median" else None
    return Card(
        name=study.name,
        task=plan.task,
        input=TableInput(
            columns=tuple(Column(name=feature.name, unit=feature.unit) for feature in table.features),
            medians=None if medians is None else tuple(medians.tolist()),
        ),
        decision=final.decision,
        prior=dict(zip(plan.task.classes, (counts / counts.sum()).tolist(), strict=True)),
        metrics=dict(metrics),
        training=_training(plan, final),
        data=DataSource(name=table.name, source=table.source or "not stated", licence=table.licence or "not stated"),
        weights_licence=study.licence or "not stated",
        intended_use=study.intended_use or "Research on data like those it was trained on.",
        limits=(*study.limits, *GENERAL_LIMITS),
    )


def write_bundle(folder: Path, card: Card, model: keras.Model, sample: NDArray[np.float64]) -> Card:
    """Write a bundle whose engines agree with Keras, and return its card with what the check measured.

    Parameters
    ----------
    folder
        The bundle.
    card
        Of `make_card`.
    model
        Takes raw columns, gives logits.
    sample
        Complete rows, (n, columns), on which engines and Keras are compared.

    Raises
    ------
    BundleMismatch
        When an engine differs from Keras by more than the tolerance of the card.
    """
    with storage_errors(folder), TemporaryDirectory() as temporary:
        keras_file, onnx_file = Path(temporary, "model.keras"), Path(temporary, "model.onnx")
        model.save(keras_file)
        export_onnx(model, onnx_file)
        parity = check_parity(
            lambda values: np.asarray(model.predict(values, verbose=0)), onnx_file, sample=sample, execution=card.engine
        )
        card = card.model_copy(update={"engine": Execution(**{**card.engine.model_dump(), "parity": parity})})
        bundle.write(folder, card, keras_file=keras_file, onnx_file=onnx_file)
    return card


def versions() -> dict[str, str]:
    """Return the versions of the packages that numbers may depend on."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _training(plan: Plan, final: Final) -> Training:
    """Return where the weights come from, and hashes of all rows that weights or calibration have seen."""
    salt, seen = secrets.token_hex(16), np.union1d(final.rows, final.calibration_rows)
    groups, named = plan.cohort.groups[seen], plan.table.group_column != "row"
    tell_rows = plan.audit.resolution.continuous and len(seen) <= _MOST_HASHES
    return Training(
        versions=versions(),
        backend=keras_library().backend.backend(),
        seed=plan.study.training.seed,
        epochs=final.epochs,
        date=datetime.now(UTC).date().isoformat(),
        rows=len(final.rows),
        groups=len(np.unique(plan.cohort.groups[final.rows])),
        salt=salt,
        group_hashes=hash_groups(groups.tolist(), salt) if named else (),
        row_hashes=hash_rows(plan.cohort.values[seen], salt) if tell_rows else (),
    )
