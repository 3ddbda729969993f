"""TIFF slides: which pages are the slide, colours of all codings, and what is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import imagecodecs
import numpy as np
import openslide
import pytest
import tifffile

from cancernet.errors import CorruptFile, InvalidInput
from cancernet.geometry import Box
from cancernet.slides import open_slide
from cancernet.slides.reading.openslide_file import OpenSlideSlide
from cancernet.slides.reading.tiff import TiffSlide
from slides.made import HEIGHT, TILE, WIDTH, levels, picture, write_tiff

PICTURE = picture()
LEVELS = levels(PICTURE)
JPEG = {"compression": "jpeg", "compressionargs": {"level": 90}}


def whole(slide) -> np.ndarray:
    return slide.read(Box(0, 0, *slide.l0_size), px_size=slide.l0_size)


def differences(path: Path) -> np.ndarray:
    """Return the greatest difference to OpenSlide's pixels, level by level."""
    with open_slide(path) as slide, openslide.OpenSlide(path) as twin:
        assert isinstance(slide, TiffSlide)
        assert len(slide.downsamples) == twin.level_count
        found = []
        for level, whole_size in enumerate(twin.level_dimensions):
            size = min(whole_size[0], 600), min(whole_size[1], 600)
            expected = np.asarray(twin.read_region((0, 0), level, size).convert("RGB"))
            factor = slide.downsamples[level]
            box = Box(0, 0, size[0] * factor, size[1] * factor)
            found.append(np.abs(slide.read(box, px_size=size).astype(int) - expected).max())
        return np.array(found)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["CMU-1-Small-Region.svs", "TCGA-CR-7395-01A-01-TS1.svs"])
def test_real_aperio_slides_are_as_openslide_reads_them(realdata, name):
    assert (differences(realdata / "wsi" / name) == 0).all()


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2)])
def test_jpeg_as_openslide_reads_it(tmp_path, subsampling):
    assert (differences(write_tiff(tmp_path / "a.tif", LEVELS, subsampling=subsampling, **JPEG)) == 0).all()


def raw_tiff(path: Path, tiles: list[bytes], tags: dict[int, tuple[int, tuple[int, ...] | bytes]]) -> Path:
    """Write a TIFF of one page of encoded tiles; tags as (type, values)."""
    starts, place = [], 8
    for tile in tiles:
        starts.append(place)
        place += len(tile)
    lengths = [len(tile) for tile in tiles]
    tags = {
        256: (4, (WIDTH,)),
        257: (4, (HEIGHT,)),
        258: (3, (8, 8, 8)),
        277: (3, (3,)),
        322: (4, (TILE,)),
        323: (4, (TILE,)),
        324: (4, tuple(starts)),
        325: (4, tuple(lengths)),
        **tags,
    }
    entries, extra = b"", b""
    extra_at = place + 2 + 12 * len(tags) + 4
    for tag in sorted(tags):
        kind, values = tags[tag]
        packed = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{' B?HI'[kind]}", *values)
        field = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", extra_at + len(extra))
        extra += packed if len(packed) > 4 else b""
        entries += struct.pack("<HHI", tag, kind, len(values)) + field
    head = b"II*\0" + struct.pack("<I", place)
    path.write_bytes(head + b"".join(tiles) + struct.pack("<H", len(tags)) + entries + bytes(4) + extra)
    return path


def tiles_of(image: np.ndarray) -> list[np.ndarray]:
    from slides.made import tiles

    return tiles(image)


APERIO = (2, b"Aperio Image Library v12\r\n300x220 (64x64) JPEG/RGB Q=90|MPP = 0.5\0")


def split(stream: bytes) -> tuple[bytes, bytes]:
    """Return the tables of a JPEG stream as one of their own, and the stream without them."""
    tables, rest, place = b"", b"\xff\xd8", 2
    while stream[place + 1] != 0xDA:
        length = int.from_bytes(stream[place + 2 : place + 4], "big") + 2
        segment = stream[place : place + length]
        is_table = segment[1] in (0xDB, 0xC4)
        tables, rest = (tables + segment, rest) if is_table else (tables, rest + segment)
        place += length
    return b"\xff\xd8" + tables + b"\xff\xd9", rest + stream[place:]


@pytest.mark.parametrize("photometric", [2, 6], ids=["RGB", "YCbCr"])
def test_abbreviated_jpeg_in_both_colour_spaces(tmp_path, photometric):
    # As Aperio writes them: tables apart, no marker that names the colour space; the tag of the page does.
    space = "RGB" if photometric == 2 else "YCBCR"
    parts = []
    for tile in tiles_of(PICTURE):
        coded = imagecodecs.jpeg8_encode(tile, level=90, colorspace="RGB", outcolorspace=space, subsampling="444")
        tables, rest = split(bytes(coded))
        start = rest.find(b"\xff\xe0")  # without the marker of JFIF
        parts.append(rest if start < 0 else rest[:start] + rest[start + 18 :])
    tags = {259: (3, (7,)), 262: (3, (photometric,)), 347: (7, tables), 270: APERIO, 530: (3, (1, 1))}
    path = raw_tiff(tmp_path / "a.svs", parts, tags)
    assert (differences(path) == 0).all()
    with open_slide(path) as slide:
        assert np.abs(whole(slide).astype(int) - PICTURE).mean() < 8  # in the wrong space it is 50
        assert slide.vendor == "Aperio"
        assert slide.pitch.source == "aperio.MPP"


