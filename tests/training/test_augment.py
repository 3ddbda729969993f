from importlib import import_module

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import ndimage
from threadpoolctl import threadpool_limits

from cancernet.errors import InvalidInput
from cancernet.stain import combine, separate
from cancernet.training.augment import Augmentation, augment

NONE = Augmentation.none()
EVERYTHING = Augmentation(contrast=0.1, brightness=0.05)
RESAMPLED = NONE.model_copy(update={"zoom": 0.2, "shift": 2.0, "blur": 1.0, "resampled": 1.0})


def noise(n: int = 6, size: int = 20, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def smooth(n: int = 6, size: int = 40) -> np.ndarray:
    """Return blobs of colour, stretched to the whole range: what bilinear interpolation is exact enough for."""
    blobs = ndimage.gaussian_filter(noise(n, size).astype(float), (0, 3, 3, 0), mode="wrap")
    return np.rint(255 * (blobs - blobs.min()) / np.ptp(blobs)).astype(np.uint8)


def variant(images: np.ndarray, *, seed: int = 0, **options: float) -> np.ndarray:
    return augment(images, np.random.default_rng(seed), options=NONE.model_copy(update=options))


def grey_levels(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def test_each_turn_and_flip_is_as_likely():
    image = noise(1, 3)
    found = variant(np.repeat(image, 8000, axis=0), dihedral=True)
    turns = [np.rot90(image, quarter, axes=(1, 2)) for quarter in range(4)]
    counts = [(found == view).all(axis=(1, 2, 3)).sum() for turn in turns for view in (turn, turn[:, :, ::-1])]
    assert sum(counts) == 8000
    assert np.abs(np.array(counts) - 1000).max() < 4 * np.sqrt(1000 * 7 / 8)


def test_nothing_on_is_the_identity():
    images = noise()
    found = augment(images, np.random.default_rng(0), options=NONE)
    assert np.array_equal(found, images)
    assert not np.shares_memory(found, images)


@pytest.mark.parametrize(
    "options",
    [{"stain_scale": 1e-9}, {"contrast": 1e-9}, {"zoom": 1e-9, "resampled": 1.0}, {"blur": 1e-9, "resampled": 1.0}],
    ids=["stain", "exposure", "zoom", "blur"],
)
def test_ranges_of_almost_nothing_change_at_most_a_grey_level(options):
    images = noise()
    assert grey_levels(variant(images, **options), images) <= 1


def test_the_same_seed_gives_the_same_and_another_call_does_not():
    images = noise()
    rng = np.random.default_rng(3)
    first, second = augment(images, rng), augment(images, rng)
    assert np.array_equal(first, augment(images, np.random.default_rng(3)))
    assert not np.array_equal(first, second)


def test_images_given_are_not_changed():
    images = noise()
    images.flags.writeable = False
    augment(images, np.random.default_rng(0), options=EVERYTHING)
    assert np.array_equal(images, noise())


@pytest.mark.parametrize("values", [1, 3 * 1200, 10**9], ids=["one by one", "three by three", "all at once"])
def test_the_size_of_a_slab_does_not_matter(values, monkeypatch):
    images = noise(40)
    expected = augment(images, np.random.default_rng(0), options=EVERYTHING)
    monkeypatch.setattr(import_module("cancernet.training.augment"), "_SLAB_VALUES", values)
    assert np.array_equal(augment(images, np.random.default_rng(0), options=EVERYTHING), expected)


def test_the_number_of_threads_does_not_matter():
    images = noise(8, 160)
    found = []
    for threads in (1, 4):
        with threadpool_limits(threads):
            found.append(augment(images, np.random.default_rng(0), options=EVERYTHING))
    assert np.array_equal(*found)


def test_what_happens_to_an_image_does_not_depend_on_the_others():
    images = noise(9)
    found = augment(images, np.random.default_rng(0), options=EVERYTHING)
    other = augment(np.concatenate([images[:5], noise(4, seed=1)]), np.random.default_rng(0), options=EVERYTHING)
    assert np.array_equal(found[:5], other[:5])


def test_switching_one_option_off_leaves_the_others():
    images = noise()
    turned = variant(images, dihedral=True)
    assert not np.array_equal(turned, images)
    both = variant(images, dihedral=True, contrast=0.3)
    assert np.array_equal(both, variant(turned, contrast=0.3))


def test_as_many_images_are_compressed_as_asked_for():
    images = np.repeat(smooth(1), 2000, axis=0)
    found = variant(images, jpeg=0.3)
    changed = (found != images).any(axis=(1, 2, 3))
    assert changed.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.3 * 0.7 / 2000))
    assert len(np.unique(found[changed], axis=0)) > 550  # of 600: each in its own way
    assert grey_levels(found, images) < 60


