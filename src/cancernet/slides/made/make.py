"""Writing a made slide, with its outlines and a description beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cancernet import __version__
from cancernet.errors import InvalidInput
from cancernet.files import refuse_existing, remove, whole_file, write_json
from cancernet.slides.made.geojson import write_outlines
from cancernet.slides.made.outlines import Outlines
from cancernet.slides.made.picture import Cells, Picture
from cancernet.slides.writing.pyramid import PyramidOptions, write_pyramid

__all__ = ["MadeSlide", "made_places", "make_slide"]

SCHEMA = 1
_SUFFIXES = (".tif", ".tiff")
_BESIDE = (".json", ".geojson", ".cells.parquet")


@dataclass(frozen=True)
class MadeSlide:
    """What was written.

    Parameters
    ----------
    path
        The slide.
    description
        The content of `NAME.json`.
    beside
        The other files: description, and outlines and cells where there are some.
    """

    path: Path
    description: dict[str, Any]
    beside: tuple[Path, ...]


def make_slide(
    path: str | Path,
    picture: Picture,
    *,
    options: PyramidOptions | None = None,
    progress: Callable[[int], None] | None = None,
    force: bool = False,
) -> MadeSlide:
    """Write a made slide; when it is there, all that belongs to it is.

    Beside `NAME.tiff` lie `NAME.json`, which says that it is synthetic and what was made; `NAME.geojson` with the
    outlines, which QuPath opens; and for a mosaic `NAME.cells.parquet` (l0_x, l0_y, l0_side, path, label, group).

    Parameters
    ----------
    path
        Ends in .tif or .tiff.
    picture
        What to write: `tissue_picture`, `repeated_picture` or `mosaic_picture`.
    options
        How it is stored.
    progress
        Told how many rows are done.
    force
        Replace what is there.

    Raises
    ------
    InvalidInput
        When the name ends otherwise, or one of the files exists and `force` is not set.
    StorageFailure
        When the disk is full or the place cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from cancernet.slides.made import tissue_picture
    >>> with TemporaryDirectory() as folder:
    ...     made = make_slide(Path(folder, "one.tiff"), tissue_picture((1000, 800), mpp=4.0, foci=2))
    ...     [file.name for file in made.beside], len(made.description["tumour_mm2"])
    (['one.json', 'one.geojson'], 2)
    """
    path = Path(path)
    places = made_places(path, force=force)
    words = f"cancernet {picture.kind}: synthetic, not a slide of a patient"
    options = replace(options or PyramidOptions(), description=words)
    with whole_file(path, force=force) as partial:
        levels = write_pyramid(
            partial, picture.block, size=picture.size, mpp=picture.mpp, options=options, progress=progress, force=True
        )
        description = _description(picture, levels)
        beside = _write_beside(places, picture, description)
    return MadeSlide(path, description, beside)


def made_places(path: Path, *, force: bool) -> dict[str, Path]:
    """Return where the files beside a slide lie, by their ending, or raise when the slide cannot be written there.

    Raises
    ------
    InvalidInput
        When the name does not end in .tif or .tiff, or one of the files exists and `force` is not set.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise InvalidInput(f"'{path}' is to be a slide", "Expected a name that ends in .tiff", "Say NAME.tiff")
    places = {ending: path.with_name(path.stem + ending) for ending in _BESIDE}
    for place in (path, *places.values()):
        refuse_existing(place, force=force)
    return places


def _write_beside(places: dict[str, Path], picture: Picture, description: dict[str, Any]) -> tuple[Path, ...]:
    """Write the files beside the slide; remove those of an older slide that this one does not have."""
    write_json(places[".json"], description)
    written = [places[".json"]]
    remove(places[".geojson"])
    remove(places[".cells.parquet"])
    if picture.outlines is not None:
        write_outlines(places[".geojson"], picture.outlines)
        written.append(places[".geojson"])
    if picture.cells is not None:
        _write_cells(places[".cells.parquet"], picture.cells)
        written.append(places[".cells.parquet"])
    return tuple(written)


def _write_cells(path: Path, cells: Cells) -> None:
    """Write which patch lies where."""
    import pandas as pd

    with whole_file(path, force=True) as partial:
        pd.DataFrame(asdict(cells)).to_parquet(partial, index=False)


def _description(picture: Picture, levels: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    """Return what is known about the slide, for JSON."""
    return {
        "schema": SCHEMA,
        "synthetic": True,
        "kind": picture.kind,
        "made_by": f"cancernet {__version__}",
        "size": list(picture.size),
        "mpp": picture.mpp,
        "levels": [list(level) for level in levels],
        **picture.facts,
        **(_areas(picture.outlines, picture.mpp) if picture.outlines is not None else {}),
    }


def _areas(outlines: Outlines, mpp: float) -> dict[str, list[float]]:
    """Return the area of each outline in square millimetres."""
    found = {"tissue_mm2": outlines.tissue, "tumour_mm2": outlines.tumour}
    return {name: [round(each.area * mpp**2 / 1e6, 6) for each in polygons] for name, polygons in found.items()}
