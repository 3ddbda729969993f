import io
import struct
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageFile

from cancernet.errors import CancerNetError, CorruptFile, InvalidInput, StorageFailure
from cancernet.patches import images
from cancernet.patches.images import LARGEST_PIXELS, fit_image, image_size, read_image
from patches.made import COLOURS, write_files, write_image, write_png, write_tiff

GREY16 = np.array([[0, 255, 256, 4095], [32767, 32768, 65280, 65535]], dtype=np.uint16)
RGB16 = np.stack([GREY16, GREY16[::-1], GREY16[:, ::-1]], axis=2)
LOSSLESS = {"png": {}, "tif": {}, "webp": {"lossless": True}, "bmp": {}}
# Where each pixel comes from in an image of this orientation (EXIF 2.3, 4.6.4 A).
TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}
MODES = ("RGB", "L", "P", "RGBA", "1")
WRITTEN = {
    "PNG": {},
    "JPEG": {"quality": 90},
    "progressive JPEG": {"progressive": True},
    "TIFF": {},
    "LZW TIFF": {"compression": "tiff_lzw"},
    "deflate TIFF": {"compression": "tiff_adobe_deflate"},
    "WEBP": {"lossless": True},
    "lossy WEBP": {},
    "BMP": {},
}


def grey(values):
    """Return grey values as RGB."""
    return np.repeat(np.asarray(values, dtype=np.uint8)[..., np.newaxis], 3, axis=-1)


def refusal(path, error=CorruptFile):
    with pytest.raises(error) as caught:
        read_image(path)
    assert type(caught.value) is error
    assert str(path) in caught.value.wrong
    assert "\n" not in str(caught.value)
    with pytest.raises(CancerNetError):
        read_image(str(path))
    return str(caught.value)


def assert_read(path, expected):
    found = read_image(path)
    assert (found.dtype, found.flags.writeable, found.flags.c_contiguous) == (np.uint8, True, True)
    np.testing.assert_array_equal(found, expected)
    assert image_size(path) == (found.shape[1], found.shape[0])


# --- what becomes of each kind of pixel


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_rgb_comes_back_as_it_was(tmp_path, suffix):
    assert_read(write_image(tmp_path / f"a.{suffix}", **LOSSLESS[suffix]), COLOURS)


def test_the_content_tells_the_format_and_not_the_name(tmp_path):
    path = write_image(tmp_path / "a.png")
    assert_read(path.rename(tmp_path / "a.jpeg"), COLOURS)


def test_jpeg_is_decoded_as_pillow_does(tmp_path):
    path = write_image(tmp_path / "a.jpg", quality=80)
    assert_read(path, np.asarray(Image.open(path).convert("RGB")))


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_grey_has_three_equal_channels(tmp_path, suffix):
    assert_read(write_image(tmp_path / f"a.{suffix}", COLOURS[..., 0], **LOSSLESS[suffix]), grey(COLOURS[..., 0]))


def test_black_and_white(tmp_path):
    mask = COLOURS[..., 0] > 127
    assert_read(write_image(tmp_path / "a.png", mask), grey(255 * mask))


def test_palette(tmp_path):
    image = Image.fromarray(COLOURS[..., 0] % 3).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.save(tmp_path / "a.png")
    palette = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90]])
    assert_read(tmp_path / "a.png", palette[COLOURS[..., 0] % 3])


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_transparency_is_laid_on_white(tmp_path, suffix):
    pixels = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 200, 51]]], dtype=np.uint8)
    options = {"exact": True} if suffix == "webp" else {}
    path = write_image(tmp_path / f"a.{suffix}", pixels, **LOSSLESS[suffix], **options)
    # 51 is a fifth of 255: a fifth of the colour, four fifths of white.
    assert_read(path, [[[10, 20, 30], [255, 255, 255], [204, 224, 244]]])


def test_transparent_grey_is_laid_on_white(tmp_path):
    pixels = np.array([[[10, 255], [10, 0], [100, 51]]], dtype=np.uint8)
    assert_read(write_image(tmp_path / "a.png", pixels), grey([[10, 255, 224]]))


