"""The leak audit: groups and identical rows on two sides of a split, and what chance would do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import listed
from cancernet.data.resolution import Resolution, resolution_of, row_codes
from cancernet.data.split import Fold, Rows, Split
from cancernet.data.table import Table
from cancernet.errors import LeakingSplit

__all__ = ["Chance", "LeakAudit", "audit_split", "audit_tables"]

_DRAWS = 20  # shuffles behind "by chance"; the range is that of the draws
_SHOWN = 20  # names in the JSON
_FEW = 2  # features; that rows agree in so few is no sign that one is a copy of the other


@dataclass(frozen=True)
class Chance:
    """A number of rows that agree in all features, and what it would be if the features were independent in a class.

    Parameters
    ----------
    count, rows
        How many rows of how many.
    expected, low, high
        Mean and range over shuffles of each feature within its class; None for continuous features, where it is zero.
    """

    count: int
    rows: int
    expected: float | None = None
    low: int | None = None
    high: int | None = None

    @property
    def words(self) -> str:
        """The number with its share, and what chance gives."""
        share = f"{self.count} of {self.rows} rows ({100 * self.count / max(self.rows, 1):.1f} %)"
        if self.expected is None:
            return share
        return f"{share}; by chance {self.expected:.0f} ({self.low} to {self.high})"

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON."""
        return {"count": self.count, "rows": self.rows, "expected": self.expected, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class LeakAudit:
    """What two sides of a split, or two tables, have in common.

    Parameters
    ----------
    what
        "split" or "tables".
    group_column
        Whose values were compared; None when groups could not be compared.
    groups
        How many there are.
    shared_groups
        Those on two sides, sorted.
    features
        How many columns were compared (of two tables: those with the same name).
    resolution
        Whether these columns are continuous, as the data show.
    identical
        Pairs of ids, held-out row first, whose values are identical on two sides; one pair per held-out row.
    crossing
        Held-out rows with an identical one among those trained on; in repeated splits each repeat counts.
    alike
        Rows whose values occur in another group as well, wherever that stands.
    """

    what: str
    group_column: str | None
    groups: int
    shared_groups: tuple[str, ...]
    features: int
    resolution: Resolution
    identical: tuple[tuple[str, str], ...]
    crossing: Chance
    alike: Chance

    @property
    def leaks(self) -> bool:
        """Whether `refuse` raises: a group on two sides, or identical rows of more than 2 continuous features."""
        return bool(self.shared_groups) or (
            self.resolution.continuous and self.features > _FEW and bool(self.identical)
        )

    def refuse(self) -> None:
        """Raise `LeakingSplit` when a group, or a row of continuous features, stands on two sides."""
        sides = "of the split" if self.what == "split" else "(training and test table)"
        if self.shared_groups:
            raise LeakingSplit(
                f"{len(self.shared_groups)} groups of column '{self.group_column}' stand on two sides {sides}: "
                f"{listed(self.shared_groups, 5)}",
                "Expected each group (patient) on one side only",
                "Make the split by this column, or take these rows out",
            )
        if self.leaks:
            pairs = ", ".join(f"'{held}' = '{known}'" for held, known in self.identical[:5])
            raise LeakingSplit(
                f"{len(self.identical)} rows have the same values in all {self.features} features on two sides "
                f"{sides}: {pairs}{', ...' if len(self.identical) > 5 else ''}",
                "Continuous measurements of different patients differ",
                "Give identical rows one group, or take the repeats out",
            )

    def sentences(self) -> tuple[str, ...]:
        """Return the findings in words, for the report."""
        return (_on_groups(self), *_on_rows(self))

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON; long lists are cut, their length is kept."""
        return {
            "what": self.what,
            "leaks": self.leaks,
            "group_column": self.group_column,
            "groups": self.groups,
            "shared_groups": {"count": len(self.shared_groups), "first": list(self.shared_groups[:_SHOWN])},
            "features": self.features,
            "resolution": self.resolution.to_dict(),
            "identical_rows": {"count": len(self.identical), "first": [list(pair) for pair in self.identical[:_SHOWN]]},
            "crossing": self.crossing.to_dict(),
            "alike": self.alike.to_dict(),
            "sentences": list(self.sentences()),
        }


@dataclass(frozen=True, eq=False)
class _Sides:
    """The rows of one or two tables, and which of them are held out from which."""

    values: NDArray[np.float64]
    ids: NDArray[np.str_]
    groups: NDArray[np.str_]
    strata: NDArray[np.int64]
    pairs: Sequence[tuple[Rows, Rows]]  # (held out, known)


def audit_split(table: Table, split: Split) -> LeakAudit:
    """Return what the sides of a split have in common: test and validation rows against those trained on.

    Parameters
    ----------
    table
        The table that the split was made for.
    split
        All its folds are looked at.

    Raises
    ------
    InvalidInput
        When the split was made for another table.
    """
    split.refuse_other(table)
    strata = np.zeros(len(table), dtype=np.int64) if table.target is None else table.codes(table.classes)
    pairs = [pair for fold in split.folds for pair in _held_out(fold)]
    sides = _Sides(table.values, table.ids, table.groups, strata, pairs)
    return _audit("split", table.group_column, sides)


def audit_tables(train: Table, test: Table) -> LeakAudit:
    """Return what two tables have in common, in the columns of the same name.

    Groups are compared when both tables have them from a column of the same name.

    Parameters
    ----------
    train, test
        Trained on, and held out.
    """
    names = [name for name in test.feature_names if name in set(train.feature_names)]
    comparable = train.group_column == test.group_column and train.group_column not in {None, "row"}
    known, held = (table.select(names, exact=False) for table in (train, test))
    groups = (known.groups, held.groups) if comparable else (_marked(known.groups, "0"), _marked(held.groups, "1"))
    sides = _Sides(
        values=np.concatenate([known.values, held.values]),
        ids=np.concatenate([known.ids, held.ids]),
        groups=np.concatenate(groups),
        strata=_strata(known, held),
        pairs=[(np.arange(len(known), len(known) + len(held)), np.arange(len(known)))],
    )
    return _audit("tables", train.group_column if comparable else None, sides)


def _held_out(fold: Fold) -> list[tuple[Rows, Rows]]:
    """Return (held out, known) rows: test against the rest, validation against train."""
    pairs = [(fold.test, np.concatenate([fold.train, fold.validation]))]
    return [*pairs, (fold.validation, fold.train)] if len(fold.validation) else pairs


def _marked(groups: NDArray[np.str_], mark: str) -> NDArray[np.str_]:
    """Return the groups under names that no other table shares."""
    return np.array([f"{mark}:{group}" for group in groups], dtype=np.str_)


def _strata(known: Table, held: Table) -> NDArray[np.int64]:
    """Return a number per row for its table and class: features are shuffled inside these only."""
    labels = [table.ids[:0].tolist() if table.target is None else table.target for table in (known, held)]
    marked = [
        f"{side}:{label}"
        for side, (table, column) in enumerate(zip((known, held), labels, strict=True))
        for label in (column if len(column) else [""] * len(table))
    ]
    return np.unique(marked, return_inverse=True)[1].astype(np.int64)


def _audit(what: str, group_column: str | None, sides: _Sides) -> LeakAudit:
    """Return the audit of the sides."""
    resolution = resolution_of(sides.values)
    codes = row_codes(sides.values)
    groups = np.unique(sides.groups, return_inverse=True)[1]
    crossing, alike = _crossing(codes, sides.pairs), _alike(codes, groups)
    if not resolution.continuous:
        crossing, alike = _by_chance(sides, groups, crossing, alike)
    return LeakAudit(
        what=what,
        group_column=group_column,
        groups=len(np.unique(groups)),
        shared_groups=_shared(sides.groups, sides.pairs),
        features=sides.values.shape[1],
        resolution=resolution,
        identical=_identical(codes, sides),
        crossing=crossing,
        alike=alike,
    )


def _shared(groups: NDArray[np.str_], pairs: Sequence[tuple[Rows, Rows]]) -> tuple[str, ...]:
    """Return the groups that stand on two sides, sorted."""
    both = {str(group) for held, known in pairs for group in np.intersect1d(groups[held], groups[known])}
    return tuple(sorted(both))


def _crossing(codes: NDArray[np.int64], pairs: Sequence[tuple[Rows, Rows]]) -> Chance:
    """Return how many held-out rows have an identical one among the known."""
    count = sum(int(np.isin(codes[held], codes[known]).sum()) for held, known in pairs)
    return Chance(count, sum(len(held) for held, _ in pairs))


def _alike(codes: NDArray[np.int64], groups: NDArray[np.int64]) -> Chance:
    """Return how many rows have values that occur in another group as well."""
    if not len(codes):
        return Chance(0, 0)
    occurrences = np.unique(np.stack([codes, groups]), axis=1)[0]
    return Chance(int((np.bincount(occurrences)[codes] > 1).sum()), len(codes))


def _identical(codes: NDArray[np.int64], sides: _Sides) -> tuple[tuple[str, str], ...]:
    """Return for each held-out row that has an identical known one the ids of both."""
    found: dict[int, int] = {}
    for held, known in sides.pairs:
        unique, first = np.unique(codes[known], return_index=True)
        for row in held[np.isin(codes[held], unique)]:
            found.setdefault(int(row), int(known[first[np.searchsorted(unique, codes[row])]]))
    return tuple((str(sides.ids[held]), str(sides.ids[known])) for held, known in sorted(found.items()))


def _by_chance(sides: _Sides, groups: NDArray[np.int64], crossing: Chance, alike: Chance) -> tuple[Chance, Chance]:
    """Return both numbers with what they are when each feature is shuffled within its class."""
    rng = np.random.default_rng(0)
    drawn = [row_codes(_shuffled(sides.values, sides.strata, rng)) for _ in range(_DRAWS)]
    return (
        _with_chance(crossing, drawn, lambda codes: _crossing(codes, sides.pairs).count),
        _with_chance(alike, drawn, lambda codes: _alike(codes, groups).count),
    )


def _shuffled(values: NDArray[np.float64], strata: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the values with each column shuffled on its own, within the strata."""
    shuffled = values.copy()
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        shuffled[rows] = rng.permuted(values[rows], axis=0)
    return shuffled


def _with_chance(
    found: Chance, drawn: Sequence[NDArray[np.int64]], count: Callable[[NDArray[np.int64]], int]
) -> Chance:
    """Return what was found beside the mean and the range of the draws."""
    counts = [count(codes) for codes in drawn]
    return Chance(found.count, found.rows, float(np.mean(counts)), min(counts), max(counts))


def _on_groups(audit: LeakAudit) -> str:
    """Return the sentence on groups."""
    if audit.shared_groups:
        return (
            f"LEAK: {len(audit.shared_groups)} groups of column '{audit.group_column}' stand on two sides: "
            f"{listed(audit.shared_groups, 5)}."
        )
    if audit.group_column is None:
        return "Groups could not be compared: there is no group column that both sides have."
    if audit.group_column == "row":
        return f"Each of the {audit.groups} rows counts as a patient of its own."
    return f"None of the {audit.groups} groups of column '{audit.group_column}' stands on two sides."


def _on_rows(audit: LeakAudit) -> tuple[str, ...]:
    """Return the sentences on identical rows."""
    if not audit.features:
        return ("Rows could not be compared: there is no column of the same name.",)
    if not audit.resolution.continuous:
        return (
            f"The {audit.features} features take few values, so different patients agree in all of them by chance; "
            "such rows are counted, not refused.",
            f"Rows that agree with a row of another group: {audit.alike.words}.",
            f"Held-out rows that agree with a row trained on: {audit.crossing.words}.",
            "By chance: mean and range of 20 shuffles of each feature within its class.",
        )
    if audit.features <= _FEW:
        return (f"Rows were not looked at for copies: with {audit.features} features, equal ones are no sign of it.",)
    if audit.identical:
        held, known = audit.identical[0]
        return (
            f"LEAK: {len(audit.identical)} held-out rows have the same values in all {audit.features} features as a "
            f"row trained on, for example '{held}' and '{known}'.",
        )
    return (f"No held-out row has the same values in all {audit.features} features as a row trained on.",)
