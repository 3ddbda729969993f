import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cancernet.errors import InvalidInput
from cancernet.metrics import BASELINES, baseline_logits
from cancernet.tasks import softmax

CANCER, IRIS = load_breast_cancer(), load_iris()


def test_majority_answers_the_shares_of_the_training_rows():
    logits = baseline_logits("majority", np.zeros((4, 1)), [0, 0, 0, 1], np.zeros((3, 1)), classes=("B", "M"))
    np.testing.assert_allclose(softmax(logits), [[0.75, 0.25]] * 3)


@pytest.mark.parametrize(("data", "classes"), [(CANCER, ("M", "B")), (IRIS, ("a", "b", "c"))])
def test_logistic_is_scikit_learns(data, classes):
    train, test = np.arange(len(data.target)) % 3 > 0, np.arange(len(data.target)) % 3 == 0
    logits = baseline_logits("logistic", data.data[train], data.target[train], data.data[test], classes=classes)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(data.data[train], data.target[train])
    np.testing.assert_allclose(softmax(logits), model.predict_proba(data.data[test]), atol=1e-4)
    assert (logits.argmax(axis=1) == data.target[test]).mean() > 0.9


def test_a_class_without_training_rows_keeps_its_column():
    rng = np.random.default_rng(0)
    values, codes = rng.normal(size=(30, 2)), np.arange(30) % 2 * 2
    for name in BASELINES:
        logits = baseline_logits(name, values, codes, values, classes=("a", "b", "c"))
        assert logits.shape == (30, 3)
        assert np.isfinite(logits).all()
        assert (softmax(logits)[:, 1] < 0.05).all()


def test_rows_far_away_have_finite_logits():
    values = np.array([[0.0], [1.0], [2.0], [3.0]])
    logits = baseline_logits("logistic", values, [0, 0, 1, 1], [[1e6], [-1e6]], classes=("B", "M"))
    assert np.isfinite(logits).all()
    assert logits.argmax(axis=1).tolist() == [1, 0]


def test_a_constant_column_is_borne():
    values = np.column_stack([np.ones(6), np.arange(6)])
    assert np.isfinite(baseline_logits("logistic", values, [0, 0, 0, 1, 1, 1], values, classes=("B", "M"))).all()


def test_unknown_baselines_and_one_class_are_refused():
    with pytest.raises(InvalidInput, match="Did you mean 'logistic'"):
        baseline_logits("logstic", [[0.0]], [0], [[0.0]], classes=("B", "M"))
    with pytest.raises(InvalidInput, match="of one class"):
        baseline_logits("logistic", [[0.0], [1.0]], [0, 0], [[0.0]], classes=("B", "M"))
