"""What each part of the network gives on `idc`: with and without it, three weight seeds, pooled folds by patient.

The variants are feature extractors of stock layers in `.keras` files, as a user would make them, with the same head.
Folds are kept in build/benchmarks/ablation and taken up again; all of them take hours on two cores. Choose some with
`CANCERNET_BENCH="all random" python -m benchmarks ablation`.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.page import table
from cancernet import studies
from cancernet.estimate import Estimate
from cancernet.files import read_json, write_json
from cancernet.metrics import measure as measure_scored
from cancernet.metrics import paired_difference
from cancernet.models import keras_library
from cancernet.studies.decide import conclude, limits_of
from cancernet.studies.patches.folds import fit_folds
from cancernet.studies.pooled import pool
from cancernet.studies.train import make_plan

SEEDS, EPOCHS = (0, 1, 2), 5
KEPT = Path("build", "benchmarks", "ablation")
BLOCKS = ((1, 32), (2, 64), (3, 128))  # convolutions and filters, as in cancernet8
METRICS = ("auroc", "balanced_accuracy", "f1", "brier")


@dataclass(frozen=True)
class Variant:
    """One network: how it is called, what it is made of, and how patches are split."""

    words: str
    separable: bool = True
    normalised: bool = True
    dropout: float = 0.1  # after each max pooling; three times as much before the dense layers
    convolutions: bool = True
    group: str | None = None

    def save(self, path: Path) -> None:
        """Write the extractor."""
        layers = keras_library().layers
        stack: list[Any] = [keras_library().Input((50, 50, 3))]
        for number, (count, filters) in enumerate(BLOCKS, start=1):
            stack += self._block(number, count, filters)
        if not self.convolutions:
            stack[1:] = [layers.AveragePooling2D(2), layers.Flatten(), layers.Dense(128, activation="relu")]
        keras_library().Sequential(stack).save(path)

    def _block(self, number: int, count: int, filters: int) -> list[Any]:
        """Return the layers of one block."""
        layers = keras_library().layers
        kind = layers.SeparableConv2D if self.separable else layers.Conv2D
        starts = (
            {f"{part}_initializer": "he_normal" for part in ("depthwise", "pointwise")}
            if self.separable
            else {"kernel_initializer": "he_normal"}
        )
        stack: list[Any] = []
        for place in range(count):
            name = f"{number}_{place + 1}"
            stack.append(kind(filters, 3, padding="same", use_bias=not self.normalised, name=f"conv{name}", **starts))
            stack += [layers.BatchNormalization(momentum=0.9, name=f"normal{name}")] * self.normalised
            stack.append(layers.ReLU(name=f"relu{name}"))
        stack.append(layers.MaxPooling2D(2, padding="same", name=f"pool{number}"))
        return [*stack, layers.Dropout(self.dropout, name=f"drop{number}")]


VARIANTS = {
    "all": Variant("all parts, as cancernet8"),
    "ordinary": Variant("ordinary convolutions in place of separable ones", separable=False),
    "unnormalised": Variant("without batch normalisation", normalised=False),
    "undropped": Variant("without dropout", dropout=0.0),
    "dense": Variant("without convolutions: dense layers on the pixels", convolutions=False),
    "random": Variant("all parts, split by patch and not by patient", group="row"),
}


def measure() -> str:
    """Return the metrics of each variant by seed, and the paired differences from the network with all parts."""
    os.environ.setdefault("CANCERNET_DATA", str(Path("..", "shared", "data").resolve()))
    names = os.environ.get("CANCERNET_BENCH", " ".join(VARIANTS)).split()
    found = {name: [_result(name, seed) for seed in SEEDS] for name in names}
    head = ["network", "weights", *(f"{metric}, seed {seed}" for metric in METRICS[:1] for seed in SEEDS)]
    rows = [
        [VARIANTS[name].words, f"{runs[0]['weights']:,}", *(_cell(run["metrics"]["auroc"]) for run in runs)]
        for name, runs in found.items()
    ]
    return "\n\n".join([table(head, rows), _others(found), _gains(found)])


def _others(found: dict[str, list[dict[str, Any]]]) -> str:
    """Return the other metrics: mean over the seeds."""
    rows = [
        [VARIANTS[name].words, *(f"{_mean(runs, metric):.4f}" for metric in METRICS[1:])]
        for name, runs in found.items()
    ]
    return table(["network, mean over the seeds", *METRICS[1:]], rows)


def _gains(found: dict[str, list[dict[str, Any]]]) -> str:
    """Return the differences of AUROC from the network with all parts, on the same patches."""
    rows = [
        [VARIANTS[name].words, *(_cell(run["difference"]) for run in runs)]
        for name, runs in found.items()
        if runs[0]["difference"]
    ]
    return table(["minus all parts: AUROC", *(f"seed {seed}" for seed in SEEDS)], rows)


def _mean(runs: Sequence[dict[str, Any]], metric: str) -> float:
    """Return the mean of a metric over the seeds."""
    return sum(run["metrics"][metric]["value"] for run in runs) / len(runs)


def _result(name: str, seed: int) -> dict[str, Any]:
    """Return metrics of a variant, kept in a file once they are known."""
    kept = KEPT / f"{name}-{seed}.json"
    if not kept.is_file():
        write_json(kept, _measured(name, seed))
    found: dict[str, Any] = read_json(kept)
    print(name, seed, _cell(found["metrics"]["auroc"]), flush=True)
    return found


def _measured(name: str, seed: int) -> dict[str, Any]:
    """Fit the folds of a variant and measure them, beside the network with all parts on the same folds."""
    scored, weights = _scored(name, seed)
    compared = VARIANTS[name].group is None and name != "all"
    gain = paired_difference(scored, _scored("all", seed)[0], metrics=("auroc",), draws=1000) if compared else {}
    metrics = {metric: estimate.to_dict() for metric, estimate in measure_scored(scored, draws=1000).items()}
    return {
        "weights": weights,
        "metrics": {metric: metrics[metric] for metric in METRICS},
        "difference": gain["auroc"].to_dict() if gain else None,
    }


def _scored(name: str, seed: int) -> tuple[Any, int]:
    """Return the pooled test rows of a variant, and its number of weights; folds that are kept are not fitted again."""
    variant, work = VARIANTS[name], KEPT / f"{name}-{seed}"
    work.mkdir(parents=True, exist_ok=True)
    extractor = (KEPT / f"{name}.keras").resolve()
    if not extractor.is_file():
        variant.save(extractor)
    plan = make_plan(_study(variant, extractor, seed))
    learner = plan.learner()
    folds, _ = fit_folds(plan, learner, work=work, finished=_told(name, seed))
    results = conclude(plan, folds, view="none", limits=limits_of(plan))
    return pool(plan, results).scored, learner.parameters


def _study(variant: Variant, extractor: Path, seed: int) -> studies.Study:
    """Return the study `idc` with another network."""
    dropout = min(3 * variant.dropout, 0.9)
    settings = [f"training.seed={seed}", f"training.epochs={EPOCHS}", "training.test_time=none"]
    settings += [f'data.group="{variant.group}"'] if variant.group else []
    fields = studies.find_study("studies/idc.toml", settings=settings).to_dict()
    model = {"backbone": str(extractor), "weights": "random", "frozen": False, "scale": "-1..1", "dropout": dropout}
    return studies.study_from({**fields, "model": model})


def _told(name: str, seed: int) -> Callable[[int], None]:
    """Return what says how many folds are done."""
    return lambda done: print(f"{name} {seed}: {done} folds", flush=True)


def _cell(fields: dict[str, Any] | None) -> str:
    """Return a number with its interval."""
    return "-" if fields is None else Estimate.from_dict(fields).format(4)
