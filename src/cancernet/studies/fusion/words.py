"""What a fusion says: whether the stack is better than the best single source, by a paired interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cancernet.estimate import Estimate
from cancernet.report.words import describe, verdict

__all__ = ["best_source", "gain_sentence"]

Found = Mapping[str, Mapping[str, Estimate]]


def best_source(found: Found, names: Sequence[str], metric: str) -> str:
    """Return the source with the best value of a metric, the first of equal ones."""
    sign = -1 if describe(metric).better == "lower" else 1

    def worth(name: str) -> float:
        """Return how good a source is; one without a value is the last."""
        value = found[name][metric].value if metric in found[name] else None
        return -float("inf") if value is None else sign * value

    return max(names, key=worth)


def gain_sentence(baselines: Found, differences: Found, names: Sequence[str], *, metrics: Sequence[str]) -> str:
    """Return what the stack gains over the source that is best by the first metric."""
    best = best_source(baselines, names, metrics[0])
    gains = {metric: differences[best][metric] for metric in metrics if metric in differences[best]}
    verdicts = {metric: verdict(gain, describe(metric).better) for metric, gain in gains.items()}
    numbers = "; ".join(f"{describe(metric).label} {_signed(gain)}" for metric, gain in gains.items())
    return f"{_claim(verdicts, best)} (stack minus {best}, on the same patients, with 95 % intervals: {numbers})."


def _claim(verdicts: Mapping[str, str], best: str) -> str:
    """Return what the verdicts come to."""
    better, worse = (
        " and ".join(describe(metric).label for metric, said in verdicts.items() if said == wanted)
        for wanted in ("better", "worse")
    )
    said = [f"{way} in {where}" for way, where in (("better", better), ("worse", worse)) if where]
    if said:
        return f"The stack is {', and '.join(said)} than {best}, the best single source"
    return f"The stack is not better than {best}, the best single source: no paired interval excludes zero"


def _signed(gain: Estimate) -> str:
    """Return '+0.012 (+0.004 to +0.021)'."""
    if gain.value is None or gain.low is None or gain.high is None:
        return gain.format()
    return f"{gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"