@pytest.mark.parametrize(
    ("mode", "clear", "values", "expected"),
    [
        ("L", 7, [[7, 8]], [[[255] * 3, [8] * 3]]),
        ("1", 0, [[0, 255]], [[[255] * 3, [255] * 3]]),
        ("P", 1, [[0, 1]], [[[1, 2, 3], [255] * 3]]),
        ("P", b"\xff\x33", [[0, 1]], [[[1, 2, 3], [204, 224, 244]]]),
        ("RGB", (1, 2, 3), [[[1, 2, 3], [1, 2, 4]]], [[[255] * 3, [1, 2, 4]]]),
    ],
)
def test_a_colour_that_stands_for_transparent_is_white(tmp_path, mode, clear, values, expected):
    image = Image.fromarray(np.array(values, dtype=np.uint8)).convert(mode)
    if mode == "P":
        image.putpalette([1, 2, 3, 0, 100, 200])
    image.save(tmp_path / "a.png", transparency=clear)
    assert_read(tmp_path / "a.png", expected)


@pytest.mark.parametrize("suffix", ["tif", "jpg"])
def test_cmyk(tmp_path, suffix):
    inks = np.zeros((8, 8, 4), dtype=np.uint8)
    inks[:, 4:] = [0, 255, 255, 0]  # magenta and yellow make red
    Image.fromarray(inks, mode="CMYK").save(tmp_path / f"a.{suffix}")
    found = read_image(tmp_path / f"a.{suffix}")
    np.testing.assert_allclose(found[:, :4], 255, atol=2)
    np.testing.assert_allclose(found[:, 4:], np.broadcast_to([255, 0, 0], (8, 4, 3)), atol=2)


# --- 16 bits


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_of_16_bits_keeps_its_range(tmp_path, suffix, options):
    path = write_image(tmp_path / f"a.{suffix}", GREY16, **(options if suffix == "tif" else {}))
    assert_read(path, grey([[0, 0, 1, 15], [127, 128, 255, 255]]))


def test_big_endian_grey_of_16_bits(tmp_path):
    Image.frombytes("I;16B", (4, 2), GREY16.astype(">u2").tobytes()).save(tmp_path / "a.tif")
    assert_read(tmp_path / "a.tif", grey(GREY16 >> 8))


def test_white_may_be_zero_in_16_bits(tmp_path):
    path = write_tiff(tmp_path / "a.tif", [GREY16.tobytes()], (4, 2), bits=[16], photometric=0)
    assert_read(path, grey(255 - (GREY16 >> 8)))


def test_grey_of_12_bits_keeps_its_range(tmp_path):
    first, second = 0xFFF, 0x80A
    packed = bytes([first >> 4, (first & 15) << 4 | second >> 8, second & 255])
    path = write_tiff(tmp_path / "a.tif", [packed], (2, 1), bits=[12])
    assert_read(path, grey([[255, 0x80]]))


def test_grey_of_16_bits_with_a_transparent_value(tmp_path):
    path = write_image(tmp_path / "a.png", GREY16, transparency=256)
    assert_read(path, grey([[0, 0, 255, 15], [127, 128, 255, 255]]))


def test_rgb_of_16_bits_in_png(tmp_path):
    path = write_png(tmp_path / "a.png", [row.astype(">u2").tobytes() for row in RGB16], (4, 2), bits=16)
    assert_read(path, RGB16 >> 8)


def test_transparent_grey_of_16_bits_in_png(tmp_path):
    pixels = np.array([[[256, 65535], [256, 0], [25700, 13107]]], dtype=">u2")
    path = write_png(tmp_path / "a.png", [pixels.tobytes()], (3, 1), bits=16, colour=4)
    assert_read(path, grey([[1, 255, 224]]))


def test_rgb_of_16_bits_in_tiff(tmp_path):
    assert_read(write_tiff(tmp_path / "a.tif", [RGB16.tobytes()], (4, 2), bits=[16] * 3, photometric=2), RGB16 >> 8)


