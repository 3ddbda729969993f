import numpy as np
import pytest

from cancernet.survival.chances import chances, free_hazard, level_members, level_shift

TARGETS = np.array([[0, 0, 1], [1, -1, -1], [0, 2, -1], [0, -1, -1], [2, -1, -1], [0, 1, -1]], dtype=np.float32)


def _logits(width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(-1.5, 0.7, size=(len(TARGETS), width))


@pytest.mark.parametrize("causes", [1, 2])
def test_chances_are_a_softmax_with_no_event_at_zero(causes: int) -> None:
    logits = _logits(3 * causes)
    apart = logits.reshape(-1, 3, causes)
    whole = 1 + np.exp(apart).sum(axis=2)
    np.testing.assert_allclose(chances(logits, causes), np.exp(apart) / whole[:, :, None])
    np.testing.assert_allclose(np.exp(-free_hazard(logits, causes)), 1 / whole)


@pytest.mark.parametrize("causes", [1, 2])
def test_after_the_shift_as_many_events_are_expected_as_were_seen(causes: int) -> None:
    targets, logits = np.minimum(TARGETS, causes), _logits(3 * causes)
    shift = level_shift(logits, targets, causes)
    assert len(set(shift.round(12).tolist())) == causes  # one number for each cause, whatever the interval
    found = (chances(logits + shift, causes) * (targets >= 0)[:, :, None]).sum(axis=(0, 1))
    np.testing.assert_allclose(found, [(targets == code).sum() for code in range(1, causes + 1)], rtol=1e-8)


@pytest.mark.parametrize("causes", [1, 2])
def test_the_mean_of_logits_is_moved_to_the_mean_of_the_chances(causes: int) -> None:
    each = [_logits(3 * causes, seed) for seed in range(4)]
    shift, looked = level_members(each, TARGETS, causes), (TARGETS >= 0)[:, :, None]
    wanted = np.mean([(chances(logits, causes) * looked).sum(axis=0) for logits in each], axis=0)
    found = (chances(np.mean(each, axis=0) + shift, causes) * looked).sum(axis=0)
    np.testing.assert_allclose(found, wanted, rtol=1e-8)
    assert shift.mean() > 0.05  # small chances grow about as exponentials
