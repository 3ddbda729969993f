"""Symmetry: how much the two sides of a nucleus differ, left and right of its longest chord through the centre."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["symmetry"]

_ANGLES = 128  # of the profile
_LINES = 32  # at right angles to the chord

Points = NDArray[np.float64]  # (n, points, 2)
Side = tuple[NDArray[np.float64], NDArray[np.float64]]  # places along the axis, distances from it
Profile = NDArray[np.float64]  # (n, _ANGLES): length of the line from the centre at each angle


def symmetry(points: Points) -> NDArray[np.float64]:
    """Return sum |left - right| / mean of both sums, over lines at right angles to the longest chord.

    "the major axis, or longest chord through the center, is found. We then measure the length difference between lines
    perpendicular to the major axis to the cell boundary in both directions." 32 lines at equal distances; the
    difference counts against the mean length of a line to one side: |l - r| / ((l + r) / 2). 0 for what has this axis
    as its mirror. "Special care is taken [...] where the major axis cuts the cell boundary": contours are taken as
    their profile of lengths over angles, so that each side stays on its side.

    Parameters
    ----------
    points
        Shape (n, points, 2), float64: x, y, with the clock as seen.

    Returns
    -------
    Shape (n,), no unit.

    References
    ----------
    Street, Wolberg and Mangasarian 1993, doi 10.1117/12.148698.
    """
    if not len(points):
        return np.empty(0)
    lines = points - points.mean(axis=1, keepdims=True)
    angles = np.unwrap(np.arctan2(lines[..., 1], lines[..., 0]), axis=1)
    angles = np.maximum.accumulate(angles, axis=1)
    reach = np.hypot(lines[..., 0], lines[..., 1])
    axis = _longest_chord(_profile(angles, reach, np.zeros(len(points))))
    turned = _profile(angles, reach, axis)
    left, right = _lines(_side(turned[:, : _ANGLES // 2 + 1]), _side(_other_side(turned)))
    both = np.maximum((left + right).sum(axis=1), np.finfo(float).tiny)
    found: NDArray[np.float64] = 2 * np.abs(left - right).sum(axis=1) / both
    return found


def _profile(angles: NDArray[np.float64], reach: NDArray[np.float64], start: NDArray[np.float64]) -> Profile:
    """Return the reach at equal angles from `start`, (n,) radians, on.

    All contours lie on one axis of angles, three turns for each, so that one interpolation serves them all.
    """
    turn, count = 2 * np.pi, len(angles)
    shift = turn * np.arange(count) * 5
    line = np.concatenate([angles - turn, angles, angles + turn], axis=1) - angles[:, :1] + shift[:, None]
    begin = np.mod(start - angles[:, 0], turn)
    asked = shift[:, None] + np.mod(begin[:, None] + turn * np.arange(_ANGLES) / _ANGLES, turn)
    line = np.maximum.accumulate(line, axis=1)
    profile: Profile = np.interp(asked, line.ravel(), np.tile(reach, (1, 3)).ravel())
    return profile


def _longest_chord(profile: Profile) -> NDArray[np.float64]:
    """Return the angle of the longest chord through the centre; a parabola finds it between the angles of the profile.

    Of its two ends the farther one is taken.
    """
    half, rows = _ANGLES // 2, np.arange(len(profile))
    chord = profile[:, :half] + profile[:, half:]
    best = chord.argmax(axis=1)
    before, here, behind = (chord[rows, (best + step) % half] for step in (-1, 0, 1))
    bend = before - 2 * here + behind
    shift = np.where(bend < 0, (before - behind) / np.where(bend < 0, 2 * bend, 1.0), 0.0)
    farther = np.where(profile[rows, best] >= profile[rows, best + half], 0, half)
    angle: NDArray[np.float64] = (best + shift + farther) * 2 * np.pi / _ANGLES
    return angle


def _other_side(turned: Profile) -> Profile:
    """Return the reach from the axis on, against the clock."""
    return np.concatenate([turned[:, :1], turned[:, : _ANGLES // 2 - 1 : -1]], axis=1)


def _side(half: Profile) -> Side:
    """Return one side as places along the axis, rising, and distances from it; (n, _ANGLES / 2 + 1) each."""
    angles = np.linspace(0, np.pi, half.shape[1])
    along, across = half * np.cos(angles), half * np.sin(angles)
    return np.maximum.accumulate(along[:, ::-1], axis=1), across[:, ::-1]


def _lines(left: Side, right: Side) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lengths of the lines at right angles to the axis, to either side, (n, _LINES) each."""
    low, high = left[0][:, :1], left[0][:, -1:]
    places = low + (high - low) * (np.arange(_LINES) + 0.5) / _LINES
    shift = 4 * (np.abs(places).max() + np.abs(left[0]).max() + np.abs(right[0]).max()) * np.arange(len(low))[:, None]
    one, other = (np.interp(places + shift, (along + shift).ravel(), across.ravel()) for along, across in (left, right))
    return one, other
