"""A set of crops from images with outlined nuclei: a manifest that studies of patches, and of tables, learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure import Measured, measure_nuclei
from cancernet.cells.overlay import png_of
from cancernet.cells.types import cut_crops
from cancernet.errors import InvalidInput, MissingResolution
from cancernet.files import whole_folder
from cancernet.patches import PatchOptions, PatchSet, read_image, read_labels, read_patches

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CropOptions", "CropSet", "make_crops"]


@dataclass(frozen=True)
class CropOptions:
    """How crops are cut, and what is known of the images.

    Parameters
    ----------
    size
        Pixels of a side of a crop.
    crop_mpp
        Microns per pixel of the crops. 48 pixels of 0.5 microns show a nucleus of 8 microns and the cells around it.
    mpp
        Microns per pixel of the images: a number, or a column of the manifest.
    labels
        Column with the outlines, "instances": a number for each nucleus.
    types
        Column with the images of types: a code at each pixel, 0 for none. A nucleus has the code of most of its pixels.
    group
        Column of the patients, or "row".
    names
        Of the codes; several may have one name, and a code without name is left out. Empty: the codes themselves.
    """

    size: int = 48
    crop_mpp: float = 0.5
    mpp: str | float = "mpp"
    labels: str = "labels"
    types: str = "types"
    group: str = "row"
    names: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse crops that no network takes."""
        if not 27 <= self.size <= 512:
            raise InvalidInput(f"Crops of {self.size} pixels", "27 to 512: what CancerNet takes", "Change --size")
        if not (np.isfinite(self.crop_mpp) and self.crop_mpp > 0):
            raise InvalidInput(f"Crops of {self.crop_mpp} microns per pixel", "Above 0", "Change --crop-mpp")


@dataclass(frozen=True)
class CropSet:
    """What was made.

    Parameters
    ----------
    folder
        With `manifest.csv` and the crops.
    images
        How many images there were.
    counts
        Nuclei by type.
    left_out
        Nuclei without a type that has a name.
    """

    folder: Path
    images: int
    counts: Mapping[str, int]
    left_out: int


def make_crops(
    manifest: str | Path,
    folder: Path,
    *,
    options: CropOptions | None = None,
    progress: Callable[[int], None] | None = None,
    force: bool = False,
) -> CropSet:
    """Cut a crop around each outlined nucleus, and write them with their types and measurements.

    `manifest.csv` has a row for each nucleus: `path`, `type`, `code`, the group, `image`, `mpp` and the measurements of
    `measure_nuclei`. A study of kind "patches" learns from the crops, one of kind "table" from the measurements.

    Parameters
    ----------
    manifest
        A table with the columns `path`, those of labels, types and groups; paths are relative to its folder.
    folder
        To be made.
    options
        See there.
    progress
        Called with the number of images done.
    force
        Replace the folder.

    Raises
    ------
    InvalidInput
        When a column or a file is missing, sizes differ, or no nucleus has a type.
    MissingResolution
        When an image has no microns per pixel.
    """
    import pandas as pd

    chosen = options or CropOptions()
    found = _images(Path(manifest), chosen)
    told, tables, left_out = progress or (lambda done: None), [], 0
    with whole_folder(folder, force=force) as partial:
        for done, (table, missing) in enumerate(_cut(found, chosen, partial), start=1):
            tables.append(table)
            left_out += missing
            told(done)
        rows = pd.concat(tables, ignore_index=True)
        if not len(rows):
            raise InvalidInput(
                f"No nucleus of the {len(found)} images has a type", "Codes above 0 at its pixels", "Check --names"
            )
        rows.to_csv(partial / "manifest.csv", index=False)
    return CropSet(folder, len(found), {str(k): int(n) for k, n in rows["type"].value_counts().items()}, left_out)


def _images(manifest: Path, options: CropOptions) -> PatchSet:
    """Return the images of the manifest; the columns of labels and types are read as its text."""
    wanted = PatchOptions(
        layout="manifest", target=options.labels, slide=options.types, group=options.group, mpp=options.mpp
    )
    return read_patches(manifest, options=wanted)


def _cut(found: PatchSet, options: CropOptions, folder: Path) -> Iterator[tuple[pd.DataFrame, int]]:
    """Yield the rows of each image and how many nuclei were left out; write their crops."""
    labels, types = found.target, found.slides
    for row, name in enumerate([] if labels is None else labels.tolist()):
        mpp = np.nan if found.mpp is None else float(found.mpp[row])
        if not mpp > 0:
            raise MissingResolution(f"No microns per pixel for '{found.ids[row]}'", "A number", "Give --mpp")
        image = read_image(found.path(row))
        measured = measure_nuclei(image, read_labels(found.folder / name), mpp=mpp)
        codes = read_labels(found.folder / str([] if types is None else types[row]))
        group = str(found.ids[row] if options.group == "row" else found.groups[row])
        place = f"crops/{row:04d}-{Path(str(found.ids[row])).stem}"  # two images of one name keep apart
        (folder / place).mkdir(parents=True)
        about: dict[str, str | float] = {"group": group, "image": str(found.ids[row]), "mpp": options.crop_mpp}
        yield _of_image(image, measured, codes, options=options, about=about, place=folder / place)


def _of_image(
    image: NDArray[np.uint8],
    measured: Measured,
    codes: NDArray[np.int32],
    *,
    options: CropOptions,
    about: Mapping[str, str | float],
    place: Path,
) -> tuple[pd.DataFrame, int]:
    """Return the rows of the nuclei of an image that have a type, and how many have none; write their crops."""
    of_each = _codes_of(measured.labels, codes, len(measured))
    names = [options.names.get(code, "") if options.names else str(code or "") for code in of_each.tolist()]
    kept = np.array([row for row, name in enumerate(names) if name], np.intp)
    table = measured.table.iloc[kept]
    centres = table[["x_um", "y_um"]].to_numpy(np.float64) / measured.mpp
    crops = cut_crops(image, centres, size=options.size, scale=options.crop_mpp / measured.mpp)
    files = [place / f"{number}.png" for number in table["nucleus"].tolist()]
    for path, crop in zip(files, crops, strict=True):
        path.write_bytes(png_of(crop))
    known: dict[str, Any] = {
        "path": [f"crops/{place.name}/{path.name}" for path in files],
        "type": [names[row] for row in kept.tolist()],
        "code": of_each[kept],
        **about,
    }
    return table.assign(**known)[[*known, *table.columns]], len(measured) - len(kept)


def _codes_of(labels: NDArray[np.int32], codes: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Return the code of most pixels of each of the nuclei 1 to `count`, (count,); 0 where none of them has one."""
    if labels.shape != codes.shape:
        raise InvalidInput(
            f"Types of {codes.shape[1]} x {codes.shape[0]} pixels for labels of {labels.shape[1]} x {labels.shape[0]}",
            "Images of one size",
            "Give the types of the same image",
        )
    inside = (labels > 0) & (codes > 0)
    most = int(codes.max(initial=0)) + 1
    counts = np.bincount(labels[inside].astype(np.int64) * most + codes[inside], minlength=(count + 1) * most)
    of_each: NDArray[np.int64] = counts.reshape(-1, most)[1:].argmax(axis=1)
    return of_each
