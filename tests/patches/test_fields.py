"""Images of labels, and images at another scale."""

import numpy as np
import pytest
from PIL import Image

from cancernet.errors import CorruptFile, InvalidInput, StorageFailure
from cancernet.patches import read_labels, rescale


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("ending", ["png", "tiff"])
def test_labels_of_any_depth_are_read(tmp_path, kind, ending):
    labels = np.arange(240).reshape(12, 20).astype(kind)
    Image.fromarray(labels).save(tmp_path / f"labels.{ending}")
    found = read_labels(tmp_path / f"labels.{ending}")
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, labels)


def test_numbers_of_a_palette_are_read_not_its_colours(tmp_path):
    image = Image.fromarray(np.array([[0, 1], [2, 3]], np.uint8), "L").convert("P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    image.save(tmp_path / "labels.png")
    assert read_labels(tmp_path / "labels.png").tolist() == [[0, 1], [2, 3]]


def test_what_is_no_image_of_labels_is_refused(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "colours.png")
    with pytest.raises(InvalidInput, match="no whole numbers"):
        read_labels(tmp_path / "colours.png")
    Image.fromarray(np.full((4, 4), -3, np.int32)).save(tmp_path / "below.tiff")
    with pytest.raises(InvalidInput, match="8 or 16 bits"):
        read_labels(tmp_path / "below.tiff")
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(CorruptFile):
        read_labels(tmp_path / "text.png")
    with pytest.raises(StorageFailure):
        read_labels(tmp_path / "absent.png")


def test_a_pixel_of_a_smaller_image_is_the_mean_of_those_it_stands_for():
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    means = image.reshape(20, 2, 30, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(rescale(image, 0.5), means, atol=1.0)  # it rounds twice
    np.testing.assert_array_equal(rescale(image[..., :2], 0.5), rescale(image, 0.5)[..., :2])


@pytest.mark.parametrize(("scale", "shape"), [(1.0, (40, 60)), (1.5, (60, 90)), (0.001, (1, 1))])
def test_sizes_are_rounded_and_never_empty(scale, shape):
    assert rescale(np.zeros((40, 60), np.uint8), scale).shape == shape
