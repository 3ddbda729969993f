"""The sections that the studies of all kinds of data share: data, split, task, report."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

__all__ = ["DataOptions", "ReportOptions", "Section", "SplitOptions", "TaskOptions"]

Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """What all sections share: frozen, finite numbers, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataOptions(Section):
    """Which data: what every kind has.

    Parameters
    ----------
    kind
        "table": rows of numbers; "expression": samples and genes; "patches": images; "bags": slides with the features
        of their tiles; "nuclei": images with outlines; "survival": rows of numbers with the time to an event.
    source
        A built-in name (see `cancernet data list`), or the path of a file or a folder; $VARIABLES are expanded, and a
        relative path starts at the folder of the study file.
    target
        Column of the labels; built-in tables and the UCI files know theirs, and so do layouts of patches.
    group
        Column of what must never be on two sides of a split (the patient), or "row" when every row is one of its own.
    """

    kind: str
    source: str = Field(min_length=1)
    target: str | None = None
    group: str | None = None


class SplitOptions(Section):
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
        A `split.json` of an earlier run of the same table; or the `predictions.csv` of one: each group is then tested
        in the fold in which it was tested there.
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


class TaskOptions(Section):
    """What to answer.

    Parameters
    ----------
    kind
        "binary", "multiclass", "ordinal": grades in order (of tables by the dense network), or "segmentation" (nuclei):
        outlines.
    positive
        The class that sensitivity, threshold and prevalence speak of; required for "binary".
    classes
        The classes in the order of the outputs, of a binary task with the positive one last; sorted by name when None.
        Grades from the least severe to the most, required for "ordinal". Of a segmentation the background first, and
        nuclei last.
    """

    kind: Literal["binary", "multiclass", "ordinal", "segmentation"] = "binary"
    positive: str | None = None
    classes: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold kind and positive class together."""
        if self.kind == "binary" and self.positive is None:
            raise ValueError('a binary task needs its positive class, for example positive = "M"')
        if self.kind != "binary" and self.positive is not None:
            raise ValueError(f"a {self.kind} task has no positive class")
        if self.kind == "ordinal" and (self.classes is None or len(self.classes) < 3):
            raise ValueError('an ordinal task needs its grades in order, three at least: classes = ["0", "1", "2"]')
        if self.classes is not None and not 2 <= len(set(self.classes)) == len(self.classes):
            raise ValueError("classes are two or more, each named once")
        return self


class ReportOptions(Section):
    """How results are stated.

    Parameters
    ----------
    threshold
        Rule by which the threshold is chosen on calibration rows: "balanced" (largest balanced accuracy), "f1",
        "0.5", "sensitivity = 0.95", "specificity = 0.95". Binary tasks only.
    grades
        Of ordered grades: "nearest" answers the grade nearest to the expected one, and misses least on average;
        "matched" answers each grade as often as it is true on the calibration rows, so that the first and the last one
        are not too rare where a model is unsure.
    coverage
        Of the conformal sets.
    calibration
        "temperature" divides the logits by one number; "bias-corrected" adds one to each besides, for networks that
        lean to some classes on images that they have not seen.
    prevalence
        Shares of the positive class for which PPV and NPV are stated.
    draws
        Of the bootstrap.
    """

    threshold: Annotated[str, BeforeValidator(lambda rule: str(rule) if isinstance(rule, float) else rule)] = "balanced"
    grades: Literal["nearest", "matched"] = "nearest"
    coverage: float = Field(default=0.99, ge=0.5, lt=1)
    calibration: Literal["temperature", "bias-corrected"] = "temperature"
    prevalence: tuple[Share, ...] = (0.01, 0.1, 0.5)
    draws: int = Field(default=1000, ge=200, le=100_000)
