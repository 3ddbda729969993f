import json

import numpy as np
import openslide
import pyarrow.parquet as pq
import pytest
import shapely
import tifffile
from PIL import Image

from cancernet import engine, scan
from cancernet.bundle import PixelSize
from cancernet.errors import BundleMismatch, CorruptFile, InvalidInput, MissingResolution
from cancernet.geometry import Box
from cancernet.scan import ScanOptions, patch_of, scan_slide
from engine.patchbundle import SIZE, patch_bundle
from scan.made import MPP, tiles_of, write_slide

FILES = {"heatmap.png", "heatmap.tiff", "regions.geojson", "scores.parquet", "summary.json", "tissue.geojson"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with engine.open(patch_bundle(tmp_path_factory.mktemp("bundles") / "binary")) as opened:
        yield opened


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    """Tissue on the left, white glass on the right."""
    path = tmp_path_factory.mktemp("slides") / "made.png"
    pixels = write_slide(path, width=700, height=500)
    pixels[:, 400:] = 255
    per_inch = 25_400 / MPP
    Image.fromarray(pixels).save(path, dpi=(per_inch, per_inch))
    return path, pixels


@pytest.fixture(scope="module")
def scanned(model, slide, tmp_path_factory):
    """Folder, summary, and the progress that was told."""
    folder, told = tmp_path_factory.mktemp("out"), []
    summary = scan_slide(model, slide[0], folder=folder, progress=lambda *done: told.append(done))
    return folder, summary, told


def read_regions(path):
    return json.loads(path.read_text())["features"]


def test_all_files_are_there_and_the_summary_is_what_was_returned(scanned):
    folder, summary, told = scanned
    assert {path.name for path in folder.iterdir()} == FILES
    assert json.loads((folder / "summary.json").read_text()) == summary
    assert told[-1] == (summary["tiles"]["scored"], summary["tiles"]["scored"])


def test_scores_are_those_of_the_tiles_and_boxes_are_base_level_pixels(scanned, slide, model):
    folder, summary, _ = scanned
    table = pq.read_table(folder / "scores.parquet").to_pandas()
    columns = ["l0_x", "l0_y", "l0_width", "l0_height", "p_benign", "p_cancer", "predicted", "abstained", "ood"]
    assert list(table) == columns
    assert len(table) == summary["tiles"]["scored"]
    assert (table[["l0_width", "l0_height"]] == SIZE).all(axis=None)
    tiles = tiles_of(slide[1], SIZE)
    width = -(-slide[1].shape[1] // SIZE)
    chosen = tiles[(table.l0_y // SIZE * width + table.l0_x // SIZE).astype(int)]
    logits = model.run(chosen).logits
    chance = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    np.testing.assert_allclose(table.p_cancer, chance, atol=1e-5)
    np.testing.assert_allclose(table.p_cancer + table.p_benign, 1, atol=1e-6)


def test_glass_is_not_scored_and_all_tissue_is(scanned, slide):
    folder, summary, _ = scanned
    table = pq.read_table(folder / "scores.parquet").to_pandas()
    assert table.l0_x.max() < 416
    assert {(x, y) for x in range(0, 384, SIZE) for y in range(0, 480, SIZE)} <= set(
        zip(table.l0_x, table.l0_y, strict=True)
    )
    area = 400 * 500 * MPP**2 / 1e6
    assert summary["tissue_mm2"] == pytest.approx(area, rel=0.06)  # pixels of 8 microns at the edge


def test_regions_have_the_area_of_the_summary_and_are_valid(scanned):
    folder, summary, _ = scanned
    features = read_regions(folder / "regions.geojson")
    assert len(features) == summary["foci"]
    assert summary["foci"] > 0
    outlines = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in features]
    assert all(outline.is_valid for outline in outlines)
    total = sum(outline.area for outline in outlines) * MPP**2 / 1e6
    assert total == pytest.approx(summary["positive_mm2"], rel=1e-3)
    assert {feature["properties"]["classification"]["name"] for feature in features} == {"cancer"}
    measured = features[0]["properties"]["measurements"]
    assert measured["Area mm^2"] == summary["largest_focus_mm2"]
    assert summary["target"]["threshold"] <= measured["Mean"] <= measured["Maximum"] <= 1
    assert summary["positive_fraction"] == summary["positive_mm2"] / summary["tissue_mm2"]


def test_the_pyramid_opens_and_shows_colour_only_in_tissue(scanned):
    folder, summary, _ = scanned
    with openslide.OpenSlide(folder / "heatmap.tiff") as opened:
        um = float(opened.properties["openslide.mpp-x"])
        assert opened.dimensions[0] * um == pytest.approx(summary["l0_size"][0] * MPP, rel=0.01)
    pixels = tifffile.imread(folder / "heatmap.tiff", key=0)
    coloured = (pixels != 255).any(axis=2).sum() * um**2 / 1e6
    assert coloured == pytest.approx(summary["tissue_mm2"] - summary["unknown_mm2"], rel=0.02)


def test_a_region_is_scanned_alone(model, slide, tmp_path):
    summary = scan_slide(model, slide[0], folder=tmp_path, options=ScanOptions(region=Box(64, 96, 128, 64)))
    table = pq.read_table(tmp_path / "scores.parquet").to_pandas()
    assert sorted(set(table.l0_x)) == [64, 96, 128, 160]
    assert sorted(set(table.l0_y)) == [96, 128]
    assert summary["tissue_mm2"] == pytest.approx(128 * 64 * MPP**2 / 1e6, rel=0.15)


def test_a_region_outside_of_the_slide_is_refused(model, slide, tmp_path):
    with pytest.raises(InvalidInput, match="outside"):
        scan_slide(model, slide[0], folder=tmp_path, options=ScanOptions(region=Box(9000, 0, 10, 10)))


def test_a_mask_is_scanned_in_the_place_of_the_tissue(model, slide, tmp_path):
    square = {"type": "Polygon", "coordinates": [[[512, 0], [640, 0], [640, 128], [512, 128], [512, 0]]]}
    (tmp_path / "mask.geojson").write_text(json.dumps(square))
    (tmp_path / "out").mkdir()
    summary = scan_slide(model, slide[0], folder=tmp_path / "out", options=ScanOptions(mask=tmp_path / "mask.geojson"))
    table = pq.read_table(tmp_path / "out" / "scores.parquet").to_pandas()
    assert sorted(set(table.l0_x)) == [512, 544, 576, 608]
    assert summary["tissue_mm2"] == pytest.approx(128 * 128 * MPP**2 / 1e6, rel=0.02)
    assert table.ood.all()  # glass is unlike tissue
    assert summary["unknown_mm2"] == pytest.approx(summary["tissue_mm2"])
    assert summary["foci"] == 0


def test_overlap_gives_the_same_tiles_and_more(model, slide, scanned, tmp_path):
    scan_slide(model, slide[0], folder=tmp_path, options=ScanOptions(overlap=0.5))
    more = pq.read_table(tmp_path / "scores.parquet").to_pandas().set_index(["l0_x", "l0_y"]).p_cancer
    plain = pq.read_table(scanned[0] / "scores.parquet").to_pandas().set_index(["l0_x", "l0_y"]).p_cancer
    assert len(more) > 3 * len(plain)
    both = plain.index.intersection(more.index)
    assert len(both) == len(plain)
    np.testing.assert_allclose(plain[both], more[both], atol=1e-6)


def test_glass_alone_has_no_tile_and_no_number(model, tmp_path):
    per_inch = 25_400 / MPP
    Image.new("RGB", (300, 200), "white").save(tmp_path / "glass.png", dpi=(per_inch, per_inch))
    (tmp_path / "out").mkdir()
    summary = scan_slide(model, tmp_path / "glass.png", folder=tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert summary["tiles"]["scored"] == summary["foci"] == summary["tissue_mm2"] == 0
    assert summary["positive_fraction"] is None
    assert summary["slide_score"]["maximum"] is None
    assert read_regions(tmp_path / "out" / "regions.geojson") == []


def test_a_single_tile(model, slide, tmp_path):
    summary = scan_slide(model, slide[0], folder=tmp_path, options=ScanOptions(region=Box(100, 100, 20, 30)))
    assert summary["tiles"]["scored"] == 1


def test_a_slide_without_a_resolution_is_refused_until_it_is_given(model, slide, tmp_path):
    Image.fromarray(slide[1]).save(tmp_path / "plain.png")
    with pytest.raises(MissingResolution, match=r"plain\.png.*--mpp"):
        scan_slide(model, tmp_path / "plain.png", folder=tmp_path)
    summary = scan_slide(model, tmp_path / "plain.png", folder=tmp_path, options=ScanOptions(mpp="assume:0.5"))
    assert summary["resolution"]["assumed"] is True


def test_a_broken_slide_is_named(model, tmp_path):
    (tmp_path / "broken.svs").write_bytes(b"II*\0" + b"\0" * 50)
    with pytest.raises(CorruptFile, match=r"broken\.svs"):
        scan_slide(model, tmp_path / "broken.svs", folder=tmp_path)


def test_a_bundle_of_unknown_resolution_cannot_scan(model):
    unknown = model.card.input.model_copy(update={"pixel_size": PixelSize()})
    with pytest.raises(BundleMismatch, match="microns per pixel are unknown"):
        patch_of(model.card.model_copy(update={"input": unknown}))


def test_a_bundle_of_rows_cannot_scan():
    with engine.open("fna") as fna, pytest.raises(BundleMismatch, match="rows of 30 columns"):
        patch_of(fna.card)


def test_the_front_door_is_what_it_says():
    assert all(hasattr(scan, name) for name in scan.__all__)
