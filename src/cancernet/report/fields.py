"""The report of a study that outlines: numbers, the best, a middle and the worst image, and `metrics.json`."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet import __version__
from cancernet.files import write_json, write_text
from cancernet.report.metricsfile import METRICS_SCHEMA
from cancernet.report.record import Estimates, HistoryRow
from cancernet.report.words import describe, interval, number, rival

__all__ = ["FieldRecord", "Outlined", "draw_outlines", "write_field_metrics", "write_field_page"]

TRUE, FOUND, BOTH = (255, 213, 0), (0, 230, 255), (255, 255, 255)
"""Colours of edges that only the truth has, that only the answer has, and that both have: no stain has them."""

_LARGEST = 1100  # pixels of a side of a picture on the page
_QUALITY = 85  # of its JPEG


@dataclass(frozen=True, eq=False)
class Outlined:
    """An image to show.

    Parameters
    ----------
    name, caption
        "best", "middle" or "worst", and a few words.
    image
        Shape (h, w, 3), uint8.
    true, found
        Shape (h, w), integers, 0 background.
    """

    name: str
    caption: str
    image: NDArray[np.uint8]
    true: NDArray[np.int32]
    found: NDArray[np.int32]


@dataclass(frozen=True, eq=False, kw_only=True)
class FieldRecord:
    """What a run that outlines hands to its report.

    Parameters
    ----------
    name, title
        Of the study.
    metrics
        On test images, pooled over folds.
    baselines, differences
        The same of other ways by name, and network minus that way on the same images.
    facts, statements, limits
        Pairs of a label and what it says; sentences.
    history, images
        A row per epoch and per test image.
    shown
        Images to look at.
    """

    name: str
    title: str
    metrics: Estimates
    baselines: Mapping[str, Estimates] = field(default_factory=dict)
    differences: Mapping[str, Estimates] = field(default_factory=dict)
    facts: tuple[tuple[str, str], ...] = ()
    statements: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    history: tuple[HistoryRow, ...] = ()
    images: tuple[Mapping[str, Any], ...] = ()
    shown: tuple[Outlined, ...] = ()
    kind: str = "train"


def draw_outlines(shown: Outlined) -> NDArray[np.uint8]:
    """Return the image with the edges of truth and answer, (h, w, 3) uint8."""
    picture = shown.image.copy()
    true, found = _edges(shown.true), _edges(shown.found)
    for mask, colour in ((true, TRUE), (found, FOUND), (true & found, BOTH)):
        picture[mask] = colour
    return picture


def _edges(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return the pixels of things that have another number to their right or below."""
    edges = np.zeros(labels.shape, dtype=np.bool_)
    across, down = labels[:, :-1] != labels[:, 1:], labels[:-1] != labels[1:]
    edges[:, :-1] |= across
    edges[:-1] |= down
    return edges


def write_field_metrics(path: Path, record: FieldRecord) -> None:
    """Write `metrics.json`, whole or absent."""
    content = {
        "schema": METRICS_SCHEMA,
        "name": record.name,
        "kind": record.kind,
        "test": _estimates(record.metrics),
        "baselines": {name: _estimates(values) for name, values in record.baselines.items()},
        "differences": {name: _estimates(values) for name, values in record.differences.items()},
        "images": [dict(row) for row in record.images],
        "facts": dict(record.facts),
        "statements": list(record.statements),
        "limits": list(record.limits),
    }
    write_json(path, content)


def write_field_page(path: Path, record: FieldRecord) -> None:
    """Write the report: one self-contained HTML file, whole or absent."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    folder = files("cancernet.report")
    environment = Environment(autoescape=True, loader=FileSystemLoader(str(folder)), undefined=StrictUndefined)
    environment.filters |= {"number": number, "interval": interval}
    page = environment.get_template("fields.html.j2").render(
        css=Markup((folder / "page.css").read_text(encoding="utf-8")),  # noqa: S704  (our own file)
        version=__version__,
        record=record,
        columns={"network": record.metrics, **record.baselines},
        describe=describe,
        rival=rival,
        pictures=[
            {"title": f"The {one.name} image", "caption": one.caption, "source": _source(one)} for one in record.shown
        ],
    )
    write_text(path, page)


def _estimates(estimates: Estimates) -> dict[str, Any]:
    """Return estimates by name, JSON-ready."""
    return {name: estimate.to_dict() for name, estimate in estimates.items()}


def _source(shown: Outlined) -> str:
    """Return a picture for the page: the middle of it where it is large, as the lines are one pixel wide."""
    from PIL import Image

    picture = draw_outlines(shown)
    top, left = (max(0, (length - _LARGEST) // 2) for length in picture.shape[:2])
    stream = io.BytesIO()
    Image.fromarray(picture[top : top + _LARGEST, left : left + _LARGEST]).save(stream, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
