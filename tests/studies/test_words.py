import pytest

from cancernet.bundle import Task
from cancernet.estimate import Estimate
from cancernet.studies.record import at_prevalences, judged_metrics, result_sentences, strongest_baseline
from cancernet.studies.sections import ReportOptions
from cancernet.studies.words import abstention_sentence, calibration_sentence, comparison_sentence, coverage_sentence


def about(value, low, high) -> Estimate:
    return Estimate(value, low, high, 100, 90, "made")


BETTER, EQUAL, WORSE = about(0.02, 0.01, 0.03), about(0.001, -0.01, 0.012), about(-0.03, -0.05, -0.01)
UNKNOWN = Estimate.undefined("one class")
BOTH = ("auroc", "accuracy")


@pytest.mark.parametrize(
    ("auroc", "accuracy", "claim"),
    [
        (BETTER, BETTER, "is better than the logistic regression baseline on the same rows, in AUROC and accuracy ("),
        (BETTER, EQUAL, "is better than the logistic regression baseline on the same rows, in AUROC ("),
        (EQUAL, EQUAL, "is not better than the logistic regression baseline: no paired interval excludes zero ("),
        (UNKNOWN, UNKNOWN, "is not better than the logistic regression baseline: no paired interval excludes zero ("),
        (WORSE, EQUAL, "is not better than the logistic regression baseline, and worse in AUROC ("),
        (WORSE, WORSE, "is not better than the logistic regression baseline, and worse in AUROC and accuracy ("),
        (WORSE, BETTER, "is better than the logistic regression baseline in accuracy, and worse in AUROC ("),
    ],
)
def test_better_is_said_only_of_what_an_interval_proves(auroc, accuracy, claim):
    differences = {"auroc": auroc, "accuracy": accuracy, "brier": BETTER}
    assert claim in comparison_sentence(differences, "logistic regression", BOTH)


def test_an_interval_that_touches_zero_proves_nothing():
    sentence = comparison_sentence({"auroc": about(0.01, 0.0, 0.02)}, "majority", BOTH)
    assert "not better" in sentence


def test_the_numbers_stand_beside_the_claim():
    sentence = comparison_sentence({"auroc": WORSE, "accuracy": UNKNOWN}, "majority", BOTH)
    assert "AUROC -0.0300 (-0.0500 to -0.0100); accuracy undefined: one class" in sentence
    assert sentence.endswith(").")


@pytest.mark.parametrize(
    ("ece", "perfect", "verdict"),
    [(0.03, 0.01, "within"), (0.04, 0.01, "within"), (0.05, 0.06, "within"), (0.05, 0.045, "above")],
)
def test_calibration_is_judged_by_the_goal_or_by_a_perfect_model(ece, perfect, verdict):
    found = {"ece": about(ece, 0.0, 0.1), "ece_of_perfect": about(perfect / 2, 0.0, perfect)}
    assert f", {verdict} the goal" in calibration_sentence(found)


def test_an_undefined_calibration_is_called_so():
    assert calibration_sentence({"ece": UNKNOWN, "ece_of_perfect": UNKNOWN}) == (
        "The calibration error is undefined here."
    )


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        (about(0.95, 0.9, 0.98), "at least the promise"),
        (about(0.89, 0.8, 0.93), "below the promise, but the interval includes it"),
        (about(0.8, 0.7, 0.88), "below the promise, and the interval excludes it"),
    ],
)
def test_coverage_is_held_against_its_promise(coverage, words):
    sentence = coverage_sentence({"coverage": coverage}, ReportOptions(coverage=0.9))
    assert "for 90 % of cases" in sentence
    assert sentence.endswith(f"{words}.")


def test_a_promise_is_not_rounded():
    assert "for 99.5 % of cases" in coverage_sentence({"coverage": BETTER}, ReportOptions(coverage=0.995))


def test_sets_that_are_not_there_are_not_measured():
    assert coverage_sentence({}, ReportOptions()) == "Prediction sets were not measured."


def test_abstention_names_share_and_what_is_left():
    found = {"abstained": about(0.125, 0.1, 0.15), "selective_accuracy": about(0.99, 0.97, 1.0)}
    assert abstention_sentence(found) == (
        "It abstained on 12.5 % of cases; on the others its accuracy was 0.990 (0.970 to 1.000)."
    )
    assert abstention_sentence({}) == "The model never abstains."


def test_the_network_is_judged_by_the_metrics_of_its_task():
    assert judged_metrics(Task(kind="binary", classes=("B", "M"), positive="M")) == BOTH
    assert judged_metrics(Task(kind="multiclass", classes=("a", "b", "c"))) == ("macro_auroc", "accuracy")


def test_four_sentences_stand_at_the_top(held_run):
    record, plan = held_run.record, held_run.plan
    again = result_sentences(record.metrics, record.differences, plan.study.report, plan.task)
    assert again == record.statements
    assert len(again) == 4
    assert all(sentence.endswith(".") for sentence in again)


@pytest.mark.parametrize(
    ("differences", "strongest"),
    [
        ({"majority": WORSE, "mean": BETTER, "max": EQUAL}, "max"),
        ({"majority": WORSE, "max": EQUAL, "mean": BETTER}, "max"),
        ({"darkness": EQUAL, "colour": EQUAL}, "colour"),
        ({"darkness": EQUAL, "colour": UNKNOWN}, "darkness"),
        ({"majority": BETTER}, None),
        ({}, None),
    ],
)
def test_the_network_is_held_against_the_baseline_that_comes_nearest(differences, strongest):
    assert strongest_baseline({name: {"auroc": lead} for name, lead in differences.items()}, "auroc") == strongest


def test_prevalences_follow_bayes(held_run):
    record, study = held_run.record, held_run.plan.study
    found = at_prevalences(record.metrics, study.report.prevalence, held_run.pooled.scored)
    assert found == record.prevalence
    assert next(iter(found)) == "0.1"
    sensitivity, specificity = (record.metrics[name].value for name in ("sensitivity", "specificity"))
    hits, alarms = 0.1 * sensitivity, 0.9 * (1 - specificity)
    assert found["0.1"]["ppv"].value == pytest.approx(hits / (hits + alarms))
