"""Types of nuclei: what the bundle says, in the table, in pictures, on slides in tiles."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cancernet import cells
from cancernet.bundle import Column, PatchInput, PixelSize, TableInput
from cancernet.cells import CellOptions, NucleusTypes, examine, measure_nuclei, open_tools, write_examined
from cancernet.cells.measure import measured_columns, no_nuclei
from cancernet.cells.tiled import plan
from cancernet.errors import BundleMismatch
from cancernet.patches import STATISTICS
from cancernet.slides import read_geojson
from cells.drawn import field
from cells.typebundle import CLASSES, MIDDLE, STEP, type_bundle, type_card


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A field whose left half is darker, its labels, and the bundle."""
    folder = tmp_path_factory.mktemp("types")
    image, labels = field(4)
    shade = np.where(np.arange(200) < 100, 0.75, 1.05)[None, :, None]
    image = (image * shade).clip(0, 255).astype(np.uint8)
    Image.fromarray(image).save(folder / "field.png")
    Image.fromarray(labels.astype(np.uint16)).save(folder / "labels.png")
    type_bundle(folder / "shades")
    return folder, image, labels


@pytest.fixture(scope="module")
def typed(here):
    """The field, examined with types."""
    folder, _, _ = here
    options = CellOptions(mpp="0.25", labels=folder / "labels.png", types=str(folder / "shades"))
    return examine(folder / "field.png", options=options)


def test_the_columns_are_what_the_bundle_says(here, typed):
    _, image, _ = here
    table = typed.measured.table
    padded = np.pad(image, ((40, 40), (40, 40), (0, 0)), mode="symmetric").astype(float)
    corners = np.floor(table[["x_um", "y_um"]].to_numpy() / 0.25 - 32 + 0.5).astype(int) + 40
    red = np.array([padded[y : y + 64, x : x + 64, 0].mean() for x, y in corners])  # 64 pixels of 0.25: 32 of 0.5
    z = (red - MIDDLE) / STEP
    logits = np.stack([-z, z, np.full_like(z, -4)], axis=1)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = table[[f"p_{name}" for name in CLASSES]].to_numpy()
    np.testing.assert_allclose(found, chances, atol=0.03)
    clear = np.sort(chances, axis=1)[:, -1] > 0.6
    named = np.array(CLASSES)[chances.argmax(axis=1)]
    assert table["type"].to_numpy()[clear].tolist() == named[clear].tolist()
    assert set(named) == {"dark", "pale"}
    assert table["abstained"].any()
    assert not table["abstained"][chances.max(axis=1) > 0.9].any()


def test_summary_and_files(typed, tmp_path):
    write_examined(tmp_path, typed)
    table = pd.read_parquet(tmp_path / "cells.parquet")
    assert table.equals(typed.measured.table)
    said = json.loads((tmp_path / "summary.json").read_text())["types"]
    kept = table[~table["abstained"]]
    assert said["counts"] == {name: int((kept["type"] == name).sum()) for name in CLASSES}
    assert said["abstained"] == int(table["abstained"].sum())
    assert sum(said["shares"].values()) == pytest.approx(1)
    regions = read_geojson(tmp_path / "cells.geojson")
    names = ["abstained" if open_ else name for name, open_ in zip(table["type"], table["abstained"], strict=True)]
    assert [region.label for region in regions] == names
    assert regions[0].measurements["p_dark"] == pytest.approx(table["p_dark"][0])
    overlay = np.array(Image.open(tmp_path / "overlay.png"))
    assert (overlay == (0, 200, 230)).all(axis=2).sum() > 300  # dark
    assert (overlay == (255, 215, 0)).all(axis=2).sum() > 300  # pale


