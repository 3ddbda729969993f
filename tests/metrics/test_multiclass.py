import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, f1_score, recall_score

from cancernet.metrics.curves import confusion
from cancernet.metrics.multiclass import balanced_accuracy, kappa, macro_f1, recalls
from metrics.made import binary, several


@pytest.mark.parametrize("scored", [several(), several(60, classes=3, seed=4), binary(100)])
def test_agrees_with_scikit_learn(scored):
    table = confusion(scored).counts.astype(float)
    answers = scored.truth, scored.predicted
    np.testing.assert_allclose(recalls(table), recall_score(*answers, average=None))
    assert balanced_accuracy(table) == pytest.approx(balanced_accuracy_score(*answers))
    assert macro_f1(table) == pytest.approx(f1_score(*answers, average="macro"))
    assert kappa(table) == pytest.approx(cohen_kappa_score(*answers))


def test_a_class_without_rows_leaves_the_means_undefined():
    table = np.array([[5.0, 1.0], [0.0, 0.0]])
    assert np.isnan(balanced_accuracy(table))
    assert np.isnan(macro_f1(table))
    assert np.isnan(kappa(np.array([[5.0, 0.0], [0.0, 0.0]])))


@given(st.lists(st.integers(0, 50), min_size=9, max_size=9), st.permutations(range(3)))
def test_the_order_of_the_classes_does_not_matter(cells, order):
    table = np.array(cells, dtype=float).reshape(3, 3)
    turned = table[np.ix_(order, order)]
    for metric in (balanced_accuracy, macro_f1, kappa):
        np.testing.assert_allclose(metric(table), metric(turned), atol=1e-12)
