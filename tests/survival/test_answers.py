import numpy as np
import pytest
from pydantic import ValidationError

from cancernet.bundle import Survival
from cancernet.errors import InvalidInput
from cancernet.survival import Baseline, answer

COX = Survival(form="cox", unit="months", times=(1.0, 3.0), hazard=(0.2, 0.5), end=4.0, asked=(2.0,), cuts=(0.0, 1.0))
STEPS = Survival(form="hazards", unit="days", times=(10.0, 20.0), end=20.0, asked=(10.0,))


def test_a_cox_bundle_answers_as_its_baseline_says() -> None:
    found = answer(COX, np.array([[0.0], [np.log(2.0)], [2.0]]), times=(0.0, 1.0, 3.5, 4.0))
    np.testing.assert_allclose(found.survival[0], np.exp([0, -0.2, -0.5, -0.5]))
    np.testing.assert_allclose(found.survival[1], np.exp([0, -0.4, -1.0, -1.0]))
    assert found.median.tolist()[1:] == [3.0, 1.0]
    assert np.isnan(found.median[0])
    assert found.group.tolist() == [1, 1, 2]
    assert answer(COX, np.zeros((1, 1))).times.tolist() == [2.0]
    twin = Baseline(np.array(COX.times), np.array(COX.hazard), COX.end)
    np.testing.assert_allclose(found.survival, twin.survival(found.risk, [0.0, 1.0, 3.5, 4.0]))


def test_hazards_multiply_and_are_constant_inside_an_interval() -> None:
    logits = np.log([[0.2 / 0.8, 0.5 / 0.5], [0.6 / 0.4, 0.1 / 0.9]])
    found = answer(STEPS, logits, times=(0.0, 5.0, 10.0, 15.0, 20.0))
    np.testing.assert_allclose(found.survival[0], [1, 0.8**0.5, 0.8, 0.8 * 0.5**0.5, 0.4])
    assert found.median[0] == pytest.approx(10 + 10 * np.log(0.5 / 0.8) / np.log(0.5))
    assert found.median[1] == pytest.approx(10 * np.log(0.5) / np.log(0.4))
    assert found.risk[0] == pytest.approx(np.log(-np.log(0.6)))


def test_causes_share_the_events_of_an_interval() -> None:
    part = Survival(form="hazards", unit="days", times=(10.0, 20.0), end=20.0, causes=("a", "b"), asked=(10.0,))
    chance = np.array([[0.1, 0.3], [0.2, 0.05]])  # of a and b in each interval
    logits = np.log(chance / (1 - chance.sum(axis=1, keepdims=True))).reshape(1, 4)
    found = answer(part, logits, times=(0.0, 5.0, 10.0, 20.0))
    np.testing.assert_allclose(found.survival[0], [1, 0.6**0.5, 0.6, 0.6 * 0.75])
    half = 1 - 0.6**0.5
    expected = [[0, 0], [half / 4, 3 * half / 4], [0.1, 0.3], [0.1 + 0.6 * 0.2, 0.3 + 0.6 * 0.05]]
    np.testing.assert_allclose(found.incidence[0], expected)
    assert found.risk[0] == pytest.approx(np.log(-np.log((0.6 + 0.45) / 2)))
    assert answer(STEPS, np.zeros((1, 2))).incidence.shape == (1, 1, 0)


@pytest.mark.parametrize("time", [4.5, -1.0, np.nan])
def test_nothing_is_said_past_the_follow_up(time: float) -> None:
    with pytest.raises(InvalidInput, match="no training patient was followed beyond 4 months"):
        answer(COX, np.zeros((1, 1)), times=(1.0, time))


def test_a_logit_that_is_no_number_is_refused() -> None:
    with pytest.raises(InvalidInput, match="row 2"):
        answer(COX, np.array([[0.0], [np.inf]]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"times": (3.0, 1.0)}, "times must rise"),
        ({"hazard": (0.5, 0.2)}, "must not fall"),
        ({"hazard": (0.5,)}, "1 numbers in hazard, not 2"),
        ({"end": 2.0}, "end lies before"),
        ({"asked": (5.0,)}, "not inside the follow-up"),
        ({"cuts": (1.0, 1.0)}, "cuts must rise"),
        ({"causes": ("a", "b")}, "belong to the form hazards"),
        ({"causes": ("a",)}, "two at least"),
    ],
)
def test_a_card_that_cannot_be_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Survival.model_validate(COX.model_dump() | changes)
