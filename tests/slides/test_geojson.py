import json

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from cancernet.errors import CorruptFile, InvalidInput, StorageFailure
from cancernet.slides import Region, polygons_of, rasterise, read_geojson, write_geojson

SQUARE = [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]
WITH_HOLE = [*SQUARE, [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]]


def written(folder, content):
    path = folder / "regions.geojson"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def feature(coordinates=SQUARE, kind="Polygon", **properties):
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=8)).filter(np.any))
def test_masks_come_back(tmp_path_factory, mask):
    path = tmp_path_factory.mktemp("masks") / "mask.geojson"
    write_geojson(path, [Region(polygon, "Tissue") for polygon in polygons_of(mask, (16.37, 16.41))])
    polygons = [region.polygon for region in read_geojson(path)]
    assert shapely.is_valid(polygons).all()
    assert np.array_equal(rasterise(polygons, mask.shape, l0_scale=(16.37, 16.41)), mask)


def test_everything_of_a_region_comes_back(tmp_path):
    region = Region(shapely.Polygon(WITH_HOLE[0], WITH_HOLE[1:]), "Tümor", (200, 0, 13), {"Score: mean": 0.25})
    path = tmp_path / "deep" / "regions.geojson"
    write_geojson(path, [region])
    (found,) = read_geojson(path)
    assert found.polygon.equals(region.polygon)
    assert (found.label, found.colour, found.measurements) == ("Tümor", (200, 0, 13), {"Score: mean": 0.25})


def test_the_file_is_what_qupath_reads(tmp_path):
    path = tmp_path / "regions.geojson"
    write_geojson(
        path, [Region(shapely.box(0, 0, 1, 1), "Tumor", (255, 0, 0), {"Area": 2}), Region(shapely.box(0, 0, 3, 3))]
    )
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["type"] == "FeatureCollection"
    first, second = content["features"]
    assert first["type"] == "Feature"
    assert first["geometry"]["type"] == "Polygon"
    assert first["geometry"]["coordinates"][0][0] == first["geometry"]["coordinates"][0][-1]
    assert first["properties"] == {
        "objectType": "annotation",
        "classification": {"name": "Tumor", "color": [255, 0, 0]},
        "measurements": {"Area": 2.0},
    }
    assert second["properties"] == {"objectType": "annotation"}


def test_an_empty_list_is_written_and_refused_when_read(tmp_path):
    write_geojson(tmp_path / "none.geojson", [])
    with pytest.raises(InvalidInput, match="no polygon"):
        read_geojson(tmp_path / "none.geojson")


CLASSES = {
    "new": ({"name": "Tumor", "color": [200, 0, 0]}, "Tumor", (200, 0, 0)),
    "old": ({"name": "Tumor", "colorRGB": -3670016}, "Tumor", (200, 0, 0)),
    "derived": ({"names": ["Tumor", "Positive"], "color": [1, 2, 3]}, "Tumor: Positive", (1, 2, 3)),
    "one integer": ({"name": "Stroma", "color": -6895466}, "Stroma", (150, 200, 150)),
    "only a name": ("Necrosis", "Necrosis", None),
    "no colour": ({"name": "Other"}, "Other", None),
    "nothing": (None, None, None),
}


@pytest.mark.parametrize("case", CLASSES)
def test_classes_of_all_versions(tmp_path, case):
    said, label, colour = CLASSES[case]
    (region,) = read_geojson(written(tmp_path, collection(feature(classification=said))))
    assert (region.label, region.colour) == (label, colour)


def test_measurements_of_old_versions(tmp_path):
    said = [{"name": "Area", "value": 2.5}, {"name": "Words", "value": "x"}, {"name": "Missing", "value": None}]
    (region,) = read_geojson(written(tmp_path, collection(feature(measurements=said))))
    assert region.measurements == {"Area": 2.5}


