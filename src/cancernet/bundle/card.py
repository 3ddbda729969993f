"""The card of a bundle: everything but the weights, as JSON that needs no deep-learning library to read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cancernet.bundle.seen import hash_rows, hashed
from cancernet.checks import refuse_future
from cancernet.errors import BundleMismatch, CorruptFile
from cancernet.estimate import Estimate
from cancernet.tasks import TaskKind

__all__ = [
    "SCHEMA_VERSION",
    "Card",
    "Column",
    "Conformal",
    "DataSource",
    "Decision",
    "Execution",
    "Novelty",
    "Parity",
    "TableInput",
    "Task",
    "Threshold",
    "Training",
    "card_schema",
]

SCHEMA_VERSION = 1


class _Part(BaseModel):
    """What all parts of a card share: frozen, finite numbers, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Task(_Part):
    """What the model answers.

    Parameters
    ----------
    kind
        "binary" or "multiclass"; both have one logit per class.
    classes
        Names in the order of the logits.
    positive
        The class that sensitivity, threshold and prevalence speak of; required for "binary", absent otherwise.
    """

    kind: TaskKind
    classes: tuple[str, ...] = Field(min_length=2)
    positive: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold classes, kind and positive class together."""
        _refuse(len(set(self.classes)) < len(self.classes), f"classes {self.classes} repeat a name")
        if self.kind == "binary":
            _refuse(len(self.classes) != 2, f"a binary task has 2 classes, not {len(self.classes)}")
            _refuse(self.positive not in self.classes, f"positive '{self.positive}' is not one of {self.classes}")
        else:
            _refuse(self.positive is not None, f"a {self.kind} task has no positive class")
        return self


class Column(_Part):
    """One input column: its name and its unit (empty when it has none or none is known)."""

    name: str = Field(min_length=1)
    unit: str = ""


class TableInput(_Part):
    """Rows of a table, raw values, in this order of columns.

    Parameters
    ----------
    columns
        Names and units.
    medians
        Of the training rows, one per column, to fill missing values; None when missing values are refused.
    """

    kind: Literal["table"] = "table"
    columns: tuple[Column, ...] = Field(min_length=1)
    medians: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold names and medians together."""
        _refuse(len(set(self.names)) < len(self.names), "two columns have the same name")
        medians = self.names if self.medians is None else self.medians
        _refuse(len(medians) != len(self.names), f"{len(medians)} medians for {len(self.names)} columns")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one case as the model takes it."""
        return (len(self.columns),)


# A second kind of input joins as `Annotated[TableInput | PatchInput, Field(discriminator="kind")]`.
Input = TableInput


class Parity(_Part):
    """How far an engine stood from Keras at export: largest difference of a probability."""

    runtime: str
    batch: int = Field(ge=1)
    difference: float = Field(ge=0)


class Execution(_Part):
    """How the engine has to run the network.

    Parameters
    ----------
    precision
        "f32" for tables; calibration was fitted on outputs of this precision.
    tolerance
        Largest difference from Keras, on probabilities, that was accepted.
    parity
        What was measured, per runtime and batch size.
    """

    precision: Literal["f32", "bf16"] = "f32"
    tolerance: float = Field(default=1e-5, gt=0)
    parity: tuple[Parity, ...] = ()


class Threshold(_Part):
    """Probability of the positive class from which on a case is called positive, by which rule, on which rows."""

    value: float = Field(ge=0, le=1)
    rule: str
    rows: str


class Conformal(_Part):
    """Quantile of 1 - p(true class) whose sets hold the truth with the given coverage, and the rows it is from."""

    quantile: float = Field(ge=0, le=1)
    coverage: float = Field(gt=0, lt=1)
    rows: str


class Novelty(_Part):
    """What the training rows looked like, so that a row unlike them can be told (Mahalanobis distance).

    Parameters
    ----------
    mean, scale
        Per column; a row is standardised by them first.
    precision
        Inverse covariance of the standardised columns.
    limit
        Distance beyond which a row is out of distribution.
    rows
        The rows these numbers are from.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    limit: float = Field(gt=0)
    rows: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold the shapes together."""
        columns = len(self.mean)
        _refuse(len(self.scale) != columns, f"{len(self.scale)} scales for {columns} means")
        _refuse(any(scale <= 0 for scale in self.scale), "every scale must be above zero")
        lengths = {len(row) for row in self.precision} | {len(self.precision)}
        _refuse(lengths != {columns}, f"precision must be {columns} x {columns}")
        return self


class Decision(_Part):
    """How logits become an answer, in this order: temperature, threshold, sets, out of distribution.

    Parameters
    ----------
    temperature
        Divides the logits.
    temperature_rows
        The rows it was fitted on; empty when it was not fitted.
    threshold
        None: the most probable class is the answer.
    conformal
        None: no sets, hence no abstention by sets.
    novelty
        None: no check for rows unlike the training rows.
    """

    temperature: float = Field(default=1.0, gt=0)
    temperature_rows: str = ""
    threshold: Threshold | None = None
    conformal: Conformal | None = None
    novelty: Novelty | None = None


class Training(_Part):
    """Where the weights come from.

    Parameters
    ----------
    versions
        Package names and their versions.
    backend
        The Keras backend.
    seed, epochs
        Of the final fit.
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
        known = frozenset(self.row_hashes)
        rows = hash_rows(values, self.salt) if known else ()
        return np.array([row in known for row in rows] or [False] * len(values), dtype=np.bool_)


class DataSource(_Part):
    """The training data: name, where it is from, its licence, and whether it is synthetic or simulated."""

    name: str
    source: str
    licence: str
    synthetic: bool = False


class Card(_Part):
    """All that is known about a bundle but its weights.

    Parameters
    ----------
    schema_version
        Of this form; a higher one than ours is refused.
    name
        Of the study.
    task, input, engine, decision
        What it answers, what it takes, how it runs, how logits become answers.
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
    prior: dict[str, float]
    metrics: dict[str, Estimate] = {}
    training: Training
    data: DataSource
    weights_licence: str
    intended_use: str
    limits: tuple[str, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold the parts together."""
        _refuse(set(self.prior) != set(self.task.classes), f"prior must name the classes {self.task.classes}")
        _refuse(any(share < 0 for share in self.prior.values()), "prior has a share below zero")
        _refuse(abs(sum(self.prior.values()) - 1) > 1e-6, "prior must sum to 1")
        novelty, columns = self.decision.novelty, len(self.input.columns)
        _refuse(novelty is not None and len(novelty.mean) != columns, f"novelty must have {columns} columns")
        has_threshold = self.decision.threshold is not None
        _refuse(has_threshold and self.task.positive is None, "a threshold needs a positive class")
        return self

    def to_json(self) -> str:
        """Return the card as indented JSON."""
        return self.model_dump_json(indent=1) + "\n"

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


def _refuse(wrong: bool, message: str) -> None:
    """Raise a ValueError, which pydantic turns into one that names the key."""
    if wrong:
        raise ValueError(message)


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
    key = ".".join(str(part) for part in first["loc"]) or "the card as a whole"
    if first["type"] == "extra_forbidden":
        return CorruptFile(f"'{where}' has an unknown key '{key}'", "Only keys of the schema", "Get the bundle again")
    if first["type"] == "missing":
        return CorruptFile(f"'{where}' lacks the key '{key}'", todo="Get the bundle again")
    message = first["msg"].removeprefix("Value error, ")
    return CorruptFile(f"'{where}' has an invalid value at '{key}': {message}", todo="Get the bundle again")
