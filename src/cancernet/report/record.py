"""What a run hands to its report: everything measured, nothing computed later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import one_of
from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate

if TYPE_CHECKING:
    from cancernet.data import Table
    from cancernet.metrics import Scored

__all__ = ["MOST_PICTURES", "Estimates", "GroupRow", "HistoryRow", "Importance", "PatchSheet", "RunRecord"]

Estimates = Mapping[str, Estimate]
HistoryRow = Mapping[str, float | int | str]

MOST_PICTURES = 64  # on a sheet; more can neither be looked at nor labelled
SECTIONS = ("results", "data", "training", "metrics", "decisions", "trust", "errors", "importance")
_TONES = ("good", "bad", "")
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True)
class Importance:
    """How much a score falls when one feature is shuffled.

    Parameters
    ----------
    feature
        Its name, as in the table.
    estimate
        The fall, with its interval.
    """

    feature: str
    estimate: Estimate


@dataclass(frozen=True, eq=False)
class PatchSheet:
    """Patches side by side, each with a few words under it.

    Parameters
    ----------
    name
        Of the figure and its file: lower-case letters, digits and hyphens.
    title, caption
        The heading, and how to look at it.
    images
        Shape (k, h, w, 3), uint8, RGB; 1 to 64 patches.
    labels
        One text per patch; its lines stand under each other.
    tones
        Colour of the frame per patch: "good", "bad", or "" for a plain one; empty: all plain.
    blocks
        Heading per patch; neighbours with the same heading stand together under it. Empty: no headings.
    section
        Of the page: results, data, training, metrics, decisions, trust, errors or importance.

    Raises
    ------
    InvalidInput
        When images, labels, tones and blocks do not fit together, or the name or section cannot be used.
    """

    name: str
    title: str
    caption: str
    images: NDArray[np.uint8]
    labels: tuple[str, ...]
    tones: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    section: str = "errors"

    def __post_init__(self) -> None:
        """Hold images and texts together."""
        if not _FILE_NAME.fullmatch(self.name):
            raise InvalidInput(f"A sheet is called '{self.name}'", "Lower-case letters, digits and hyphens, at most 64")
        one_of(self.section, SECTIONS, "section of the page")
        _check_images(self.name, self.images)
        for tone in self.tones:
            one_of(tone, _TONES, "tone of a picture")
        for what, texts in (("labels", self.labels), ("tones", self.tones), ("blocks", self.blocks)):
            if len(texts) != len(self.images) and (texts or what == "labels"):
                wrong = f"Sheet '{self.name}' has {len(texts)} {what} for {len(self.images)} pictures"
                raise InvalidInput(wrong, "One for each picture")


def _check_images(name: str, images: NDArray[np.uint8]) -> None:
    """Refuse what is no row of pictures."""
    pictures = np.asarray(images)
    fits = pictures.ndim == 4 and pictures.shape[-1] == 3 and pictures.size > 0 and pictures.dtype == np.uint8
    if not fits or len(pictures) > MOST_PICTURES:
        raise InvalidInput(
            f"The pictures of sheet '{name}' are {pictures.dtype} of the shape {pictures.shape}",
            f"uint8 of the shape (k, h, w, 3), k from 1 to {MOST_PICTURES}",
            "Choose fewer, or convert them",
        )


@dataclass(frozen=True)
class GroupRow:
    """How the rows of one group were answered, in counts.

    Parameters
    ----------
    group
        Its name.
    counts, called, found
        By class, in the order of the classes: rows that are of it, rows that were called it, and rows of it that were
        called it.
    probability
        Mean probability of the positive class; of the true class where there is no positive one.
    grade, expected_grade
        Mean true grade and mean expected grade, counted from 0; None where the classes have no order.
    """

    group: str
    counts: tuple[int, ...]
    called: tuple[int, ...]
    found: tuple[int, ...]
    probability: float
    grade: float | None = None
    expected_grade: float | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(self.counts)

    @property
    def right(self) -> int:
        """Rows that were answered rightly."""
        return sum(self.found)

    @property
    def errors(self) -> int:
        """Rows that were answered wrongly."""
        return self.rows - self.right


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """All that the page, the figures and `metrics.json` show; they draw and write, and compute no result.

    Parameters
    ----------
    name, kind, title
        The study's name; "train" or "evaluate"; the heading of the page.
    facts
        Pairs of label and value: data, rows, groups, split, seed, model, versions, date, seconds.
    statements
        Whole sentences for the top of the page, the most important first.
    data_notes
        Sentences about the data: layout of the features, missing values.
    table
        The rows the figures of features show; None when the input is no table.
    scored
        The pooled test rows.
    metrics
        Of the pooled test rows, by metric name.
    validation
        The same on validation rows; None when there are none.
    folds
        The same per fold, in order.
    operating_points
        By threshold rule, the threshold metrics there; "threshold" itself may be one of them.
    threshold, threshold_rule
        Probability of the positive class from which on a case is called positive (None: the most probable class, or
        one threshold per fold), and its rule.
    baselines, baseline_scored
        By name of the baseline: its metrics, and its scored test rows (same rows as `scored`).
    differences
        By name of the baseline: network minus baseline on the same rows, paired.
    leak_audit, leak_sentences
        What the audit found: for machines and for people.
    history
        One row per epoch: repeat, fold, inner, epoch, loss, val_loss and whatever else was logged.
    importance, importance_metric
        Permutation importance per feature, and the score that falls.
    prevalence
        By prevalence (a number or a share in words): "ppv" and "npv" there.
    sheets
        Pictures of patches, each drawn as one figure.
    by_site
        By site (laboratory, scanner): the metrics of its test rows.
    by_group
        The answers by group, from `group_rows`, the group with most errors first.
    group_name
        What a group is: "patient", "slide"; for sentences.
    limits
        Sentences.
    licences
        Pairs of what and licence.
    synthetic
        The data are synthetic or simulated, which the page says at its top.
    headline
        Metric names for the cards at the top; empty: chosen by the kind of task.
    model
        What the network is called.
    sections
        Further sections for other kinds of task: pairs of heading and paragraphs.
    extra_metrics
        Further entries of `metrics.json`, JSON-ready, by key.
    """

    name: str
    kind: Literal["train", "evaluate"]
    title: str
    scored: Scored
    metrics: Estimates
    table: Table | None = None
    facts: tuple[tuple[str, str], ...] = ()
    statements: tuple[str, ...] = ()
    data_notes: tuple[str, ...] = ()
    validation: Estimates | None = None
    folds: tuple[Estimates, ...] = ()
    operating_points: Mapping[str, Estimates] = field(default_factory=dict)
    threshold: float | None = None
    threshold_rule: str = ""
    baselines: Mapping[str, Estimates] = field(default_factory=dict)
    baseline_scored: Mapping[str, Scored] = field(default_factory=dict)
    differences: Mapping[str, Estimates] = field(default_factory=dict)
    leak_audit: Mapping[str, Any] = field(default_factory=dict)
    leak_sentences: tuple[str, ...] = ()
    history: tuple[HistoryRow, ...] = ()
    importance: tuple[Importance, ...] = ()
    importance_metric: str = "auroc"
    prevalence: Mapping[str, Estimates] = field(default_factory=dict)
    sheets: tuple[PatchSheet, ...] = ()
    by_site: Mapping[str, Estimates] = field(default_factory=dict)
    by_group: tuple[GroupRow, ...] = ()
    group_name: str = "group"
    limits: tuple[str, ...] = ()
    licences: tuple[tuple[str, str], ...] = ()
    synthetic: bool = False
    headline: tuple[str, ...] = ()
    model: str = "network"
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    extra_metrics: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold the rows of the network and of its baselines together; no two sheets share a file."""
        rows = len(self.scored.truth)
        for name, scored in self.baseline_scored.items():
            if len(scored.truth) != rows:
                wrong = f"baseline '{name}' has {len(scored.truth)} rows, the network {rows}"
                raise InvalidInput(wrong, "The same rows in the same order")
        names = [sheet.name for sheet in self.sheets]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InvalidInput(f"Two sheets are called '{twice[0]}'", "A name of its own for each sheet")
