"""The page: one HTML file that needs nothing else, and `metrics.json` beside it."""

from __future__ import annotations

import base64
import io
import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from cancernet import __version__
from cancernet.estimate import Estimate
from cancernet.files import write_text
from cancernet.report import grids, grouptables
from cancernet.report.figures import render_figures
from cancernet.report.reading import reading
from cancernet.report.record import RunRecord
from cancernet.report.sheets import plural
from cancernet.report.style import Picture
from cancernet.report.words import Metric, describe, headline, interval, number, rival

__all__ = ["write_page"]

_MOST_CARDS = 6
_HEAVY, _HEAVIEST = 500_000, 900_000  # bytes: only photographs are as heavy; what one may weigh on the page
_QUALITIES = (88, 80, 70)
_UNPRINTABLE = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\ufffe\\uffff]")
_KINDS = {"train": "training report", "evaluate": "evaluation report"}
_HEADINGS = {"train": "Result on rows the network never saw", "evaluate": "Result on the given rows"}


@dataclass(frozen=True)
class Card:
    """A headline number; places on the gauge are percentages of its width."""

    metric: Metric
    estimate: Estimate
    beside: str
    per_group: str
    left: float
    span: float
    point: float
    low_end: str
    high_end: str


def write_page(path: Path, record: RunRecord, *, pictures: Sequence[Picture] | None = None) -> None:
    """Write the report: one self-contained HTML file, whole or absent.

    Parameters
    ----------
    path
        Of the file; an existing one is replaced.
    record
        What the run found.
    pictures
        Figures that are drawn already, from `render_figures`; None draws them.

    Raises
    ------
    StorageFailure
        When the place cannot be written.
    """
    drawn = render_figures(record) if pictures is None else pictures
    write_text(Path(path), _html(record, drawn))


def _html(record: RunRecord, pictures: Sequence[Picture]) -> str:
    """Return the page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    folder = files("cancernet.report")
    environment = Environment(
        autoescape=True, loader=FileSystemLoader(str(folder)), undefined=StrictUndefined, trim_blocks=False
    )
    environment.filters |= {"number": number, "interval": interval}
    css = Markup((folder / "page.css").read_text(encoding="utf-8"))  # noqa: S704  (our own file)
    return _printable(environment.get_template("page.html.j2").render(css=css, **_context(record, pictures)))


def _printable(text: str) -> str:
    """Return the text with what no HTML file may hold (control characters, halves of characters) replaced."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _context(record: RunRecord, pictures: Sequence[Picture]) -> dict[str, Any]:
    """Return all that the template shows."""
    by_section = _by_section(pictures)
    parts = {
        "operating_grid": grids.operating_grid(record),
        "folds_grid": grids.fold_grid(record),
        "sites_grid": grids.site_grid(record),
        "groups_grid": grouptables.group_grid(record),
        "audit_rows": _audit_rows(record.leak_audit),
        "threshold_sentence": _threshold_sentence(record),
    }
    return parts | {
        "record": record,
        "version": __version__,
        "kind": _KINDS[record.kind],
        "badges": _badges(record),
        "results_heading": _HEADINGS[record.kind],
        "cards": _cards(record),
        "basis": _basis(record),
        "pictures": by_section,
        "metrics_grid": grids.metrics_grid(record),
        "group_metrics_grid": grids.group_metrics_grid(record),
        "mixed_sentence": grouptables.mixed_sentence(record),
        "groups_sentence": grouptables.groups_sentence(record) if record.by_group else "",
        "group_names": plural(record.group_name),
        "sites_sentence": grids.sites_sentence(record),
        "prevalence_grid": grids.prevalence_grid(record.prevalence),
        "importance_grid": grids.importance_grid(record),
        "folds_sentence": grids.folds_sentence(record),
        "reading": reading(record),
        "contents": _contents(record, by_section, parts=parts),
    }


def _by_section(pictures: Sequence[Picture]) -> Mapping[str, list[dict[str, Any]]]:
    """Return the figures by section, encoded."""
    sections: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for picture in pictures:
        kind, content = _light(picture.png)
        encoded = f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
        shown = {
            name: getattr(picture, name)
            for name in ("name", "title", "caption", "alt", "width", "height", "shown_width", "wide")
        }
        sections[picture.section].append({**shown, "source": encoded})
    return sections


def _light(png: bytes) -> tuple[str, bytes]:
    """Return a picture and its kind as the page carries it: photographs as JPEG, everything else as it is."""
    if len(png) <= _HEAVY:
        return "png", png
    jpegs = (_jpeg(png, quality) for quality in _QUALITIES)
    jpeg = next((jpeg for jpeg in jpegs if len(jpeg) <= _HEAVIEST), None) or _jpeg(png, _QUALITIES[-1])
    return ("jpeg", jpeg) if len(jpeg) < len(png) else ("png", png)


def _jpeg(png: bytes, quality: int) -> bytes:
    """Return a picture as JPEG with all its colours."""
    from PIL import Image

    stream = io.BytesIO()
    Image.open(io.BytesIO(png)).save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()


