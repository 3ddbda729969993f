"""All metrics of rows as functions of how often each group counts: one code for the value and for its resamples.

Each part is prepared once and then called with counts of shape (draws, groups); it answers {name: (draws,)}, NaN where
a number does not exist. Counts of one give the value itself. NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cancernet.metrics.binary import f1, matthews, ratio
from cancernet.metrics.calibration import weighted_ece
from cancernet.metrics.multiclass import balanced_accuracy, kappa, macro_f1
from cancernet.metrics.ordinal import mean_absolute_error, quadratic_kappa
from cancernet.metrics.ranking import Ranking, area, precision_area
from cancernet.metrics.scored import Scored

__all__ = ["Confusions", "Losses", "Part", "Rankings", "Shares", "answer_shares", "parts_of", "set_shares", "values_at"]

Floats = NDArray[np.float64]
Named = dict[str, Floats]

_EPSILON = float(np.finfo(np.float64).eps)


class Part(Protocol):
    """Some metrics of the same rows."""

    def __call__(self, counts: Floats) -> Named:
        """Return the metrics where the groups count as often as given, shape (draws, groups)."""
        ...


def group_sums(scored: Scored, rows: Floats) -> Floats:
    """Return sums over the rows of each group: (n, columns) becomes (groups, columns)."""
    sums = [np.bincount(scored.group_codes, weights=column, minlength=scored.group_count) for column in rows.T]
    return np.stack(sums, axis=1)


@dataclass(frozen=True, eq=False)
class Shares:
    """Proportions: hits of cases, each (groups, names); `rows` (names,) counts the rows behind each."""

    names: tuple[str, ...]
    hits: Floats
    cases: Floats
    rows: Floats

    def __call__(self, counts: Floats) -> Named:
        """Return the proportions."""
        values = ratio(counts @ self.hits, counts @ self.cases)
        return dict(zip(self.names, values.T, strict=True))


@dataclass(frozen=True, eq=False)
class Confusions:
    """What follows from the confusion counts (groups, classes, classes) and is no proportion."""

    counts: Floats
    positive: int | None
    ordered: bool = False

    def __call__(self, counts: Floats) -> Named:
        """Return balanced accuracy, F1 and MCC (two classes), macro F1 and kappa (several), and those of grades."""
        classes = self.counts.shape[-1]
        table = (counts @ self.counts.reshape(len(self.counts), -1)).reshape(-1, classes, classes)
        balanced = {"balanced_accuracy": balanced_accuracy(table)}
        if self.positive is None:
            several = balanced | {"macro_f1": macro_f1(table), "kappa": kappa(table)}
            return several | (_of_grades(table) if self.ordered else {})
        yes, no = self.positive, 1 - self.positive
        tp, fp, fn, tn = table[:, yes, yes], table[:, no, yes], table[:, yes, no], table[:, no, no]
        return balanced | {"f1": f1(tp, fp, fn), "mcc": matthews(tp, fp, fn, tn)}


def _of_grades(table: Floats) -> Named:
    """Return what only ordered grades have."""
    return {"quadratic_kappa": quadratic_kappa(table), "mean_absolute_error": mean_absolute_error(table)}


@dataclass(frozen=True, eq=False)
class Losses:
    """Mean losses from their sums per group: rows, Brier, logarithmic (groups,), rows per class (groups, classes)."""

    rows: Floats
    brier: Floats
    nll: Floats
    classes: Floats
    binary: bool

    @classmethod
    def of(cls, scored: Scored) -> Losses:
        """Sum the losses of each row over its group."""
        truth = np.eye(len(scored.classes))[scored.truth]
        brier = ((scored.probabilities - truth) ** 2).sum(axis=1) / (2 if scored.binary else 1)
        true_class = scored.probabilities[np.arange(len(scored)), scored.truth]
        nll = -np.log(np.clip(true_class, _EPSILON, 1.0))
        sums = group_sums(scored, np.column_stack([np.ones(len(scored)), brier, nll, truth]))
        return cls(sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3:], scored.binary)

    def __call__(self, counts: Floats) -> Named:
        """Return Brier score, logarithmic loss, and the skill against the shares of the classes."""
        rows = counts @ self.rows
        brier = ratio(counts @ self.brier, rows)
        shares = ratio(counts @ self.classes, rows[:, None])
        constant = (1 - (shares**2).sum(axis=1)) / (2 if self.binary else 1)
        constant[np.any(shares == 1, axis=1)] = 0.0
        return {"brier": brier, "nll": ratio(counts @ self.nll, rows), "brier_skill": 1 - ratio(brier, constant)}


@dataclass(frozen=True, eq=False)
class Sizes:
    """Mean number of classes in a set: sums per group (groups,), rows per group (groups,)."""

    sizes: Floats
    rows: Floats

    def __call__(self, counts: Floats) -> Named:
        """Return the mean size of the sets."""
        return {"set_size": ratio(counts @ self.sizes, counts @ self.rows)}


@dataclass(frozen=True, eq=False)
class Rankings:
    """What needs sorted rows: one ranking per class (only the positive one of two), one of the top class for ECE."""

    classes: tuple[Ranking, ...]
    top: Ranking
    binary: bool

    @classmethod
    def of(cls, scored: Scored) -> Rankings:
        """Sort the rows."""
        codes = [scored.positive_code] if scored.binary else range(len(scored.classes))
        classes = tuple(
            Ranking.of(scored.probabilities[:, code], scored.truth == code, scored.group_codes) for code in codes
        )
        if scored.binary:
            return cls(classes, classes[0], True)
        best = scored.probabilities.argmax(axis=1)
        top = Ranking.of(scored.probabilities.max(axis=1), best == scored.truth, scored.group_codes)
        return cls(classes, top, False)

    def __call__(self, counts: Floats) -> Named:
        """Return AUROC and average precision (two classes) or macro AUROC (several), and ECE."""
        error = {"ece": weighted_ece(self.top, counts)}
        if not self.binary:
            areas = [area(*ranking.curve(counts)) for ranking in self.classes]
            return {"macro_auroc": np.mean(areas, axis=0)} | error
        curve = self.classes[0].curve(counts)
        return {"auroc": area(*curve), "average_precision": precision_area(*curve)} | error


def confusions(scored: Scored) -> Confusions:
    """Count truth and answers per group."""
    classes = len(scored.classes)
    cells = (scored.group_codes * classes + scored.truth) * classes + scored.predicted
    counts = np.bincount(cells, minlength=scored.group_count * classes**2).reshape(-1, classes, classes)
    return Confusions(counts.astype(np.float64), scored.positive_code if scored.binary else None, scored.ordered)


def answer_shares(scored: Scored) -> Shares:
    """Return the proportions of answers at the study's rule."""
    right = scored.truth == scored.predicted
    everything = np.ones(len(scored), dtype=bool)
    columns = {"accuracy": (right, everything)}
    if scored.binary:
        truth, called = scored.positive_truth, scored.predicted == scored.positive_code
        columns |= {
            "sensitivity": (right & truth, truth),
            "specificity": (right & ~truth, ~truth),
            "ppv": (right & called, called),
            "npv": (right & ~called, ~called),
        }
    return _shares(scored, columns)


