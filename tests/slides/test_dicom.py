"""DICOM slides beside wsidicom and OpenSlide, and files whose headers are wrong or silent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openslide
import pytest
import wsidicom
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless

from cancernet.errors import CorruptFile, InvalidInput
from cancernet.geometry import Box
from cancernet.slides import open_slide
from slides.made import (
    HEIGHT,
    TILE,
    WIDTH,
    levels,
    picture,
    tiles,
    write_dicom,
    write_dicom_jpeg,
    write_dicom_jpeg2000,
)

PICTURE = picture()
WRITERS = {"uncompressed": write_dicom, "jpeg": write_dicom_jpeg, "jpeg 2000": write_dicom_jpeg2000}
COUNT = len(tiles(PICTURE))
ACROSS, DOWN = 5, 4


def whole(path: Path) -> np.ndarray:
    with open_slide(path) as slide:
        return slide.read(Box(0, 0, *slide.l0_size), px_size=slide.l0_size)


@pytest.mark.parametrize("name", WRITERS)
def test_as_wsidicom_and_openslide_read_it(tmp_path, name):
    def change(header: Dataset) -> None:
        header.PhotometricInterpretation = "YBR_FULL_422" if name == "jpeg" else "RGB"

    path = WRITERS[name](tmp_path / "a.dcm", PICTURE, series="1.2.3", change=change)
    found = whole(path)
    with wsidicom.WsiDicom.open(path) as twin:
        np.testing.assert_array_equal(found, np.asarray(twin.read_region((0, 0), 0, (WIDTH, HEIGHT))))
    with openslide.OpenSlide(path) as twin:
        region = twin.read_region((0, 0), 0, (WIDTH, HEIGHT))
        np.testing.assert_array_equal(found, np.asarray(region.convert("RGB")))


def test_a_header_that_says_rgb_of_a_ycbcr_stream(tmp_path):
    path = write_dicom_jpeg(tmp_path / "a.dcm", PICTURE, series="1.2.3")
    assert np.abs(whole(path).astype(int) - PICTURE).mean() < 4
    with wsidicom.WsiDicom.open(path) as twin:  # it believes the header
        assert np.abs(np.asarray(twin.read_region((0, 0), 0, (WIDTH, HEIGHT))).astype(int) - PICTURE).mean() > 20


@pytest.mark.realdata
def test_the_real_slide(realdata):
    path = realdata / "wsi" / "small_dicom.dcm"
    with pytest.raises(openslide.OpenSlideError):
        openslide.OpenSlide(path)
    with open_slide(path) as slide:
        assert slide.l0_size == (3236, 2638)
        assert slide.pitch is None
        image = slide.read(Box(0, 0, 3236, 2638), px_size=(809, 659))
    background = np.median(image[400:600, 10:150], axis=(0, 1))
    assert (background > 230).all()
    assert np.ptp(background) <= 3
    red, green, blue = np.median(image[160:240, 150:250], axis=(0, 1))
    assert red > blue > green + 20  # eosin
    # Its frames lie column by column, which no header says: neighbours must fit.
    full = image.astype(int)
    for edge in range(125, 800, 125):
        seam = np.abs(full[:, edge] - full[:, edge - 1]).mean()
        inside = np.abs(full[:, edge + 10] - full[:, edge + 9]).mean()
        assert seam < 2 * inside + 1


def columns_first(rows: int = DOWN, columns: int = ACROSS) -> list[int]:
    return [row * columns + column for column in range(columns) for row in range(rows)]


@pytest.mark.parametrize("order", [None, columns_first()], ids=["rows", "columns"])
def test_an_order_that_no_header_says_is_told_from_the_seams(tmp_path, order):
    def silent(header: Dataset) -> None:
        del header.DimensionOrganizationType

    path = write_dicom(tmp_path / "a.dcm", PICTURE, series="1.2.3", order=order, change=silent)
    np.testing.assert_array_equal(whole(path), PICTURE)


def test_empty_glass_is_in_the_standard_order(tmp_path):
    def silent(header: Dataset) -> None:
        del header.DimensionOrganizationType

    blank = np.full_like(PICTURE, 240)
    np.testing.assert_array_equal(whole(write_dicom(tmp_path / "a.dcm", blank, series="1.2.3", change=silent)), blank)


def positions(order: list[int], shift: int = 0) -> list[Dataset]:
    groups = []
    for number in order:
        place, group = Dataset(), Dataset()
        place.ColumnPositionInTotalImagePixelMatrix = number % ACROSS * TILE + 1 + shift
        place.RowPositionInTotalImagePixelMatrix = number // ACROSS * TILE + 1
        group.PlanePositionSlideSequence = [place]
        groups.append(group)
    return groups


def test_sparse_frames_in_any_order(tmp_path):
    order = np.random.default_rng(3).permutation(COUNT)[: COUNT - 3].tolist()

    def change(header: Dataset) -> None:
        header.DimensionOrganizationType = "TILED_SPARSE"
        header.PerFrameFunctionalGroupsSequence = positions(order)

    path = write_dicom_jpeg2000(tmp_path / "a.dcm", PICTURE, series="1.2.3", order=order, change=change)
    found, expected = whole(path), PICTURE.copy()
    for number in set(range(COUNT)) - set(order):
        top, left = number // ACROSS * TILE, number % ACROSS * TILE
        expected[top : top + TILE, left : left + TILE] = 255
    np.testing.assert_array_equal(found, expected)


def test_frames_that_do_not_lie_side_by_side(tmp_path):
    def change(header: Dataset) -> None:
        header.PerFrameFunctionalGroupsSequence = positions(list(range(COUNT)), shift=5)

    path = write_dicom(tmp_path / "a.dcm", PICTURE, series="1.2.3", change=change)
    with pytest.raises(InvalidInput, match="has a frame at column 6, row 1"):
        open_slide(path)


def test_without_a_table_of_offsets(tmp_path):
    path = write_dicom_jpeg2000(tmp_path / "a.dcm", PICTURE, series="1.2.3")
    content = path.read_bytes()
    start = content.index(b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff") + 12
    length = int.from_bytes(content[start + 4 : start + 8], "little")
    assert length == 4 * COUNT
    path.write_bytes(content[: start + 4] + bytes(4) + content[start + 8 + length :])
    np.testing.assert_array_equal(whole(path), PICTURE)


def test_an_extended_table_of_offsets(tmp_path):
    from pydicom.encaps import encapsulate_extended

    path = tmp_path / "a.dcm"

    def change(header: Dataset) -> None:
        from pydicom.encaps import generate_frames

        frames = list(generate_frames(header.PixelData, number_of_frames=COUNT))
        header.PixelData, header.ExtendedOffsetTable, header.ExtendedOffsetTableLengths = encapsulate_extended(frames)

    write_dicom_jpeg2000(path, PICTURE, series="1.2.3", change=change)
    np.testing.assert_array_equal(whole(path), PICTURE)


def test_frames_in_several_fragments(tmp_path):
    from pydicom.encaps import encapsulate, generate_frames

    def change(header: Dataset) -> None:
        frames = list(generate_frames(header.PixelData, number_of_frames=COUNT))
        header.PixelData = encapsulate(frames, fragments_per_frame=3)

    path = write_dicom_jpeg2000(tmp_path / "a.dcm", PICTURE, series="1.2.3", change=change)
    np.testing.assert_array_equal(whole(path), PICTURE)


def test_colour_planes_and_ycbcr_without_compression(tmp_path):
    def planar(header: Dataset) -> None:
        header.PlanarConfiguration = 1

    path = write_dicom(
        tmp_path / "a.dcm",
        PICTURE,
        series="1.2.3",
        encode=lambda frame: np.ascontiguousarray(frame.transpose(2, 0, 1)).tobytes(),
        change=planar,
    )
    np.testing.assert_array_equal(whole(path), PICTURE)

    def to_ycbcr(frame: np.ndarray) -> bytes:
        from PIL import Image

        return np.asarray(Image.fromarray(frame).convert("YCbCr")).tobytes()

    def said(header: Dataset) -> None:
        header.PhotometricInterpretation = "YBR_FULL"

    path = write_dicom(tmp_path / "b.dcm", PICTURE, series="1.2.3", encode=to_ycbcr, change=said)
    assert np.abs(whole(path).astype(int) - PICTURE).max() <= 4


def test_pixels_that_are_not_square(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", PICTURE, series="1.2.3", um=(0.25, 0.5))
    with open_slide(path) as slide:
        assert (slide.pitch.um_x, slide.pitch.um_y) == pytest.approx((0.25, 0.5))


def test_label_and_other_files_of_a_folder_are_not_read(tmp_path):
    def label(header: Dataset) -> None:
        header.ImageType = ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]

    def other(header: Dataset) -> None:
        header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"

    for number, level in enumerate(levels(PICTURE)):
        write_dicom(tmp_path / f"{number}.dcm", level, series="1.2.3")
    write_dicom(tmp_path / "label.dcm", PICTURE[:100, :100], series="1.2.3", change=label)
    write_dicom(tmp_path / "other.dcm", PICTURE[:100, :90], series="1.2.3", change=other)
    with open_slide(tmp_path) as slide:
        assert slide.downsamples == (1.0, 2.0, 4.0)
    with pytest.raises(InvalidInput, match="holds no whole slide image"):
        open_slide(tmp_path / "label.dcm")


@pytest.mark.parametrize("second", [("1.2.4", 2), ("1.2.3", 1)], ids=["series", "size"])
def test_several_slides_in_a_folder(tmp_path, second):
    series, factor = second
    write_dicom(tmp_path / "a.dcm", PICTURE, series="1.2.3")
    write_dicom(tmp_path / "b.dcm", levels(PICTURE, (factor,))[0], series=series)
    with pytest.raises(InvalidInput, match="holds several slides"):
        open_slide(tmp_path)


def set_to(**values: object):
    def change(header: Dataset) -> None:
        for name, value in values.items():
            setattr(header, name, value)

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (set_to(SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2"), "1 channel of 8 bits"),
        (set_to(BitsAllocated=16), "3 channels of 16 bits"),
        (set_to(TotalPixelMatrixFocalPlanes=3), "3 focal planes"),
        (set_to(ConcatenationUID="1.2.3"), "spread over several files"),
    ],
)
def test_what_is_refused(tmp_path, change, says):
    path = write_dicom(tmp_path / "a.dcm", PICTURE, series="1.2.3", change=change)
    with pytest.raises(InvalidInput, match=says):
        open_slide(path)


def test_unknown_compression(tmp_path):
    path = write_dicom(
        tmp_path / "a.dcm", PICTURE, series="1.2.3", syntax="1.2.840.10008.1.2.5", encode=np.ndarray.tobytes
    )
    with pytest.raises(InvalidInput, match=r"transfer syntax 1\.2\.840\.10008\.1\.2\.5"):
        open_slide(path)


@pytest.mark.parametrize("name", WRITERS)
def test_cut_off_anywhere(tmp_path, name):
    path = tmp_path / "a.dcm"
    content = WRITERS[name](path, PICTURE, series="1.2.3").read_bytes()
    for length in np.linspace(140, len(content) - 20, 25, dtype=int):
        path.write_bytes(content[:length])
        with pytest.raises((CorruptFile, InvalidInput), match=r"a\.dcm"):
            open_slide(path)


def test_damage_in_a_frame_names_the_place(tmp_path):
    path = write_dicom(
        tmp_path / "a.dcm", PICTURE, series="1.2.3", syntax=JPEG2000Lossless, encode=lambda _: b"no such thing!"
    )
    with open_slide(path) as slide, pytest.raises(CorruptFile, match=r"a\.dcm' is damaged at x 64, y 0 of level 0"):
        slide.read(Box(70, 3, 10, 10), px_size=(10, 10))
