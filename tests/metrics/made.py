"""Samples for the tests: made ones with known properties, and a real one from scikit-learn's breast cancer table."""

from functools import cache

import numpy as np
from scipy.special import expit
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cancernet.metrics import Scored, prediction_sets
from cancernet.tasks import nearest_grade, probabilities, softmax

NAMES = ("B", "M")


def two_columns(p_positive, positive_code=1):
    columns = [1 - p_positive, p_positive]
    return np.column_stack(columns if positive_code else columns[::-1])


def binary(rows=200, *, seed=0, groups=None, threshold=0.4, digits=None, positive="M"):
    """Return rows of which the truth follows the probabilities, so that the model is calibrated perfectly."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-0.5, 2, size=rows)
    share = expit(logits) if digits is None else expit(logits).round(digits)
    truth = (rng.random(rows) < share).astype(int)
    truth[:4] = [0, 1, 0, 1]
    code = NAMES.index(positive)
    predicted = np.where(share >= threshold, code, 1 - code)
    names = np.arange(rows) if groups is None else rng.integers(0, groups, size=rows)
    truth = truth if code else 1 - truth
    return Scored(truth, two_columns(share, code), predicted, names.astype(str), NAMES, positive)


def several(rows=300, *, classes=4, seed=0, groups=None, sets=False):
    rng = np.random.default_rng(seed)
    shares = softmax(rng.normal(0, 1.5, size=(rows, classes)))
    truth = (rng.random((rows, 1)) > np.cumsum(shares, axis=1)).sum(axis=1).clip(0, classes - 1)
    truth[: 2 * classes] = np.tile(np.arange(classes), 2)
    predicted = shares.argmax(axis=1)
    names = np.arange(rows) if groups is None else rng.integers(0, groups, size=rows)
    held = prediction_sets(shares, 0.7, predicted) if sets else None
    return Scored(truth, shares, predicted, names.astype(str), tuple("abcdefgh"[:classes]), sets=held)


def ordered(rows=300, *, grades=4, seed=0, groups=None, noise=0.0, sets=False):
    """Return rows whose grades follow a cumulative link; noise on the severity spoils the model, not the truth."""
    rng = np.random.default_rng(seed)
    cuts = 1.5 * (np.arange(grades - 1) - (grades - 2) / 2)
    severity = rng.normal(0, 2, size=rows)
    true = probabilities(cuts - severity[:, None], kind="ordinal")
    truth = (rng.random((rows, 1)) > np.cumsum(true, axis=1)).sum(axis=1).clip(0, grades - 1)
    truth[: 2 * grades] = np.tile(np.arange(grades), 2)[:rows]
    shares = probabilities(cuts - (severity + rng.normal(0, noise, size=rows))[:, None], kind="ordinal")
    predicted = nearest_grade(shares)
    names = np.arange(rows) if groups is None else rng.integers(0, groups, size=rows)
    held = prediction_sets(shares, 0.7, predicted) if sets else None
    return Scored(truth, shares, predicted, names.astype(str), tuple("abcdefgh"[:grades]), sets=held, ordered=True)


@cache
def wdbc(columns=30, positive="M"):
    """Return out-of-fold answers of logistic regression; the classes stand in the other order than in scikit-learn."""
    loaded = load_breast_cancer()
    truth = (loaded.target == 0).astype(int)  # scikit-learn: 0 is malignant
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    shares = cross_val_predict(model, loaded.data[:, :columns], truth, cv=5, method="predict_proba")
    predicted = (shares[:, 1] >= 0.4).astype(int)
    sets = prediction_sets(shares, 0.9, predicted)
    return Scored(truth, shares, predicted, np.arange(len(truth)).astype(str), NAMES, positive, sets)


def repeated(scored, times=3, seed=1):
    """Return the rows as in repeated cross-validation: every case several times with other probabilities."""
    rng = np.random.default_rng(seed)
    rows = np.tile(np.arange(len(scored)), times)
    logits = np.log(scored.probabilities[rows].clip(1e-9, 1)) + rng.normal(0, 0.3, size=(len(rows), 2))
    shares = softmax(logits)
    predicted = (shares[:, 1] >= 0.4).astype(int)
    return Scored(scored.truth[rows], shares, predicted, scored.groups[rows], scored.classes, scored.positive)
