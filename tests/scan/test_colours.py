import json

import numpy as np
import pytest
from PIL import Image

from cancernet import engine
from cancernet.errors import InvalidInput
from cancernet.geometry import Box
from cancernet.scan import ScanOptions, scan_slide
from cancernet.scan.colours import colours_of
from cancernet.scan.grid import grid_of
from cancernet.scan.score import score_tiles
from cancernet.slides import open_slide, resolve_pitch
from cancernet.stain import StainFit, fit_stain, normalise
from engine.patchbundle import SIZE, patch_bundle
from scan.made import MPP, tiles_of, write_slide


@pytest.fixture(scope="module", params=["macenko", "reinhard"])
def model(request, tmp_path_factory):
    folder = patch_bundle(tmp_path_factory.mktemp("bundles") / request.param, stain=request.param)
    with engine.open(folder) as opened:
        yield opened


@pytest.fixture
def made(tmp_path):
    """An open slide, its pixels and its grid."""
    path = tmp_path / "made.png"
    pixels = write_slide(path)
    slide = open_slide(path)
    box = Box(0, 0, *slide.l0_size)
    grid = grid_of(box, resolve_pitch(slide), px_tile=SIZE, mpp=MPP, overlap=0, downsamples=slide.downsamples)
    yield slide, pixels, grid
    slide.close()


def test_a_slide_is_fitted_on_its_wanted_tiles(made, model):
    slide, pixels, grid = made
    wanted = np.zeros((grid.rows, grid.columns), dtype=bool)
    wanted[2:5, 3:9] = True
    fit = colours_of(slide, grid, wanted, method=model.card.input.stain)
    assert fit == fit_stain(tiles_of(pixels, SIZE)[wanted.ravel()], method=model.card.input.stain)
    assert colours_of(slide, grid, wanted, method="none") is None
    assert colours_of(slide, grid, wanted & False, method="macenko") is None


def test_scores_are_those_of_normalised_tiles(made, model):
    slide, pixels, grid = made
    wanted = np.ones((grid.rows, grid.columns), dtype=bool)
    fit = colours_of(slide, grid, wanted, method=model.card.input.stain)
    scores = score_tiles(model, slide, grid=grid, wanted=wanted, stain=fit)
    logits = model.run(normalise(tiles_of(pixels, SIZE), fit)).logits
    expected = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    order = np.argsort(scores.rows * grid.columns + scores.columns)
    np.testing.assert_allclose(scores.probabilities[order, 1], expected, atol=1e-5)


def test_the_summary_keeps_the_fit(made, model, tmp_path):
    slide, _, _ = made
    summary = scan_slide(model, slide.path, folder=tmp_path, options=ScanOptions(mpp=str(MPP)))
    kept = json.loads((tmp_path / "summary.json").read_text())["stain"]
    assert kept == summary["stain"]
    assert StainFit.from_dict(kept).method == model.card.input.stain


def test_a_slide_of_one_colour_is_refused_with_the_reason(model, tmp_path):
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((300, 400, 3), 120, dtype=np.uint8)).save(path, dpi=(25_400 / MPP,) * 2)
    outline = {"type": "Polygon", "coordinates": [[[0, 0], [400, 0], [400, 300], [0, 300], [0, 0]]]}
    (tmp_path / "all.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": outline}]})
    )
    with pytest.raises(InvalidInput, match=r"The colours of 'grey\.png' cannot be normalised"):
        scan_slide(model, path, folder=tmp_path, options=ScanOptions(mask=tmp_path / "all.geojson"))
