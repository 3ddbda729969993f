"""What a model answers: the kinds of task, and how logits become probabilities and grades. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.errors import InvalidInput

__all__ = [
    "TASK_KINDS",
    "TaskKind",
    "biased",
    "cumulative_logits",
    "expected_grade",
    "grade_between",
    "log_probabilities",
    "logit_width",
    "matched_cuts",
    "nearest_grade",
    "probabilities",
    "softmax",
]

TaskKind = Literal["binary", "multiclass", "ordinal", "segmentation", "survival"]
TASK_KINDS: tuple[str, ...] = get_args(TaskKind)

Floats = NDArray[np.float64]

_TINY = float(np.finfo(np.float64).tiny)
_ROUNDING = 1e-5, 2**-7  # by this, and by this part of its size (a step of bfloat16), a logit may lie below the last
_TIE = 1e-9  # expected grades that should be half-way between two grades are off by less


def logit_width(kind: TaskKind, classes: int) -> int:
    """Return how many logits a row has: one per class, or for ordered grades one per step between two of them.

    A pixel has as many as there are classes: one for each but the first, which is the background, and one for the
    distance to the edge of the last.
    """
    return classes - 1 if kind == "ordinal" else classes


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the softmax over the last axis, safe for large logits."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = shifted - shifted.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    shares: NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return shares


def biased(
    logits: NDArray[np.floating], temperature: float = 1.0, *, bias: Sequence[float] | NDArray[np.floating] = ()
) -> NDArray[np.float64]:
    """Return logits / temperature + bias, (..., n, width); an empty bias adds nothing."""
    scaled: Floats = np.asarray(logits, dtype=np.float64) / temperature
    return scaled + np.asarray(bias, dtype=np.float64) if len(bias) else scaled


def probabilities(
    logits: NDArray[np.floating],
    temperature: float = 1.0,
    *,
    bias: Sequence[float] | NDArray[np.floating] = (),
    kind: TaskKind = "multiclass",
) -> NDArray[np.float64]:
    """Return calibrated probabilities.

    Parameters
    ----------
    logits
        Shape (..., n, classes); one column per class in the order of the card, for binary tasks too. For "ordinal"
        (..., n, classes - 1): column k is the logit that the grade is at most k, the cut-point between the grades k
        and k + 1 minus the severity of the row. It does not fall along a row.
    temperature
        Divides the logits (Guo et al. 2017, arXiv 1706.04599, eq. 9); 1 leaves them as they are.
    bias
        Added to them after that, one number for each column; empty for nothing.
    kind
        Of the task. "binary" and "multiclass" are softmax, "ordinal" is a cumulative link. Of "segmentation" and
        "survival" each logit is a sigmoid of its own (the room `survival` makes curves of the logits).

    Returns
    -------
    Shape (..., n, classes), float64; rows sum to 1, but for those of "segmentation".

    Raises
    ------
    InvalidInput
        When the logits of an ordinal row fall.

    References
    ----------
    Cumulative link (proportional odds), P(grade <= k) = 1 / (1 + exp(severity - cut_k)): McCullagh 1980,
    doi:10.1111/j.2517-6161.1980.tb01109.x.
    """
    scaled = biased(logits, temperature, bias=bias)
    if kind == "ordinal":
        shares: Floats = np.exp(_log_steps(scaled))
        return shares
    if kind in ("segmentation", "survival"):
        apart: Floats = np.exp(-np.logaddexp(0.0, -scaled))
        return apart
    return softmax(scaled)


def log_probabilities(logits: NDArray[np.floating], kind: TaskKind = "multiclass") -> NDArray[np.float64]:
    """Return the logarithms of `probabilities`, precise where a probability is too small for a float64.

    Parameters
    ----------
    logits
        Shape (..., n, classes), or (..., n, classes - 1) for "ordinal".
    kind
        Of the task.

    Returns
    -------
    Shape (..., n, classes), float64, finite where the logits are: a grade between two equal cut-points, which cannot
    be, has less than -700.

    Raises
    ------
    InvalidInput
        When the logits of an ordinal row fall.
    """
    values = np.asarray(logits, dtype=np.float64)
    if kind == "ordinal":
        return _log_steps(values)
    shifted = values - values.max(axis=-1, keepdims=True)
    logarithms: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return logarithms


def cumulative_logits(shares: ArrayLike) -> NDArray[np.float64]:
    """Return the ordinal logits whose `probabilities` are the given ones, for models that know no order.

    Parameters
    ----------
    shares
        Shape (..., n, classes), 0 to 1, in the order of the grades; rows sum to 1.

    Returns
    -------
    Shape (..., n, classes - 1), float64: the logit that the grade is at most k. Finite, about 708 where it is certain.

    Raises
    ------
    InvalidInput
        When a share is below zero or not a number.
    """
    values = np.asarray(shares, dtype=np.float64)
    if not (values >= 0).all():
        raise InvalidInput("A probability is below zero or not a number", "Numbers from 0 to 1")
    up_to = np.cumsum(values, axis=-1)[..., :-1]
    above = np.cumsum(values[..., ::-1], axis=-1)[..., -2::-1]
    logits: Floats = np.log(np.maximum(up_to, _TINY)) - np.log(np.maximum(above, _TINY))
    return logits


def expected_grade(shares: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the mean of the grades 0, 1, 2, ... under the probabilities (..., n, classes): shape (..., n)."""
    grades: Floats = np.asarray(shares, dtype=np.float64) @ np.arange(np.shape(shares)[-1], dtype=np.float64)
    return grades


