"""The figures: the expected ones, not blank, without traces in the settings of the caller."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from cancernet.data import Feature, Table
from cancernet.report import Picture, render_figures, save_figures
from cancernet.report.figures import drawings
from cancernet.report.record import RunRecord
from cancernet.report.style import class_colours, plain, render
from report.made import make_record

BINARY = {
    *(
        "class-balance",
        "strongest-features",
        "all-features",
        "correlation",
        "pair-plot",
        "learning-curves",
        "confusion",
    ),
    *("roc", "precision-recall", "reliability", "risk-coverage", "decision-curve", "differences"),
    "permutation-importance",
}


def ink(png: bytes) -> float:
    """Return the share of the pixels that are not white."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    return float((pixels < 250).mean())


def test_a_binary_record_has_all_figures_and_none_is_blank(
    record: RunRecord, pictures: tuple[Picture, ...], tmp_path: Path
) -> None:
    names = save_figures(tmp_path / "figures", record, pictures=pictures)
    assert set(names) == {f"{name}.png" for name in BINARY}
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == sorted(names)
    for picture in pictures:
        assert 0.01 < ink(picture.png) < 0.9, picture.name
        assert Image.open(io.BytesIO(picture.png)).size == (picture.width, picture.height)


def test_several_classes_are_drawn_each_against_the_rest() -> None:
    found = {drawing.name: drawing for drawing in drawings(make_record(("a", "b", "c"), None, rows=90))}
    assert set(found) == BINARY - {"roc", "precision-recall", "decision-curve"} | {"one-against-rest"}
    for name in ("one-against-rest", "confusion", "reliability", "strongest-features"):
        assert ink(render(found[name]).png) > 0.01


def test_drawing_leaves_no_trace_in_matplotlib(record: RunRecord) -> None:
    settings = dict(mpl.rcParams)
    render(next(drawing for drawing in drawings(record) if drawing.name == "confusion"))
    assert dict(mpl.rcParams) == settings
    assert plt.get_fignums() == []


def test_the_words_of_a_figure_hold_its_numbers(record: RunRecord) -> None:
    words = {drawing.name: drawing.alt for drawing in drawings(record)}
    assert record.metrics["auroc"].format() in words["roc"]
    assert record.metrics["average_precision"].format() in words["precision-recall"]
    assert record.metrics["ece"].format() in words["reliability"]
    assert "M: 60 rows, 50.0 %" in words["class-balance"]
    assert record.importance[0].estimate.format() in words["permutation-importance"]
    right = int((record.scored.predicted == record.scored.truth)[record.scored.truth == 1].sum())
    assert f"Of 60 M, {right} right" in words["confusion"]


def test_rows_of_one_class_leave_out_the_curves(record: RunRecord) -> None:
    one = record.scored.take(record.scored.truth == 0)
    bare = RunRecord(name="one", kind="evaluate", title="One", scored=one, metrics={})
    assert [drawing.name for drawing in drawings(bare)] == ["confusion", "reliability", "risk-coverage"]
    assert all(ink(picture.png) > 0.01 for picture in render_figures(bare))


def odd_table(columns: dict[str, np.ndarray], rows: int = 40) -> Table:
    """Return a table of odd columns with two classes."""
    values = np.stack(list(columns.values()), axis=1)
    ids = np.array([str(row) for row in range(rows)])
    target = np.array(["B", "M"])[np.arange(rows) % 2]
    return Table("odd", tuple(map(Feature, columns)), values, ids, ids, target, "label", "row")


@pytest.mark.parametrize(
    "columns",
    [
        {"alone": np.arange(40.0)},
        {"missing": np.full(40, np.nan), "constant": np.full(40, 3.0)},
        {"huge": np.arange(40) * 1e9, "tiny": np.arange(40) * 1e-12, "score": np.arange(40) % 10 + 1.0},
        {"$\\frac{": np.arange(40.0), "_hidden": np.sin(np.arange(40.0)), "汉字\x07": np.cos(np.arange(40.0))},
    ],
    ids=["one column", "nothing to see", "scales", "names"],
)
def test_odd_columns_can_be_drawn(record: RunRecord, columns: dict[str, np.ndarray]) -> None:
    odd = replace(record, table=odd_table(columns))
    for drawing in drawings(odd):
        if drawing.section == "data":
            assert ink(render(drawing).png) > 0.005


def test_a_wide_table_shows_its_strongest_columns(record: RunRecord) -> None:
    random = np.random.default_rng(0)
    wide = odd_table({f"gene_{place}": random.normal(size=40) for place in range(70)})
    words = {drawing.name: drawing.title for drawing in drawings(replace(record, table=wide))}
    assert words["all-features"] == "The 48 strongest of 70 by class"


def test_names_are_printed_plainly() -> None:
    assert plain("mean_concave_points") == "mean concave points"
    assert plain("_a\nb\t") == "a b"
    assert plain("\x00") == "(no name)"
    assert len(plain("x" * 200)) == 28


def test_the_positive_class_has_one_colour_wherever_it_stands() -> None:
    assert class_colours(("B", "M"), "M")["M"] == class_colours(("M", "B"), "M")["M"]
    assert len(set(class_colours(tuple("abcdefgh")).values())) == 8
