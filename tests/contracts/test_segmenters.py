"""What every segmenter of nuclei must do."""

from collections.abc import Iterator

import numpy as np
import pytest

from cancernet.cells import SEGMENTERS, Segmenter, open_segmenter
from cancernet.errors import CancerNetError
from cells.drawn import field
from cells.fieldbundle import field_bundle


@pytest.fixture(scope="module", params=[*SEGMENTERS, "bundle"])
def segmenter(request, tmp_path_factory) -> Iterator[Segmenter]:
    """Each segmenter by its name, and a bundle with random weights by its folder."""
    name = request.param
    if name == "bundle":
        name = field_bundle(tmp_path_factory.mktemp("bundles") / "outlines")
    with open_segmenter(name) as opened:
        yield opened


@pytest.fixture(params=SEGMENTERS)
def trained(request) -> Segmenter:
    """Those that know what a nucleus is."""
    return open_segmenter(request.param)


def test_labels_are_numbered_from_one_without_gaps(trained):
    image, _ = field(1)
    before = image.copy()
    labels = trained.labels(image, mpp=0.25)
    assert (labels.dtype, labels.shape) == (np.int32, image.shape[:2])
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))
    assert labels.max() > 5
    assert np.array_equal(image, before)


def test_labels_are_as_large_as_the_image(segmenter):
    image, _ = field(1)
    labels = segmenter.labels(image[:150], mpp=0.25)
    assert (labels.dtype, labels.shape) == (np.int32, (150, 200))
    assert labels.min() == 0


def test_the_same_image_has_the_same_nuclei(segmenter):
    image, _ = field(2)
    assert np.array_equal(segmenter.labels(image, mpp=0.25), segmenter.labels(image, mpp=0.25))


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 2), (65, 97)])
def test_any_size_of_empty_glass_has_no_nucleus(trained, shape):
    labels = trained.labels(np.full((*shape, 3), 243, np.uint8), mpp=0.25)
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


def test_a_closed_bundle_answers_no_more(tmp_path):
    with open_segmenter(field_bundle(tmp_path / "outlines")) as opened:
        pass
    with pytest.raises(CancerNetError):
        opened.labels(field(1)[0], mpp=0.5)


@pytest.mark.parametrize(
    ("name", "said"), [("clasical", "Did you mean 'classical'"), ("nothing", "no bundle"), ("fna", "outlines nothing")]
)
def test_what_is_no_segmenter_is_refused(name, said):
    with pytest.raises(CancerNetError, match=said):
        open_segmenter(name)
