"""The pyramid writer, read back by OpenSlide and tifffile, against plain slow code."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import openslide
import pytest
import tifffile
from PIL import Image

from cancernet.errors import InvalidInput, StorageFailure
from cancernet.slides import PyramidOptions, write_pyramid
from cancernet.slides.writing.levels import halve
from cli.made import largest_file

EXACT = PyramidOptions(compression="deflate")
SIZES = [(1, 1), (1, 700), (16, 16), (255, 257), (256, 256), (257, 255), (1100, 513), (1025, 1300)]


def _noise(size: tuple[int, int], channels: int = 3) -> np.ndarray:
    shape = (size[1], size[0], channels) if channels == 3 else (size[1], size[0])
    return np.random.default_rng([*size]).integers(0, 256, shape, dtype=np.uint8)


def _smooth(size: tuple[int, int]) -> np.ndarray:
    coarse = Image.fromarray(_noise((size[0] // 40 + 2, size[1] // 40 + 2)))
    return np.array(coarse.resize(size, Image.Resampling.BICUBIC))


def _blocks(image: np.ndarray):
    return lambda x, y, width, height: image[y : y + height, x : x + width]


def _strips(image: np.ndarray, rows: int):
    return (image[top : top + rows] for top in range(0, len(image), rows))


def _halved(image: np.ndarray) -> np.ndarray:
    """Half the size, one pixel after the other: a mean of what there is, halves rounded up in even columns only."""
    height, width = image.shape[:2]
    half = np.empty(((height + 1) // 2, (width + 1) // 2, *image.shape[2:]), dtype=np.uint8)
    for row in range(len(half)):
        for column in range(half.shape[1]):
            few = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].astype(np.float64)
            mean = few.mean(axis=(0, 1))
            half[row, column] = np.floor(mean + 0.5) if column % 2 == 0 else np.ceil(mean - 0.5)
    return half


def _read(path: Path, level: int) -> np.ndarray:
    with openslide.OpenSlide(path) as slide:
        return np.array(slide.read_region((0, 0), level, slide.level_dimensions[level]).convert("RGB"))


def test_half_by_hand():
    image = np.array([[0, 1, 0, 1], [0, 1, 1, 0]], dtype=np.uint8)[:, :, None]
    assert halve(image)[:, :, 0].tolist() == [[1, 0]]  # both means are 0.5
    assert halve(image[:, :3])[:, :, 0].tolist() == [[1, 0]]
    assert halve(image[:1, :1])[:, :, 0].tolist() == [[0]]


@pytest.mark.parametrize("size", [(2, 2), (5, 3), (8, 7), (33, 20)])
def test_half_is_the_mean(size):
    image = _noise(size)
    assert np.array_equal(halve(image), _halved(image))


def test_levels_do_not_become_brighter():
    image = _noise((2048, 2048))
    level = image
    while max(level.shape) > 64:
        level = halve(level)
    assert level.mean() == pytest.approx(image.mean(), abs=0.05)


@pytest.mark.parametrize("size", SIZES)
def test_every_level_is_exact(tmp_path, size):
    image = _noise(size)
    levels = write_pyramid(tmp_path / "a.tiff", _blocks(image), size=size, mpp=0.5, options=EXACT)
    assert levels[0] == size
    assert max(levels[-1]) <= 256
    assert all(above == ((below[0] + 1) // 2, (below[1] + 1) // 2) for below, above in pairwise(levels))
    with tifffile.TiffFile(tmp_path / "a.tiff") as tiff:
        assert [page.shape[1::-1] for page in tiff.pages] == list(levels)
        assert [page.is_reduced for page in tiff.pages] == [False] + [True] * (len(levels) - 1)
        stored = [page.asarray() for page in tiff.pages]
    expected = image
    for number, found in enumerate(stored):
        assert np.array_equal(found.reshape(expected.shape), expected)
        assert np.array_equal(_read(tmp_path / "a.tiff", number), expected)
        expected = halve(expected)


def test_jpeg_is_near(tmp_path):
    image = _smooth((1500, 900))
    for options, most in ((PyramidOptions(), 3.5), (PyramidOptions(quality=95, subsampling="4:4:4"), 1.2)):
        write_pyramid(tmp_path / "a.tiff", _blocks(image), size=(1500, 900), mpp=0.5, options=options, force=True)
        level = image
        for number in range(3):
            assert np.abs(_read(tmp_path / "a.tiff", number).astype(int) - level).mean() < most
            level = halve(level)


def test_subsampling_is_what_was_asked(tmp_path):
    image = _smooth((300, 300))
    for name, tags in (("4:2:0", (2, 2)), ("4:4:4", (1, 1))):
        options = PyramidOptions(subsampling=name)
        write_pyramid(tmp_path / "a.tiff", _blocks(image), size=(300, 300), mpp=1, options=options, force=True)
        with tifffile.TiffFile(tmp_path / "a.tiff") as tiff:
            assert tiff.pages[0].tags["YCbCrSubSampling"].value == tags


@pytest.mark.parametrize("rows", [1, 7, 256, 300, 5000])
def test_strips_of_any_height(tmp_path, rows):
    image = _smooth((700, 650))
    write_pyramid(tmp_path / "blocks.tiff", _blocks(image), size=(700, 650), mpp=0.5)
    write_pyramid(tmp_path / "strips.tiff", _strips(image, rows), size=(700, 650), mpp=0.5)
    assert (tmp_path / "strips.tiff").read_bytes() == (tmp_path / "blocks.tiff").read_bytes()


def test_threads_change_nothing(tmp_path):
    image = _smooth((2500, 900))
    for workers in (1, 3):
        options = PyramidOptions(workers=workers)
        write_pyramid(tmp_path / f"{workers}.tiff", _blocks(image), size=(2500, 900), mpp=0.5, options=options)
    assert (tmp_path / "1.tiff").read_bytes() == (tmp_path / "3.tiff").read_bytes()


@pytest.mark.parametrize("mpp", [0.2525, 0.5, 1, 3.97, (0.25, 0.5)])
def test_resolution_reaches_openslide(tmp_path, mpp):
    write_pyramid(tmp_path / "a.tiff", _blocks(_noise((600, 300))), size=(600, 300), mpp=mpp)
    x, y = mpp if isinstance(mpp, tuple) else (mpp, mpp)
    with openslide.OpenSlide(tmp_path / "a.tiff") as slide:
        assert slide.properties["openslide.vendor"] == "generic-tiff"
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(x, rel=1e-6)
        assert float(slide.properties["openslide.mpp-y"]) == pytest.approx(y, rel=1e-6)


def test_unknown_resolution_is_not_said(tmp_path):
    write_pyramid(tmp_path / "a.tiff", _blocks(_noise((300, 300))), size=(300, 300), mpp=None)
    with openslide.OpenSlide(tmp_path / "a.tiff") as slide:
        assert "openslide.mpp-x" not in slide.properties


@pytest.mark.parametrize("compression", ["jpeg", "deflate"])
def test_one_channel(tmp_path, compression):
    image = _smooth((700, 400))[:, :, 0].copy()
    options = PyramidOptions(channels=1, compression=compression)
    write_pyramid(tmp_path / "a.tiff", _blocks(image), size=(700, 400), mpp=8.0, options=options)
    found = tifffile.imread(tmp_path / "a.tiff")
    assert found.shape == image.shape
    assert np.abs(found.astype(int) - image).mean() < (1.5 if compression == "jpeg" else 1e-9)
    assert np.array_equal(_read(tmp_path / "a.tiff", 0)[:, :, 1], found)


def test_other_tiles(tmp_path):
    options = PyramidOptions(tile=64, compression="deflate", description="a heat map")
    levels = write_pyramid(tmp_path / "a.tiff", _blocks(_noise((300, 200))), size=(300, 200), mpp=1, options=options)
    assert levels == ((300, 200), (150, 100), (75, 50), (38, 25))
    with tifffile.TiffFile(tmp_path / "a.tiff") as tiff:
        assert {page.tile for page in tiff.pages} == {(64, 64)}
        assert tiff.pages[0].description == "a heat map"


def test_large_files_are_big_tiffs(tmp_path, monkeypatch):
    write_pyramid(tmp_path / "small.tiff", _blocks(_noise((600, 300))), size=(600, 300), mpp=1, options=EXACT)
    monkeypatch.setattr("cancernet.slides.writing.pyramid._CLASSIC_BYTES", 500_000)
    write_pyramid(tmp_path / "large.tiff", _blocks(_noise((600, 300))), size=(600, 300), mpp=1, options=EXACT)
    for name, big in (("small", False), ("large", True)):
        with tifffile.TiffFile(tmp_path / f"{name}.tiff") as tiff:
            assert tiff.is_bigtiff == big
        assert np.array_equal(_read(tmp_path / f"{name}.tiff", 0), _noise((600, 300)))


def test_progress_counts_rows(tmp_path):
    seen: list[int] = []
    image = _noise((300, 600))
    write_pyramid(tmp_path / "a.tiff", _blocks(image), size=(300, 600), mpp=1, progress=seen.append)
    assert seen == [256, 512, 600]


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (_strips(_noise((300, 400)), 100), r"400 rows.*500"),
        (_strips(_noise((300, 600)), 100), "more than 500 rows"),
        (_strips(_noise((299, 500)), 100), r"\(100, 299, 3\).*300"),
        (_blocks(_noise((299, 500))), r"x = 0, y = 0.*\(256, 299, 3\)"),
        (_blocks(_noise((300, 500)).astype(np.float32)), "float32.*uint8"),
        (_blocks(_noise((300, 500), channels=1)), r"\(256, 300\).*\(256, 300, 3\)"),
    ],
)
def test_wrong_pixels_leave_nothing(tmp_path, pixels, words):
    with pytest.raises(InvalidInput, match=words):
        write_pyramid(tmp_path / "a.tiff", pixels, size=(300, 500), mpp=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size": (0, 5)}, r"size = \(0, 5\)"),
        ({"mpp": 0.0}, "mpp = 0.0"),
        ({"mpp": float("nan")}, "mpp = nan"),
        ({"mpp": (1.0, -1.0)}, "mpp"),
    ],
)
def test_what_cannot_be(tmp_path, given, words):
    with pytest.raises(InvalidInput, match=words):
        write_pyramid(tmp_path / "a.tiff", _blocks(_noise((9, 9))), **{"size": (9, 9), "mpp": 1.0, **given})


@pytest.mark.parametrize(
    "given",
    [
        *({"tile": 100}, {"tile": 0}, {"quality": 0}, {"quality": 101}, {"channels": 4}, {"compression": "lzw"}),
        *({"subsampling": "4:1:1"}, {"description": "Größe"}),
    ],
)
def test_options_that_cannot_be(given):
    with pytest.raises(InvalidInput, match=str(next(iter(given.values())))):
        PyramidOptions(**given)


def test_a_file_is_kept_unless_forced(tmp_path):
    (tmp_path / "a.tiff").write_bytes(b"mine")
    with pytest.raises(InvalidInput, match="exists already"):
        write_pyramid(tmp_path / "a.tiff", _blocks(_noise((9, 9))), size=(9, 9), mpp=1)
    assert (tmp_path / "a.tiff").read_bytes() == b"mine"
    write_pyramid(tmp_path / "a.tiff", _blocks(_noise((9, 9))), size=(9, 9), mpp=1, force=True)
    assert _read(tmp_path / "a.tiff", 0).shape == (9, 9, 3)


def test_a_failure_in_the_middle_leaves_nothing(tmp_path):
    def broken(x, y, width, height):
        if y >= 1024:
            raise KeyError("the source is gone")
        return np.zeros((height, width, 3), dtype=np.uint8)

    with pytest.raises(KeyError, match="gone"):
        write_pyramid(tmp_path / "new" / "a.tiff", broken, size=(600, 4000), mpp=1)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said(tmp_path):
    with largest_file(100_000), pytest.raises(StorageFailure, match="larger than allowed"):
        write_pyramid(tmp_path / "a.tiff", _blocks(_noise((900, 900))), size=(900, 900), mpp=1)
    assert list(tmp_path.iterdir()) == []


HIGH = """
import resource, sys
import numpy as np
from cancernet.slides import PyramidOptions, write_pyramid
made = np.random.default_rng(0).integers(200, 240, (256, 1024, 3), dtype=np.uint8)
block = lambda x, y, width, height: made[:height, :width]
write_pyramid(sys.argv[1], block, size=(2000, int(sys.argv[2])), mpp=0.5, options=PyramidOptions(workers=2))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _peak(path: Path, height: int) -> float:
    command = [sys.executable, "-c", HIGH, str(path), str(height)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024


def test_memory_does_not_grow_with_height(tmp_path):
    low, high = _peak(tmp_path / "low.tiff", 2000), _peak(tmp_path / "high.tiff", 40_000)
    assert high < low + 12, f"{low:.0f} MB for 2,000 rows, {high:.0f} MB for 40,000"
