"""Draw the pictures of docs/cells.md from a real nucleus of dsb2018 (CC0): how each of the ten features is made.

Run `python -m benchmarks.cellfigure`. It writes into docs/_static/cells.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from benchmarks.cells import Case, dsb2018
from cancernet.cells import WISCONSIN, CellOptions, Measured, examine, measure_nuclei, write_examined
from cancernet.report.style import INK, MUTED, NETWORK, Drawing, render

FOLDER = Path(__file__).parents[1] / "docs" / "_static" / "cells"
ORANGE, TEAL, LIGHT = "#d55e00", "#0f8276", "#d9dbe6"
MPP = 0.25
SHOWN_FIELD = 7  # of dsb2018, by its manifest
SHOWN_NUCLEUS = (89, 36)  # image by the manifest, and number in its labels: large, lobed and indented

Points = NDArray[np.float64]


def main() -> None:
    """Write features.png, overlay.jpg and profile.png."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    case, measured, row = _nucleus()
    size = (12.5, 5.6)
    drawing = Drawing("features", "", "", "", "", size, lambda figure: _features(figure, case, measured, row))
    (FOLDER / "features.png").write_bytes(render(drawing).png)
    _field()


def _field() -> None:
    """Write overlay and profile of a field, as the program leaves them."""
    case = list(dsb2018())[SHOWN_FIELD]
    with TemporaryDirectory() as folder:
        path = Path(folder, "field.png")
        Image.fromarray(case.image).save(path)
        write_examined(Path(folder), examine(path, options=CellOptions(mpp="0.25")))
        overlay = Image.open(Path(folder, "overlay.png"))
        overlay.resize((overlay.width // 2, overlay.height // 2)).save(FOLDER / "overlay.jpg", quality=88)
        profile = Image.open(Path(folder, "profile.png"))
        profile.resize((profile.width * 2 // 3, profile.height * 2 // 3)).save(FOLDER / "profile.png", optimize=True)


def _nucleus() -> tuple[Case, Measured, int]:
    """Return the nucleus that is drawn."""
    image, number = SHOWN_NUCLEUS
    case = list(dsb2018())[image]
    measured = measure_nuclei(case.image, case.labels, mpp=MPP)
    return case, measured, int(np.flatnonzero(measured.table["nucleus"] == number)[0])


def _features(figure: Figure, case: Case, measured: Measured, row: int) -> None:
    """Draw ten panels."""
    points = measured.contours.points[row]
    panels: dict[str, Callable[[Axes, Points], None]] = {
        "radius": _radius,
        "texture": lambda axes, line: _texture(axes, line, case),
        "perimeter": _perimeter,
        "area": _area,
        "smoothness": _smoothness,
        "compactness": _compactness,
        "concavity": _concavity,
        "concave_points": _concave_points,
        "symmetry": _symmetry,
        "fractal_dimension": _coastline,
    }
    for axes, (name, draw) in zip(figure.subplots(2, 5).ravel(), panels.items(), strict=True):
        draw(axes, points)
        value = float(measured.table[WISCONSIN[name]][row])
        unit = {"radius": " µm", "perimeter": " µm", "area": " µm²", "texture": " grey levels"}.get(name, "")
        axes.set_title(f"{name.replace('_', ' ')}: {value:.3g}{unit}", fontsize=10, color=INK)
        _frame(axes, points)


def _frame(axes: Axes, points: Points) -> None:
    """Give all panels the same frame, without scales."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, (high - low).max() * 0.54
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] + half, middle[1] - half), xticks=[], yticks=[])
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _outline(axes: Axes, points: Points, **style: Any) -> None:
    """Draw the closed contour."""
    closed = np.vstack([points, points[:1]])
    axes.plot(*closed.T, **({"color": NETWORK, "linewidth": 1.8} | style))


def _radius(axes: Axes, points: Points) -> None:
    centre = points.mean(axis=0)
    for point in points[::4]:
        axes.plot(*np.stack([centre, point]).T, color=MUTED, linewidth=0.8)
    _outline(axes, points)
    axes.plot(*centre, "o", color=ORANGE, markersize=5)


def _texture(axes: Axes, points: Points, case: Case) -> None:
    from matplotlib.patches import Polygon

    grey = case.image @ np.array([0.299, 0.587, 0.114])
    height, width = grey.shape
    image = axes.imshow(grey, cmap="gray", extent=(0, width * MPP, height * MPP, 0), interpolation="nearest")
    image.set_clip_path(axes.add_patch(Polygon(points, closed=True, facecolor="none")))
    _outline(axes, points)


def _perimeter(axes: Axes, points: Points) -> None:
    _outline(axes, points, linewidth=1.0)
    axes.plot(*points.T, "o", color=ORANGE, markersize=2.6)


def _area(axes: Axes, points: Points) -> None:
    axes.fill(*points.T, color=LIGHT)
    _outline(axes, points)


def _smoothness(axes: Axes, points: Points) -> None:
    """Show one line and the six that surround it, and how far it is from their mean."""
    centre, radii = points.mean(axis=0), np.hypot(*(points - points.mean(axis=0)).T)
    near = [np.roll(radii, step) for step in (-3, -2, -1, 1, 2, 3)]
    place = int(np.abs(radii - np.mean(near, axis=0)).argmax())
    _outline(axes, points)
    for step in (-3, -2, -1, 1, 2, 3):
        axes.plot(*np.stack([centre, points[(place + step) % len(points)]]).T, color=MUTED, linewidth=0.8)
    axes.plot(*np.stack([centre, points[place]]).T, color=ORANGE, linewidth=1.8)
    mean = centre + (points[place] - centre) * np.mean([one[place] for one in near]) / radii[place]
    axes.plot(*mean, "o", color=TEAL, markersize=5)


def _compactness(axes: Axes, points: Points) -> None:
    """Show the disc of the same area: the less of its edge is needed, the more compact."""
    from cancernet.cells.measure.contours import enclosed

    radius, angle = np.sqrt(enclosed(points[None])[0] / np.pi), np.linspace(0, 2 * np.pi, 200)
    centre = points.mean(axis=0)
    circle = centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    axes.fill(*circle.T, color=LIGHT)
    _outline(axes, points)


def _below(points: Points) -> NDArray[np.float64]:
    """Return how far each point lies below its chord."""
    from cancernet.cells.measure.wisconsin import _depths

    return _depths(points[None])[0]


def _concavity(axes: Axes, points: Points) -> None:
    """Show the chords over indentations, and the depth below each."""
    depth = _below(points)
    _outline(axes, points)
    for place in np.flatnonzero(depth > 0.02)[::2]:
        one, other = points[place - 12], points[(place + 12) % len(points)]
        along = (other - one) / np.hypot(*(other - one))
        foot = one + along * ((points[place] - one) @ along)
        axes.plot(*np.stack([one, other]).T, color=MUTED, linewidth=0.7)
        axes.plot(*np.stack([foot, points[place]]).T, color=ORANGE, linewidth=1.6)


def _concave_points(axes: Axes, points: Points) -> None:
    radius = np.hypot(*(points - points.mean(axis=0)).T).mean()
    below = _below(points) > 1e-3 * radius
    _outline(axes, points, linewidth=1.0)
    axes.plot(*points[~below].T, "o", color=NETWORK, markersize=2.4)
    axes.plot(*points[below].T, "o", color=ORANGE, markersize=5)


def _symmetry(axes: Axes, points: Points) -> None:
    """Show the longest chord through the centre and the lines to either side."""
    from shapely import LineString, Polygon

    centre, polygon = points.mean(axis=0), Polygon(points)
    ways = [np.array([np.cos(angle), np.sin(angle)]) for angle in np.linspace(0, np.pi, 180, endpoint=False)]
    axis = max(ways, key=lambda way: polygon.intersection(LineString([centre - 99 * way, centre + 99 * way])).length)
    reach = (points - centre) @ axis
    across = np.array([-axis[1], axis[0]])
    for place in np.linspace(reach.min(), reach.max(), 14)[1:-1]:
        foot = centre + place * axis
        for sign, colour in ((1, ORANGE), (-1, TEAL)):
            line = polygon.intersection(LineString([foot, foot + sign * 99 * across]))
            for part in getattr(line, "geoms", [line]):
                axes.plot(*np.array(part.coords).T, color=colour, linewidth=1.3)
    axes.plot(*np.stack([centre + reach.min() * axis, centre + reach.max() * axis]).T, color=INK, linewidth=1.6)
    _outline(axes, points)


def _coastline(axes: Axes, points: Points) -> None:
    """Show the contour walked with rulers of 32, 16 and 8 of its 128 points."""
    _outline(axes, points, color=LIGHT, linewidth=3)
    for span, colour in ((8, NETWORK), (16, TEAL), (32, ORANGE)):
        _outline(axes, points[::span], color=colour, linewidth=1.3)


if __name__ == "__main__":
    main()