def test_stain_jitter_is_amounts_scaled_and_shifted():
    images = smooth()
    rng = np.random.default_rng(5)
    uniform = 2 * rng.random((len(images), 19), dtype=np.float32).astype(float) - 1
    amounts = separate(images).astype(float)
    changed = amounts * (1 + 0.3 * uniform[:, None, None, 1:4]) + 0.2 * uniform[:, None, None, 4:7]
    found = variant(images, seed=5, stain_scale=0.3, stain_shift=0.2)
    assert grey_levels(found, combine(changed)) <= 1
    assert grey_levels(found, images) > 20


def test_stain_scale_leaves_white_glass_white():
    white = np.full((20, 9, 9, 3), 255, np.uint8)
    assert np.array_equal(variant(white, stain_scale=0.5), white)


def test_exposure_by_hand():
    grey = np.full((200, 4, 4, 3), 127, np.uint8)
    assert grey_levels(variant(grey, contrast=0.5), grey) <= 1  # the middle stays
    dark = np.full((200, 4, 4, 3), 27, np.uint8)
    levels = variant(dark, contrast=0.5)[:, 0, 0, 0]
    assert (levels.min(), levels.max()) == pytest.approx((0, 77), abs=2)  # 127.5 - 1.5 * 100.5, 127.5 - 0.5 * 100.5
    lifted = variant(grey, brightness=0.1)[:, 0, 0, 0]
    assert (lifted.min(), lifted.max()) == pytest.approx((127 - 25.5, 127 + 25.5), abs=2)


def test_a_constant_image_stays_constant():
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    images = np.tile(levels[:, None, None, None], (1, 21, 21, 3))
    assert np.array_equal(augment(images, np.random.default_rng(0), options=RESAMPLED), images)


def test_blur_keeps_the_mean_and_takes_contrast():
    images = noise(40, 32)
    blurred = variant(images, blur=2.0, resampled=1.0).astype(float)
    assert np.abs(blurred.mean(axis=(1, 2)) - images.mean(axis=(1, 2))).max() < 0.1
    assert (blurred.std(axis=(1, 2)) <= images.std(axis=(1, 2)) + 0.1).all()
    assert blurred.std() < 0.6 * images.std()


def test_only_a_share_of_the_images_is_resampled():
    images = noise(2000, 8)
    found = augment(images, np.random.default_rng(0), options=RESAMPLED.model_copy(update={"resampled": 0.25}))
    same = (found == images).all(axis=(1, 2, 3))
    assert 0.71 < same.mean() < 0.79


def test_zoom_above_one_makes_things_larger():
    square = np.full((300, 41, 41, 3), 200, np.uint8)
    square[:, 15:26, 15:26] = 50  # 121 pixels
    areas = (200 - variant(square, zoom=0.3, resampled=1.0)[..., 0].astype(float)).sum(axis=(1, 2)) / 150
    assert areas.max() == pytest.approx(121 * 1.3**2, rel=0.03)
    assert areas.min() == pytest.approx(121 / 1.3**2, rel=0.05)


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 4, 5, 3), np.uint8), np.zeros((2, 4, 4, 3)), np.zeros((4, 4, 3), np.uint8)]
)
def test_what_is_no_batch_of_patches_is_refused(wrong):
    with pytest.raises(InvalidInput, match="square RGB patches"):
        augment(wrong, np.random.default_rng(0))


def test_an_empty_batch_stays_empty():
    assert augment(np.zeros((0, 9, 9, 3), np.uint8), np.random.default_rng(0)).shape == (0, 9, 9, 3)


@pytest.mark.parametrize("wrong", [{"blur": -1}, {"resampled": 1.5}, {"zoom": float("nan")}, {"rotation": 10}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValidationError):
        Augmentation(**wrong)
