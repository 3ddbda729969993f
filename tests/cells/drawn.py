"""Shapes whose measurements are known: as contours, as masks, as images."""

from __future__ import annotations

import numpy as np

from cancernet.cells import POINTS


def at_equal_distances(line: np.ndarray, points: int = POINTS) -> np.ndarray:
    """Return a closed line, (m, 2), cut into points at equal distances, (1, points, 2)."""
    closed = np.vstack([line, line[:1]])
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    places = along[-1] * np.arange(points) / points
    return np.stack([np.interp(places, along, axis) for axis in closed.T], axis=-1)[None]


def polar(reach, points: int = POINTS) -> np.ndarray:
    """Return the contour whose radius at each angle is given by a function."""
    angle = 2 * np.pi * np.arange(8192) / 8192
    return at_equal_distances(reach(angle)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), points)


def circle(radius: float = 1.0) -> np.ndarray:
    return polar(lambda angle: np.full_like(angle, radius))


def ellipse(a: float, b: float) -> np.ndarray:
    return polar(lambda angle: a * b / np.hypot(b * np.cos(angle), a * np.sin(angle)))


def square(side: float = 1.0) -> np.ndarray:
    return at_equal_distances(side * np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]]))


def star(rays: int = 5, depth: float = 0.3) -> np.ndarray:
    return polar(lambda angle: 1 + depth * np.cos(rays * angle))


def koch(level: int = 5) -> np.ndarray:
    """Return Koch's snowflake; the dimension of its line is log 4 / log 3."""
    line = np.exp(1j * np.array([0, 1, 2]) * 2 * np.pi / 3)
    for _ in range(level):
        step = (np.roll(line, -1) - line) / 3
        line = np.stack([line, line + step, line + step * (1 + np.exp(-1j * np.pi / 3)), line + 2 * step], 1).ravel()
    return at_equal_distances(np.stack([line.real, line.imag], axis=1))


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    """Return points turned about the origin."""
    angle = np.radians(degrees)
    return points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def disc(radius: float, *, size: int = 100, centre: tuple[float, float] = (50.2, 49.7)) -> np.ndarray:
    """Return the mask of a disc; the centre is x, y in pixels from the corner."""
    y, x = np.mgrid[:size, :size] + 0.5
    return (np.hypot(x - centre[0], y - centre[1]) <= radius).astype(np.int32)


def oval(a: float, b: float, degrees: float, *, size: int = 160) -> np.ndarray:
    """Return the mask of an ellipse, whose long axis rises to the right by so many degrees."""
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    angle = np.radians(degrees)
    along, across = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    return ((along / a) ** 2 + (across / b) ** 2 <= 1).astype(np.int32)


def field(seed: int = 0, *, size: int = 200, nuclei: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Return an image of dark ovals on pale tissue, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((size, size), np.int32)
    y, x = np.mgrid[:size, :size] + 0.5
    for number in range(1, nuclei + 1):
        centre, radius, angle = rng.uniform(0, size, 2), rng.uniform(5, 11, 2), rng.uniform(0, np.pi)
        along = (x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)
        across = (y - centre[1]) * np.cos(angle) - (x - centre[0]) * np.sin(angle)
        inside = (along / radius[0]) ** 2 + (across / radius[1]) ** 2 <= 1
        if not labels[inside].any():
            labels[inside] = number
    image = np.where(labels[..., None] > 0, [110, 70, 150], [235, 190, 215]) + rng.normal(0, 8, (size, size, 3))
    return image.clip(0, 255).astype(np.uint8), labels
