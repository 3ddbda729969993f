"""The study: what to learn from which data, as one frozen object. Its form is that of the TOML file."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from cancernet.models import Conv1D
from cancernet.tasks import TaskKind
from cancernet.training import TrainingOptions

__all__ = ["DataOptions", "ReportOptions", "SplitOptions", "Study", "TaskOptions"]

Share = Annotated[float, Field(gt=0, lt=1)]


class _Part(BaseModel):
    """What all sections share: frozen, finite numbers, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataOptions(_Part):
    """Which data.

    Parameters
    ----------
    kind
        "table": rows of numbers.
    source
        A built-in name (see `cancernet data list`), or the path of a CSV, TSV or Parquet file; $VARIABLES are
        expanded, and a relative path starts at the folder of the study file.
    target
        Column of the labels; built-in tables and the UCI files know theirs.
    group
        Column of what must never be on two sides of a split (the patient), or "row" when every row is one of its own.
    id
        Column that names the rows; numbers when None.
    columns
        The feature columns; all others but target, group and id when None.
    drop
        Columns to leave out.
    missing
        "error" refuses missing values; "median" fills them with the medians of the training rows.
    """

    kind: Literal["table"] = "table"
    source: str = Field(min_length=1)
    target: str | None = None
    group: str | None = None
    id: str | None = None
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    missing: Literal["error", "median"] = "error"


class SplitOptions(_Part):
    """Who is tested on whom: `folds` (and `repeats`), or `test` (and `validation`), or `file`.

    Parameters
    ----------
    folds
        Cross-validation: every group is tested once per repeat; 5 when nothing is said.
    repeats
        How often the folds are drawn anew.
    test, validation
        Held-out shares of the rows; with a validation share the network stops early and is calibrated on it.
    file
        A `split.json` of an earlier run.
    seed
        Of the draw.
    """

    folds: int | None = Field(default=None, ge=2)
    repeats: int = Field(default=1, ge=1, le=1000)
    test: Share | None = None
    validation: Share | None = None
    file: str | None = None
    seed: int = Field(default=7, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Allow one way to split."""
        given = [name for name in ("folds", "test", "file") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; keep one of them")
        if self.repeats > 1 and given not in ([], ["folds"]):
            raise ValueError(f"repeats = {self.repeats} needs folds; a split with {given[0]} is drawn once")
        if self.validation is not None and self.test is None:
            raise ValueError("validation needs test: the share of rows that nothing is fitted on")
        if self.validation is not None and self.test is not None and self.test + self.validation >= 1:
            raise ValueError(f"test + validation is {self.test + self.validation:g}: nothing is left to train on")
        return self


class TaskOptions(_Part):
    """What to answer.

    Parameters
    ----------
    kind
        "binary" or "multiclass".
    positive
        The class that sensitivity, threshold and prevalence speak of; required for "binary".
    classes
        The classes in the order of the outputs, of a binary task with the positive one last; sorted by name when None.
    """

    kind: TaskKind = "binary"
    positive: str | None = None
    classes: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold kind and positive class together."""
        if self.kind == "binary" and self.positive is None:
            raise ValueError('a binary task needs its positive class, for example positive = "M"')
        if self.kind != "binary" and self.positive is not None:
            raise ValueError(f"a {self.kind} task has no positive class")
        if self.classes is not None and not 2 <= len(set(self.classes)) == len(self.classes):
            raise ValueError("classes are two or more, each named once")
        return self


class ReportOptions(_Part):
    """How results are stated.

    Parameters
    ----------
    threshold
        Rule by which the threshold is chosen on calibration rows: "balanced" (largest balanced accuracy), "f1",
        "0.5", "sensitivity = 0.95", "specificity = 0.95". Binary tasks only.
    coverage
        Of the conformal sets.
    prevalence
        Shares of the positive class for which PPV and NPV are stated.
    draws
        Of the bootstrap.
    """

    threshold: Annotated[str, BeforeValidator(lambda rule: str(rule) if isinstance(rule, float) else rule)] = "balanced"
    coverage: float = Field(default=0.99, ge=0.5, lt=1)
    prevalence: tuple[Share, ...] = (0.01, 0.1, 0.5)
    draws: int = Field(default=1000, ge=200, le=100_000)


class Study(_Part):
    """A study: data, split, task, model, training, report.

    Parameters
    ----------
    name
        Of the run folder and of the bundle.
    title
        Heading of the report; made from the name when empty.
    licence
        Of the weights, for the card; empty when nothing is said.
    intended_use, limits
        For the card and the report, in whole sentences; general ones are added.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    title: str = ""
    licence: str = ""
    intended_use: str = ""
    limits: tuple[str, ...] = ()
    data: DataOptions
    split: SplitOptions = SplitOptions()
    task: TaskOptions
    model: Conv1D = Conv1D()
    training: TrainingOptions = TrainingOptions()
    report: ReportOptions = ReportOptions()

    def to_dict(self) -> dict[str, Any]:
        """Return what a TOML file can hold: no empty entries."""
        return self.model_dump(mode="json", exclude_none=True)
