"""The bundle of a run: its card, and the files of its network, exported and held against Keras."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from cancernet import bundle
from cancernet.bundle import Card, DataSource, Execution, Training, hash_groups
from cancernet.engine import check_parity, export_onnx, float32_clone
from cancernet.estimate import Estimate
from cancernet.files import storage_errors
from cancernet.models import keras_library
from cancernet.studies.final import Final
from cancernet.studies.plan import Plan

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

__all__ = ["GENERAL_LIMITS", "licence_of", "make_card", "versions", "write_bundle"]

GENERAL_LIMITS = (
    "Measured on cases of the same source as the training data: another laboratory, population or way of measuring "
    "may give other numbers.",
    "For research only, not a medical device; no decision about a patient may rest on it.",
)
_MOST_HASHES = 100_000  # rows: 2 MB of the card
_PACKAGES = ("cancernet", "keras", "tensorflow", "tensorflow-cpu", "jax", "openvino", "numpy", "scikit-learn")


def make_card(plan: Plan, final: Final, metrics: Mapping[str, Estimate]) -> Card:
    """Return the card, without what parity checks measure."""
    study, table = plan.study, plan.table
    counts = np.bincount(plan.cohort.codes[final.calibration_rows], minlength=len(plan.task.classes))
    return Card(
        name=study.name,
        task=plan.task,
        input=plan.card_input(final.rows),
        engine=plan.execution(final.test_time),
        decision=final.decision,
        fusion=plan.fusion,
        prior=dict(zip(plan.task.classes, (counts / counts.sum()).tolist(), strict=True)),
        metrics=dict(metrics),
        training=_training(plan, final),
        data=DataSource(
            name=table.name, source=_source_of(table.source), licence=licence_of(plan), synthetic=plan.synthetic
        ),
        weights_licence=study.licence or "not stated",
        intended_use=study.intended_use or "Research on data like those it was trained on.",
        limits=(*study.limits, *GENERAL_LIMITS),
    )


def _source_of(source: str) -> str:
    """Return where the data are from; of a file or folder its name only: paths tell of a machine, and of its users."""
    if not source:
        return "not stated"
    return source if "://" in source or not Path(source).exists() else Path(source).name


def licence_of(plan: Plan) -> str:
    """Return the licence of the data: what they say themselves, or what the study says of them."""
    return plan.table.licence or plan.study.data_licence or "not stated"


def write_bundle(
    folder: Path,
    card: Card,
    model: keras.Model,
    sample: NDArray[Any],
    *,
    sources: Mapping[str, Path] | None = None,
) -> Card:
    """Write a bundle whose engines agree with Keras, and return its card with what the check measured.

    Parameters
    ----------
    folder
        The bundle.
    card
        Of `make_card`.
    model
        Takes raw cases, gives logits.
    sample
        Complete cases, (n, ...), on which engines and Keras are compared.
    sources
        Bundles that go into a fused one, by name.

    Raises
    ------
    BundleMismatch
        When an engine differs from Keras by more than the tolerance of the card.
    """
    with storage_errors(folder), TemporaryDirectory() as temporary:
        keras_file, onnx_file = Path(temporary, "model.keras"), Path(temporary, "model.onnx")
        model = float32_clone(model)
        model.save(keras_file)
        export_onnx(model, onnx_file)
        parity = check_parity(
            lambda values: np.asarray(model.predict(values, verbose=0)),
            onnx_file,
            sample=sample,
            execution=card.engine,
            kind=card.task.kind,
        )
        card = card.model_copy(update={"engine": Execution(**{**card.engine.model_dump(), "parity": parity})})
        bundle.write(folder, card, keras_file=keras_file, onnx_file=onnx_file, sources=sources)
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
    return Training(
        versions=versions(),
        backend=keras_library().backend.backend(),
        seed=plan.study.training.seed,
        epochs=final.epochs,
        networks=final.networks,
        start=plan.start_words(),
        date=datetime.now(UTC).date().isoformat(),
        rows=len(final.rows),
        groups=len(np.unique(plan.cohort.groups[final.rows])),
        salt=salt,
        group_hashes=hash_groups(groups.tolist(), salt) if named else (),
        row_hashes=plan.hashes(seen, salt) if len(seen) <= _MOST_HASHES else (),
    )
