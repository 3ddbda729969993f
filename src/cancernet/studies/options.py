"""The study: what to learn from which data, as one frozen object. Its form is that of the TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from cancernet.fusion import StackOptions
from cancernet.models import Attention, Backbone, CancerNet, Conv1D, Dense, Linear, Segmenter
from cancernet.studies.fused import FusionData, FusionReport, FusionTask, FusionTraining
from cancernet.studies.sections import DataOptions, ReportOptions, Section, SplitOptions, TaskOptions
from cancernet.studies.sources import BagData, ExpressionData, NucleiData, PatchData, TableData
from cancernet.studies.timed import SurvivalData, SurvivalReport, SurvivalTask, SurvivalTraining
from cancernet.survival import CoxOptions, NetworkOptions
from cancernet.training import BagTraining, FitOptions, PatchTraining, SegmenterTraining, TrainingOptions

__all__ = [
    "STUDIES",
    "BagData",
    "BagStudy",
    "DataOptions",
    "ExpressionData",
    "ExpressionStudy",
    "FusionData",
    "FusionStudy",
    "NucleiData",
    "NucleiStudy",
    "PatchData",
    "PatchStudy",
    "ReportOptions",
    "SplitOptions",
    "Study",
    "SurvivalData",
    "SurvivalStudy",
    "TableData",
    "TableStudy",
    "TaskOptions",
]


NUCLEI = ("background", "nucleus")
"""The classes of a study of nuclei that names none."""


class BagReport(ReportOptions):
    """How results on slides are stated; sets promise 90 %: 99 % would need hundreds of slides of each class."""

    coverage: float = Field(default=0.90, ge=0.5, lt=1)


class PatchReport(ReportOptions):
    """How results on patches are stated; sets promise 90 %: patches are less certain than tables.

    The bias is corrected by default: networks for patches lean to classes on unseen images (docs/decisions.md).
    """

    coverage: float = Field(default=0.90, ge=0.5, lt=1)
    calibration: Literal["temperature", "bias-corrected"] = "bias-corrected"


class Study(Section):
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

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        """Segment nuclei, and nothing else."""
        if (self.task.kind == "segmentation") != (self.data.kind == "nuclei"):
            raise ValueError('task.kind = "segmentation" and data.kind = "nuclei" belong together')
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return what a TOML file can hold: no empty entries."""
        return self.model_dump(mode="json", exclude_none=True)


def _which_table_network(model: Any) -> str:
    """Return which options the model section holds: its name tells."""
    name = model.get("name") if isinstance(model, Mapping) else getattr(model, "name", None)
    return {"None": "Conv1D", "conv1d": "Conv1D", "linear": "Linear", "dense": "Dense"}.get(str(name), "unknown")


TableModel = Annotated[
    Annotated[Conv1D, Tag("Conv1D")] | Annotated[Linear, Tag("Linear")] | Annotated[Dense, Tag("Dense")],
    Discriminator(
        _which_table_network,
        custom_error_type="network",
        custom_error_message="The name of the network should be 'conv1d', 'dense' or 'linear'",
    ),
]


def _check_grades(study: TableStudy | ExpressionStudy, what: str) -> None:
    """Refuse ordered grades by a network that has no steps for them."""
    if study.task.kind == "ordinal" and not isinstance(study.model, Dense):
        raise ValueError(f'ordered grades of {what} need model.name = "dense"')


class TableStudy(Study):
    """A study of rows of numbers, by conv1d, a dense or a linear network."""

    data: TableData
    model: TableModel = Conv1D()
    training: TrainingOptions = TrainingOptions()

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold grades and network together."""
        _check_grades(self, "a table")
        return self


class ExpressionReport(ReportOptions):
    """How results on expression are stated; sets promise 90 %: 99 % would need hundreds of samples of each class.

    The bias is corrected by default, as of patches.
    """

    coverage: float = Field(default=0.90, ge=0.5, lt=1)
    calibration: Literal["temperature", "bias-corrected"] = "bias-corrected"


class ExpressionTraining(TrainingOptions):
    """How a network for expression is fitted: slower than one for few columns, which it would learn by heart."""

    epochs: int = Field(default=30, ge=1, le=100_000)
    learning_rate: float = Field(default=1e-3, gt=0)


class ExpressionStudy(Study):
    """A study of the expression of genes or proteins, by a dense network, conv1d or a linear one."""

    data: ExpressionData
    model: TableModel = Dense()
    training: ExpressionTraining = ExpressionTraining()
    report: ExpressionReport = ExpressionReport()

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold grades and network together."""
        _check_grades(self, "expression")
        return self


