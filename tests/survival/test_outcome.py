import numpy as np
import pytest

from cancernet.errors import InvalidInput
from cancernet.survival import Coding, make_outcome
from survival.made import DAYS, made_outcome, outcome_of


def test_an_outcome_is_frozen_and_speaks() -> None:
    outcome = outcome_of([5, 8, 2.5, 5], [1, 0, 1, True])
    assert outcome.event.tolist() == [True, False, True, True]
    assert (outcome.follow_up, outcome.ties, len(outcome)) == (8.0, 2, 4)
    assert not outcome.time.flags.writeable
    assert not outcome.cause.flags.writeable
    assert outcome.sentences()[0] == "4 patients: event 3, censored 1."
    assert "2 events share their time" in outcome.sentences()[1]


def test_text_is_read_as_numbers_and_by_its_codes() -> None:
    codes = {"Living": 0, "Died of Disease": 1, "Died of Other Causes": 2}
    coding = Coding("months", codes=codes, causes=("disease", "other"))
    outcome = make_outcome(["1.5", " 2 ", "3"], ["Died of Disease", "Living", "Died of Other Causes"], coding=coding)
    assert outcome.time.tolist() == [1.5, 2, 3]
    assert outcome.cause.tolist() == [1, 0, 2]
    assert outcome.of_cause("other").cause.tolist() == [0, 0, 1]
    assert outcome.of_any_cause().cause.tolist() == [1, 0, 1]
    assert outcome.take([2, 0]).time.tolist() == [3, 1.5]
    assert outcome.of_cause("other").causes == ("other",)


@pytest.mark.parametrize(
    ("time", "event", "said"),
    [
        ([1, -2], [1, 0], "time -2 of row '2', column 'time', is below zero"),
        ([1, 0], [1, 0], "is zero"),
        ([1, np.nan], [1, 0], "column 'time' is missing"),
        ([1, np.inf], [1, 0], "'inf' in row '2'"),
        (["1", "soon"], [1, 0], "'soon' in row '2', column 'time' is no time"),
        ([1, 2], [1, ""], "event in row '2', column 'event' is missing"),
        ([1, 2], [1, 2], "'2' in row '2', column 'event' is no known event"),
        ([1, 2], ["Dead", "Alive"], "'Dead' in row '1'"),
        ([1, 2], [0, 0], "everybody is censored"),
        ([], [], "0 times and 0 events"),
        ([1, 2], [1], "2 times and 1 events"),
    ],
)
def test_what_is_no_outcome_is_refused(time: list[object], event: list[object], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        make_outcome(np.array(time, dtype=object), np.array(event, dtype=object), coding=Coding("days"))
    assert said in str(caught.value)
    assert caught.value.expected


def test_a_unit_a_gap_and_an_absent_cause_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'months'"):
        make_outcome([1.0], [1], coding=Coding("month"))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="have a gap"):
        make_outcome([1.0], ["x"], coding=Coding("days", codes={"x": 2}))
    with pytest.raises(InvalidInput, match="nobody had 'other'"):
        make_outcome([1.0, 2.0], [1, 0], coding=Coding("days", causes=("disease", "other")))
    with pytest.raises(InvalidInput, match="3 causes are named"):
        make_outcome([1.0], ["x"], coding=Coding("days", codes={"x": 1}, causes=("a", "b", "c")))


def test_zero_times_are_kept_on_demand() -> None:
    assert outcome_of([0, 2], [0, 1], coding=DAYS).time.tolist() == [0, 2]


def test_events_that_are_coded_backwards_are_refused_unless_trusted() -> None:
    outcome, _ = made_outcome(200)
    early = np.where(outcome.event, outcome.time / 3, outcome.time + 20)  # as follow-up to a closing date
    assert outcome_of(early, outcome.event).event.sum() == outcome.event.sum()
    with pytest.raises(InvalidInput, match="looks coded backwards"):
        outcome_of(early, ~outcome.event)
    assert len(outcome_of(early, ~outcome.event, coding=Coding("days", trust=True))) == 200


@pytest.mark.realdata
def test_the_popular_metabric_column_is_backwards(realdata) -> None:  # type: ignore[no-untyped-def]
    import pandas as pd

    table = pd.read_csv(realdata / "tabular" / "metabric" / "metabric_deepsurv_9features.csv")
    assert outcome_of(table.t, table.e).event.sum() == 887
    with pytest.raises(InvalidInput, match="73% of all pairs"):
        outcome_of(table.t, 1 - table.e)
