"""Records for the tests of the report: small, from real metrics, without a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.data import Feature, Table
from cancernet.metrics import (
    Scored,
    baseline_logits,
    fit_conformal,
    measure,
    measure_at,
    paired_difference,
    prediction_sets,
    predictive_values,
)
from cancernet.report import Importance, RunRecord
from cancernet.tasks import probabilities

DRAWS = 60  # the intervals are shown here, not judged


def make_table(
    labels: NDArray[Any], *, names: tuple[str, ...] = ("size", "shape_of_edge", "texture", "grey"), seed: int = 0
) -> Table:
    """Return a table whose first features tell the classes apart and whose last ones do not."""
    random = np.random.default_rng(seed)
    codes = np.unique(labels, return_inverse=True)[1]
    strengths = np.linspace(2.0, 0.0, len(names))
    values = random.normal(size=(len(labels), len(names))) + codes[:, None] * strengths
    ids = np.array([f"case-{row}" for row in range(len(labels))])
    features = tuple(Feature(name, "um" if place == 0 else "") for place, name in enumerate(names))
    return Table("made", features, values, ids, ids, np.asarray(labels, dtype=str), "label", "row", "made here", "CC0")


def score(logits: NDArray[Any], truth: NDArray[Any], classes: tuple[str, ...], positive: str | None) -> Scored:
    """Return the answers to rows of their own groups, with conformal sets."""
    shares = probabilities(logits)
    predicted, groups = shares.argmax(axis=1), np.array([f"g{row}" for row in range(len(truth))])
    sets = prediction_sets(shares, fit_conformal(shares, truth, coverage=0.95, groups=groups), predicted)
    return Scored(truth, shares, predicted, groups, classes, positive, sets)


def make_record(
    classes: tuple[str, ...] = ("B", "M"), positive: str | None = "M", *, rows: int = 120, seed: int = 0, **changes: Any
) -> RunRecord:
    """Return a full record: a noisy logistic regression plays the network."""
    random = np.random.default_rng(seed)
    codes = np.arange(rows) % len(classes)
    table = make_table(np.array(classes)[codes], seed=seed)
    codes = np.asarray(table.codes(classes))
    logits = baseline_logits("logistic", table.values, codes, table.values, classes=classes)
    network = score(logits + random.normal(scale=0.4, size=logits.shape), codes, classes, positive)
    rivals = {
        "logistic regression": score(logits, codes, classes, positive),
        "majority": score(
            baseline_logits("majority", table.values, codes, table.values, classes=classes), codes, classes, positive
        ),
    }
    folds = tuple(measure(network.take(np.arange(rows) % 3 == fold), draws=DRAWS) for fold in range(3))
    record = RunRecord(
        name="made",
        kind="train",
        title="A made study",
        facts=(("Data", "made"), ("Model", "conv1d"), ("Seed", "7"), ("Date", "2025-01-01")),
        statements=("The network is not better than logistic regression.",),
        data_notes=("The features are laid out as 4 x 1.",),
        table=table,
        scored=network,
        metrics=measure(network, draws=DRAWS),
        validation=measure(network.take(np.arange(0, rows, 2)), draws=DRAWS),
        folds=folds,
        baselines={name: measure(scored, draws=DRAWS) for name, scored in rivals.items()},
        baseline_scored=rivals,
        differences={name: paired_difference(network, scored, draws=DRAWS) for name, scored in rivals.items()},
        leak_audit={"shared_groups": 0, "identical_rows": [], "rate": 0.0125, "near": None, "grouped": True},
        leak_sentences=("No group stands on two sides of a split.",),
        history=make_history(),
        importance=tuple(
            Importance(name, replace(folds[0]["accuracy"], value=0.2 / place, low=0.1 / place, high=0.3 / place))
            for place, name in enumerate(table.feature_names, 1)
        ),
        importance_metric="accuracy",
        limits=("Made data.",),
        licences=(("the data", "CC0"),),
        synthetic=True,
    )
    binary = _binary_parts(network) if positive is not None else {}
    return replace(record, **(binary | changes))


def _binary_parts(network: Scored) -> dict[str, Any]:
    """Return what only a binary record has."""
    metrics = measure_at(network, 0.5)
    pairs = {share: predictive_values(metrics["sensitivity"], metrics["specificity"], share) for share in (0.01, 0.4)}
    return {
        "operating_points": {"balanced": metrics, "sensitivity = 0.95": measure_at(network, 0.2)},
        "threshold": 0.5,
        "threshold_rule": "balanced",
        "prevalence": {str(share): {"ppv": ppv, "npv": npv} for share, (ppv, npv) in pairs.items()},
    }


def make_history(fits: int = 3) -> tuple[dict[str, float | int | str], ...]:
    """Return losses that fall; later fits stop earlier."""
    return tuple(
        {
            "repeat": 0,
            "fold": fit,
            "inner": "",
            "epoch": epoch,
            "loss": 0.7 / epoch,
            "val_loss": 0.8 / epoch + 0.01 * epoch,
        }
        for fit in range(fits)
        for epoch in range(1, 12 - 2 * fit)
    )
