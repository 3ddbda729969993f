import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from cancernet.errors import InvalidInput
from cancernet.metrics import Scored, measure, paired_difference
from metrics.made import NAMES, binary, several, two_columns, wdbc


def noisier(scored, noise, seed=3):
    shares = expit(
        logit(scored.p_positive.clip(1e-9, 1 - 1e-9)) + np.random.default_rng(seed).normal(0, noise, len(scored))
    )
    return Scored(scored.truth, two_columns(shares), (shares >= 0.4).astype(int), scored.groups, NAMES, "M")


def test_values_are_first_minus_second():
    first, second = wdbc(), wdbc(3)
    found = paired_difference(first, second, draws=50)
    one, other = measure(first, draws=20), measure(second, draws=20)
    for name, estimate in found.items():
        assert estimate.value == pytest.approx(one[name].value - other[name].value), name
        assert (estimate.n, estimate.groups) == (569, 569)


def test_turning_the_two_round_turns_the_interval_round():
    first, second = binary(150, groups=40), noisier(binary(150, groups=40), 1)
    there, back = paired_difference(first, second), paired_difference(second, first)
    for name in there:
        assert there[name].value == pytest.approx(-back[name].value, abs=1e-12)
        assert there[name].low == pytest.approx(-back[name].high, abs=1e-12)


def test_a_model_does_not_differ_from_itself():
    for scored in (binary(100), several()):
        for estimate in paired_difference(scored, scored, draws=50).values():
            assert (estimate.value, estimate.low, estimate.high) == (0, 0, 0)


def test_pairs_are_narrower_than_two_intervals():
    first = wdbc(5)
    second = noisier(first, 0.2)
    pair = paired_difference(first, second, metrics=("auroc",))["auroc"]
    alone = measure(first)["auroc"]
    assert pair.high - pair.low < 0.5 * (alone.high - alone.low)


def test_a_clearly_better_model_is_found_better():
    better, worse = wdbc(), noisier(wdbc(), 4)
    found = paired_difference(better, worse)
    assert found["auroc"].low > 0
    assert found["brier"].high < 0


def test_the_interval_holds_the_difference_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = []

    def sample(groups):
        truth = np.repeat(rng.random(groups) < 0.5, 2)
        signal = np.repeat(rng.normal(0, 0.8, groups), 2) + rng.normal(0, 0.6, 2 * groups) + 1.5 * truth
        worse = signal + rng.normal(0, 0.7, 2 * groups)
        names = np.repeat(np.arange(groups), 2).astype(str)
        return [
            Scored(truth.astype(int), two_columns(expit(s)), (s > 1).astype(int), names, NAMES, "M")
            for s in (signal, worse)
        ]

    huge = sample(200_000)
    true = np.subtract(*[roc_auc_score(part.positive_truth, part.p_positive) for part in huge])
    for seed in range(200):
        found = paired_difference(*sample(80), metrics=("auroc",), draws=150, seed=seed)["auroc"]
        held.append(found.low <= true <= found.high)
    assert 0.91 < np.mean(held) < 0.98


def test_other_rows_and_other_questions_are_refused():
    scored = binary(50)
    turned = np.arange(50)[::-1]
    with pytest.raises(InvalidInput, match="not tested on the same rows: 'truth' differs"):
        paired_difference(scored, scored.take(turned))
    with pytest.raises(InvalidInput, match="different questions"):
        paired_difference(scored, binary(50, positive="B"))
    with pytest.raises(InvalidInput, match="no rows"):
        paired_difference(scored.take([]), scored.take([]))
    with pytest.raises(InvalidInput, match="Did you mean 'auroc'"):
        paired_difference(scored, scored, metrics=("auruc",))


def test_undefined_differences_say_so():
    scored = binary(60)
    negatives = scored.take(~scored.positive_truth)
    found = paired_difference(negatives, negatives, draws=20)
    assert found["auroc"].reason == "it is undefined for one of the two"
    assert found["brier"].value == 0
