import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from cancernet.errors import InvalidInput
from cancernet.geometry import Box
from cancernet.slides import Detail, Pitch, detail_of, quality_of, tissue_mask
from cancernet.slides.tissue.focus import focus_of, sharpness
from cancernet.stain import from_optical_density
from slides.pictures import aperio, jpeg, reduced, scores, texture


def smoothed(image, um):
    return jpeg(ndimage.gaussian_filter(image, (um, um, 0)))


@pytest.fixture(scope="module")
def sharp():
    """Tissue at 1 um per pixel, 1 mm wide, with nuclei that have edges."""
    rng = np.random.default_rng(0)
    density = texture((1024, 1024), seed=0)
    y, x = np.mgrid[:17, :17] - 8
    for row, column in rng.integers(0, 1007, (2500, 2)):
        density[row : row + 17, column : column + 17][np.hypot(x, y) < rng.uniform(3, 5)] = (1.1, 1.3, 0.6)
    return jpeg(from_optical_density(density))


def tiles_of(image, most=200):
    return Detail(lambda x, y: image[int(y) : int(y) + 256, int(x) : int(x) + 256], 256.0, most)


def test_blur_lowers_sharpness(sharp):
    values = [sharpness(smoothed(sharp[:256, :256], um), mpp=1) for um in (0, 1, 2, 3, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.5
    assert values[2] < 0.36
    assert values[3] < 0.25


def test_sharpness_does_not_depend_on_the_strength_of_the_stain(sharp):
    tile = sharp[:256, :256].astype(float)
    pale = (255 - (255 - tile) * 0.5).astype(np.uint8)
    assert sharpness(pale, mpp=1) == pytest.approx(sharpness(sharp[:256, :256], mpp=1), rel=0.1)


def test_finer_tiles_give_the_same_answer(sharp):
    fine = np.asarray(Image.fromarray(smoothed(sharp[:256, :256], 2)).resize((512, 512), Image.Resampling.BICUBIC))
    assert sharpness(fine, mpp=0.5) == pytest.approx(sharpness(smoothed(sharp[:256, :256], 2), mpp=1), rel=0.15)


def test_without_structure_nothing_is_said():
    assert np.isnan(sharpness(np.full((64, 64, 3), 200, np.uint8), mpp=1))


@pytest.mark.parametrize("mpp", [0, 2, float("nan")])
def test_coarse_tiles_are_refused(mpp):
    with pytest.raises(InvalidInput, match="do not show focus"):
        sharpness(np.zeros((64, 64, 3), np.uint8), mpp=mpp)


def test_the_blurred_half_is_found(sharp):
    half = sharp.copy()
    half[:, 512:] = smoothed(sharp, 4)[:, 512:]
    tissue = np.ones((128, 128), bool)
    found = focus_of(tissue, tiles_of(half), mpp=(8.0, 8.0))
    assert (found.judged, found.unclear, found.tiles) == (16, 0, 16)
    truth = np.zeros((128, 128), bool)
    truth[:, 64:] = True
    assert scores(found.blurred, truth) == (1, 1)


def test_a_sample_stands_for_what_lies_near(sharp):
    half = sharp.copy()
    half[512:] = smoothed(sharp, 4)[512:]
    read = []
    detail = Detail(lambda x, y: read.append((x, y)) or tiles_of(half).read(x, y), 256.0, 4)
    found = focus_of(np.ones((128, 128), bool), detail, mpp=(8.0, 8.0))
    assert (found.judged, found.tiles, len(read)) == (4, 16, 4)
    assert found.blurred.mean() == pytest.approx(0.5, abs=0.2)


def test_no_tissue_reads_no_tile():
    def read(x, y):
        raise AssertionError("read without need")

    found = focus_of(np.zeros((64, 64), bool), Detail(read), mpp=(8.0, 8.0))
    assert (found.judged, found.tiles) == (0, 0)
    assert not found.blurred.any()


def test_quality_tells_blur_in_words(sharp):
    image = smoothed(sharp, 4)
    thumbnail = reduced(image, (128, 128))
    found = quality_of(thumbnail, np.ones((128, 128), bool), mpp=(8.0, 8.0), detail=tiles_of(image))
    assert found.blur is not None
    assert found.blur.share == 1
    assert "Out of focus: 100.0% of the tissue, judged by 16 of 16 tiles" in found.flags
    assert not any("Blur was not judged" in limit for limit in found.limits)
    assert "blur" in found.as_record()


class Plain:
    """A slide of an array."""

    def __init__(self, pixels, pitch):
        self.pixels, self.pitch, self.path, self.boxes = pixels, pitch, "slide.tif", []

    def read(self, box, *, px_size):
        self.boxes.append((box, px_size))
        top, left = round(box.l0_y), round(box.l0_x)
        part = self.pixels[top : top + round(box.l0_height), left : left + round(box.l0_width)]
        return reduced(part, px_size)


def test_tiles_of_a_slide_are_read_in_base_level_pixels():
    slide = Plain(np.zeros((2000, 3000, 3), np.uint8), Pitch(0.5, 0.25, "test"))
    tile = detail_of(slide).read(512.0, 256.0)
    assert slide.boxes == [(Box(1024.0, 1024.0, 512.0, 1024.0), (256, 256))]
    assert tile.shape == (256, 256, 3)


def test_a_slide_without_pitch_is_refused():
    with pytest.raises(InvalidInput, match="no microns per pixel"):
        detail_of(Plain(np.zeros((4, 4, 3), np.uint8), None))


@pytest.mark.realdata
def test_a_blurred_part_of_a_real_section(realdata):
    pixels = aperio(realdata / "wsi" / "TCGA-CR-7395-01A-01-TS1.svs")
    image = reduced(pixels, (2222, 1784))  # taken as 1 um per pixel
    soft = image.copy()
    soft[:, 1024:] = smoothed(image, 3)[:, 1024:]
    thumbnail = reduced(soft, (278, 223))
    mpp = (2222 / 278, 1784 / 223)
    mask = tissue_mask(thumbnail, mpp)
    sharp_one = focus_of(mask, tiles_of(image), mpp=mpp)
    assert not sharp_one.blurred.any()
    found = focus_of(mask, tiles_of(soft), mpp=mpp)
    truth = mask.copy()
    truth[:, :128] = False
    precision, recall = scores(found.blurred, truth)
    assert precision > 0.95
    assert recall > 0.95
