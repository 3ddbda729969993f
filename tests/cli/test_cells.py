"""`cancernet cells`: what it prints, what it leaves, what it refuses."""

import json

import numpy as np
import pytest
from PIL import Image

from cells.drawn import field
from cli.made import cancernet, refused, succeeded


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image, labels = field(4)
    Image.fromarray(image).save("field.png")
    Image.fromarray(labels.astype(np.uint16)).save("labels.png")
    return tmp_path


def test_it_measures_and_writes(here):
    found = succeeded("cells", "field.png", "--mpp", 0.25)
    assert "nuclei in 0.0025 mm2" in found.out
    assert "area, square microns" in found.out
    assert "not a medical device" in found.out
    files = {path.name for path in (here / "cells" / "field").iterdir()}
    assert files == {"overlay.png", "labels.png", "cells.parquet", "cells.geojson", "summary.json", "profile.png"}


def test_it_asks_the_fna_model(here):
    found = succeeded("cells", "field.png", "--mpp", 0.25, "--labels", "labels.png", "--fna", "--out", "a")
    assert "not validated" in found.out
    assert "0.8 x 0.415" in found.out
    assert len(json.loads((here / "a" / "summary.json").read_text())["fna"]["features"]) == 30
    again = succeeded("predict", "fna", "a/fna.csv", "--json").json
    assert again["rows"] == 1
    assert {"fna.csv", "fna_nuclei.csv"} <= {path.name for path in (here / "a").iterdir()}


def test_a_field_without_nuclei_is_an_answer(here):
    Image.fromarray(np.full((60, 60, 3), 240, np.uint8)).save("blank.png")
    found = succeeded("cells", "blank.png", "--mpp", 0.25, "--fna")
    assert "No nucleus was found" in found.out
    assert "No FNA features" in found.out
    assert succeeded("cells", "blank.png", "--mpp", 0.25, "--out", "b", "--json").json["nuclei"] == 0
    assert not (here / "cells" / "blank" / "fna.csv").exists()


def test_one_nucleus_is_measured(here):
    labels = np.zeros((200, 200), np.uint8)
    labels[50:70, 50:75] = 1
    Image.fromarray(labels).save("one.png")
    found = succeeded("cells", "field.png", "--mpp", 0.25, "--labels", "one.png", "--fna")
    assert "1 nucleus alone, without a neighbour." in found.out
    assert "Whole nuclei in this field: 1 of 1" in found.out


def test_what_it_refuses(here):
    Image.fromarray(np.zeros((10, 10), np.uint8)).save("small.png")
    Image.fromarray(np.zeros((60, 60, 3), np.uint8)).save("black.png")
    assert "never guessed" in refused("cells", "field.png")
    assert "does not exist: 'none.png'" in refused("cells", "none.png", "--mpp", 0.25)
    assert "10 x 10 pixels for an image of 200 x 200" in refused(
        "cells", "field.png", "--mpp", 0.25, "--labels", "small.png"
    )
    assert "as fluorescence" in refused("cells", "black.png", "--mpp", 0.25)
    assert "microns per pixel" in refused("cells", "field.png", "--mpp", 8)
    assert "Unknown segmenter" in refused("cells", "field.png", "--mpp", 0.25, "--segmenter", "clasical")


def test_an_existing_folder_is_kept(here):
    Image.fromarray(np.full((40, 50, 3), 240, np.uint8)).save("blank.png")
    assert succeeded("cells", "blank.png", "--mpp", 0.25, "--out", "a", "--quiet").out == ""
    assert "exists already" in refused("cells", "blank.png", "--mpp", 0.25, "--out", "a")
    succeeded("cells", "blank.png", "--mpp", 0.25, "--out", "a", "--force")


def test_a_slide_is_worked_through_in_tiles(here):
    """A part of it, by the same command; again, it needs no work."""
    arguments = ("cells", "field.png", "--mpp", 0.25, "--region", "0,0,150,200", "--out", "slides")
    first = succeeded(*arguments)
    assert "nuclei in" in first.out
    files = {path.name for path in (here / "slides" / "field").iterdir()}
    assert files == {"cells.png", "cells.parquet", "cells.geojson", "summary.json", "job.json"}
    assert succeeded(*arguments, "--json").json["kept"] == ["field"]
    summary = json.loads((here / "slides" / "field" / "summary.json").read_text())
    assert 10 < summary["nuclei"] < 30
    assert summary["mm2"] == pytest.approx(150 * 200 * 0.0625 / 1e6, rel=0.2)  # pixels of 8 microns


def test_several_images_are_a_batch(here):
    """A field among them has what a field has; what failed is said, and the others are done."""
    Image.fromarray(np.zeros((60, 60, 3), np.uint8)).save("black.png")
    found = cancernet("cells", "field.png", "black.png", "--mpp", 0.25, "--out", "batch", "--max-ram", "2G")
    assert found.code == 2
    assert "as fluorescence" in found.err
    assert (here / "batch" / "field" / "overlay.png").exists()
    assert not (here / "batch" / "black").exists()


def test_what_goes_with_fields_only(here):
    assert "One field" in refused("cells", "field.png", "--mpp", 0.25, "--fna", "--region", "0,0,9,9")
    assert "One slide" in refused("cells", "field.png", "labels.png", "--mpp", 0.25, "--mask", "none.geojson")
