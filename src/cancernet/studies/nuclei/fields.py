"""The images of a study of nuclei: found, checked, at a resolution that is known or estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import PixelSize
from cancernet.checks import listed
from cancernet.data import Table
from cancernet.errors import InvalidInput, MissingResolution
from cancernet.patches import PatchOptions, read_image, read_labels, read_patches
from cancernet.studies.options import NucleiData, NucleiStudy
from cancernet.studies.progress import Progress

__all__ = ["Field", "field_table", "pixel_size", "read_fields"]

_FEW = 5  # nuclei whose middle size says little of the resolution


@dataclass(frozen=True, eq=False)
class Field:
    """One image.

    Parameters
    ----------
    id, group
        What to call it, and the patient.
    image
        Shape (h, w, 3), uint8.
    classes
        Shape (h, w), int32: code of the class of each pixel.
    things
        Shape (h, w), int32: numbers of the things of the last class.
    mpp
        Microns per pixel; NaN until it is known.
    """

    id: str
    group: str
    image: NDArray[np.uint8]
    classes: NDArray[np.int32]
    things: NDArray[np.int32]
    mpp: float


def read_fields(study: NucleiStudy, progress: Progress) -> tuple[Field, ...]:
    """Return the images of a study with their labels.

    Raises
    ------
    InvalidInput
        When the manifest lacks a column, files are missing, a size differs, or labels cannot be of this study.
    MissingResolution
        When an image has no microns per pixel.
    """
    data = study.data
    options = PatchOptions(layout="manifest", target=data.labels, group=data.group, mpp=data.mpp)
    found = read_patches(Path(data.source), options=options)
    if found.group_column is None:
        raise InvalidInput(
            f"'{data.source}' has no groups", "The column of the patients", 'Name it in [data]: group = "patient"'
        )
    progress.begin("Reading", len(found))
    fields = []
    for row, name in enumerate(() if found.target is None else found.target.tolist()):
        mpp = np.nan if found.mpp is None else float(found.mpp[row])
        image, labels = read_image(found.path(row)), read_labels(found.folder / name)
        fields.append(_field(study, image, labels, about=(str(found.ids[row]), str(found.groups[row]), mpp)))
        progress.reach(row + 1)
    return _resolved(fields, data)


def _field(
    study: NucleiStudy, image: NDArray[np.uint8], labels: NDArray[np.int32], *, about: tuple[str, str, float]
) -> Field:
    """Return an image with its classes and things, or refuse labels of another size."""
    name, group, mpp = about
    if labels.shape != image.shape[:2]:
        height, width = image.shape[:2]
        raise InvalidInput(
            f"The labels of '{name}' have {labels.shape[1]} x {labels.shape[0]} pixels",
            f"{width} x {height}, the size of the image",
            "Give labels of the image as it is",
        )
    if study.data.holds == "instances":
        things = _without_fragments(labels, study.data.least_px)
        return Field(name, group, image, (things > 0).astype(np.int32), things, mpp)
    classes = np.where(labels < len(study.classes), labels, 0)
    return Field(name, group, image, classes, _parts(classes == len(study.classes) - 1, study.data.least_px), mpp)


def _without_fragments(labels: NDArray[np.int32], least: int) -> NDArray[np.int32]:
    """Return the labels of at least so many pixels."""
    numbers, places, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    kept: NDArray[np.int32] = np.where(sizes >= least, numbers, 0).astype(np.int32)[places.reshape(labels.shape)]
    return kept


def _parts(mask: NDArray[np.bool_], least: int) -> NDArray[np.int32]:
    """Return the connected parts of a mask, numbered."""
    from scipy import ndimage

    return _without_fragments(ndimage.label(mask)[0].astype(np.int32), least)


def _resolved(fields: Sequence[Field], data: NucleiData) -> tuple[Field, ...]:
    """Return the fields, each with its microns per pixel."""
    if data.nucleus_um is None:
        unknown = [field.id for field in fields if not field.mpp > 0]
        if unknown:
            raise MissingResolution(
                f"Microns per pixel of {len(unknown)} images are unknown: {listed(unknown, 3)}",
                "A number for each",
                "Fill the column, or estimate them: nucleus_um = 6.0",
            )
        return tuple(fields)
    estimates = [_estimated(field.things, data.nucleus_um) for field in fields]
    middle = float(np.nanmedian(estimates))
    return tuple(replace(field, mpp=mpp if mpp > 0 else middle) for field, mpp in zip(fields, estimates, strict=True))


def _estimated(things: NDArray[np.int32], diameter: float) -> float:
    """Return the microns per pixel at which the middle nucleus has this diameter; NaN where there are few nuclei."""
    areas = np.unique(things[things > 0], return_counts=True)[1]
    return float(diameter / np.sqrt(4 * np.median(areas) / np.pi)) if len(areas) >= _FEW else np.nan


def pixel_size(study: NucleiStudy, fields: Sequence[Field]) -> PixelSize:
    """Return how large a pixel of the network is, and how that is known."""
    data, mpp = study.data, study.model.mpp
    if data.nucleus_um is None:
        return PixelSize(status="estimated" if data.mpp_how else "known", mpp=mpp, how=data.mpp_how)
    stored = np.quantile([field.mpp for field in fields], (0, 0.5, 1))
    how = (
        f"each training image was scaled so that the nucleus in the middle of its sizes is {data.nucleus_um:g} microns "
        f"wide; its own pixels then are {stored[1]:.2f} microns wide, {stored[0]:.2f} to {stored[2]:.2f}"
    )
    zoom = 1 + study.training.zoom
    return PixelSize(status="estimated", mpp=mpp, low=mpp / zoom, high=mpp * zoom, how=how)


def field_table(study: NucleiStudy, fields: Sequence[Field]) -> Table:
    """Return the images as rows of a table, to be split by group."""
    source = Path(study.data.source)
    return Table(
        name=source.stem if source.is_dir() else source.parent.name or source.stem,
        features=(),
        values=np.empty((len(fields), 0)),
        ids=np.array([field.id for field in fields]),
        groups=np.array([field.group for field in fields]),
        target=np.full(len(fields), "image"),
        target_column=study.data.labels,
        group_column=study.data.group or "row",
        source=study.data.source,
    )
