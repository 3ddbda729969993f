"""What is kept of a fold of survival, and its files in the partial folder of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.data import Fold
from cancernet.studies.results import fold_stem, read_fold, write_fold
from cancernet.studies.survival.models import Said
from cancernet.survival import Example

__all__ = ["FoldFound", "keep_found", "kept_found"]

_CURVES = ("times", "survival", "low", "high")


@dataclass(frozen=True, eq=False)
class FoldFound:
    """What a fold found, without its models.

    Parameters
    ----------
    fold
        Its rows.
    said
        What each model says of its test rows.
    group
        Shape (n,): the risk group of each test row, by cuts that the training rows chose.
    cuts
        Between the groups.
    chosen
        Shape (p,): which columns a Cox model kept; empty for networks.
    history
        Of its fits.
    examples
        Curves of single patients; of the first fold only.
    """

    fold: Fold
    said: Mapping[str, Said]
    group: NDArray[np.int64]
    cuts: NDArray[np.float64]
    chosen: NDArray[np.bool_]
    history: tuple[dict[str, float], ...]
    examples: tuple[Example, ...] = ()


def keep_found(work: Path | None, found: FoldFound) -> None:
    """Write what a fold found into the partial folder of a run."""
    if work is None:
        return
    arrays: dict[str, NDArray[Any]] = {"group": found.group, "cuts": found.cuts, "chosen": found.chosen}
    for name, said in found.said.items():
        arrays |= {f"said.{name}.{field.name}": getattr(said, field.name) for field in fields(Said)}
    for place, one in enumerate(found.examples):
        arrays |= {f"example.{place}.{name}": getattr(one, name) for name in _CURVES}
    record = {
        "models": list(found.said),
        "history": list(found.history),
        "examples": [one.name for one in found.examples],
    }
    write_fold(fold_stem(work, found.fold.repeat, found.fold.number), arrays, record)


def kept_found(work: Path | None, fold: Fold) -> FoldFound | None:
    """Return what a fold found before, or None."""
    if work is None:
        return None

    def build(record: Any, arrays: Mapping[str, NDArray[Any]]) -> FoldFound:
        said = {
            name: Said(**{field.name: arrays[f"said.{name}.{field.name}"] for field in fields(Said)})
            for name in record["models"]
        }
        examples = tuple(
            Example(name, **{key: arrays[f"example.{place}.{key}"] for key in _CURVES})
            for place, name in enumerate(record["examples"])
        )
        history = tuple(record["history"])
        return FoldFound(fold, said, arrays["group"], arrays["cuts"], arrays["chosen"], history, examples)

    return read_fold(work, fold, build)
