"""Which columns moved the answer of each row: occlusion and Shapley values, through the engine, without gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import one_of
from cancernet.errors import InvalidInput
from cancernet.predict import Cases, cases, fill_missing
from cancernet.tasks import biased, softmax

if TYPE_CHECKING:
    from cancernet.bundle import Card
    from cancernet.engine import Model

__all__ = ["METHODS", "Attribution", "Method", "Scale", "occlusion", "reference_row", "shapley"]

Method = Literal["shapley", "occlusion"]
METHODS: tuple[str, ...] = get_args(Method)
Scale = Literal["log-odds", "probability"]

_BATCH = 65536  # rows handed to the engine at once: bounds memory whatever the number of cases


@dataclass(frozen=True)
class Attribution:
    """How much each column moved the answer of each row away from that of a reference row.

    Parameters
    ----------
    columns
        Names.
    contributions
        Shape (n, columns), in units of `scale`; above zero speaks for the explained class.
    values
        Shape (n, columns), the complete raw values.
    reference
        Shape (columns,), the row that is compared with.
    explained
        Shape (n,), code of the class that is explained: the positive one, or the predicted one of a multiclass task.
    output, reference_output
        Shape (n,), the answer for the row and for the reference, in units of `scale`.
    cases
        What the model says about the rows.
    reference_name
        What the reference is, in words.
    scale
        "log-odds" (natural logarithm, calibrated) or "probability" (calibrated).
    method
        "shapley" or "occlusion".
    """

    columns: tuple[str, ...]
    contributions: NDArray[np.float64]
    values: NDArray[np.float64]
    reference: NDArray[np.float64]
    explained: NDArray[np.int64]
    output: NDArray[np.float64]
    reference_output: NDArray[np.float64]
    cases: Cases
    reference_name: str
    scale: Scale
    method: Method

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.output)

    @property
    def probability(self) -> NDArray[np.float64]:
        """The calibrated probability of the explained class, shape (n,)."""
        return _of_class(self.cases.probabilities, self.explained)


def occlusion(
    model: Model,
    values: NDArray[np.float64],
    *,
    reference: NDArray[np.float64] | None = None,
    scale: Scale = "log-odds",
    progress: Callable[[int], None] | None = None,
) -> Attribution:
    """Return how the answer changes when one column at a time is set to the reference.

    Parameters
    ----------
    model
        Opened by `engine.open`.
    values
        Shape (n, columns), raw values in the order of the card; NaN is missing.
    reference
        Shape (columns,); None takes the average training row of the card.
    scale
        "log-odds" or "probability" of the explained class, calibrated.
    progress
        Called with the number of rows done.

    Raises
    ------
    InvalidInput
        When the card describes no training row and there is no reference, or the values cannot be used.

    References
    ----------
    Zeiler and Fergus 2014, arXiv 1311.2901, section 4.2, for columns in the place of patches.
    """
    scorer = _Scorer(model, values, reference, scale)
    present = ~np.eye(scorer.columns, dtype=bool)  # (columns, columns): variant j lacks column j

    def contributions(rows: slice) -> NDArray[np.float64]:
        return scorer.output[rows, None] - scorer.mixed(rows, present)

    return scorer.attribution(scorer.in_parts(contributions, len(present), progress), "occlusion")


def shapley(
    model: Model,
    values: NDArray[np.float64],
    *,
    reference: NDArray[np.float64] | None = None,
    scale: Scale = "log-odds",
    draws: int = 16,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Attribution:
    """Return Shapley values: what each column adds, averaged over orders in which the columns may arrive.

    They sum exactly to the answer for the row minus the answer for the reference.

    Parameters
    ----------
    model
        Opened by `engine.open`.
    values
        Shape (n, columns), raw values in the order of the card; NaN is missing.
    reference
        Shape (columns,), what an absent column is set to; None takes the average training row of the card.
    scale
        "log-odds" or "probability" of the explained class, calibrated.
    draws
        Random orders; each is gone forwards and backwards, the same ones for all rows.
    seed
        Of the orders.
    progress
        Called with the number of rows done.

    Raises
    ------
    InvalidInput
        When the card describes no training row and there is no reference, or the values cannot be used.

    References
    ----------
    Štrumbelj and Kononenko 2014 (doi 10.1007/s10115-013-0679-x), algorithm 1; forwards and backwards: Mitchell et al.
    2022, arXiv 2104.12199, section 4.1.
    """
    scorer = _Scorer(model, values, reference, scale)
    ranks = _ranks(scorer.columns, draws, seed)
    present = ranks[:, None, :] < np.arange(1, scorer.columns)[:, None]  # (orders, columns - 1, columns)

    def contributions(rows: slice) -> NDArray[np.float64]:
        path = scorer.mixed(rows, present.reshape(-1, scorer.columns)).reshape(-1, *present.shape[:2])
        ends = [np.broadcast_to(end[rows, None, None], (len(path), len(ranks), 1)) for end in scorer.ends]
        steps = np.diff(np.concatenate([ends[0], path, ends[1]], axis=2), axis=2)  # (n, orders, columns)
        gained: NDArray[np.float64] = np.take_along_axis(steps, ranks[None], axis=2).mean(axis=1)
        return gained

    return scorer.attribution(scorer.in_parts(contributions, present[..., 0].size, progress), "shapley")


def reference_row(card: Card) -> NDArray[np.float64]:
    """Return the row that others are compared with: the mean of the training rows, else their medians.

    Raises
    ------
    InvalidInput
        When the card knows neither.
    """
    if card.decision.novelty is not None:
        return np.array(card.decision.novelty.mean)
    if card.input.medians is not None:
        return np.array(card.input.medians)
    raise InvalidInput(
        f"'{card.name}' describes no typical training row", "Means or medians in its card", "Pass a reference row"
    )


class _Scorer:
    """Answers for mixtures of rows with the reference."""

    def __init__(
        self, model: Model, values: NDArray[np.float64], reference: NDArray[np.float64] | None, scale: Scale
    ) -> None:
        one_of(scale, get_args(Scale), "scale")
        self._model, self._scale = model, scale
        self.values = fill_missing(model.card, values)
        self.columns = self.values.shape[1]
        self.reference = _checked_reference(model.card, reference)
        self._reference_name = _reference_name(model.card) if reference is None else "the given row"
        self.cases = cases(model, self.values)
        self.explained = _explained(model.card, self.cases)
        self.output = self._score(self.cases.logits, self.explained)
        logits = model.run(self.reference[None]).logits
        self.ends = (self._score(np.repeat(logits, len(self.values), axis=0), self.explained), self.output)

    def mixed(self, rows: slice, present: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the answers, shape (rows, variants), with the columns that are not `present` set to the reference."""
        values = self.values[rows]
        if not len(present):
            return np.empty((len(values), 0))
        variants = np.where(present, values[:, None], self.reference).reshape(-1, self.columns)
        explained = np.repeat(self.explained[rows], len(present))
        return self._score(self._model.run(variants).logits, explained).reshape(len(values), -1)

    def in_parts(
        self, job: Callable[[slice], NDArray[np.float64]], variants: int, progress: Callable[[int], None] | None
    ) -> NDArray[np.float64]:
        """Return what the job gives for all rows, a few at a time."""
        n, size = len(self.values), max(1, _BATCH // max(1, variants))
        result = np.empty((n, self.columns))
        for start in range(0, n, size):
            result[start : start + size] = job(slice(start, start + size))
            if progress is not None:
                progress(min(start + size, n))
        return result

    def attribution(self, contributions: NDArray[np.float64], method: Method) -> Attribution:
        """Return the finished record."""
        return Attribution(
            columns=self._model.card.input.names,
            contributions=contributions,
            values=self.values,
            reference=self.reference,
            explained=self.explained,
            output=self.output,
            reference_output=self.ends[0],
            cases=self.cases,
            reference_name=self._reference_name,
            scale=self._scale,
            method=method,
        )

    def _score(self, logits: NDArray[np.floating], explained: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the calibrated answer for the explained class of each row."""
        decision = self._model.card.decision
        tempered = biased(logits, decision.temperature, bias=decision.bias)
        if self._scale == "probability":
            return _of_class(softmax(tempered), explained)
        return _log_odds(tempered, explained)


def _checked_reference(card: Card, reference: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the reference of the user, or that of the card."""
    if reference is None:
        return reference_row(card)
    reference = np.asarray(reference, dtype=np.float64)
    if reference.shape != card.input.shape or not np.isfinite(reference).all():
        raise InvalidInput(
            f"A reference of shape {reference.shape}", f"{card.input.shape[0]} finite numbers, one per column"
        )
    return reference


def _reference_name(card: Card) -> str:
    """Return what `reference_row` returns, in words."""
    return "the mean of the training rows" if card.decision.novelty is not None else "the median of the training rows"


def _explained(card: Card, found: Cases) -> NDArray[np.int64]:
    """Return the class to explain for each row."""
    if card.task.positive is None:
        return found.predicted
    return np.full(len(found), card.task.classes.index(card.task.positive))


def _log_odds(logits: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return log p / (1 - p) of one class per row, exact where p is next to 0 or 1."""
    others = logits.copy()
    np.put_along_axis(others, codes[:, None], -np.inf, axis=1)
    largest = others.max(axis=1)
    rest = largest + np.log(np.exp(others - largest[:, None]).sum(axis=1))
    log_odds: NDArray[np.float64] = _of_class(logits, codes) - rest
    return log_odds


def _of_class(array: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the entry of one class per row."""
    chosen: NDArray[np.float64] = np.take_along_axis(array, codes[:, None], axis=1)[:, 0]
    return chosen


def _ranks(columns: int, draws: int, seed: int) -> NDArray[np.int64]:
    """Return when each column arrives, shape (2 * draws, columns): random orders and their reverses."""
    if draws < 1:
        raise InvalidInput(f"{draws} draws", "At least 1")
    generator = np.random.default_rng(seed)
    forwards = np.array([generator.permutation(columns) for _ in range(draws)])
    return np.concatenate([forwards, columns - 1 - forwards])
