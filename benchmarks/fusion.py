"""Fusion on real patients: each source by itself, their stack, and the paired gain over the best one.

`python -m benchmarks.fusion tables FILE` makes the table of mutated genes that studies/metabric-mutations.toml reads;
`python -m benchmarks.fusion runs FOLDER` tells of runs that are there already; `simulated RUN` pairs the patches of a
run with rows of a blood panel, at random within the class: nothing about real patients follows from it.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.page import table
from cancernet import studies
from cancernet.estimate import Estimate
from cancernet.report import read_estimates

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


def main() -> None:
    """Do what the first word says."""
    word, place = sys.argv[1], Path(sys.argv[2])
    if word == "tables":
        write_mutations(place)
    elif word == "runs":
        print(describe_runs(place))
    elif word == "simulated":
        print(simulated(place))
    else:
        raise SystemExit(f"tables FILE, runs FOLDER or simulated RUN, not {word}")


def simulated(run: Path, seed: int = 0) -> str:
    """Return the fusion of a blood panel with the patches of a run, paired at random within the class: SIMULATED.

    The panel is that of Coimbra (64 women with breast cancer, 52 without). Each gets one patch of her class.
    """
    return _simulated(run, np.random.default_rng(seed))


if __name__ == "__main__":
    main()
