"""The matrices of scale, shift and blur against scipy.ndimage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from cancernet.training.resample import resample, sampling_matrices

SIZE = 48


def matrices(zoom: float = 1.0, shift: float = 0.0, blur: float = 0.0, size: int = SIZE) -> np.ndarray:
    one = {name: np.array([value], np.float32) for name, value in (("zoom", zoom), ("shift", shift), ("blur", blur))}
    return sampling_matrices(size, **one)


def tissue() -> np.ndarray:
    """Return one plane with grey levels from 0 to 255, smooth over about 2 pixels, (1, 1, SIZE, SIZE) float32."""
    plane = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(SIZE, SIZE)), 2, mode="wrap")
    return (255 * (plane - plane.min()) / np.ptp(plane)).astype(np.float32)[None, None]


def affine(plane: np.ndarray, zoom: float, shifts: tuple[float, float]) -> np.ndarray:
    middle = (SIZE - 1) / 2
    offset = [middle - (middle + shift) / zoom for shift in shifts]
    return ndimage.affine_transform(plane, [1 / zoom, 1 / zoom], offset=offset, order=1, mode="reflect")


@pytest.mark.parametrize("zoom", [0.8, 1.0, 1.17])
@pytest.mark.parametrize("shifts", [(0.0, 0.0), (0.4, -1.3), (2.0, 0.5)])
def test_scale_and_shift_agree_with_scipy(zoom, shifts):
    plane = tissue()
    rows, columns = (matrices(zoom, shift) for shift in shifts)
    found = resample(plane, rows=rows, columns=columns)[0, 0]
    assert np.abs(found - affine(plane[0, 0], zoom, shifts)).max() < 0.01  # grey levels, edges too


@pytest.mark.parametrize("blur", [0.3, 0.7, 2.0, 5.0])
def test_blur_agrees_with_scipy(blur):
    plane = tissue()
    found = resample(plane, rows=matrices(blur=blur), columns=matrices(blur=blur))[0, 0]
    assert np.abs(found - ndimage.gaussian_filter(plane[0, 0], blur, mode="reflect", truncate=8)).max() < 0.01


def test_scale_comes_before_blur():
    plane = tissue()
    rows = matrices(1.1, 0.5, 1.0)
    expected = ndimage.gaussian_filter(affine(plane[0, 0], 1.1, (0.5, 0.5)), 1.0, mode="reflect", truncate=8)
    assert np.abs(resample(plane, rows=rows, columns=rows)[0, 0] - expected).max() < 0.01


def test_nothing_to_do_is_the_identity():
    assert np.array_equal(matrices(), np.eye(SIZE, dtype=np.float32)[None])


@given(st.floats(0.5, 2), st.floats(-8, 8), st.floats(0, 3), st.integers(27, 64))
def test_weights_are_shares(zoom, shift, blur, size):
    found = matrices(zoom, shift, blur, size)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.sum(axis=2) == pytest.approx(1, abs=1e-5)


@given(st.floats(0, 3))
def test_blur_alone_keeps_the_mean_of_a_line(blur):
    assert matrices(blur=blur).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_each_image_has_its_own_matrix():
    zoom, shift, blur = np.array([[0.9, 1.2], [0.5, -1], [0, 1.5]], np.float32)
    both = sampling_matrices(SIZE, zoom=zoom, shift=shift, blur=blur)
    assert np.array_equal(both[1], matrices(1.2, -1, 1.5)[0])
