import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.metrics import log_loss

from cancernet.bundle import Task
from cancernet.data import Fold, Medians
from cancernet.metrics import choose_threshold
from cancernet.predict import fit_novelty, novelty_distance
from cancernet.studies.calibrate import calibrate, fit_limits, with_rule
from cancernet.studies.cohort import Cohort
from cancernet.studies.sections import ReportOptions
from cancernet.studies.tables.recipe import follow_recipe
from cancernet.tasks import softmax
from studies.made import Spy, made_table

BINARY = Task(kind="binary", classes=("B", "M"), positive="M")
NONE = np.arange(0)


def made_logits(n: int = 150, classes: int = 2, seed: int = 0):
    """Return logits that are twice too bold, codes and groups of two rows."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes))
    codes = np.array([rng.choice(classes, p=p) for p in softmax(logits)])
    return 2 * logits, codes, np.array([f"p{row // 2}" for row in range(n)])


def calibrated(rule="balanced", coverage=0.9, task=BINARY, classes=2):
    """Return the decision and what it was fitted on."""
    logits, codes, groups = made_logits(classes=classes)
    report = ReportOptions(threshold=rule, coverage=coverage)
    decision = calibrate(logits, codes, groups, task=task, report=report, where="some rows")
    return decision, logits, codes, groups


def test_temperature_is_that_of_the_lowest_loss():
    decision, logits, codes, _ = calibrated()
    twin = minimize_scalar(lambda t: log_loss(codes, softmax(logits / t)), bounds=(0.1, 10), method="bounded")
    assert decision.temperature == pytest.approx(twin.x, rel=1e-3)
    assert decision.temperature == pytest.approx(2, rel=0.3)


@pytest.mark.parametrize("coverage", [0.6, 0.9, 0.99])
def test_quantile_is_the_weighted_order_statistic(coverage):
    decision, logits, codes, groups = calibrated(coverage=coverage)
    scores = 1 - softmax(logits / decision.temperature)[np.arange(len(codes)), codes]
    weights = 0.5 / (len(np.unique(groups)) + 1)  # two rows share the weight of their group
    order = np.sort(scores)
    reached = np.flatnonzero(weights * np.arange(1, len(order) + 1) >= coverage - 1e-9)
    expected = order[reached[0]] if len(reached) else 1.0
    assert decision.conformal.quantile == pytest.approx(expected)
    assert decision.conformal.coverage == coverage


@pytest.mark.parametrize("rule", ["balanced", "f1", "0.3", "sensitivity = 0.9", "specificity = 0.8"])
def test_threshold_is_that_of_the_rule_on_calibrated_probabilities(rule):
    decision, logits, codes, _ = calibrated(rule)
    positive = softmax(logits / decision.temperature)[:, 1]
    assert decision.threshold.value == choose_threshold(rule, codes == 1, positive)
    assert decision.threshold.rule == rule
    called, truth = positive >= decision.threshold.value, codes == 1
    if rule == "0.3":
        assert decision.threshold.value == 0.3
    if rule.startswith("sensitivity"):
        assert called[truth].mean() >= 0.9
    if rule.startswith("specificity"):
        assert (~called[~truth]).mean() >= 0.8


def test_the_positive_class_counts_wherever_it_stands():
    turned = Task(kind="binary", classes=("M", "B"), positive="M")
    logits, codes, groups = made_logits()
    report = ReportOptions(threshold="f1")
    first = calibrate(logits, codes, groups, task=BINARY, report=report, where="")
    second = calibrate(logits[:, ::-1], 1 - codes, groups, task=turned, report=report, where="")
    assert second.threshold.value == pytest.approx(first.threshold.value)


def test_several_classes_have_no_threshold():
    task = Task(kind="multiclass", classes=("a", "b", "c"))
    decision, *_ = calibrated(task=task, classes=3)
    assert decision.threshold is None
    assert decision.temperature == pytest.approx(2, rel=0.3)
    assert 0 < decision.conformal.quantile < 1


def test_the_rows_are_named():
    decision, *_ = calibrated()
    assert {decision.temperature_rows, decision.threshold.rows, decision.conformal.rows} == {"some rows"}


def test_another_rule_changes_the_threshold_only():
    decision, logits, codes, _ = calibrated()
    other = with_rule(decision, "0.5", softmax(logits / decision.temperature), codes, task=BINARY)
    assert other.threshold.value == 0.5
    assert other.model_copy(update={"threshold": decision.threshold}) == decision


@pytest.fixture(scope="module")
def cohort():
    made = made_table(40, rows_each=3, missing=0.05)
    return Cohort(made.values, made.codes(("B", "M")), made.groups)


def follow(cohort, fold, inner_folds=3, seed=11):
    """Return the spy and what the recipe made with it."""
    spy = Spy(cohort.values)
    made = follow_recipe(
        spy, cohort, fold, task=BINARY, report=ReportOptions(coverage=0.8), inner_folds=inner_folds, seed=seed
    )
    return spy, made


def groups_of(cohort, *parts):
    """Return the groups of each part of the rows."""
    return [set(cohort.groups[rows].tolist()) for rows in parts]


def test_inner_folds_never_cut_a_patient(cohort):
    rows = np.arange(0, 90)
    spy, _ = follow(cohort, Fold(0, 0, train=rows, validation=NONE, test=np.arange(90, 120)))
    _, given, folds, seed = spy.calls[0]
    np.testing.assert_array_equal(given, rows)
    np.testing.assert_array_equal(np.sort(np.concatenate(folds)), np.arange(90))
    held = groups_of(cohort, *(rows[fold] for fold in folds))
    assert sum(map(len, held)) == len(set.union(*held)) == 30
    assert seed == 11


def test_the_final_fit_runs_on_all_training_rows_for_the_epochs_that_were_found(cohort):
    rows = np.arange(30, 120)
    spy, made = follow(cohort, Fold(0, 0, train=rows, validation=NONE, test=np.arange(30)))
    name, given, epochs, _ = spy.calls[1]
    assert (name, epochs) == ("refit", Spy.epochs)
    np.testing.assert_array_equal(given, rows)
    np.testing.assert_array_equal(made.rows, rows)
    assert "90 rows, 3 folds" in made.decision.temperature_rows


@pytest.mark.parametrize("seed", range(5))
def test_stop_rows_calibration_rows_and_fitted_rows_share_no_patient(cohort, seed):
    train, validation, test = np.arange(60), np.arange(60, 90), np.arange(90, 120)
    spy, made = follow(cohort, Fold(0, 0, train=train, validation=validation, test=test), seed=seed)
    ((name, fitted, stop, _),) = spy.calls
    assert name == "fit_until"
    np.testing.assert_array_equal(np.sort(np.concatenate([fitted, stop])), train)
    np.testing.assert_array_equal(made.rows, validation)
    parts = groups_of(cohort, fitted, stop, made.rows, test)
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert set(cohort.codes[stop].tolist()) == {0, 1}


def test_calibration_uses_the_logits_of_the_calibration_rows(cohort):
    fold = Fold(0, 0, train=np.arange(60), validation=np.arange(60, 90), test=np.arange(90, 120))
    spy, made = follow(cohort, fold)
    expected = calibrate(
        spy.logits(spy, cohort.filled(np.arange(60, 90), Medians.fit(cohort.values[:60]))),
        cohort.codes[60:90],
        cohort.groups[60:90],
        task=BINARY,
        report=ReportOptions(coverage=0.8),
        where=made.decision.temperature_rows,
    )
    assert made.decision == expected


def test_limits_describe_the_training_rows_by_distances_from_others(cohort):
    train, validation = np.arange(60), np.arange(60, 90)
    fold = Fold(0, 0, train=train, validation=validation, test=np.arange(90, 120))
    medians, novelty = fit_limits(cohort, fold, inner_folds=2, seed=0)
    expected = Medians.fit(cohort.values[train])
    np.testing.assert_array_equal(medians.values, expected.values)
    known = fit_novelty(expected.apply(cohort.values[train]), rows="")
    distances = novelty_distance(known, expected.apply(cohort.values[validation]))
    assert novelty.mean == known.mean
    assert novelty.precision == known.precision
    assert distances.min() < novelty.limit
    assert novelty.limit >= np.quantile(distances, 0.95)


@pytest.mark.parametrize("validation", [NONE, np.arange(60, 90)], ids=["folds", "held out"])
def test_test_rows_are_not_looked_at(cohort, validation):
    train = np.setdiff1d(np.arange(90), validation)
    fold = Fold(0, 0, train=train, validation=validation, test=np.arange(90, 120))
    values, codes, groups = cohort.values.copy(), cohort.codes.copy(), cohort.groups.astype("U20")
    values[90:], codes[90:], groups[90:] = 1e9, 1 - codes[90:], "patient 0"
    poisoned = Cohort(values, codes, groups)
    (_, clean), (_, dirty) = follow(cohort, fold), follow(poisoned, fold)
    assert clean.decision == dirty.decision
    np.testing.assert_array_equal(clean.logits, dirty.logits)
    limits = [fit_limits(one, fold, inner_folds=2, seed=0) for one in (cohort, poisoned)]
    np.testing.assert_array_equal(limits[0][0].values, limits[1][0].values)
    assert limits[0][1] == limits[1][1]
