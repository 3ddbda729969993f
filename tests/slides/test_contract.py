"""One contract for every reader: sizes, colours, edges, closing, pickling, threads, reduction."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cancernet.errors import InvalidInput
from cancernet.geometry import Box
from cancernet.slides import Slide, open_slide, thumbnail
from cancernet.slides.reading.levelled import LevelledSlide
from cancernet.slides.reading.openslide_file import OpenSlideSlide
from slides.made import (
    HEIGHT,
    TILE,
    UM,
    WIDTH,
    Canvas,
    levels,
    picture,
    write_dicom,
    write_dicom_jpeg2000,
    write_tiff,
)

PICTURE = picture()
LEVELS = levels(PICTURE)
DOTS = (1e4 / UM, 1e4 / UM)
OME = (
    '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    f'<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="{WIDTH}" SizeY="{HEIGHT}" '
    f'SizeC="3" SizeZ="1" SizeT="1" PhysicalSizeX="{UM * 1e3}" PhysicalSizeXUnit="nm" PhysicalSizeY="{UM}">'
    '<Channel ID="Channel:0" SamplesPerPixel="3"/><TiffData/></Pixels></Image></OME>'
)
APERIO = f"Aperio Image Library v12\r\n{WIDTH}x{HEIGHT} [0,0] (64x64) |AppMag = 40|MPP = {UM}"


def tiff(**options: object) -> Callable[[Path], LevelledSlide]:
    def make(folder: Path) -> LevelledSlide:
        path = folder / "slide.tif"
        settings = {"resolution": DOTS, "resolutionunit": "CENTIMETER", **options}
        planes = options.get("planarconfig") == "separate"
        images = [np.moveaxis(level, 2, 0) for level in LEVELS] if planes else LEVELS
        return open_slide(write_tiff(path, images, **settings))

    return make


def by_openslide(folder: Path) -> LevelledSlide:
    path = folder / "slide.tif"
    write_tiff(path, LEVELS, compression="deflate", resolution=DOTS, resolutionunit="CENTIMETER")
    return OpenSlideSlide(path)


def canvas(folder: Path) -> LevelledSlide:
    """A scanned area at (8, 20) of a larger canvas, black around it where it is no part of the plane."""
    images = []
    for level, factor in zip(LEVELS, (1, 2, 4), strict=True):
        whole = np.zeros((320 // factor, 360 // factor, 4), dtype=np.uint8)
        whole[..., 3] = 255
        top, left = 20 // factor, 8 // factor
        whole[top : top + level.shape[0], left : left + level.shape[1], :3] = level
        images.append(whole)
    bounds = {"x": 8, "y": 20, "width": WIDTH, "height": HEIGHT}
    properties = {f"openslide.bounds-{name}": str(value) for name, value in bounds.items()}
    pitch = {"openslide.mpp-x": str(UM), "openslide.mpp-y": str(UM), "openslide.vendor": "mirax"}
    return OpenSlideSlide(folder / "slide.mrxs", source=Canvas(images, {**properties, **pitch}))


def dicom_folder(folder: Path) -> LevelledSlide:
    for number, (write, level) in enumerate(zip((write_dicom, write_dicom_jpeg2000, write_dicom), LEVELS, strict=True)):
        um = UM * 2**number
        write(folder / f"level-{number}.dcm", level, series="1.2.3", um=(um, um))
    (folder / "readme.txt").write_text("nothing")
    return open_slide(folder)


def dicom_file(folder: Path) -> LevelledSlide:
    return open_slide(write_dicom(folder / "slide.dcm", PICTURE, series="1.2.3"))


def png(folder: Path) -> LevelledSlide:
    Image.fromarray(PICTURE).save(folder / "slide.png", dpi=(25400 / UM, 25400 / UM))
    return open_slide(folder / "slide.png")


READERS: dict[str, Callable[[Path], LevelledSlide]] = {
    "pyramid": tiff(compression="deflate", predictor=True),
    "uncompressed": tiff(),
    "jpeg 2000": tiff(compression="jpeg2000", compressionargs={"reversible": True, "level": 0}),
    "aperio": tiff(compression="lzw", description=APERIO),
    "big, big-endian": tiff(compression="lzw", bigtiff=True, byteorder=">"),
    "planes": tiff(compression="deflate", planarconfig="separate"),
    "sub-images": tiff(compression="deflate", sub=True),
    "ome": tiff(compression="deflate", sub=True, description=OME, resolution=None, resolutionunit=None),
    "strips": tiff(tile=None, rowsperstrip=50, compression="deflate"),
    "long strip": tiff(tile=None, rowsperstrip=HEIGHT),
    "openslide": by_openslide,
    "canvas": canvas,
    "dicom folder": dicom_folder,
    "dicom file": dicom_file,
    "image": png,
}
ONE_LEVEL = {"dicom file", "image"}
WITHOUT_FILE = {"canvas"}


@pytest.fixture(scope="module", params=READERS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def slide(name, tmp_path_factory):
    slide = READERS[name](tmp_path_factory.mktemp("slide"))
    yield slide
    slide.close()


def area_mean(image: np.ndarray, box: Box, px_size: tuple[int, int]) -> np.ndarray:
    """Return the mean over the area of each new pixel, slowly; beyond the edge it is white."""
    answer = np.empty((px_size[1], px_size[0], 3))
    across, down = box.l0_width / px_size[0], box.l0_height / px_size[1]
    for row in range(px_size[1]):
        for column in range(px_size[0]):
            edges = box.l0_x + column * across, box.l0_y + row * down
            answer[row, column] = _one_mean(image, edges, (edges[0] + across, edges[1] + down))
    return answer


def _one_mean(image: np.ndarray, start: tuple[float, float], end: tuple[float, float]) -> np.ndarray:
    total = np.zeros(3)
    for y in range(int(np.floor(start[1])), int(np.ceil(end[1]))):
        for x in range(int(np.floor(start[0])), int(np.ceil(end[0]))):
            share = (min(end[0], x + 1) - max(start[0], x)) * (min(end[1], y + 1) - max(start[1], y))
            inside = 0 <= y < image.shape[0] and 0 <= x < image.shape[1]
            total += share * (image[y, x] if inside else np.full(3, 255))
    return total / ((end[0] - start[0]) * (end[1] - start[1]))


def test_it_is_a_slide(slide):
    assert isinstance(slide, Slide)


def test_size_and_levels(slide, name):
    assert slide.l0_size == (WIDTH, HEIGHT)
    assert slide.downsamples == ((1.0,) if name in ONE_LEVEL else (1.0, 2.0, 4.0))


def test_resolution(slide):
    assert slide.pitch is not None
    assert (slide.pitch.um_x, slide.pitch.um_y) == pytest.approx((UM, UM), rel=1e-4)
    assert slide.pitch.source
    assert not slide.pitch.assumed
    assert slide.vendor


def test_the_whole_slide_is_the_picture(slide):
    found = slide.read(Box(0, 0, WIDTH, HEIGHT), px_size=(WIDTH, HEIGHT))
    np.testing.assert_array_equal(found, PICTURE)
    assert found.flags.c_contiguous
    assert found.dtype == np.uint8


def test_the_answer_belongs_to_the_caller(slide):
    box = Box(10, 10, 40, 30)
    first = slide.read(box, px_size=(40, 30))
    first[:] = 0
    np.testing.assert_array_equal(slide.read(box, px_size=(40, 30)), PICTURE[10:40, 10:50])


@pytest.mark.parametrize(("x", "y"), [(0, 0), (63, 64), (WIDTH - 1, HEIGHT - 1), (TILE, 2 * TILE - 1)])
def test_one_pixel(slide, x, y):
    assert slide.read(Box(x, y, 1, 1), px_size=(1, 1)).tolist() == [[PICTURE[y, x].tolist()]]


@pytest.mark.parametrize("corner", [(-20, -10), (WIDTH - 30, -5), (-7, HEIGHT - 40), (WIDTH - 50, HEIGHT - 41)])
def test_beyond_the_edge_it_is_white(slide, corner):
    left, top = corner
    expected = np.full((90, 80, 3), 255, dtype=np.uint8)
    rows, columns = np.mgrid[top : top + 90, left : left + 80]
    inside = (rows >= 0) & (rows < HEIGHT) & (columns >= 0) & (columns < WIDTH)
    expected[inside] = PICTURE[rows[inside], columns[inside]]
    np.testing.assert_array_equal(slide.read(Box(left, top, 80, 90), px_size=(80, 90)), expected)


@pytest.mark.parametrize("corner", [(WIDTH, 0), (-200, -200), (0, 10 * HEIGHT), (-64, 0)])
def test_outside_it_is_white(slide, corner):
    for px_size in ((64, 64), (32, 32), (50, 21)):
        found = slide.read(Box(*corner, 64, 64), px_size=px_size)
        assert found.shape == (px_size[1], px_size[0], 3)
        assert (found == 255).all()


def test_a_larger_canvas_than_the_slide(slide):
    found = slide.read(Box(-100, -100, 600, 500), px_size=(600, 500))
    np.testing.assert_array_equal(found[100 : 100 + HEIGHT, 100 : 100 + WIDTH], PICTURE)
    found[100 : 100 + HEIGHT, 100 : 100 + WIDTH] = 255
    assert (found == 255).all()


@pytest.mark.parametrize("factor", [2, 4])
def test_a_level_is_read_as_it_is(slide, factor):
    expected = LEVELS[factor // 2][3:40, 5:50]
    found = slide.read(Box(5 * factor, 3 * factor, 45 * factor, 37 * factor), px_size=(45, 37))
    assert np.abs(found.astype(int) - expected).max() <= 1  # of readers without levels, means of rounded means
    np.testing.assert_allclose(found.mean(), expected.mean(), atol=0.2)


@pytest.mark.parametrize(
    ("box", "px_size"),
    [
        (Box(20, 30, 100, 61), (60, 47)),  # no whole factors
        (Box(20.25, 30.5, 33.3, 50), (31, 28)),  # parts of pixels
        (Box(-5.5, 200.5, 40, 40), (27, 27)),  # over the edge
        (Box(100, 50, 60, 60), (60, 20)),  # pixels that are not square
    ],
)
def test_reduction_is_the_mean_over_the_area(slide, box, px_size):
    found = slide.read(box, px_size=px_size)
    expected = area_mean(PICTURE, box, px_size)
    assert np.abs(found - expected).max() <= 0.501


def test_reduction_below_a_level_reads_that_level(slide, name):
    box, px_size = Box(40, 40, 120, 96), (40, 32)
    if name in ONE_LEVEL:
        expected = area_mean(PICTURE, box, px_size)
    else:
        expected = area_mean(LEVELS[1], Box(20, 20, 60, 48), px_size)
    assert np.abs(slide.read(box, px_size=px_size) - expected).max() <= 0.501


def test_it_does_not_matter_in_how_many_pieces_one_reads(slide):
    whole = slide.read(Box(0, 0, 280, 200), px_size=(200, 150))
    pieces = [slide.read(Box(0, top * 100, 280, 100), px_size=(200, 75)) for top in (0, 1)]
    assert np.abs(whole.astype(int) - np.concatenate(pieces)).max() <= 1
    halves = [slide.read(Box(left, 0, 150, HEIGHT), px_size=(150, HEIGHT)) for left in (0, 150)]
    np.testing.assert_array_equal(np.concatenate(halves, axis=1), PICTURE)


def test_magnified_values_lie_between_those_around(slide):
    found = slide.read(Box(50, 60, 10, 8), px_size=(40, 32)).astype(int)
    around = PICTURE[59:69, 49:61]
    assert (found >= around.min(axis=(0, 1))).all()
    assert (found <= around.max(axis=(0, 1))).all()
    np.testing.assert_allclose(found.mean(axis=(0, 1)), PICTURE[60:68, 50:60].mean(axis=(0, 1)), atol=4)


def test_magnifying_the_middle_of_a_pixel_is_that_pixel(slide):
    found = slide.read(Box(50, 60, 10, 8), px_size=(30, 24))
    np.testing.assert_array_equal(found[1::3, 1::3], PICTURE[60:68, 50:60])


def test_a_box_between_pixels_is_read_from_the_nearer_one(slide):
    found = slide.read(Box(10.4, 20.6, 30, 30), px_size=(30, 30))
    np.testing.assert_array_equal(found, PICTURE[21:51, 10:40])


def test_threads_get_the_same_pixels(slide):
    rng = np.random.default_rng(1)
    boxes = [Box(int(x), int(y), 70, 50) for x, y in rng.integers(-20, 250, (60, 2))]
    alone = [slide.read(box, px_size=(70, 50)) for box in boxes]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda box: slide.read(box, px_size=(70, 50)), boxes))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("box", "px_size"),
    [
        (Box(0, 0, 0, 10), (5, 5)),
        (Box(0, 0, 10, -1), (5, 5)),
        (Box(float("nan"), 0, 10, 10), (5, 5)),
        (Box(0, 0, float("inf"), 10), (5, 5)),
        (Box(0, 0, 10, 10), (0, 5)),
        (Box(0, 0, 10, 10), (5.5, 5)),
        (Box(0, 0, 1e9, 1e9), (10, 10)),
    ],
)
def test_what_cannot_be_read(slide, box, px_size):
    with pytest.raises(InvalidInput):
        slide.read(box, px_size=px_size)


@pytest.fixture(scope="module")
def worker():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def test_pickled_to_a_process(slide, name, worker, tmp_path, monkeypatch):
    if name in WITHOUT_FILE:
        pytest.skip("it has no file to open again")
    monkeypatch.chdir(slide.path.parent)
    relative = type(slide)(Path(slide.path.name))
    monkeypatch.chdir(tmp_path)
    for one in (slide, relative):
        found = worker.submit(one.read, Box(5, 5, 50, 50), px_size=(50, 50)).result()
        np.testing.assert_array_equal(found, PICTURE[5:55, 5:55])
    relative.close()


@pytest.mark.parametrize("reader", READERS)
def test_closed(reader, tmp_path):
    with READERS[reader](tmp_path) as slide:
        slide.read(Box(0, 0, 10, 10), px_size=(10, 10))
    slide.close()
    with pytest.raises(InvalidInput, match="is closed"):
        slide.read(Box(0, 0, 10, 10), px_size=(10, 10))


@pytest.mark.parametrize("reader", ["pyramid", "openslide", "dicom file", "image"])
def test_closed_while_others_read(reader, tmp_path):
    slide = READERS[reader](tmp_path)

    def read(_: int) -> bool:
        try:
            found = slide.read(Box(10, 10, 200, 150), px_size=(200, 150))
        except InvalidInput:
            return False
        np.testing.assert_array_equal(found, PICTURE[10:160, 10:210])
        return True

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(read, number) for number in range(300)]
        answers[20].result()
        slide.close()
        assert not answers[-1].result()
        assert answers[0].result()


def test_thumbnail(slide):
    small = thumbnail(slide, longest=75)
    assert small.shape == (55, 75, 3)
    assert np.abs(small.astype(int) - means(PICTURE, 4)).max() <= 2


def means(image: np.ndarray, factor: int) -> np.ndarray:
    return levels(image, (factor,))[0]
