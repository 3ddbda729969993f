"""Whole studies in memory: what they measure is what anybody would measure on their pooled cases."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from cancernet import studies
from cancernet.bundle import verify
from cancernet.data import Medians
from cancernet.estimate import Estimate
from cancernet.metrics import measure
from cancernet.studies import Progress
from cancernet.studies.pooled import fold_metrics, pool
from cancernet.studies.tables.folds import run_fold
from cancernet.studies.train import make_plan
from cancernet.tasks import softmax
from studies.made import Spy, made_study, made_table

RUNS = ("folds_run", "held_run", "classes_run")


@pytest.fixture(params=RUNS)
def any_run(request):
    return request.getfixturevalue(request.param)


def same_numbers(first, second) -> None:
    """Fail unless two records hold the same numbers."""
    assert first.metrics == second.metrics
    assert first.baselines == second.baselines
    assert first.differences == second.differences
    assert first.operating_points == second.operating_points
    assert first.importance == second.importance
    assert first.history == second.history
    assert first.threshold == second.threshold
    assert first.statements == second.statements


class Told(Progress):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[str, int, list[int]]] = []

    def begin(self, what: str, total: int) -> None:
        self.log.append((what, total, []))

    def reach(self, done: int) -> None:
        self.log[-1][2].append(done)


def test_the_same_study_gives_the_same_numbers_and_progress_rises_to_its_total(held_run):
    finished, told = held_run, Told()
    again = studies.run(finished.plan.study, finished.plan.table, progress=told)
    assert [what for what, *_ in told.log] == ["Training", "Measuring"]
    for _, total, steps in told.log:
        assert steps == sorted(steps)
        assert steps[-1] == total
    same_numbers(finished.record, again.record)
    for one, other in zip(finished.final.model.get_weights(), again.final.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert finished.final.decision == again.final.decision


@pytest.mark.parametrize("name", ["folds_run", "held_run"])
def test_binary_metrics_are_those_of_scikit_learn(request, name):
    finished = request.getfixturevalue(name)
    cases, truth = finished.pooled.cases, finished.plan.cohort.codes[finished.pooled.rows]
    positive, predicted = cases.probabilities[:, 1], cases.predicted
    expected = {
        "auroc": sk.roc_auc_score(truth, positive),
        "average_precision": sk.average_precision_score(truth, positive),
        "accuracy": sk.accuracy_score(truth, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, predicted),
        "sensitivity": sk.recall_score(truth, predicted),
        "specificity": sk.recall_score(truth, predicted, pos_label=0),
        "f1": sk.f1_score(truth, predicted),
        "mcc": sk.matthews_corrcoef(truth, predicted),
        "brier": sk.brier_score_loss(truth, positive),
        "nll": sk.log_loss(truth, positive),
        "coverage": cases.sets[np.arange(len(truth)), truth].mean(),
        "set_size": cases.sets.sum(axis=1).mean(),
        "abstained": cases.abstained.mean(),
    }
    found = {key: finished.record.metrics[key].value for key in expected}
    assert found == pytest.approx(expected)


def test_multiclass_metrics_are_those_of_scikit_learn(classes_run):
    cases, truth = classes_run.pooled.cases, classes_run.plan.cohort.codes[classes_run.pooled.rows]
    expected = {
        "macro_auroc": sk.roc_auc_score(truth, cases.probabilities, multi_class="ovr"),
        "accuracy": sk.accuracy_score(truth, cases.predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, cases.predicted),
        "macro_f1": sk.f1_score(truth, cases.predicted, average="macro"),
        "kappa": sk.cohen_kappa_score(truth, cases.predicted),
        "nll": sk.log_loss(truth, cases.probabilities),
    }
    found = {key: classes_run.record.metrics[key].value for key in expected}
    assert found == pytest.approx(expected)
    assert found["accuracy"] > 0.5


def test_a_study_of_several_classes_speaks_of_no_threshold(classes_run):
    record, card = classes_run.record, classes_run.card
    assert (record.threshold, record.threshold_rule, record.operating_points) == (None, "", {})
    assert record.importance_metric == "accuracy"
    assert record.prevalence == {}
    assert card.decision.threshold is None
    assert card.task.classes == ("alpha", "beta", "gamma")
    np.testing.assert_array_equal(
        classes_run.pooled.cases.predicted, classes_run.pooled.cases.probabilities.argmax(axis=1)
    )
    assert "macro AUROC" in record.statements[0]


def test_every_row_is_tested_once_by_a_network_that_has_not_seen_its_patient(folds_run):
    plan, pooled = folds_run.plan, folds_run.pooled
    np.testing.assert_array_equal(np.sort(pooled.rows), np.arange(60))
    assert set(pooled.fold.tolist()) == {"1", "2"}
    for fold, name in zip(plan.split.folds, ("1", "2"), strict=True):
        np.testing.assert_array_equal(pooled.rows[pooled.fold == name], fold.test)
        assert not set(plan.cohort.groups[fold.test]) & set(plan.cohort.groups[fold.train])


def test_a_held_out_study_tests_the_held_out_rows(held_run):
    fold = held_run.plan.split.folds[0]
    np.testing.assert_array_equal(held_run.pooled.rows, fold.test)
    np.testing.assert_array_equal(held_run.final.rows, fold.train)
    np.testing.assert_array_equal(held_run.final.calibration_rows, fold.validation)
    assert held_run.record.validation["auroc"].n == len(fold.validation)


def test_the_bundle_of_a_held_out_study_is_the_network_that_was_tested(held_run):
    values = held_run.plan.cohort.values[held_run.pooled.rows].astype(np.float32)
    logits = np.asarray(held_run.final.model.predict_on_batch(values), dtype=np.float64)
    np.testing.assert_allclose(softmax(logits), softmax(held_run.pooled.cases.logits), atol=1e-5)


def test_the_bundle_of_folds_is_fitted_on_all_rows(folds_run):
    np.testing.assert_array_equal(folds_run.final.rows, np.arange(60))
    np.testing.assert_array_equal(folds_run.final.calibration_rows, np.arange(60))
    assert folds_run.record.validation is None


def test_rows_count_as_patients_where_patients_have_several(folds_run):
    assert folds_run.record.metrics["auroc"].groups == 30
    assert folds_run.record.metrics["auroc"].n == 60
    assert "group_auroc" in folds_run.record.metrics
    assert "column 'patient'" in dict(folds_run.record.facts)["Groups"]


def test_missing_values_are_counted_and_filled(folds_run):
    missing = int(np.isnan(folds_run.plan.cohort.values).sum())
    assert missing > 10
    assert f"{missing} missing values were filled" in folds_run.record.data_notes[1]
    np.testing.assert_array_equal(folds_run.card.input.medians, Medians.fit(folds_run.plan.cohort.values).values)


def test_each_row_is_decided_by_its_fold(folds_run):
    """Probabilities are the logits over the temperature of the fold, predictions those at its threshold."""
    pooled = folds_run.pooled
    cases = pooled.cases
    for name in ("1", "2"):
        rows = pooled.fold == name
        ratio = np.diff(cases.logits[rows], axis=1) / np.diff(np.log(cases.probabilities[rows]), axis=1)
        assert ratio == pytest.approx(ratio[0, 0], rel=1e-6)
        positive = cases.probabilities[rows, 1]
        called = cases.predicted[rows] == 1
        assert called.all() or not called.any() or positive[called].min() > positive[~called].max()


def test_folds_have_metrics_of_their_own(folds_run):
    assert [fold["accuracy"].n for fold in folds_run.record.folds] == [
        len(fold.test) for fold in folds_run.plan.split.folds
    ]


def test_operating_points_are_measured_at_each_rule(folds_run):
    points, metrics = folds_run.record.operating_points, folds_run.record.metrics
    assert next(iter(points)) == "balanced"
    assert set(points) == {"balanced", "f1", "0.5", "sensitivity = 0.95", "specificity = 0.95"}
    assert points["balanced"]["sensitivity"] == metrics["sensitivity"]
    assert points["balanced"]["threshold"].value == folds_run.card.decision.threshold.value
    assert points["0.5"]["threshold"].value == 0.5
    truth = folds_run.plan.cohort.codes[folds_run.pooled.rows]
    half = (folds_run.pooled.cases.probabilities[:, 1] >= 0.5).astype(int)
    assert points["0.5"]["accuracy"].value == pytest.approx(sk.accuracy_score(truth, half))


def test_baselines_stand_on_the_same_rows(any_run):
    assert list(any_run.record.baselines) == ["majority", "logistic"]
    for name in ("majority", "logistic"):
        assert any_run.record.baselines[name]["accuracy"].n == len(any_run.pooled.rows)
        scored = any_run.record.baseline_scored[name]
        np.testing.assert_array_equal(scored.truth, any_run.pooled.scored.truth)
        np.testing.assert_array_equal(scored.groups, any_run.pooled.scored.groups)
    difference = any_run.record.differences["logistic"]["accuracy"].value
    values = [found["accuracy"].value for found in (any_run.record.metrics, any_run.record.baselines["logistic"])]
    assert difference == pytest.approx(values[0] - values[1])


def test_the_majority_answers_alike(folds_run):
    finished = folds_run
    assert finished.record.baselines["majority"]["accuracy"].value == pytest.approx(0.5, abs=0.2)
    cases = finished.record.baseline_scored["majority"]
    for name in ("1", "2"):
        assert len(np.unique(cases.probabilities[finished.pooled.fold == name].round(12), axis=0)) == 1


def test_every_column_has_its_importance(any_run):
    names = {entry.feature for entry in any_run.record.importance}
    assert names == set(any_run.plan.table.feature_names)
    drops = [entry.estimate for entry in any_run.record.importance]
    assert all(isinstance(drop, Estimate) and drop.low <= drop.value <= drop.high for drop in drops)
    assert drops[0].value == max(drop.value for drop in drops)


def test_history_names_repeat_fold_fit_and_epoch(folds_run, held_run):
    rows = folds_run.record.history
    assert {(row["repeat"], row["fold"], row["inner"]) for row in rows} == {
        (1, fold, inner) for fold in (1, 2) for inner in (0, 1, 2)
    }
    assert all(("val_loss" in row) == (row["inner"] > 0) for row in rows)
    assert {(row["fold"], row["inner"]) for row in held_run.record.history} == {(1, 0)}


def test_repeated_folds_are_named_and_patients_counted_once():
    plan = make_plan(made_study(split={"folds": 3, "repeats": 2}), made_table(24))
    spy = Spy(plan.cohort.values)
    results = [run_fold(plan, fold, {"network": spy})[0] for fold in plan.split.folds]
    pooled = pool(plan, results)
    assert list(dict.fromkeys(pooled.fold.tolist())) == ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3"]
    np.testing.assert_array_equal(np.sort(pooled.rows), np.repeat(np.arange(24), 2))
    np.testing.assert_array_equal(pooled.cases.logits, spy.logits(spy, plan.cohort.values[pooled.rows]))
    accuracy = measure(pooled.scored, draws=200)["accuracy"]
    assert (accuracy.n, accuracy.groups) == (48, 24)
    assert [fold["accuracy"].n for fold in fold_metrics(plan, pooled)] == [8] * 6
    assert len(np.unique([call[-1] for call in spy.calls if call[0] == "refit"])) == 6


class Interrupted(Progress):
    """Presses Ctrl-C in the first epoch after the first of three equal parts of the work."""

    def reach(self, done: int) -> None:
        if done > self.total // 3:
            raise KeyboardInterrupt


def test_a_run_that_was_interrupted_and_resumed_gives_the_same_numbers(folds_run, gaps, tmp_path):
    """The folder grows from a file of rows, is stopped in its second fold, goes on from there, and is whole."""
    frame = pd.DataFrame(gaps.values, columns=gaps.feature_names)
    frame.assign(id=gaps.ids, patient=gaps.groups, label=gaps.target).to_csv(tmp_path / "made.csv", index=False)
    data = {"source": str(tmp_path / "made.csv"), "missing": "median", "target": "label", "group": "patient"}
    study, out = made_study(data=data), tmp_path / "runs" / "made"
    with pytest.raises(KeyboardInterrupt):
        studies.train(study, out, progress=Interrupted())
    assert [path.name for path in out.parent.iterdir()] == [".made.partial"]
    told = Told()
    finished = studies.train(study, out, resume=True, progress=told)
    assert min(told.log[0][2]) == told.log[0][1] // 3  # the first fold was not fitted again
    assert [path.name for path in out.parent.iterdir()] == ["made"]
    same_numbers(folds_run.record, finished.record)
    written = {path.name for path in out.iterdir()}
    files = {"study.toml", "split.json", "history.csv", "predictions.csv", "metrics.json", "report.html", "bundle"}
    assert files <= written
    assert studies.read_study(out / "study.toml") == study
    assert verify(out / "bundle").metrics == finished.record.metrics
    split = make_plan(made_study(data=data, split={"folds": None, "file": str(out / "split.json")})).split
    assert split.to_dict() == finished.plan.split.to_dict()
    rows = pd.read_csv(out / "predictions.csv")
    assert rows["id"].tolist() == gaps.ids[finished.pooled.rows].tolist()
    np.testing.assert_allclose(rows["p_M"], finished.pooled.cases.probabilities[:, 1], atol=1e-5)
    history = pd.read_csv(out / "history.csv")
    assert history["loss"].tolist() == pytest.approx([row["loss"] for row in finished.record.history])
