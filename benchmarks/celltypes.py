"""Types of nuclei on CoNSeP, over nuclei that were found: five folds by image.

Crops are made by the command at the top of `studies/consep-types.toml`, into the folder CANCERNET_SETS.
CancerNet is fitted on the given nuclei of the training images, with the folds, the options and the seeds of that study;
so is a logistic regression on the measurements of the same nuclei. Both then name the nuclei that were found in the
test images: without a network, and by `studies/consep.toml`, whose network has not seen the image either. Weights and
outlines are kept in build/benchmarks/types, apart for each state of the studies. `studies/consep.toml` starts from
runs/monuseg/bundle.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.cells import RADIUS_UM, Case, consep
from benchmarks.page import table
from cancernet import studies
from cancernet.cells import Classical, cut_crops, measure_nuclei
from cancernet.cells.measure import measured_columns
from cancernet.data import Fold
from cancernet.engine import Engine, load_network, run_in_batches
from cancernet.metrics import DETECTION, Named, TypeCounts, baseline_logits, count_named, measure_named
from cancernet.studies.nuclei.fit import fit_nuclei
from cancernet.studies.nuclei.plan import NucleiPlan, make_nuclei_plan
from cancernet.studies.patches.plan import PatchPlan, make_patch_plan
from cancernet.training import FittedPatches, execution_of, seed_of

KEPT = Path("build", "benchmarks", "types")
STUDY = "studies/consep-types.toml"
PUBLISHED = {"detection": 0.748, "epithelial": 0.635, "inflammatory": 0.631, "spindle": 0.566, "other": 0.426}
FLOORS = {"epithelial": 0.55, "inflammatory": 0.55, "spindle": 0.45}
NETWORK, MEASURED, BOTH = "CancerNet", "logistic regression on measurements", "both, mean of logits"
GIVEN, CLASSICAL, FOUND = "given", "without a network", "network, other images"

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def measure() -> str:
    """Return F1 of all ways, over given and found nuclei."""
    plan = make_patch_plan(studies.find_study(STUDY))
    given, codes, names = _given(plan), plan.cohort.codes, plan.task.classes
    images, outlines = {case.group: case for case in consep()}, _outlines()
    counts: dict[tuple[str, str], list[TypeCounts]] = {}
    order = []
    for fold, network in _networks(plan):
        tested = sorted(set(given["group"].to_numpy()[fold.test]))
        order += tested
        parts = [part for group in tested for part in _found(images[group], given[given["group"] == group], outlines)]
        answers = _answers(network, plan, parts, train=given.iloc[fold.train], codes=codes[fold.train])
        for part, by_way in zip(parts, answers, strict=True):
            here = given["group"] == part.case.group
            truth = Named(_centres(given[here]), codes[here])
            for way, logits in by_way.items():
                found = Named(_centres(part.nuclei), logits.argmax(axis=1))
                one = count_named(truth, found, classes=len(names), radius=RADIUS_UM)
                counts.setdefault((part.outlined, way), []).append(one)
    return _page(counts, order, names)


def _given(plan: PatchPlan) -> pd.DataFrame:
    """Return the given nuclei with their types and measurements, in the order of the study."""
    given = pd.read_csv(_crops() / "manifest.csv", dtype={"group": str})
    return given.set_index("path").loc[plan.table.ids].reset_index()


def _crops() -> Path:
    """Return the folder of the crops."""
    return Path(os.environ.get("CANCERNET_SETS") or "sets", "consep")


def _kept(plan: PatchPlan | NucleiPlan) -> Path:
    """Return where fits and outlines of a study lie; those of another state of it are not taken for its own."""
    place = KEPT / f"{plan.study.name}-{plan.digest[:16]}"
    place.mkdir(parents=True, exist_ok=True)
    return place


def _networks(plan: PatchPlan) -> Iterator[tuple[Fold, Engine]]:
    """Yield each fold with an engine of its network, fitted once."""
    learner, options = plan.learner(), plan.study.training
    for fold in plan.split.folds:
        place = _kept(plan) / f"fold{fold.number}.npz"
        if not place.is_file():
            seed = seed_of(options.seed, fold.repeat, fold.number)
            np.savez(place, *learner.fit(fold.train, seed=seed).weights)
        with np.load(place) as arrays:
            weights = [arrays[f"arr_{number}"] for number in range(len(arrays.files))]
        model = learner.model([FittedPatches(weights, options.epochs, ())])
        with load_network(model, execution_of(options)) as engine:
            yield fold, engine


@dataclass(frozen=True)
class Part:
    """The nuclei of an image, as one of the ways outlines them."""

    outlined: str
    case: Case
    nuclei: pd.DataFrame


def _found(case: Case, given: pd.DataFrame, outlines: Path) -> Iterator[Part]:
    """Yield the nuclei of an image, measured: those given, and those found in two ways."""
    classical, network = KEPT / f"classical-{case.group}.npy", outlines / f"{case.group}.npy"
    if not classical.is_file():
        np.save(classical, Classical().labels(case.image, mpp=case.mpp))
    yield Part(GIVEN, case, given)
    yield Part(CLASSICAL, case, _measured(case, classical))
    yield Part(FOUND, case, _measured(case, network))


def _outlines() -> Path:
    """Return the folder of what the segmenter finds in the images that it has not seen, fitted once in five folds."""
    plan = make_nuclei_plan(studies.find_study("studies/consep.toml"))
    place = _kept(plan)
    if not all((place / f"{field.group}.npy").is_file() for field in plan.fields):
        for answer in fit_nuclei(plan, studies.Progress(), work=place).answers:
            np.save(place / f"{plan.fields[answer.field].group}.npy", answer.labels)
    return place


def _measured(case: Case, place: Path) -> pd.DataFrame:
    """Return the nuclei of an image, measured once."""
    rows = place.with_suffix(".parquet")
    if not rows.is_file():
        measure_nuclei(case.image, np.load(place), mpp=case.mpp).table.to_parquet(rows)
    return pd.read_parquet(rows)


def _answers(
    network: Engine, plan: PatchPlan, parts: Sequence[Part], *, train: pd.DataFrame, codes: Ints
) -> Iterator[dict[str, Floats]]:
    """Yield the logits of each way for the nuclei of each part."""
    columns, names = list(measured_columns()), plan.task.classes
    middle = train[columns].median()
    known, new = (table[columns].fillna(middle) for table in (train, pd.concat([part.nuclei for part in parts])))
    measured = baseline_logits("logistic", known, codes, new, classes=names)
    ends = np.cumsum([len(part.nuclei) for part in parts])
    for part, own in zip(parts, np.split(measured, ends[:-1]), strict=True):
        scale = float(train["mpp"].iloc[0]) / part.case.mpp
        centres = _centres(part.nuclei) / part.case.mpp
        crops = cut_crops(part.case.image, centres, size=network.shapes["input"][1], scale=scale)
        logits = run_in_batches(network, crops).logits.astype(np.float64)
        normal = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        shares = np.bincount(codes, minlength=len(names)).astype(np.float64)
        yield {NETWORK: logits, MEASURED: own, BOTH: (normal + own) / 2, "majority": np.tile(shares, (len(own), 1))}


def _centres(nuclei: pd.DataFrame) -> Floats:
    """Return centres in microns."""
    return nuclei[["x_um", "y_um"]].to_numpy(np.float64)


def _page(counts: dict[tuple[str, str], list[TypeCounts]], order: Sequence[str], names: Sequence[str]) -> str:
    """Return the tables."""
    rows = []
    for (outlined, way), some in counts.items():
        found = measure_named(some, order, names=names)
        rows.append([outlined, way, *(found[name].format() for name in (DETECTION, *names))])
    rows.append(["HoVer-Net (read)", "its own", *(f"{PUBLISHED[name]:.3f}" for name in (DETECTION, *names))])
    rows.append(["floor", "", "", *(f"{FLOORS.get(name, float('nan')):.2f}".replace("nan", "-") for name in names)])
    head = ["nuclei", "types by", "F_d", *(f"F {name}" for name in names)]
    parts = [table(head, rows), _confusion(counts)]
    return "\n\n".join(parts)


def _confusion(counts: dict[tuple[str, str], list[TypeCounts]]) -> str:
    """Return how many pairs and misses there are, of CancerNet."""
    rows = []
    for (outlined, way), some in counts.items():
        if way == NETWORK:
            total = np.sum([one.per_type for one in some], axis=0)
            pairs, false, missed = (sum(getattr(one, name) for one in some) for name in ("pairs", "false", "missed"))
            share = f"{total[:, 0].sum() / pairs:.3f}"
            rows.append([outlined, str(pairs), str(false), str(missed), share])
    return table(["nuclei, types by CancerNet", "pairs", "found only", "missed", "pairs named rightly"], rows)
