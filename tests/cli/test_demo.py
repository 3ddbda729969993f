"""`demo`: all of it, slowly, and the part about the slide."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import openslide
import pytest
from PIL import Image

from cancernet.cli.demo import cells_of_made_slide, scan_made_slide
from cli.made import succeeded


def _areas(text: str) -> dict[str, float]:
    """Return the square millimetres that the words name."""
    return {name: float(area) for name, area in re.findall(r"^  (\w[\w ]+?)  +([\d.]+) mm2", text, flags=re.MULTILINE)}


def test_the_slide_is_made_scanned_and_told(here: Path) -> None:
    texts = [scan_made_slide(Path("demo"), quiet=True) for _ in range(2)]  # again as often as you like
    assert texts[0] == texts[1]
    assert "a slide of synthetic tissue" in texts[0]
    found = json.loads(Path("demo/scans/slide/summary.json").read_text())
    told = _areas(texts[0])
    assert told == pytest.approx(
        {"tissue": found["tissue_mm2"], "called cancer": found["positive_mm2"], "no answer": found["unknown_mm2"]},
        abs=0.005,
    )
    made = json.loads(Path("demo/slide.json").read_text())
    assert told["tissue"] == pytest.approx(sum(made["tissue_mm2"]), rel=0.2)  # fat at its edge is as pale as glass
    assert (found["bundle"]["name"], made["synthetic"]) == ("idc", True)


def test_what_the_slide_leaves(here: Path) -> None:
    text = scan_made_slide(Path("demo"), quiet=True)
    with openslide.OpenSlide("demo/slide.tiff") as slide:
        assert slide.dimensions == (3200, 2400)
    for name in ("heatmap.png", "heatmap.tiff", "regions.geojson", "tissue.geojson", "scores.parquet"):
        assert Path("demo/scans/slide", name).stat().st_size > 0
    for path in re.findall(r"\bdemo/scans/\S+", text):
        assert Path(path).is_file()
    with Image.open("demo/scans/slide/heatmap.png") as image:
        assert np.asarray(image.convert("L")).std() > 10  # something is drawn


def test_the_nuclei_of_the_slide(here: Path) -> None:
    scan_made_slide(Path("demo"), quiet=True)
    texts = [cells_of_made_slide(Path("demo")) for _ in range(2)]
    assert texts[0] == texts[1]
    found = json.loads(Path("demo/cells/summary.json").read_text())
    assert f"{found['nuclei']} in 0.12 mm2" in texts[0]
    assert found["nuclei"] > 300
    for path in re.findall(r"\bdemo/cells/\S+", texts[0]):
        assert Path(path).is_file()


@pytest.mark.slow
def test_the_whole_demo(here: Path) -> None:
    found = succeeded("demo")
    words = ["Predicted demo/new-cases.csv", "Made demo/slide.tiff", "heat map  demo/scans/slide/heatmap.png"]
    words += ["overlay      demo/cells/overlay.png", "AUROC"]
    places = [found.out.index(word) for word in (*words, "Research use only")]
    assert places == sorted(places)
    assert found.err.splitlines()[-1] == "Making a slide ..."
    with Path("demo/predictions.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows if row["ood"] in ("True", "true", "1")] == ["wdbc-568-radius-x10"]
    for name in ("wdbc/report.html", "wdbc/bundle/card.json", "scans/report.html", "scans/summary.csv"):
        assert Path("demo", name).is_file()