def test_jpeg_2000_in_ycbcr_is_left_to_openslide(tmp_path):
    coded = [bytes(imagecodecs.jpeg2k_encode(tile, codecformat="J2K", mct=False)) for tile in tiles_of(PICTURE)]
    path = raw_tiff(tmp_path / "a.svs", coded, {259: (3, (33003,)), 262: (3, (2,)), 270: APERIO})
    with open_slide(path) as slide:
        assert isinstance(slide, OpenSlideSlide)
        assert whole(slide).shape == PICTURE.shape


@pytest.mark.parametrize("hole", [(True, "plain"), (False, "aperio")])
def test_tiles_without_pixels(tmp_path, hole):
    plain, _ = hole
    tiles = [tile.tobytes() for tile in tiles_of(PICTURE)]
    tiles[6] = b""
    tags = {259: (3, (1,)), 262: (3, (2,)), **({} if plain else {270: APERIO})}
    with open_slide(raw_tiff(tmp_path / "a.tif", tiles, tags)) as slide:
        assert isinstance(slide, TiffSlide if plain else OpenSlideSlide)
        expected = PICTURE.copy()
        expected[TILE : 2 * TILE, TILE : 2 * TILE] = 255
        np.testing.assert_array_equal(whole(slide), expected)


def test_tiles_that_overlap_are_left_to_openslide(tmp_path):
    tiles = [tile.tobytes() for tile in tiles_of(PICTURE)]
    about = (2, b"Background Color = FFFFFF;White Balance = 1\0")
    tags = {259: (3, (1,)), 262: (3, (2,)), 270: about, 305: (2, b"MedScan 1.0\0")}
    with open_slide(raw_tiff(tmp_path / "a.tif", tiles, tags)) as slide:
        assert isinstance(slide, OpenSlideSlide)


def test_16_bits_keep_their_range(tmp_path):
    deep = PICTURE.astype(np.uint16) * 256 + 17
    for options in ({}, {"compression": "deflate"}, {"tile": None, "rowsperstrip": 30, "byteorder": ">"}):
        with open_slide(write_tiff(tmp_path / "a.tif", [deep], **options)) as slide:
            np.testing.assert_array_equal(whole(slide), PICTURE)


def test_transparency_lies_on_white(tmp_path):
    alpha = np.full((HEIGHT, WIDTH, 1), 255, dtype=np.uint8)
    alpha[:50], alpha[50:60] = 0, 51
    with open_slide(
        write_tiff(tmp_path / "a.tif", [np.dstack([PICTURE, alpha])], extrasamples=["unassalpha"])
    ) as slide:
        found = whole(slide)
    assert (found[:50] == 255).all()
    np.testing.assert_allclose(found[50:60], PICTURE[50:60] * 0.2 + 255 * 0.8, atol=1)
    np.testing.assert_array_equal(found[60:], PICTURE[60:])


def test_transparency_that_was_multiplied_in(tmp_path):
    alpha = np.full((HEIGHT, WIDTH, 1), 51, dtype=np.uint8)
    dark = (PICTURE * 0.2).astype(np.uint8)
    with open_slide(write_tiff(tmp_path / "a.tif", [np.dstack([dark, alpha])], extrasamples=["assocalpha"])) as slide:
        np.testing.assert_allclose(whole(slide), dark + 204.0, atol=1)


