"""Slides made for tests: one picture in every format, so that each pixel is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, generate_uid

WIDTH, HEIGHT = 300, 220  # no multiple of a tile
TILE = 64
UM = 0.25
VL_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"


def picture(width: int = WIDTH, height: int = HEIGHT, *, seed: int = 0) -> np.ndarray:
    """Return smooth colours with noise on them, (h, w, 3): no two places are alike."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    waves = [127 + 100 * np.sin(x / 17 + shift) * np.cos(y / 23 - shift) for shift in (0, 1, 2)]
    return np.clip(np.stack(waves, axis=-1) + rng.normal(0, 12, (height, width, 3)), 0, 255).astype(np.uint8)


def means(image: np.ndarray, factor: int) -> np.ndarray:
    """Return the mean of each whole block of factor x factor pixels, rounded."""
    height, width = (side // factor for side in image.shape[:2])
    blocks = image[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


def levels(image: np.ndarray, factors: Sequence[int] = (1, 2, 4)) -> list[np.ndarray]:
    """Return the levels of a pyramid."""
    return [means(image, factor) for factor in factors]


def write_tiff(path: Path, images: Sequence[np.ndarray], *, sub: bool = False, **options: Any) -> Path:
    """Write the levels of a pyramid, one page after the other or, with `sub`, in SubIFDs of the first."""
    settings: dict[str, Any] = {"photometric": "rgb", "tile": (TILE, TILE), "metadata": None, **options}
    big = settings.pop("bigtiff", False)
    order = settings.pop("byteorder", "<")
    with tifffile.TiffWriter(path, bigtiff=big, byteorder=order, ome=settings.pop("ome", False)) as tiff:
        tiff.write(images[0], subifds=len(images) - 1 if sub else None, **settings)
        for image in images[1:]:
            rest = {name: value for name, value in settings.items() if name not in ("description", "metadata")}
            tiff.write(image, subfiletype=1, metadata=None, **rest)
    return path


def write_dicom(
    path: Path,
    image: np.ndarray,
    *,
    series: str,
    syntax: str = EXPLICIT_LITTLE_ENDIAN,
    encode: Callable[[np.ndarray], bytes] = np.ndarray.tobytes,
    change: Callable[[Dataset], None] = lambda header: None,
    order: Sequence[int] | None = None,
    um: tuple[float, float] = (UM, UM),
) -> Path:
    """Write one level as a DICOM file of frames of TILE x TILE, padded with black.

    Parameters
    ----------
    encode
        Turns a frame into bytes.
    change
        Changes the header before it is written.
    order
        Of the frames; None: row by row.
    um
        Width and height of a pixel.
    """
    frames = tiles(image)
    frames = [frames[number] for number in (range(len(frames)) if order is None else order)]
    coded = [encode(frame) for frame in frames]
    header = _header(image, len(frames), um)
    header.SeriesInstanceUID = series
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = syntax
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = VL_WHOLE_SLIDE
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID = generate_uid()
    native = syntax == EXPLICIT_LITTLE_ENDIAN
    header.PixelData = b"".join(coded) if native else encapsulate(coded)
    header["PixelData"].VR = "OB"
    header["PixelData"].is_undefined_length = not native
    change(header)
    header.save_as(path, enforce_file_format=True, little_endian=True, implicit_vr=False)
    return path


def tiles(image: np.ndarray) -> list[np.ndarray]:
    """Return tiles of TILE x TILE row by row, the last ones padded with black."""
    height, width = (-(-side // TILE) * TILE for side in image.shape[:2])
    padded = np.zeros((height, width, 3), dtype=np.uint8)
    padded[: image.shape[0], : image.shape[1]] = image
    return [
        np.ascontiguousarray(padded[top : top + TILE, left : left + TILE])
        for top in range(0, height, TILE)
        for left in range(0, width, TILE)
    ]


def _header(image: np.ndarray, frames: int, um: tuple[float, float]) -> Dataset:
    """Return what a slide says of itself."""
    header = Dataset()
    header.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    header.Modality = "SM"
    header.Manufacturer = "Made"
    header.PatientName, header.PatientID = "Nobody", "0"
    header.StudyInstanceUID, header.FrameOfReferenceUID = "1.2.3.4", "1.2.3.5"
    header.ContainerIdentifier = "glass"
    header.InstanceNumber = 1
    header.SamplesPerPixel, header.PhotometricInterpretation, header.PlanarConfiguration = 3, "RGB", 0
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 8, 8, 7, 0
    header.Rows = header.Columns = TILE
    header.NumberOfFrames = frames
    header.TotalPixelMatrixRows, header.TotalPixelMatrixColumns = image.shape[:2]
    header.TotalPixelMatrixFocalPlanes, header.NumberOfOpticalPaths = 1, 1
    header.ImagedVolumeWidth, header.ImagedVolumeHeight = image.shape[1] * um[0] / 1e3, image.shape[0] * um[1] / 1e3
    header.ImagedVolumeDepth = 1.0
    header.DimensionOrganizationType = "TILED_FULL"
    header.ImageOrientationSlide = [0, -1, 0, -1, 0, 0]
    header.FocusMethod, header.ExtendedDepthOfField = "AUTO", "NO"
    header.BurnedInAnnotation, header.SpecimenLabelInImage = "NO", "NO"
    header.LossyImageCompression = "00"
    origin = Dataset()
    origin.XOffsetInSlideCoordinateSystem = origin.YOffsetInSlideCoordinateSystem = 0.0
    header.TotalPixelMatrixOriginSequence = [origin]
    measures = Dataset()
    measures.PixelSpacing = [um[1] / 1e3, um[0] / 1e3]  # the distance of rows comes first
    measures.SliceThickness = 1.0
    shared = Dataset()
    shared.PixelMeasuresSequence = [measures]
    header.SharedFunctionalGroupsSequence = [shared]
    light = Dataset()
    light.OpticalPathIdentifier = "1"
    header.OpticalPathSequence = [light]
    return header


def write_dicom_jpeg(path: Path, image: np.ndarray, **options: Any) -> Path:
    """Write a level of JPEG frames, YCbCr, full size of the colour differences."""

    def encode(frame: np.ndarray) -> bytes:
        return bytes(imagecodecs.jpeg8_encode(frame, level=95, subsampling="444"))

    return write_dicom(path, image, syntax=JPEGBaseline8Bit, encode=encode, **options)


def write_dicom_jpeg2000(path: Path, image: np.ndarray, **options: Any) -> Path:
    """Write a level of lossless JPEG 2000 frames."""

    def encode(frame: np.ndarray) -> bytes:
        return bytes(imagecodecs.jpeg2k_encode(frame, codecformat="J2K", reversible=True, level=0))

    return write_dicom(path, image, syntax=JPEG2000Lossless, encode=encode, **options)


class Canvas:
    """What `openslide.OpenSlide` answers for a canvas with a scanned area in it; real pixels, no file.

    Parameters
    ----------
    images
        RGBA, the levels of the whole canvas.
    properties
        As OpenSlide's.
    """

    def __init__(self, images: Sequence[np.ndarray], properties: dict[str, str]) -> None:
        self.images, self.properties = list(images), properties
        self.dimensions = images[0].shape[1], images[0].shape[0]
        self.level_downsamples = tuple(images[0].shape[1] / image.shape[1] for image in images)
        self.closed = False

    def read_region(self, place: tuple[int, int], level: int, size: tuple[int, int]) -> Image.Image:
        """Return RGBA pixels; `place` counts pixels of the base level."""
        left, top = (side / self.level_downsamples[level] for side in place)
        assert left.is_integer()
        assert top.is_integer()
        canvas = Image.fromarray(self.images[level])
        return canvas.crop((int(left), int(top), int(left) + size[0], int(top) + size[1]))

    def close(self) -> None:
        """Remember it."""
        self.closed = True
