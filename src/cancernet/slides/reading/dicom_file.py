"""One DICOM file of a slide: what its header says, and where the frames lie. Patient data are not looked at."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import CorruptFile, InvalidInput
from cancernet.slides.reading.blocks import Grid, OpenFile

__all__ = ["Instance", "is_dicom", "read_instance"]

_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")  # uncompressed, little-endian
_PIXEL_DATA, _ITEM, _ANY_LENGTH = b"\xe0\x7f\x10\x00", b"\xfe\xff\x00\xe0", 0xFFFFFFFF
_SLIDE_IMAGE = "VOLUME"  # THUMBNAIL, LABEL and OVERVIEW are other images of the same glass
_MOST_BLOCKS = 2**26  # 2 million by 2 million pixels in frames of 256
_WANTED = [
    "BitsAllocated",
    "Columns",
    "ConcatenationUID",
    "DimensionOrganizationType",
    "ExtendedOffsetTable",
    "ImageType",
    "Manufacturer",
    "NumberOfFrames",
    "PerFrameFunctionalGroupsSequence",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "Rows",
    "SamplesPerPixel",
    "SeriesInstanceUID",
    "SharedFunctionalGroupsSequence",
    "TotalPixelMatrixColumns",
    "TotalPixelMatrixFocalPlanes",
    "TotalPixelMatrixRows",
]


@dataclass(frozen=True)
class Instance:
    """One level of a slide.

    Parameters
    ----------
    file
        The open file.
    grid
        How the frames lie in the level.
    syntax
        Transfer syntax: how frames are compressed.
    colours
        Photometric interpretation: what the header says that the samples are.
    planar
        Uncompressed frames hold all red samples first.
    frames
        Number of the frame of each block, -1 for none.
    ordered
        The header says in which order the frames lie.
    edges
        Where each frame begins in the file, and where the last one ends.
    series
        Identifier of the series; levels of one slide share it.
    maker
        Manufacturer of the scanner.
    spacing_mm
        Distance of rows and of columns, or None.
    """

    file: OpenFile
    grid: Grid
    syntax: str
    colours: str
    planar: bool
    frames: NDArray[np.int64]
    ordered: bool
    edges: NDArray[np.int64]
    series: bytes
    maker: str
    spacing_mm: Any

    def frame(self, index: int) -> bytes | None:
        """Return the bytes of a block's frame, or None where nothing was scanned."""
        number = int(self.frames[index])
        if number < 0:
            return None
        start, end = int(self.edges[number]), int(self.edges[number + 1])
        data = self.file.read(start, end - start)
        return data if self.syntax in _NATIVE else _joined(data)


def is_dicom(path: Path) -> bool:
    """Tell whether a file begins as DICOM files do."""
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def read_instance(path: Path) -> Instance | None:
    """Return the level that a file holds, or None when it is another kind of image.

    Raises
    ------
    InvalidInput
        When it is a slide that is not read: grey, of several focal planes, or spread over several files.
    CorruptFile
        When it is damaged or cut off.
    """
    from pydicom import dcmread

    file = OpenFile(path)
    try:
        with path.open("rb") as stream:
            said = dcmread(stream, stop_before_pixels=True, specific_tags=_WANTED)
            place = stream.tell()
        if said.file_meta.get("MediaStorageSOPClassUID") != _WHOLE_SLIDE or not _is_slide(said):
            file.close()
            return None
        return _instance(file, said, place)
    except BaseException:
        file.close()
        raise


def _is_slide(said: Any) -> bool:
    """Tell whether an image is the slide, and not its label or overview; a file that does not say is believed to be."""
    kind = said.get("ImageType")
    return kind is None or _SLIDE_IMAGE in kind


def _instance(file: OpenFile, said: Any, place: int) -> Instance:
    """Return what a header says."""
    _refuse(said, file.path)
    grid = Grid(said.TotalPixelMatrixColumns, said.TotalPixelMatrixRows, said.Columns, said.Rows)
    syntax = str(said.file_meta.TransferSyntaxUID)
    count = int(said.get("NumberOfFrames", 1))
    native = said.Rows * said.Columns * 3
    edges = _native_edges(file, place, count, native) if syntax in _NATIVE else _edges(file, said, place, count)
    series = said.get_item("SeriesInstanceUID")  # as it stands: it need not be well-formed to be compared
    return Instance(
        file=file,
        grid=grid,
        syntax=syntax,
        colours=str(said.PhotometricInterpretation),
        planar=bool(said.get("PlanarConfiguration", 0)),
        frames=_frames(said, grid, count, file.path),
        ordered="DimensionOrganizationType" in said or "PerFrameFunctionalGroupsSequence" in said,
        edges=edges,
        series=b"" if series is None else _raw(series.value),
        maker=str(said.get("Manufacturer", "")).strip(),
        spacing_mm=_spacing(said),
    )


def _raw(value: Any) -> bytes:
    """Return an identifier as bytes, whether it was decoded or not."""
    return value if isinstance(value, bytes) else str(value).encode()


