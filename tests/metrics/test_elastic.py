"""The elastic net against scikit-learn's, and its own conditions of optimality."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from cancernet.errors import InvalidInput
from cancernet.metrics import baseline_logits, fit_elastic


def data(n=120, columns=30, classes=3, seed=0):
    generator = np.random.default_rng(seed)
    codes = np.arange(n) % classes
    centres = np.zeros((classes, columns))
    centres[:, :5] = generator.normal(size=(classes, 5)) * 1.5
    return centres[codes] + generator.normal(size=(n, columns)), codes


@pytest.mark.parametrize(("strength", "ratio"), [(0.02, 0.5), (0.05, 1.0), (0.1, 0.1)])
def test_agrees_with_scikit_learn(strength, ratio):
    values, codes = data()
    found = fit_elastic(values, codes, classes=3, strength=strength, ratio=ratio)
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    twin = LogisticRegression(
        solver="saga", l1_ratio=ratio, C=1 / (strength * len(codes)), tol=1e-8, max_iter=50_000
    ).fit(standard, codes)
    np.testing.assert_allclose(found.weights, twin.coef_.T, atol=2e-4)
    intercept = twin.intercept_ - twin.intercept_.mean()
    np.testing.assert_allclose(found.intercept, intercept, atol=2e-4)


def test_conditions_of_optimality_with_more_columns_than_rows():
    values, codes = data(50, 200)
    found = fit_elastic(values, codes, classes=3)
    standard = (values - found.mean) / found.scale
    logits = found.logits(values)
    shares = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    slope = standard.T @ (np.eye(3)[codes] - shares) / len(codes) - 0.01 * found.weights
    chosen = found.weights != 0
    np.testing.assert_allclose(slope[chosen], 0.01 * np.sign(found.weights[chosen]), atol=1e-4)
    assert np.abs(slope[~chosen]).max() <= 0.01 + 1e-4
    assert 0 < chosen.any(axis=1).sum() < 60


def test_as_a_baseline():
    values, codes = data()
    logits = baseline_logits("elasticnet", values[:90], codes[:90], values[90:], classes=["a", "b", "c"])
    assert np.exp(logits).sum(axis=1) == pytest.approx(1)
    assert (logits.argmax(axis=1) == codes[90:]).mean() > 0.7
    ordinal = baseline_logits("elasticnet", values[:90], codes[:90], values[90:], classes=list("abc"), kind="ordinal")
    assert ordinal.shape == (30, 2)


def test_one_class_is_refused():
    with pytest.raises(InvalidInput, match="one class"):
        fit_elastic(np.eye(4), np.zeros(4), classes=2)
