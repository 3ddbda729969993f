"""The door: which reader opens what, and one clear sentence for whatever is no slide."""

import logging
import os
import shutil
import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cancernet.errors import CancerNetError, CorruptFile, InvalidInput, StorageFailure
from cancernet.geometry import Box
from cancernet.slides import Slide, open_slide
from cancernet.slides.reading.dicom import DicomSlide
from cancernet.slides.reading.image import ImageSlide
from cancernet.slides.reading.tiff import TiffSlide
from slides.made import levels, picture, write_dicom, write_tiff

PICTURE = picture()
JPEG = {"compression": "jpeg", "compressionargs": {"level": 90}}


def refusal(path: Path, error: type[CancerNetError]) -> str:
    with pytest.raises(error) as caught:
        open_slide(path)
    assert str(path) in caught.value.wrong
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "reader", "size", "mpp", "vendor", "colour"),
    [
        ("CMU-1-Small-Region.svs", TiffSlide, (2220, 2967), 0.499, "Aperio", (243, 243, 243)),
        ("TCGA-CR-7395-01A-01-TS1.svs", TiffSlide, (4443, 3567), None, "Aperio", (255, 255, 255)),
        ("small_dicom.dcm", DicomSlide, (3236, 2638), None, "DICOM", None),
        ("kidney-48-5.tif", TiffSlide, (1493, 901), None, "plain TIFF", (252, 252, 252)),
    ],
)
def test_real_slides(realdata, name, reader, size, mpp, vendor, colour):
    with open_slide(str(realdata / "wsi" / name)) as slide:
        assert isinstance(slide, reader)
        assert isinstance(slide, Slide)
        assert (slide.l0_size, slide.vendor) == (size, vendor)
        assert (slide.pitch and slide.pitch.mpp) == (mpp and pytest.approx(mpp))
        if colour is not None:
            found = slide.read(Box(5, 5, 20, 20), px_size=(20, 20))
            np.testing.assert_allclose(np.median(found, axis=(0, 1)), colour, atol=3)
        assert name in repr(slide)


@pytest.mark.parametrize("name", ["a.svs", "a.png", "a", "a.dcm", "a.weird"])
def test_the_content_decides_and_not_the_name(tmp_path, name):
    path = tmp_path / name
    write_tiff(tmp_path / "t.tif", [PICTURE])
    Image.fromarray(PICTURE).save(tmp_path / "i.png")
    write_dicom(tmp_path / "d.dcm", PICTURE, series="1.2")
    for made, reader in (("t.tif", TiffSlide), ("i.png", ImageSlide), ("d.dcm", DicomSlide)):
        shutil.copy(tmp_path / made, path)
        with open_slide(path) as slide:
            assert isinstance(slide, reader)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp"])
def test_plain_images(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {"quality": 95} if suffix == "jpg" else {}
    Image.fromarray(PICTURE).save(tmp_path / f"a.{suffix}", **options)
    with open_slide(tmp_path / f"a.{suffix}") as slide:
        assert isinstance(slide, ImageSlide)
        assert slide.pitch is None
        found = slide.read(Box(0, 0, 300, 220), px_size=(300, 220))
        assert np.abs(found.astype(int) - PICTURE).mean() < (10 if suffix == "jpg" else 1e-9)


def test_the_resolution_of_an_image_must_be_one_of_a_microscope(tmp_path):
    for dpi, mpp in ((72, None), (96, None), (300, None), (1200, None), (101_600, 0.25)):
        Image.fromarray(PICTURE).save(tmp_path / "a.png", dpi=(dpi, dpi))
        with open_slide(tmp_path / "a.png") as slide:
            assert (slide.pitch and slide.pitch.mpp) == (mpp and pytest.approx(mpp, rel=1e-3))


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16"])
def test_grey_images(tmp_path, mode):
    image = Image.fromarray(PICTURE[..., 0].astype(np.uint16) if mode == "I;16" else PICTURE[..., 0])
    (image if mode == "I;16" else image.convert(mode)).save(tmp_path / "a.png")
    assert "no brightfield slide: it is grey" in refusal(tmp_path / "a.png", InvalidInput)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    checked = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + checked + struct.pack(">I", 100) + b"IDAT" + bytes(50))
    assert "too large" in refusal(tmp_path / "a.png", InvalidInput)


