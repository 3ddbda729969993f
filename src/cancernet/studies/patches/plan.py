"""The plan of a study of patches: the images in a pack, their statistics as the table, the leak audit on both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Execution, PatchInput, PixelSize, hash_texts
from cancernet.checks import listed, one_of
from cancernet.data import Feature, Split, Table, refuse_few_groups, require_groups
from cancernet.errors import InvalidInput
from cancernet.metrics import PATCH_BASELINES, Scored
from cancernet.patches import (
    STATISTICS,
    Pack,
    PatchAudit,
    PatchOptions,
    PatchSet,
    audit_patches,
    image_statistics,
    open_pack,
    read_patches,
)
from cancernet.studies.cohort import Cohort
from cancernet.studies.options import PatchData, PatchStudy
from cancernet.studies.patches.shown import shown_patches
from cancernet.studies.plan import Plan, make_split, task_of
from cancernet.studies.progress import Progress
from cancernet.training import PatchLearner, execution_of

__all__ = ["PatchPlan", "described", "make_patch_plan", "patch_options"]

_DESCRIBED = 4096  # patches at once


@dataclass(frozen=True, eq=False, kw_only=True)
class PatchPlan(Plan):
    """What is going to be fitted on the images of a pack; `table` and `cohort` hold their statistics."""

    study: PatchStudy
    audit: PatchAudit
    pack: Pack
    baselines: tuple[str, ...] = PATCH_BASELINES

    @property
    def digest(self) -> str:
        """What an interrupted run shares with the one that resumes it; the key stands for the pixels."""
        return f"{super().digest}-{self.pack.key}"

    @property
    def fits(self) -> int:
        """One per fold, and in cross-validation one on all rows."""
        return len(self.split.folds) + (self.split.kind == "k-fold")

    @property
    def size(self) -> int:
        """Pixels of a side."""
        return int(self.pack.images.shape[1])

    def notes(self) -> tuple[str, ...]:
        """Return sentences about the data."""
        patches = self.pack.patches
        return (*patches.notes, _resolution_words(self.pixel_size()), *_fault_words(patches))

    def data_words(self) -> str:
        """Return what the data are, in a few words."""
        return f"{self.table.name}: {len(self.table)} patches of {self.size} x {self.size} pixels"

    def network_words(self, parameters: int) -> str:
        """Return what the network is, in a few words."""
        return f"{self.study.model.name}, {parameters:,} parameters"

    def pixel_size(self) -> PixelSize:
        """Return microns per pixel of the model's input, where the study or the files know them."""
        data, scale = self.study.data, self._scale()
        if not isinstance(data.mpp, float):
            return _pixel_size_of_files(self.pack.patches, scale)
        low, high = data.mpp_range or (data.mpp, data.mpp)
        status = "estimated" if data.mpp_how else "known"
        return PixelSize.model_validate(
            {"status": status, "mpp": data.mpp * scale, "low": low * scale, "high": high * scale, "how": data.mpp_how}
        )

    def card_input(self, rows: NDArray[np.int64]) -> PatchInput:
        """Return what the bundle takes."""
        fit = "resize" if self.study.data.fit == "refuse" and self._scale() != 1 else self.study.data.fit
        return PatchInput(size=self.size, fit=fit, pixel_size=self.pixel_size(), statistics=STATISTICS)

    def execution(self, test_time: str) -> Execution:
        """Return how the engine runs the network."""
        return execution_of(self.study.training, test_time)

    def hashes(self, rows: NDArray[np.int64], salt: str) -> tuple[str, ...]:
        """Return salted hashes of the pixels, the same for all rotations and flips of a patch."""
        return hash_texts(self.pack.digests[rows].tolist(), salt)

    def shown(self, scored: Scored, rows: NDArray[np.int64]) -> dict[str, Any]:
        """Return pictures, and tables by site and by group."""
        return shown_patches(
            scored,
            rows,
            images=self.pack.images,
            sites=self.pack.patches.sites,
            draws=self.study.report.draws,
            group_name=self.table.group_column or "group",
        )

    def sample(self, most: int) -> NDArray[Any]:
        """Return patches from all over the pack."""
        rows = np.linspace(0, len(self.table) - 1, min(most, len(self.table))).astype(np.int64)
        return np.asarray(self.pack.images[rows])

    def learner(self, advance: Callable[[], None] | None = None) -> PatchLearner:
        """Return the network; building it imports Keras."""
        return PatchLearner(
            self.pack.images,
            self.cohort.codes,
            kind=self.task.kind,
            classes=len(self.task.classes),
            model=self.study.model,
            options=self.study.training,
            auxiliary=self.pack.patches.measures,
            advance=advance,
        )

    def _scale(self) -> float:
        """Return by how much pixels grow when images are brought to the size of the network."""
        if self.study.data.fit == "crop":
            return 1.0
        return float(np.median(self.pack.native_sizes)) / self.size


