import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from cancernet.errors import InvalidInput
from cancernet.metrics import ece, fit_temperature, fit_temperature_and_bias
from cancernet.tasks import biased, log_probabilities, probabilities, softmax


def leaning(kind, rows=4000, seed=0):
    """Return logits of a model that is too sure and leans to some classes, and the truth."""
    rng = np.random.default_rng(seed)
    if kind == "ordinal":
        fair = np.array([-1.0, 0.5, 2.0]) - rng.normal(0, 2, size=(rows, 1))
        bias = np.full(3, 0.7)
    else:
        classes = 2 if kind == "binary" else 4
        fair = rng.normal(0, 1.5, size=(rows, classes))
        bias = np.array([0.6, -0.6]) if classes == 2 else np.array([0.5, -1.0, 0.2, 0.3])
    shares = probabilities(fair, kind=kind)
    truth = (rng.random((rows, 1)) > np.cumsum(shares, axis=1)).sum(axis=1).clip(0, shares.shape[1] - 1)
    return (fair - bias) * 1.7, truth, bias


def loss(logits, truth, kind):
    return -log_probabilities(logits, kind)[np.arange(len(truth)), truth].mean()


@pytest.mark.parametrize("kind", ["binary", "multiclass", "ordinal"])
def test_temperature_and_bias_are_found_again(kind):
    logits, truth, bias = leaning(kind, rows=60_000)

    temperature, found = fit_temperature_and_bias(logits, truth, kind=kind)

    assert temperature == pytest.approx(1.7, rel=0.03)
    np.testing.assert_allclose(found, bias, atol=0.04)
    if kind == "ordinal":
        assert (np.diff(found) >= 0).all()
    else:
        assert sum(found) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "ordinal"])
def test_it_is_a_minimum_below_that_of_temperature_alone(kind):
    logits, truth, _ = leaning(kind)
    temperature, bias = fit_temperature_and_bias(logits, truth, kind=kind)
    best = loss(biased(logits, temperature, bias=bias), truth, kind)

    assert best < loss(logits / fit_temperature(logits, truth, kind=kind), truth, kind) - 1e-3
    for column in range(len(bias)):
        moved = np.array(bias)
        moved[slice(None) if kind == "ordinal" else column] += 1e-3
        assert loss(biased(logits, temperature, bias=moved), truth, kind) > best
    for factor in (0.999, 1.001):
        assert loss(biased(logits, temperature * factor, bias=bias), truth, kind) > best


def test_cut_points_that_lie_too_close_are_moved_apart_and_never_together():
    rng = np.random.default_rng(1)
    severity = rng.normal(0, 2, size=(60_000, 1))
    cuts = np.array([-1.0, 0.5, 2.0])
    shares = probabilities(cuts - severity, kind="ordinal")
    truth = (rng.random((len(severity), 1)) > np.cumsum(shares, axis=1)).sum(axis=1).clip(0, 3)

    temperature, bias = fit_temperature_and_bias(0.5 * cuts - severity, truth, kind="ordinal")
    np.testing.assert_allclose(0.5 * cuts / temperature + bias, cuts, atol=0.05)
    assert temperature == pytest.approx(1, rel=0.03)

    _, bias = fit_temperature_and_bias(2 * cuts - severity, truth, kind="ordinal")
    np.testing.assert_allclose(np.diff(bias), 0, atol=1e-9)


def test_two_classes_agree_with_logistic_regression_on_the_logit():
    logits, truth, _ = leaning("binary")
    lead = logits[:, 1] - logits[:, 0]
    twin = LogisticRegression(C=1e12, tol=1e-10).fit(lead[:, None], truth)

    temperature, bias = fit_temperature_and_bias(logits, truth, kind="binary")

    assert 1 / temperature == pytest.approx(twin.coef_[0, 0], rel=1e-4)
    assert bias[1] - bias[0] == pytest.approx(twin.intercept_[0], abs=1e-4)


def test_each_class_is_predicted_as_often_as_it_is_there():
    logits, truth, _ = leaning("multiclass")
    temperature, bias = fit_temperature_and_bias(logits, truth)

    shares = softmax(biased(logits, temperature, bias=bias))

    np.testing.assert_allclose(shares.mean(axis=0), np.bincount(truth) / len(truth), atol=1e-5)


def test_the_calibration_error_of_a_leaning_model_goes():
    logits, truth, _ = leaning("binary", rows=20_000)
    temperature = fit_temperature(logits, truth, kind="binary")
    both = fit_temperature_and_bias(logits, truth, kind="binary")

    errors = [
        ece(probabilities(logits, scale, bias=bias, kind="binary")[:, 1], truth)
        for scale, bias in ((temperature, ()), both)
    ]

    assert errors[0] > 0.1
    assert errors[1] < 0.015


def test_a_rare_class_and_a_perfect_model_have_no_bias():
    logits, truth, _ = leaning("multiclass")
    rare = np.flatnonzero(truth == 2)[9:]
    rows = np.setdiff1d(np.arange(len(truth)), rare)
    assert fit_temperature_and_bias(logits[rows], truth[rows]) == (fit_temperature(logits[rows], truth[rows]), ())

    lead = np.linspace(-3, 3, 60)
    apart = np.column_stack([np.zeros(60), lead])
    codes = (lead > 1).astype(int)  # told apart at another place than 0
    assert fit_temperature_and_bias(apart, codes, kind="binary") == (fit_temperature(apart, codes), ())


def test_no_rows_are_refused():
    with pytest.raises(InvalidInput, match="No temperature fits"):
        fit_temperature_and_bias(np.empty((0, 2)), [])


def test_bias_is_added_after_the_temperature():
    np.testing.assert_allclose(biased([[2.0, 4.0]], 2.0, bias=[1.0, -1.0]), [[2.0, 1.0]])
    np.testing.assert_allclose(
        probabilities(np.array([[0.0, 3.0]]), 1.5, bias=(0.5, -0.5), kind="binary")[0, 1], expit(2.0 - 1.0)
    )
