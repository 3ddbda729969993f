"""A batch of scanned slides at a glance: `summary.csv`, and `report.html` with pictures and outliers."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from cancernet.files import read_json, write_text
from cancernet.scan.summary import SLIDE_SCORES
from cancernet.slides import Pitch, cohort_warnings

__all__ = ["COLUMNS", "Scanned", "find_outliers", "read_scanned", "write_overview"]

COLUMNS = (
    *(
        "slide",
        "folder",
        "tissue_mm2",
        "unknown_mm2",
        "positive_mm2",
        "positive_fraction",
        "foci",
        "largest_focus_mm2",
    ),
    *SLIDE_SCORES,
    *("abstained", "ood", "tiles", "mpp", "mpp_source", "mpp_assumed", "vendor", "flags", "seconds"),
)
"""Of `summary.csv`."""

_WATCHED = {
    "tissue_mm2": "tissue",
    "positive_fraction": "positive share",
    "abstained": "share abstained",
    "ood": "share unlike the training patches",
}
_FEWEST = 8  # slides: of fewer, none can be told to stand apart
_FAR = 3.5  # robust deviations: Iglewicz and Hoaglin 1993, How to detect and handle outliers
_MAD = 0.6745  # of a normal distribution's deviation
_PICTURES, _PX = 120, 600  # pictures on a page, pixels of their longer side


@dataclass(frozen=True, eq=False)
class Scanned:
    """One slide of a batch: its folder of outputs, and its summary."""

    folder: Path
    summary: Mapping[str, Any]

    @property
    def row(self) -> dict[str, Any]:
        """Return its line of `summary.csv`."""
        found, resolution = self.summary, self.summary["resolution"]
        same = {name: found[name] for name in COLUMNS if name in found and name not in ("tiles",)}
        return same | {
            "folder": self.folder.name,
            **found["slide_score"],
            "tiles": found["tiles"]["scored"],
            "mpp": (resolution["um_x"] * resolution["um_y"]) ** 0.5,
            "mpp_source": resolution["source"],
            "mpp_assumed": resolution["assumed"],
            "flags": "; ".join(found["quality"]["flags"]),
        }


def read_scanned(folders: Sequence[Path]) -> tuple[Scanned, ...]:
    """Return the slides whose outputs lie in these folders.

    Raises
    ------
    CorruptFile
        When a summary cannot be read.
    """
    return tuple(Scanned(folder, read_json(folder / "summary.json")) for folder in folders)


def find_outliers(slides: Sequence[Scanned]) -> dict[str, tuple[str, ...]]:
    """Return which slides stand apart from the others, by folder name, and why; nothing of fewer than eight slides.

    A number stands apart when it lies more than 3.5 robust deviations (median absolute deviation / 0.6745) from the
    median.
    """
    found: dict[str, tuple[str, ...]] = {}
    if len(slides) < _FEWEST:
        return found
    for name, words in _WATCHED.items():
        values = np.array([slide.summary[name] for slide in slides], dtype=np.float64)  # None becomes NaN
        middle = float(np.nanmedian(values)) if not np.isnan(values).all() else np.nan
        spread = float(np.nanmedian(np.abs(values - middle))) / _MAD if not np.isnan(middle) else 0.0
        for slide, value in zip(slides, values, strict=True):
            if spread > 0 and abs(value - middle) > _FAR * spread:
                why = f"{words} {value:.3g}, the median is {middle:.3g}"
                found[slide.folder.name] = (*found.get(slide.folder.name, ()), why)
    return found


def write_overview(out: Path, slides: Sequence[Scanned], *, failures: Mapping[str, str]) -> None:
    """Write `summary.csv` and `report.html` into the folder of a batch.

    Parameters
    ----------
    out
        The folder.
    slides
        That are done.
    failures
        Of the others: name of the slide and what went wrong.
    """
    write_text(out / "summary.csv", _as_csv(slides))
    write_text(out / "report.html", _as_page(slides, failures))


def _as_csv(slides: Sequence[Scanned]) -> str:
    """Return the table of all slides; a number that is not there is an empty field."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(slide.row for slide in slides)
    return stream.getvalue()


def _as_page(slides: Sequence[Scanned], failures: Mapping[str, str]) -> str:
    """Return the page as HTML that needs nothing else."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(str(files("cancernet.scan")))
    environment = Environment(autoescape=True, loader=loader, undefined=StrictUndefined, trim_blocks=True)
    outliers = find_outliers(slides)
    # What stands apart is looked at first.
    order = sorted(
        slides, key=lambda slide: (slide.folder.name not in outliers, -(slide.row["positive_fraction"] or 0))
    )
    return environment.get_template("overview.html.j2").render(
        slides=[slide.row for slide in order],
        pictures={slide.folder.name: _picture(slide.folder / "heatmap.png") for slide in order[:_PICTURES]},
        outliers=outliers,
        failures=failures,
        warnings=_warnings(slides),
        bundle=slides[0].summary["bundle"] if slides else None,
        target=slides[0].summary["target"] if slides else None,
        few=len(slides) < _FEWEST,
    )


def _warnings(slides: Sequence[Scanned]) -> list[str]:
    """Return sentences about a batch of several scanners or magnifications."""
    pitches = [Pitch(**slide.summary["resolution"]) for slide in slides]
    return cohort_warnings(pitches, [slide.summary["vendor"] for slide in slides])


def _picture(path: Path) -> str:
    """Return the heat map, made small, as base64."""
    from PIL import Image

    with Image.open(path) as image:
        image.thumbnail((_PX, _PX))
        stream = io.BytesIO()
        image.convert("RGB").save(stream, "JPEG", quality=82)
    return base64.b64encode(stream.getvalue()).decode("ascii")
