"""Opening a slide: which reader fits is told by the content of the file, not by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cancernet.errors import CorruptFile, InvalidInput
from cancernet.files import storage_errors
from cancernet.slides.reading.dicom import DicomSlide
from cancernet.slides.reading.dicom_file import is_dicom
from cancernet.slides.reading.image import ImageSlide
from cancernet.slides.reading.levelled import LevelledSlide
from cancernet.slides.reading.openslide_file import OpenSlideSlide
from cancernet.slides.reading.tiff import TiffSlide
from cancernet.slides.reading.tiffpages import NeedsOpenSlide

__all__ = ["open_slide"]

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF
_JPEG = b"\xff\xd8\xff"
_IMAGES = (b"\x89PNG\r\n\x1a\n", _JPEG, b"BM")
_LONGEST_MAGIC = 132


def open_slide(path: str | Path) -> LevelledSlide:
    """Return an open slide.

    TIFF files that can be are read directly: it is seven times as fast as OpenSlide, which reads all others. Images
    that a file holds beside the slide (label, overview, thumbnail) are never read: a label may show a patient's name.

    Parameters
    ----------
    path
        A file, or the folder of a DICOM slide: SVS, NDPI, MRXS, SCN, BIF, CZI, TIFF and OME-TIFF, DICOM, PNG, JPEG,
        WebP, BMP.

    Raises
    ------
    InvalidInput
        When nothing is there, a folder holds no DICOM slide, or the file is no brightfield slide (grey, fluorescence).
    CorruptFile
        When the file is empty, cut off, damaged, or no slide whatever its name says.
    StorageFailure
        When it may not be read.

    Examples
    --------
    >>> import numpy as np
    >>> from PIL import Image
    >>> from tempfile import TemporaryDirectory
    >>> from cancernet.geometry import Box
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "field.png")
    ...     Image.fromarray(np.full((200, 300, 3), 220, dtype=np.uint8)).save(path)
    ...     with open_slide(path) as slide:
    ...         pixels = slide.read(Box(250, 150, 100, 100), px_size=(50, 50))
    >>> slide.l0_size, pixels.shape, pixels[0, 0].tolist(), pixels[-1, -1].tolist()
    ((300, 200), (50, 50, 3), [220, 220, 220], [255, 255, 255])
    """
    path = Path(path)
    if not path.exists():
        raise InvalidInput(f"There is no '{path}'", "Expected a slide", "Check the path")
    if path.is_dir():
        return _open_folder(path)
    with storage_errors(path), path.open("rb") as stream:
        start = stream.read(_LONGEST_MAGIC)
    if not start:
        raise CorruptFile(f"'{path}' is empty", "Expected a slide", "Copy it again, or take it out")
    return _reader(path, start)


def _open_folder(path: Path) -> LevelledSlide:
    """Return the slide that a folder holds."""
    with storage_errors(path):
        holds = any(file.is_file() and is_dicom(file) for file in path.iterdir())
    if not holds:
        raise InvalidInput(f"The folder '{path}' holds no DICOM file", "Expected those of a slide", "Name a file")
    return DicomSlide(path)


def _reader(path: Path, start: bytes) -> LevelledSlide:
    """Return the slide opened by the reader that its first bytes call for."""
    if start[:4] in _TIFF:
        return _open_tiff(path)
    if start[128:] == b"DICM":
        return DicomSlide(path)
    if _is_known_to_openslide(path):  # before images: the main file of MIRAX is a JPEG
        return OpenSlideSlide(path)
    if start.startswith(_IMAGES) or (start[:4], start[8:12]) == (b"RIFF", b"WEBP"):
        return ImageSlide(path)
    raise CorruptFile(
        f"'{path}' is no slide: it begins with {start[:12]!r}",
        "Expected SVS, NDPI, MRXS, SCN, BIF, TIFF, DICOM, PNG, JPEG, WebP or BMP",
        "Name another file, or take it out",
    )


def _open_tiff(path: Path) -> LevelledSlide:
    """Return a TIFF read directly where that is possible, else by OpenSlide."""
    try:
        return TiffSlide(path)
    except NeedsOpenSlide:
        if not _is_known_to_openslide(path):
            raise
    return OpenSlideSlide(path)


def _is_known_to_openslide(path: Path) -> bool:
    """Tell whether OpenSlide says that it knows the format."""
    from openslide import OpenSlide

    known: Any = OpenSlide.detect_format(path)
    return known is not None
