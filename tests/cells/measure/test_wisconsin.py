"""Each feature on shapes whose value is known, and against loops written from the words of the paper."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancernet.cells import POINTS, SHAPES, shapes
from cells.drawn import at_equal_distances, circle, ellipse, koch, polar, square, star, turned

NO_UNIT = ("smoothness", "compactness", "concavity", "concave_points", "symmetry", "fractal_dimension")


def one(points: np.ndarray) -> dict[str, float]:
    return {name: float(values[0]) for name, values in shapes(points).items()}


def wavy(seed: int) -> np.ndarray:
    """Return a random contour that can be seen from its centre."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(0, 0.25, 6) / np.arange(1, 7)
    phases = rng.uniform(0, 2 * np.pi, 6)
    return polar(lambda angle: 2 + sum(waves[k] * np.cos((k + 1) * angle + phases[k]) for k in range(6)))


def test_a_circle():
    found = one(circle(3.0))
    assert found["radius"] == pytest.approx(3, rel=1e-3)
    assert found["perimeter"] == pytest.approx(6 * np.pi, rel=1e-3)
    assert found["area"] == pytest.approx(9 * np.pi, rel=1e-3)
    for name in ("smoothness", "compactness", "concavity", "concave_points", "symmetry"):
        assert found[name] == pytest.approx(0, abs=1e-3), name
    assert found["fractal_dimension"] == pytest.approx(0.0492, abs=1e-4)


def test_an_ellipse():
    from scipy.special import ellipe

    found = one(ellipse(2, 1))
    perimeter = 8 * ellipe(1 - 1 / 4)
    assert found["perimeter"] == pytest.approx(perimeter, rel=1e-3)
    assert found["area"] == pytest.approx(2 * np.pi, rel=1e-3)
    assert found["compactness"] == pytest.approx(perimeter**2 / (8 * np.pi**2) - 1, rel=2e-3)
    assert found["symmetry"] == pytest.approx(0, abs=5e-3)
    assert (found["concavity"], found["concave_points"]) == (0, 0)
    assert found["smoothness"] > 0.05


def test_a_square():
    found = one(square(2.0))
    assert found["radius"] == pytest.approx(1.1478, rel=2e-3)  # (sqrt(2) + asinh(1)) / 2
    assert (found["perimeter"], found["area"]) == (pytest.approx(8), pytest.approx(4))
    assert found["compactness"] == pytest.approx(4 / np.pi - 1)
    assert found["concave_points"] == 0
    assert found["symmetry"] == pytest.approx(0, abs=1e-6)


def test_a_star_has_as_many_concave_arcs_as_rays():
    from cancernet.cells.measure.wisconsin import _depths

    points = star(rays=5)
    below = _depths(points)[0] > 1e-3
    assert np.count_nonzero(below & ~np.roll(below, 1)) == 5
    shallow, deep = one(star(5, 0.15)), one(star(5, 0.3))
    assert 0 < shallow["concavity"] < deep["concavity"]
    assert one(star(6, 0.3))["symmetry"] == pytest.approx(0, abs=0.02)  # the line through two rays is a mirror


def test_koch_has_its_dimension():
    """Log 4 / log 3 - 1 = 0.262; four rulers over an eightfold range, of a line without smallest step."""
    assert one(koch())["fractal_dimension"] == pytest.approx(np.log(4) / np.log(3) - 1, abs=0.05)


def test_half_an_ellipse_cut_off_is_not_symmetric():
    """Left and right of the long axis of a half-moon differ by all that is cut off."""
    flat = polar(lambda angle: np.where(np.sin(angle) > 0, 1.0, 0.5) / np.hypot(np.cos(angle), 2 * np.sin(angle)))
    assert one(flat)["symmetry"] > 0.15


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_they_agree_with_loops_over_points(seed):
    points = wavy(seed)
    found, line = one(points), points[0]
    centre = line.mean(axis=0)
    r = [float(np.hypot(*(point - centre))) for point in line]
    perimeter = sum(float(np.hypot(*(line[(i + 1) % POINTS] - line[i]))) for i in range(POINTS))
    local = sum(abs(r[i] - np.mean([r[(i + k) % POINTS] for k in (-3, -2, -1, 1, 2, 3)])) for i in range(POINTS))
    depths = [_below_chord(line, i) for i in range(POINTS)]
    assert found["radius"] == pytest.approx(np.mean(r))
    assert found["smoothness"] == pytest.approx(local / perimeter)
    assert found["concavity"] == pytest.approx(sum(depths) / perimeter)
    assert found["concave_points"] == pytest.approx(np.mean([depth > 1e-3 * np.mean(r) for depth in depths]))
    assert found["fractal_dimension"] == pytest.approx(_coastline(line))
    assert found["symmetry"] == pytest.approx(_sides_apart(line), abs=0.02)


