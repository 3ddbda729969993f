from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cancernet.metrics import measure
from cancernet.report.words import describe
from metrics.made import binary, ordered, several


def contrasts_of(scored, draws=60):
    return {name: found for name, found in measure(scored, draws=draws).items() if name.startswith("auroc_")}


@pytest.mark.parametrize("groups", [None, 40])
def test_pairs_of_types_are_the_areas_of_scikit_learn_on_the_rows_of_either(groups):
    scored = several(groups=groups)

    found = contrasts_of(scored)

    assert set(found) == {f"auroc_{one}_vs_{other}" for one, other in combinations("abcd", 2)}
    for first, second in combinations(range(4), 2):
        rows = np.isin(scored.truth, (first, second))
        odds = scored.probabilities[rows, second] / scored.probabilities[rows][:, [first, second]].sum(axis=1)
        estimate = found[f"auroc_{'abcd'[first]}_vs_{'abcd'[second]}"]
        assert estimate.value == pytest.approx(roc_auc_score(scored.truth[rows] == second, odds))
        assert estimate.low < estimate.value < estimate.high
        assert estimate.n == rows.sum()
        assert estimate.method.startswith("delong" if groups is None else "percentile bootstrap over groups")


def test_steps_of_grades_are_cut_on_all_rows():
    scored = ordered(noise=1.0)

    found = contrasts_of(scored)

    assert list(found) == [f"auroc_from_{grade}" for grade in scored.classes[1:]]
    for code, estimate in enumerate(found.values(), start=1):
        worse = scored.probabilities[:, code:].sum(axis=1)
        assert estimate.value == pytest.approx(roc_auc_score(scored.truth >= code, worse))
        assert (estimate.n, estimate.groups) == (len(scored), scored.group_count)


def test_two_classes_many_types_and_absent_ones_have_none():
    assert not contrasts_of(binary())
    assert not contrasts_of(several(classes=7))
    two_of_four = several().take(several().truth < 2)
    assert list(contrasts_of(two_of_four)) == ["auroc_a_vs_b"]


def test_rows_whose_pair_has_no_probability_are_undecided():
    scored = several(60)
    shares = np.where(np.isin(scored.truth, (0, 1))[:, None], [0.0, 0.0, 1.0, 0.0], scored.probabilities)
    undecided = type(scored)(scored.truth, shares, scored.predicted, scored.groups, scored.classes)

    assert contrasts_of(undecided)["auroc_a_vs_b"].value == 0.5


def test_they_have_words():
    assert describe("auroc_lung_aca_vs_lung_scc").label == "AUROC, lung_aca against lung_scc"
    assert describe("auroc_from_2").label == "AUROC, grade 2 or worse"
    assert describe("group_auroc_from_2").label == "AUROC, grade 2 or worse, per group"
    assert {describe(f"auroc_{rest}").better for rest in ("a_vs_b", "from_x")} == {"higher"}