def test_tiles_give_the_types_of_one_piece(here, tmp_path, monkeypatch):
    folder, image, labels = here
    big = np.tile(image, (2, 2, 1))
    Image.fromarray(big).save(tmp_path / "slide.png")
    ring = "[[0,0],[400,0],[400,400],[0,400],[0,0]]"
    (tmp_path / "mask.geojson").write_text(f'{{"type":"Polygon","coordinates":[{ring}]}}')

    class Known:
        """Gives the labels of the part of the slide that it sees, found by its pixels."""

        def labels(self, seen, *, mpp):
            every = np.tile(labels, (2, 2))
            number = every + np.repeat(np.repeat([[0, 100], [200, 300]], 200, 0), 200, 1) * (every > 0)
            for row in range(0, big.shape[0], 32):
                for column in range(0, big.shape[1], 32):
                    part = big[row : row + seen.shape[0], column : column + seen.shape[1]]
                    if part.shape == seen.shape and np.array_equal(part, seen):
                        return number[row : row + seen.shape[0], column : column + seen.shape[1]].astype(np.int32)
            raise LookupError("no such part")

    tables = []
    for px_side in (1536, 32):
        monkeypatch.setattr(plan, "_PX_SIDE", px_side)
        out = tmp_path / str(px_side)
        out.mkdir()
        with NucleusTypes(folder / "shades") as types:
            options = cells.SlideOptions(mpp="0.25", mask=tmp_path / "mask.geojson", types="shades")
            summary = cells.examine_slide(
                cells.CellTools(Known(), types), tmp_path / "slide.png", folder=out, options=options
            )
        table = pd.read_parquet(out / "cells.parquet").sort_values(["y_um", "x_um"], ignore_index=True)
        decided = table.loc[~table["abstained"], "type"].value_counts()
        assert summary["types"]["counts"] == {name: int(decided.get(name, 0)) for name in CLASSES}
        tables.append(table)
    columns = ["type", *(f"p_{name}" for name in CLASSES), "abstained"]
    assert len(tables[0]) > 60
    pd.testing.assert_frame_equal(tables[0][columns], tables[1][columns], atol=1e-6)


def test_no_nucleus_has_no_type(here):
    with open_tools(types=here[0] / "shades") as tools:
        table = tools.types(np.full((50, 50, 3), 240, np.uint8), no_nuclei(0.25)).table
    assert table.empty
    assert list(table.columns[-5:]) == ["type", *(f"p_{name}" for name in CLASSES), "abstained"]


def test_bundles_that_tell_no_types_are_refused(here, tmp_path):
    known = PixelSize(status="known", mpp=4.0)
    wide = PatchInput(size=32, pixel_size=known, statistics=STATISTICS)
    for place, taken in enumerate([wide, PatchInput(size=32, statistics=STATISTICS)]):
        type_bundle(tmp_path / str(place), input=taken)
        with pytest.raises(BundleMismatch, match="Crops of known microns"):
            NucleusTypes(tmp_path / str(place))
    with pytest.raises(BundleMismatch, match="no measurements of nuclei"):
        NucleusTypes("fna")
    with pytest.raises(BundleMismatch, match="answers ordinal"):
        NucleusTypes("cytology-grade")


def test_a_bundle_of_measurements_tells_types_too(here, tmp_path):
    from predict.made import make_bundle, make_decision

    columns = ("area_um2", "haematoxylin")
    assert set(columns) < set(measured_columns())
    card = type_card(
        input=TableInput(columns=tuple(Column(name=name) for name in columns)),
        decision=make_decision(novelty=None, threshold=None, temperature=1.0),
    )
    weights = [[0.0, 0.0, 0.0], [4.0, -4.0, 0.0]]
    make_bundle(tmp_path / "table", card, weights, bias=[-4.0, 4.0, -9.0])
    _, image, labels = here
    measured = measure_nuclei(image, labels, mpp=0.25)
    with NucleusTypes(tmp_path / "table") as types:
        table = types(image, measured).table
    assert ((table["haematoxylin"] > 1) == (table["type"] == "dark")).all()
