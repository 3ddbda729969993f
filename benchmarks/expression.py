"""The studies of expression: network beside its baselines on the same folds, for each weight seed, none chosen."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.page import table
from cancernet import studies
from cancernet.estimate import Estimate

FOLDER = Path(__file__).parents[1] / "studies"
STUDIES = ("metabric-pam50", "pam50", "cptac-pam50", "expression-grade")
SEEDS = (0, 1, 2)
SHOWN = {True: ("quadratic_kappa", "accuracy", "macro_auroc"), False: ("accuracy", "macro_f1", "macro_auroc", "ece")}

Columns = Mapping[str, Mapping[str, Estimate]]


def measure() -> str:
    """Return for each study its metrics by seed and baseline, and the paired differences of the first seed."""
    return "\n\n".join(_study(name) for name in STUDIES)


def _study(name: str) -> str:
    """Return the tables of one study."""
    records = []
    for seed in SEEDS:
        study = studies.read_study(FOLDER / f"{name}.toml", settings=[f"training.seed={seed}"])
        records.append(studies.run(study).record)
        print(name, seed, records[-1].metrics["accuracy"].format(), flush=True)
    columns = {f"network, seed {seed}": record.metrics for seed, record in zip(SEEDS, records, strict=True)}
    head = f"### `{name}`\n\n{dict(records[0].facts)['Data']}; {dict(records[0].facts)['Classes']}."
    return f"{head}\n\n{tables({**columns, **records[0].baselines}, records[0].differences)}"


def tables(columns: Columns, differences: Columns) -> str:
    """Return metrics by column, and below them network minus each baseline."""
    names = SHOWN["quadratic_kappa" in next(iter(columns.values()))]
    rows = [[name, *(_cell(column, name) for column in columns.values())] for name in names]
    below = [[name, *(_cell(column, name) for column in differences.values())] for name in names if name != "ece"]
    first = table(["5-fold, pooled", *columns], rows)
    return f"{first}\n\n{table(['network minus', *differences], below)}"


def _cell(column: Mapping[str, Estimate], name: str) -> str:
    """Return a number with its interval, or a dash."""
    return column[name].format() if name in column and column[name].value is not None else "-"


def describe_runs(folders: Sequence[Path]) -> str:
    """Return the same tables from run folders, for studies that were trained by hand."""
    import json

    parts = []
    for folder in folders:
        found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        network = {"network": _estimates(found["test"])}
        baselines = {name: _estimates(part) for name, part in found["baselines"].items()}
        differences = {name: _estimates(part) for name, part in found["differences"].items()}
        parts.append(f"### `{folder.name}`\n\n{tables({**network, **baselines}, differences)}")
    return "\n\n".join(parts)


def _estimates(part: Mapping[str, dict[str, object]]) -> dict[str, Estimate]:
    """Return the estimates of a part of `metrics.json`."""
    return {name: Estimate.from_dict(fields) for name, fields in part.items() if isinstance(fields, dict)}
