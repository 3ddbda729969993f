"""The files of a slide: whole, readable, true to each other; and what is said without all nuclei in memory."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from shapely import box

from cancernet.cells import CellTools, Classical, SlideOptions, examine_slide, is_field, measure_nuclei
from cancernet.cells.profile import mitosis_candidates
from cancernet.cells.summary import QUANTILES, quantiles_of
from cancernet.cells.tiled import streams
from cancernet.cells.tiled.picture import density_of
from cancernet.cells.tiled.sums import BINS, Histogram, Sums
from cancernet.errors import CancerNetError, InvalidInput
from cancernet.geometry import Box
from cancernet.scan import Tissue
from cancernet.slides import Region, growing_geojson, read_geojson, write_geojson
from cells.drawn import field

HALF = '{"type":"Polygon","coordinates":[[[0,0],[200,0],[200,400],[0,400],[0,0]]]}'


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    """A field that is worked through as a slide, its left half only."""
    folder = tmp_path_factory.mktemp("slide")
    image = np.tile(field(4)[0], (2, 2, 1))
    Image.fromarray(image).save(folder / "slide.png")
    (folder / "mask.geojson").write_text(HALF)
    return folder


def examined(folder, name, **options):
    """Return the summary of the slide and where its files are."""
    out = folder / name
    out.mkdir()
    given = SlideOptions(mpp="0.25", **{"mask": folder / "mask.geojson", **options})
    return examine_slide(CellTools(Classical()), folder / "slide.png", folder=out, options=given), out


def test_files_are_true_to_each_other(slide, monkeypatch):
    monkeypatch.setattr(streams, "_ROWS", 10)
    done = []
    out = slide / "files"
    out.mkdir()
    options = SlideOptions(mpp="0.25", mask=slide / "mask.geojson")
    path = slide / "slide.png"
    summary = examine_slide(
        CellTools(Classical()),
        path,
        folder=out,
        options=options,
        progress=lambda part, whole: done.append((part, whole)),
    )
    table = pd.read_parquet(out / "cells.parquet")
    regions = read_geojson(out / "cells.geojson", l0_size=(400, 400))
    assert done == [(1, 1)]
    assert summary == json.loads((out / "summary.json").read_text())
    assert summary["nuclei"] == len(table) == len(regions) > 20
    assert table["nucleus"].tolist() == list(range(1, len(table) + 1))
    centres = np.array([region.polygon.centroid.coords[0] for region in regions]) * 0.25
    np.testing.assert_allclose(centres, table[["x_um", "y_um"]], atol=0.3)
    whole = ~table["cut"]
    areas = np.array([region.polygon.area for region in regions]) / 16
    np.testing.assert_allclose(areas[whole], table["area_um2"][whole], rtol=0.03)
    assert (table["x_um"] < 50 + 8).all()
    assert summary["mm2"] == pytest.approx(50 * 100 / 1e6, rel=0.1)
    empty = table.drop(columns=["reason", "nucleus", "cut"]).isna().any(axis=1)
    assert (table["reason"][empty] != "").all()
    with Image.open(out / "cells.png") as picture:
        assert picture.width > 300


def test_a_slide_without_tissue_is_an_answer(tmp_path):
    Image.new("RGB", (300, 200), (243, 243, 243)).save(tmp_path / "slide.png")
    summary, out = examined(tmp_path, "out", mask=None)
    assert (summary["nuclei"], summary["tiles"], summary["density_per_mm2"]) == (0, 0, None)
    assert "no tissue" in summary["reason"]
    assert pd.read_parquet(out / "cells.parquet").empty
    assert json.loads((out / "cells.geojson").read_text())["features"] == []


def test_a_failure_leaves_no_half_file(slide):
    class Fails:
        def labels(self, image, *, mpp):
            raise InvalidInput("It fails", "That it does not")

    out = slide / "fails"
    out.mkdir()
    options = SlideOptions(mpp="0.25", mask=slide / "mask.geojson")
    with pytest.raises(CancerNetError, match="It fails"):
        examine_slide(CellTools(Fails()), slide / "slide.png", folder=out, options=options)
    assert not list(out.iterdir())


def test_a_region_outside_and_no_thread_are_refused(slide):
    with pytest.raises(InvalidInput, match="outside"):
        examined(slide, "outside", region=Box(5000, 0, 10, 10))
    with pytest.raises(InvalidInput, match="0 threads"):
        SlideOptions(threads=0)


def test_sums_agree_with_the_table():
    """The twin: quantiles, variation and candidates of a table in memory."""
    image, labels = field(6, size=400, nuclei=120)
    table = measure_nuclei(image, labels, mpp=0.25).table
    sums = Sums()
    for part in np.array_split(np.arange(len(table)), 7):
        sums.add(table.iloc[part])
    for name, (low, high, bins) in BINS.items():
        exact, found = quantiles_of(table[name].clip(low, high)), sums.quantiles(name)
        width, between = (high - low) / bins, np.sort(table[name].dropna())
        for share in QUANTILES:
            ranks = share * (len(between) - 1)
            near = between[[int(np.floor(max(ranks - 1, 0))), int(np.ceil(min(ranks + 1, len(between) - 1)))]]
            assert near[0] - width <= found[f"{share:g}"] <= near[1] + width, (name, exact)
    whole = table[~table["cut"] & table["radius_um"].notna()]["area_um2"]
    assert sums.whole["area_um2"].variation() == pytest.approx(whole.std() / whole.mean())
    least = np.quantile(table["haematoxylin"], [0.25, 0.5, 0.75])
    assert (
        abs(sums.clumped.from_value(least[1] + 2 * (least[2] - least[0]) / 1.349) - len(mitosis_candidates(table))) <= 1
    )


def test_histograms_hold_what_lies_beyond():
    one = Histogram(0.0, 1.0, 10)
    one.add(np.array([-5.0, 0.25, 0.25, 7.0, np.nan]))
    assert len(one) == 4
    assert one.quantile(0.5) == pytest.approx(0.25, abs=0.1)
    assert Histogram(0.0, 1.0, 10).quantile(0.5) is None
    assert Histogram(0.0, 1.0, 10).variation() is None


def test_density_of_evenly_spread_nuclei():
    tissue = Tissue(np.ones((60, 80), bool), Box(0, 0, 640, 480), 64.0)
    tissue.mask[:, :10] = False
    counts = np.where(tissue.mask, 2, 0).astype(np.int32)
    density = density_of(counts, tissue)
    np.testing.assert_allclose(density[tissue.mask], 2 / 64e-6, rtol=1e-4)
    assert np.isnan(density[:, :10]).all()


def test_fluorescence_is_refused(tmp_path):
    image = np.zeros((200, 200, 3), np.uint8)
    image[40:60, 40:60] = (30, 60, 220)
    Image.fromarray(image).save(tmp_path / "slide.png")
    for mask in (None, tmp_path / "mask.geojson"):
        (tmp_path / "mask.geojson").write_text(HALF.replace("400", "200"))
        with pytest.raises(InvalidInput, match="fluorescence"):
            examined(tmp_path, f"out-{mask is None}", mask=mask)


def test_a_field_among_slides_is_a_field(slide):
    assert is_field(slide / "slide.png", SlideOptions(mpp="0.25"))
    assert not is_field(slide / "slide.png", SlideOptions(mpp="0.25", region=Box(0, 0, 9, 9)))


def test_growing_geojson_says_what_the_whole_would(tmp_path):
    regions = [
        Region(box(0, 0, 5, 3), label="Nucleus", kind="detection"),
        Region(box(1, 1, 2, 2), measurements={"a": 1}),
    ]
    with growing_geojson(tmp_path / "grown.geojson") as append:
        append(regions[:1])
        append([])
        append(regions[1:])
    write_geojson(tmp_path / "whole.geojson", regions)
    grown, whole = (json.loads((tmp_path / f"{name}.geojson").read_text()) for name in ("grown", "whole"))
    assert grown == whole
    with pytest.raises(InvalidInput, match="not finite"), growing_geojson(tmp_path / "bad.geojson") as append:
        append([Region(box(0, 0, 1, 1), measurements={"a": np.nan})])
    assert not (tmp_path / "bad.geojson").exists()