def test_planes_of_8_bits_in_tiff(tmp_path):
    planes = [np.ascontiguousarray(COLOURS[..., channel]).tobytes() for channel in range(3)]
    assert_read(write_tiff(tmp_path / "a.tif", planes, (7, 11), bits=[8] * 3, photometric=2), COLOURS)


def test_planes_of_16_bits_which_pillow_misreads_are_refused(tmp_path):
    planes = [np.ascontiguousarray(RGB16[..., channel]).tobytes() for channel in range(3)]
    path = write_tiff(tmp_path / "a.tif", planes, (4, 2), bits=[16] * 3, photometric=2)
    assert "separate planes" in refusal(path, InvalidInput)
    misread = not np.array_equal(np.asarray(Image.open(path)), RGB16 >> 8)
    assert misread, "Pillow reads them rightly now: take out the refusal"


@pytest.mark.parametrize(
    ("dtype", "kind", "what"),
    [("<u4", 1, "32 bits"), ("<i4", 2, "32 bits"), ("<i2", 2, "32 bits"), ("<f4", 3, "real"), ("i1", 2, "a sign")],
)
def test_pixels_without_a_known_range_are_refused(tmp_path, dtype, kind, what):
    data = np.array([[1, 2]], dtype=dtype)
    path = write_tiff(tmp_path / "a.tif", [data.tobytes()], (2, 1), bits=[8 * data.itemsize], kind=kind)
    assert what in refusal(path, InvalidInput)


def test_lab_is_refused(tmp_path):
    Image.new("LAB", (2, 2)).save(tmp_path / "a.tif")
    assert "L*a*b*" in refusal(tmp_path / "a.tif", InvalidInput)


# --- the right way up


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_the_orientation_of_exif_is_applied(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = LOSSLESS.get(suffix, {})
    plain = read_image(write_image(tmp_path / f"plain.{suffix}", **options))
    assert_read(write_image(tmp_path / f"turned.{suffix}", exif=exif, **options), TURNED[orientation](plain))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_of_16_bits_is_turned_as_well(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6
    assert_read(write_image(tmp_path / f"a.{suffix}", GREY16, exif=exif), grey(np.rot90(GREY16 >> 8, -1)))


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0MM\0*"])
def test_a_damaged_exif_says_nothing(tmp_path, exif):
    path = write_image(tmp_path / "a.jpg", exif=exif)
    assert_read(path, read_image(write_image(tmp_path / "plain.jpg")))


# --- too large, too many


@pytest.mark.parametrize("size", [(60_000, 60_000), (10_000, 10_000), (LARGEST_PIXELS + 1, 1)])
def test_a_bomb_is_refused_by_its_header(tmp_path, size):
    # Were a pixel decoded, the file would be found cut off.
    path = write_png(tmp_path / "a.png", [bytes(10)], size)
    message = refusal(path, InvalidInput)
    assert "too large" in message
    assert (f"{size[0]}x{size[1]}" in message) or (str(size[0] * size[1]) in message)
    with pytest.raises(InvalidInput, match="too large"):
        image_size(path)


def test_the_largest_image_passes_the_header(tmp_path):
    path = write_png(tmp_path / "a.png", [bytes(10)], (8_000, 8_000))
    assert image_size(path) == (8_000, 8_000)


def test_a_bomb_of_each_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "LARGEST_PIXELS", 76)
    for suffix in ("png", "jpg", "tif", "webp", "bmp"):
        assert "7x11" in refusal(write_image(tmp_path / f"a.{suffix}"), InvalidInput)


@pytest.mark.parametrize(("suffix", "options"), [("tif", {}), ("png", {}), ("webp", {"lossless": True})])
def test_several_images_of_a_size_are_refused(tmp_path, suffix, options):
    others = [Image.fromarray(COLOURS[::-1]), Image.fromarray(255 - COLOURS)]
    write_image(tmp_path / f"a.{suffix}", save_all=True, append_images=others, **options)
    assert "holds 3 images" in refusal(tmp_path / f"a.{suffix}", InvalidInput)


def test_smaller_images_behind_the_first_are_left_alone(tmp_path):
    levels = [Image.fromarray(COLOURS[::step, ::step]) for step in (2, 4)]
    assert_read(write_image(tmp_path / "a.tif", save_all=True, append_images=levels), COLOURS)


def test_a_preview_inside_a_photograph_is_left_alone(tmp_path):
    small = Image.fromarray(COLOURS[::2, ::2])
    Image.fromarray(COLOURS).save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[small])
    assert_read(tmp_path / "a.jpg", read_image(write_image(tmp_path / "b.jpg")))


