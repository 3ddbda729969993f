import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from cancernet.errors import InvalidInput
from cancernet.explain import importance_from_permuted, permutation_importance, permuted_logits
from cancernet.explain.importance import _placements
from cancernet.metrics import Scored
from cancernet.predict import cases
from cancernet.tasks import probabilities
from predict.made import CLASSES, COLUMNS

TWINS = {
    "auroc": lambda truth, p: roc_auc_score(truth, p[:, 1]),
    "accuracy": lambda truth, p: accuracy_score(truth, p.argmax(axis=1)),
    "log_likelihood": lambda truth, p: -log_loss(truth, p),
}


@pytest.fixture
def scored(linear, table):
    return score(linear, table, table.groups)


def score(model, table, groups):
    found = cases(model, table.values)
    return Scored(table.codes(CLASSES), found.probabilities, found.predicted, groups, CLASSES, positive="M")


def permuted(model, table, **options):
    logits = permuted_logits(lambda values: model.run(values).logits, table.values, **options)
    return probabilities(logits, model.card.decision.temperature)


def test_permuted_logits_shuffle_one_column(linear, table):
    logits = permuted_logits(lambda values: linear.run(values).logits, table.values, repeats=2, seed=4)
    assert logits.shape == (3, 2, 60, 2)
    assert logits.dtype == np.float32
    order = np.random.default_rng(4).permutation(60)
    values = table.values.copy()
    values[:, 1] = values[order, 1]
    assert np.allclose(logits[1, 0], linear.run(values).logits, atol=1e-4)


@pytest.mark.parametrize("metric", TWINS)
def test_value_agrees_with_scikit_learn(linear, table, scored, metric):
    after = permuted(linear, table, repeats=3)
    found = dict(importance_from_permuted(scored, after, features=COLUMNS, metric=metric, draws=50))
    twin = TWINS[metric]
    for place, name in enumerate(COLUMNS):
        expected = twin(scored.truth, scored.probabilities) - np.mean([twin(scored.truth, p) for p in after[place]])
        assert found[name].value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("metric", TWINS)
def test_unused_column_is_worth_nothing(linear, table, scored, metric):
    found = permutation_importance(linear, table.values, scored=scored, metric=metric, draws=200)
    name, unused = found[-1]
    assert name == "area"
    assert [unused.value, unused.low, unused.high] == pytest.approx([0, 0, 0], abs=1e-5)
    assert found[0][0] == "radius"
    assert found[0][1].low > 0


def test_estimates_say_what_they_rest_on(linear, table, scored):
    estimate = permutation_importance(linear, table.values, scored=scored, draws=200)[0][1]
    assert (estimate.n, estimate.groups, estimate.method) == (60, 30, "bootstrap over groups")
    assert estimate.low < estimate.value < estimate.high


