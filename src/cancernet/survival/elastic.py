"""Cox with an elastic net, by cyclic coordinate descent along a path of penalties, each fit begun with the last one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.errors import InvalidInput
from cancernet.survival.partial import RiskSets

__all__ = ["Net", "elastic_path", "largest_penalty"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_QUADRATICS, _PASSES, _ROUNDS = 100, 1000, 100
_DONE = 1e-8  # of a coefficient, per standard deviation of its column
_SLACK = 1e-7  # by which a slope of a column that is left out may pass its bound, per largest penalty


@dataclass(frozen=True)
class Net:
    """An elastic net: penalty x (l1_ratio x sum of sizes + (1 - l1_ratio) / 2 x sum of squares)."""

    penalty: float
    l1_ratio: float

    @property
    def sizes(self) -> float:
        """The part that makes coefficients zero."""
        return self.penalty * self.l1_ratio

    @property
    def squares(self) -> float:
        """The part that makes coefficients small."""
        return self.penalty * (1 - self.l1_ratio)


def largest_penalty(values: Floats, sets: RiskSets, *, l1_ratio: float) -> float:
    """Return the least penalty that leaves out every column."""
    slopes = values.T @ sets.slopes(np.zeros(len(values))).gradient / len(values)
    return float(np.abs(slopes).max(initial=0.0)) / l1_ratio


def elastic_path(values: Floats, sets: RiskSets, *, l1_ratio: float, penalties: Floats) -> Floats:
    """Return the coefficients that minimise -log(partial likelihood) / n + net, for each penalty.

    Parameters
    ----------
    values
        Shape (n, p), centred and scaled.
    sets
        Who was at risk.
    l1_ratio
        Above 0, up to 1.
    penalties
        Falling.

    Returns
    -------
    Shape (penalties, p).

    Each quadratic is that of Newton, with the full second derivative of the columns that are looked at, where Simon et
    al. keep the diagonal over patients: fewer quadratics are needed.

    Raises
    ------
    InvalidInput
        When the share is out of range, the penalties do not fall, or a fit does not settle.

    References
    ----------
    Simon et al. 2011, doi:10.18637/jss.v039.i05; Tibshirani et al. 2012, doi:10.1111/j.1467-9868.2011.01004.x
    (which columns to look at first).
    """
    if not 0 < l1_ratio <= 1 or (np.diff(penalties) >= 0).any() or not (penalties > 0).all():
        raise InvalidInput(
            f"No path with l1_ratio = {l1_ratio:g} and penalties {penalties[:4].tolist()}",
            "A share above 0 and up to 1, and penalties above zero that fall",
        )
    beta, path = np.zeros(values.shape[1]), np.empty((len(penalties), values.shape[1]))
    last = largest_penalty(values, sets, l1_ratio=l1_ratio)
    descent = _Descent(values, sets, slack=_SLACK * last * l1_ratio)
    for place, penalty in enumerate(penalties.tolist()):
        beta = descent.fit(beta, Net(penalty, l1_ratio), last=last)
        path[place], last = beta, penalty
    return path


@dataclass(frozen=True, eq=False)
class _Descent:
    """The columns, and how exact a fit has to be."""

    values: Floats
    sets: RiskSets
    slack: float

    def fit(self, beta: Floats, net: Net, *, last: float) -> Floats:
        """Return the coefficients for one penalty; columns whose slope stays within its bound are not looked at."""
        slopes = self._slopes(beta)
        chosen = (beta != 0) | (np.abs(slopes) >= 2 * net.sizes - last * net.l1_ratio)
        for _ in range(_ROUNDS):
            beta = self._settled(beta, np.flatnonzero(chosen), net)
            wrong = ~chosen & (np.abs(self._slopes(beta)) > net.sizes + self.slack)
            if not wrong.any():
                return beta
            chosen |= wrong
        raise _unsettled(net)

    def _slopes(self, beta: Floats) -> Floats:
        """Return the derivative of the mean log likelihood by each coefficient."""
        slopes: Floats = self.values.T @ self.sets.slopes(self.values @ beta).gradient / len(self.values)
        return slopes

    def _settled(self, beta: Floats, chosen: Ints, net: Net) -> Floats:
        """Return the coefficients after as many quadratics as it takes; only the chosen columns move."""
        columns, part = np.ascontiguousarray(self.values[:, chosen]), beta[chosen]
        now = self._objective(columns, part, net)
        for _ in range(_QUADRATICS):
            aim = self._minimised(columns, part, net)
            part, moved, now = self._towards(columns, part, aim, net=net, now=now)
            if moved < _DONE:
                return _placed(beta, chosen, part)
        raise _unsettled(net)

    def _minimised(self, columns: Floats, part: Floats, net: Net) -> Floats:
        """Return the minimum, with the net, of the quadratic that touches here."""
        n, predictor = len(columns), columns @ part
        slopes = columns.T @ self.sets.slopes(predictor).gradient / n
        gram = self.sets.information(columns, predictor) / n
        return _descended(gram, slopes, part, net=net)

    def _towards(
        self, columns: Floats, part: Floats, aim: Floats, *, net: Net, now: float
    ) -> tuple[Floats, float, float]:
        """Return the coefficients after as much of the way as is not worse, how far that is, and the objective."""
        step = aim - part
        for halving in range(20):
            new = part + step / 2**halving
            found = self._objective(columns, new, net)
            if found <= now + 1e-13 * (1 + abs(now)):
                return new, float(np.abs(new - part).max(initial=0.0)), found
        return part, 0.0, now

    def _objective(self, columns: Floats, part: Floats, net: Net) -> float:
        """Return what is minimised."""
        likelihood = self.sets.likelihood(columns @ part)
        return -likelihood / len(columns) + net.sizes * float(np.abs(part).sum()) + net.squares / 2 * float(part @ part)


def _descended(gram: Floats, slopes: Floats, start: Floats, *, net: Net) -> Floats:
    """Return the minimum of a quadratic with a net, coordinate by coordinate.

    After each pass over all coordinates, those that are not zero jump to where the quadratic is least as long as none
    of them changes its sign: coordinates that go together would else take hundreds of passes.

    Parameters
    ----------
    gram, slopes
        Second derivative (m, m) of the quadratic, and minus the first one (m,) at the start.
    start
        Shape (m,).
    net
        The penalty.
    """
    beta, left, diagonal = start.copy(), slopes.copy(), gram.diagonal().tolist()
    for _ in range(_PASSES):
        if _passed(beta, left, gram=gram, diagonal=diagonal, net=net) < _DONE / 10:
            return beta
        while _jumped(beta, left, gram=gram, net=net):
            continue
    raise _unsettled(net)


def _jumped(beta: Floats, left: Floats, *, gram: Floats, net: Net) -> bool:
    """Move all coordinates that are not zero to their minimum; tell whether one became zero first, which ends it."""
    active = np.flatnonzero(beta)
    old, signs = beta[active], np.sign(beta[active])
    curve = gram[np.ix_(active, active)] + net.squares * np.eye(len(active))
    try:
        step = np.linalg.solve(curve, left[active] - net.squares * old - net.sizes * signs)
    except np.linalg.LinAlgError:
        return False
    crossing = signs * (old + step) < 0
    reach = np.divide(-old, step, out=np.ones(len(old)), where=crossing)
    share = float(reach.min(initial=1.0))
    new = np.where(crossing & (reach <= share), 0.0, old + share * step)
    beta[active] = new
    left -= gram[:, active] @ (new - old)
    return bool(crossing.any())


def _passed(beta: Floats, left: Floats, *, gram: Floats, diagonal: list[float], net: Net) -> float:
    """Move each coordinate in turn to its own minimum, and return the largest move."""
    largest, bound, squares = 0.0, net.sizes, net.squares
    for place in range(len(beta)):
        curve, old = diagonal[place], float(beta[place])
        pull = float(left[place]) + curve * old
        size = abs(pull) - bound
        new = 0.0 if size <= 0 or curve + squares <= 0 else (size if pull > 0 else -size) / (curve + squares)
        move = new - old
        if move:
            beta[place] = new
            left -= gram[place] * move
            largest = max(largest, abs(move))
    return largest


def _placed(beta: Floats, chosen: Ints, part: Floats) -> Floats:
    """Return coefficients of which the chosen ones are replaced."""
    placed = beta.copy()
    placed[chosen] = part
    return placed


def _unsettled(net: Net) -> InvalidInput:
    """Return the error for a fit that goes on and on."""
    return InvalidInput(
        f"The elastic net with penalty {net.penalty:g} and l1_ratio {net.l1_ratio:g} does not settle",
        "Columns that do not repeat each other",
        "Use a larger penalty, or a smaller l1_ratio",
    )