def test_label_and_overview_are_no_levels(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(PICTURE, photometric="rgb", tile=(TILE, TILE), metadata=None)
        tiff.write(LEVELS[2], photometric="rgb", metadata=None)  # a thumbnail: of its shape, but not tiled
        tiff.write(LEVELS[1], photometric="rgb", tile=(TILE, TILE), metadata=None)
        tiff.write(PICTURE[:100, :100], photometric="rgb", tile=(TILE, TILE), metadata=None)  # a label
        tiff.write(LEVELS[1][:, :60], photometric="rgb", metadata=None)
    with open_slide(path) as slide:
        assert slide.downsamples == (1.0, 2.0)


def test_a_pyramid_that_begins_with_another_image(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(PICTURE[:40, :100], photometric="rgb", metadata=None)
        for level in LEVELS:
            tiff.write(level, photometric="rgb", tile=(TILE, TILE), metadata=None)
    with open_slide(path) as slide:
        assert slide.l0_size == (WIDTH, HEIGHT)
        assert len(slide.downsamples) == 3


@pytest.mark.parametrize("options", [{"tile": (TILE, TILE)}, {}])
def test_pixels_that_are_not_square(tmp_path, options):
    settings = {"resolution": (1e4 / 0.25, 1e4 / 0.5), "resolutionunit": "CENTIMETER"}
    with open_slide(write_tiff(tmp_path / "a.tif", [PICTURE], **settings, **options)) as slide:
        assert (slide.pitch.um_x, slide.pitch.um_y) == pytest.approx((0.25, 0.5), rel=1e-4)
        assert slide.pitch.mpp == pytest.approx(0.125**0.5, rel=1e-4)
        found = slide.read(Box(20, 10, 80, 40), px_size=(40, 40))
        expected = PICTURE[10:50, 20:100].reshape(40, 40, 2, 3).mean(axis=2)
        assert np.abs(found - expected).max() <= 0.5


# --- what is refused


def refusal(path: Path, error: type[Exception]) -> str:
    with pytest.raises(error) as caught:
        open_slide(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("image", "options", "says"),
    [
        (PICTURE[..., 0], {}, "1 grey channel of 8 bits"),
        (PICTURE[..., 0].astype(np.uint16), {}, "1 grey channel of 16 bits"),
        (PICTURE.astype(np.float32), {}, "32 bits"),
        (np.dstack([PICTURE, PICTURE[..., :1]]), {"photometric": "separated"}, "SEPARATED"),
    ],
)
def test_no_colours(tmp_path, image, options, says):
    options = {"photometric": "minisblack" if image.ndim == 2 else "rgb", **options}
    assert says in refusal(write_tiff(tmp_path / "a.tif", [image], **options), InvalidInput)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["small_vectra.qptiff", "smalltif.tif"])
def test_real_fluorescence_is_refused_although_its_thumbnail_has_colours(realdata, name):
    assert "fluorescence is not read" in refusal(realdata / "wsi" / name, InvalidInput)


def test_several_images_of_a_size(tmp_path):
    path = write_tiff(tmp_path / "a.tif", [PICTURE, PICTURE[::-1]])
    assert "2 images of 300x220 pixels" in refusal(path, InvalidInput)


@pytest.mark.parametrize("options", [{"compression": "deflate"}, {}, {"tile": None, "rowsperstrip": 16}, JPEG])
def test_cut_off_anywhere(tmp_path, options):
    path = tmp_path / "a.tif"
    content = write_tiff(tmp_path / "whole.tif", LEVELS, **options).read_bytes()
    for length in np.linspace(8, len(content) - 1, 20, dtype=int):
        path.write_bytes(content[:length])
        refusal(path, CorruptFile)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["CMU-1-Small-Region.svs", "kidney-48-5.tif"])
def test_a_real_slide_that_is_cut_off(realdata, tmp_path, name):
    path = tmp_path / name
    content = (realdata / "wsi" / name).read_bytes()
    for part in (0.1, 0.5, 0.9, 0.999):
        path.write_bytes(content[: int(len(content) * part)])
        refusal(path, CorruptFile)


def test_damage_in_a_tile_names_the_place(tmp_path):
    path = write_tiff(tmp_path / "a.tif", LEVELS, compression="deflate")
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[0].dataoffsets[7]  # column 2, row 1
    content = bytearray(path.read_bytes())
    content[start : start + 30] = bytes(30)
    path.write_bytes(bytes(content))
    with open_slide(path) as slide:
        np.testing.assert_array_equal(slide.read(Box(0, 0, 64, 64), px_size=(64, 64)), PICTURE[:64, :64])
        with pytest.raises(CorruptFile, match=r"a\.tif' is damaged at x 128, y 64 of level 0"):
            slide.read(Box(100, 50, 64, 64), px_size=(64, 64))


def test_a_file_that_shrinks_while_it_is_read(tmp_path):
    path = write_tiff(tmp_path / "a.tif", LEVELS)
    with open_slide(path) as slide:
        path.write_bytes(path.read_bytes()[:20_000])
        with pytest.raises(CorruptFile, match=r"a\.tif' ends at byte 20,000"):
            slide.read(Box(0, 0, WIDTH, HEIGHT), px_size=(WIDTH, HEIGHT))


def test_a_slide_that_vanishes_is_read_to_its_end(tmp_path):
    path = write_tiff(tmp_path / "a.tif", LEVELS, compression="deflate")
    with open_slide(path) as slide:
        path.unlink()
        np.testing.assert_array_equal(whole(slide), PICTURE)
        slide.close()
    with pytest.raises(InvalidInput, match="There is no"):
        open_slide(path)


def test_one_large_compressed_piece_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    image = np.zeros((8001, 8001, 3), dtype=np.uint8)
    tifffile.imwrite(path, image, photometric="rgb", compression="deflate", rowsperstrip=8001)
    assert "in one piece of 8001x8001" in refusal(path, InvalidInput)


def test_unknown_compression(tmp_path):
    tiles = [tile.tobytes() for tile in tiles_of(PICTURE)]
    path = raw_tiff(tmp_path / "a.tif", tiles, {259: (3, (65535,)), 262: (3, (2,))})
    assert "Unsupported TIFF compression: 65535" in refusal(path, CorruptFile)  # by OpenSlide, which was asked
