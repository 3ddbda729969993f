"""Filters, fill values and fixed steps: by training samples alone, and the same in the bundle."""

import numpy as np
import pytest
from sklearn.feature_selection import f_classif

from cancernet.errors import InvalidInput
from cancernet.omics import PreparationOptions, fit_preparation
from omics.matrices import counts

NAMES = tuple(f"G{k}" for k in range(40))
VALUES = counts()[2]


def fitted(values=VALUES, **options):
    return fit_preparation(values, NAMES, options=PreparationOptions(**options))


def test_the_most_variable_genes_after_the_steps():
    found = fitted(genes=9, library=1e6, log2_plus=1.0)
    cpm = np.log2(VALUES / VALUES.sum(axis=1, keepdims=True) * 1e6 + 1)
    assert set(found.kept.tolist()) == set(np.argsort(-cpm.var(axis=0))[:9].tolist())
    np.testing.assert_allclose(found.apply(VALUES), cpm[:, found.kept])
    assert found.input.names == NAMES  # the sum is over all genes, so a bundle needs all
    assert found.input.kept == tuple(found.kept.tolist())


def test_genes_that_differ_between_classes_are_those_of_scikit_learn():
    codes = np.random.default_rng(3).integers(0, 3, len(VALUES))
    options = PreparationOptions(genes=7, ranked_by="anova", log2_plus=1.0)
    found = fit_preparation(VALUES, NAMES, options=options, codes=codes)
    ratio, _ = f_classif(np.log2(VALUES + 1), codes)
    assert found.kept.tolist() == np.sort(np.argsort(-ratio)[:7]).tolist()
    assert dict(found.counts)["of lower F"] == 33


def test_exactly_so_many_genes_also_when_some_are_constant():
    values = VALUES.copy()
    values[:, 3:] = 5.0
    options = PreparationOptions(genes=7, ranked_by="anova")
    found = fit_preparation(values, NAMES, options=options, codes=np.arange(len(values)) % 2, exactly=7)
    assert len(found.kept) == 7
    assert {0, 1, 2} <= set(found.kept.tolist())


def test_without_a_library_size_the_bundle_takes_the_kept_genes_only():
    found = fitted(genes=5, log2_plus=1.0)
    assert found.input.names == tuple(NAMES[k] for k in found.kept)
    assert found.input.kept is None
    np.testing.assert_array_equal(found.input.prepare(VALUES[:, found.kept]), found.apply(VALUES))


def test_other_rows_change_nothing():
    found = fitted(VALUES[:30], genes=5, missing="median")
    other = VALUES.copy()
    other[30:] *= 1e3
    again = fit_preparation(other[:30], NAMES, options=PreparationOptions(genes=5, missing="median"))
    np.testing.assert_array_equal(found.kept, again.kept)
    np.testing.assert_array_equal(found.fills, again.fills)


def test_detection():
    values = VALUES.copy()
    values[:50, 0] = 0
    found = fitted(values, genes=40, detected=0.5)
    assert 0 not in found.kept
    assert dict(found.counts)["detected in too few"] == 1


def test_missing_by_policy():
    values = VALUES.copy()
    values[0, 3] = values[1, 3] = values[0, 4] = np.nan
    values[:40, 5] = np.nan
    with pytest.raises(InvalidInput, match="43 values are missing, in 3 genes"):
        fitted(values)
    dropped = fitted(values, missing="drop", genes=40)
    assert not {3, 4, 5} & set(dropped.kept.tolist())
    median, least = (fitted(values, missing=policy, genes=40) for policy in ("median", "min"))
    assert 5 not in median.kept
    place = median.kept.tolist().index(3)
    assert median.apply(values)[0, place] == np.nanmedian(values[:, 3])
    assert least.apply(values)[0, place] == np.nanmin(values[:, 3])
    assert median.input.medians[place] == np.nanmedian(values[:, 3])


def test_constant_genes_are_left_out_and_nothing_left_is_refused():
    values = VALUES.copy()
    values[:, 7] = 3
    assert 7 not in fitted(values, genes=40).kept
    with pytest.raises(InvalidInput, match="None of 40 genes passes the filters"):
        fitted(values, detected=1.0, above=1e9)


def test_steps_that_cannot_be():
    with pytest.raises(InvalidInput, match="Row 1 has a value without a logarithm"):
        fitted(VALUES - VALUES.max(), log2_plus=1.0)
    with pytest.raises(InvalidInput, match="no positive sum"):
        fitted(VALUES * 0, library=1e6)
