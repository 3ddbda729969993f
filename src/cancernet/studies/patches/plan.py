"""The plan of a study of patches: the images in a pack, their statistics as the table, the leak audit on both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Execution, PatchInput, PixelSize, hash_texts
from cancernet.checks import one_of
from cancernet.data import Feature, Split, Table, refuse_few_groups
from cancernet.errors import InvalidInput
from cancernet.metrics import PATCH_BASELINES, Scored
from cancernet.models import CancerNet
from cancernet.patches import (
    STATISTICS,
    Pack,
    PatchAudit,
    PatchOptions,
    PatchSet,
    audit_patches,
    open_pack,
    pack_statistics,
    read_patches,
    stained_pack,
)
from cancernet.studies.cohort import Cohort
from cancernet.studies.options import PatchData, PatchStudy
from cancernet.studies.patches.leak import joined
from cancernet.studies.patches.shown import shown_patches
from cancernet.studies.plan import Plan, make_split, refuse_absent_classes, task_of
from cancernet.studies.progress import Progress
from cancernet.training import Known, OpenBackbone, PatchLearner, execution_of, open_backbone

__all__ = ["PatchPlan", "in_colours", "make_patch_plan", "patch_options", "patch_table"]


@dataclass(frozen=True, eq=False, kw_only=True)
class PatchPlan(Plan):
    """What is going to be fitted on the images of a pack; `table` and `cohort` hold their statistics."""

    study: PatchStudy
    audit: PatchAudit
    pack: Pack
    baselines: tuple[str, ...] = PATCH_BASELINES
    joined_notes: tuple[str, ...] = ()
    backbone: OpenBackbone | None = None
    leaky: PatchPlan | None = None
    """The same study with copies on two sides of its split, to measure what that would seem to gain."""

    @property
    def digest(self) -> str:
        """What an interrupted run shares with the one that resumes it; the key stands for the pixels."""
        backbone = "" if self.backbone is None else f"-{self.backbone.sha256}"
        return f"{super().digest}-{self.pack.key}{backbone}"

    @property
    def fits(self) -> int:
        """Those of all folds, and in cross-validation those on all rows."""
        leaky = 0 if self.leaky is None else len(self.leaky.split.folds)
        final = self.study.training.ensemble if self.split.kind == "k-fold" else 0
        return (len(self.split.folds) + leaky) * self.fits_of_fold + final

    @property
    def fits_of_fold(self) -> int:
        """One, and those of an ensemble, which may hold it too."""
        asked = self.study.training
        return asked.ensemble + (asked.ensemble > 1 and asked.ensemble_rows == "parts")

    @property
    def size(self) -> int:
        """Pixels of a side."""
        return int(self.pack.images.shape[1])

    def notes(self) -> tuple[str, ...]:
        """Return sentences about the data."""
        patches = self.pack.patches
        return (*patches.notes, *self.joined_notes, _resolution_words(self.pixel_size()), *_fault_words(patches))

    def data_words(self) -> str:
        """Return what the data are, in a few words."""
        return f"{self.table.name}: {len(self.table)} patches of {self.size} x {self.size} pixels"

    def network_words(self, parameters: int) -> str:
        """Return what the network is, in a few words."""
        return f"{self.study.model.name}, {parameters:,} parameters"

    def start_words(self) -> str:
        """Return which file the weights start from, with its checksum; empty when they are drawn at random."""
        if self.backbone is None or self.backbone.options.weights == "random":
            return ""
        return f"{self.backbone.options.name}, SHA-256 {self.backbone.sha256}"

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
        return PatchInput(
            size=self.size, fit=fit, pixel_size=self.pixel_size(), statistics=STATISTICS, stain=self.study.data.stain
        )

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
            Known(self.cohort.codes, self.pack.patches.measures),
            kind=self.task.kind,
            classes=len(self.task.classes),
            model=self._network(),
            options=self.study.training,
            advance=advance,
        )

    def _network(self) -> CancerNet | OpenBackbone:
        """Return what the learner builds."""
        model = self.study.model
        if isinstance(model, CancerNet):
            return model
        return self.backbone or open_backbone(model)

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
        Where copies stand on two sides of the split, plan both ways: with them, and with the groups that share them
        joined.

    Raises
    ------
    InvalidInput
        When the images cannot be used for the study, or its backbone cannot.
    CorruptFile
        When its backbone is damaged or unsafe.
    LeakingSplit
        When a patient, an image or a near copy of it stands on two sides of the split.
    """
    found = read_patches(study.data.source, options=patch_options(study.data)) if patches is None else patches
    told, labelled = progress or Progress(), _labelled(found, study.data.labels)
    backbone = _backbone(study)
    pack = packed(labelled, study.data, told)
    if backbone is not None:
        backbone.check_size(pack.images.shape[1])
        named = labelled.group_column != "row"  # else a group is the name of an image
        backbone.refuse_seen(pack.digests, labelled.groups if named else labelled.groups[:0])
    notes: tuple[str, ...] = ()
    if study.data.copies == "join":
        pack, touched = joined(pack)
        notes = (f"{touched} groups share copies of an image; those that do were joined.",) if touched else ()
    plan = replace(_planned(study, pack, split, notes=notes, progress=told), backbone=backbone)
    if not plan.audit.leaks or not allow_leak:
        plan.audit.refuse()
        return plan
    pack, touched = joined(pack)
    notes = (f"{touched} groups share copies of an image; those that do were joined.",)
    honest = _planned(study, pack, None, notes=notes, progress=told)
    return replace(honest, backbone=backbone, leaky=plan)


