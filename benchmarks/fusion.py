"""Fusion on real patients: each source by itself, their stack, and the paired gain over the best one.

`python -m benchmarks.fusion tables FILE` makes the table of mutated genes that studies/metabric-mutations.toml reads;
`runs FOLDER` tells of runs that are there already, `figure FOLDER` draws them for docs/fusion.md; `simulated RUN` pairs
the patches of a run with rows of a blood panel, at random within the class: nothing about real people follows from it.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from benchmarks.page import table
from cancernet import studies
from cancernet.bundle import CHECKSUMS, load_card
from cancernet.estimate import Estimate
from cancernet.report import RunRecord, read_estimates

STUDIES = Path(__file__).parents[1] / "studies"
DATA = Path(os.environ.get("CANCERNET_DATA", "../shared/data")) / "tabular"
FUSIONS = {
    "metabric-fusion": ("metabric-clinical", "metabric-genes", "metabric-mutations"),
    "tcga-fusion": ("tcga-mrna", "tcga-mirna", "tcga-protein"),
}
FEWEST = 20  # patients with a mutation of a gene, so that a fold has some to learn from
SHOWN = {
    True: ("concordance_uno", "concordance_harrell", "integrated_brier"),
    False: ("macro_f1", "macro_auroc", "auroc", "accuracy", "nll"),
}
DRAWN = (
    ("metabric-fusion", "concordance_uno", "concordance (Uno), 95 % intervals over patients"),
    ("tcga-fusion", "macro_f1", "macro F1, 95 % intervals over patients"),
)
_FLAT = ("kaplan-meier", "majority")
PAIRINGS = (0, 1, 2)  # seeds, all of them shown
UNFITTED = ("kaplan-meier", "majority", "equal weights")

Columns = Mapping[str, Mapping[str, Estimate]]


def measure() -> str:
    """Train all sources and their fusions in a folder that is thrown away, and return their tables."""
    with TemporaryDirectory() as folder:
        before = Path.cwd()
        os.chdir(folder)
        try:
            write_mutations(Path("mutations.csv"))
            os.environ["MUTATIONS"] = str(Path("mutations.csv").resolve())
            for name in [name for fusion, sources in FUSIONS.items() for name in (*sources, fusion)]:
                studies.train(studies.read_study(STUDIES / f"{name}.toml"))
                print(name, flush=True)
            return describe_runs(Path("runs"))
        finally:
            os.chdir(before)


def write_mutations(path: Path) -> None:
    """Write the patients with a listed mutation, and which genes are mutated in them, with the outcome."""
    folder = DATA / "metabric"
    found = pd.read_csv(folder / "metabric_mutations.tsv", sep="\t")
    wide = pd.crosstab(found["patientId"], found["hugoGeneSymbol"]).clip(upper=1)
    wide = wide.loc[:, wide.sum() >= FEWEST]
    columns = ["patient_id", "os_months", "os_event_death"]
    patients = pd.read_csv(folder / "metabric_300genes_clinical.csv.gz", usecols=columns)
    patients.merge(wide, left_on="patient_id", right_index=True).to_csv(path, index=False)


def describe_runs(folder: Path) -> str:
    """Return the tables of the fusions in a folder of runs."""
    return "\n\n".join(_table(folder / name) for name in FUSIONS if (folder / name).is_dir())


def _table(run: Path) -> str:
    """Return one line for each source, the stack, and the gain over the best source."""
    found = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    stack = read_estimates(found["test"])
    others = {name: read_estimates(part) for name, part in found["baselines"].items()}
    names = [name for name in SHOWN["concordance_uno" in stack] if name in stack]
    sources = [name for name in others if name not in UNFITTED]
    best = max(sources, key=lambda name: others[name][names[0]].value or 0.0)
    gain = read_estimates(found["differences"][best])
    rows = [_row(name, others[name], names) for name in others]
    rows += [_row("**stack**", stack, names), _row(f"stack minus {best}", gain, names)]
    return f"### `{run.name}`\n\n{found['facts']['Data']}.\n\n{table(['5-fold, pooled', *names], rows)}"


def _row(name: str, found: Mapping[str, Estimate], metrics: Sequence[str]) -> list[str]:
    """Return one line of a table."""
    return [name, *(found[metric].format() if metric in found else "-" for metric in metrics)]


def simulated(run: Path) -> str:
    """Return the fusion of a blood panel with the patches of a run, paired at random within the class: SIMULATED.

    The panel is that of Coimbra: 64 women with breast cancer, 52 without. Each gets one patch of her class; a patch of
    one patient may so stand for several women, in several folds.
    """
    parts = ["**Simulated pairs**: women and patches are of different people, drawn together within the class."]
    with TemporaryDirectory() as folder:
        _panel(Path(folder))
        for seed in PAIRINGS:
            _pair(Path(folder), run, seed)
            study = studies.read_study(Path(folder, "fusion.toml"))
            record = studies.run(study).record
            print(seed, record.statements[0], flush=True)
            parts.append(f"#### Pairing {seed}, simulated\n\n{_simulated_table(record)}")
    return "\n\n".join(parts)


def _panel(folder: Path) -> None:
    """Train the panel by itself, and write the study of the fusion."""
    frame = pd.read_csv(DATA / "coimbra" / "dataR2.csv")
    frame.insert(0, "woman", [f"w{row}" for row in range(len(frame))])
    frame.to_csv(folder / "panel.csv", index=False)
    fields = {
        "name": "panel",
        "data": {"source": str(folder / "panel.csv"), "target": "Classification", "group": "woman", "id": "woman"},
        "task": {"kind": "binary", "positive": "Yes"},
        "model": {"name": "linear"},
        "report": {"coverage": 0.9},
    }
    studies.train(studies.study_from(fields), folder / "panel")
    sources = '{ panel = "panel", patches = "patches" }'
    (folder / "fusion.toml").write_text(f'name = "simulated"\n[data]\nkind = "fusion"\nsources = {sources}\n')


def _pair(folder: Path, run: Path, seed: int) -> None:
    """Write the run of patches as if each woman had had one of them, with the folds of the panel."""
    women = pd.read_csv(folder / "panel" / "predictions.csv", dtype=str)
    patches = pd.read_csv(run / "predictions.csv", dtype={"truth": str})
    card = load_card(run / "bundle")
    positive = card.task.positive or ""
    shares = patches[f"p_{positive}"].to_numpy()
    generator = np.random.default_rng(seed)
    drawn = np.empty(len(women))
    for label, is_positive in (("Yes", True), ("No", False)):
        of_class = np.flatnonzero((patches["truth"] == positive) == is_positive)
        rows = np.flatnonzero(women["truth"] == label)
        drawn[rows] = shares[generator.choice(of_class, size=len(rows), replace=False)]
    told = women[["id", "group", "split", "fold", "truth"]].assign(p_No=1 - drawn, p_Yes=drawn)
    place = folder / "patches"
    (place / "bundle").mkdir(parents=True, exist_ok=True)
    told.to_csv(place / "predictions.csv", index=False)
    task = card.task.model_copy(update={"classes": ("No", "Yes"), "positive": "Yes"})
    data = card.data.model_copy(update={"synthetic": True})
    named = {"task": task, "data": data, "prior": dict(zip(task.classes, card.prior.values(), strict=True))}
    shutil.copyfile(run / "bundle" / CHECKSUMS, place / "bundle" / CHECKSUMS)
    (place / "bundle" / "card.json").write_text(card.model_copy(update=named).to_json())


def _simulated_table(record: RunRecord) -> str:
    """Return the table of one pairing."""
    names = ("auroc", "accuracy", "nll")
    others = {name: found for name, found in record.baselines.items() if name != "majority"}
    best = max(("panel", "patches"), key=lambda name: record.baselines[name]["auroc"].value or 0.0)
    rows = [_row(name, found, names) for name, found in others.items()]
    rows += [_row("**stack**", record.metrics, names), _row(f"stack minus {best}", record.differences[best], names)]
    return table(["5-fold, pooled, simulated", *names], rows)


def draw(folder: Path) -> None:
    """Draw sources and stack of both fusions with their intervals, and the gain over the best source."""
    import matplotlib.pyplot as plt

    from cancernet.report.style import look

    with look():
        figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
        for axis, (name, metric, label) in zip(axes, DRAWN, strict=True):
            _draw(axis, json.loads((folder / name / "metrics.json").read_text(encoding="utf-8")), metric, label)
        place = Path(__file__).parents[1] / "docs" / "_static" / "fusion" / "gain.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(place, dpi=110)


def _draw(axis: Axes, found: Mapping[str, Any], metric: str, label: str) -> None:
    """Draw one fusion: a dot with its interval for each model."""
    from cancernet.report.style import BASELINES, NETWORK

    models = {name: read_estimates(part)[metric] for name, part in found["baselines"].items() if name not in _FLAT}
    best = max((name for name in models if name not in UNFITTED), key=lambda name: models[name].value or 0.0)
    models["stack"] = read_estimates(found["test"])[metric]
    for place, (name, estimate) in enumerate(models.items()):
        value, low, high = estimate.value or 0.0, estimate.low or 0.0, estimate.high or 0.0
        colour = NETWORK if name == "stack" else BASELINES[0] if name == best else BASELINES[1]
        axis.plot([low, high], [-place, -place], color=colour, linewidth=2)
        axis.plot([value], [-place], "o", color=colour)
        axis.annotate(f"{value:.3f}", (value, -place), xytext=(0, 6), textcoords="offset points", ha="center", size=9)
    gain = read_estimates(found["differences"][best])[metric]
    axis.set_yticks([-place for place in range(len(models))], list(models))
    axis.set_ylim(-len(models) + 0.4, 0.6)
    axis.set_xlabel(label)
    axis.set_title(f"{found['name']}\nstack minus {best}: {gain.format()}", size=10)


def main() -> None:
    """Do what the first word says."""
    word, place = sys.argv[1], Path(sys.argv[2])
    if word == "tables":
        write_mutations(place)
    elif word == "runs":
        print(describe_runs(place))
    elif word == "figure":
        draw(place)
    elif word == "simulated":
        print(simulated(place))
    else:
        raise SystemExit(f"tables FILE, runs FOLDER, figure FOLDER or simulated RUN, not {word}")


if __name__ == "__main__":
    main()
