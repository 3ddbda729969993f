import numpy as np
import pytest

from cancernet.models import keras_library
from cancernet.tasks import log_probabilities, softmax
from cancernet.training import PatchTraining
from cancernet.training.losses import likelihood, loss_of


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(0, 2, (40, 4)).astype(np.float32), rng.integers(0, 4, 40)


def numbers(loss, codes, logits):
    """Return the loss of each row as Keras computes it."""
    ops = keras_library().ops
    return ops.convert_to_numpy(loss(ops.convert_to_tensor(codes), ops.convert_to_tensor(logits)))


def test_the_likelihood_of_classes_is_the_log_loss(rows):
    logits, codes = rows
    expected = -np.log(softmax(logits)[np.arange(40), codes])
    np.testing.assert_allclose(numbers(likelihood("multiclass"), codes, logits), expected, rtol=1e-4)


def test_the_likelihood_of_grades_is_that_of_the_cumulative_link(rows):
    logits, _ = rows
    ordered = np.sort(logits, axis=1)
    grades = np.random.default_rng(1).integers(0, 5, 40)
    expected = -log_probabilities(ordered, kind="ordinal")[np.arange(40), grades]
    np.testing.assert_allclose(numbers(likelihood("ordinal"), grades, ordered), expected, rtol=2e-3, atol=1e-4)


def test_grades_far_from_the_truth_have_a_finite_loss():
    cuts = np.array([[-60.0, -50.0, 50.0], [60.0, 70.0, 80.0]], dtype=np.float32)
    found = numbers(likelihood("ordinal"), np.array([3, 3]), cuts)
    assert np.isfinite(found).all()
    assert found[1] > found[0] > 20


def test_smoothed_labels_share_what_is_left(rows):
    logits, codes = rows
    smooth = np.full((40, 4), 0.05) + 0.8 * np.eye(4)[codes]
    expected = -(smooth * np.log(softmax(logits))).sum(axis=1)
    found = numbers(loss_of("multiclass", PatchTraining(label_smoothing=0.2), classes=4), codes, logits)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_focal_loss_is_that_of_its_paper(rows):
    """Lin et al. 2017, eq. 4, without class weights."""
    logits, codes = rows
    true = softmax(logits)[np.arange(40), codes]
    expected = -((1 - true) ** 2) * np.log(true)
    found = numbers(loss_of("multiclass", PatchTraining(focal=2.0), classes=4), codes, logits)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_grades_have_one_loss_whatever_the_options(rows):
    logits, _ = rows
    ordered, grades = np.sort(logits, axis=1), np.random.default_rng(2).integers(0, 5, 40)
    plain = numbers(loss_of("ordinal", PatchTraining(), classes=5), grades, ordered)
    np.testing.assert_array_equal(plain, numbers(likelihood("ordinal"), grades, ordered))
