"""Regions of a slide in GeoJSON, as QuPath writes and reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cancernet.errors import InvalidInput
from cancernet.files import read_json, whole_file, write_text

if TYPE_CHECKING:
    from shapely import Geometry, MultiPolygon, Polygon

__all__ = ["Region", "growing_geojson", "read_geojson", "write_geojson"]

_DECIMALS = 2  # of a base-level pixel, as QuPath
_LEAST_INSIDE = 0.5  # share of a polygon that must lie in the slide
_POLYGONAL = ("Polygon", "MultiPolygon", "GeometryCollection")
_KNOWN = ("FeatureCollection", "Feature", *_POLYGONAL)
_OTHER = ("Point", "MultiPoint", "LineString", "MultiLineString")


@dataclass(frozen=True)
class Region:
    """A polygon with what is said of it.

    Parameters
    ----------
    polygon
        In base-level pixels.
    label
        The class that QuPath shows ("Tumor", "Tissue"); of derived classes the names joined by ": ". None without one.
    colour
        Red, green, blue of the class, 0 to 255.
    measurements
        Numbers by name.
    kind
        What QuPath takes it for when it is written: "annotation", or "detection" for the many, such as nuclei.
    """

    polygon: Polygon | MultiPolygon
    label: str | None = None
    colour: tuple[int, int, int] | None = None
    measurements: Mapping[str, float] = field(default_factory=dict)
    kind: Literal["annotation", "detection"] = "annotation"


def read_geojson(path: Path, *, l0_size: tuple[int, int] | None = None) -> list[Region]:
    """Return the polygons of a GeoJSON file: of QuPath, new or old, a list of features, or bare geometries.

    Points and lines are left out. A polygon that crosses itself is mended; several polygons of one feature become
    several regions. What reaches over the edge of the slide is cut off.

    Parameters
    ----------
    path
        The file.
    l0_size
        Width and height of the slide, if known.

    Raises
    ------
    StorageFailure
        When the file cannot be read.
    CorruptFile
        When it is not JSON.
    InvalidInput
        When it is not GeoJSON, holds no polygon, or a polygon that lies outside of the slide.
    """
    regions = list(_regions(read_json(path), path))
    if not regions:
        raise InvalidInput(
            f"'{path}' holds no polygon", "At least one Polygon or MultiPolygon", "Draw an area in QuPath"
        )
    return regions if l0_size is None else list(_inside(regions, l0_size, path))


def write_geojson(path: Path, regions: Iterable[Region], *, force: bool = True) -> None:
    """Write regions as annotations of QuPath, in a file that is whole or absent.

    Raises
    ------
    InvalidInput
        When the file exists and `force` is not set, or a measurement or coordinate is no finite number.
    StorageFailure
        When the place cannot be written.
    """
    content = {"type": "FeatureCollection", "features": [_feature(region) for region in regions]}
    write_text(path, _json(content, path) + "\n", force=force)


@contextmanager
def growing_geojson(path: Path, *, force: bool = True) -> Iterator[Callable[[Iterable[Region]], None]]:
    """Yield what appends regions to a file that is never in memory; it appears, whole, when the block ends well.

    Raises
    ------
    InvalidInput, StorageFailure
        As `write_geojson` does.
    """
    with whole_file(path, force=force) as partial, partial.open("w", encoding="utf-8") as stream:
        between = '{"type":"FeatureCollection","features":['

        def append(regions: Iterable[Region]) -> None:
            nonlocal between
            for region in regions:
                stream.write(f"{between}{_json(_feature(region), path)}")
                between = ",\n"

        yield append
        stream.write("]}\n" if between.startswith(",") else f"{between}]}}\n")


def _json(content: Any, path: Path) -> str:
    """Return JSON in one line."""
    try:
        return json.dumps(content, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise InvalidInput(f"A region of '{path}' has a number that is not finite", "Finite numbers only") from error


def _feature(region: Region) -> dict[str, Any]:
    """Return one region as a feature of GeoJSON."""
    import shapely

    geometry = shapely.transform(region.polygon, lambda places: np.round(places, _DECIMALS))
    properties: dict[str, Any] = {"objectType": region.kind}
    if region.label is not None:
        colour = {} if region.colour is None else {"color": list(region.colour)}
        properties["classification"] = {"name": region.label, **colour}
    if region.measurements:
        properties["measurements"] = {name: float(value) for name, value in region.measurements.items()}
    return {"type": "Feature", "geometry": shapely.geometry.mapping(geometry), "properties": properties}


def _regions(content: Any, path: Path) -> Iterator[Region]:
    """Yield the regions of whatever GeoJSON has at its top."""
    kind = content.get("type") if isinstance(content, dict) else None
    if isinstance(content, list):  # older versions of QuPath wrote the features without a collection around
        features = content
    elif kind == "FeatureCollection":
        features = content.get("features")
    elif kind in _KNOWN + _OTHER:
        features = [content]
    else:
        found = f"type {kind!r}" if isinstance(content, dict) else f"a {type(content).__name__}"
        raise InvalidInput(f"'{path}' is no GeoJSON but {found}", f"One of {', '.join(_KNOWN)}", "Export it as GeoJSON")
    if not isinstance(features, list):
        raise InvalidInput(f"'{path}' has no list of features", "features: [...]", "Export it as GeoJSON")
    for number, feature in enumerate(features, 1):
        yield from _regions_of(feature, where=f"Feature {number} of '{path}'")


def _regions_of(feature: Any, *, where: str) -> Iterator[Region]:
    """Yield the regions of a feature, or of a geometry that stands where a feature could."""
    if not isinstance(feature, dict):
        raise InvalidInput(f"{where} is a {type(feature).__name__}", "A feature or a geometry")
    is_feature = feature.get("type") == "Feature"
    geometry = feature.get("geometry") if is_feature else feature
    properties = feature.get("properties") if is_feature else None
    properties = properties if isinstance(properties, dict) else {}
    label, colour = _class_of(properties.get("classification"))
    numbers = _measurements_of(properties.get("measurements"))
    for polygon in _polygons(geometry, where=where):
        yield Region(polygon, label, colour, numbers)


def _class_of(said: Any) -> tuple[str | None, tuple[int, int, int] | None]:
    """Return name and colour of a class, as versions of QuPath write them."""
    if isinstance(said, str):
        return said, None
    if not isinstance(said, dict):
        return None, None
    names = said.get("names")
    name = ": ".join(map(str, names)) if isinstance(names, list) and names else said.get("name")
    return None if name is None else str(name), _colour_of(said)


def _colour_of(said: Mapping[str, Any]) -> tuple[int, int, int] | None:
    """Return a colour from [r, g, b], or from the integer of 32 bits with a sign that older versions wrote."""
    listed, packed = said.get("color"), said.get("colorRGB")
    if isinstance(listed, int):
        listed, packed = None, listed
    if isinstance(listed, list) and len(listed) == 3 and all(isinstance(part, int) for part in listed):
        return listed[0] & 255, listed[1] & 255, listed[2] & 255
    if isinstance(packed, int):
        return packed >> 16 & 255, packed >> 8 & 255, packed & 255
    return None


def _measurements_of(said: Any) -> dict[str, float]:
    """Return measurements from a mapping, or from the list of names and values that older versions wrote."""
    if isinstance(said, list):
        said = {entry.get("name"): entry.get("value") for entry in said if isinstance(entry, dict)}
    pairs = said.items() if isinstance(said, dict) else ()
    return {str(name): float(value) for name, value in pairs if isinstance(value, int | float)}


def _polygons(geometry: Any, *, where: str) -> Iterator[Polygon]:
    """Yield the valid polygons of a geometry; none for points and lines."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if geometry is None or kind in _OTHER:
        return
    if kind == "GeometryCollection":
        for part in geometry.get("geometries") or ():
            yield from _polygons(part, where=where)
    elif kind in _POLYGONAL:
        yield from _valid(_shape(geometry, where=where))
    else:
        raise InvalidInput(f"{where} has a geometry of type {kind!r}", f"One of {', '.join(_POLYGONAL + _OTHER)}")