def set_shares(scored: Scored) -> Shares | None:
    """Return the proportions of sets and abstentions, coverage averaged over groups; None where there are none."""
    parts = []
    if scored.sets is not None:
        parts.append(_coverage(scored, scored.sets))
    if scored.abstained is not None:
        kept, right = ~scored.abstained, scored.truth == scored.predicted
        everything = np.ones(len(scored), dtype=bool)
        columns = {"abstained": (~kept, everything), "selective_accuracy": (right & kept, kept)}
        parts.append(_shares(scored, columns))
    return _joined(parts) if parts else None


def _shares(scored: Scored, columns: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]) -> Shares:
    """Return proportions of rows from masks of hits and of cases."""
    hits, cases = (np.column_stack(masks).astype(np.float64) for masks in zip(*columns.values(), strict=True))
    return Shares(tuple(columns), group_sums(scored, hits), group_sums(scored, cases), cases.sum(axis=0))


def _coverage(scored: Scored, sets: NDArray[np.bool_]) -> Shares:
    """Return coverage over all rows and per class; each group counts once, however many rows it has."""
    held = sets[np.arange(len(scored)), scored.truth]
    cases = np.column_stack([np.ones(len(scored)), np.eye(len(scored.classes))[scored.truth]])
    rows = group_sums(scored, cases)
    names = ("coverage", *(f"coverage_{name}" for name in scored.classes))
    shares = np.divide(group_sums(scored, cases * held[:, None]), rows, out=np.zeros_like(rows), where=rows > 0)
    return Shares(names, shares, (rows > 0).astype(np.float64), rows.sum(axis=0))


def _joined(parts: list[Shares]) -> Shares:
    """Return several tables of proportions as one."""
    return Shares(
        tuple(name for part in parts for name in part.names),
        np.concatenate([part.hits for part in parts], axis=1),
        np.concatenate([part.cases for part in parts], axis=1),
        np.concatenate([part.rows for part in parts]),
    )


def _sizes(scored: Scored, sets: NDArray[np.bool_]) -> Sizes:
    """Sum the sizes of the sets over groups."""
    sums = group_sums(scored, np.column_stack([sets.sum(axis=1), np.ones(len(scored))]).astype(np.float64))
    return Sizes(sums[:, 0], sums[:, 1])


def threshold_parts(scored: Scored) -> list[Part]:
    """Return what depends on the answers alone."""
    return [answer_shares(scored), confusions(scored)]


def parts_of(scored: Scored) -> list[Part]:
    """Return all parts that apply to these rows."""
    parts: list[Part] = [Rankings.of(scored), Losses.of(scored), *threshold_parts(scored)]
    sets = set_shares(scored)
    if sets is not None:
        parts.append(sets)
    if scored.sets is not None:
        parts.append(_sizes(scored, scored.sets))
    return parts


def values_at(parts: list[Part], counts: Floats) -> Named:
    """Return the metrics of all parts."""
    return {name: values for part in parts for name, values in part(counts).items()}
