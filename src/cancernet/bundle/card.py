"""The card of a bundle: everything but the weights, as JSON that needs no deep-learning library to read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from cancernet.bundle.decision import Decision
from cancernet.bundle.fusion import Fusion
from cancernet.bundle.inputs import FieldInput, Input
from cancernet.bundle.part import Part, refuse
from cancernet.bundle.seen import hash_rows, hash_texts, hashed
from cancernet.bundle.survival import Survival
from cancernet.checks import refuse_future
from cancernet.errors import BundleMismatch, CorruptFile
from cancernet.estimate import Estimate
from cancernet.tasks import TaskKind, logit_width

__all__ = ["SCHEMA_VERSION", "Card", "DataSource", "Execution", "Parity", "Task", "Training", "card_schema"]

SCHEMA_VERSION = 1
_FEWEST_GRADES = 3  # two are a binary task


class Task(Part):
    """What the model answers.

    Parameters
    ----------
    kind
        "binary" or "multiclass" have one logit per class. "ordinal" has three grades at least and one logit less: each
        is the logit that the grade is at most the one of its place. Of "survival" the card's `survival` says what the
        logits are. "segmentation" answers at every pixel: the first
        class is the background, each other one has a map, and a last map is the distance to the edge of the last class.
    classes
        Names in the order of the logits; grades from the least to the most severe; of "survival" what it is called to
        be free of the event, and the event.
    positive
        The class that sensitivity, threshold and prevalence speak of; required for "binary", absent otherwise.
    """

    kind: TaskKind
    classes: tuple[str, ...] = Field(min_length=2)
    positive: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold classes, kind and positive class together."""
        refuse(len(set(self.classes)) < len(self.classes), f"classes {self.classes} repeat a name")
        if self.kind == "binary":
            refuse(len(self.classes) != 2, f"a binary task has 2 classes, not {len(self.classes)}")
            refuse(self.positive not in self.classes, f"positive '{self.positive}' is not one of {self.classes}")
        else:
            refuse(self.positive is not None, f"the kind '{self.kind}' has no positive class")
        few = self.kind == "ordinal" and len(self.classes) < _FEWEST_GRADES
        refuse(few, f"an ordinal task has {_FEWEST_GRADES} grades at least, not {len(self.classes)}")
        return self

    @property
    def logit_width(self) -> int:
        """How many logits a row has."""
        return logit_width(self.kind, len(self.classes))


class Parity(Part):
    """How far an engine stood from Keras at export: largest difference of a probability."""

    runtime: str
    precision: Literal["f32", "bf16"] = "f32"
    batch: int = Field(ge=1)
    difference: float = Field(ge=0)


class Execution(Part):
    """How the engine has to run the network.

    Parameters
    ----------
    precision
        "f32" for tables, "bf16" for patches where the processor has it; calibration was fitted on outputs of this
        precision.
    test_time
        "dihedral": logits and features are means over the 8 rotations and flips of a patch; temperature, threshold and
        sets were fitted after averaging.
    tolerance
        Largest difference from Keras, on probabilities, that was accepted.
    parity
        What was measured, per runtime and batch size.
    """

    precision: Literal["f32", "bf16"] = "f32"
    test_time: Literal["none", "dihedral"] = "none"
    tolerance: float = Field(default=1e-5, gt=0)
    parity: tuple[Parity, ...] = ()


