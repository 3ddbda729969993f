"""How splits are made: by group, stratified by class, held-out or k-fold."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.data.split import Fold, Rows, Split, digest_of_ids
from cancernet.data.table import Table
from cancernet.data.trainable import refuse_few_groups, require_groups
from cancernet.errors import InvalidInput

__all__ = ["folds_by_group", "part_by_group", "rows_by_fold", "split_by_group"]

_FINEST = 20  # a share is cut as a fraction with at most this denominator


def split_by_group(table: Table, *, test: float = 0.2, validation: float = 0.2, seed: int = 7) -> Split:
    """Return a held-out split: no group on two sides, classes in about equal shares.

    Parameters
    ----------
    table
        With target and groups.
    test, validation
        Shares of all groups, above 0 (validation from 0) and together below 1; cut as the nearest fraction that the
        smallest class allows.
    seed
        Of the shuffle.

    Raises
    ------
    InvalidInput
        When shares cannot be, the groups are unknown, or a class has too few groups.
    """
    if not (0 < test < 1 and 0 <= validation < 1 and test + validation < 1):
        raise InvalidInput(
            f"test = {test} and validation = {validation}",
            "Expected shares with test above 0 and both together below 1",
            "Try test = 0.2 and validation = 0.2",
        )
    labels = _labels(table)
    tested = part_by_group(labels, table.groups, share=test, seed=seed)
    rest = np.setdiff1d(np.arange(len(table)), tested)
    validated = rest[:0]
    if validation > 0:
        share = validation / (1 - test)
        validated = rest[part_by_group(labels[rest], table.groups[rest], share=share, seed=seed)]
    fold = Fold(0, 0, train=np.setdiff1d(rest, validated), validation=validated, test=tested)
    return _split(table, "held-out", [fold], seed)


def folds_by_group(table: Table, *, folds: int = 5, repeats: int = 1, seed: int = 7) -> Split:
    """Return a k-fold split: every group is tested once per repeat, classes are stratified; validation is empty.

    Parameters
    ----------
    table
        With target and groups.
    folds, repeats
        At least 2, at least 1.
    seed
        Of the first repeat; repeat r uses seed + r.

    Raises
    ------
    InvalidInput
        When the groups are unknown, or a class has fewer groups than folds.
    """
    if repeats < 1:
        raise InvalidInput(f"repeats = {repeats}", "Expected at least 1", "Try repeats = 1")
    labels, everything = _labels(table), np.arange(len(table))
    made = [
        Fold(repeat, number, train=np.setdiff1d(everything, tested), validation=everything[:0], test=tested)
        for repeat in range(repeats)
        for number, tested in enumerate(rows_by_fold(labels, table.groups, folds=folds, seed=seed + repeat))
    ]
    return _split(table, "k-fold", made, seed)


def rows_by_fold(labels: ArrayLike, groups: ArrayLike, *, folds: int, seed: int) -> list[Rows]:
    """Return the test rows of each fold, sorted; together they are all rows, and no group is in two folds.

    Parameters
    ----------
    labels, groups
        Shape (n,); class and group of each row.
    folds
        At least 2.
    seed
        Of the shuffle.

    Raises
    ------
    InvalidInput
        When a class has fewer groups than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    labels, groups = np.asarray(labels), np.asarray(groups)
    if folds < 2:
        raise InvalidInput(f"folds = {folds}", "Expected at least 2", "Try folds = 5")
    refuse_few_groups(labels, groups, folds=folds)
    cutter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    made = [np.asarray(test, dtype=np.int64) for _, test in cutter.split(labels, labels, groups)]
    _refuse_one_sided(labels, made)
    return made


def part_by_group(labels: ArrayLike, groups: ArrayLike, *, share: float, seed: int) -> Rows:
    """Return the rows, sorted, of about the given share of the groups, stratified by class.

    Parameters
    ----------
    labels, groups
        Shape (n,); class and group of each row.
    share
        Between 0 and 1; taken as the nearest fraction that the smallest class allows.
    seed
        Of the shuffle.

    Raises
    ------
    InvalidInput
        When a class has fewer than two groups.
    """
    labels, groups = np.asarray(labels), np.asarray(groups)
    refuse_few_groups(labels, groups, folds=2)
    smallest = min(len(np.unique(groups[labels == label])) for label in np.unique(labels))
    finest = min(_FINEST, smallest)
    nearest = Fraction(share).limit_denominator(finest)
    parts = max(nearest, Fraction(1, finest)) if nearest < 1 else Fraction(finest - 1, finest)
    pieces = rows_by_fold(labels, groups, folds=parts.denominator, seed=seed)
    return np.sort(np.concatenate(pieces[: parts.numerator]))


def _labels(table: Table) -> NDArray[np.str_]:
    """Return the target of a table that can be split."""
    require_groups(table)
    table.codes(table.classes)
    return np.asarray(table.target, dtype=np.str_)


def _split(table: Table, kind: Literal["held-out", "k-fold"], folds: Sequence[Fold], seed: int) -> Split:
    """Return the split of this table."""
    return Split(kind, tuple(folds), seed, table.group_column or "row", len(table), digest_of_ids(table.ids))


def _refuse_one_sided(labels: NDArray[np.generic], made: Sequence[Rows]) -> None:
    """Raise when a fold is empty, or training on the others would lack a class: groups of very unequal size do that."""
    classes = len(np.unique(labels))
    for number, tested in enumerate(made):
        rest = np.delete(labels, tested)
        if len(tested) == 0 or len(np.unique(rest)) < classes:
            raise InvalidInput(
                f"Fold {number + 1} of {len(made)} would hold no row, or all rows of a class",
                "Expected groups of a size that can be spread over the folds",
                "Take fewer folds, or look for a group that holds most rows",
            )