def nearest_grade(shares: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the grade next to the expected one, half-way the lower: the answer of an ordinal task.

    It is the grade of least expected squared distance from the truth, and quadratic kappa punishes that distance. The
    most probable grade is right more often, but misses farther.

    Parameters
    ----------
    shares
        Probabilities, shape (..., n, classes).

    Returns
    -------
    Shape (..., n), codes of the grades.
    """
    return grade_between(shares, cuts=np.arange(np.shape(shares)[-1] - 1) + 0.5)


def grade_between(shares: NDArray[np.floating], *, cuts: ArrayLike) -> NDArray[np.int64]:
    """Return how many cut points lie below the expected grade; a grade at a cut point is the lower one.

    Parameters
    ----------
    shares
        Probabilities, shape (..., n, classes).
    cuts
        Shape (classes - 1,), or (..., n, classes - 1) for cut points of each row; rising.

    Returns
    -------
    Shape (..., n), codes of the grades.
    """
    above = expected_grade(shares)[..., None] > np.asarray(cuts, dtype=np.float64) + _TIE
    grades: NDArray[np.int64] = above.sum(axis=-1).astype(np.int64)
    return grades


def matched_cuts(shares: NDArray[np.floating], codes: NDArray[np.integer]) -> tuple[float, ...]:
    """Return the cut points at which each grade is answered as often as it is true.

    Probabilities of a model that is unsure lie in the middle, and the nearest grade then is seldom one of the ends:
    quadratic kappa is agreement beyond chance, and such answers agree by chance as often.

    Parameters
    ----------
    shares
        Probabilities of rows that no fit has used, (n, classes).
    codes
        Their grades, (n,).

    Returns
    -------
    classes - 1 numbers on the scale of the expected grade, not falling.
    """
    count = np.shape(shares)[-1]
    up_to = np.cumsum(np.bincount(codes, minlength=count))[:-1] / len(codes)
    cuts: Floats = np.quantile(expected_grade(shares), up_to)
    return tuple(cuts.tolist())


def _log_steps(logits: Floats) -> Floats:
    """Return the logarithms of the differences of neighbouring sigmoids, shape (..., n, classes).

    With s the sigmoid, s(b) - s(a) = s(b) s(-a) (1 - exp(a - b)): three factors that cancel nothing.
    """
    cuts = _ordered(logits)
    log_steps = np.log(-np.expm1(-np.maximum(np.diff(cuts, axis=-1), _TINY)))
    edge = np.zeros((*cuts.shape[:-1], 1))
    below = np.concatenate([-np.logaddexp(0, -cuts), edge], axis=-1)  # log P(grade <= k), of all classes
    above = np.concatenate([edge, -np.logaddexp(0, cuts)], axis=-1)  # log P(grade >= k)
    logarithms: Floats = below + above
    logarithms[..., 1:-1] += log_steps
    return logarithms


def _ordered(logits: Floats) -> Floats:
    """Return logits that do not fall along the last axis; falls by more than rounding are refused."""
    falls = np.diff(logits, axis=-1) < -(_ROUNDING[0] + _ROUNDING[1] * np.abs(logits[..., 1:]))
    if falls.any():
        row = logits[tuple(np.argwhere(falls)[0][:-1])]
        raise InvalidInput(
            f"The cumulative logits {np.round(row, 4).tolist()} fall",
            "Logits that the grade is at most k, which rise with k",
            "Check that the model has an ordinal head",
        )
    ordered: Floats = np.maximum.accumulate(logits, axis=-1)
    return ordered
