from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from cancernet.data import Fold, rows_by_fold
from cancernet.errors import InvalidInput
from cancernet.metrics import baseline_logits
from cancernet.patches import JPEG_DRAWS, as_any_jpeg
from cancernet.patches import statistics as module
from cancernet.patches.statistics import COLOURS, DARKNESS, STATISTICS, image_statistics
from cancernet.predict import novelty_distance
from cancernet.stain import HE_VECTORS, combine
from cancernet.studies.calibrate import fit_limits
from cancernet.studies.cohort import Cohort

TEXTURES = ("sharpness_2px", "sharpness_2_to_4px", "sharpness_4_to_8px")
COLOUR_COLUMNS = [STATISTICS.index(name) for name in COLOURS]


def tissue(n: int = 4, size: int = 40, seed: int = 0) -> np.ndarray:
    """Return smooth patches in the colours of haematoxylin and eosin, with a little noise."""
    rng = np.random.default_rng(seed)
    amounts = ndimage.gaussian_filter(rng.normal(size=(n, size, size, 2)), (0, 2, 2, 0), mode="wrap")
    amounts = 0.5 + 0.4 * amounts / amounts.std()
    images = combine(np.maximum(amounts, 0) @ HE_VECTORS[:2], vectors=np.eye(3)).astype(float)
    return np.clip(images + rng.normal(0, 2, images.shape), 0, 255).astype(np.uint8)


def column(images: np.ndarray, name: str) -> np.ndarray:
    return image_statistics(images)[:, STATISTICS.index(name)]


