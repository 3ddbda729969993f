"""Reading a field and its masks, and the files that it leaves."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cancernet.cells import CellOptions, examine, read_field, read_labels, write_examined
from cancernet.cells.outputs import _write_labels
from cancernet.errors import CorruptFile, InvalidInput, MissingResolution, StorageFailure
from cancernet.slides import read_geojson
from cells.drawn import field


@pytest.fixture
def drawn(tmp_path):
    image, labels = field(4)
    Image.fromarray(image).save(tmp_path / "field.png")
    Image.fromarray(labels.astype(np.uint16)).save(tmp_path / "labels.png")
    return tmp_path


def test_a_field_knows_its_resolution(drawn):
    found = read_field(drawn / "field.png", mpp=0.25)
    assert (found.name, found.mpp, found.pitch.source, found.l0_per_px) == ("field.png", 0.25, "--mpp", (1.0, 1.0))
    assert np.array_equal(found.image, np.array(Image.open(drawn / "field.png")))


def test_without_a_resolution_it_is_refused(drawn):
    with pytest.raises(MissingResolution, match="never guessed"):
        read_field(drawn / "field.png")


def test_fluorescence_is_refused(tmp_path):
    dark = np.zeros((80, 80, 3), np.uint8)
    dark[30:50, 30:50] = (40, 60, 250)
    Image.fromarray(dark).save(tmp_path / "dapi.png")
    with pytest.raises(InvalidInput, match="black, as fluorescence"):
        read_field(tmp_path / "dapi.png", mpp=0.25)
    Image.fromarray(dark[..., 2]).save(tmp_path / "grey.png")
    with pytest.raises(InvalidInput, match="grey"):
        read_field(tmp_path / "grey.png", mpp=0.25)


def test_a_field_that_is_too_large_is_refused(drawn, monkeypatch):
    monkeypatch.setattr("cancernet.cells.field._MOST_PIXELS", 1000)
    with pytest.raises(InvalidInput, match="200 x 200 pixels"):
        read_field(drawn / "field.png", mpp=0.25)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32, np.int64])
def test_labels_of_every_file(tmp_path, kind):
    import tifffile

    labels = np.arange(12).reshape(3, 4).astype(kind)
    if labels.itemsize > 2:
        labels[0, 0] = 70_000
    np.save(tmp_path / "a.npy", labels)
    assert np.array_equal(read_labels(tmp_path / "a.npy", (3, 4)), labels)
    if kind is not np.int64:
        tifffile.imwrite(tmp_path / "a.tif", labels)
        assert np.array_equal(read_labels(tmp_path / "a.tif", (3, 4)), labels)
    if labels.itemsize <= 2:
        Image.fromarray(labels).save(tmp_path / "a.png")
        assert np.array_equal(read_labels(tmp_path / "a.png", (3, 4)), labels)


def test_labels_that_are_none_are_refused(tmp_path):
    Image.fromarray(np.zeros((3, 4, 3), np.uint8)).save(tmp_path / "colours.png")
    Image.fromarray(np.zeros((3, 5), np.uint8)).save(tmp_path / "large.png")
    Image.fromarray(np.zeros((3, 4), bool)).save(tmp_path / "two.png")
    np.save(tmp_path / "real.npy", np.zeros((3, 4)))
    np.save(tmp_path / "objects.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "text.tif").write_text("no picture")
    for name, error in {
        "colours.png": InvalidInput,
        "large.png": InvalidInput,
        "two.png": InvalidInput,
        "real.npy": InvalidInput,
        "objects.npy": CorruptFile,
        "text.png": CorruptFile,
        "text.tif": CorruptFile,
        "none.png": StorageFailure,
    }.items():
        with pytest.raises(error):
            read_labels(tmp_path / name, (3, 4))


def test_the_files_of_a_field(drawn):
    options = CellOptions(mpp="0.25", labels=drawn / "labels.png")
    examined = examine(drawn / "field.png", options=options)
    out = drawn / "out"
    out.mkdir()
    write_examined(out, examined)
    table = pd.read_parquet(out / "cells.parquet")
    assert table.equals(examined.measured.table)
    assert np.array_equal(np.array(Image.open(out / "labels.png")), np.array(Image.open(drawn / "labels.png")))
    assert set(table["nucleus"]) == set(np.unique(np.array(Image.open(drawn / "labels.png")))) - {0}
    summary = json.loads((out / "summary.json").read_text())
    assert summary["nuclei"] == len(table)
    assert summary["density_per_mm2"] == pytest.approx(len(table) / 0.0025)
    regions = read_geojson(out / "cells.geojson")
    areas = [region.polygon.area / 16 for region in regions]
    assert areas == pytest.approx(table["area_um2"].tolist(), rel=0.03)
    assert regions[0].measurements["area_um2"] == pytest.approx(table["area_um2"][0])
    kinds = {one["properties"]["objectType"] for one in json.loads((out / "cells.geojson").read_text())["features"]}
    assert kinds == {"detection"}
    overlay = np.array(Image.open(out / "overlay.png"))
    assert overlay.shape == (1200, 1200, 3)
    assert (overlay == (0, 190, 80)).all(axis=2).sum() > 1000


def test_a_blank_field_has_all_files_and_says_so(tmp_path):
    Image.fromarray(np.full((90, 120, 3), 245, np.uint8)).save(tmp_path / "blank.png")
    examined = examine(tmp_path / "blank.png", options=CellOptions(mpp="0.25"))
    write_examined(tmp_path, examined)
    assert examined.summary["nuclei"] == 0
    assert "No nucleus was found" in examined.summary["reason"]
    assert json.loads((tmp_path / "cells.geojson").read_text())["features"] == []
    assert len(pd.read_parquet(tmp_path / "cells.parquet")) == 0


def test_more_nuclei_than_16_bits_can_number(tmp_path):
    import tifffile

    labels = np.arange(70_000, dtype=np.int32).reshape(280, 250)
    _write_labels(tmp_path, labels)
    assert np.array_equal(tifffile.imread(tmp_path / "labels.tif"), labels)
    assert not (tmp_path / "labels.png").exists()
