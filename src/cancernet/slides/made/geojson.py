"""Outlines of made slides as annotations that QuPath opens, of the classes "Tissue" and "Tumor"."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cancernet.errors import InvalidInput
from cancernet.slides.made.outlines import Outlines
from cancernet.slides.outlines import Region, read_geojson, write_geojson

if TYPE_CHECKING:
    from shapely import Polygon

__all__ = ["read_outlines", "write_outlines"]

_TISSUE, _TUMOUR = "Tissue", "Tumor"  # as QuPath calls them
_COLOURS = {_TISSUE: (0, 160, 60), _TUMOUR: (200, 0, 0)}


def write_outlines(path: Path, outlines: Outlines) -> None:
    """Write outlines, tissue first, so that tumours are drawn on top."""
    kinds = ((_TISSUE, outlines.tissue), (_TUMOUR, outlines.tumour))
    write_geojson(path, [Region(each, kind, _COLOURS[kind]) for kind, polygons in kinds for each in polygons])


def read_outlines(path: str | Path) -> Outlines:
    """Return the outlines of a GeoJSON file: what is classified as "Tissue", and as "Tumor" or "Tumour".

    Raises
    ------
    InvalidInput
        When there is no tissue, or the file is no GeoJSON of polygons.
    CorruptFile, StorageFailure
        When the file is no JSON or cannot be read.
    """
    found: dict[str, list[Polygon]] = {}
    for region in read_geojson(Path(path)):
        found.setdefault((region.label or "").lower(), []).extend(_parts(region))
    tissue, tumour = found.get("tissue", []), found.get("tumor", []) + found.get("tumour", [])
    if not tissue:
        classes = sorted(filter(None, found)) or "none"
        raise InvalidInput(
            f"'{path}' holds no outline of the class '{_TISSUE}'",
            f"Expected polygons classified as '{_TISSUE}' and '{_TUMOUR}'; found {classes}",
            "Set the class of the annotations in QuPath, and export them again",
        )
    return Outlines(tuple(tissue), tuple(tumour))


def _parts(region: Region) -> list[Polygon]:
    """Return the polygons of a region."""
    return list(getattr(region.polygon, "geoms", [region.polygon]))