def squares(images: np.ndarray) -> np.ndarray:
    """Return the means over squares of 2 x 2 pixels."""
    n, height, width = images.shape[:3]
    return images.reshape(n, height // 2, 2, width // 2, 2, 3).astype(float).mean(axis=(2, 4))


def grey(level: int, size: int = 10) -> np.ndarray:
    return np.full((1, size, size, 3), level, np.uint8)


def test_names_are_distinct_and_the_subsets_are_part_of_them():
    assert len(set(STATISTICS)) == len(STATISTICS) == image_statistics(tissue()).shape[1]
    assert DARKNESS in COLOURS
    assert set(COLOURS) < set(STATISTICS)


def test_a_constant_patch_by_hand():
    found = dict(zip(STATISTICS, image_statistics(grey(127))[0], strict=True))
    amount = np.log(2) * np.ones(3) @ np.linalg.inv(HE_VECTORS)  # density of 127 is ln 2
    nothing = np.log(0.1)
    expected = {
        "darkness": -127,
        "hue_blue": 0,
        "haematoxylin_median": amount[0],
        "haematoxylin_spread": np.log(0.05),
        "eosin_mean": np.arcsinh(amount[1] / 0.2),
        "residual_spread": np.log(0.05),
        "red_spread": np.log(2),
        "blue_spread": np.log(2),
        "flat_share": np.log(1.03),
        "grey_sharpness_1px": nothing,
    }
    assert found == pytest.approx({name: 0 for name in STATISTICS} | expected, abs=1e-5)


def test_stripes_by_hand():
    stripes = np.zeros((1, 16, 16, 3), np.uint8)
    stripes[:, :, 1::2] = 100  # columns 0, 100, 0, 100: nothing over 2 and 4 pixels, nor in squares of 2 x 2
    found = dict(zip(STATISTICS, image_statistics(stripes)[0], strict=True))
    assert found["grey_sharpness_1px"] == pytest.approx(np.log(100**2 / 2 + 0.1))
    assert found["grey_sharpness_1_to_2px"] == pytest.approx(np.log(100**2 / 2 + 0.1) - np.log(0.1))
    assert found["grey_sharpness_2_to_4px"] == pytest.approx(0)
    assert found["grey_grain"] == pytest.approx(np.log(0.1) - np.log(100**2 / 2 + 0.1))
    assert found["flat_share"] == pytest.approx(np.log(0.5 + 0.03))
    assert found["red_spread"] == pytest.approx(np.log(4) / 2)
    assert found["red_green_grain"] == pytest.approx(0)


def test_coloured_stripes_by_hand():
    stripes = np.zeros((1, 16, 16, 3), np.uint8)
    stripes[:, :, 2::4, 0] = stripes[:, :, 3::4, 0] = 90  # red columns 0, 0, 90, 90
    found = dict(zip(STATISTICS, image_statistics(stripes)[0], strict=True))
    assert found["red_spread"] == pytest.approx(np.log(45**2 + 4) / 2)
    finest = np.log(7 / 15 * 30**2 / 2 + 0.1)  # 7 of 15 neighbours in a row differ, none in a column
    assert found["red_green_sharpness_2px"] == pytest.approx(np.log(90**2 / 2 + 0.1) - finest)
    assert found["red_green_sharpness_2_to_4px"] == pytest.approx(np.log(90**2 / 2 + 0.1) - np.log(0.1))
    assert found["red_green_sharpness_4_to_8px"] == pytest.approx(0)
    assert found["blue_green_sharpness_2px"] == pytest.approx(np.log(0.1) - finest, rel=1e-5)


def test_colours_by_hand():
    images = grey(100, 20)
    images[0, :2] = (10, 90, 40)  # a tenth is green
    images[0, 2:4] = (20, 30, 200)  # a tenth is blue
    found = dict(zip(STATISTICS, image_statistics(images)[0], strict=True))
    assert found["green_high"] == 50
    assert found["blue_high"] == 170
    assert found["saturation_low"] == 0
    assert found["darkness"] == pytest.approx(-(0.8 * 100 + 0.1 * 140 / 3 + 0.1 * 250 / 3))


def test_textures_agree_with_an_independent_implementation():
    images = tissue()
    fine, coarse = images.astype(float).mean(axis=3), squares(images)
    kernels = {step: np.r_[1, np.zeros(step - 1), -1] for step in (1, 2, 4)}

    def energy(layer: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        """Return the mean square of a difference, as a correlation with the borders cut off."""
        found = []
        for axis in (1, 2):
            answer = ndimage.correlate1d(layer, kernel, axis=axis)
            margin = (len(kernel) + 1) // 2
            keep = [slice(None)] * 3
            keep[axis] = slice(margin, -margin)
            found.append((answer[tuple(keep)] ** 2).mean(axis=(1, 2)))
        return np.log(np.mean(found, axis=0) + 0.1)

    def textures(layer: np.ndarray) -> list[np.ndarray]:
        one, two, four = (energy(layer, kernels[step]) for step in (1, 2, 4))
        return [one, one - two, two - four]

    names = ("sharpness_1px", "sharpness_1_to_2px", "sharpness_2_to_4px")
    for name, expected in zip(names, textures(fine), strict=True):
        assert column(images, f"grey_{name}") == pytest.approx(expected, abs=0.1)
    level = energy(fine, kernels[1])
    for layer, channel in (("red_green", 0), ("blue_green", 2)):
        first, *others = textures(coarse[..., channel] - coarse[..., 1])
        for name, expected in zip(TEXTURES, (first - level, *others), strict=True):
            assert column(images, f"{layer}_{name}") == pytest.approx(expected, abs=0.1)


def test_spreads_agree_with_numpy():
    images = tissue()
    expected = np.log(squares(images)[..., 0].var(axis=(1, 2)) + 4) / 2
    assert column(images, "red_spread") == pytest.approx(expected, rel=1e-3)  # squares are rounded to grey levels


@given(st.integers(0, 1000))
def test_colours_do_not_depend_on_places(seed):
    images = tissue(1, 16)
    cut = images.reshape(1, 8, 2, 8, 2, 3).swapaxes(2, 3).reshape(64, 2, 2, 3)
    moved = np.random.default_rng(seed).permutation(cut).reshape(1, 8, 8, 2, 2, 3)
    pixels = moved.swapaxes(2, 3).reshape(images.shape)  # squares change places as a whole
    before, after = image_statistics(images), image_statistics(pixels)
    assert after[:, COLOUR_COLUMNS] == pytest.approx(before[:, COLOUR_COLUMNS], abs=1e-3)
    assert after[0, STATISTICS.index("grey_sharpness_1px")] > before[0, STATISTICS.index("grey_sharpness_1px")]


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("flipped", [False, True])
def test_turns_and_flips_change_nothing(quarters, flipped):
    images = tissue()[:, :30]
    turned = np.rot90(images[:, :, ::-1] if flipped else images, quarters, axes=(1, 2))
    assert image_statistics(turned) == pytest.approx(image_statistics(images), abs=1e-3)


def test_the_size_of_a_patch_does_not_matter():
    large = tissue(60, 96)
    small = large[:, 20:68, 20:68]
    of_large, of_small = image_statistics(large), image_statistics(small)
    assert np.abs(of_large.mean(axis=0) - of_small.mean(axis=0)).max() < 0.6  # darkness, in grey levels
    assert np.abs(of_large - of_small).mean(axis=0)[-12:].max() < 0.1


def test_slabs_and_batches_do_not_matter(monkeypatch):
    images = tissue(7)
    together = image_statistics(images)
    alone = np.concatenate([image_statistics(images[row : row + 1]) for row in range(7)])
    monkeypatch.setattr(module, "_SLAB_PIXELS", 3 * 1600)
    assert alone == pytest.approx(together, abs=1e-4)
    assert image_statistics(images) == pytest.approx(together, abs=1e-4)


@given(st.integers(10, 13), st.integers(10, 13), st.sampled_from([0, 1, 254, 255]), st.integers(0, 3))
def test_odd_patches_give_finite_numbers(height, width, level, spots):
    images = np.full((2, height, width, 3), level, np.uint8)
    images[0].reshape(-1)[: spots * 50] = 255 - level
    found = image_statistics(images)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 255


def test_an_empty_batch_has_columns():
    assert image_statistics(np.zeros((0, 11, 11, 3), np.uint8)).shape == (0, len(STATISTICS))


def test_blur_takes_the_finest_detail_first():
    images = tissue()
    blurred = np.rint(ndimage.gaussian_filter(images.astype(float), (0, 1, 1, 0))).astype(np.uint8)
    for name in ("grey_sharpness_1px", "grey_sharpness_1_to_2px", "grey_grain", "blue_green_grain"):
        assert (column(blurred, name) < column(images, name)).all()
    assert (column(blurred, "flat_share") > column(images, "flat_share")).all()


def test_noise_is_grain():
    images = tissue()
    noisy = np.clip(images + np.random.default_rng(1).normal(0, 15, images.shape), 0, 255).astype(np.uint8)
    for layer in ("grey", "red_green", "blue_green"):
        assert (column(noisy, f"{layer}_grain") > column(images, f"{layer}_grain")).all()


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((2, 12, 12, 3)), np.zeros((2, 12, 12), np.uint8), np.zeros((2, 12, 9, 3), np.uint8)],
    ids=["floats", "one image without colours", "too small"],
)
def test_what_is_no_batch_of_patches_is_refused(wrong):
    with pytest.raises(InvalidInput, match="at least 10 pixels"):
        image_statistics(wrong)


