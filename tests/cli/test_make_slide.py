"""`data make slide`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openslide
import pandas as pd
import pytest
import tifffile
from PIL import Image

from cli.made import cancernet, contents, largest_file, refused, succeeded, without_rights

SMALL = ("--size", "900x700", "--foci", "1")


@pytest.fixture
def patches(here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patches named like those of the IDC set, of three patients."""
    monkeypatch.setenv("CANCERNET_CACHE", str(tmp_path_factory.mktemp("cache")))
    for number in range(24):
        patient, label = 8900 + number % 3, number % 2
        name = f"{patient}_idx5_x{number}_y1_class{label}.png"
        path = here / "idc" / str(patient) / str(label) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (50, 50), (240 - 90 * label, 150 - 80 * label, 200 - number)).save(path)
    return here / "idc"


def test_a_slide_of_tissue(here: Path) -> None:
    found = succeeded("data", "make", "slide", "made.tiff", *SMALL, "--mpp", "0.5", "--focus-mm", "0.1")
    assert sorted(contents(here)) == ["made.geojson", "made.json", "made.tiff"]
    assert "900 x 700 pixels" in found.out
    assert "0.00785 mm2" in found.out  # of a circle of 0.1 mm
    assert "synthetic" in found.out
    assert found.err.splitlines() == ["Making ..."]
    with openslide.OpenSlide("made.tiff") as slide:
        assert slide.dimensions == (900, 700)
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(0.5)


def test_quiet_and_json(here: Path) -> None:
    quiet = succeeded("data", "make", "slide", "a.tiff", *SMALL, "--quiet")
    assert (quiet.out, quiet.err) == ("", "")
    told = succeeded("data", "make", "slide", "b.tiff", *SMALL, "--json")
    assert told.err == ""
    assert told.json == {"slide": "b.tiff", **json.loads(Path("b.json").read_text())}
    assert Path("a.tiff").read_bytes() == Path("b.tiff").read_bytes()


def test_colours_are_stored_as_asked(here: Path) -> None:
    for name, asked, stored in (("half.tiff", (), (2, 2)), ("full.tiff", ("--subsampling", "4:4:4"), (1, 1))):
        succeeded("data", "make", "slide", name, *SMALL, *asked)
        with tifffile.TiffFile(name) as file:
            assert tuple(file.pages[0].tags["YCbCrSubSampling"].value) == stored


def test_a_slide_is_kept_unless_forced(here: Path) -> None:
    (here / "made.tiff").write_text("mine")
    assert "exists already" in refused("data", "make", "slide", "made.tiff", *SMALL)
    succeeded("data", "make", "slide", "made.tiff", *SMALL, "--force")
    assert (here / "made.tiff").read_bytes()[:2] == b"II"


def test_a_repeated_image(here: Path) -> None:
    Image.new("RGB", (30, 20), (180, 90, 140)).save("region.png")
    found = succeeded("data", "make", "slide", "r.tiff", "--size", "400x300", "--mpp", "0.25", "--repeat", "region.png")
    assert sorted(contents(here)) == ["r.json", "r.tiff", "region.png"]
    assert "over and over" in found.out
    with openslide.OpenSlide("r.tiff") as slide:
        pixels = np.array(slide.read_region((0, 0), 0, (400, 300)))[:, :, :3]
    assert np.abs(pixels - (180.0, 90, 140)).max() < 4


def test_a_mosaic(here: Path, patches: Path) -> None:
    options = ("--patches", "idc", "--layout", "idc", "--positive", "1", "--groups", "8900,8902", "--patch-mpp", "4")
    found = succeeded("data", "make", "slide", "m.tiff", "--size", "2000x1500", "--mpp", "2", "--foci", "2", *options)
    assert "Real patches" in found.out
    table = pd.read_parquet("m.cells.parquet")
    assert set(table["group"]) == {"8900", "8902"}
    assert set(table["label"]) == {"0", "1"}
    assert set(table["l0_side"]) == {100}
    facts = json.loads(Path("m.json").read_text())
    assert (facts["patch_mpp"], facts["patch_mpp_is"], facts["groups"]) == (4.0, "given", ["8900", "8902"])


def test_given_outlines(here: Path) -> None:
    ring = [[100, 100], [800, 100], [800, 600], [100, 600], [100, 100]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "geometry": geometry, "properties": {"classification": {"name": "Tissue"}}}
    Path("mine.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    succeeded("data", "make", "slide", "made.tiff", "--size", "900x700", "--outlines", "mine.geojson")
    facts = json.loads(Path("made.json").read_text())
    assert facts["tissue_mm2"] == pytest.approx([700 * 500 * 0.25 / 1e6])
    assert facts["tumour_mm2"] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("made.png",), "ends in .tiff"),
        (("made.tiff", "--size", "900"), "WIDTHxHEIGHT"),
        (("made.tiff", "--size", "0x700"), "64"),
        (("made.tiff", "--mpp", "0"), "mpp = 0"),
        (("made.tiff", "--mpp", "nan"), "mpp = nan"),
        (("made.tiff", "--seed", "-3"), "seed = -3"),
        (("made.tiff", "--foci", "-1"), "foci = -1"),
        (("made.tiff", "--focus-mm", "big"), "--focus-mm 'big'"),
        (("made.tiff", *SMALL, "--focus-mm", "9"), "does not fit"),
        (("made.tiff", *SMALL, "--quality", "0"), "quality = 0"),
        (("made.tiff", *SMALL, "--subsampling", "4:1:1"), "Unknown subsampling '4:1:1'"),
        (("made.tiff", "--repeat", "gone.png"), "gone.png"),
        (("made.tiff", "--repeat", "a.png", "--patches", "idc"), "one of them"),
        (("made.tiff", "--repeat", "a.png", "--outlines", "a.geojson"), "no outlines"),
        (("made.tiff", "--outlines", "gone.geojson"), "gone.geojson"),
        (("made.tiff", "--patches", "gone"), "gone"),
        (("made.tiff", "--patches", "idc", "--layout", "idc"), "--positive LABEL"),
        (("made.tiff", "--patches", "idc", "--positive", "2"), "Unknown label '2'"),
        (("made.tiff", "--patches", "idc", "--groups", "8909"), "Unknown group '8909'"),
    ],
)
def test_what_cannot_be_is_refused(here: Path, patches: Path, options: tuple[str, ...], words: str) -> None:
    assert words in refused("data", "make", "slide", *options)


def test_a_full_disk_leaves_nothing(here: Path) -> None:
    with largest_file(20_000):
        found = cancernet("data", "make", "slide", "made.tiff", *SMALL)
    assert found.code == 2
    assert "larger than allowed" in found.err
    assert contents(here) == {}


def test_a_folder_without_rights(here: Path) -> None:
    Path("closed").mkdir()
    Path("closed").chmod(0o500)
    with without_rights():
        assert "rights are missing" in refused("data", "make", "slide", "closed/made.tiff", *SMALL)
