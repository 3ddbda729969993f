"""The page of a patch study: sheets, groups and sites stand where they should, once, and harm nothing."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cancernet.estimate import Estimate
from cancernet.files import read_json
from cancernet.metrics import Scored, measure
from cancernet.report import (
    PatchSheet,
    Picture,
    RunRecord,
    abstained_sheet,
    error_sheets,
    group_rows,
    read_estimates,
    render_figures,
    sample_sheet,
    save_figures,
    write_metrics,
    write_page,
)
from cancernet.report.figures import drawings
from cancernet.report.page import _ends
from cancernet.report.style import render
from report.made import DRAWS
from report.test_page import HOSTILE, Reader, read

GRADES = ("normal", "light dysplasia of the squamous epithelium", "moderate dysplasia", "severe dysplasia", "carcinoma")
IMAGES = np.random.default_rng(0).integers(0, 256, (240, 32, 32, 3), dtype=np.uint8)


def make_patches(classes: tuple[str, ...], *, ordered: bool = False, mark: str = "", **changes: Any) -> RunRecord:
    """Return a record of 240 patches of 30 patients, with sheets, groups and two sites."""
    random, rows = np.random.default_rng(1), np.arange(240)
    truth = random.integers(0, len(classes), 240)
    shares = random.dirichlet(np.full(len(classes), 0.5), 240) + 0.8 * np.eye(len(classes))[truth]
    shares /= shares.sum(axis=1, keepdims=True)
    groups = np.array([f"{mark}p{row % 30}" for row in rows])
    positive = classes[1] if len(classes) == 2 else None
    called, sets = shares.argmax(axis=1), shares > 0.25
    sets[rows, called] = True
    scored = Scored(truth, shares, called, groups, classes, positive, sets, ordered=ordered)
    known: dict[str, Any] = {"images": lambda chosen: IMAGES[chosen], "group_name": "patient"}
    single = (sample_sheet(scored, rows, **known), abstained_sheet(scored, rows, **known))
    sites = {f"{mark}{name}": scored.take(rows % 2 == place) for place, name in enumerate(("north", "south"))}
    record = RunRecord(
        name="made",
        kind="train",
        title="Made patches",
        scored=scored,
        metrics=measure(scored, draws=DRAWS),
        sheets=(*error_sheets(scored, rows, **known), *(sheet for sheet in single if sheet is not None)),
        by_group=group_rows(scored),
        by_site={name: measure(part, draws=DRAWS) for name, part in sites.items()},
        group_name="patient",
    )
    return replace(record, **changes)


RECORD = make_patches(GRADES, ordered=True)


@pytest.fixture(scope="module")
def pictures() -> tuple[Picture, ...]:
    """Return the figures of the ordered grades that only patches have."""
    return of_patches(RECORD)


def of_patches(record: RunRecord) -> tuple[Picture, ...]:
    """Return the figures of a record that only patches have; the others are tested elsewhere."""
    names = ("sheet-", "right-by-group", "expected-grade")
    return tuple(render(drawing) for drawing in drawings(record) if drawing.name.startswith(names))


def page_of(folder: Path, record: RunRecord, pictures: tuple[Picture, ...] = ()) -> Reader:
    """Return the page of a record."""
    write_page(folder / "report.html", record, pictures=pictures)
    return read(folder / "report.html")


def test_sheets_groups_and_sites_stand_on_the_page_once(pictures: tuple[Picture, ...], tmp_path: Path) -> None:
    page = page_of(tmp_path, RECORD, pictures)
    ids = [figure["id"] for figure in page.all("figure")]
    assert len(ids) == len(set(ids)) == len(pictures)
    for name in ("sheet-samples", "sheet-worst-errors", "sheet-left-to-a-human", "right-by-group", "expected-grade"):
        assert f"figure-{name}" in ids
    anchors = [link["href"] for link in page.all("a")]
    for anchor in ("errors", "sites", "groups"):
        assert anchors.count(f"#{anchor}") == 1
    assert page.text.count("The 20 patients with most errors") == 2  # what unfolds it, and its caption
    assert len(page.all("details")) == 1
    assert page.text.count("Results at each site") == 1
    first = [row[0] for row in page.rows]
    assert first.count("All 30 patients") == 1
    assert sum(label.startswith("All rows") for label in first) == 1
    for row in RECORD.by_group[:20]:
        assert first.count(row.group) == 1
    assert RECORD.by_group[20].group not in first
    assert "Metrics per patient are not defined: 30 of 30 patients have rows of several classes" in page.text
    assert (tmp_path / "report.html").stat().st_size < 6_000_000


def test_every_figure_is_saved_with_its_sheet(pictures: tuple[Picture, ...], tmp_path: Path) -> None:
    names = save_figures(tmp_path, RECORD, pictures=pictures)
    assert {"sheet-samples.png", "sheet-worst-errors.png", "right-by-group.png", "expected-grade.png"} <= set(names)
    for picture in pictures:
        assert 400 <= picture.width <= 1700
        assert picture.height <= 3400
        assert len(picture.png) < 4_000_000
        assert picture.alt.strip().endswith(".")


@pytest.mark.parametrize(
    "classes", [("no", "yes"), ("a", "b", "c"), ("no" * 60, "yes" * 60)], ids=["two", "three", "long names"]
)
def test_other_tasks_have_their_tables(classes: tuple[str, ...], tmp_path: Path) -> None:
    record = make_patches(classes)
    page = page_of(tmp_path, record)
    head = next(row for row in page.rows if row[0] == "Patient")
    assert head[1] == "Right"
    assert (f"{classes[1]} missed" in head) == (len(classes) == 2)
    assert all(sheet.labels for sheet in record.sheets)


def test_hostile_names_of_groups_sites_and_sheets_are_printed_and_not_obeyed(tmp_path: Path) -> None:
    record = make_patches(("no", f"yes{HOSTILE}"), mark=HOSTILE)
    sheet = replace(record.sheets[0], title=HOSTILE, caption=HOSTILE)
    hostile = replace(record, sheets=(sheet,), group_name=HOSTILE)
    page = page_of(tmp_path, hostile, of_patches(hostile))
    assert page.all("script") == []
    assert all("onerror" not in attributes for _, attributes in page.tags)
    assert hostile.by_group[0].group in page.text
    assert f"{HOSTILE}north" in page.text


def test_a_record_without_rows_makes_a_page(tmp_path: Path) -> None:
    nothing = RECORD.scored.take(np.zeros(240, dtype=bool))
    empty = RunRecord(name="x", kind="evaluate", title="x", scored=nothing, metrics={}, by_group=group_rows(nothing))
    page = page_of(tmp_path, empty, render_figures(empty))
    assert page.all("img") == []
    assert "#groups" not in [link["href"] for link in page.all("a")]


def test_a_heavy_photograph_is_carried_as_jpeg_and_saved_exactly(tmp_path: Path) -> None:
    photographs = np.random.default_rng(0).integers(0, 256, (12, 256, 256, 3), dtype=np.uint8)
    sheet = PatchSheet("photographs", "Photographs", "Noise.", photographs, ("",) * 12)
    record = RunRecord(name="x", kind="train", title="x", scored=RECORD.scored, metrics={}, sheets=(sheet,))
    (picture,) = (picture for picture in of_patches(record) if picture.name == "sheet-photographs")
    (image,) = page_of(tmp_path, record, (picture,)).all("img")
    kind, _, content = str(image["src"]).partition(";base64,")
    assert kind == "data:image/jpeg"
    assert len(content) < 0.8 * len(picture.png) < 4_000_000
    carried = Image.open(io.BytesIO(base64.b64decode(content)))
    assert carried.size == (picture.width, picture.height)
    save_figures(tmp_path, record, pictures=(picture,))
    assert (tmp_path / "sheet-photographs.png").read_bytes() == picture.png


def test_metrics_json_holds_the_sites_and_the_number_of_groups(tmp_path: Path) -> None:
    write_metrics(tmp_path / "metrics.json", RECORD)
    found = read_json(tmp_path / "metrics.json")
    assert found["schema"] == 1
    assert {name: read_estimates(fields) for name, fields in found["sites"].items()} == RECORD.by_site
    assert found["groups"] == 30
    assert "by_group" not in found
    write_metrics(tmp_path / "bare.json", replace(RECORD, by_site={}))
    assert read_json(tmp_path / "bare.json")["sites"] == {}


def test_results_per_group_stand_beside_those_of_rows(tmp_path: Path) -> None:
    groups = np.array([f"p{row % 30}" for row in range(240)])
    truth = np.arange(240) % 30 % 2
    shares = np.random.default_rng(0).dirichlet([1, 1], 240) + 0.4 * np.eye(2)[truth]
    shares /= shares.sum(axis=1, keepdims=True)
    scored = Scored(truth, shares, shares.argmax(axis=1), groups, ("no", "yes"), "yes")
    metrics = measure(scored, draws=DRAWS)
    record = RunRecord(
        name="x",
        kind="train",
        title="x",
        scored=scored,
        metrics=metrics,
        by_group=group_rows(scored),
        group_name="slide",
    )
    page = page_of(tmp_path, record)
    top = page.text[: page.text.index("Data and study")]
    assert f"{metrics['group_auroc'].format()} per slide" in top
    assert page.text.count("Metrics on 30 slides, the rows of each averaged") == 1
    assert "not defined" not in page.text


def test_two_sheets_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="Two sheets are called 'worst-errors'"):
        replace(RECORD, sheets=(RECORD.sheets[0], RECORD.sheets[0]))


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [
        (0.912, 1.137, (0.0, 2.0)),
        (3.0, 41.0, (0.0, 50.0)),
        (-0.05, 0.3, (-1.0, 1.0)),
        (-3.0, 0.3, (-5.0, 1.0)),
        (0.85, 0.9, (0.8, 1.0)),
    ],
)
def test_the_gauge_of_a_card_is_as_long_as_its_interval_asks(
    low: float, high: float, ends: tuple[float, float]
) -> None:
    assert _ends(Estimate((low + high) / 2, low, high, 9, 9, "x")) == ends