@given(st.integers(0, 10_000), st.floats(0, 360), st.floats(0.05, 20), st.integers(0, POINTS - 1))
def test_place_turn_size_and_first_point_change_nothing(seed, degrees, scale, first):
    points = wavy(seed)
    moved = scale * np.roll(turned(points, degrees), first, axis=1) + [13.0, -7.0]
    found, same = one(points), one(moved)
    for name in NO_UNIT:
        assert same[name] == pytest.approx(found[name], abs=0.01 if name == "symmetry" else 1e-6), name
    assert same["radius"] == pytest.approx(scale * found["radius"])
    assert same["area"] == pytest.approx(scale**2 * found["area"])


def test_no_contour_has_no_value():
    found = shapes(np.empty((0, POINTS, 2)))
    assert tuple(found) == SHAPES
    assert all(values.shape == (0,) for values in found.values())


def test_compactness_reads_the_table_as_four_pi():
    """Both readings of "perimeter^2 / area - 1.0" against the table: one of them cannot be."""
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer().data
    perimeter, area, column = table[:, 2], table[:, 3], table[:, 5]
    as_written, with_four_pi = perimeter**2 / area - 1, perimeter**2 / (4 * np.pi * area) - 1
    assert np.median(column / with_four_pi) == pytest.approx(1.14, abs=0.01)
    assert np.median(column / as_written) < 0.01


def _below_chord(line: np.ndarray, i: int) -> float:
    """Return the depth of a point below the line through the points 12 before and 12 behind it, 0 above."""
    a, b, p = line[i - 12], line[(i + 12) % POINTS], line[i]
    u = (b - a) / np.hypot(*(b - a))
    return max(0.0, float(u[0] * (p - a)[1] - u[1] * (p - a)[0]))


def _coastline(line: np.ndarray) -> float:
    """Return minus the slope of a straight line through four perimeters by their rulers, on logarithms."""
    rulers, perimeters = [], []
    for span in (4, 8, 16, 32):
        steps = [float(np.hypot(*(line[(i + span) % POINTS] - line[i]))) for i in range(POINTS)]
        rulers.append(np.log(np.mean(steps)))
        perimeters.append(np.log(np.mean(steps) * POINTS / span))
    return -float(np.polyfit(rulers, perimeters, 1)[0])


def _sides_apart(line: np.ndarray) -> float:
    """Return the symmetry by shapely: the longest of 2,000 chords through the centre, 32 lines across."""
    from shapely import LineString, Point, Polygon

    polygon = Polygon(line)
    centre = line.mean(axis=0)
    best, axis = 0.0, np.zeros(2)
    for angle in np.linspace(0, np.pi, 360, endpoint=False):
        u = np.array([np.cos(angle), np.sin(angle)])
        chord = polygon.intersection(LineString([centre - 99 * u, centre + 99 * u])).length
        best, axis = (chord, u) if chord > best else (best, axis)
    ends = np.array(polygon.intersection(LineString([centre - 99 * axis, centre + 99 * axis])).bounds).reshape(2, 2)
    ends = ends if axis[0] >= 0 and axis[1] >= 0 else _other(ends)
    low, high = sorted(float((end - centre) @ axis) for end in ends)
    across = np.array([-axis[1], axis[0]])
    apart = total = 0.0
    for k in range(32):
        foot = centre + (low + (high - low) * (k + 0.5) / 32) * axis
        sides = [polygon.intersection(LineString([foot, foot + sign * 99 * across])).length for sign in (1, -1)]
        apart, total = apart + abs(sides[0] - sides[1]), total + sum(sides)
    assert Point(centre).within(polygon)
    return 2 * apart / total


def _other(box: np.ndarray) -> np.ndarray:
    """Return the ends of a line that falls to the right from its bounds."""
    (x0, y0), (x1, y1) = box
    return np.array([[x0, y1], [x1, y0]])


def test_points_of_a_polygon_are_cut_at_equal_distances():
    steps = np.hypot(*np.diff(at_equal_distances(np.array([[0.0, 0], [3, 0], [3, 1], [0, 1]]))[0], axis=0).T)
    assert np.median(steps) == pytest.approx(8 / POINTS)
