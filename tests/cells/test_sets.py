"""Sets to learn from: crops of nuclei with their types, and tables of single cells."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cancernet.cells import CropOptions, cell_table, cut_crops, make_crops, measure_cell, measure_nuclei
from cancernet.errors import InvalidInput, MissingResolution
from cancernet.patches import PatchOptions, read_patches
from cells.drawn import disc, field
from cli.made import refused, succeeded

NAMES = {1: "round", 2: "long", 3: "round"}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Two images with outlined nuclei of three types, some without; and two cells with masks, one of them empty."""
    folder = tmp_path_factory.mktemp("sets")
    rows = []
    for seed in (4, 5):
        image, labels = field(seed)
        codes = np.where(labels > 0, labels % 5, 0)  # 4: without a name, 0: none
        part = labels == 1
        codes[part & (np.cumsum(part).reshape(part.shape) < part.sum() // 3)] = 2  # most of it keeps its code
        for name, pixels in {
            "image": image,
            "labels": labels.astype(np.uint16),
            "types": codes.astype(np.uint8),
        }.items():
            Image.fromarray(pixels).save(folder / f"{name}{seed}.png")
        rows.append({"path": f"image{seed}.png", "labels": f"labels{seed}.png", "types": f"types{seed}.png"})
        rows[-1] |= {"mpp": 0.25, "patient": f"p{seed}"}
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    cell = disc(30) + disc(12)
    Image.fromarray(np.where(cell[..., None] > 0, 120, 230).repeat(3, 2).astype(np.uint8)).save(folder / "cell.png")
    Image.fromarray(cell.astype(np.uint8)).save(folder / "mask.png")
    lines = ["path,mask,grade,group", "cell.png,mask.png,2,a", "image4.png,empty.png,0,b"]
    Image.fromarray(np.zeros((200, 200), np.uint8)).save(folder / "empty.png")
    (folder / "cells.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_crops_of_nuclei(here, tmp_path):
    options = CropOptions(group="patient", names=NAMES, size=32)
    made = make_crops(here / "manifest.csv", tmp_path / "crops", options=options)
    rows = pd.read_csv(tmp_path / "crops" / "manifest.csv")
    image, labels = field(4)
    table = measure_nuclei(image, labels, mpp=0.25).table
    known = table["nucleus"] % 5
    wanted = table[known.isin([1, 2, 3])]
    first = rows[rows["group"] == "p4"]
    assert first["nucleus"].tolist() == wanted["nucleus"].tolist()
    assert first["type"].tolist() == [NAMES[code] for code in wanted["nucleus"] % 5]
    np.testing.assert_allclose(first["area_um2"], wanted["area_um2"])
    assert set(rows["mpp"]) == {0.5}
    crops = cut_crops(image, wanted[["x_um", "y_um"]].to_numpy() / 0.25, size=32, scale=2.0)
    for path, crop in zip(first["path"], crops, strict=True):
        assert np.array_equal(np.array(Image.open(tmp_path / "crops" / path)), crop)
    assert made.counts == rows["type"].value_counts().to_dict()
    assert made.left_out + len(rows) == sum(len(np.unique(field(seed)[1])) - 1 for seed in (4, 5))
    found = read_patches(tmp_path / "crops", options=PatchOptions(target="type", group="group", mpp="mpp"))
    assert found.classes == ("long", "round")


def test_what_cannot_be_cut_is_refused(here, tmp_path):
    with pytest.raises(InvalidInput, match="No nucleus of the 2 images has a type"):
        make_crops(here / "manifest.csv", tmp_path / "a", options=CropOptions(names={9: "none"}))
    with pytest.raises(InvalidInput, match="Crops of 9 pixels"):
        CropOptions(size=9)
    lines = (here / "manifest.csv").read_text().replace(",0.25", ",")
    (here / "unknown.csv").write_text(lines)
    with pytest.raises(MissingResolution, match=r"No microns per pixel for .image4\.png"):
        make_crops(here / "unknown.csv", tmp_path / "b")
    assert not list(tmp_path.iterdir())


def test_a_table_of_cells(here):
    table, said = cell_table(here / "cells.csv")
    mask = np.array(Image.open(here / "mask.png"))
    twin = measure_cell(np.array(Image.open(here / "cell.png")), mask == 2, cell=mask > 0)
    assert table.iloc[0][["path", "grade", "group"]].tolist() == ["cell.png", "2", "a"]
    assert table.iloc[0][list(twin)].astype(float).to_dict() == pytest.approx(twin)
    assert said == ["image4.png: The mask of the nucleus is empty"]


def test_the_commands(here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ("data", "crops", here / "manifest.csv", "--names", "1=round,2=long,3=round", "--out", "crops")
    found = succeeded(*given, "--group", "patient")
    assert "nuclei of 2 images in crops" in found.out
    assert "exists already" in refused(*given)
    assert "CODE=NAME" in refused("data", "crops", here / "manifest.csv", "--names", "x=1", "--out", "other")
    found = succeeded("data", "cells", here / "cells.csv", "--out", "cells.csv")
    assert "1 cells in cells.csv" in found.out
    assert "Left out: image4.png" in found.out
