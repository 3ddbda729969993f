"""One fold of a study: the recipe on its training rows, for the network and its baselines, applied to its test rows."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Decision
from cancernet.data import Fold
from cancernet.errors import CorruptFile
from cancernet.explain import permuted_logits
from cancernet.files import read_json, storage_errors, whole_file, write_json
from cancernet.studies.learners import Learner
from cancernet.studies.plan import NETWORK, Plan
from cancernet.studies.recipe import Made, fit_limits, follow_recipe
from cancernet.tasks import probabilities
from cancernet.training import seed_of

__all__ = ["Answer", "FoldResult", "load_fold", "run_fold", "save_fold"]

RULE_OF = {"majority": "0.5"}  # one probability for all rows leaves a threshold nothing to choose
_SHUFFLES = 5  # per column, for permutation importance
# What NumPy raises for a file that is no NPZ any more.
_UNREADABLE = (
    ValueError,
    OSError,
    EOFError,
    KeyError,
    TypeError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, eq=False)
class Answer:
    """What one learner says in one fold.

    Parameters
    ----------
    logits
        Of the test rows, (m, classes).
    calibration
        Logits of the calibration rows, (c, classes).
    decision
        Fitted on the calibration rows, with the limits of the training rows.
    """

    logits: NDArray[np.float64]
    calibration: NDArray[np.float64]
    decision: Decision


@dataclass(frozen=True, eq=False)
class FoldResult:
    """What is kept of a fold.

    Parameters
    ----------
    repeat, number
        Of the fold, from 0.
    calibration_rows
        Row numbers that all learners were calibrated on.
    answers
        By learner.
    permuted
        Calibrated probabilities of the network with one column shuffled: (columns, shuffles, m, classes) float32.
    epochs
        That the network's final fit ran.
    history
        One row per epoch and fit of the network; "inner" 0 is the final fit.
    """

    repeat: int
    number: int
    calibration_rows: NDArray[np.int64]
    answers: Mapping[str, Answer]
    permuted: NDArray[np.float32]
    epochs: int
    history: tuple[dict[str, Any], ...]


def run_fold(plan: Plan, fold: Fold, learners: Mapping[str, Learner]) -> tuple[FoldResult, Any]:
    """Return the result of a fold and what the network learnt (for the bundle of a held-out split)."""
    seed = seed_of(plan.study.training.seed, fold.repeat, fold.number)
    inner = plan.study.training.inner_folds
    medians, novelty = fit_limits(plan.cohort, fold, inner_folds=inner, seed=seed)
    tested = plan.cohort.filled(fold.test, medians)
    made, answers = dict[str, Made](), dict[str, Answer]()
    for name, learner in learners.items():
        report = plan.study.report.model_copy(update={"threshold": RULE_OF.get(name, plan.study.report.threshold)})
        made[name] = follow_recipe(
            learner, plan.cohort, fold, task=plan.task, report=report, inner_folds=inner, seed=seed
        )
        decision = made[name].decision.model_copy(update={"novelty": novelty})
        answers[name] = Answer(learner.logits(made[name].fitted, tested), made[name].logits, decision)
    network = made[NETWORK]
    shuffled = permuted_logits(
        lambda rows: learners[NETWORK].logits(network.fitted, rows), tested, repeats=_SHUFFLES, seed=seed
    )
    permuted = probabilities(shuffled, network.decision.temperature).astype(np.float32)
    result = FoldResult(
        fold.repeat, fold.number, network.rows, answers, permuted, network.fitted.epochs, network.history
    )
    return result, network.fitted


def save_fold(folder: Path, result: FoldResult) -> None:
    """Keep a fold in the partial folder of a run: arrays as NPZ, the rest as JSON, the JSON last."""
    stem = folder / f"fold-{result.repeat}-{result.number}"
    arrays = {"calibration_rows": result.calibration_rows, "permuted": result.permuted}
    for name, answer in result.answers.items():
        arrays |= {f"{name}.logits": answer.logits, f"{name}.calibration": answer.calibration}
    with whole_file(stem.with_suffix(".npz"), force=True) as partial, partial.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the arrays for its option
    decisions = {name: answer.decision.model_dump(mode="json") for name, answer in result.answers.items()}
    record = {"epochs": result.epochs, "history": result.history, "decisions": decisions}
    write_json(stem.with_suffix(".json"), record)


def load_fold(folder: Path, fold: Fold) -> FoldResult | None:
    """Return a fold that `save_fold` kept, or None when it is not there."""
    stem = folder / f"fold-{fold.repeat}-{fold.number}"
    if not stem.with_suffix(".json").is_file():
        return None
    record, arrays = read_json(stem.with_suffix(".json")), _arrays(stem.with_suffix(".npz"))
    try:
        return _result(fold, record, arrays)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _damaged(stem.with_suffix(".json"), error) from error


def _result(fold: Fold, record: Any, arrays: Mapping[str, NDArray[Any]]) -> FoldResult:
    """Return the fold that JSON and arrays hold."""
    answers = {
        name: Answer(arrays[f"{name}.logits"], arrays[f"{name}.calibration"], Decision.model_validate(fields))
        for name, fields in record["decisions"].items()
    }
    history = tuple(record["history"])
    rows, permuted = arrays["calibration_rows"], arrays["permuted"]
    return FoldResult(fold.repeat, fold.number, rows, answers, permuted, record["epochs"], history)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an NPZ file."""
    with storage_errors(path):
        raw = path.open("rb")
    try:
        with raw, zipfile.ZipFile(raw) as archive:
            if archive.testzip() is not None:  # before NumPy parses anything
                raise zipfile.BadZipFile("a checksum is wrong")
            return {name.removesuffix(".npy"): _array(archive, name) for name in archive.namelist()}
    except _UNREADABLE as error:
        raise _damaged(path, error) from error


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Return one array of an NPZ file; objects are refused."""
    with archive.open(name) as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    return array


def _damaged(path: Path, error: Exception) -> CorruptFile:
    """Return the error for a file of a fold that cannot be read."""
    return CorruptFile(f"'{path}' is damaged ({error})", "What an interrupted run left", "Start anew with --force")
