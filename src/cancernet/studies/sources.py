"""The data sections of studies: where the rows, images, slides or outlines are, and which column is what."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cancernet.studies.sections import DataOptions

__all__ = ["BagData", "ExpressionData", "NucleiData", "PatchData", "TableData"]


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
        How many genes are kept.
    ranked_by
        Which ones: those of the largest "variance", or by "anova" those whose means differ most between the classes.
        The latter looks at labels: it is done again in every fold, and in every inner fold that calibrates.
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
    ranked_by: Literal["variance", "anova"] = "variance"
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
