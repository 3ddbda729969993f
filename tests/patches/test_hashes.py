import hashlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy import ndimage, stats

from cancernet.patches.alignment import FINE, Grid, agreement, coarse_maps, polar_maps, similarity
from cancernet.patches.hashes import (
    HASH_WORDS,
    colour_moments,
    grey_mean_and_spread,
    perceptual_hash,
    pixel_digest,
    ring_magnitudes,
)
from cancernet.patches.near import near_duplicates
from cancernet.patches.sampling import GREY, area_matrix, blur_matrix, reduced, ring_matrix

IMAGES = st.integers(1, 6).flatmap(lambda side: arrays(np.uint8, (side, side, 3), elements=st.integers(0, 3)))
STEP = 1.0001 / 65535  # of a number in the hash, as a share of its range


def versions(image):
    """Return the 8 rotations and flips, made by other means than the code's."""
    return [np.rot90(side, turns) for side in (image, np.fliplr(image)) for turns in range(4)]


def altered(image, angle, *, mirrored=False, quality=85, gain=1.0):
    """Return what an augmentation makes of an image: turned about the centre, cropped to what is there, compressed."""
    side = image.shape[0]
    radians = np.radians(abs(angle) % 90)
    margin = side * (1 - 1 / (np.cos(radians) + np.sin(radians))) / 2
    picture = Image.fromarray(image).rotate(angle, Image.Resampling.BICUBIC)
    box = (margin, margin, side - margin, side - margin)
    pixels = np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC, box=box)) * gain
    pixels = np.clip(pixels[:, ::-1] if mirrored else pixels, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


@given(IMAGES)
def test_the_digest_is_that_of_the_first_version_in_the_order_of_bytes(image):
    first = min(version.tobytes() for version in versions(image))
    assert pixel_digest(image) == hashlib.blake2b(first, digest_size=16).hexdigest()


@given(IMAGES, st.data())
def test_equal_digests_mean_equal_pixels(image, data):
    other = data.draw(arrays(np.uint8, image.shape, elements=st.integers(0, 3)))
    same = any(np.array_equal(version, other) for version in versions(image))
    assert (pixel_digest(image) == pixel_digest(other)) == same


def test_one_grey_level_in_one_pixel_changes_the_digest(tissue):
    image = tissue(1)[0]
    changed = image.copy()
    changed[20, 30, 1] ^= 1
    assert pixel_digest(image) != pixel_digest(changed)


@pytest.mark.parametrize("size", [15, 27, 50, 64])
def test_the_hash_is_the_same_for_rotations_and_flips(tissue, size):
    hashes = perceptual_hash(np.stack([version for image in tissue(3, size) for version in versions(image)]))
    numbers = np.ascontiguousarray(hashes).view(np.uint16).astype(int).reshape(3, 8, -1)
    assert hashes.shape == (24, HASH_WORDS)
    assert hashes.dtype == np.uint64
    assert np.abs(numbers - numbers[:, :1]).max() <= 1  # the last digit of a float may round either way


def test_the_moments_are_those_of_scipy_and_numpy(tissue):
    images = tissue(4)
    moments = colour_moments(perceptual_hash(images))
    for image, found in zip(images, moments, strict=True):
        pixels = image.reshape(-1, 3).astype(float)
        correlation = np.corrcoef(pixels.T)[np.triu_indices(3, 1)]
        expected = [
            *pixels.mean(axis=0),
            *np.log(pixels.std(axis=0)),
            *np.arctanh(correlation),
            *stats.skew(pixels),
            *np.log(stats.kurtosis(pixels, fisher=False)),
        ]
        ranges = np.repeat([256, 7, 8, 40, 9], 3)
        assert np.all(np.abs(found - expected) <= ranges * STEP)


def test_mean_and_spread_of_grey_come_back_from_the_hash(tissue):
    images = np.concatenate([tissue(5), np.full((1, 50, 50, 3), 243, np.uint8)])
    mean, spread = grey_mean_and_spread(perceptual_hash(images))
    assert mean == pytest.approx(images.mean(axis=(1, 2, 3)), abs=0.01)
    expected = (images.astype(float) @ GREY.astype(float)).std(axis=(1, 2))
    assert spread[:5] == pytest.approx(expected[:5], rel=0.01)
    assert spread[5] < 0.5


@pytest.mark.parametrize("angle", [10, 37, 90, 151])
def test_rings_hardly_change_when_an_image_is_turned_by_any_angle(tissue, angle):
    images = ndimage.gaussian_filter(tissue(6, 64), (0, 3, 3, 0))
    turned = ndimage.rotate(images, angle, axes=(1, 2), reshape=False, mode="reflect")
    rings, others = (ring_magnitudes(perceptual_hash(each)) for each in (images, turned))
    distance = np.linalg.norm(rings[:, np.newaxis] - others, axis=2)
    assert np.array_equal(distance.argmin(axis=1), np.arange(6))


def test_large_images_are_reduced_and_keep_their_means(tissue):
    large = np.repeat(np.repeat(tissue(2, 50), 4, axis=1), 4, axis=2)
    assert np.abs(reduced(large, 50).astype(int) - tissue(2, 50)).max() == 0
    assert reduced(large, 50, grey=True).shape == (2, 50, 50)
    assert colour_moments(perceptual_hash(large))[:, :3] == pytest.approx(large.mean(axis=(1, 2)), abs=1)


def test_no_image_has_no_hash():
    assert perceptual_hash(np.empty((0, 50, 50, 3), np.uint8)).shape == (0, HASH_WORDS)


@pytest.mark.parametrize(("length", "size"), [(48, 16), (50, 16), (7, 7), (27, 12)])
def test_the_area_matrix_takes_means_of_what_it_covers(length, size):
    values = np.random.default_rng(0).normal(size=length)
    fine = np.repeat(values, size).reshape(size, length).mean(axis=1)  # each pixel cut in `size`, then blocks of them
    assert area_matrix(length, size) @ values == pytest.approx(fine, abs=1e-5)


def test_the_blur_matrix_is_a_gaussian_filter_away_from_the_rim():
    values = np.random.default_rng(0).normal(size=80)
    blurred = blur_matrix(80, 2.0) @ values
    assert blurred[15:-15] == pytest.approx(ndimage.gaussian_filter1d(values, 2.0, truncate=8)[15:-15], abs=1e-5)


def test_the_ring_matrix_interpolates_as_scipy_does():
    image, radii = np.random.default_rng(0).normal(size=(20, 20)), np.array([2.0, 5.5, 9.5])
    angles = 2 * np.pi * np.arange(12) / 12
    y, x = 9.5 + np.outer(radii, np.sin(angles)), 9.5 + 0.75 * np.outer(radii, np.cos(angles))
    expected = ndimage.map_coordinates(image, [y, x], order=1).ravel()
    assert ring_matrix(20, radii, points=12, squeeze=(0.75, 1)) @ image.ravel() == pytest.approx(expected, abs=1e-5)


def test_the_similarity_is_the_best_correlation_above_the_spread_of_all():
    grid = Grid(rings=6, points=8, zooms=2)
    first, second = np.random.default_rng(0).integers(-60, 60, (2, 5, 1, 6, 8)).astype(np.int8)
    weights = np.sqrt(grid.weights)[:, np.newaxis]
    expected = []
    for one, other in zip(first[:, 0].astype(float), second[:, 0].astype(float), strict=True):
        a, b = ((each - each.mean(axis=1, keepdims=True)) * weights for each in (one, other))
        found = [
            (a[max(0, -zoom) : 6 - max(0, zoom)], np.roll(way, -turn, axis=1)[max(0, zoom) : 6 - max(0, -zoom)])
            for zoom in range(-2, 3)
            for way in (b, np.roll(b[:, ::-1], 1, axis=1))
            for turn in range(8)
        ]
        correlations = np.array([(x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()) for x, y in found])
        expected.append(correlations.max() - np.sqrt(np.mean(correlations**2)))
    assert similarity(first, second, grid=grid) == pytest.approx(expected, abs=1e-4)


def test_equal_patches_agree_wholly_and_others_hardly(tissue):
    maps = polar_maps(tissue(40))
    assert agreement(maps, maps) == pytest.approx(1, abs=1e-5)
    assert agreement(maps[:20], maps[20:]).max() < 0.3
    assert coarse_maps(maps).shape == (40, 1, 16, 32)


@pytest.mark.parametrize("size", [27, 50, 128])
def test_augmented_copies_agree(tissue, size):
    images = tissue(8, size)
    angles = np.linspace(-25, 25, 8)
    copies = np.stack(
        [altered(image, angle, mirrored=angle > 0, gain=1.05) for image, angle in zip(images, angles, strict=True)]
    )
    assert agreement(polar_maps(images), polar_maps(copies)).min() > 0.5


def test_patches_of_one_size_have_one_scale_and_large_ones_five_squeezes(tissue):
    assert polar_maps(tissue(2, 95)).shape == (2, 1, FINE.rings, FINE.points)
    assert polar_maps(tissue(2, 96)).shape == (2, 5, FINE.rings, FINE.points)


def test_planted_copies_are_found_and_nothing_else(tissue):
    images = tissue(300)
    copies = [altered(images[row], angle) for row, angle in ((3, 0), (50, 90), (120, -15), (200, 180))]
    everything = np.concatenate([images, copies])
    found = near_duplicates(everything, perceptual_hash(everything))
    assert list(zip(found.first, found.second, strict=True)) == [(3, 300), (50, 301), (120, 302), (200, 303)]
    assert found.distance.max() <= 0.5
    assert found.distance[0] < 0.1  # compressed only


def test_only_the_rows_asked_for_are_compared(tissue):
    images = np.concatenate([tissue(30)] * 2)
    hashes = perceptual_hash(images)
    assert len(near_duplicates(images, hashes)) == 30
    some = near_duplicates(images, hashes, rows=np.array([4, 5, 9, 34, 39]))
    assert some.first.tolist() == [4, 9]
    assert some.second.tolist() == [34, 39]


def test_a_lower_limit_finds_fewer(tissue):
    images = tissue(40)
    everything = np.concatenate([images, [altered(image, 20) for image in images]])
    hashes = perceptual_hash(everything)
    counts = [len(near_duplicates(everything, hashes, limit=limit)) for limit in (0.0, 0.1, 0.5)]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[2] >= 36


def half_planes(count, noise=4.0, *, size=50):
    """Return tissue on one side of a straight edge and empty glass on the other, at different angles."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    images = np.full((count, size, size, 3), 242, dtype=np.uint8)
    for image in images:
        angle, offset = rng.uniform(0, 6.3), rng.uniform(-0.3, 0.3)
        inside = x * np.cos(angle) + y * np.sin(angle) > offset
        image[inside] = np.clip(rng.normal((180, 120, 170), noise, (int(inside.sum()), 3)), 0, 255)
    return images


def test_blank_patches_are_no_copies(tissue):
    rng = np.random.default_rng(3)
    blank = np.clip(rng.normal(243, 1, (40, 50, 50, 3)), 0, 255).astype(np.uint8)
    uniform = np.zeros((5, 50, 50, 3), np.uint8)
    images = np.concatenate([blank, uniform, tissue(20)])
    assert len(near_duplicates(images, perceptual_hash(images))) == 0


@pytest.mark.parametrize("noise", [0.0, 4.0, 12.0])
@pytest.mark.parametrize("size", [27, 50])
def test_straight_edges_resemble_each_other_and_are_no_copies(noise, size):
    maps = polar_maps(half_planes(30, noise, size=size))
    first, second = np.triu_indices(30, 1)
    assert agreement(maps[first], maps[second]).max() < 0.45


def test_one_round_nucleus_resembles_others_and_is_no_copy_of_them():
    y, x = np.mgrid[-1:1:50j, -1:1:50j]
    rng = np.random.default_rng(7)
    images = []
    for _ in range(60):
        angle, long, short = rng.uniform(0, 3), rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.5)
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        nucleus = ((along / long) ** 2 + (across / short) ** 2 < 1)[..., np.newaxis]
        images.append(np.where(nucleus, (110, 70, 150), (235, 200, 225)) + rng.normal(0, 3, (50, 50, 3)))
    images = np.clip(images, 0, 255).astype(np.uint8)
    assert len(near_duplicates(images, perceptual_hash(images))) == 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_images(tissue, count):
    images = tissue(2, 32)[:count]
    assert len(near_duplicates(images, perceptual_hash(images))) == 0


def test_progress_never_falls_and_ends_near_all(tissue):
    told = []
    images = tissue(60)
    near_duplicates(images, perceptual_hash(images), progress=told.append)
    assert told == sorted(told)
    assert told[-1] <= 60
