"""The table of nuclei: against scikit-image, on known masks, on masks that need mending, and on bad input."""

import numpy as np
import pytest
from PIL import Image

from cancernet.cells import WISCONSIN, measure_nuclei
from cancernet.errors import InvalidInput, MissingResolution
from cells.drawn import disc, field, oval

FREE = ("smoothness", "compactness", "concavity", "concave_points", "symmetry", "fractal_dimension", "solidity")


def plain(labels: np.ndarray) -> np.ndarray:
    """Return an image of one colour."""
    return np.full((*labels.shape, 3), (120, 80, 160), np.uint8)


def row_of(labels: np.ndarray, mpp: float = 0.25):
    return measure_nuclei(plain(labels), labels, mpp=mpp).table.iloc[0]


def test_it_agrees_with_scikit_image():
    from skimage.measure import regionprops

    image, labels = field(1)
    found = measure_nuclei(image, labels, mpp=0.5).table
    assert (found["reason"] == "").all()
    grey = image @ np.array([0.299, 0.587, 0.114])
    pixel = 16 / 12 * 0.25  # the variance of a pixel itself, which scikit-image leaves out
    for row, twin in zip(found.itertuples(), regionprops(labels, grey), strict=True):
        assert row.nucleus == twin.label
        assert row.area_um2 == pytest.approx(twin.area * 0.25)
        assert (row.y_um, row.x_um) == pytest.approx(tuple((np.array(twin.centroid) + 0.5) * 0.5))
        assert row.major_um**2 == pytest.approx(twin.axis_major_length**2 / 4 + pixel)
        assert row.minor_um**2 == pytest.approx(twin.axis_minor_length**2 / 4 + pixel)
        assert row.eccentricity == pytest.approx(twin.eccentricity, abs=0.02)
        assert row.texture == pytest.approx(twin.image_intensity[twin.image].std(), rel=1e-4)
        assert row.perimeter_um == pytest.approx(twin.perimeter_crofton * 0.5, rel=0.06)
        assert row.solidity == pytest.approx(twin.solidity, abs=0.06)  # scikit-image's hull is one of pixels
        turned = (row.orientation_deg - np.degrees(twin.orientation) - 90) % 180
        assert min(turned, 180 - turned) < 1e-3 or row.eccentricity < 0.1


def test_a_disc_is_a_disc():
    row = row_of(disc(20))
    assert row["radius_um"] == pytest.approx(5, rel=5e-3)
    assert row["perimeter_um"] == pytest.approx(10 * np.pi, rel=5e-3)
    assert row["area_um2"] == pytest.approx(25 * np.pi, rel=5e-3)
    assert row["compactness"] == pytest.approx(0, abs=5e-3)
    assert row["solidity"] == pytest.approx(1, abs=5e-3)
    assert row["eccentricity"] < 0.1


@pytest.mark.parametrize("degrees", [0, 20, 45, 70, -30])
def test_an_oval_knows_how_it_lies(degrees):
    row = row_of(oval(40, 20, degrees))
    assert row["orientation_deg"] == pytest.approx(degrees, abs=0.5)
    assert (row["major_um"], row["minor_um"]) == (pytest.approx(20, rel=0.01), pytest.approx(10, rel=0.01))
    assert row["eccentricity"] == pytest.approx(np.sqrt(3) / 2, abs=5e-3)


def test_turning_the_image_changes_no_shape():
    image, labels = field(2)
    here, there = (measure_nuclei(np.rot90(image, k), np.rot90(labels, k), mpp=0.25).table for k in (0, 1))
    for name in (*WISCONSIN.values(), "major_um", "solidity", "contrast", "entropy", "lbp_4", "lbp_9", "nearest_um"):
        tolerance = 0.03 if name == "symmetry" else 2e-3  # the first point of a contour is another one
        assert there[name].to_numpy() == pytest.approx(here[name].to_numpy(), abs=tolerance, rel=2e-3), name


def test_shifting_changes_nothing_but_the_place():
    labels = oval(20, 12, 30)
    here, there = row_of(labels), row_of(np.roll(labels, (7, -11), axis=(0, 1)))
    assert (there["x_um"] - here["x_um"], there["y_um"] - here["y_um"]) == pytest.approx((-11 / 4, 7 / 4))
    for name in (*WISCONSIN.values(), "solidity"):
        assert there[name] == pytest.approx(here[name], abs=1e-3), name


