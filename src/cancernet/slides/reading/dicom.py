"""DICOM slides: one file, or a folder with one file for each level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import CancerNetError, CorruptFile, InvalidInput
from cancernet.files import storage_errors
from cancernet.slides.reading.blocks import BlockSlide
from cancernet.slides.reading.dicom_file import Instance, is_dicom, read_instance
from cancernet.slides.reading.dicom_order import frame_order
from cancernet.slides.reading.pitch import from_spacing

__all__ = ["DicomSlide"]

_JPEG, _JPEG_2000, _JPEG_LS, _NATIVE = "jpeg8_decode", "jpeg2k_decode", "jpegls_decode", ""
_DECODERS = {
    "1.2.840.10008.1.2": _NATIVE,
    "1.2.840.10008.1.2.1": _NATIVE,
    "1.2.840.10008.1.2.4.50": _JPEG,
    "1.2.840.10008.1.2.4.51": _JPEG,
    "1.2.840.10008.1.2.4.80": _JPEG_LS,
    "1.2.840.10008.1.2.4.81": _JPEG_LS,
    "1.2.840.10008.1.2.4.90": _JPEG_2000,
    "1.2.840.10008.1.2.4.91": _JPEG_2000,
}
_DECIDED_BY_DECODER = ("RGB", "YBR_ICT", "YBR_RCT")


class DicomSlide(BlockSlide):
    """A slide in DICOM (VL Whole Slide Microscopy). Labels, overviews and patient data are not read.

    Parameters
    ----------
    path
        A file, which is a slide of one level, or a folder of the files of one slide.

    Raises
    ------
    InvalidInput
        When it holds no slide, several slides, or one that is not read (grey, focal planes, frames that overlap).
    CorruptFile
        When it is damaged or cut off.
    """

    def __init__(self, path: Path) -> None:
        self._instances = _instances(path)
        try:
            _refuse(path, self._instances)
            self._instances = [_ordered(instance) for instance in self._instances]
            base = self._instances[0]
            vendor = f"DICOM ({base.maker})" if base.maker else "DICOM"
            grids = [instance.grid for instance in self._instances]
            super().__init__(path, vendor=vendor, grids=grids, pitch=from_spacing(base.spacing_mm))
        except BaseException:
            _close(self._instances)
            raise

    def _block(self, number: int, index: int) -> NDArray[np.uint8] | None:
        """Return a frame as RGB."""
        instance = self._instances[number]
        data = instance.frame(index)
        return None if data is None else _decode(data, instance)

    def _release(self) -> None:
        """Close the files."""
        _close(self._instances)
        self._recent.clear()


def _instances(path: Path) -> list[Instance]:
    """Return the levels of a slide, the base level first."""
    with storage_errors(path):
        files = (
            [path] if path.is_file() else sorted(file for file in path.iterdir() if file.is_file() and is_dicom(file))
        )
    found: list[Instance] = []
    try:
        for file in files:
            found += [instance] if (instance := _read(file)) is not None else []
    except BaseException:
        _close(found)
        raise
    return sorted(found, key=lambda instance: -instance.grid.width)


def _read(file: Path) -> Instance | None:
    """Return the level in a file; whatever pydicom raises of a damaged one is put into words."""
    try:
        return read_instance(file)
    except (CancerNetError, MemoryError):
        raise
    except Exception as error:
        raise CorruptFile(
            f"'{file}' is damaged: its DICOM header cannot be read ({error})", "Expected a whole slide", "Copy it again"
        ) from error


def _refuse(path: Path, instances: list[Instance]) -> None:
    """Raise when the files are not the levels of one slide, or are compressed in a way that is not read."""
    if not instances:
        raise InvalidInput(f"'{path}' holds no whole slide image", "Expected DICOM of a slide", "Name another place")
    widths = [instance.grid.width for instance in instances]
    if len({instance.series for instance in instances}) > 1 or len(set(widths)) < len(widths):
        raise InvalidInput(
            f"'{path}' holds several slides, or several images of one size",
            "Expected the levels of one slide",
            "Give each slide a folder of its own, or name a file",
        )
    unknown = {instance.syntax for instance in instances} - set(_DECODERS)
    if unknown:
        raise InvalidInput(
            f"'{path}' is compressed as DICOM transfer syntax {', '.join(sorted(unknown))}",
            "Expected JPEG, JPEG 2000, JPEG-LS or no compression",
            "Convert it to a tiled TIFF",
        )


def _ordered(instance: Instance) -> Instance:
    """Return an instance whose frames are in order: where its header does not say it, its pixels do."""
    if instance.ordered or instance.grid.count < 2:
        return instance

    def block(index: int) -> NDArray[np.uint8]:
        data = instance.frame(index)
        return _decode(b"" if data is None else data, instance)

    try:
        return replace(instance, frames=frame_order(instance.grid, block))
    except (RuntimeError, ValueError) as error:
        raise CorruptFile(
            f"'{instance.file.path}' is damaged: a frame cannot be decoded ({error})",
            "Expected a whole slide",
            "Copy it again",
        ) from error


def _close(instances: list[Instance]) -> None:
    """Close the files of all levels."""
    for instance in instances:
        instance.file.close()


def _decode(data: bytes, instance: Instance) -> NDArray[np.uint8]:
    """Return a frame as RGB, shape (h, w, 3)."""
    import imagecodecs

    name = _DECODERS[instance.syntax]
    if name == _JPEG:
        space = _jpeg_space(data, instance.colours)
        return np.asarray(imagecodecs.jpeg8_decode(data, colorspace=space, outcolorspace="rgb"))
    if name == _NATIVE:
        samples = _native(data, instance)
    else:
        decode: Callable[[bytes], Any] = getattr(imagecodecs, name)
        samples = np.asarray(decode(data))
    return samples if instance.colours in _DECIDED_BY_DECODER else _from_ycbcr(samples)


def _jpeg_space(data: bytes, colours: str) -> str | None:
    """Return the colour space of a JPEG stream, or None when the stream says it itself.

    Headers are wrong about it: there are files that say RGB around streams of JFIF, which knows YCbCr only. So the
    markers of the stream (JFIF, Adobe) decide, and the header where there are none.
    """
    start = data[: data.find(b"\xff\xda")]
    marked = b"JFIF\0" in start or b"Adobe\0" in start
    return None if marked else ("rgb" if colours == "RGB" else "ycbcr")


def _native(data: bytes, instance: Instance) -> NDArray[np.uint8]:
    """Return an uncompressed frame."""
    height, width = instance.grid.block_height, instance.grid.block_width
    samples = np.frombuffer(data, dtype=np.uint8)
    if instance.planar:
        return samples.reshape(3, height, width).transpose(1, 2, 0)
    return samples.reshape(height, width, 3)


def _from_ycbcr(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return brightness and colour differences as RGB, as JFIF defines them."""
    brightness, blue, red = (samples[..., channel].astype(np.float32) for channel in range(3))
    blue, red = blue - 128, red - 128
    colours = (brightness + 1.402 * red, brightness - 0.344136 * blue - 0.714136 * red, brightness + 1.772 * blue)
    rounded: NDArray[np.uint8] = np.rint(np.clip(np.stack(colours, axis=-1), 0, 255)).astype(np.uint8)
    return rounded