class Training(Part):
    """Where the weights come from.

    Parameters
    ----------
    versions
        Package names and their versions.
    backend
        The Keras backend.
    seed, epochs
        Of the final fit.
    networks
        Of how many networks the logits are the mean; of several, each was trained without one part of the rows, or
        all on the same rows from different seeds.
    start
        The file that the weights started from and its SHA-256; empty when they were drawn at random.
    date
        ISO 8601, the day or the second.
    rows, groups
        How many rows and independent groups (patients) the weights have seen.
    salt, group_hashes
        All groups that weights or calibration have seen, by `hash_groups`, so that `seen` can tell them in other
        data. A salt in the open does not protect short identifiers against being tried out one by one. Empty where
        rows are no named groups.
    row_hashes
        The rows by `hash_rows`, so that `seen_rows` finds the same measurements in other files.
    """

    versions: dict[str, str]
    backend: str
    seed: int
    epochs: int = Field(ge=0)
    networks: int = Field(default=1, ge=1)
    start: str = ""
    date: str
    rows: int = Field(ge=0)
    groups: int = Field(ge=0)
    salt: str = ""
    group_hashes: tuple[str, ...] = ()
    row_hashes: tuple[str, ...] = ()

    def seen(self, groups: Iterable[str]) -> tuple[str, ...]:
        """Return those of `groups`, sorted, that the weights were trained on."""
        known = frozenset(self.group_hashes)
        return tuple(sorted(group for group in set(groups) if hashed(group, self.salt) in known))

    def seen_rows(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which rows (n, columns), in the order of the card's columns, the weights were trained on: (n,)."""
        return self._known(hash_rows(values, self.salt) if self.row_hashes else (), len(values))

    def seen_texts(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return which digests of patches the weights were trained on: (n,)."""
        return self._known(hash_texts(texts, self.salt) if self.row_hashes else (), len(texts))

    def _known(self, hashes: tuple[str, ...], count: int) -> NDArray[np.bool_]:
        """Return which hashes the card holds; none when it holds no rows."""
        known = frozenset(self.row_hashes)
        return np.array([row in known for row in hashes] or [False] * count, dtype=np.bool_)


class DataSource(Part):
    """The training data: name, where it is from, its licence, and whether it is synthetic or simulated."""

    name: str
    source: str
    licence: str
    synthetic: bool = False


class Card(Part):
    """All that is known about a bundle but its weights.

    Parameters
    ----------
    schema_version
        Of this form; a higher one than ours is refused.
    name
        Of the study.
    task, input, engine, decision
        What it answers, what it takes, how it runs, how logits become answers.
    survival
        How logits become curves; for the kind "survival" only.
    fusion
        Whose answers it takes, when it is made of several bundles.
    prior
        Share of each class in the calibration rows, by name; `--prevalence` re-weights it.
    metrics
        By name, each with its interval.
    training, data
        Where weights and data come from.
    weights_licence, intended_use, limits
        What may be done with it, what it is for, and what it cannot do.
    """

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1, le=SCHEMA_VERSION)
    name: str = Field(min_length=1)
    task: Task
    input: Input
    engine: Execution = Execution()
    decision: Decision = Decision()
    survival: Survival | None = None
    fusion: Fusion | None = None
    prior: dict[str, float]
    metrics: dict[str, Estimate] = Field(default_factory=dict)
    training: Training
    data: DataSource
    weights_licence: str
    intended_use: str
    limits: tuple[str, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold the parts together."""
        refuse(set(self.prior) != set(self.task.classes), f"prior must name the classes {self.task.classes}")
        refuse(any(share < 0 for share in self.prior.values()), "prior has a share below zero")
        refuse(abs(sum(self.prior.values()) - 1) > 1e-6, "prior must sum to 1")
        names = self.input.network_names if self.input.kind == "table" else self.input.names
        novelty, columns = self.decision.novelty, len(names)
        refuse(novelty is not None and len(novelty.mean) != columns, f"novelty must have {columns} columns")
        turned = self.engine.test_time != "none" and self.input.kind != "patches"
        refuse(turned, f"only patches can be turned, not a {self.input.kind}")
        timed = self.task.kind == "survival"
        refuse(
            timed != (self.survival is not None), f"survival belongs to that kind of task, not to '{self.task.kind}'"
        )
        events = 1 if self.survival is None else max(1, len(self.survival.causes))
        refuse(timed and len(self.task.classes) != 1 + events, f"classes must name {events} events after none")
        fused = self.fusion is not None and self.fusion.columns != names
        refuse(fused, "a fused bundle takes the answers of its sources, in their order")
        self._check_bias()
        self._check_segmentation()
        self._check_grades()
        has_threshold = self.decision.threshold is not None
        refuse(has_threshold and self.task.positive is None, "a threshold needs a positive class")
        return self

    @property
    def logit_width(self) -> int:
        """How many logits a row has."""
        return self.task.logit_width if self.survival is None else self.survival.logit_width

    def _check_segmentation(self) -> None:
        """Hold together what only segmentations have."""
        fields, outlines = isinstance(self.input, FieldInput), self.decision.outlining is not None
        mixed = len({self.task.kind == "segmentation", fields, outlines}) > 1
        refuse(mixed, "a segmentation takes fields and says how it outlines, and nothing else does")

    def _check_grades(self) -> None:
        """Hold the cut points of grades and the task together."""
        cuts, steps = self.decision.grades, len(self.task.classes) - 1
        refuse(cuts is not None and self.task.kind != "ordinal", "only ordered grades have cut points")
        refuse(cuts is not None and len(cuts.values) != steps, f"{steps + 1} grades need {steps} cut points")

    def _check_bias(self) -> None:
        """Hold the bias of the logits and the task together."""
        bias, width = self.decision.bias, self.logit_width
        refuse(len(bias) not in {0, width}, f"bias must have {width} numbers, or none")
        falls = any(later < sooner for sooner, later in pairwise(bias))
        refuse(
            self.task.kind == "ordinal" and falls, "the bias of a grade must not be less than that of the one before"
        )

    @property
    def logit_shape(self) -> tuple[int, ...]:
        """The shape of the logits of one case: a number for each, or a map."""
        sides = (self.input.size,) * 2 if isinstance(self.input, FieldInput) else ()
        return (*sides, self.logit_width)

    def to_json(self) -> str:
        """Return the card as indented JSON; keys that came later are left out where they hold nothing, as before."""
        absent = {name for name in ("survival", "fusion") if getattr(self, name) is None}
        return self.model_dump_json(indent=1, exclude=absent) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, where: str = "card.json") -> Card:
        """Return the card that `to_json` wrote.

        Parameters
        ----------
        text
            JSON.
        where
            What to call the text in messages.

        Raises
        ------
        BundleMismatch
            When its schema is newer than this package.
        CorruptFile
            When it is not JSON, a key is missing or unknown, or a value cannot be.
        """
        fields = _parse(text, where)
        refuse_future(fields.get("schema_version"), SCHEMA_VERSION, where=where, error=BundleMismatch)
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise _corrupt(error, where) from error


def card_schema() -> dict[str, Any]:
    """Return the JSON schema of `card.json`."""
    return Card.model_json_schema()


def _parse(text: str | bytes, where: str) -> dict[str, Any]:
    """Return the JSON object in `text`."""
    try:
        fields = json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise CorruptFile(f"'{where}' is not valid JSON ({error})", todo="Get the bundle again") from error
    if not isinstance(fields, dict):
        raise CorruptFile(f"'{where}' holds no JSON object", todo="Get the bundle again")
    return fields


def _corrupt(error: ValidationError, where: str) -> CorruptFile:
    """Return our error for the first fault that pydantic found, naming the key."""
    first = error.errors(include_url=False)[0]
    location = [str(part) for part in first["loc"]]
    if location[:1] == ["input"]:
        del location[1:2]  # the kind of input, which pydantic counts as a key
    key = ".".join(location) or "the card as a whole"
    if first["type"] == "extra_forbidden":
        return CorruptFile(f"'{where}' has an unknown key '{key}'", "Only keys of the schema", "Get the bundle again")
    if first["type"] == "missing":
        return CorruptFile(f"'{where}' lacks the key '{key}'", todo="Get the bundle again")
    message = first["msg"].removeprefix("Value error, ")
    return CorruptFile(f"'{where}' has an invalid value at '{key}': {message}", todo="Get the bundle again")