def _contents(
    record: RunRecord, pictures: Mapping[str, list[dict[str, Any]]], *, parts: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return anchor and label of each section that is there."""
    sections = (
        ("results", "Results", True),
        ("data", "Data", True),
        ("split", "Leak audit", bool(record.leak_sentences or parts["audit_rows"])),
        ("training", "Training", "training" in pictures),
        ("metrics", "All metrics", True),
        ("decisions", "Decisions", bool(parts["operating_grid"]) or "decisions" in pictures),
        ("trust", "Calibration", "trust" in pictures),
        ("errors", "Errors", "errors" in pictures),
        ("importance", "Importance", "importance" in pictures),
        ("folds", "Folds", parts["folds_grid"] is not None),
        ("sites", "Sites", parts["sites_grid"] is not None),
        ("groups", _capital(plural(record.group_name)), parts["groups_grid"] is not None),
        *((f"more-{place}", heading, True) for place, (heading, _) in enumerate(record.sections, 1)),
        ("reading", "How to read", True),
        ("limits", "Limits", True),
    )
    return [(anchor, label) for anchor, label, shown in sections if shown]


def _badges(record: RunRecord) -> list[str]:
    """Return the short facts of the heading."""
    facts = {label.lower(): value for label, value in record.facts}
    named = [facts[name] for name in ("data", "model", "date") if name in facts]
    rows, groups = len(record.scored.truth), record.scored.group_count
    return [*named, f"{rows:,} test rows" + ("" if rows == groups else f", {groups:,} groups")]


def _basis(record: RunRecord) -> str:
    """Return what the headline numbers rest on."""
    scored = record.scored
    groups = "each its own group" if scored.one_row_per_group else f"{scored.group_count:,} independent groups"
    positive = "" if scored.positive is None else f" The positive class is “{scored.positive}”."
    pooled = f", pooled over {len(record.folds)} folds" if len(record.folds) > 1 else ""
    return f"On {len(scored):,} test rows ({groups}){pooled}; small figures are 95 % intervals.{positive}"


def _threshold_sentence(record: RunRecord) -> str:
    """Return how a call is made."""
    positive = record.scored.positive
    if positive is None:
        return "The most probable class is the answer."
    rule = f" (rule “{record.threshold_rule}”, chosen without the test rows)"
    rule = rule if record.threshold_rule else ""
    if record.threshold is None:
        return f"A case is called “{positive}” from a threshold on that is chosen within each fold{rule}."
    folds = " Each fold chose its own threshold by the same rule." if len(record.folds) > 1 else ""
    called = f"The bundle calls a case “{positive}” when its probability is at least {number(record.threshold)}"
    return f"{called}{rule}.{folds}"


def _cards(record: RunRecord) -> list[Card]:
    """Return the headline numbers."""
    names = list(record.headline) or headline(list(record.metrics), _MOST_CARDS)
    return [_card(name, record) for name in names if name in record.metrics]


def _card(name: str, record: RunRecord) -> Card:
    """Return one headline number with its gauge and what to compare it with."""
    estimate = record.metrics[name]
    low_end, high_end = _ends(estimate)
    low, high, value = (
        100 * (float(bound) - low_end) / (high_end - low_end) if bound is not None else 0.0
        for bound in (estimate.low, estimate.high, estimate.value)
    )
    return Card(
        describe(name),
        estimate,
        _beside(name, record),
        _per_group(name, record),
        left=round(low, 2),
        span=round(max(high - low, 0.6), 2),
        point=round(min(value, 100) - 0.6, 2),
        low_end=f"{low_end:g}",
        high_end=f"{high_end:g}",
    )


def _ends(estimate: Estimate) -> tuple[float, float]:
    """Return a scale on which the interval can be seen: 0 to 1, cut or widened where the interval asks for it."""
    low, high = estimate.low, estimate.high
    if low is None or high is None:
        return 0.0, 1.0
    if low < 0 or high > 1:
        return -_above(-low) if low < 0 else 0.0, _above(high)
    lower = next((end for end in (0.9, 0.8, 0.5) if low >= end), 0.0)
    upper = next((end for end in (0.1, 0.2, 0.5) if high <= end), 1.0)
    return lower, upper


def _above(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, 50, ... that is not below a value."""
    scale = 10.0 ** max(0, math.floor(math.log10(max(value, 1.0))))
    return next(step * scale for step in (1.0, 2.0, 5.0, 10.0) if step * scale >= value)


def _beside(name: str, record: RunRecord) -> str:
    """Return what a perfect model, or the best baseline, shows."""
    perfect = record.metrics.get("ece_of_perfect")
    if name == "ece" and perfect is not None and perfect.value is not None:
        return f"{number(perfect.value)} for a perfectly calibrated model"
    better = describe(name).better
    rivals = {key: values[name].value for key, values in record.baselines.items() if name in values}
    known = {key: value for key, value in rivals.items() if value is not None and key != "majority"}
    if not known or not better:
        return ""
    best = (max if better == "higher" else min)(known, key=lambda key: known[key])
    return f"{number(known[best])} for {rival(best)}"


def _per_group(name: str, record: RunRecord) -> str:
    """Return the same metric of groups, their rows averaged."""
    estimate = record.metrics.get(f"group_{name}")
    if estimate is None or estimate.value is None:
        return ""
    limits = interval(estimate)
    return f"{number(estimate.value)}{f' ({limits})' if limits else ''} per {record.group_name}"


def _capital(text: str) -> str:
    """Return a text with a capital at its start, the rest as it is."""
    return f"{text[:1].upper()}{text[1:]}"


def _audit_rows(audit: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the findings of the leak audit as pairs of words."""
    return [(key.replace("_", " "), _finding(value)) for key, value in audit.items()]


def _finding(value: Any) -> str:
    """Return one finding as text."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, float):
        return number(value, 4)
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str | int) for item in value):
        return ", ".join(map(str, value[:10])) + (f" and {len(value) - 10} more" if len(value) > 10 else "") or "none"
    return json.dumps(value, default=str)