def _shape(geometry: Mapping[str, Any], *, where: str) -> Geometry:
    """Return a Polygon or MultiPolygon as shapely has it."""
    import shapely

    parts = geometry.get("coordinates")
    try:
        parts = [parts] if geometry["type"] == "Polygon" else parts
        shapes = [shapely.Polygon(_ring(part[0]), [_ring(ring) for ring in part[1:]]) for part in parts or () if part]
    except (TypeError, ValueError, IndexError, KeyError, shapely.errors.ShapelyError) as error:
        raise InvalidInput(f"{where} has coordinates that make no polygon ({error})", "Rings of [x, y]") from error
    return shapely.MultiPolygon(shapes)


def _ring(places: Any) -> Any:
    """Return a ring as (n, 2) finite numbers; heights above the slide are left out."""
    ring = np.array([place[:2] for place in places], dtype=np.float64)
    if ring.ndim != 2 or ring.shape[1] != 2 or not np.isfinite(ring).all():
        raise ValueError("not all places are two finite numbers")
    return ring


def _valid(geometry: Geometry) -> Iterator[Polygon]:
    """Yield the polygons of a geometry, mended where they cross themselves."""
    import shapely

    whole = geometry if geometry.is_valid else shapely.make_valid(geometry, method="structure")
    for part in shapely.get_parts(shapely.get_parts(whole)):
        if part.geom_type == "Polygon" and part.area > 0:
            yield part


def _inside(regions: Iterable[Region], l0_size: tuple[int, int], path: Path) -> Iterator[Region]:
    """Yield the regions cut off at the edge of the slide."""
    import shapely

    slide = shapely.box(0, 0, *l0_size)
    for number, region in enumerate(regions, 1):
        within = region.polygon.intersection(slide)
        if within.area < _LEAST_INSIDE * region.polygon.area:
            bounds = ", ".join(f"{value:.0f}" for value in region.polygon.bounds)
            raise InvalidInput(
                f"Polygon {number} of '{path}' ({bounds}) lies outside of the slide",
                f"x from 0 to {l0_size[0]}, y from 0 to {l0_size[1]}, in base-level pixels",
                "Is it the mask of another slide, or in microns?",
            )
        for part in _valid(within):
            yield Region(part, region.label, region.colour, region.measurements)
