"""A number never walks alone: value, interval, how many rows and groups it rests on, and by which method."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Estimate"]


@dataclass(frozen=True)
class Estimate:
    """A measured number with its interval.

    Parameters
    ----------
    value
        The point estimate; None when it is undefined, with a `reason`.
    low, high
        Bounds of the two-sided 95 % interval; None when no interval can be given (then `reason` says why).
    n
        Rows that it rests on.
    groups
        Independent groups (patients) that it rests on.
    method
        How the interval was made, for example "wilson", "delong" or "bootstrap over groups".
    reason
        Why value or interval are missing.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    groups: int
    method: str
    reason: str | None = None

    @classmethod
    def undefined(cls, reason: str, *, n: int = 0, groups: int = 0) -> Estimate:
        """Return the estimate of a number that does not exist, with the reason."""
        return cls(None, None, None, n, groups, "undefined", reason)

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON; values that are not finite become null."""
        fields = asdict(self)
        for name in ("value", "low", "high"):
            if fields[name] is not None and not math.isfinite(fields[name]):
                fields[name] = None
        if fields["reason"] is None:
            del fields["reason"]
        return fields

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Estimate:
        """Return the estimate that `to_dict` wrote."""
        return cls(**{"reason": None, **fields})

    def format(self, digits: int = 3) -> str:
        """Return '0.993 (0.987 to 0.997)', or 'undefined: reason'."""
        if self.value is None:
            return f"undefined: {self.reason}"
        if self.low is None or self.high is None:
            return f"{self.value:.{digits}f}"
        return f"{self.value:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"
