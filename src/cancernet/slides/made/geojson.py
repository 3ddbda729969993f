"""Outlines as GeoJSON that QuPath opens: annotations of the classes "Tissue" and "Tumor" in base-level pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cancernet.errors import CorruptFile, InvalidInput
from cancernet.files import read_json
from cancernet.slides.made.outlines import Outlines

if TYPE_CHECKING:
    from shapely import Polygon

__all__ = ["as_geojson", "read_outlines"]

_TISSUE, _TUMOUR = "Tissue", "Tumor"  # as QuPath calls them
_COLOURS = {_TISSUE: [0, 160, 60], _TUMOUR: [200, 0, 0]}


def as_geojson(outlines: Outlines) -> dict[str, Any]:
    """Return a feature collection, tissue first, so that tumours are drawn on top."""
    features = [
        _feature(polygon, kind, number)
        for kind, polygons in ((_TISSUE, outlines.tissue), (_TUMOUR, outlines.tumour))
        for number, polygon in enumerate(polygons, start=1)
    ]
    return {"type": "FeatureCollection", "features": features}


def read_outlines(path: str | Path) -> Outlines:
    """Return the outlines of a GeoJSON file: what is classified as "Tissue", and as "Tumor" or "Tumour".

    Raises
    ------
    InvalidInput
        When there is no tissue, or a shape is not valid.
    CorruptFile, StorageFailure
        When the file is no GeoJSON or cannot be read.
    """
    from shapely.errors import ShapelyError
    from shapely.geometry import shape

    content, found = read_json(Path(path)), dict[str, list["Polygon"]]()
    try:
        for kind, geometry in _classified(content):
            found.setdefault(kind, []).extend(_polygons(shape(geometry), str(path)))
    except (AttributeError, KeyError, TypeError, ValueError, ShapelyError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise CorruptFile(f"'{path}' is no GeoJSON of polygons ({error})", "As QuPath exports it") from error
    tissue, tumour = found.get("tissue", []), found.get("tumor", []) + found.get("tumour", [])
    if not tissue:
        raise InvalidInput(
            f"'{path}' holds no outline of the class 'Tissue'",
            f"Expected polygons classified as '{_TISSUE}' and '{_TUMOUR}'; found {sorted(found) or 'none'}",
            "Set the class of the annotations in QuPath, and export them again",
        )
    return Outlines(tuple(tissue), tuple(tumour))


def _feature(polygon: Polygon, kind: str, number: int) -> dict[str, Any]:
    """Return one annotation."""
    from shapely.geometry import mapping

    return {
        "type": "Feature",
        "geometry": mapping(polygon),
        "properties": {
            "objectType": "annotation",
            "name": f"{kind} {number}",
            "classification": {"name": kind, "color": _COLOURS[kind]},
        },
    }


def _classified(content: Any) -> Iterator[tuple[str, Any]]:
    """Yield class, in small letters, and geometry of each feature that has a class."""
    for feature in content["features"] if isinstance(content, dict) else content:
        kind = (feature.get("properties") or {}).get("classification") or {}
        if kind.get("name"):
            yield str(kind["name"]).lower(), feature["geometry"]


def _polygons(geometry: Any, where: str) -> list[Polygon]:
    """Return the polygons of a geometry, or raise when it is none or not valid."""
    parts = list(getattr(geometry, "geoms", [geometry]))
    wrong = next((each for each in parts if each.geom_type != "Polygon" or not each.is_valid or each.is_empty), None)
    if wrong is not None:
        raise InvalidInput(
            f"'{where}' holds an outline that is no valid polygon ({wrong.geom_type})",
            "Expected polygons that do not cross themselves",
            "Draw it again",
        )
    return parts
