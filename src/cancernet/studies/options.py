"""The study: what to learn from which data, as one frozen object. Its form is that of the TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from cancernet.models import Backbone, CancerNet, Conv1D
from cancernet.tasks import TaskKind
from cancernet.training import FitOptions, PatchTraining, TrainingOptions

__all__ = [
    "STUDIES",
    "DataOptions",
    "PatchData",
    "PatchStudy",
    "ReportOptions",
    "SplitOptions",
    "Study",
    "TableData",
    "TableStudy",
    "TaskOptions",
]

Share = Annotated[float, Field(gt=0, lt=1)]


class _Part(BaseModel):
    """What all sections share: frozen, finite numbers, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataOptions(_Part):
    """Which data: what every kind has.

    Parameters
    ----------
    kind
        "table": rows of numbers; "patches": images.
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


class TableData(DataOptions):
    """Rows of numbers: a built-in table, or a CSV, TSV or Parquet file.

    Parameters
    ----------
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
    id: str | None = None
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    missing: Literal["error", "median"] = "error"


class PatchData(DataOptions):
    """Images in a folder, or listed in a manifest.

    Parameters
    ----------
    layout
        "auto" tells it by the names; else "manifest", "folders", "idc", "breakhis" or "files".
    group
        Of a manifest the column of the patients; of class folders "re:PATTERN", a regular expression whose one group is
        taken from the path, or "table:FILE.csv"; "row" when every image is a patient of its own.
    slide, site
        Columns of a manifest; results are also given per site.
    copies
        What becomes of groups that share copies of an image: "refuse" them when they stand on two sides of the split,
        or "join" them to one group.
    auxiliary
        Columns of a manifest with numbers that are known of the training images, such as the share of the nucleus: the
        network learns to tell them as well, which teaches small sets what to look at. Nobody needs them to predict.
    where
        Column and value of a manifest: only these rows are taken.
    labels
        Other names for labels, by the name in the data: several that get one name become one class.
    size
        Pixels of a side that the network takes; None: that of the images, when all have the same.
    fit
        What becomes of an image of another size: "refuse", "resize", or "crop" (centre, padded with white).
    mpp
        Microns per pixel of the images, when they are known or estimated; or the column of a manifest with them.
    mpp_how
        How they were estimated; empty when they are known.
    mpp_range
        Lowest and highest value of an estimate.
    """

    kind: Literal["patches"] = "patches"
    layout: Literal["auto", "manifest", "folders", "idc", "breakhis", "files"] = "auto"
    slide: str | None = None
    site: str | None = None
    copies: Literal["refuse", "join"] = "refuse"
    auxiliary: tuple[str, ...] = ()
    where: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    size: int | None = Field(default=None, ge=27, le=512)
    fit: Literal["refuse", "resize", "crop"] = "refuse"
    mpp: Annotated[float, Field(gt=0)] | str | None = None
    mpp_how: str = ""
    mpp_range: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold what is said of the resolution together."""
        if not isinstance(self.mpp, float) and (self.mpp_how or self.mpp_range):
            raise ValueError("mpp_how and mpp_range describe an estimate; give it, for example mpp = 0.5")
        if self.mpp_range is not None and not self.mpp_how:
            raise ValueError("mpp_range belongs to an estimate; say in mpp_how how it was made")
        return self


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
        "binary", "multiclass", or "ordinal" (patches): grades in order.
    positive
        The class that sensitivity, threshold and prevalence speak of; required for "binary".
    classes
        The classes in the order of the outputs, of a binary task with the positive one last; sorted by name when None.
        Grades from the least severe to the most, required for "ordinal".
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
        if self.kind == "ordinal" and (self.classes is None or len(self.classes) < 3):
            raise ValueError('an ordinal task needs its grades in order, three at least: classes = ["0", "1", "2"]')
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
    calibration
        "temperature" divides the logits by one number; "bias-corrected" adds one to each besides, for networks that
        lean to some classes on images that they have not seen.
    prevalence
        Shares of the positive class for which PPV and NPV are stated.
    draws
        Of the bootstrap.
    """

    threshold: Annotated[str, BeforeValidator(lambda rule: str(rule) if isinstance(rule, float) else rule)] = "balanced"
    coverage: float = Field(default=0.99, ge=0.5, lt=1)
    calibration: Literal["temperature", "bias-corrected"] = "temperature"
    prevalence: tuple[Share, ...] = (0.01, 0.1, 0.5)
    draws: int = Field(default=1000, ge=200, le=100_000)


class PatchReport(ReportOptions):
    """How results on patches are stated; sets promise 90 %: patches are less certain than tables.

    The bias is corrected by default: networks for patches lean to classes on unseen images (docs/decisions.md).
    """

    coverage: float = Field(default=0.90, ge=0.5, lt=1)
    calibration: Literal["temperature", "bias-corrected"] = "bias-corrected"


class Study(_Part):
    """A study: data, split, task, model, training, report. Its kind of data says which of the classes below it is.

    Parameters
    ----------
    name
        Of the run folder and of the bundle.
    title
        Heading of the report; made from the name when empty.
    licence
        Of the weights, for the card; empty when nothing is said.
    data_licence
        Of the data, when they do not say it themselves.
    intended_use, limits
        For the card and the report, in whole sentences; general ones are added.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    title: str = ""
    licence: str = ""
    data_licence: str = ""
    intended_use: str = ""
    limits: tuple[str, ...] = ()
    data: DataOptions
    split: SplitOptions = SplitOptions()
    task: TaskOptions
    training: FitOptions
    report: ReportOptions = ReportOptions()

    def to_dict(self) -> dict[str, Any]:
        """Return what a TOML file can hold: no empty entries."""
        return self.model_dump(mode="json", exclude_none=True)


class TableStudy(Study):
    """A study of rows of numbers, by conv1d."""

    data: TableData
    model: Conv1D = Conv1D()
    training: TrainingOptions = TrainingOptions()

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse what no table can do yet."""
        if self.task.kind == "ordinal":
            raise ValueError('ordered grades need kind = "patches"; for a table use kind = "multiclass"')
        return self


def _which_network(model: Any) -> str:
    """Return which options the model section holds: the key `backbone` tells."""
    has_backbone = "backbone" in model if isinstance(model, Mapping) else isinstance(model, Backbone)
    return "Backbone" if has_backbone else "CancerNet"


PatchModel = Annotated[
    Annotated[CancerNet, Tag("CancerNet")] | Annotated[Backbone, Tag("Backbone")], Discriminator(_which_network)
]


class PatchStudy(Study):
    """A study of images, by CancerNet or by a network on a feature extractor of the user."""

    data: PatchData
    model: PatchModel = CancerNet()
    training: PatchTraining = PatchTraining()
    report: PatchReport = PatchReport()

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Ask for rows to calibrate on."""
        if self.split.test is not None and self.split.validation is None:
            raise ValueError(
                "patches with a held-out test need validation = 0.2 too: rows to calibrate on; or folds = 5"
            )
        return self


STUDIES: dict[str, type[Study]] = {"table": TableStudy, "patches": PatchStudy}
"""The kind of study by its kind of data."""