# --- files that are no image


def test_files_that_are_no_image(tmp_path):
    for content in (b"nothing like an image", b"GIF89a" + bytes(20), b"\x89PNG\r\n\x1a\n", b"II*\0", b"\xff\xd8\xff"):
        refusal(write_files(tmp_path, ["a.png"], content) / "a.png")


def test_an_empty_file(tmp_path):
    assert "is empty" in refusal(write_files(tmp_path, ["a.png"], b"") / "a.png")


def test_a_folder_and_nothing(tmp_path):
    (tmp_path / "folder.png").mkdir()
    refusal(tmp_path / "folder.png", StorageFailure)
    assert "no such file" in refusal(tmp_path / "nothing.png", StorageFailure)


def encoded(name, mode):
    """Return an image as bytes, or None where the format has not the mode."""
    stream = io.BytesIO()
    try:
        Image.fromarray(COLOURS).convert(mode).save(stream, name.rpartition(" ")[2], **WRITTEN[name])
    except OSError:
        return None
    return stream.getvalue()


def read_or_refuse(path):
    """Return the image, or None when it is refused with the name of the file."""
    try:
        return read_image(path)
    except (CorruptFile, InvalidInput) as error:
        return None if str(path) in error.wrong else pytest.fail(str(error))


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_that_is_cut_off_anywhere_gives_no_wrong_pixel(tmp_path, name):
    path = tmp_path / "a"
    for mode in MODES:
        whole = encoded(name, mode)
        if whole is None:
            continue
        path.write_bytes(whole)
        expected = read_image(path)
        for length in np.linspace(1, len(whole) - 1, 25, dtype=int):
            path.write_bytes(whole[:length])
            found = read_or_refuse(path)  # it is read where only what follows the pixels is lacking
            assert found is None or np.array_equal(found, expected)


@pytest.mark.parametrize("name", WRITTEN)
@settings(max_examples=40)
@given(data=st.data())
def test_damage_is_always_said_in_our_words(tmp_path_factory, name, data):
    whole = bytearray(encoded(name, "RGB"))
    for _ in range(3):
        whole[data.draw(st.integers(0, min(300, len(whole) - 1)))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(bytes(whole))
    found = read_or_refuse(path)
    assert found is None or (found.shape[2] == 3 and found.dtype == np.uint8)


# --- what belongs to the whole process


def test_what_pillow_warns_of_stays_inside(tmp_path):
    # An EXIF whose entry points behind the file: Pillow warns, and warnings are errors here.
    entry = struct.pack("<HHII", 0x010F, 2, 5000, 9000)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4)
    path = write_image(tmp_path / "a.jpg", exif=exif)
    with pytest.raises(UserWarning, match=r"EXIF|Tag"):
        Image.open(path).getexif()
    assert read_image(path).shape == COLOURS.shape


def test_many_readers_leave_the_filters_as_they_were(tmp_path):
    path = write_image(tmp_path / "a.png")
    before = list(warnings.filters)
    shown = warnings.showwarning
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(read_image, [path] * 400):
            np.testing.assert_array_equal(found, COLOURS)
    assert warnings.filters == before
    assert warnings.showwarning is shown


def test_the_settings_of_pillow_are_not_touched(tmp_path):
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    read_image(write_image(tmp_path / "a.png"))
    with pytest.raises(InvalidInput):
        read_image(write_png(tmp_path / "b.png", [b""], (60_000, 60_000)))
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


def test_a_process_that_makes_up_missing_pixels_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(InvalidInput, match="LOAD_TRUNCATED_IMAGES"):
        read_image(write_image(tmp_path / "a.png"))


