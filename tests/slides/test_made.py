"""Made slides as files: what lies beside them, repeated images, outlines as GeoJSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openslide
import pytest
from PIL import Image
from shapely import Polygon, box
from shapely.geometry import shape

from cancernet.errors import CorruptFile, InvalidInput
from cancernet.slides import PyramidOptions
from cancernet.slides.made import (
    Outlines,
    Picture,
    draw_outlines,
    make_slide,
    read_outlines,
    repeated_picture,
    tissue_picture,
    write_outlines,
)

SIZE = (1400, 1100)


@pytest.fixture(scope="module")
def picture() -> Picture:
    return tissue_picture(SIZE, mpp=0.5, seed=3, foci=2)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_slide_and_what_lies_beside_it(tmp_path, picture):
    made = make_slide(tmp_path / "one.tiff", picture)
    assert _names(tmp_path) == ["one.geojson", "one.json", "one.tiff"]
    assert [path.name for path in made.beside] == ["one.json", "one.geojson"]
    assert json.loads((tmp_path / "one.json").read_text()) == made.description
    assert made.description["synthetic"] is True
    assert made.description["kind"] == "tissue"
    assert (made.description["size"], made.description["mpp"], made.description["seed"]) == ([1400, 1100], 0.5, 3)
    with openslide.OpenSlide(tmp_path / "one.tiff") as slide:
        assert [list(size) for size in slide.level_dimensions] == made.description["levels"]
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(0.5)
        assert "synthetic" in slide.properties["tiff.ImageDescription"]
        found = np.array(slide.read_region((400, 300), 0, (500, 500)).convert("RGB"))
    assert np.abs(found.astype(int) - picture.block(400, 300, 500, 500)).mean() < 5


def test_areas_are_those_of_the_outlines(tmp_path, picture):
    made = make_slide(tmp_path / "one.tiff", picture)
    by_kind: dict[str, list[float]] = {"Tissue": [], "Tumor": []}
    for feature in json.loads((tmp_path / "one.geojson").read_text())["features"]:
        by_kind[feature["properties"]["classification"]["name"]].append(shape(feature["geometry"]).area * 0.25 / 1e6)
    assert made.description["tissue_mm2"] == pytest.approx(by_kind["Tissue"], abs=1e-6)
    assert made.description["tumour_mm2"] == pytest.approx(by_kind["Tumor"], abs=1e-6)


def test_the_same_seed_makes_the_same_file(tmp_path, picture):
    for name, workers in (("one", 1), ("two", 3)):
        again = tissue_picture(SIZE, mpp=0.5, seed=3, foci=2)
        make_slide(tmp_path / f"{name}.tiff", again, options=PyramidOptions(workers=workers))
    for ending in ("tiff", "geojson", "json"):
        assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()
    other = tissue_picture(SIZE, mpp=0.5, seed=4, foci=2)
    assert not np.array_equal(other.block(300, 300, 200, 200), picture.block(300, 300, 200, 200))


@pytest.mark.parametrize("name", ["one.tiff", "one.json", "one.geojson", "one.cells.parquet"])
def test_nothing_is_replaced_unasked(tmp_path, name):
    (tmp_path / name).write_text("mine")
    picture = repeated_picture(np.zeros((50, 50, 3), np.uint8), size=(100, 100), mpp=1)
    with pytest.raises(InvalidInput, match="exists already"):
        make_slide(tmp_path / "one.tiff", picture)
    assert _names(tmp_path) == [name]
    make_slide(tmp_path / "one.tiff", picture, force=True)
    assert _names(tmp_path) == ["one.json", "one.tiff"]  # nothing of an older slide stays


def test_a_failure_leaves_nothing(tmp_path):
    def broken(x, y, width, height):
        raise KeyError("no pixels")

    with pytest.raises(KeyError):
        make_slide(tmp_path / "one.tiff", Picture("repeat", broken, (100, 100), 1.0))
    assert _names(tmp_path) == []


def test_the_name_says_what_it_is(tmp_path):
    with pytest.raises(InvalidInput, match=r"one\.png.*\.tiff"):
        make_slide(tmp_path / "one.png", repeated_picture(np.zeros((9, 9, 3), np.uint8), size=(70, 70), mpp=1))


@pytest.mark.parametrize("size", [(80, 64), (100, 75), (170, 90)])
def test_repeats_are_mirrored(size):
    image = np.random.default_rng(0).integers(0, 256, (9, 17, 3), dtype=np.uint8)
    found = repeated_picture(image, size=size, mpp=0.5).block(0, 0, *size)
    around = ((0, max(0, size[1] - 9)), (0, max(0, size[0] - 17)), (0, 0))
    assert np.array_equal(found, np.pad(image, around, mode="symmetric"))
    part = repeated_picture(image, size=size, mpp=0.5).block(3, 2, 10, 7)
    assert np.array_equal(part, found[2:9, 3:13])


def test_an_image_file_is_repeated(tmp_path):
    Image.fromarray(np.full((60, 80, 3), (200, 100, 150), np.uint8)).save(tmp_path / "region.png")
    made = make_slide(tmp_path / "r.tiff", repeated_picture(tmp_path / "region.png", size=(500, 400), mpp=0.25))
    assert (made.description["image"], made.description["image_pixels"]) == ("region.png", [80, 60])
    with openslide.OpenSlide(tmp_path / "r.tiff") as slide:
        assert np.abs(np.array(slide.read_region((300, 300), 0, (9, 9)))[:, :, :3] - (200.0, 100, 150)).max() < 4
    with pytest.raises(InvalidInput, match=r"\(9, 9\)"):
        repeated_picture(np.zeros((9, 9), np.uint8), size=(70, 70), mpp=1)


def test_geojson_comes_back(tmp_path):
    outlines = draw_outlines((20_000, 15_000), mpp=0.5, seed=5, foci=4)
    write_outlines(tmp_path / "a.geojson", outlines)
    found = read_outlines(tmp_path / "a.geojson")
    for mine, theirs in ((found.tissue, outlines.tissue), (found.tumour, outlines.tumour)):
        for one, other in zip(mine, theirs, strict=True):
            assert one.symmetric_difference(other).area < 0.01 * other.length  # hundredths of a pixel are kept


def test_geojson_is_as_qupath_writes_it(tmp_path):
    outlines = Outlines((box(0, 0, 100, 100).difference(box(40, 40, 60, 60)),), (box(10, 10, 30, 30),))
    write_outlines(tmp_path / "a.geojson", outlines)
    content = json.loads((tmp_path / "a.geojson").read_text())
    assert content["type"] == "FeatureCollection"
    tissue, tumour = content["features"]
    assert [each["properties"]["classification"]["name"] for each in (tissue, tumour)] == ["Tissue", "Tumor"]
    assert len(tissue["geometry"]["coordinates"]) == 2  # the hole is kept
    for feature in (tissue, tumour):
        assert feature["type"] == "Feature"
        assert feature["properties"]["objectType"] == "annotation"
        assert all(ring[0] == ring[-1] for ring in feature["geometry"]["coordinates"])


def _feature(name: str | None, polygon: Polygon) -> dict:
    classified = {} if name is None else {"classification": {"name": name}}
    return {"type": "Feature", "geometry": polygon.__geo_interface__, "properties": classified}


def test_outlines_as_others_write_them(tmp_path):
    several = box(0, 0, 9, 9).union(box(20, 0, 29, 9))  # a multipolygon
    features = [_feature("tissue", several), _feature("Tumour", box(1, 1, 2, 2)), _feature(None, box(5, 5, 6, 6))]
    (tmp_path / "list.geojson").write_text(json.dumps(features))
    found = read_outlines(tmp_path / "list.geojson")
    assert (len(found.tissue), len(found.tumour)) == (2, 1)


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ("{", CorruptFile, "JSON"),
        ("[1, 2]", InvalidInput, "Feature 1"),
        ('{"features": [{"properties": {"classification": {"name": "Tissue"}}}]}', InvalidInput, "no GeoJSON"),
        ('{"type": "Point"}', InvalidInput, "no polygon"),
        ("[]", InvalidInput, "no polygon"),
        (json.dumps([_feature("Tumor", box(0, 0, 1, 1))]), InvalidInput, r"no outline.*\['tumor'\]"),
    ],
)
def test_bad_outlines_are_refused(tmp_path, content, error, words):
    (tmp_path / "a.geojson").write_text(content)
    with pytest.raises(error, match=words):
        read_outlines(tmp_path / "a.geojson")
