"""What simple models say of several causes: Cox models of the cause-specific hazards, and Aalen-Johansen for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.survival.cox import CoxModel, fit_cox
from cancernet.survival.curves import Curve, aalen_johansen
from cancernet.survival.options import CoxOptions
from cancernet.survival.outcome import Outcome

__all__ = ["CauseCox", "CauseMarginal"]

Floats = NDArray[np.float64]

_ROWS = 256  # patients at once: each has a number for every time of an event


@dataclass(frozen=True, eq=False)
class CauseMarginal:
    """One who looks at no column: everybody gets the Aalen-Johansen curves of the training rows."""

    curves: tuple[Curve, ...]

    @classmethod
    def fit(cls, outcome: Outcome) -> CauseMarginal:
        """Return the curves of these patients."""
        return cls(tuple(aalen_johansen(outcome, cause) for cause in outcome.causes))

    def incidence(self, values: ArrayLike, times: ArrayLike) -> Floats:
        """Return the chance to have had each cause first, (n, times, causes): the same for all."""
        one = np.stack([curve.at(times) for curve in self.curves], axis=1)
        return np.tile(one, (len(np.asarray(values)), 1, 1))


@dataclass(frozen=True, eq=False)
class CauseCox:
    """A Cox model of the hazard of each cause, the others censored, joined to the chance that it comes first.

    References
    ----------
    Benichou and Gail 1990, doi:10.2307/2532098.
    """

    models: tuple[CoxModel, ...]

    @classmethod
    def fit(cls, values: Floats, outcome: Outcome, *, options: CoxOptions, groups: ArrayLike, seed: int) -> CauseCox:
        """Fit one model for each cause on complete rows (n, p)."""
        return cls(
            tuple(
                fit_cox(values, outcome.of_cause(cause), options=options, groups=groups, seed=seed)
                for cause in outcome.causes
            )
        )

    def incidence(self, values: ArrayLike, times: ArrayLike) -> Floats:
        """Return the chance to have had each cause first, (n, times, causes); NaN past the follow-up."""
        rows, asked = np.asarray(values, dtype=np.float64), np.asarray(times, dtype=np.float64)
        moments = np.unique(np.concatenate([model.baseline.times for model in self.models]))
        steps = [np.diff(model.baseline.at(moments), prepend=0.0) for model in self.models]
        place = np.searchsorted(moments, asked, "right")
        found = [
            self._shares(rows[start : start + _ROWS], steps)[:, place] for start in range(0, max(len(rows), 1), _ROWS)
        ]
        known = asked <= min(model.baseline.end for model in self.models)
        return np.where(known[None, :, None], np.concatenate(found), np.nan)

    def _shares(self, rows: Floats, steps: list[Floats]) -> Floats:
        """Return the chances before the first moment and from each one on, (n, moments + 1, causes)."""
        hazards = np.stack(
            [np.outer(np.exp(model.risk(rows)), step) for model, step in zip(self.models, steps, strict=True)], axis=2
        )
        total = hazards.sum(axis=2)
        before = np.exp(-(np.cumsum(total, axis=1) - total))
        first = np.divide(hazards, total[:, :, None], out=np.zeros_like(hazards), where=total[:, :, None] > 0)
        shares = np.cumsum((before * -np.expm1(-total))[:, :, None] * first, axis=1)
        return np.concatenate([np.zeros_like(shares[:, :1]), shares], axis=1)
