from dataclasses import replace

import numpy as np
import pytest

from cancernet import bundle, engine
from cancernet.bundle import Card
from cancernet.data import Medians
from cancernet.errors import InvalidInput
from cancernet.studies.card import GENERAL_LIMITS, make_card, versions
from cancernet.studies.train import make_plan
from studies.made import made_study


def test_the_prior_is_that_of_the_calibration_rows(held_run):
    codes = held_run.plan.cohort.codes[held_run.final.calibration_rows]
    assert held_run.card.prior == pytest.approx({"B": (codes == 0).mean(), "M": (codes == 1).mean()})


def test_medians_are_there_only_where_missing_values_may_be(held_run, folds_run):
    assert held_run.card.input.medians is None
    rows = folds_run.plan.table.values[folds_run.final.rows]
    np.testing.assert_array_equal(folds_run.card.input.medians, Medians.fit(rows).values)


def test_groups_and_rows_are_known_by_their_hashes(held_run):
    training, plan = held_run.card.training, held_run.plan
    fold = plan.split.folds[0]
    seen = np.union1d(fold.train, fold.validation)  # weights and calibration
    assert training.seen(plan.cohort.groups.tolist()) == tuple(sorted(set(plan.cohort.groups[seen].tolist())))
    np.testing.assert_array_equal(np.flatnonzero(training.seen_rows(plan.cohort.values)), seen)
    assert (training.rows, training.groups) == (len(fold.train), len(np.unique(plan.cohort.groups[fold.train])))
    assert not any(group in held_run.card.to_json() for group in plan.cohort.groups)


def card_of(run, **changes):
    """Return the card that the same network would have got from a changed table."""
    table = replace(run.plan.table, **changes)
    plan = make_plan(run.plan.study, table, run.plan.split)
    return make_card(plan, run.final, {})


def test_rows_that_are_no_named_groups_leave_no_group_hashes(held_run):
    card = card_of(held_run, groups=held_run.plan.table.ids, group_column="row")
    assert card.training.group_hashes == ()
    assert card.training.groups == card.training.rows
    assert card.training.row_hashes


def test_few_valued_features_leave_no_row_hashes(held_run):
    few = np.clip(np.round(held_run.plan.table.values / held_run.plan.table.values.std(axis=0)), 0, 4)
    card = card_of(held_run, values=few)
    assert card.training.row_hashes == ()
    assert card.training.group_hashes


def test_two_cards_share_no_hash(held_run):
    cards = [make_card(held_run.plan, held_run.final, {}) for _ in range(2)]
    assert cards[0].training.salt != cards[1].training.salt
    assert not set(cards[0].training.group_hashes) & set(cards[1].training.group_hashes)


def test_the_card_tells_where_all_comes_from(held_run):
    card = held_run.card
    assert card.name == "made"
    assert card.input.names == held_run.plan.table.feature_names
    assert card.metrics == held_run.record.metrics
    assert card.training.epochs == held_run.final.epochs <= 4
    assert card.training.backend == "tensorflow"
    assert card.training.versions == versions() != {}
    assert (card.data.name, card.data.licence, card.weights_licence) == ("made", "not stated", "not stated")
    assert set(GENERAL_LIMITS) <= set(card.limits)
    assert "not used by early stopping" in card.decision.temperature_rows
    assert "training rows" in card.decision.novelty.rows
    assert Card.from_json(card.to_json()) == card


def test_study_words_reach_the_card(held_run):
    study = made_study(licence="CC0-1.0", intended_use="To test.", limits=["Made up."])
    card = make_card(replace(held_run.plan, study=study), held_run.final, {})
    assert (card.weights_licence, card.intended_use, card.limits[0]) == ("CC0-1.0", "To test.", "Made up.")


def test_the_bundle_says_how_far_engines_stand_from_keras(bundle_card):
    entries = {(entry.runtime, entry.batch) for entry in bundle_card.engine.parity}
    assert {("openvino", 1), ("openvino", 7)} <= entries
    assert all(entry.difference <= 1e-5 for entry in bundle_card.engine.parity)


@pytest.fixture
def bundle_card(bundle):
    from cancernet.bundle import verify

    return verify(bundle)


def test_the_bundle_answers_as_the_study_did(held_run, bundle):
    pooled = held_run.pooled
    with engine.open(bundle, threads=1) as model:
        logits = model.run(held_run.plan.cohort.values[pooled.rows]).logits
    np.testing.assert_allclose(logits, pooled.cases.logits, atol=1e-4)


def test_a_bundle_that_is_there_is_kept(held_run, bundle):
    with pytest.raises(InvalidInput, match="exists already"):
        held_run.save_bundle(bundle)


def test_a_table_without_a_complete_row_still_becomes_a_bundle(folds_run, tmp_path):
    values = folds_run.plan.cohort.values.copy()
    values[np.arange(len(values)), np.arange(len(values)) % values.shape[1]] = np.nan
    plan = replace(folds_run.plan, cohort=replace(folds_run.plan.cohort, values=values))
    replace(folds_run, plan=plan).save_bundle(tmp_path / "gaps")
    assert bundle.verify(tmp_path / "gaps").input.medians is not None
