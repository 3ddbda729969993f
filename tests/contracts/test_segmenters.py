"""What every segmenter of nuclei must do."""

import numpy as np
import pytest

from cancernet.cells import SEGMENTERS, Segmenter, open_segmenter
from cancernet.errors import CancerNetError
from cells.drawn import field


@pytest.fixture(params=SEGMENTERS)
def segmenter(request) -> Segmenter:
    return open_segmenter(request.param)


def test_labels_are_numbered_from_one_without_gaps(segmenter):
    image, _ = field(1)
    before = image.copy()
    labels = segmenter.labels(image, mpp=0.25)
    assert (labels.dtype, labels.shape) == (np.int32, image.shape[:2])
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))
    assert labels.max() > 5
    assert np.array_equal(image, before)


def test_the_same_image_has_the_same_nuclei(segmenter):
    image, _ = field(2)
    assert np.array_equal(segmenter.labels(image, mpp=0.25), segmenter.labels(image, mpp=0.25))


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 2), (65, 97)])
def test_any_size_of_empty_glass_has_no_nucleus(segmenter, shape):
    labels = segmenter.labels(np.full((*shape, 3), 243, np.uint8), mpp=0.25)
    assert labels.shape == shape
    assert not labels.any()


@pytest.mark.parametrize(
    ("image", "mpp"),
    [
        (np.zeros((9, 9), np.uint8), 0.25),
        (np.zeros((9, 9, 3)), 0.25),
        (np.zeros((0, 9, 3), np.uint8), 0.25),
        (np.zeros((9, 9, 3), np.uint8), 0.0),
        (np.zeros((9, 9, 3), np.uint8), float("nan")),
    ],
)
def test_what_is_no_image_of_known_resolution_is_refused(segmenter, image, mpp):
    with pytest.raises(CancerNetError):
        segmenter.labels(image, mpp=mpp)