# --- images of one size

PATCHES = arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)))


def test_an_image_of_the_size_is_itself():
    square = COLOURS[:7]
    for fit in ("refuse", "resize", "crop"):
        assert fit_image(square, 7, fit=fit) is square


def test_another_size_is_refused_unless_said_otherwise():
    with pytest.raises(InvalidInput, match=r"7x11 pixels\. Expected 8x8\. .*resize.*crop"):
        fit_image(COLOURS, 8)


def test_unknown_fits_and_shapes():
    with pytest.raises(InvalidInput, match="Did you mean 'resize'"):
        fit_image(COLOURS, 8, fit="rezise")
    for wrong in (COLOURS[..., 0], COLOURS.astype(np.float32), COLOURS[..., :2], COLOURS[:0]):
        with pytest.raises(InvalidInput, match=r"Expected \(h, w, 3\) uint8"):
            fit_image(wrong, 8, fit="crop")


@given(small=PATCHES, rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_shrinking_by_a_whole_factor_takes_the_mean_of_each_block(small, rows, columns):
    size = min(small.shape[:2])
    square = small[:size, :size]
    large = square.repeat(rows, axis=0).repeat(columns, axis=1)
    np.testing.assert_array_equal(fit_image(large, size, fit="resize"), square)


def test_the_mean_of_each_block_is_rounded_to_the_nearest():
    image = np.random.default_rng(1).integers(0, 256, (120, 240, 3), dtype=np.uint8)
    image[:3, :6] = 0
    image[0, 0] = 57
    blocks = image.reshape(40, 3, 40, 6, 3).mean(axis=(1, 3))
    assert np.abs(fit_image(image, 40, fit="resize") - blocks).max() <= 0.5


@given(image=PATCHES, size=st.integers(1, 50))
@example(image=np.zeros((1, 40, 3), dtype=np.uint8), size=50)
def test_resizing_makes_no_new_extremes(image, size):
    found = fit_image(image, size, fit="resize")
    assert (found.shape, found.dtype) == ((size, size, 3), np.uint8)
    assert (found.min(axis=(0, 1)) >= image.min(axis=(0, 1))).all()
    assert (found.max(axis=(0, 1)) <= image.max(axis=(0, 1))).all()


def test_resizing_does_not_alias():
    stripes = np.zeros((90, 90, 3), dtype=np.uint8)
    stripes[:, ::2] = 200
    assert np.abs(fit_image(stripes, 40, fit="resize").astype(int) - 100).max() <= 40  # nearest gives 0 and 200


@given(image=PATCHES, size=st.integers(1, 50))
def test_a_crop_is_the_centre_on_white(image, size):
    height, width = image.shape[:2]
    ground = np.full((height + 2 * size, width + 2 * size, 3), 255, dtype=np.uint8)
    ground[size : size + height, size : size + width] = image
    top = size + (height - size) // 2 if height > size else size - (size - height) // 2
    left = size + (width - size) // 2 if width > size else size - (size - width) // 2
    expected = ground[top : top + size, left : left + size]
    np.testing.assert_array_equal(fit_image(image, size, fit="crop"), expected)


# --- real files


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("breakhis/SOB_B_A-14-22549AB-400-007.png", (460, 700, 3)),
        ("crchisto/patches/1.png", (27, 27, 3)),
        ("wsi/kidney-48-5.tif", (901, 1493, 3)),
        ("wsi/CMU-1-Small-Region.svs", (2967, 2220, 3)),  # a thumbnail and a label behind the image
        ("wsi/smalltif.tif", (480, 640, 3)),  # LZW; 16 bits
    ],
)
def test_real_images(realdata, name, shape):
    found = read_image(realdata / name)
    assert found.shape == shape
    assert image_size(realdata / name) == (shape[1], shape[0])
    assert found.std() > 1


@pytest.mark.realdata
def test_a_multichannel_slide_is_refused(realdata):
    assert "holds 6 images" in refusal(realdata / "wsi" / "small_vectra.qptiff", InvalidInput)
