"""What a study of survival leaves behind: `metrics.json`, figures and the page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from cancernet import __version__
from cancernet.estimate import Estimate
from cancernet.files import whole_file, write_json, write_text
from cancernet.report import METRICS_SCHEMA, Picture, rival
from cancernet.report.style import render
from cancernet.report.words import Metric, describe, interval, number, verdict
from cancernet.survival.figures import survival_drawings
from cancernet.survival.record import SurvivalRecord

__all__ = ["write_survival_results"]

_HEADLINES = ("concordance_uno", "concordance_harrell", "integrated_brier")
_READING = (
    (
        "Intervals",
        "Behind each number stands its 95 % interval: patients, not rows, are resampled. A result without its interval "
        "is a rumour.",
    ),
    (
        "Survival curve",
        "At each time the height is the share of patients still free of the event. It falls at events only. Patients "
        "who were last seen without the event (censored) count as long as they were seen, and not afterwards.",
    ),
    (
        "Concordance",
        "Draw two patients of whom one is known to have had the event first: the chance that this one had the higher "
        "predicted risk. 0.5 is guessing. Harrell's takes all pairs as they come; Uno's weights them so that the "
        "pattern of censoring does not matter, up to the horizon. Pairs are of one fold, judged by one model; equal "
        "risks count half, and two events at one time are no pair.",
    ),
    (
        "Brier score",
        "Mean squared distance of the predicted share and what happened, weighted for censoring; the integrated one is "
        "its mean over time up to the horizon. Kaplan-Meier, which tells all patients the same, is the mark to beat.",
    ),
    (
        "Calibration",
        "Of the patients given a risk of 30 % by five years, thirty in a hundred should have had the event by then. "
        "Observed by predicted is 1 when that holds on the whole; the figure shows it from low to high risk.",
    ),
    (
        "Paired differences",
        "Two models are compared on the same patients. Better is said only when the interval of the difference "
        "excludes zero.",
    ),
)
_READING_CAUSES = (
    (
        "Several causes",
        "The predicted share of a cause is the chance that it comes first; who has another one can no longer have it. "
        "Concordance of a cause compares one who had it with those who had nothing by then, or another cause before. "
        "In the column of Kaplan-Meier stands Aalen-Johansen, in that of Cox a model of the hazard of each cause.",
    ),
)


@dataclass(frozen=True)
class Row:
    """A line of the table of metrics: an estimate for each model, a difference with its verdict for each baseline."""

    metric: Metric
    estimates: tuple[Estimate | None, ...]
    differences: tuple[tuple[Estimate | None, str], ...]


def write_survival_results(folder: Path, record: SurvivalRecord) -> None:
    """Write `metrics.json`, the figures and `report.html`; each figure is drawn once.

    Raises
    ------
    StorageFailure
        When the place cannot be written.
    """
    write_json(folder / "metrics.json", _content(record))
    pictures = [render(drawing) for drawing in survival_drawings(record)]
    for picture in pictures:
        with whole_file(folder / "figures" / f"{picture.name}.png", force=True) as partial:
            partial.write_bytes(picture.png)
    write_text(folder / "report.html", _page(record, pictures))


def _content(record: SurvivalRecord) -> dict[str, Any]:
    """Return the content of `metrics.json`."""
    test = record.logrank
    return {
        "schema": METRICS_SCHEMA,
        "name": record.name,
        "kind": record.kind,
        "task": "survival",
        "model": record.model,
        "event": record.event,
        "unit": record.forecast.outcome.unit,
        "times": record.forecast.times.tolist(),
        "horizon": record.forecast.horizon,
        "test": _estimates(record.metrics),
        "validation": None,
        "folds": [_estimates(fold) for fold in record.folds],
        "operating_points": {},
        "baselines": {name: _estimates(found) for name, found in record.baselines.items()},
        "differences": {name: _estimates(found) for name, found in record.differences.items()},
        "logrank": None if test is None else {"statistic": test.statistic, "freedom": test.freedom, "p": test.p},
        "hazard_ratios": {
            ratio.name: {"value": ratio.value, "low": ratio.low, "high": ratio.high, "chosen": ratio.chosen}
            for ratio in record.ratios
        },
        "leak_audit": dict(record.leak_audit),
        "facts": dict(record.facts),
        "statements": list(record.statements),
        "limits": list(record.limits),
    }


def _estimates(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    """Return estimates by name, JSON-ready."""
    return {name: estimate.to_dict() for name, estimate in estimates.items()}


def _page(record: SurvivalRecord, pictures: Sequence[Picture]) -> str:
    """Return the page: one file that needs nothing else."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    folder = files("cancernet.survival")
    environment = Environment(autoescape=True, loader=FileSystemLoader(str(folder)), undefined=StrictUndefined)
    environment.filters |= {"number": number, "interval": interval}
    css = Markup((files("cancernet.report") / "page.css").read_text(encoding="utf-8"))  # noqa: S704  (our own file)
    shown: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("results", "data", "metrics", "trust", "importance")
    }
    for picture in pictures:
        shown[picture.section].append(_shown(picture))
    return environment.get_template("page.html.j2").render(
        css=css,
        version=__version__,
        record=record,
        cards=[(describe(name), record.metrics[name], _beside(name, record)) for name in _HEADLINES],
        heads=[record.model, *(rival(name) for name in record.baselines)],
        rows=_rows(record),
        pictures=shown,
        reading=(*_READING, *(_READING_CAUSES if record.causes else ())),
    )


def _shown(picture: Picture) -> dict[str, Any]:
    """Return a figure for the page."""
    source = f"data:image/png;base64,{base64.b64encode(picture.png).decode('ascii')}"
    names = ("name", "title", "caption", "alt", "width", "height", "shown_width", "wide")
    return {"source": source, **{name: getattr(picture, name) for name in names}}


def _beside(name: str, record: SurvivalRecord) -> str:
    """Return what a baseline shows."""
    found = [(rival(key), estimates[name].value) for key, estimates in record.baselines.items() if name in estimates]
    return "; ".join(f"{number(value)} for {key}" for key, value in found if value is not None)


def _rows(record: SurvivalRecord) -> list[Row]:
    """Return the table of metrics."""
    made = []
    for name, estimate in record.metrics.items():
        metric, others = describe(name), [found.get(name) for found in record.baselines.values()]
        gains = [found.get(name) for found in record.differences.values()]
        verdicts = tuple((gain, verdict(gain, metric.better) if gain is not None else "") for gain in gains)
        made.append(Row(metric, (estimate, *others), verdicts))
    return made
