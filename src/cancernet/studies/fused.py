"""The sections of a study of several sources: which runs, and how their stack is judged."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cancernet.studies.sections import DataOptions, ReportOptions, Section

__all__ = ["FusedFiles", "FusionData", "FusionReport", "FusionTask", "FusionTraining"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class FusedFiles(Section):
    """A source that is no run folder.

    Parameters
    ----------
    bundle
        A folder, or the name of a shipped one.
    predictions
        CSV: the out-of-fold predictions of the run that made the bundle; or what `cancernet predict` says with it of
        patients that it was not trained on.
    """

    bundle: str = Field(min_length=1)
    predictions: str = Field(min_length=1)


class FusionData(DataOptions):
    """Several finished runs of the same patients.

    Parameters
    ----------
    sources
        By name: the folder of a run, or `{ bundle = "...", predictions = "..." }`.
    overlap
        Least share of the patients known to all sources among those known to any; the others are left out.
    """

    kind: Literal["fusion"] = "fusion"
    source: str = ""
    sources: dict[str, str | FusedFiles] = Field(min_length=2)
    overlap: float = Field(default=0.8, gt=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse what the sources tell themselves, and names that are none of a folder."""
        given = [name for name in ("source", "target", "group") if getattr(self, name)]
        if given:
            raise ValueError(f"a fusion has no {given[0]}: its sources tell patients and outcome; name them in sources")
        wrong = [name for name in self.sources if not _NAME.fullmatch(name)]
        if wrong:
            raise ValueError(f"'{wrong[0]}' cannot name a source: letters, digits, '.', '_' and '-' only")
        return self


class FusionTask(Section):
    """What to answer: what the sources do."""

    kind: Literal["fusion"] = "fusion"


class FusionTraining(Section):
    """How the stack is fitted; what else there is to choose stands in the section of the model.

    Parameters
    ----------
    inner_folds
        Of classes: folds inside the training patients that give out-of-fold outputs for calibration.
    seed
        Of all inner folds.
    """

    inner_folds: int = Field(default=5, ge=2)
    seed: int = Field(default=0, ge=0, lt=2**32)

    @property
    def epochs(self) -> int:
        """One: a stack is fitted in one go."""
        return 1


class FusionReport(ReportOptions):
    """How results are stated: of classes as for patches, of survival by `times`, `horizon`, `groups` and `draws`.

    Parameters
    ----------
    times, horizon, groups
        As for a study of survival; the times are those of the first source when empty.
    """

    coverage: float = Field(default=0.90, ge=0.5, lt=1)
    times: tuple[Annotated[float, Field(gt=0)], ...] = ()
    horizon: float | None = Field(default=None, gt=0)
    groups: int = Field(default=3, ge=2, le=5)