def make_patch_plan(
    study: PatchStudy,
    patches: PatchSet | None = None,
    split: Split | None = None,
    *,
    progress: Progress | None = None,
    allow_leak: bool = False,
) -> PatchPlan:
    """Read, pack and check everything that a study of patches needs.

    Parameters
    ----------
    study
        What to do.
    patches, split
        Instead of those the study names.
    progress
        Told how far it is.
    allow_leak
        Do not refuse what stands on two sides of the split.

    Raises
    ------
    InvalidInput
        When the images cannot be used for the study.
    LeakingSplit
        When a patient, an image or a near copy of it stands on two sides of the split.
    """
    found = read_patches(study.data.source, options=patch_options(study.data)) if patches is None else patches
    found = _labelled(found, study.data.labels)
    pack = packed(found, study.data, progress or Progress())
    table = described(pack, licence=study.data_licence)
    task = task_of(study, table.classes, target=table.target_column)
    _check_classes(table, task.classes, folds=study.split.folds or (3 if study.split.test else 5))
    split = make_split(study, table) if split is None else split
    split.refuse_other(table)
    audit = audit_patches(pack, split)
    if not allow_leak:
        audit.refuse()
    cohort = Cohort(table.values, table.codes(task.classes), table.groups)
    return PatchPlan(
        study=study,
        table=table,
        task=task,
        split=split,
        audit=audit,
        cohort=cohort,
        pack=pack,
        baselines=_baselines(pack.patches),
    )


def _baselines(patches: PatchSet) -> tuple[str, ...]:
    """Return what the network is compared with; numbers measured by hand are the strongest, where all images have them."""
    complete = patches.measures is not None and not np.isnan(patches.measures).any()
    return (*PATCH_BASELINES, "measured") if complete else PATCH_BASELINES


def patch_options(data: PatchData) -> PatchOptions:
    """Return how images are found, from the data section of a study."""
    return PatchOptions(
        layout=data.layout,
        target=data.target,
        group=data.group,
        slide=data.slide,
        site=data.site,
        mpp=data.mpp,
        measures=data.auxiliary,
        where=data.where,
    )


def packed(patches: PatchSet, data: PatchData, progress: Progress) -> Pack:
    """Return the pack of images, made when it is not there yet."""
    progress.begin("Packing", len(patches))
    return open_pack(patches, size=data.size, fit=data.fit, progress=progress.reach)


def described(pack: Pack, *, licence: str = "") -> Table:
    """Return the statistics of all images as a table, with ids, groups and labels."""
    images, patches = pack.images, pack.patches
    parts = [image_statistics(images[start : start + _DESCRIBED]) for start in range(0, len(images), _DESCRIBED)]
    return Table(
        name=patches.name,
        features=tuple(Feature(name) for name in STATISTICS),
        values=np.concatenate(parts),
        ids=patches.ids,
        groups=patches.groups,
        target=patches.target,
        target_column=patches.target_column,
        group_column=patches.group_column,
        source=patches.source,
        licence=patches.licence or licence,
    )


def _labelled(patches: PatchSet, names: dict[str, str]) -> PatchSet:
    """Return the set with the labels that the study wants, or raise when there is nothing to learn."""
    if patches.target is None:
        raise InvalidInput(
            f"The images of '{patches.name}' have no labels",
            "A folder for each class, names that hold the class, or a manifest with a column of labels",
            'Say how they are laid out, for example layout = "folders", or name the column: target = "label"',
        )
    for name in names:
        one_of(name, patches.classes, "label")
    renamed = [names.get(str(label), str(label)) for label in patches.target]
    return replace(patches, target=np.array(renamed)) if names else patches


def _check_classes(table: Table, classes: tuple[str, ...], *, folds: int) -> None:
    """Raise when groups are unknown, a class is missing, or it has fewer groups than folds."""
    require_groups(table)
    codes = table.codes(classes)
    absent = [name for code, name in enumerate(classes) if not (codes == code).any()]
    if absent:
        raise InvalidInput(
            f"'{table.name}' has no image of {listed(absent)}", "Images of each class", "Check classes and labels"
        )
    refuse_few_groups(np.asarray(classes)[codes], table.groups, folds=folds)


def _pixel_size_of_files(patches: PatchSet, scale: float) -> PixelSize:
    """Return microns per pixel as the manifest gives them."""
    known = np.empty(0) if patches.mpp is None else patches.mpp[~np.isnan(patches.mpp)]
    if not len(known) or len(known) < len(patches):
        return PixelSize()
    middle, low, high = float(np.median(known)), float(known.min()), float(known.max())
    return PixelSize(status="known", mpp=middle * scale, low=low * scale, high=high * scale, how="from the manifest")


def _resolution_words(size: PixelSize) -> str:
    """Return what is known of the resolution."""
    if size.mpp is None:
        return (
            "Microns per pixel are unknown: the bundle cannot scan slides, and cannot tell other magnifications apart."
        )
    span = f" ({size.low:.2g} to {size.high:.2g})" if size.low != size.high else ""
    how = f", {size.how}" if size.how else ""
    return f"The network sees {size.mpp:.3g} microns per pixel{span}, {size.status}{how}."


def _fault_words(patches: PatchSet) -> tuple[str, ...]:
    """Return which files were set aside."""
    if not patches.faults:
        return ()
    named = ", ".join(f"{fault.path.name} ({fault.reason})" for fault in patches.faults[:5])
    more = f" and {len(patches.faults) - 5} more" if len(patches.faults) > 5 else ""
    return (f"{len(patches.faults)} files were set aside: {named}{more}.",)
