"""A slide that is cut in tiles has the same nuclei, with the same measurements, as in one piece."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cancernet.cells import CellTools, Classical, SlideOptions, examine_slide, measure_nuclei
from cancernet.cells.tiled import plan
from cells.drawn import field

EXACT = ("cut", "neighbours")
ROUNDING = {"solidity": 1e-3, "symmetry": 1e-3}  # of two farthest points as far, the last digit says which is taken
WORDS = ("nucleus", "reason")


def in_tiles(path, folder, *, px_side, monkeypatch, mask):
    """Return the table of a slide whose tiles have such a side, and its summary."""
    monkeypatch.setattr(plan, "_PX_SIDE", px_side)
    folder.mkdir()
    summary = examine_slide(CellTools(Classical()), path, folder=folder, options=SlideOptions(mpp="0.25", mask=mask))
    table = pd.read_parquet(folder / "cells.parquet").sort_values(["y_um", "x_um"], ignore_index=True)
    return table, summary


def whole_mask(path, width, height):
    """Write a mask of all of an image."""
    ring = f"[[0,0],[{width},0],[{width},{height}],[0,{height}],[0,0]]"
    path.write_text(f'{{"type":"Polygon","coordinates":[{ring}]}}')
    return path


def assert_alike(one, other):
    """Two tables hold the same nuclei."""
    assert len(one) == len(other) > 50
    assert list(one.columns) == list(other.columns)
    for name in one.columns.drop(list(WORDS)):
        rounding = 0 if name in EXACT else ROUNDING.get(name, 1e-6)
        np.testing.assert_allclose(one[name].astype(float), other[name].astype(float), rtol=rounding, atol=rounding)
    assert one["reason"].tolist() == other["reason"].tolist()


def test_drawn_nuclei(tmp_path, monkeypatch):
    image = np.tile(field(3, size=220, nuclei=36)[0], (4, 4, 1))
    Image.fromarray(image).save(tmp_path / "slide.png")
    mask = whole_mask(tmp_path / "mask.geojson", 880, 880)
    pieces, of_pieces = in_tiles(
        tmp_path / "slide.png", tmp_path / "pieces", px_side=640, monkeypatch=monkeypatch, mask=mask
    )
    one, of_one = in_tiles(tmp_path / "slide.png", tmp_path / "one", px_side=4096, monkeypatch=monkeypatch, mask=mask)
    assert (of_one["tiles"], of_pieces["tiles"]) == (1, 9)
    assert_alike(pieces, one)
    assert of_pieces["nuclei"] == of_one["nuclei"] == len(one)
    assert of_pieces["profile"] == pytest.approx(of_one["profile"], abs=1e-3)
    assert of_pieces["notes"] == of_one["notes"]


@pytest.mark.realdata
def test_real_nuclei(realdata, tmp_path, monkeypatch):
    """A field of MoNuSeg in nine tiles, in one, and in one piece without tiles."""
    name = "TCGA-21-5784-01Z-00-DX1"
    path = realdata / "nuclei" / "monuseg" / "images" / f"{name}.jpg"
    mask = whole_mask(tmp_path / "mask.geojson", 1000, 1000)
    pieces, summary = in_tiles(path, tmp_path / "pieces", px_side=640, monkeypatch=monkeypatch, mask=mask)
    one, _ = in_tiles(path, tmp_path / "one", px_side=4096, monkeypatch=monkeypatch, mask=mask)
    assert summary["tiles"] == 9
    assert_alike(pieces, one)
    assert len(one) > 350


def test_neighbours_are_those_of_the_whole_image():
    """Nuclei that are not chosen count as neighbours, and the others are measured as if all were."""
    image, labels = field(4)
    every = measure_nuclei(image, labels, mpp=0.25)
    left = every.table["x_um"].to_numpy() < 25
    some = measure_nuclei(image, labels, mpp=0.25, chosen=lambda centres: centres[:, 0] < 100)
    pd.testing.assert_frame_equal(some.table, every.table[left].reset_index(drop=True), rtol=1e-3)
    np.testing.assert_allclose(some.contours.points, every.contours.points[left], atol=1e-9)
    assert 0 < left.sum() < len(left)
