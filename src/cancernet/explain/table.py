"""An explanation of a table as a folder: attribution per row, and importance per column where the truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import one_of
from cancernet.data import Table, read_table
from cancernet.explain.attribution import METHODS, Attribution, Method, occlusion, shapley
from cancernet.explain.figures import attribution_figure, importance_figure
from cancernet.explain.importance import Importance, Metric, permutation_importance
from cancernet.files import whole_folder, write_json
from cancernet.metrics import Scored
from cancernet.predict import Cases, write_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cancernet.engine import Model

__all__ = ["Explanation", "explain_table"]

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Explanation:
    """What was found.

    Parameters
    ----------
    attribution
        Per row.
    importance
        Per column, the largest first; None when the truth or the groups are not known.
    metric
        What importance is a loss of.
    reason
        Why there is no importance; empty when there is one.
    """

    attribution: Attribution
    importance: Importance | None
    metric: Metric
    reason: str


def explain_table(
    model: Model,
    source: Table | str | Path,
    *,
    out: Path,
    method: Method = "shapley",
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    force: bool = False,
) -> Explanation:
    """Explain the answers for the rows of a table, and write the folder, whole or absent.

    It holds `attribution.csv` and `attribution.png`, `explanation.json` with what the numbers rest on, and, where the
    table has the truth and its groups, `importance.csv` and `importance.png`.

    Parameters
    ----------
    model
        Opened by `engine.open`.
    source
        The table, or a file that `data.read_table` reads; columns that the model does not know are left out.
    out
        The folder to make.
    method
        "shapley" or "occlusion".
    seed
        Of the random orders and shuffles.
    progress
        Called with the number of rows done.
    force
        Replace an existing folder.

    Raises
    ------
    CancerNetError
        When the folder exists, a column is missing, or a value cannot be used; no folder is left behind.
    """
    one_of(method, METHODS, "method")
    with whole_folder(Path(out), force=force) as folder:
        table = source if isinstance(source, Table) else read_table(source)
        table = table.select(model.card.input.names, exact=False)
        found = _attribution(model, table, method, seed, progress)
        explanation = _explanation(model, table, found, seed)
        _write(folder, explanation, seed)
    return explanation


def _attribution(
    model: Model, table: Table, method: Method, seed: int, progress: Callable[[int], None] | None
) -> Attribution:
    """Return the attribution by the method, with the ids of the table."""
    if method == "shapley":
        found = shapley(model, table.values, seed=seed, progress=progress)
    else:
        found = occlusion(model, table.values, progress=progress)
    return replace(found, cases=replace(found.cases, ids=table.ids))


def _explanation(model: Model, table: Table, found: Attribution, seed: int) -> Explanation:
    """Return the attribution with the importance, or with the reason why there is none."""
    metric: Metric = "accuracy" if model.card.task.positive is None else "auroc"
    if table.target is None:
        return Explanation(found, None, metric, "the table has no target")
    if table.group_column is None:
        return Explanation(found, None, metric, "it is not known which rows belong together; name the group column")
    scored = _scored(model, table, found.cases)
    return Explanation(
        found, permutation_importance(model, found.values, scored=scored, metric=metric, seed=seed), metric, ""
    )


def _scored(model: Model, table: Table, found: Cases) -> Scored:
    """Return the answers beside the truth."""
    task = model.card.task
    return Scored(
        truth=table.codes(task.classes),
        probabilities=found.probabilities,
        predicted=found.predicted,
        groups=table.groups,
        classes=task.classes,
        positive=task.positive,
    )


def _write(folder: Path, explanation: Explanation, seed: int) -> None:
    """Write all files."""
    _write_csv(folder / "attribution.csv", _attribution_columns(explanation.attribution))
    _save(attribution_figure(explanation.attribution), folder / "attribution.png")
    write_json(folder / "explanation.json", _record(explanation, seed))
    if explanation.importance is not None:
        _write_csv(folder / "importance.csv", _importance_columns(explanation.importance, explanation.metric))
        _save(importance_figure(explanation.importance, explanation.metric), folder / "importance.png")


def _write_csv(path: Path, columns: dict[str, Any]) -> None:
    """Write columns of equal length."""
    import pyarrow as pa

    with write_rows(path) as writer:
        writer.write(pa.table(columns))


def _attribution_columns(found: Attribution) -> dict[str, Any]:
    """Return one row per case: what the model says, the answer and its reference, one contribution per column."""
    names = np.array(found.cases.classes)
    known: dict[str, Any] = {} if found.cases.ids is None else {"id": found.cases.ids}
    known |= {"predicted": found.cases.labels, "explained": names[found.explained], "p": _short(found.probability)}
    known |= {"output": _short(found.output), "reference_output": _short(found.reference_output)}
    taken = set(known)
    for place, name in enumerate(found.columns):
        known[f"column {name}" if name in taken else name] = _short(found.contributions[:, place])
    return known


def _importance_columns(found: Importance, metric: Metric) -> dict[str, Any]:
    """Return one row per column of the model; an empty cell is undefined."""
    import pyarrow as pa

    numbers = ("value", "low", "high", "n", "groups")
    columns: dict[str, Any] = {"column": [name for name, _ in found], "loss_of": [metric] * len(found)}
    columns |= {key: pa.array([getattr(estimate, key) for _, estimate in found]) for key in numbers}
    return columns | {"method": [estimate.method for _, estimate in found]}


def _record(explanation: Explanation, seed: int) -> dict[str, Any]:
    """Return what the numbers rest on."""
    found = explanation.attribution
    return {
        "schema": SCHEMA_VERSION,
        "method": found.method,
        "scale": found.scale,
        "seed": seed,
        "rows": len(found),
        "reference_is": found.reference_name,
        "reference": dict(zip(found.columns, found.reference.tolist(), strict=True)),
        "importance": {name: estimate.to_dict() for name, estimate in explanation.importance or ()} or None,
        "importance_metric": explanation.metric,
        "reason": explanation.reason or None,
    }


def _short(numbers: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return float32, whose shortest exact text has at most nine digits."""
    return np.ascontiguousarray(numbers, dtype=np.float32)


def _save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, the same bytes every time."""
    figure.savefig(path, dpi=150, metadata={"Software": None})
