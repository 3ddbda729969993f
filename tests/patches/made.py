"""Small image files and folders of them, made for the tests of the patches."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = np.random.default_rng(0).integers(0, 256, (11, 7, 3), dtype=np.uint8)  # no two rows or columns alike


def write_image(path: Path, pixels: np.ndarray = COLOURS, mode: str | None = None, **options: object) -> Path:
    """Write pixels in a mode of Pillow, in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path, **options)
    return path


def write_png(path: Path, rows: Sequence[bytes], size: tuple[int, int], *, bits: int = 8, colour: int = 2) -> Path:
    """Write a PNG by hand: `size` is what the header says, true or not; colour 0 is grey, 2 RGB, 4 grey and alpha."""
    header = struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = b"".join(_chunk(*chunk) for chunk in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return path


def write_tiff(
    path: Path,
    planes: Sequence[bytes],
    size: tuple[int, int],
    *,
    bits: Sequence[int],
    photometric: int = 1,
    kind: int = 1,
) -> Path:
    """Write an uncompressed little-endian TIFF by hand, each plane in a strip of its own."""
    ends = np.cumsum([8, *map(len, planes)]).tolist()
    tags = {256: size[:1], 257: size[1:], 258: bits, 259: [1], 262: [photometric], 273: ends[:-1], 277: [len(bits)]}
    tags |= {
        278: size[1:],
        279: [len(plane) for plane in planes],
        284: [1 + (len(planes) > 1)],
        339: [kind] * len(bits),
    }
    extra_at = ends[-1] + 2 + 12 * len(tags) + 4
    entries, extra = b"", b""
    for tag, values in tags.items():
        data = struct.pack(f"<{len(values)}I", *values)
        place = data if len(data) == 4 else struct.pack("<I", extra_at + len(extra))
        entries += struct.pack("<HHI", tag, 4, len(values)) + place
        extra += data if len(data) > 4 else b""
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    path.write_bytes(b"II*\0" + struct.pack("<I", ends[-1]) + b"".join(planes) + directory + extra)
    return path


def write_files(folder: Path, names: Iterable[str], content: bytes = b"never opened") -> Path:
    """Write files that are named like images."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_manifest(folder: Path, columns: Mapping[str, Sequence[object]], name: str = "manifest.csv") -> Path:
    """Write a table, and the files of its column `path`."""
    write_files(folder, map(str, columns.get("path", ())))
    rows = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    path = folder / name
    path.write_text("\n".join([",".join(columns), *rows]) + "\n")
    return path


def idc_name(patient: int, number: int, label: int) -> str:
    """Return the path of a patch as in the archive of IDC."""
    return f"{patient}/{label}/{patient}_idx5_x{50 * number + 1}_y{101}_class{label}.png"


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
