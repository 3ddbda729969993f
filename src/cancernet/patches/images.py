"""Image files as 8-bit RGB, and images of one size: whatever cannot be read rightly is refused in words."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import one_of
from cancernet.errors import CancerNetError, CorruptFile, InvalidInput
from cancernet.files import storage_errors

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = ["FITS", "LARGEST_PIXELS", "SUFFIXES", "fit_image", "image_size", "read_image"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
LARGEST_PIXELS = 64_000_000  # 8,000 x 8,000, 192 MB of RGB: no patch is larger, and a slide is not read whole
FITS = ("refuse", "resize", "crop")

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_WHITE = 255
_ORIENTATION, _BITS, _COMPRESSION, _PHOTOMETRIC, _PLANES, _KIND = 274, 258, 259, 262, 284, 339  # tags of EXIF and TIFF
_WHITE_IS_ZERO, _SEPARATE, _RAW, _UNSIGNED, _UNDEFINED = 0, 2, 1, 1, 4  # values of tags
_NO_COLOURS = {"I": "numbers of 32 bits", "F": "real numbers", "LAB": "L*a*b* colours", "HSV": "HSV colours"}


class _Silence:
    """Keeps Pillow's warnings in while any thread reads, and puts the filters back when the last one is done.

    The filters belong to the whole process: were each reader to save and restore them by itself, two that overlap
    would leave them changed.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._readers = 0
        self._saved = warnings.catch_warnings()

    def __enter__(self) -> None:
        """Ignore what the modules of Pillow warn of."""
        with self._lock:
            if self._readers == 0:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\b")
            self._readers += 1

    def __exit__(self, *_: object) -> None:
        """Restore the filters after the last reader."""
        with self._lock:
            self._readers -= 1
            if self._readers == 0:
                self._saved.__exit__(None, None, None)


_SILENCE = _Silence()


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Return an image file as 8-bit RGB, the right way up.

    Grey and palette images become RGB; transparent ones are laid on white, the colour of empty glass. Of 16 bits the
    upper 8 are kept, so that the whole range 0..65535 becomes 0..255 and nothing is clipped. Colour profiles are
    ignored. The orientation of EXIF is applied.

    Parameters
    ----------
    path
        PNG, JPEG, TIFF, WebP or BMP, told by content, not by name. Of a TIFF with smaller images behind the first (a
        thumbnail, a pyramid) the first is read.

    Returns
    -------
    Shape (h, w, 3), uint8.

    Raises
    ------
    InvalidInput
        When the image has more than `LARGEST_PIXELS` pixels (told from the header, before anything is decoded), when
        the file holds several images of a size, or pixels that cannot become 8-bit RGB rightly (32 bits, real or
        signed numbers, L*a*b*).
    CorruptFile
        When the file is empty, cut off, damaged, or no image.
    StorageFailure
        When it is not there, is a folder, or may not be read.
    """
    with _opened(Path(path)) as image:
        image.load()
        _turn_upright(image)
        return _rgb(image)


def image_size(path: str | Path) -> tuple[int, int]:
    """Return width and height of an image file in pixels, from its header alone, the right way up.

    Raises
    ------
    InvalidInput, CorruptFile, StorageFailure
        As `read_image` does, as far as the header tells. The orientation of a PNG that states it behind its pixels is
        not seen.
    """
    from PIL import Image

    with _opened(Path(path)) as image:
        width, height = image.size
        if image.format == "TIFF":  # its size is the right way up already
            return width, height
        with suppress(SyntaxError, ValueError, LookupError, TypeError, OSError):
            # Not image.getexif(): of a PNG that would decode the pixels.
            if Image.Image.getexif(image).get(_ORIENTATION) in (5, 6, 7, 8):
                return height, width
        return width, height


def fit_image(image: NDArray[np.uint8], size: int, *, fit: str = "refuse") -> NDArray[np.uint8]:
    """Return an image of size x size pixels.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8.
    size
        Width and height of the model's patch, in pixels.
    fit
        "refuse": another size is an error. "resize": stretched to the size, which changes the microns per pixel, and
        the proportions of what is not square. "crop": the centre is cut out, and white is put around it where the
        image is too small; microns per pixel stay.

    Returns
    -------
    Shape (size, size, 3), uint8; `image` itself when it has the size.

    Raises
    ------
    InvalidInput
        When `fit` is unknown, the image is not (h, w, 3) uint8, or has another size and `fit` is "refuse".

    Notes
    -----
    Resizing is antialiased. By a whole factor it takes the mean of each block, as slide pyramids do; else it weighs by
    a triangle as wide as the new pixels (bilinear). Both keep each value between those around it; sharper filters
    (bicubic, Lanczos) overshoot at the rim of a dark nucleus, and make colours that are not on the slide.
    """
    one_of(fit, FITS, "fit")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise InvalidInput(
            f"An image has the shape {image.shape} and the type {image.dtype}", "Expected (h, w, 3) uint8"
        )
    if image.shape[:2] == (size, size):
        return image
    if fit == "refuse":
        raise InvalidInput(
            f"An image has {image.shape[1]}x{image.shape[0]} pixels",
            f"Expected {size}x{size}",
            'Cut all patches to one size, or say fit = "resize" or fit = "crop"',
        )
    return _resized(image, size) if fit == "resize" else _cropped(image, size)


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile]:
    """Yield an image of which only the header is read; what goes wrong while it is used is put into words."""
    from PIL import Image

    with storage_errors(path), _SILENCE, open(path, "rb") as stream, _damage_in_words(path):
        if os.fstat(stream.fileno()).st_size == 0:
            raise CorruptFile(f"'{path}' is empty", "Expected an image", "Copy it again, or take it out")
        with Image.open(stream, formats=_FORMATS) as image:
            _refuse_size(path, *image.size)
            _refuse_pages(path, image)
            _refuse_pixels(path, image.mode, getattr(image, "tag_v2", {}))
            yield image


@contextmanager
def _damage_in_words(path: Path) -> Iterator[None]:
    """Turn what Pillow raises into `CorruptFile`, or `InvalidInput` for an image that is too large.

    On a damaged file Pillow raises nearly any kind of exception, so all kinds are translated; the disk's own and
    the lack of memory are not the file's fault and pass.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except (CancerNetError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(path, str(error).partition(")")[0].partition("(")[2]) from error
    except UnidentifiedImageError as error:
        raise CorruptFile(
            f"'{path}' cannot be read as an image",
            "Expected a whole PNG, JPEG, TIFF, WebP or BMP with 8 or 16 bits in a channel",
            "Open it in a viewer and save it as PNG, or take it out",
        ) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise CorruptFile(
            f"'{path}' is damaged ({error})", "Expected a whole image", "Copy it again, or take it out"
        ) from error


