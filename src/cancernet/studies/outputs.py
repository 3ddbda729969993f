"""What runs and evaluations leave behind: predictions, metrics, figures, page, history."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cancernet.files import whole_file
from cancernet.report import RunRecord, render_figures, save_figures, write_metrics, write_page

__all__ = ["write_history", "write_results"]


def write_results(folder: Path, record: RunRecord) -> None:
    """Write `metrics.json`, the figures and `report.html`; each figure is drawn once."""
    write_metrics(folder / "metrics.json", record)
    pictures = render_figures(record)
    save_figures(folder / "figures", record, pictures=pictures)
    write_page(folder / "report.html", record, pictures=pictures)


def write_history(path: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Write one line per epoch."""
    columns = list(dict.fromkeys(name for row in history for name in row))
    with whole_file(path, force=True) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(history)
