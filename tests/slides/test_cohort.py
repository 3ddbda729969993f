"""Warnings about cohorts of mixed origin."""

from cancernet.slides import Pitch, cohort_warnings


def pitches(*sides):
    return [None if side is None else Pitch(side, side, "x") for side in sides]


def test_nothing_to_say():
    assert cohort_warnings([], []) == []
    assert cohort_warnings(pitches(0.25), ["Aperio"]) == []
    assert cohort_warnings(pitches(0.25, 0.2527, 0.26), ["Aperio"] * 3) == []


def test_mixed_scanners():
    found = cohort_warnings(pitches(0.25, 0.25, 0.25), ["Aperio", "Hamamatsu", "Aperio"])
    assert found == ["The slides come from 2 kinds of files: Aperio (2 slides), Hamamatsu (1 slide)."]


def test_mixed_magnifications():
    found = cohort_warnings(pitches(0.5, 0.25, 0.2527, 0.499, 1.0), ["Aperio"] * 5)
    assert found == [
        "The slides differ in resolution: 0.253 (2 slides), 0.5 (2 slides), 1 (1 slide) microns per pixel."
    ]


def test_ten_per_cent_is_the_border():
    assert cohort_warnings(pitches(0.25, 0.2749), ["Aperio"] * 2) == []
    assert len(cohort_warnings(pitches(0.25, 0.2751), ["Aperio"] * 2)) == 1


def test_assumed_and_unknown():
    found = cohort_warnings([Pitch(0.25, 0.25, "x", assumed=True), None, None], ["Aperio"] * 3)
    assert found == [
        "The resolution of 1 slide was assumed, not measured: sizes and areas depend on it.",
        "The resolution of 2 slides is not known.",
    ]
