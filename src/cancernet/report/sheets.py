"""Which patches a report shows: a few of each class, the worst errors, the least certain of those left to a human."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput
from cancernet.metrics.scored import Scored
from cancernet.report.record import MOST_PICTURES, PatchSheet
from cancernet.report.style import plain
from cancernet.report.words import number
from cancernet.tasks import expected_grade

__all__ = ["ImageSource", "abstained_sheet", "error_sheets", "plural", "sample_sheet"]

Rows: TypeAlias = NDArray[np.int64]
ImageSource: TypeAlias = Callable[[Rows], NDArray[np.uint8]]  # row numbers (k,) to pictures (k, h, w, 3)

_ONE_ROW = 6  # pictures side by side
_MOST_LETTERS = 60  # of the name of a class under a picture
_PER_GROUP = 2  # so that one patient does not fill a sheet


def sample_sheet(
    scored: Scored,
    rows: ArrayLike,
    *,
    images: ImageSource,
    per_class: int = _ONE_ROW,
    seed: int = 0,
    group_name: str = "group",
) -> PatchSheet | None:
    """Return a few patches of each class, drawn by chance, from as many groups as there are.

    Parameters
    ----------
    scored
        The rows to draw from; only their truth and groups count.
    rows
        Shape (n,): the number of each row in the image source. A patch that was tested several times counts once.
    images
        Returns the pictures of some rows.
    per_class
        Patches of each class; fewer where 64 pictures do not suffice.
    seed
        The same seed draws the same patches.
    group_name
        What a group is.

    Returns
    -------
    The sheet of the section "data"; None without rows.

    Raises
    ------
    InvalidInput
        When `rows` and `scored` differ in length, or the image source returns no pictures.
    """
    numbers = _numbers(scored, rows)
    each = _each(per_class, len(scored.classes))
    random = np.random.default_rng(seed)
    blocks = {}
    for code in range(len(scored.classes)):
        inside = _first(np.flatnonzero(scored.truth == code), numbers)
        heading = _of_class(scored, inside, code=code, group_name=group_name)
        blocks[heading] = _spread(inside, scored, random=random)[:each]
    caption = (
        f"Patches drawn by chance, of each class from as many {plural(group_name)} as possible. What is seen here is "
        "what the network saw: look for ink, blur, empty patches, and for colours that give a class away."
    )
    words = _Words("samples", "Samples of each class", caption, "data")
    label = partial(_of, scored, group_name=group_name)
    return _sheet(words, scored, numbers, blocks=blocks, images=images, label=label)


def error_sheets(
    scored: Scored,
    rows: ArrayLike,
    *,
    images: ImageSource,
    per_block: int = _ONE_ROW,
    per_group: int = _PER_GROUP,
    group_name: str = "group",
) -> tuple[PatchSheet, ...]:
    """Return the worst errors: wrong with the highest probability, of ordered grades those farthest from the truth.

    They stand in blocks: of two classes missed cases and false alarms, of ordered grades those called too low and too
    high, else by true class.

    Parameters
    ----------
    scored
        Answers beside the truth.
    rows
        Shape (n,): the number of each row in the image source. A patch that was tested several times is shown once.
    images
        Returns the pictures of some rows.
    per_block
        Patches in a block; fewer where 64 pictures do not suffice.
    per_group
        Patches of one group on the sheet.
    group_name
        What a group is.

    Returns
    -------
    One sheet of the section "errors"; nothing when all answers are right.

    Raises
    ------
    InvalidInput
        When `rows` and `scored` differ in length, or the image source returns no pictures.
    """
    numbers = _numbers(scored, rows)
    kinds = _error_kinds(scored)
    most = _each(per_block, len(kinds))
    chosen = _pick(_worst_first(scored), scored, numbers, kinds=kinds, most=most, per_group=per_group)
    why = "farthest from the truth" if scored.ordered else "wrong with the highest probability of the answer"
    caption = (
        f"Errors that are {why}, at most {per_group} of one {group_name}. Under each patch: the truth, the answer and "
        "its probability. Some may be errors of the label: a border drawn coarsely, a cell on which experts differ."
    )
    words = _Words("worst-errors", "The worst errors", caption, "errors")
    label = partial(_error, scored, group_name=group_name)
    sheet = _sheet(words, scored, numbers, blocks=chosen, images=images, label=label)
    return () if sheet is None else (sheet,)


def abstained_sheet(
    scored: Scored,
    rows: ArrayLike,
    *,
    images: ImageSource,
    most: int = 2 * _ONE_ROW,
    per_group: int = _PER_GROUP,
    group_name: str = "group",
) -> PatchSheet | None:
    """Return patches that are left to a human, those with the least certainty first.

    Parameters
    ----------
    scored
        Answers with abstentions.
    rows
        Shape (n,): the number of each row in the image source. A patch that was tested several times is shown once.
    images
        Returns the pictures of some rows.
    most
        Patches on the sheet.
    per_group
        Patches of one group on the sheet.
    group_name
        What a group is.

    Returns
    -------
    The sheet of the section "trust"; None when no row is abstained.

    Raises
    ------
    InvalidInput
        When `rows` and `scored` differ in length, or the image source returns no pictures.
    """
    numbers = _numbers(scored, rows)
    if scored.abstained is None:
        return None
    order = np.argsort(scored.probabilities.max(axis=1), kind="stable")
    chosen = _pick(order, scored, numbers, kinds={"": scored.abstained}, most=_each(most, 1), per_group=per_group)
    caption = (
        f"Patches on which the model abstains, those with the lowest top probability first, at most {per_group} of "
        f"one {group_name}. Green frame: the answer it did not give would have been right; orange: it would have been "
        "wrong."
    )
    words = _Words("left-to-a-human", "Left to a human", caption, "trust")
    label = partial(_answer, scored, group_name=group_name)
    return _sheet(words, scored, numbers, blocks=chosen, images=images, label=label)


def plural(noun: str) -> str:
    """Return the plural of a regular English noun."""
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else f"{noun}s"


# Which rows


def _numbers(scored: Scored, rows: ArrayLike) -> Rows:
    """Return the row numbers; one for each row of the answers."""
    numbers = np.asarray(rows).astype(np.int64)
    if numbers.shape != (len(scored),):
        raise InvalidInput(f"{numbers.shape} row numbers for {len(scored)} answers", "One row number for each answer")
    return numbers


def _each(wanted: int, blocks: int) -> int:
    """Return how many pictures a block may have, so that all blocks fit on the sheet; one at least."""
    return max(1, min(wanted, MOST_PICTURES // max(blocks, 1)))


def _first(order: Rows, numbers: Rows) -> Rows:
    """Return the rows whose patch was not seen earlier in the order."""
    places = np.unique(numbers[order], return_index=True)[1]
    return order[np.sort(places)]


def _spread(rows: Rows, scored: Scored, *, random: np.random.Generator) -> Rows:
    """Return the rows in an order by chance: one of each group, then a second one of each, and so on."""
    shuffled = random.permutation(rows)
    groups = scored.group_codes[shuffled]
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    turns = np.empty(len(rows), dtype=np.int64)
    turns[order] = np.arange(len(rows)) - np.repeat(starts, np.diff(starts, append=len(rows)))
    return shuffled[np.argsort(turns, kind="stable")]


def _error_kinds(scored: Scored) -> dict[str, NDArray[np.bool_]]:
    """Return masks of the rows that were answered wrongly, by heading of their block."""
    wrong = scored.truth != scored.predicted
    if scored.ordered:
        low = scored.predicted < scored.truth
        return {"Called too low": wrong & low, "Called too high": wrong & ~low}
    if scored.positive is not None:
        yes, no = scored.positive, scored.classes[1 - scored.positive_code]
        missed, alarms = f"Missed: {yes} called {no}", f"False alarms: {no} called {yes}"
        return {missed: wrong & scored.positive_truth, alarms: wrong & ~scored.positive_truth}
    return {f"Truth: {name}": wrong & (scored.truth == code) for code, name in enumerate(scored.classes)}


def _worst_first(scored: Scored) -> Rows:
    """Return all rows, by the probability of their answer; ordered grades by their distance from the truth first."""
    if scored.ordered:
        grades = np.abs(scored.truth - scored.predicted)
        return np.lexsort((-np.abs(scored.truth - expected_grade(scored.probabilities)), -grades))
    answer = scored.probabilities[np.arange(len(scored)), scored.predicted]
    return np.argsort(-answer, kind="stable")


def _pick(
    order: Rows, scored: Scored, numbers: Rows, *, kinds: dict[str, NDArray[np.bool_]], most: int, per_group: int
) -> dict[str, Rows]:
    """Return the first rows of each kind in the given order; the rows of a group count over all kinds."""
    order = order[np.any(list(kinds.values()), axis=0)[order]]
    taken: Counter[int] = Counter()
    chosen: dict[str, list[int]] = {heading: [] for heading in kinds}
    for row in _first(order, numbers).tolist():
        group = int(scored.group_codes[row])
        heading = next(heading for heading, mask in kinds.items() if mask[row])
        if taken[group] < per_group and len(chosen[heading]) < most:
            taken[group] += 1
            chosen[heading].append(row)
    return {heading: np.array(rows, dtype=np.int64) for heading, rows in chosen.items()}


# The sheet


class _Words(NamedTuple):
    """What a sheet is called and says, and where it stands."""

    name: str
    title: str
    caption: str
    section: str


def _sheet(
    words: _Words,
    scored: Scored,
    numbers: Rows,
    *,
    blocks: dict[str, Rows],
    images: ImageSource,
    label: Callable[[int], str],
) -> PatchSheet | None:
    """Return the sheet of the chosen rows, framed by right and wrong except among the data; None without rows."""
    chosen = np.concatenate(list(blocks.values()))[:MOST_PICTURES]
    if not len(chosen):
        return None
    headings = [heading for heading, rows in blocks.items() for _ in rows][:MOST_PICTURES]
    return PatchSheet(
        words.name,
        words.title,
        words.caption,
        _pictures(images, numbers[chosen]),
        tuple(map(label, chosen.tolist())),
        () if words.section == "data" else _tones(scored, chosen),
        tuple(headings) if any(headings) else (),
        words.section,
    )


def _pictures(images: ImageSource, numbers: Rows) -> NDArray[np.uint8]:
    """Return the pictures of some rows."""
    pictures = np.asarray(images(numbers))
    if len(pictures) != len(numbers):
        raise InvalidInput(
            f"The image source returned {len(pictures)} pictures for {len(numbers)} rows", "One for each"
        )
    return pictures


def _tones(scored: Scored, rows: Rows) -> tuple[str, ...]:
    """Return for each row whether its answer is right."""
    return tuple("good" if right else "bad" for right in (scored.truth == scored.predicted)[rows].tolist())


def _of_class(scored: Scored, inside: Rows, *, code: int, group_name: str) -> str:
    """Return the heading of a class in the samples: its name, patches and groups."""
    groups = len(np.unique(scored.group_codes[inside]))
    return f"{scored.classes[code]}: {len(inside):,} patches of {groups:,} {plural(group_name)}"


def _of(scored: Scored, row: int, *, group_name: str) -> str:
    """Return the group of a row."""
    return f"{group_name} {scored.groups[row]}"


def _answer(scored: Scored, row: int, *, group_name: str) -> str:
    """Return truth, answer, its probability, and group of a row, on a line each."""
    answer = int(scored.predicted[row])
    return "\n".join(
        (
            f"truth {plain(scored.classes[scored.truth[row]], _MOST_LETTERS)}",
            f"answer {plain(scored.classes[answer], _MOST_LETTERS)}",
            f"probability {number(float(scored.probabilities[row, answer]), 2)}",
            _of(scored, row, group_name=group_name),
        )
    )


def _error(scored: Scored, row: int, *, group_name: str) -> str:
    """Return the same; and whether the error was left to a human."""
    left = scored.abstained is not None and bool(scored.abstained[row])
    return _answer(scored, row, group_name=group_name) + ("\nleft to a human" if left else "")