@pytest.mark.parametrize("scale", [2, 4])
def test_another_resolution_gives_the_same_microns(scale):
    """A lobed nucleus seen with finer pixels."""
    y, x = np.mgrid[: 80 * scale, : 80 * scale] + 0.5
    angle, reach = np.arctan2(y - 40 * scale, x - 40 * scale), np.hypot(y - 40 * scale, x - 40 * scale)
    fine = (reach <= 20 * scale * (1 + 0.15 * np.cos(3 * angle))).astype(int)
    coarse = fine[scale // 2 :: scale, scale // 2 :: scale]
    one, other = row_of(coarse, 0.25), row_of(fine, 0.25 / scale)
    for name in ("radius_um", "perimeter_um", "area_um2", "major_um"):
        assert other[name] == pytest.approx(one[name], rel=0.02), name
    for name in FREE:
        assert other[name] == pytest.approx(one[name], abs=0.035), name


def test_what_is_cut_by_the_border_is_flagged():
    labels = np.zeros((50, 50), int)
    labels[:10, 20:30], labels[20:30, 20:30], labels[40:, 40:] = 3, 9, 4
    table = measure_nuclei(plain(labels), labels, mpp=0.25).table
    assert dict(zip(table["nucleus"], table["cut"], strict=True)) == {3: True, 4: True, 9: False}
    assert table["border_um"].tolist() == pytest.approx([1.25, 1.25, 6.25])


def test_neighbours_and_density():
    """A grid of points 10 microns apart: 10,000 per square millimetre; the corner counts its part of the disc only."""
    labels = np.zeros((400, 400), int)
    labels[20::40, 20::40] = np.arange(1, 101).reshape(10, 10)
    table = measure_nuclei(plain(labels), labels, mpp=0.25).table
    assert table["nearest_um"].to_numpy() == pytest.approx(np.full(100, 10.0))
    assert table["neighbours"].max() == 20  # places with 0 < i^2 + j^2 <= 6.25
    assert table["density_per_mm2"].mean() == pytest.approx(10_000, rel=0.15)
    assert table["reason"].str.contains("too few for a shape").all()


def test_holes_are_filled_and_the_largest_piece_is_measured():
    labels = np.zeros((60, 60), np.uint16)
    labels[10:30, 10:30] = 2
    labels[15:18, 15:19] = 0
    labels[40:43, 40:43] = 2
    found = measure_nuclei(plain(labels), labels, mpp=1.0)
    row = found.table.iloc[0]
    assert row["area_um2"] == 400
    assert row["reason"] == "2 pieces, the largest is measured; 12 pixels of holes filled; the only nucleus"
    assert found.labels.sum() == 400


def test_a_nucleus_inside_of_another_stays():
    labels = np.zeros((60, 60), int)
    labels[10:40, 10:40], labels[20:30, 20:30] = 1, 2
    table = measure_nuclei(plain(labels), labels, mpp=1.0).table
    assert table["area_um2"].tolist() == [800, 100]
    assert "encloses another nucleus" in table["reason"][0]


def test_a_single_pixel_says_why_it_has_no_shape():
    labels = np.zeros((9, 9), int)
    labels[4, 4] = 1
    row = row_of(labels)
    missing = [name for name, value in row.items() if isinstance(value, float) and np.isnan(value)]
    assert row["area_um2"] == 0.0625
    assert {"radius_um", "contrast", "nearest_um"} <= set(missing)
    for words in ("too few for a shape", "no two pixels", "the only nucleus"):
        assert words in row["reason"]


def test_no_value_is_missing_without_a_reason():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 40, (40, 40)) * (rng.random((40, 40)) < 0.6)
    table = measure_nuclei(plain(labels), labels, mpp=0.25).table
    unexplained = table[table["reason"] == ""]
    assert not unexplained.isna().any(axis=None)


def test_no_nucleus_has_a_table_without_rows():
    labels = np.zeros((20, 20), np.uint8)
    full = measure_nuclei(plain(disc(10)), disc(10), mpp=0.25)
    found = measure_nuclei(plain(labels), labels, mpp=0.25)
    assert len(found) == 0
    assert list(found.table.columns) == list(full.table.columns)


def test_numbers_beyond_16_bits_and_with_gaps_are_kept():
    labels = np.zeros((40, 40), np.int64)
    labels[2:12, 2:12], labels[20:30, 20:30] = 70_000, 2**31 - 1
    found = measure_nuclei(plain(labels), labels, mpp=0.25)
    assert found.table["nucleus"].tolist() == [70_000, 2**31 - 1]
    assert set(np.unique(found.labels)) == {0, 1, 2}


@pytest.mark.parametrize(
    ("image", "labels", "message"),
    [
        (np.zeros((9, 9), np.uint8), np.zeros((9, 9), int), "An image of shape"),
        (np.zeros((9, 9, 3)), np.zeros((9, 9), int), "type float64"),
        (np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9), int), "An image of shape"),
        (np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9)), "Labels of shape"),
        (np.zeros((9, 9, 3), np.uint8), np.zeros((8, 9), int), "9 x 8 pixels for an image of 9 x 9"),
        (np.zeros((9, 9, 3), np.uint8), np.full((9, 9), -1), "Labels from -1"),
        (np.zeros((9, 9, 3), np.uint8), np.full((9, 9), 2**40), "Labels from"),
    ],
)
def test_bad_input_is_refused(image, labels, message):
    with pytest.raises(InvalidInput, match=message):
        measure_nuclei(image, labels, mpp=0.25)


@pytest.mark.parametrize("mpp", [0.0, -1.0, np.nan, np.inf])
def test_a_resolution_that_is_none_is_refused(mpp):
    with pytest.raises(MissingResolution):
        measure_nuclei(plain(disc(5)), disc(5), mpp=mpp)


@pytest.mark.realdata
def test_fields_of_real_nuclei_lie_in_the_range_of_the_wisconsin_table(realdata):
    """Means over nuclei of whole fields against the column `mean ...` of the table; only features without a unit."""
    from sklearn.datasets import load_breast_cancer

    table, inside = load_breast_cancer().data, []
    for path in sorted((realdata / "nuclei" / "monuseg" / "images").glob("*.jpg"))[:2]:
        image = np.array(Image.open(path).convert("RGB"))
        labels = np.array(Image.open(path.parents[1] / "labels" / f"{path.stem}.png"))
        found = measure_nuclei(image, labels, mpp=0.25).table.query("area_um2 > 6 and not cut")
        for place, (name, column) in enumerate(WISCONSIN.items()):
            if name not in ("radius", "perimeter", "area"):
                inside.append(table[:, place].min() <= found[column].mean() <= table[:, place].max())
    assert np.mean(inside) > 0.9
