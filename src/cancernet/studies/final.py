"""The network of the bundle, and all that the fits of a study leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Decision
from cancernet.studies.plan import Plan
from cancernet.studies.results import NETWORK, FoldResult

if TYPE_CHECKING:
    import keras

__all__ = ["Final", "Fitted", "final_of_tested"]


@dataclass(frozen=True, eq=False)
class Final:
    """The network of the bundle.

    Parameters
    ----------
    model
        Takes raw cases, gives logits.
    decision
        How its logits become answers, with the limits of its training rows.
    rows
        Row numbers that its weights have seen.
    calibration_rows
        Row numbers that the decision was fitted on.
    epochs
        Of its fit.
    test_time
        How the engine averages, as in `Execution`.
    networks
        Of how many networks its logits are the mean.
    """

    model: keras.Model
    decision: Decision
    rows: NDArray[np.int64]
    calibration_rows: NDArray[np.int64]
    epochs: int
    test_time: str = "none"
    networks: int = 1


@dataclass(frozen=True, eq=False)
class Fitted:
    """What the fits of a study leave.

    Parameters
    ----------
    results
        Of the folds, in their order.
    final
        The network of the bundle.
    calibrated
        Calibrated probabilities (c, classes) of its calibration rows, on which thresholds are chosen.
    statements
        Sentences about choices that were made on the way.
    extra
        Further entries of `metrics.json`.
    """

    results: Sequence[FoldResult]
    final: Final
    calibrated: NDArray[np.float64]
    statements: tuple[str, ...] = ()
    extra: dict[str, Any] | None = None


def final_of_tested(plan: Plan, result: FoldResult, *, model: keras.Model) -> tuple[Final, NDArray[np.float64]]:
    """Return the network that was tested, for a held-out split, and the probabilities of its calibration rows."""
    answer = result.answers[NETWORK]
    final = Final(
        model,
        answer.decision,
        rows=plan.split.folds[0].train,
        calibration_rows=result.calibration_rows,
        epochs=result.epochs,
    )
    return final, answer.decision.calibrated(answer.calibration, kind=plan.task.kind)
