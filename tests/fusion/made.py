"""Runs made by hand: a bundle that engines open, and the out-of-fold answers of a model with a known signal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pandas as pd

from bundle.made import made_bundle, made_card, made_keras, made_onnx
from cancernet.bundle import Card, Column, Survival, TableInput, Task, Training, hash_groups, write
from cancernet.tasks import softmax

CLASSES = ("alpha", "beta", "gamma")
UNSEEN = ("elsewhere",)


def made_training(patients=UNSEEN) -> Training:
    """Return where weights come from that have seen these patients."""
    return Training(
        versions={},
        backend="tensorflow",
        seed=0,
        epochs=0,
        date="2026-01-01",
        rows=9,
        groups=9,
        salt="s",
        group_hashes=hash_groups(patients, "s"),
    )


def made_people(n: int = 90, *, folds: int = 3, seed: int = 2) -> pd.DataFrame:
    """Return patients with a hidden class and two independent hints at it, each tested in a fold."""
    generator = np.random.default_rng(seed)
    codes = np.arange(n) % len(CLASSES)
    hints = {name: np.eye(3)[codes] * 1.5 + generator.normal(size=(n, 3)) for name in ("first", "second")}
    frame = pd.DataFrame({"group": [f"p{row:03d}" for row in range(n)], "truth": np.array(CLASSES)[codes]})
    for name, logits in hints.items():
        shares = softmax(1.5 * logits)
        frame[[f"{name}_{label}" for label in CLASSES]] = shares
    risk = generator.normal(size=(n, 2))
    death = generator.exponential(40 / np.exp(risk.sum(axis=1)))
    left = generator.uniform(5, 120, size=n)
    frame[["risk_first", "risk_second"]] = risk
    frame["time"], frame["event"] = np.minimum(death, left) + 0.01, (death <= left).astype(int)
    return frame.assign(fold=generator.permutation(n) % folds + 1)


def class_run(folder: Path, people: pd.DataFrame, hint: str = "first", **changes) -> Path:
    """Write a run that tells classes: its bundle, and its predictions."""
    card = made_card(("one", "two", "three", "four"), CLASSES, **{"training": made_training(), **changes})
    made_bundle(folder / "bundle", card)
    told = people[["group", "fold", "truth"]].assign(id=people["group"] + "-a", split="test", fold=people["fold"])
    for label in CLASSES:
        told[f"p_{label}"] = people[f"{hint}_{label}"].round(7)
    told.to_csv(folder / "predictions.csv", index=False)
    return folder


def timed_card(name: str = "timed", *, event: str = "death", unit: str = "months") -> Card:
    """Return a card of survival with four columns."""
    part = Survival(form="cox", unit=unit, times=(1.0, 50.0), hazard=(0.1, 0.9), end=119.0, asked=(20.0, 40.0))
    classes = (f"free of {event}", event)
    columns = TableInput(columns=tuple(Column(name=name) for name in ("one", "two", "three", "four")))
    task = Task(kind="survival", classes=classes)
    return made_card(classes=classes, name=name, task=task, survival=part, input=columns, training=made_training())


def write_by_hand(folder: Path, card: Card, *, logits: int, sources=None) -> Path:
    """Write a bundle of two dense layers with so many logits."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    keras_file, onnx_file = made_keras(folder.with_name("made.keras")), folder.with_name("made.onnx")
    onnx.save(made_onnx(len(card.input.columns), logits), onnx_file)
    write(folder, card, keras_file=keras_file, onnx_file=onnx_file, sources=sources)
    return folder


def timed_run(folder: Path, people: pd.DataFrame, hint: str = "first", **changes) -> Path:
    """Write a run of survival."""
    write_by_hand(folder / "bundle", timed_card(**changes), logits=1)
    told = people[["group", "time", "event"]].assign(
        id=people["group"], split="test", fold=people["fold"] - 1, repeat=0
    )
    told.assign(risk=people[f"risk_{hint}"]).to_csv(folder / "predictions.csv", index=False)
    return folder