def test_same_seed_same_numbers(linear, table, scored):
    first, again, other = (
        permutation_importance(linear, table.values, scored=scored, draws=100, seed=seed) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_placements_average_to_auroc_with_ties():
    generator = np.random.default_rng(0)
    score, positive = generator.integers(0, 5, 80) / 4, generator.random(80) < 0.4
    placed = _placements(score, positive)
    expected = roc_auc_score(positive, score)
    assert placed[positive].mean() == pytest.approx(expected)
    assert placed[~positive].mean() == pytest.approx(expected)


@pytest.mark.parametrize("by_group", [False, True])
def test_interval_agrees_with_resampling_the_auroc_itself(linear, table, by_group):
    groups = table.groups if by_group else table.ids
    scored, after = score(linear, table, groups), permuted(linear, table, repeats=2)
    found = dict(importance_from_permuted(scored, after, features=COLUMNS, draws=2000))
    low, high = np.quantile(resampled_auroc_losses(scored, after[1]), [0.025, 0.975])
    assert found["texture"].low == pytest.approx(low, abs=0.02)
    assert found["texture"].high == pytest.approx(high, abs=0.02)


def resampled_auroc_losses(scored, after, draws=300):
    """The plain bootstrap: draw groups, and compute the AUROC of their rows anew."""
    generator = np.random.default_rng(9)
    names = np.unique(scored.groups)
    members = [np.flatnonzero(scored.groups == name) for name in names]
    losses = []
    for _ in range(draws):
        rows = np.concatenate([members[k] for k in generator.integers(0, len(names), len(names))])
        truth = scored.truth[rows]
        before = roc_auc_score(truth, scored.probabilities[rows, 1])
        losses.append(before - np.mean([roc_auc_score(truth, p[rows, 1]) for p in after]))
    return losses


def test_kept_as_float32_an_unshuffled_column_is_worth_exactly_nothing(scored):
    same = np.repeat(scored.probabilities[None, None].astype(np.float32), 3, axis=0)
    for _, estimate in importance_from_permuted(scored, same, features=COLUMNS, draws=100):
        assert (estimate.value, estimate.low, estimate.high) == (0, 0, 0)


def test_groups_widen_the_interval(linear, table):
    """The same rows ten times are no more than the rows once when the groups say so."""
    after, repeated = permuted(linear, table, repeats=1), np.tile(np.arange(60), 10)
    once = score(linear, table, table.ids)
    many = once.take(repeated)
    narrow = dict(importance_from_permuted(once, after, features=COLUMNS))["radius"]
    wide = dict(importance_from_permuted(many, after[:, :, repeated], features=COLUMNS))["radius"]
    assert wide.groups == 60
    assert wide.n == 600
    assert wide.high - wide.low == pytest.approx(narrow.high - narrow.low, rel=0.01)


def test_coverage_of_the_interval():
    """Over simulated studies the interval holds the true loss about 95 times in 100."""
    truth_of_loss, held = 0.7602499 - 0.5, 0  # AUROC of two normals one standard deviation apart, and of chance
    for seed in range(200):
        generator = np.random.default_rng(seed)
        truth = np.repeat([0, 1], 60)
        one = 1 / (1 + np.exp(-generator.normal(truth, 1)))
        chance = 1 / (1 + np.exp(-generator.normal(np.zeros((20, 120)), 1)))
        both = [np.stack([1 - p, p], axis=-1) for p in (one, chance)]
        scored = Scored(truth, both[0], truth, np.arange(120).astype(str), CLASSES, positive="M")
        ((_, found),) = importance_from_permuted(scored, both[1][None], features=["x"], draws=300, seed=seed)
        held += found.low <= truth_of_loss <= found.high
    assert 0.9 <= held / 200 <= 0.99


def test_several_classes_use_accuracy(three_classes, table):
    found = cases(three_classes, table.values)
    scored = Scored(found.predicted, found.probabilities, found.predicted, table.groups, ("a", "b", "c"))
    (name, first), *_ = permutation_importance(three_classes, table.values, scored=scored, draws=100)
    assert name in COLUMNS
    assert 0 < first.value <= 1
    with pytest.raises(InvalidInput, match="without a positive class"):
        permutation_importance(three_classes, table.values, scored=scored, metric="auroc")


def test_one_class_only_is_undefined(linear, table, scored):
    rows = np.flatnonzero(scored.truth == 1)
    after = permuted(linear, table, repeats=1)[:, :, rows]
    for _, estimate in importance_from_permuted(scored.take(rows), after, features=COLUMNS):
        assert estimate.value is None
        assert estimate.reason == "rows of one class only"


def test_one_group_has_no_interval(linear, table):
    scored = score(linear, table, np.full(60, "patient"))
    for _, estimate in importance_from_permuted(scored, permuted(linear, table), features=COLUMNS):
        assert estimate.value is not None
        assert (estimate.low, estimate.reason) == (None, "one group has no interval")


def test_wrong_shape_and_unknown_metric(linear, table, scored):
    after = permuted(linear, table, repeats=1)
    with pytest.raises(InvalidInput, match="Permuted probabilities of shape"):
        importance_from_permuted(scored, after, features=COLUMNS[:2])
    with pytest.raises(InvalidInput, match="Did you mean 'accuracy'"):
        importance_from_permuted(scored, after, features=COLUMNS, metric="acuracy")