def _refuse(said: Any, path: Path) -> None:
    """Raise when a slide cannot be read rightly."""
    samples, bits, planes = said.SamplesPerPixel, said.BitsAllocated, said.get("TotalPixelMatrixFocalPlanes", 1)
    if samples != 3 or bits != 8:
        raise InvalidInput(
            f"'{path}' is no brightfield slide: it holds {samples} channel{'s'[: samples != 1]} of {bits} bits "
            f"({said.PhotometricInterpretation})",
            "Expected red, green and blue of 8 bits; fluorescence is not read",
            "Take it out",
        )
    if planes > 1 or "ConcatenationUID" in said:
        what = f"{planes} focal planes" if planes > 1 else "a part of a slide that is spread over several files"
        raise InvalidInput(f"'{path}' holds {what}", "Expected one plane in one file", "Convert it to a tiled TIFF")


def _spacing(said: Any) -> Any:
    """Return the pixel spacing in millimetres, or None."""
    for shared in said.get("SharedFunctionalGroupsSequence", []):
        for measures in shared.get("PixelMeasuresSequence", []):
            return measures.get("PixelSpacing")
    return None


def _frames(said: Any, grid: Grid, count: int, path: Path) -> NDArray[np.int64]:
    """Return the number of each block's frame: as its position says, or all in the order of reading."""
    if grid.count > _MOST_BLOCKS:
        raise CorruptFile(
            f"'{path}' says it has {grid.width}x{grid.height} pixels", "Expected a slide", "Copy it again"
        )
    frames = np.full(grid.count, -1, dtype=np.int64)
    places = [group.get("PlanePositionSlideSequence") for group in said.get("PerFrameFunctionalGroupsSequence", [])]
    if places and all(places):
        for number, place in enumerate(places):
            frames[_block_at(place[0], grid, path)] = number
    elif count == grid.count:
        frames[:] = np.arange(count)
    else:
        raise CorruptFile(
            f"'{path}' holds {count} frames for {grid.count} blocks", "Expected one each", "Copy it again"
        )
    return frames


def _block_at(place: Any, grid: Grid, path: Path) -> int:
    """Return the block at a position, which counts from 1."""
    column, x = divmod(place.ColumnPositionInTotalImagePixelMatrix - 1, grid.block_width)
    row, y = divmod(place.RowPositionInTotalImagePixelMatrix - 1, grid.block_height)
    number = row * grid.across + column
    if x or y or not (0 <= column < grid.across and 0 <= number < grid.count):
        at = column * grid.block_width + x + 1, row * grid.block_height + y + 1
        raise InvalidInput(
            f"'{path}' has a frame at column {at[0]}, row {at[1]} of frames of {grid.block_width}x{grid.block_height}",
            "Expected frames side by side",
            "Convert it to a tiled TIFF",
        )
    return int(number)


def _native_edges(file: OpenFile, place: int, count: int, length: int) -> NDArray[np.int64]:
    """Return where uncompressed frames begin and end."""
    header = file.read(place, 12)
    start = place + (12 if header[4:6] in (b"OB", b"OW") else 8)
    edges = start + np.arange(count + 1, dtype=np.int64) * length
    _refuse_truncated(file, header, edges)
    return edges


def _edges(file: OpenFile, said: Any, place: int, count: int) -> NDArray[np.int64]:
    """Return where compressed frames begin and end: by a table of offsets, or by walking from one to the next."""
    header = file.read(place, 20)
    length = _length(header[12:])
    first = place + 20 + length
    offsets = np.frombuffer(file.read(place + 20, length), "<u4").astype(np.int64)
    if "ExtendedOffsetTable" in said:
        offsets = np.frombuffer(said.ExtendedOffsetTable, "<u8").astype(np.int64)
    if len(offsets) == count:
        edges = np.append(first + offsets, _end_of_items(file, first + int(offsets[-1])))
    else:
        edges = np.array(_walk(file, first, count), dtype=np.int64)
    _refuse_truncated(file, header, edges)
    return edges


def _walk(file: OpenFile, first: int, count: int) -> list[int]:
    """Return where items begin and the last one ends; each must be a frame."""
    edges = [first]
    for _ in range(count):
        edges.append(edges[-1] + 8 + _length(file.read(edges[-1], 8)))
    return edges


def _end_of_items(file: OpenFile, place: int) -> int:
    """Return where the items that begin here end: at something else, or at the end of the file."""
    while place + 8 <= file.length and (header := file.read(place, 8))[:4] == _ITEM:
        place += 8 + _length(header)
    return place


def _length(header: bytes) -> int:
    """Return the length that an item states."""
    return int(struct.unpack("<I", header[4:8])[0])


def _refuse_truncated(file: OpenFile, header: bytes, edges: NDArray[np.int64]) -> None:
    """Raise when there are no pixels, or they do not lie one after the other in the file."""
    whole = header[:4] == _PIXEL_DATA and (np.diff(edges) > 0).all() and edges[-1] <= file.length
    if not whole:
        raise CorruptFile(
            f"'{file.path}' is damaged or cut off: its frames do not lie within its {file.length:,} bytes",
            "Expected the whole file",
            "Copy it again",
        )


def _joined(items: bytes) -> bytes:
    """Return the content of the items that make a frame."""
    parts, place = [], 0
    while place < len(items):
        length = _length(items[place : place + 8])
        parts.append(items[place + 8 : place + 8 + length])
        place += 8 + length
    return parts[0] if len(parts) == 1 else b"".join(parts)
