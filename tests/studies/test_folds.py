from dataclasses import replace

import numpy as np
import pytest

from cancernet.data import Medians
from cancernet.errors import CorruptFile
from cancernet.studies.cohort import Cohort
from cancernet.studies.tables.folds import load_fold, run_fold, save_fold
from cancernet.tasks import probabilities


@pytest.fixture(scope="module", params=["folds_plan", "held_plan"])
def plan(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def compiled(folds_plan):
    """The learners of one plan; both plans have five columns and two classes, and compiling takes seconds."""
    return folds_plan.learners()


@pytest.fixture(scope="module")
def learners(plan, compiled):
    for learner in compiled.values():
        learner.values, learner.codes = plan.cohort.values, plan.cohort.codes
    return compiled


@pytest.fixture(scope="module")
def outcome(plan, learners):
    """The first fold: its result and what the network learnt."""
    return run_fold(plan, plan.split.folds[0], learners)


def poisoned(plan):
    """Return the plan with the test rows of its first fold made absurd: values, holes, labels."""
    test = plan.split.folds[0].test
    values, codes = plan.cohort.values.copy(), plan.cohort.codes.copy()
    values[test], codes[test] = 1e9, 1 - codes[test]
    values[test[::2], 0] = np.nan
    return replace(plan, cohort=Cohort(values, codes, plan.cohort.groups))


def test_test_rows_never_influence_what_is_fitted_or_decided(plan, learners, outcome, monkeypatch):
    """Weights, medians, epochs, temperature, threshold, quantile, novelty: bit for bit, for network and baselines."""
    dirty_plan = poisoned(plan)
    for learner in learners.values():
        monkeypatch.setattr(learner, "values", dirty_plan.cohort.values)
        monkeypatch.setattr(learner, "codes", dirty_plan.cohort.codes)
    result, fitted = outcome
    other, other_fitted = run_fold(dirty_plan, plan.split.folds[0], learners)
    for one, two in zip(fitted.weights, other_fitted.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    for name in ("medians", "mean", "variance"):
        np.testing.assert_array_equal(getattr(fitted.standard, name), getattr(other_fitted.standard, name))
    assert (result.epochs, result.history) == (other.epochs, other.history)
    np.testing.assert_array_equal(result.calibration_rows, other.calibration_rows)
    for name, answer in result.answers.items():
        assert answer.decision == other.answers[name].decision
        np.testing.assert_array_equal(answer.calibration, other.answers[name].calibration)
        assert name == "majority" or np.abs(answer.logits - other.answers[name].logits).max() > 1e-3


def test_calibration_rows_share_no_patient_with_test_rows(plan, outcome):
    groups, fold = plan.cohort.groups, plan.split.folds[0]
    assert not set(groups[outcome[0].calibration_rows]) & set(groups[fold.test])


def test_logits_are_those_of_the_fitted_network_on_filled_test_rows(plan, learners, outcome):
    result, fitted = outcome
    fold = plan.split.folds[0]
    filled = Medians.fit(plan.cohort.values[fold.train]).apply(plan.cohort.values[fold.test])
    np.testing.assert_array_equal(result.answers["network"].logits, learners["network"].logits(fitted, filled))


def test_permuted_probabilities_have_a_place_for_each_column(plan, outcome):
    result, _ = outcome
    rows, columns = len(plan.split.folds[0].test), len(plan.table.features)
    assert result.permuted.shape == (columns, 5, rows, 2)
    assert result.permuted.dtype == np.float32
    np.testing.assert_allclose(result.permuted.sum(axis=3), 1, atol=1e-5)
    answer = result.answers["network"]
    asis = probabilities(answer.logits, answer.decision.temperature)
    assert np.abs(result.permuted.mean(axis=1) - asis).max() > 1e-4


def test_history_names_the_inner_fits(plan, outcome):
    inner = {row["inner"] for row in outcome[0].history}
    assert inner == ({0} if len(plan.split.folds[0].validation) else {0, 1, 2})


def test_a_kept_fold_is_the_same_when_it_is_read(plan, outcome, tmp_path):
    result, fold = outcome[0], plan.split.folds[0]
    assert load_fold(tmp_path, fold) is None
    save_fold(tmp_path, result)
    again = load_fold(tmp_path, fold)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fold-0-0.json", "fold-0-0.npz"]
    assert (again.repeat, again.number, again.epochs) == (0, 0, result.epochs)
    assert again.history == result.history
    np.testing.assert_array_equal(again.permuted, result.permuted)
    np.testing.assert_array_equal(again.calibration_rows, result.calibration_rows)
    assert list(again.answers) == list(result.answers) == ["network", "majority", "logistic"]
    for name, answer in result.answers.items():
        assert again.answers[name].decision == answer.decision
        np.testing.assert_array_equal(again.answers[name].logits, answer.logits)
        np.testing.assert_array_equal(again.answers[name].calibration, answer.calibration)


def test_arrays_without_their_json_count_as_not_there(plan, outcome, tmp_path):
    """The JSON is written last: what a crash left between the two is fitted again."""
    save_fold(tmp_path, outcome[0])
    (tmp_path / "fold-0-0.json").unlink()
    assert load_fold(tmp_path, plan.split.folds[0]) is None


DAMAGES = {
    "cut": lambda raw: raw[: len(raw) // 2],
    "empty": lambda raw: b"",
    "text": lambda raw: b"hello",
    "one byte": lambda raw: raw[:2000] + bytes([raw[2000] ^ 1]) + raw[2001:],
    "a pickle": lambda raw: b"\x80\x04N.",
    "one array": lambda raw: b"\x93NUMPY\x01\x00v\x00",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_a_damaged_fold_is_refused(plan, outcome, tmp_path, suffix, damage):
    save_fold(tmp_path, outcome[0])
    path = tmp_path / f"fold-0-0.{suffix}"
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    try:
        load_fold(tmp_path, plan.split.folds[0])
    except CorruptFile as error:
        assert path.name in str(error)  # noqa: PT017  (one byte of JSON may be a digit of a number, and still be JSON)
    else:
        assert (suffix, damage) == ("json", "one byte")


@pytest.mark.parametrize("content", ["{}", "[]", "3", '{"epochs": 1, "history": [], "decisions": {"network": {}}}'])
def test_json_that_is_no_fold_is_refused(plan, outcome, tmp_path, content):
    save_fold(tmp_path, outcome[0])
    (tmp_path / "fold-0-0.json").write_text(content.replace('"network"', '"nobody"'))
    with pytest.raises(CorruptFile, match=r"fold-0-0.json' is damaged"):
        load_fold(tmp_path, plan.split.folds[0])
