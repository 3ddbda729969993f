"""Grades of cells by bundles of measurements and of pictures, and where they disagree."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cancernet import engine, predict
from cancernet.bundle import Column, Conformal, Decision, TableInput, Task
from cancernet.cells import CellGrades, CellOptions, examine, measure_nuclei, open_tools, with_cells
from cancernet.cells.grades import _cut, _square
from cancernet.errors import BundleMismatch, InvalidInput
from cells.drawn import disc
from cells.typebundle import type_bundle
from predict.made import make_bundle, make_card

STEPS = (0.1, 0.2, 0.4, 0.6)  # shares of the nucleus between the grades
SHARPNESS = 60.0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A bundle of five grades by the share of the nucleus."""
    folder = tmp_path_factory.mktemp("grades") / "shares"
    card = make_card(
        name="shares",
        task=Task(kind="ordinal", classes=("0", "1", "2", "3", "4")),
        input=TableInput(columns=(Column(name="nucleus_share"),)),
        decision=Decision(conformal=Conformal(quantile=0.9, coverage=0.9, rows="made")),
        prior={str(grade): 0.2 for grade in range(5)},
    )
    bias = [SHARPNESS * step for step in STEPS]
    return make_bundle(folder, card, [[-SHARPNESS] * 4], bias=bias)


def smear():
    """Return an image of three cells, their nuclei, and their cytoplasm; the last has none."""
    nuclei = disc(14, size=200, centre=(50, 60)) + 2 * disc(26, size=200, centre=(140, 60))
    nuclei += 3 * disc(12, size=200, centre=(60, 150))
    plasma = (disc(45, size=200, centre=(50, 60)) + disc(38, size=200, centre=(140, 60))) > 0
    image = np.full((200, 200, 3), 240, np.uint8)
    image[plasma] = (180, 120, 160)
    image[nuclei > 0] = (90, 60, 140)
    noise = np.random.default_rng(0).normal(0, 6, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8), nuclei.astype(np.int32), plasma & (nuclei == 0)


def cells_of_smear():
    image, nuclei, plasma = smear()
    return image, with_cells(measure_nuclei(image, nuclei, mpp=0.5), plasma)


def test_two_bundles_grade_the_same_cells(made):
    image, cells = cells_of_smear()
    with CellGrades([made, "cytology-grade"]) as grades:
        table = grades(image, cells).measured.table
        said = grades.describe(table)
    shares = table["nucleus_share"].to_numpy()
    grade = [str(int(np.sum(share > np.array(STEPS)))) for share in shares[:2]]
    assert table["grade_shares"].tolist() == [*grade, ""]
    with engine.open("cytology-grade") as model:
        for row in range(2):
            square = _cut(image, _square(cells.labels == row + 1))
            picture = predict.patch_input(model.card)
            scaled = np.asarray(Image.fromarray(square).resize((picture.size, picture.size), Image.Resampling.BILINEAR))
            logits = model.run(scaled[None]).logits
            twin = predict.decide(model.card, logits, values=_statistics(scaled[None]))
            assert table["expected_grade_cytology-grade"][row] == pytest.approx(twin.expected_grade[0], abs=0.05)
    apart = np.abs(table["expected_grade_shares"] - table["expected_grade_cytology-grade"])
    np.testing.assert_allclose(table["grades_apart"][:2], apart[:2])
    assert np.isnan(table["grades_apart"][2])
    assert table["abstained_shares"].tolist()[2]
    assert table["reason"][2] == "no cytoplasm was found around it"
    assert said["cells"] == 2
    assert said["a_grade_or_more_apart"] == int((apart[:2] >= 1).sum())
    assert sum(said["counts"]["shares"].values()) == sum(said["counts"]["cytology-grade"].values()) == 2


def _statistics(pictures):
    from cancernet.patches import image_statistics

    return image_statistics(pictures)


def test_a_square_reaches_beyond_the_image():
    mask = np.zeros((20, 30), bool)
    mask[2:4, 0:9] = True
    image = np.arange(600, dtype=np.uint8).reshape(20, 30)[..., None].repeat(3, 2)
    square = _square(mask)
    assert square == (-1, 0, 9)
    assert np.array_equal(_cut(image, square), np.vstack([image[:1], image[:8]])[:, :9])
    assert _cut(mask, square).sum() == mask.sum()


def test_what_gives_no_grades_is_refused(made, tmp_path):
    with pytest.raises(BundleMismatch, match="answers binary"):
        CellGrades(["idc"])
    with pytest.raises(BundleMismatch, match="answers multiclass"):
        CellGrades([made, type_bundle(tmp_path / "shades")])
    with pytest.raises(InvalidInput, match="Two bundles are called 'shares'"):
        CellGrades([made, made])
    with pytest.raises(InvalidInput, match="Grades without cytoplasm"):
        open_tools(grades=[made])


def test_from_image_to_summary(made, tmp_path):
    from cells.test_cytoplasm import smear_bundle

    image, _, _ = smear()
    Image.fromarray(image).save(tmp_path / "smear.png")
    bundle = smear_bundle(tmp_path, "cytoplasm")
    options = CellOptions(mpp="0.5", cytology=str(bundle), grades=(str(made), "cytology-grade"))
    examined = examine(tmp_path / "smear.png", options=options)
    said = json.loads(json.dumps(examined.summary))["grades"]
    assert said["by"] == ["shares", "cytology-grade"]
    assert said["cells"] == pd.notna(examined.measured.table["nucleus_share"]).sum() == 2
