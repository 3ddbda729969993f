"""The plan of a fusion of survival: a table of the risks of the sources, for a ridge Cox model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cancernet.bundle import Fusion
from cancernet.data import audit_split, refuse_few_groups
from cancernet.errors import InvalidInput
from cancernet.fusion import Joined
from cancernet.studies.fusion.sources import (
    SIMULATED,
    bundles_of,
    fused_table,
    fusion_part,
    is_simulated,
    source_notes,
    split_of,
)
from cancernet.studies.fusion.words import gain_sentence
from cancernet.studies.options import FusionStudy, Study, SurvivalData, SurvivalStudy
from cancernet.studies.survival.plan import CENSORED, SurvivalPlan, horizon_for, times_for
from cancernet.studies.timed import SurvivalReport, SurvivalTraining
from cancernet.survival import Coding, CoxOptions, Outcome, SurvivalRecord, grid_to, make_outcome

__all__ = ["FusedSurvivalPlan", "make_timed_fusion"]

_SHARED = ("name", "title", "licence", "data_licence", "intended_use", "limits")


@dataclass(frozen=True, eq=False, kw_only=True)
class FusedSurvivalPlan(SurvivalPlan):
    """What is going to be stacked; the columns are the risks that the sources gave.

    Parameters
    ----------
    fused
        The study as it was given; `study` is how a study of survival would say it.
    joined
        The patients.
    """

    fused: FusionStudy
    joined: Joined

    @property
    def network_name(self) -> str:
        """What the model is called beside its baselines."""
        return "stack"

    @property
    def rivals(self) -> tuple[str, ...]:
        """Each source by itself, and Kaplan-Meier."""
        return (*self.joined.places, "kaplan-meier")

    @property
    def written(self) -> Study:
        """What the run folder keeps."""
        return self.fused

    def notes(self) -> tuple[str, ...]:
        """Return sentences about the sources and the outcome."""
        alone = (
            "A source by itself is judged by its risk; its curves are those of a Cox model with this risk as the only "
            "column, fitted on the same training patients as the stack."
        )
        return (*source_notes(self.joined), alone, *super().notes())

    @property
    def synthetic(self) -> bool:
        """Whether a source is of made or simulated data."""
        return is_simulated(self.joined)

    @property
    def fusion(self) -> Fusion:
        """The part of the card."""
        return fusion_part(self.joined)

    def sources(self) -> Mapping[str, Path]:
        """Return the bundles that go into the bundle."""
        return bundles_of(self.joined)

    def finished(self, record: SurvivalRecord) -> SurvivalRecord:
        """Return the record with the gain over the best source in the first place."""
        metrics, names = ("concordance_uno", "concordance_harrell", "integrated_brier"), tuple(self.joined.places)
        gain = gain_sentence(record.baselines, record.differences, names, metrics=metrics)
        simulated = (SIMULATED,) if self.synthetic else ()
        return replace(record, statements=(*simulated, gain, *record.statements))


def make_timed_fusion(study: FusionStudy, joined: Joined) -> FusedSurvivalPlan:
    """Check everything that a fusion of survival needs.

    Raises
    ------
    InvalidInput
        When too few patients had the event, or a time is past the follow-up.
    """
    outcome = _outcome(joined)
    timed = _as_survival(study, joined, outcome)
    table = fused_table(study, joined)
    table = replace(table, target=np.where(outcome.event, outcome.causes[0], CENSORED))
    refuse_few_groups(np.asarray(table.target), table.groups, folds=timed.model.inner_folds + 1)
    split, horizon = split_of(joined, table), horizon_for(timed, outcome)
    return FusedSurvivalPlan(
        study=timed,
        table=table,
        outcome=outcome,
        every=outcome,
        split=split,
        audit=audit_split(table, split),
        times=times_for(timed, horizon, outcome),
        grid=grid_to(horizon),
        fused=study,
        joined=joined,
    )


def _outcome(joined: Joined) -> Outcome:
    """Return the outcome of the patients; it was checked when the sources were trained."""
    card = joined.sources[0].card
    if card.survival is None or joined.time is None:
        raise InvalidInput("The sources tell classes, not survival", "Sources of survival")
    coding = Coding(card.survival.unit, causes=(card.task.classes[-1],), zero="keep", trust=True)
    return make_outcome(joined.time, joined.truth, coding=coding, ids=joined.patients.tolist())


def _as_survival(study: FusionStudy, joined: Joined, outcome: Outcome) -> SurvivalStudy:
    """Return how a study of survival would say it."""
    report, part = study.report, joined.sources[0].card.survival
    times = report.times or (() if part is None else part.asked)
    shared = {name: getattr(study, name) for name in _SHARED}
    return SurvivalStudy(
        **shared,
        data=SurvivalData(
            source=" + ".join(joined.places), time="time", event="event", time_unit=outcome.unit, group="group"
        ),
        model=CoxOptions(penalty=study.model.penalty, inner_folds=study.model.inner_folds),
        training=SurvivalTraining(seed=study.training.seed),
        report=SurvivalReport(times=times, horizon=report.horizon, groups=report.groups, draws=report.draws),
    )
