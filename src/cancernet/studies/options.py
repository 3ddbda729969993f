"""The study: what to learn from which data, as one frozen object. Its form is that of the TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from cancernet.models import Attention, Backbone, CancerNet, Conv1D, Dense, Linear, Segmenter
from cancernet.studies.sections import DataOptions, ReportOptions, Section, SplitOptions, TaskOptions
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


class ExpressionData(DataOptions):
    """Expression of genes or proteins: a matrix of samples and genes, and labels in it or in a second table.

    Filters and fill values are learnt from the training samples of each fold.

    Parameters
    ----------
    source
        CSV, TSV (also .gz), Parquet or `.h5ad`.
    samples
        A second table with a row per sample: labels, patients; None: they are columns of the matrix.
    id
        Column with the names of the samples; a first one without a name, or one that is called id, when None.
    orientation
        What stands in the rows of the matrix: "samples" or "genes"; "auto" finds it and says it.
    drop
        Columns of the matrix that are no genes.
    measured
        Columns of the second table with numbers, such as age: a logistic regression on them stands beside the others.
    library
        Counts of a sample are brought to this sum, such as 1e6; None: the values are no counts, or are scaled already.
    log2_plus
        The binary logarithm of value plus this is taken; None: the values are logarithms already.
    genes
        How many genes are kept: those of the largest variance.
    detected, above
        Only genes are kept that lie above this raw value in at least this share of samples.
    missing
        "error" refuses missing values; "drop" leaves out genes with any; "median" or "min" fills.
    most_missing
        Genes missing in a larger share of samples are left out, of "median" and "min".
    """

    kind: Literal["expression"] = "expression"
    target: str
    samples: str | None = None
    id: str | None = None
    orientation: Literal["auto", "samples", "genes"] = "auto"
    drop: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()
    library: float | None = Field(default=None, gt=0)
    log2_plus: float | None = Field(default=None, ge=0)
    genes: int = Field(default=500, ge=1, le=5_000)
    detected: float = Field(default=0.0, ge=0, le=1)
    above: float = 0.0
    missing: Literal["error", "drop", "median", "min"] = "error"
    most_missing: float = Field(default=0.5, ge=0, lt=1)


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
    stain
        "macenko" or "reinhard" bring the colours of each slide (of each group, where slides are unknown) to those of a
        reference, in training and in use; "none" leaves them.
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
    stain: Literal["none", "macenko", "reinhard"] = "none"

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Hold what is said of the resolution together."""
        if not isinstance(self.mpp, float) and (self.mpp_how or self.mpp_range):
            raise ValueError("mpp_how and mpp_range describe an estimate; give it, for example mpp = 0.5")
        if self.mpp_range is not None and not self.mpp_how:
            raise ValueError("mpp_range belongs to an estimate; say in mpp_how how it was made")
        return self


class BagData(DataOptions):
    """Slides in a table, each with a file of features: what an encoder made of its tiles.

    Parameters
    ----------
    source
        CSV, TSV or Parquet with a row per slide.
    features
        The folder of the files; a relative path starts at the folder of the study file. When None, a column `features`
        of the table names each file, or they lie in the folder `features` beside the table, or beside it.
    slide
        Column with the names of the slides: those of the files, without suffix.
    target, group
        Columns of labels and patients; "row" when each slide is from a patient of its own.
    encoder
        What made the features of files that do not say it.
    mpp
        Microns per pixel that the encoder saw, of files that do not say it.
    """

    kind: Literal["bags"] = "bags"
    features: str | None = None
    slide: str = "slide"
    target: str = "label"
    group: str = "patient"
    encoder: str = ""
    mpp: Annotated[float, Field(gt=0)] | None = None


class NucleiData(DataOptions):
    """Images in a manifest, each with an image of labels of its size.

    Parameters
    ----------
    labels
        Column of the images of labels; paths are relative to the folder of the manifest.
    holds
        What they hold: "instances", the number of the nucleus at each pixel; or "classes", the code of the class in the
        order of `task.classes`, 0 for background; codes beyond the last class count as background.
    group
        Column of the patients; "row" when each image is from a patient of its own.
    mpp
        Microns per pixel of the images, or the column with them. None: from the size of their nuclei.
    mpp_how
        How they were estimated; empty when they are known.
    nucleus_um
        Without mpp: the diameter that the nucleus in the middle of an image's nuclei is taken to have, microns. About 6
        is the mean diameter in cells of mammals (Alberts et al., Molecular Biology of the Cell).
    least_px
        Things of fewer pixels in the labels are fragments, and left out.
    """

    kind: Literal["nuclei"] = "nuclei"
    labels: str = "labels"
    holds: Literal["instances", "classes"] = "instances"
    mpp: Annotated[float, Field(gt=0)] | str | None = None
    mpp_how: str = ""
    nucleus_um: Annotated[float, Field(gt=0)] | None = None
    least_px: int = Field(default=20, ge=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Ask for one way to know the resolution."""
        if (self.mpp is None) == (self.nucleus_um is None):
            raise ValueError("give mpp (a number or a column), or nucleus_um to estimate it from the size of nuclei")
        if self.nucleus_um is not None and self.holds == "classes":
            raise ValueError('nucleus_um needs nuclei one by one: holds = "instances"')
        return self


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


class TableStudy(Study):
    """A study of rows of numbers, by conv1d, a dense or a linear network."""

    data: TableData
    model: TableModel = Conv1D()
    training: TrainingOptions = TrainingOptions()

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse what no table can do yet."""
        if self.task.kind == "ordinal":
            raise ValueError('ordered grades need kind = "patches"; for a table use kind = "multiclass"')
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
        if self.task.kind == "ordinal" and not isinstance(self.model, Dense):
            raise ValueError('ordered grades of expression need model.name = "dense"')
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
    names = ("cox-network", "logistic-hazard")
    return "NetworkOptions" if name in names else "CoxOptions" if name in (None, "cox") else "unknown"


HazardModel = Annotated[
    Annotated[CoxOptions, Tag("CoxOptions")] | Annotated[NetworkOptions, Tag("NetworkOptions")],
    Discriminator(
        _which_hazard,
        custom_error_type="network",
        custom_error_message="The name of the model should be 'cox', 'cox-network' or 'logistic-hazard'",
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
        """Refuse classes that instances cannot have."""
        classes = self.task.classes or NUCLEI
        if self.data.holds == "instances" and len(classes) != len(NUCLEI):
            raise ValueError('instances are of one class: classes = ["background", "nucleus"], or holds = "classes"')
        return self

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in order, the background first."""
        return self.task.classes or NUCLEI


STUDIES: dict[str, type[Study]] = {
    "table": TableStudy,
    "expression": ExpressionStudy,
    "patches": PatchStudy,
    "bags": BagStudy,
    "nuclei": NucleiStudy,
    "survival": SurvivalStudy,
}
"""The kind of study by its kind of data."""