TOPS = {
    "collection": collection(feature()),
    "one feature": feature(),
    "list of features": [feature()],
    "bare geometry": {"type": "Polygon", "coordinates": SQUARE},
    "several polygons": {"type": "MultiPolygon", "coordinates": [SQUARE]},
    "geometries": {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": SQUARE}]},
    "with heights": {"type": "Polygon", "coordinates": [[[*place, 7] for place in SQUARE[0]]]},
    "with a point": collection(feature([3, 3], "Point"), feature(), {"type": "Feature", "geometry": None}),
}


@pytest.mark.parametrize("top", TOPS)
def test_all_shapes_of_files(tmp_path, top):
    (region,) = read_geojson(written(tmp_path, TOPS[top]))
    assert region.polygon.equals(shapely.box(0, 0, 10, 10))


def test_several_polygons_keep_their_class(tmp_path):
    far = [[[x + 100, y] for x, y in SQUARE[0]]]
    regions = read_geojson(written(tmp_path, feature([WITH_HOLE, far], "MultiPolygon", classification={"name": "T"})))
    assert [region.polygon.area for region in regions] == [96, 100]
    assert {region.label for region in regions} == {"T"}


def test_a_polygon_that_crosses_itself_is_mended(tmp_path):
    bow = [[[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]]
    regions = read_geojson(written(tmp_path, feature(bow)))
    assert all(region.polygon.is_valid for region in regions)
    assert sum(region.polygon.area for region in regions) == pytest.approx(50)


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ("{", CorruptFile, "not valid JSON"),
        ("", CorruptFile, "not valid JSON"),
        ({"type": "Topology"}, InvalidInput, "no GeoJSON but type 'Topology'"),
        ({"a": 1}, InvalidInput, "no GeoJSON but type None"),
        (3, InvalidInput, "no GeoJSON but a int"),
        ({"type": "FeatureCollection"}, InvalidInput, "no list of features"),
        (collection(), InvalidInput, "no polygon"),
        (collection(feature([1, 2], "Point")), InvalidInput, "no polygon"),
        (collection(3), InvalidInput, "Feature 1 of .* is a int"),
        (collection(feature(), feature(kind="Circle")), InvalidInput, "Feature 2 of .*type 'Circle'"),
        (collection(feature([[[0, 0], [1, 1]]])), InvalidInput, "make no polygon"),
        (collection(feature([[["a", 0], [1, 1], [2, 0], [0, 0]]])), InvalidInput, "make no polygon"),
        (collection(feature([[[0, 0], [1], [2, 0], [0, 0]]])), InvalidInput, "make no polygon"),
        (collection(feature(5)), InvalidInput, "make no polygon"),
        (collection(feature([[0, 0], [1, 1], [2, 0]])), InvalidInput, "make no polygon"),
        ('{"type":"Polygon","coordinates":[[[0,0],[NaN,1],[2,0],[0,0]]]}', InvalidInput, "make no polygon"),
        ({"type": "Polygon"}, InvalidInput, "no polygon"),
    ],
)
def test_files_that_cannot_be_used_say_why(tmp_path, content, error, words):
    with pytest.raises(error, match=words):
        read_geojson(written(tmp_path, content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StorageFailure, match="absent"):
        read_geojson(tmp_path / "absent.geojson")


def test_what_reaches_over_the_edge_is_cut_off(tmp_path):
    (region,) = read_geojson(written(tmp_path, feature()), l0_size=(8, 20))
    assert region.polygon.bounds == (0, 0, 8, 10)


@pytest.mark.parametrize("size", [(4, 10), (10, 3)])
def test_polygons_of_another_slide_are_refused(tmp_path, size):
    with pytest.raises(InvalidInput, match=r"Polygon 1 of .* lies outside of the slide"):
        read_geojson(written(tmp_path, feature()), l0_size=size)


def test_numbers_must_be_finite(tmp_path):
    path = tmp_path / "regions.geojson"
    with pytest.raises(InvalidInput, match="not finite"):
        write_geojson(path, [Region(shapely.box(0, 0, 1, 1), measurements={"Score": float("nan")})])
    assert not list(tmp_path.iterdir())


def test_existing_files_are_kept_on_request(tmp_path):
    path = written(tmp_path, "mine")
    with pytest.raises(InvalidInput, match="exists already"):
        write_geojson(path, [], force=False)
    assert path.read_text() == "mine"