def test_a_cut_off_image(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(PICTURE).save(path)
    path.write_bytes(path.read_bytes()[:5000])
    refusal(path, CorruptFile)


def test_what_is_no_slide(tmp_path):
    assert "There is no" in refusal(tmp_path / "nothing.svs", InvalidInput)
    assert "holds no DICOM file" in refusal(tmp_path, InvalidInput)
    contents = {
        "is empty": b"",
        "is no slide": b"slide,mpp\na.svs,0.25\n",
        "cannot be read": b"II*\0",
        "begins with": bytes(range(200)),
    }
    for says, content in contents.items():
        path = tmp_path / "a.svs"
        path.write_bytes(content)
        assert says in refusal(path, CorruptFile)


def test_a_folder_of_other_files(tmp_path):
    (tmp_path / "a.txt").write_text("DICM " * 100)
    (tmp_path / "b").mkdir()
    assert "holds no DICOM file" in refusal(tmp_path, InvalidInput)


@pytest.mark.parametrize("name", ["deflate", "strips", "jpeg", "dicom"])
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_damage_in_a_header_is_always_said_in_our_words(tmp_path, name):
    path = tmp_path / "a.slide"
    options = {"deflate": {"compression": "deflate"}, "strips": {"tile": None, "rowsperstrip": 16}, "jpeg": JPEG}
    if name == "dicom":
        whole = write_dicom(path, PICTURE, series="1.2").read_bytes()
        places = np.arange(128, 1400)
    else:
        whole = write_tiff(path, levels(PICTURE), **options[name]).read_bytes()
        with tifffile.TiffFile(path) as tiff:
            places = np.concatenate([np.arange(page.offset, page.offset + 200) for page in tiff.pages])
    rng = np.random.default_rng(5)
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.choice(places[places < len(whole)], 2):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(bytes(damaged))
        with suppress(CorruptFile, InvalidInput), open_slide(path) as slide:
            assert slide.read(Box(0, 0, 300, 220), px_size=(75, 55)).shape == (55, 75, 3)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = write_tiff(tmp_path / "a.tif", [PICTURE])
    path.chmod(0)
    assert "the rights are missing" in refusal(path, StorageFailure)


def test_refusals_leave_no_file_open(tmp_path):
    opened = Path("/proc/self/fd")
    if not opened.is_dir():
        pytest.skip("this system does not list open files")
    path = write_tiff(tmp_path / "a.tif", [PICTURE], compression="deflate")
    grey = write_tiff(tmp_path / "grey.tif", [PICTURE[..., 0]], photometric="minisblack")
    dicom = write_dicom(tmp_path / "d.dcm", PICTURE, series="1.2")
    for cut in (path, dicom):
        cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    before = len(list(opened.iterdir()))
    for wrong in (path, grey, dicom, tmp_path / "nothing", tmp_path):
        for _ in range(5):
            with pytest.raises(CancerNetError):
                open_slide(wrong)
    assert len(list(opened.iterdir())) == before


def test_a_damaged_file_writes_nothing_on_the_terminal(tmp_path):
    path = write_tiff(tmp_path / "a.tif", [PICTURE, PICTURE[::2, ::2]], compression="deflate")
    path.write_bytes(path.read_bytes()[:-3000])
    code = (
        "import sys\nfrom cancernet.slides import open_slide\nfrom cancernet.errors import CorruptFile\n"
        "try: open_slide(sys.argv[1])\nexcept CorruptFile: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("refused\n", "")
    assert logging.getLogger("tifffile").level == logging.NOTSET
