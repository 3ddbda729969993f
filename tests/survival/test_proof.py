"""The metrics against scikit-survival, on real data and on made data with many ties."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sksurv import metrics as twin
from sksurv.util import Surv

from cancernet.errors import InvalidInput
from cancernet.survival import Censoring, Outcome, auroc_at, brier_at, harrell, integrated_brier, uno
from survival.made import made_outcome, outcome_of, real_outcomes

CLOSE = 1e-6


def _surv(outcome: Outcome) -> NDArray[np.void]:
    return Surv.from_arrays(outcome.event, outcome.time)


def _same(train: Outcome, test: Outcome, risk: NDArray[np.float64]) -> None:
    """Hold every metric against its twin; the last time is inside the follow-up of both."""
    known, end = Censoring.fit(train), min(train.follow_up, test.follow_up)
    times = np.quantile(test.time[test.event & (test.time < end)], [0.1, 0.3, 0.5, 0.7, 0.9])
    times = np.unique(np.minimum(times, 0.98 * end))
    survival = np.exp(-np.outer(np.exp(risk / risk.std()), times / end))
    assert harrell(test, risk) == pytest.approx(
        twin.concordance_index_censored(test.event, test.time, risk)[0], abs=CLOSE
    )
    tau = float(times[-1])
    assert uno(test, risk, censoring=known, until=tau) == pytest.approx(
        twin.concordance_index_ipcw(_surv(train), _surv(test), risk, tau=tau)[0], abs=CLOSE
    )
    inside = test.time < end
    cut = test.take(inside)
    areas, _ = twin.cumulative_dynamic_auc(_surv(train), _surv(cut), risk[inside], times[times < cut.follow_up])
    for time, area in zip(times[times < cut.follow_up], areas, strict=True):
        assert auroc_at(cut, risk[inside], time=float(time), censoring=known) == pytest.approx(area, abs=CLOSE)
    kept = times < cut.follow_up
    _, scores = twin.brier_score(_surv(train), _surv(cut), survival[inside][:, kept], times[kept])
    np.testing.assert_allclose(
        brier_at(cut, survival[inside][:, kept], times=times[kept], censoring=known), scores, atol=CLOSE
    )
    if kept.sum() > 1:
        assert integrated_brier(cut, survival[inside][:, kept], times=times[kept], censoring=known) == pytest.approx(
            twin.integrated_brier_score(_surv(train), _surv(cut), survival[inside][:, kept], times[kept]), abs=CLOSE
        )


@pytest.mark.realdata
def test_six_real_data_sets(realdata: Path) -> None:
    for outcome, values in real_outcomes(realdata).values():
        risk = ((values - values.mean(axis=0)) / values.std(axis=0)).sum(axis=1)
        _same(outcome, outcome, risk)
        half = np.arange(len(outcome)) % 2 == 0
        _same(outcome.take(half), outcome.take(~half), risk[~half])
        _same(outcome, outcome, np.round(risk))  # many equal risks


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(30, 120), st.booleans(), st.sampled_from([0, 1, 3]))
def test_made_data_with_many_ties(seed: int, n: int, ties: bool, digits: int) -> None:
    outcome, values = made_outcome(n, seed=seed, ties=ties)
    risk = np.round(values @ [1.0, -0.3, 0.5], digits) + 0.0
    _same(outcome, outcome, risk)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=25)
)
def test_pairs_are_those_of_two_loops(rows: list[tuple[int, bool, int, int]]) -> None:
    time, event, risk, _ = (np.array(column) for column in zip(*rows, strict=True))
    pairs = concordant = 0.0
    for i in np.flatnonzero(event):
        for j in range(len(rows)):
            if time[j] > time[i] or (time[j] == time[i] and not event[j]):
                pairs += 1
                concordant += 1.0 if risk[i] > risk[j] else 0.5 * (risk[i] == risk[j])
    if not pairs:
        return
    assert harrell(outcome_of(time, event), risk) == pytest.approx(concordant / pairs, abs=1e-12)


def test_risks_nearer_than_the_tolerance_are_equal() -> None:
    outcome = outcome_of([1, 2, 3], [1, 1, 0])
    assert harrell(outcome, [0.3, 0.3 + 5e-9, 0.1]) == pytest.approx(2.5 / 3)
    assert harrell(outcome, [0.3, 0.3 + 5e-8, 0.1]) == pytest.approx(2 / 3)


def test_a_time_past_the_follow_up_is_refused_by_name() -> None:
    outcome, values = made_outcome(60)
    late = outcome.follow_up
    for refused in (
        lambda: auroc_at(outcome, values[:, 0], time=late),
        lambda: brier_at(outcome, np.full((60, 1), 0.5), times=[late]),
        lambda: integrated_brier(outcome, np.full((60, 2), 0.5), times=[1, late + 1]),
    ):
        with pytest.raises(InvalidInput, match="not inside the follow-up"):
            refused()


def test_an_event_without_a_censoring_weight_is_refused() -> None:
    train = outcome_of([1, 2, 3, 4], [1, 0, 1, 0])  # the last is censored: nobody is followed after 4
    test = outcome_of([1, 5, 6], [1, 1, 0])
    with pytest.raises(InvalidInput, match="event at 5 days"):
        uno(test, [3, 2, 1], censoring=Censoring.fit(train))
    assert uno(test, [3, 2, 1], censoring=Censoring.fit(train), until=4) == 1
    assert auroc_at(test, [3, 2, 1], time=3, censoring=Censoring.fit(train)) == 1
    with pytest.raises(InvalidInput, match="Nobody whose censoring is known"):
        brier_at(test, np.full((3, 1), 0.5), times=[5.5], censoring=Censoring.fit(train))


def test_nobody_to_compare_is_said() -> None:
    outcome = outcome_of([1, 2], [0, 1])
    with pytest.raises(InvalidInput, match="No two of these patients"):
        harrell(outcome, [1, 2])
    with pytest.raises(InvalidInput, match="nobody has had the event"):
        auroc_at(outcome, [1, 2], time=1.5)
    with pytest.raises(InvalidInput, match="finite number for each"):
        harrell(outcome, [1, np.nan])
    with pytest.raises(InvalidInput, match="Two times at least"):
        integrated_brier(outcome, [[0.5], [0.5]], times=[1])
    with pytest.raises(InvalidInput, match="A chance from 0 to 1"):
        brier_at(outcome, [[1.5], [0.5]], times=[1])