def _backbone(study: PatchStudy) -> OpenBackbone | None:
    """Return the feature extractor of the study, if it has one, checked before hours of packing as far as can be."""
    if isinstance(study.model, CancerNet):
        return None
    backbone = open_backbone(study.model)
    if study.data.size is not None:
        backbone.check_size(study.data.size)
    return backbone


def _planned(
    study: PatchStudy, pack: Pack, split: Split | None, *, notes: tuple[str, ...], progress: Progress
) -> PatchPlan:
    """Return the plan of a study on a pack, checked; only what leaks is not refused yet."""
    progress.begin("Describing", len(pack))
    table = patch_table(pack, licence=study.data_licence, progress=progress.reach)
    task = task_of(study, table.classes, target=table.target_column)
    refuse_absent_classes(table, task.classes, folds=study.split.folds or (3 if study.split.test else 5))
    split = make_split(study, table) if split is None else split
    split.refuse_other(table)
    variants = None
    if study.training.augmentation.jpeg > 0:
        progress.begin("Describing as JPEG", len(pack))
        variants = pack_statistics(pack, jpeg=True, progress=progress.reach)
    progress.begin("Looking for copies", len(table))
    plan = PatchPlan(
        study=study,
        table=table,
        task=task,
        split=split,
        audit=audit_patches(pack, split, progress=progress.reach),
        cohort=Cohort(table.values, table.codes(task.classes), table.groups, variants),
        pack=pack,
        baselines=_baselines(pack.patches),
        joined_notes=notes,
    )
    _check_ensemble(plan)
    return plan


def _baselines(patches: PatchSet) -> tuple[str, ...]:
    """Return what the network is compared with; numbers measured by hand are the strongest."""
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
    pack = open_pack(patches, size=data.size, fit=data.fit, progress=progress.reach)
    return in_colours(pack, data.stain, progress)


def in_colours(pack: Pack, stain: str, progress: Progress) -> Pack:
    """Return the pack with its colours normalised, when that is wanted."""
    if stain == "none":
        return pack
    progress.begin("Normalising colours", len(pack))
    return stained_pack(pack, stain, progress=progress.reach)


def patch_table(
    pack: Pack, *, licence: str = "", described: bool = True, progress: Callable[[int], None] | None = None
) -> Table:
    """Return ids, groups and labels of all images as a table; its columns are their statistics, unless not wanted."""
    patches = pack.patches
    names = STATISTICS if described else ()
    return Table(
        name=patches.name,
        features=tuple(Feature(name) for name in names),
        values=pack_statistics(pack, progress=progress) if described else np.empty((len(patches), 0)),
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


def _check_ensemble(plan: PatchPlan) -> None:
    """Raise when the training rows of a fold cannot be cut into as many parts as the ensemble has networks."""
    asked, labels = plan.study.training, np.asarray(plan.task.classes)[plan.cohort.codes]
    if asked.ensemble > 1 and asked.ensemble_rows == "parts":
        for fold in plan.split.folds:
            refuse_few_groups(labels[fold.train], plan.cohort.groups[fold.train], folds=asked.ensemble)


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