def _refuse_size(path: Path, width: int, height: int) -> None:
    """Raise when an image is empty or too large; Pillow itself refuses only above 179 million pixels."""
    from PIL import ImageFile

    if width < 1 or height < 1:
        raise CorruptFile(f"'{path}' has {width}x{height} pixels", "Expected an image", "Take it out")
    if width * height > LARGEST_PIXELS:
        raise _too_large(path, f"{width}x{height} pixels")
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise InvalidInput(
            "PIL.ImageFile.LOAD_TRUNCATED_IMAGES is set in this process: what is missing of an image would be made up",
            "Expected False, its default",
            "Take out the line that sets it",
        )


def _too_large(path: Path, size: str) -> InvalidInput:
    """Return the error for an image with too many pixels."""
    return InvalidInput(
        f"'{path}' is too large for a patch: {size}",
        f"Expected at most {LARGEST_PIXELS:,} pixels; nothing of it was decoded",
        "Cut it into tiles, or take it out",
    )


def _refuse_pages(path: Path, image: ImageFile) -> None:
    """Raise when a file holds several images and the others are not smaller versions of the first."""
    pages = getattr(image, "n_frames", 1)
    if pages < 2:
        return
    width, height = image.size
    others = []
    if image.format in ("TIFF", "MPO"):  # of an animation all images have one size
        for page in range(1, pages):
            image.seek(page)
            others.append(image.size[0] * image.size[1])
        image.seek(0)
    if not others or max(others) >= width * height:
        raise InvalidInput(f"'{path}' holds {pages} images", "Expected one", "Save each image as a file of its own")


def _refuse_pixels(path: Path, mode: str, tags: Mapping[int, Any]) -> None:
    """Raise when pixels have no known range, or are of a kind that Pillow reads wrongly without a word."""
    kinds = {_UNSIGNED, _UNDEFINED}.issuperset(tags.get(_KIND, ()))
    wrong = _NO_COLOURS.get(mode) or ("" if kinds else "numbers with a sign")
    if (tags.get(_PLANES), tags.get(_COMPRESSION)) == (_SEPARATE, _RAW) and max(tags.get(_BITS, (1,))) > 8:
        wrong = "channels of 16 bits in separate planes without compression"  # as of Pillow 13.0: taken for 8 bits
    if wrong:
        raise InvalidInput(
            f"'{path}' holds {wrong}", "Expected grey, RGB or CMYK of 8 or 16 bits", "Save it as 8-bit RGB"
        )


def _turn_upright(image: Image) -> None:
    """Turn or flip an image as its EXIF says; a damaged EXIF says nothing."""
    from PIL import ImageOps

    with suppress(SyntaxError, ValueError, LookupError, TypeError, OSError):
        ImageOps.exif_transpose(image, in_place=True)


def _rgb(image: Image) -> NDArray[np.uint8]:
    """Return a decoded image as RGB, shape (h, w, 3)."""
    from PIL.Image import alpha_composite, new

    if image.mode.startswith("I;16"):
        grey = _eight_bits(image)
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if image.has_transparency_data:
        image = alpha_composite(new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.array(image.convert("RGB"))


def _eight_bits(image: Any) -> NDArray[np.uint8]:
    """Return a grey image of 16 bits (or 12, in a TIFF) in 8, shape (h, w)."""
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(_BITS, (16,))[0]
    pixels = np.asarray(image).astype(np.uint16)  # (h, w), also from big-endian
    grey = (pixels >> (bits - 8)).astype(np.uint8)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        grey = _WHITE - grey
    clear = image.info.get("transparency")
    return grey if clear is None else np.where(pixels == clear, np.uint8(_WHITE), grey)


def _resized(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return an image stretched to (size, size, 3), antialiased."""
    from PIL import Image

    height, width = image.shape[:2]
    picture = Image.fromarray(image)
    if height % size == 0 and width % size == 0:
        return np.array(picture.reduce((width // size, height // size)))
    return np.array(picture.resize((size, size), Image.Resampling.BILINEAR))


def _cropped(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return the centre of an image on white, shape (size, size, 3)."""
    canvas = np.full((size, size, 3), _WHITE, dtype=np.uint8)
    height, width = (min(length, size) for length in image.shape[:2])
    top, left = ((length - kept) // 2 for length, kept in zip(image.shape[:2], (height, width), strict=True))
    to_top, to_left = (size - height) // 2, (size - width) // 2
    canvas[to_top : to_top + height, to_left : to_left + width] = image[top : top + height, left : left + width]
    return canvas
