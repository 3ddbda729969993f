"""Cytoplasm around nuclei: whose it is, what the ratio is, what is said where there is none."""

import json

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from bundle.made import made_card, made_keras
from cancernet.bundle import Execution, FieldInput, Outlining, PixelSize, Task, write
from cancernet.cells import (
    CellOptions,
    CytologySegmenter,
    cells_of,
    examine,
    measure_nuclei,
    with_cells,
    write_examined,
)
from cancernet.errors import BundleMismatch
from cells.drawn import disc


def two_cells():
    """Return labels of three nuclei in rings of cytoplasm, the last one bare, and the mask of the cytoplasm."""
    nuclei = disc(10, size=200, centre=(50, 50)) + 2 * disc(12, size=200, centre=(120, 50))
    nuclei += 3 * disc(9, size=200, centre=(150, 150))
    plasma = (disc(30, size=200, centre=(50, 50)) + disc(36, size=200, centre=(120, 50))) > 0
    lonely = disc(15, size=200, centre=(40, 150)) > 0
    return nuclei.astype(np.int32), (plasma | lonely) & (nuclei == 0)


def test_each_nucleus_has_its_own_cytoplasm():
    nuclei, plasma = two_cells()
    cells = cells_of(nuclei, plasma)
    assert set(np.unique(cells)) == {0, 1, 2, 3}
    assert ((cells > 0) == ((plasma | (nuclei > 0)) & (cells > 0))).all()
    assert cells[150, 40] == 0  # cytoplasm without a nucleus
    assert np.array_equal(cells == 3, nuclei == 3)
    y, x = np.nonzero(plasma & (cells > 0))
    first, second = np.hypot(x - 49.5, y - 49.5) - 10, np.hypot(x - 119.5, y - 49.5) - 12
    clear = np.abs(first - second) > 3
    assert ((cells[y, x] == 1) == (first < second))[clear].all()  # the nearest one


def test_ratio_and_reason():
    nuclei, plasma = two_cells()
    image = np.full((200, 200, 3), 200, np.uint8)
    found = with_cells(measure_nuclei(image, nuclei, mpp=0.5), plasma)
    table = found.measured.table
    areas = np.bincount(found.labels.ravel())[1:]
    np.testing.assert_allclose(table["cytoplasm_um2"] + table["area_um2"], areas * 0.25)
    share = table["area_um2"] / (areas * 0.25)
    np.testing.assert_allclose(table["nucleus_share"][:2], share[:2])
    np.testing.assert_allclose(table["nc_ratio"][:2], share[:2] / (1 - share[:2]))
    assert table["nucleus_share"].isna().tolist() == [False, False, True]
    assert table["reason"].tolist() == ["", "", "no cytoplasm was found around it"]
    assert not table["cell_cut"].any()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return smear_bundle(tmp_path_factory.mktemp("cytology"), "cytoplasm")


def smear_bundle(folder, middle):
    """Write a bundle of three maps: cytoplasm where it is pink, nuclei where it is violet; no Keras."""
    weights = np.array([[-0.2, 0, 0], [-0.2, 0, 0], [-0.02, 0, 0]], np.float32)
    bias = np.array([0.2 * 210, 0.2 * 130, 0.02 * 130], np.float32)
    nodes = [
        helper.make_node("Cast", ["input"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["real", "weights"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["logits"]),
        helper.make_node("Identity", ["real"], ["features"]),
    ]
    size = 64
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("input", TensorProto.UINT8, ["n", size, size, 3])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", size, size, 3]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", size, size, 3]),
        ],
        [
            numpy_helper.from_array(array, name)
            for name, array in {"weights": np.ascontiguousarray(weights.T), "bias": bias}.items()
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), folder / "m.onnx")
    made_keras(folder / "m.keras")
    card = made_card(
        name="smears",
        task=Task(kind="segmentation", classes=("background", middle, "nucleus")),
        input=FieldInput(size=size, margin=8, pixel_size=PixelSize(status="known", mpp=0.5)),
        engine=Execution(),
        decision={"outlining": Outlining(rows="made")},
        prior={"background": 0.8, middle: 0.1, "nucleus": 0.1},
    )
    write(folder / "bundle", card, keras_file=folder / "m.keras", onnx_file=folder / "m.onnx")
    return folder / "bundle"


def test_a_smear_from_image_to_files(bundle, tmp_path):
    nuclei, plasma = two_cells()
    image = np.full((200, 200, 3), 240, np.uint8)
    image[plasma] = (180, 120, 160)
    image[nuclei > 0] = (90, 60, 140)
    Image.fromarray(image).save(tmp_path / "smear.png")
    examined = examine(tmp_path / "smear.png", options=CellOptions(mpp="0.5", cytology=str(bundle)))
    write_examined(tmp_path, examined)
    table = pd.read_parquet(tmp_path / "cells.parquet")
    found = {int(row.x_um): row for row in table.itertuples()}
    assert sorted(found) == pytest.approx([25, 60, 75], abs=1)
    truth = np.bincount(cells_of(nuclei, plasma).ravel())[1:]
    shares = table["nucleus_share"].to_numpy()
    expected = np.bincount(nuclei.ravel())[1:] / truth
    order = np.argsort(table["x_um"])
    np.testing.assert_allclose(shares[order][:2], expected[:2], rtol=0.05)
    assert np.isnan(shares[order][2])
    said = json.loads((tmp_path / "summary.json").read_text())
    assert (said["cells"]["with_cytoplasm"], said["cells"]["without_cytoplasm"]) == (2, 1)
    assert said["profile"]["median_nucleus_share"] == pytest.approx(np.nanmedian(shares))
    numbers = np.array(Image.open(tmp_path / "cytoplasm.png"))
    assert numbers[35, 50] == numbers[50, 50] > 0
    assert numbers[150, 40] == 0


def test_a_bundle_without_cytoplasm_is_refused(tmp_path):
    with pytest.raises(BundleMismatch, match="A class 'cytoplasm'"):
        CytologySegmenter(smear_bundle(tmp_path, "border"))
