"""The Wisconsin files as a user has them."""

import numpy as np
import pytest

from cancernet import studies
from cancernet.studies.train import make_plan

WISCONSIN = "tabular/wisconsin"
SMALL = ["model.filters=[4]", "model.dense=4", "training.epochs=3", "training.inner_folds=2", "report.draws=200"]

pytestmark = pytest.mark.realdata


def test_the_file_of_uci_is_the_built_in_table(realdata):
    """Same values, classes, layout and folds; only the names of the rows differ."""
    built_in = make_plan(studies.find_study("wdbc"))
    source = f"data.source={realdata / WISCONSIN / 'wdbc.data'}"
    from_file = make_plan(studies.find_study("wdbc", settings=[source]))
    assert from_file.layout == built_in.layout == "10x3"
    assert from_file.table.feature_names == built_in.table.feature_names
    assert from_file.task == built_in.task
    np.testing.assert_allclose(from_file.cohort.values, built_in.cohort.values, rtol=1e-12)
    np.testing.assert_array_equal(from_file.cohort.codes, built_in.cohort.codes)
    for one, other in zip(from_file.split.folds, built_in.split.folds, strict=True):
        np.testing.assert_array_equal(one.test, other.test)


def test_scores_of_1992_train_with_medians_and_their_collisions_are_told(realdata):
    text = f"""
        name = "scores"
        data = {{source = "{realdata / WISCONSIN / "breast-cancer-wisconsin.data"}", missing = "median"}}
        split = {{test = 0.3, validation = 0.3}}
        task = {{positive = "4"}}
    """
    finished = studies.run(studies.parse_study(text, settings=SMALL))
    table = finished.plan.table
    record = finished.record
    assert (len(table), len(np.unique(table.groups))) == (699, 645)
    assert "16 missing values were filled" in record.data_notes[1]
    assert "9 columns are laid out in the order of the table" in record.data_notes[0]
    assert record.leak_audit["leaks"] is False
    assert record.leak_audit["alike"]["count"] > 200
    assert any("by chance" in sentence for sentence in record.leak_sentences)
    assert finished.card.input.medians is not None
    assert finished.card.training.row_hashes == ()
    fold = finished.plan.split.folds[0]
    known = table.groups[np.concatenate([fold.train, fold.validation])]
    assert len(finished.card.training.group_hashes) == len(np.unique(known))
    assert record.metrics["auroc"].value > 0.9
