"""Which patches are shown: who is chosen, in which order, and how many of one group."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.metrics import Scored
from cancernet.report import PatchSheet
from cancernet.report.sheets import abstained_sheet, error_sheets, plural, sample_sheet

Rows = NDArray[np.int64]


def images(rows: Rows) -> NDArray[np.uint8]:
    """Return pictures whose first pixel tells the row: (k, 4, 4, 3)."""
    pictures = np.zeros((len(rows), 4, 4, 3), dtype=np.uint8)
    pictures[:, 0, 0, 0], pictures[:, 0, 0, 1] = rows % 256, rows // 256
    return pictures


def shown(sheet: PatchSheet | None) -> list[int]:
    """Return the rows whose pictures are on a sheet."""
    assert sheet is not None
    corner = sheet.images[:, 0, 0].astype(int)
    return (corner[:, 0] + 256 * corner[:, 1]).tolist()


def binary(p: list[float], truth: list[int], groups: str, *, threshold: float = 0.5) -> Scored:
    """Return answers from the probability of the positive class; one letter per row names its group."""
    shares = np.array(p)
    called = (shares >= threshold).astype(int)
    pairs = np.stack([1 - shares, shares], axis=1)
    return Scored(np.array(truth), pairs, called, np.array(list(groups)), ("no", "yes"), "yes")


def several(shares: list[list[float]], truth: list[int], groups: str, *, ordered: bool = False) -> Scored:
    """Return answers of three classes, the most probable one."""
    table = np.array(shares)
    names = ("a", "b", "c")
    return Scored(np.array(truth), table, table.argmax(axis=1), np.array(list(groups)), names, ordered=ordered)


def random_scored(seed: int, rows: int, groups: int, *, ordered: bool = False) -> Scored:
    """Return random answers of three classes."""
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.ones(3), rows)
    names = np.array([f"g{code}" for code in random.integers(0, groups, rows)])
    truth, sets = random.integers(0, 3, rows), random.random((rows, 3)) < 0.6
    return Scored(truth, shares, shares.argmax(axis=1), names, ("a", "b", "c"), sets=sets, ordered=ordered)


# The worst errors


def test_missed_cases_and_false_alarms_stand_apart_the_surest_first() -> None:
    p = [0.1, 0.4, 0.02, 0.9, 0.7, 0.99, 0.95, 0.05]
    truth = [1, 1, 1, 0, 0, 0, 1, 0]  # the last two are right
    (sheet,) = error_sheets(binary(p, truth, "abcdefgh"), np.arange(8), images=images, group_name="patient")
    assert shown(sheet) == [2, 0, 1, 5, 3, 4]
    assert sheet.blocks == ("Missed: yes called no",) * 3 + ("False alarms: no called yes",) * 3
    assert sheet.labels[0] == "truth yes\nanswer no\nprobability 0.98\npatient c"
    assert sheet.labels[3] == "truth no\nanswer yes\nprobability 0.99\npatient f"
    assert set(sheet.tones) == {"bad"}
    assert sheet.section == "errors"


def test_the_probability_is_that_of_the_answer_also_at_a_low_threshold() -> None:
    (sheet,) = error_sheets(binary([0.3, 0.25], [0, 0], "ab", threshold=0.2), np.arange(2), images=images)
    assert [label.splitlines()[2] for label in sheet.labels] == ["probability 0.30", "probability 0.25"]


def test_one_group_gives_two_patches_at_most_over_all_blocks() -> None:
    p = [0.01, 0.02, 0.03, 0.999, 0.2, 0.8]
    (sheet,) = error_sheets(binary(p, [1, 1, 1, 0, 1, 0], "aaaabb"), np.arange(6), images=images)
    assert shown(sheet) == [0, 4, 3, 5]  # of group a: row 3 is the surest of all, then row 0; rows 1 and 2 are left out
    (one,) = error_sheets(binary(p, [1, 1, 1, 0, 1, 0], "aaaabb"), np.arange(6), images=images, per_group=1)
    assert shown(one) == [4, 3]


def test_several_classes_stand_by_their_truth() -> None:
    shares = [[0.1, 0.8, 0.1], [0.9, 0.05, 0.05], [0.2, 0.2, 0.6], [0.7, 0.1, 0.2], [0.0, 1.0, 0.0]]
    (sheet,) = error_sheets(several(shares, [0, 2, 0, 2, 1], "abcde"), np.arange(5), images=images)
    assert shown(sheet) == [0, 2, 1, 3]
    assert sheet.blocks == ("Truth: a", "Truth: a", "Truth: c", "Truth: c")


def test_of_grades_the_farthest_from_the_truth_come_first() -> None:
    shares = [[0.5, 0.4, 0.1], [0.4, 0.3, 0.3], [0.1, 0.8, 0.1], [0.9, 0.05, 0.05], [0.1, 0.2, 0.7]]
    scored = several(shares, [2, 2, 2, 2, 1], "abcde", ordered=True)
    (sheet,) = error_sheets(scored, np.arange(5), images=images)
    assert sheet.blocks == ("Called too low",) * 4 + ("Called too high",)
    assert shown(sheet) == [3, 0, 1, 2, 4]  # two grades off by their expected grade, then one grade off


def test_errors_that_were_left_to_a_human_say_so() -> None:
    scored = replace(binary([0.1, 0.2], [1, 1], "ab"), abstained=np.array([False, True]))
    (sheet,) = error_sheets(scored, np.arange(2), images=images)
    assert ["left to a human" in label for label in sheet.labels] == [False, True]


def test_without_an_error_there_is_no_sheet() -> None:
    right = binary([0.1, 0.9], [0, 1], "ab")
    assert error_sheets(right, np.arange(2), images=images) == ()
    nothing = right.take(np.array([], dtype=int))
    assert error_sheets(nothing, np.array([], dtype=int), images=images) == ()
    assert sample_sheet(nothing, np.array([], dtype=int), images=images) is None


def test_a_patch_that_was_tested_several_times_is_shown_once_by_its_worst_answer() -> None:
    scored = binary([0.4, 0.95, 0.1, 0.3], [1, 1, 1, 1], "aaab")
    (sheet,) = error_sheets(scored, np.array([7, 7, 7, 300]), images=images)
    assert shown(sheet) == [7, 300]
    assert "probability 0.90" in sheet.labels[0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 200), st.integers(1, 40), st.booleans(), st.integers(1, 12))
def test_the_errors_shown_are_the_worst_ones(seed: int, rows: int, groups: int, ordered: bool, per_block: int) -> None:
    scored = random_scored(seed, rows, groups, ordered=ordered)
    sheets = error_sheets(scored, np.arange(rows), images=images, per_block=per_block)
    wrong = scored.truth != scored.predicted
    assert len(sheets) == int(wrong.any())
    for sheet in sheets:
        chosen = np.array(shown(sheet))
        assert wrong[chosen].all()
        assert len(set(chosen.tolist())) == len(chosen) <= 64
        assert max(Counter(scored.groups[chosen].tolist()).values()) <= 2
        assert max(Counter(sheet.blocks).values()) <= per_block
        assert wrong[_worst(scored)]
        assert _worst(scored) in chosen


def _worst(scored: Scored) -> int:
    """Return the worst error, found by looking at every row."""
    answer = scored.probabilities.max(axis=1)
    expected = scored.probabilities @ np.arange(3)

    def badness(row: int) -> tuple[float, float]:
        if scored.ordered:
            return abs(scored.truth[row] - scored.predicted[row]), abs(scored.truth[row] - expected[row])
        return 0.0, answer[row]

    return max(np.flatnonzero(scored.truth != scored.predicted).tolist(), key=badness)


# Abstentions


def test_the_least_certain_of_those_left_to_a_human_come_first() -> None:
    scored = binary([0.55, 0.48, 0.6, 0.9, 0.5], [1, 1, 0, 1, 1], "abcde")
    scored = replace(scored, abstained=np.array([True, True, True, True, False]))
    sheet = abstained_sheet(scored, np.arange(5), images=images, most=3)
    assert shown(sheet) == [1, 0, 2]
    assert sheet is not None
    assert sheet.tones == ("bad", "good", "bad")
    assert (sheet.section, sheet.blocks) == ("trust", ())


def test_one_group_does_not_fill_the_abstentions() -> None:
    scored = replace(binary([0.5, 0.51, 0.52, 0.6], [1, 1, 1, 1], "aaab"), abstained=np.ones(4, dtype=bool))
    assert shown(abstained_sheet(scored, np.arange(4), images=images)) == [0, 1, 3]


@pytest.mark.parametrize("abstained", [None, np.zeros(3, dtype=bool)], ids=["never", "not here"])
def test_without_an_abstention_there_is_no_sheet(abstained: NDArray[np.bool_] | None) -> None:
    scored = replace(binary([0.5, 0.5, 0.5], [1, 1, 1], "abc"), abstained=abstained)
    assert abstained_sheet(scored, np.arange(3), images=images) is None


# Samples


def test_samples_come_from_as_many_groups_as_there_are() -> None:
    groups = "a" * 50 + "bcd" + "e" * 40 + "f"
    truth = [0] * 53 + [1] * 41
    scored = binary([0.5] * 94, truth, groups)
    sheet = sample_sheet(scored, np.arange(94), images=images, per_class=4, group_name="family")
    chosen = np.array(shown(sheet))
    assert sorted(scored.groups[chosen[:4]].tolist()) == ["a", "b", "c", "d"]
    assert sorted(Counter(scored.groups[chosen[4:]].tolist()).items()) == [("e", 3), ("f", 1)]
    assert sheet is not None
    assert sheet.blocks[0] == "no: 53 patches of 4 families"
    assert sheet.blocks[4] == "yes: 41 patches of 2 families"
    assert (sheet.tones, sheet.section) == ((), "data")


def test_the_seed_decides_which_samples_are_drawn() -> None:
    scored, rows = random_scored(0, 300, 60), np.arange(300)
    first = shown(sample_sheet(scored, rows, images=images))
    assert first == shown(sample_sheet(scored, rows, images=images))
    assert first != shown(sample_sheet(scored, rows, images=images, seed=1))
    assert scored.truth[first].tolist() == [0] * 6 + [1] * 6 + [2] * 6


def test_many_classes_fit_on_one_sheet() -> None:
    truth = np.arange(200) % 70
    classes = tuple(f"class {code}" for code in range(70))
    shares = np.eye(70)[(truth + 1) % 70]
    scored = Scored(truth, shares, shares.argmax(axis=1), truth.astype(str), classes)
    sheet = sample_sheet(scored, np.arange(200), images=images)
    (errors,) = error_sheets(scored, np.arange(200), images=images)
    assert sheet is not None
    assert len(sheet.images) == len(errors.images) == len(sheet.blocks) == 64


# What does not fit together


def test_row_numbers_and_pictures_must_fit_the_answers() -> None:
    scored = binary([0.1, 0.2], [1, 1], "ab")
    with pytest.raises(InvalidInput, match=r"\(3,\) row numbers for 2 answers"):
        error_sheets(scored, np.arange(3), images=images)
    with pytest.raises(InvalidInput, match="returned 1 pictures for 2 rows"):
        error_sheets(scored, np.arange(2), images=lambda rows: images(rows)[:1])


GOOD = images(np.arange(3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../up"}, r"called '\.\./up'"),
        ({"labels": ("one",)}, "1 labels for 3 pictures"),
        ({"labels": ()}, "0 labels for 3 pictures"),
        ({"tones": ("good",)}, "1 tones for 3 pictures"),
        ({"tones": ("good", "bad", "ugly")}, "Unknown tone of a picture 'ugly'"),
        ({"blocks": ("a", "b")}, "2 blocks for 3 pictures"),
        ({"section": "result"}, "Did you mean 'results'"),
        ({"images": GOOD.astype(float)}, "float64"),
        ({"images": GOOD[..., 0]}, r"shape \(3, 4, 4\)"),
        ({"images": GOOD[:0], "labels": ()}, r"shape \(0, 4, 4, 3\)"),
        ({"images": images(np.arange(65)), "labels": ("",) * 65}, "k from 1 to 64"),
    ],
)
def test_a_sheet_that_cannot_be_drawn_is_refused(changes: dict[str, object], message: str) -> None:
    fields: dict[str, object] = {
        "name": "a-sheet",
        "title": "A sheet",
        "caption": "Three.",
        "images": GOOD,
        "labels": ("one", "two", "three"),
    }
    assert PatchSheet(**fields).section == "errors"  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=message):
        PatchSheet(**(fields | changes))  # type: ignore[arg-type]


def test_plurals() -> None:
    assert [plural(noun) for noun in ("patient", "family", "source tile", "day")] == [
        *("patients", "families", "source tiles", "days")
    ]