def _ask_for_validation(study: Study, what: str) -> None:
    """Raise when a held-out split leaves no rows to calibrate on."""
    if study.split.test is not None and study.split.validation is None:
        raise ValueError(f"{what} with a held-out test need validation = 0.2 too: rows to calibrate on; or folds = 5")


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
        _ask_for_validation(self, "patches")
        return self


class BagStudy(Study):
    """A study of slides by the features of their tiles: attention weighs the tiles, one answer for each slide."""

    data: BagData
    model: Attention = Attention()
    training: BagTraining = BagTraining()
    report: BagReport = BagReport()

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Ask for rows to calibrate on."""
        _ask_for_validation(self, "bags")
        return self


def _which_hazard(model: Any) -> str:
    """Return which options the model section holds: its name tells."""
    name = model.get("name") if isinstance(model, Mapping) else getattr(model, "name", None)
    names = ("cox-network", "logistic-hazard", "competing-hazards")
    return "NetworkOptions" if name in names else "CoxOptions" if name in (None, "cox") else "unknown"


HazardModel = Annotated[
    Annotated[CoxOptions, Tag("CoxOptions")] | Annotated[NetworkOptions, Tag("NetworkOptions")],
    Discriminator(
        _which_hazard,
        custom_error_type="network",
        custom_error_message="The model is 'cox', 'cox-network', 'logistic-hazard' or 'competing-hazards'",
    ),
]


class SurvivalStudy(Study):
    """A study of the time to an event, by the model of Cox or by a network."""

    data: SurvivalData
    task: SurvivalTask = SurvivalTask()  # type: ignore[assignment]  # no classes
    model: HazardModel = CoxOptions()
    training: SurvivalTraining = SurvivalTraining()  # type: ignore[assignment]  # Cox has neither epochs nor batches
    report: SurvivalReport = SurvivalReport()  # type: ignore[assignment]  # no threshold, no sets


class NucleiStudy(Study):
    """A study of images whose nuclei, or parts of cells, are outlined."""

    data: NucleiData
    model: Segmenter = Segmenter()
    training: SegmenterTraining = SegmenterTraining()

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse classes that instances cannot have, and sizes that the network or its tiles cannot."""
        classes, options, step = self.task.classes or NUCLEI, self.training, self.model.step
        if self.data.holds == "instances" and len(classes) != len(NUCLEI):
            raise ValueError('instances are of one class: classes = ["background", "nucleus"], or holds = "classes"')
        for name, size in (("crop", options.crop), ("tile", options.tile)):
            if size % step:
                raise ValueError(f"training.{name} = {size} is no multiple of {step}, as the network's widths ask for")
        if options.tile <= 4 * options.margin:
            raise ValueError(
                f"training.margin = {options.margin} is a quarter or more of training.tile = {options.tile}"
            )
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in order, the background first."""
        return self.task.classes or NUCLEI


class FusionStudy(Study):
    """A study of several runs of the same patients: a stack of what each said of patients it had not seen."""

    data: FusionData
    task: FusionTask = FusionTask()  # type: ignore[assignment]  # the sources know it
    model: StackOptions = StackOptions()
    training: FusionTraining = FusionTraining()  # type: ignore[assignment]  # neither epochs nor batches
    report: FusionReport = FusionReport()

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse a split: the folds are those of the sources."""
        if self.split != SplitOptions():
            raise ValueError("a fusion has the folds of its sources; leave [split] out")
        return self


STUDIES: dict[str, type[Study]] = {
    "table": TableStudy,
    "expression": ExpressionStudy,
    "patches": PatchStudy,
    "bags": BagStudy,
    "nuclei": NucleiStudy,
    "survival": SurvivalStudy,
    "fusion": FusionStudy,
}
"""The kind of study by its kind of data."""
