"""The stack against scikit-learn and its own limits: the plain mean, and the free logistic regression."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from cancernet.errors import InvalidInput
from cancernet.fusion import StackOptions, fit_stack, mean_weights
from cancernet.tasks import softmax

PLACES = {"one": [0, 1, 2], "two": [3, 4, 5]}


def made(n: int = 300, seed: int = 0):
    generator = np.random.default_rng(seed)
    codes = np.arange(n) % 3
    clear, dull = np.eye(3)[codes] * 2, np.eye(3)[codes] * 0.2
    values = np.hstack([clear, dull]) + generator.normal(size=(n, 6))
    return values, codes, np.arange(n).astype(str)


def fitted(values, codes, groups, **options):
    return fit_stack(values, codes, centre=mean_weights(PLACES, 3), groups=groups, options=StackOptions(**options))


def test_a_large_penalty_gives_the_geometric_mean_of_the_probabilities() -> None:
    values, codes, groups = made()
    stack = fitted(values, codes, groups, penalty=1e6)
    np.testing.assert_allclose(stack.weights, mean_weights(PLACES, 3), atol=1e-4)
    mean = softmax((values[:, :3] + values[:, 3:]) / 2)
    np.testing.assert_allclose(softmax(stack.logits(values) - stack.intercept), mean, atol=1e-4)


def test_of_two_classes_the_mean_is_that_of_the_log_odds() -> None:
    weights = mean_weights({"one": [0], "two": [1]}, 2)
    logits = np.array([[2.0, -1.0]]) @ weights
    assert logits[0, 1] - logits[0, 0] == pytest.approx(0.5)


@pytest.mark.parametrize("penalty", [1e-2, 1.0])
def test_weights_agree_with_those_of_scikit_learn(penalty: float) -> None:
    values, codes, groups = made()
    centre = np.zeros((6, 3))
    stack = fit_stack(values, codes, centre=centre, groups=groups, options=StackOptions(penalty=penalty))
    twin = LogisticRegression(C=1 / (penalty * len(codes)), tol=1e-8, max_iter=2000).fit(values, codes)
    np.testing.assert_allclose(stack.weights.T, twin.coef_, atol=1e-4)
    np.testing.assert_allclose(stack.intercept, twin.intercept_ - twin.intercept_.mean(), atol=1e-4)


def test_the_chosen_penalty_lets_the_clear_source_count_for_more() -> None:
    values, codes, groups = made()
    stack = fitted(values, codes, groups)
    assert stack.penalty < 1
    assert np.trace(stack.weights[:3]) > 3 * np.trace(stack.weights[3:])
    assert stack.penalty == fitted(values, codes, groups).penalty


def test_a_saturated_source_does_not_break_the_fit() -> None:
    values, codes, groups = made()
    values[:, :3] = np.where(np.eye(3)[codes] > 0, 9.0, -4.5)
    stack = fitted(values, codes, groups, penalty=0.0)
    assert np.isfinite(stack.weights).all()
    assert (stack.logits(values).argmax(axis=1) == codes).all()


def test_a_class_without_patients_is_refused() -> None:
    values, codes, groups = made()
    with pytest.raises(InvalidInput, match="lack a class"):
        fitted(values[codes < 2], codes[codes < 2], groups[codes < 2])
