"""Which images of a TIFF are the slide (the largest one and smaller versions of it), and which files are not ours."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from cancernet.errors import CorruptFile, InvalidInput

__all__ = ["NeedsOpenSlide", "is_aperio", "pyramid_of", "vendor_of"]

_RGB, _YCBCR = 2, 6  # photometric interpretations
_GREY = (0, 1)
_JPEG = (6, 7, 34892)
_OURS = (1, 5, 7, 8, 32773, 32946, 33005, 34712, 34892, 34925, 50000, 50001, 50013)
_REDUCED = 1  # the bit of NewSubfileType
_MOST_PAGES = 1000

# Formats of tiles that overlap, are missing or hide behind other rules, which OpenSlide knows.
_FOREIGN = ("is_ndpi", "is_scn", "is_bif", "is_philips")
_TRESTLE = "MedScan"
_VENDORS = {"is_ome": "OME-TIFF", "is_qpi": "PerkinElmer"}
_APERIO = "Aperio"


class NeedsOpenSlide(InvalidInput):
    """A TIFF that is not read directly; OpenSlide may be able to."""


def is_aperio(tiff: Any) -> bool:
    """Tell whether a file says that Aperio wrote it."""
    return str(tiff.pages.first.description).startswith(_APERIO)


def vendor_of(tiff: Any) -> str:
    """Return who wrote a file, in words."""
    if is_aperio(tiff):
        return _APERIO
    return next((name for flag, name in _VENDORS.items() if getattr(tiff, flag, False)), "plain TIFF")


def pyramid_of(tiff: Any, name: str) -> list[Any]:
    """Return the pages of the slide, from the base level downwards.

    Labels, overviews and thumbnails are left out: they are of another shape, or not tiled as the slide is.

    Parameters
    ----------
    tiff
        An open `tifffile.TiffFile`.
    name
        Of the file, for messages.

    Raises
    ------
    NeedsOpenSlide
        When the file is of a format, or compressed in a way, that is not read directly.
    InvalidInput
        When it holds no colours, or several images of one size.
    CorruptFile
        When it holds no image.
    """
    if any(getattr(tiff, flag) for flag in _FOREIGN) or tiff.pages.first.software.startswith(_TRESTLE):
        raise NeedsOpenSlide(f"'{name}' is of a format that only OpenSlide reads")
    pages = _pages(tiff, name)
    base = max(pages, key=lambda page: page.imagewidth * page.imagelength)  # the first of equal ones
    _refuse_colours(base, name)
    _refuse_equals(base, pages, name)
    _refuse_coding(base, aperio=is_aperio(tiff), name=name)
    own = [page.aspage() for page in base.pages] if base.subifds else []
    smaller = [page for page in own or pages if _is_level(page, base, own=bool(own))]
    return [base, *sorted(smaller, key=lambda page: -page.imagewidth)]


def _pages(tiff: Any, name: str) -> list[Any]:
    """Return the images of a file that have a size."""
    if len(tiff.pages) > _MOST_PAGES:
        raise InvalidInput(
            f"'{name}' holds {len(tiff.pages)} images", "Expected one slide", "Save it as a file of its own"
        )
    pages = [page.aspage() for page in tiff.pages]
    _refuse_missing(tiff, pages[-1], name)
    pages = [page for page in pages if page.imagewidth > 0 and page.imagelength > 0]
    if not pages:
        raise CorruptFile(f"'{name}' holds no image", "Expected a slide", "Copy it again, or take it out")
    return pages


def _refuse_missing(tiff: Any, last: Any, name: str) -> None:
    """Raise when the last image names another one behind the end of the file: levels would be missing in silence."""
    form, file = tiff.tiff, tiff.filehandle
    file.seek(last.offset)
    (tags,) = struct.unpack(form.tagnoformat, file.read(form.tagnosize))
    file.seek(last.offset + form.tagnosize + tags * form.tagsize)
    (following,) = struct.unpack(form.offsetformat, file.read(form.offsetsize).ljust(form.offsetsize, b"\xff"))
    if following >= file.size:
        raise CorruptFile(
            f"'{name}' is cut off: it has {file.size:,} bytes, and its next image begins at byte {following:,}",
            "Expected the whole file",
            "Copy it again",
        )


def _refuse_colours(page: Any, name: str) -> None:
    """Raise when an image has no red, green and blue."""
    samples, bits = page.samplesperpixel, page.bitspersample
    if page.photometric in (_RGB, _YCBCR) and samples in (3, 4) and bits in (8, 16) and page.sampleformat == 1:
        return
    kind = "grey" if page.photometric in _GREY else f"{getattr(page.photometric, 'name', page.photometric)}"
    raise InvalidInput(
        f"'{name}' is no brightfield slide: its largest image holds {samples} {kind} channel{'s'[: samples != 1]} of "
        f"{bits} bits",
        "Expected red, green and blue of 8 or 16 bits; fluorescence is not read",
        "Save it as 8-bit RGB if it was stained for light, or take it out",
    )


def _refuse_equals(base: Any, pages: Sequence[Any], name: str) -> None:
    """Raise when other images are as large as the slide."""
    size = base.imagewidth, base.imagelength
    equals = sum((page.imagewidth, page.imagelength) == size for page in pages)
    if equals > 1:
        raise InvalidInput(
            f"'{name}' holds {equals} images of {size[0]}x{size[1]} pixels",
            "Expected one, and smaller versions of it",
            "Save each as a file of its own",
        )


def _refuse_coding(base: Any, *, aperio: bool, name: str) -> None:
    """Raise when the pixels are coded in a way that OpenSlide reads better, or that only it reads."""
    converted = base.photometric == _RGB or base.compression in _JPEG
    holes = aperio and 0 in base.databytecounts  # there OpenSlide shows the level above
    if base.compression not in _OURS or not converted or holes:
        raise NeedsOpenSlide(
            f"'{name}' is compressed as {getattr(base.compression, 'name', base.compression)}, which is not read",
            "Expected JPEG, JPEG 2000, LZW, deflate or no compression",
            "Convert it to a tiled TIFF",
        )


def _is_level(page: Any, base: Any, *, own: bool) -> bool:
    """Tell whether an image is a smaller version of the base: of its shape and kind, and tiled or marked as reduced."""
    same = all(
        getattr(page, what) == getattr(base, what) for what in ("samplesperpixel", "bitspersample", "photometric")
    )
    same = same and page.compression in _OURS
    expected = page.imagewidth * base.imagelength / base.imagewidth
    shaped = abs(page.imagelength - expected) <= 1 + base.imagelength / base.imagewidth  # sizes are rounded
    marked = own or (page.is_tiled and base.is_tiled) or (not base.is_tiled and bool(page.subfiletype & _REDUCED))
    return page.imagewidth < base.imagewidth and same and shaped and marked
