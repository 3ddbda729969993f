"""The plan of a study of nuclei: its images, its split, what its bundle takes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet import __version__
from cancernet.bundle import FieldInput
from cancernet.checks import listed
from cancernet.data import Fold, Split, Table
from cancernet.errors import LeakingSplit
from cancernet.studies.nuclei.fields import Field, field_table, pixel_size, read_fields
from cancernet.studies.options import NucleiStudy
from cancernet.studies.plan import make_split
from cancernet.studies.progress import Progress

__all__ = ["NucleiPlan", "make_nuclei_plan"]


@dataclass(frozen=True, eq=False)
class NucleiPlan:
    """What is going to be fitted and tested.

    Parameters
    ----------
    study
        As it was given.
    fields
        The images.
    table
        Their ids and groups.
    split
        Who is tested on whom.
    """

    study: NucleiStudy
    fields: tuple[Field, ...]
    table: Table
    split: Split

    @property
    def taken(self) -> FieldInput:
        """What the network takes."""
        options = self.study.training
        return FieldInput(
            size=options.tile,
            margin=options.margin,
            pixel_size=pixel_size(self.study, self.fields),
            channels=self.study.model.colours,
            views=options.views,
        )

    @property
    def fits(self) -> int:
        """One for each fold, and one on all images."""
        return len(self.split.folds) + 1

    @property
    def digest(self) -> str:
        """SHA-256 over version, study, images and split: what an interrupted run and its resumption share."""
        about = [__version__, self.study.to_dict(), self.table.groups.tolist(), self.split.to_dict()]
        digest = hashlib.sha256(json.dumps(about).encode())
        for field in self.fields:
            digest.update(field.image.tobytes())
            digest.update(field.things.tobytes())
        return digest.hexdigest()


def make_nuclei_plan(study: NucleiStudy, *, progress: Progress | None = None) -> NucleiPlan:
    """Read and check everything that a study of nuclei needs."""
    fields = read_fields(study, progress or Progress())
    table = field_table(study, fields)
    split = make_split(study, table)
    for fold in split.folds:
        _refuse_leak(table.groups, fold)
    return NucleiPlan(study, fields, table, split)


def _refuse_leak(groups: NDArray[np.str_], fold: Fold) -> None:
    """Raise when a group stands on two sides: a split from a file may be of anything."""
    shared = np.intersect1d(groups[fold.test], groups[np.concatenate([fold.train, fold.validation])])
    if len(shared):
        raise LeakingSplit(
            f"{len(shared)} groups are trained on and tested in fold {fold.number}: {listed(shared.tolist(), 3)}",
            "Each on one side",
            "Make the split anew",
        )