def filed(images: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return images as scanners write them."""
    draws = np.random.default_rng(seed).random((len(images), JPEG_DRAWS)).tolist()
    return np.stack([as_any_jpeg(image, draw) for image, draw in zip(images, draws, strict=True)])


@pytest.fixture(scope="module")
def idc(realdata: Path) -> tuple[np.ndarray, ...]:
    """Return images, statistics, classes and patients of every second patient, without the pieces from edges."""
    folders = sorted((realdata / "idc").iterdir())[::2]
    paths = sorted(path for folder in folders for path in folder.glob("*/*.png"))
    images = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    whole = [row for row, image in enumerate(images) if image.shape == (50, 50, 3)]
    codes = np.array([int(path.stem[-1]) for path in paths])
    patients = np.array([path.parts[-3] for path in paths])
    found = np.stack([images[row] for row in whole])
    return found, image_statistics(found), codes[whole], patients[whole]


@pytest.mark.realdata
def test_logistic_regression_on_them_is_a_strong_baseline(idc):
    _, values, codes, patients = idc
    scores = np.empty(len(codes))
    for test in rows_by_fold(codes, patients, folds=5, seed=7):
        train = np.delete(np.arange(len(codes)), test)
        logits = baseline_logits("logistic", values[train], codes[train], values[test], classes=("0", "1"))
        scores[test] = logits[:, 1] - logits[:, 0]
    assert roc_auc_score(codes, scores) > 0.885
    assert roc_auc_score(codes, values[:, STATISTICS.index(DARKNESS)]) == pytest.approx(0.79, abs=0.02)


@pytest.mark.realdata
def test_the_distance_tells_what_was_done_to_held_out_patches(idc):
    images, values, codes, patients = idc
    test = rows_by_fold(codes, patients, folds=3, seed=7)[0]
    fold = Fold(0, 0, train=np.delete(np.arange(len(codes)), test), validation=test[:0], test=test)
    cohort = Cohort(values, codes, patients, variants=image_statistics(filed(images)))
    _, novelty = fit_limits(cohort, fold, inner_folds=4, seed=1)
    new = images[test]
    fresh = new[::20]
    inked = fresh.copy()
    inked[:, :30, :25] = inked[:, :30, :25] // 3 + np.array([10, 80, 50], np.uint8)
    blurred = np.rint(ndimage.gaussian_filter(fresh.astype(float), (0, 2, 2, 0))).astype(np.uint8)
    changed = {"ink": inked, "blur": blurred, "grey": np.repeat(fresh[..., :1], 3, axis=3), "black": fresh // 50}

    def far(made: np.ndarray) -> float:
        return (novelty_distance(novelty, image_statistics(made)) > novelty.limit).mean()

    shares = {name: far(made) for name, made in changed.items()}
    assert min(shares.values()) > 0.9, shares
    assert far(new) < 0.03
    assert far(filed(new, seed=1)) < 0.03
