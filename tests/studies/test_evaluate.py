import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from cancernet import engine, predict, studies
from cancernet.bundle import load_card
from cancernet.errors import InvalidInput, LeakingSplit
from cancernet.studies import EvaluateOptions
from cancernet.studies.given import read_given
from cancernet.studies.seen import refuse_seen
from studies.made import made_table

QUICK = EvaluateOptions(draws=200)


def given(source, card, options=QUICK):
    """Return the cases as `evaluate` reads them."""
    return read_given(source, card, options=options.patches, id=options.id, progress=studies.Progress())


def renamed(table, prefix="new"):
    """Return the table as that of other patients."""
    return replace(table, groups=np.char.add(f"{prefix} ", table.groups))


@pytest.fixture(scope="module")
def others():
    """Patients and rows that the model has not seen, columns in another order, and one column more."""
    made = made_table(40, seed=0)
    rng = np.random.default_rng(5)
    table = replace(renamed(made), values=made.values + rng.normal(0, 0.1, made.values.shape))
    extra = made_table(40, columns=6, names=("f4", "f2", "other", "f0", "f1", "f3"))
    values = extra.values.copy()
    for position, name in enumerate(extra.feature_names):
        if name != "other":
            values[:, position] = table.values[:, table.feature_names.index(name)]
    return replace(extra, values=values, groups=table.groups), table


@pytest.fixture(scope="module")
def evaluated(bundle, others, tmp_path_factory):
    """The folder of an evaluation, and its record."""
    out = tmp_path_factory.mktemp("evaluated") / "other"
    return out, studies.evaluate(bundle, others[0], out=out, options=QUICK)


def test_an_evaluation_leaves_what_a_run_leaves(evaluated):
    out, record = evaluated
    names = {path.name for path in out.iterdir()}
    assert {"metrics.json", "predictions.csv", "report.html"} <= names
    written = json.loads((out / "metrics.json").read_text())
    assert written["test"]["auroc"]["value"] == pytest.approx(record.metrics["auroc"].value)
    assert record.kind == "evaluate"


def test_columns_are_found_by_name_and_metrics_are_right(evaluated, others, bundle):
    _, record = evaluated
    table = others[1]
    card = load_card(bundle)
    with engine.open(bundle, threads=1) as model:
        cases = predict.cases(model, table.select(card.input.names).values)
    truth = table.codes(card.task.classes)
    assert record.metrics["auroc"].value == pytest.approx(roc_auc_score(truth, cases.probabilities[:, 1]), abs=1e-6)
    assert record.metrics["accuracy"].value == pytest.approx(accuracy_score(truth, cases.predicted))
    assert record.metrics["accuracy"].n == 40


def test_predictions_hold_the_truth_and_the_patients(evaluated, others):
    import pandas as pd

    rows = pd.read_csv(evaluated[0] / "predictions.csv")
    assert rows["truth"].tolist() == others[0].target.tolist()
    assert rows["group"].tolist() == others[0].groups.tolist()
    assert set(rows["split"]) == {"test"}


def test_the_report_says_that_nothing_was_seen(evaluated):
    assert evaluated[1].statements[0] == "None of these cases was among the training data, by group and by values."


def test_the_rule_of_the_card_and_one_half_are_measured(evaluated, bundle):
    points = evaluated[1].operating_points
    assert list(points) == [load_card(bundle).decision.threshold.rule, "0.5"]


def test_an_evaluation_that_exists_is_kept(evaluated, bundle, others):
    with pytest.raises(InvalidInput, match="exists already"):
        studies.evaluate(bundle, others[0], out=evaluated[0], options=QUICK)


def refused(bundle, table, tmp_path, error=InvalidInput, **options):
    """Return the message of an evaluation that is refused and leaves nothing."""
    with pytest.raises(error) as caught:
        studies.evaluate(bundle, table, out=tmp_path / "out", options=replace(QUICK, **options))
    assert list(tmp_path.iterdir()) == []
    return str(caught.value)


def test_patients_that_were_trained_on_are_refused(bundle, held_run, tmp_path):
    message = refused(bundle, held_run.plan.table, tmp_path, LeakingSplit)
    fold = held_run.plan.split.folds[0]
    seen = len(fold.train) + len(fold.validation)
    assert f"{seen} of 48 rows were in the training data of 'made'" in message
    assert "--allow-leak" in message


def test_the_same_measurements_under_other_names_are_refused(bundle, held_run, tmp_path):
    fold = held_run.plan.split.folds[0]
    table = renamed(held_run.plan.table)
    assert "were in the training data" in refused(bundle, table.take(fold.train[:3]), tmp_path, LeakingSplit)


def seen_words(card, cases, *, allow=False):
    return refuse_seen(card, cases.table, cases.seen, allow=allow)


def test_a_leak_may_be_measured_and_is_said(bundle, held_run):
    card = load_card(bundle)
    (sentence,) = seen_words(card, given(held_run.plan.table, card), allow=True)
    assert "of 48 rows were in the training data of 'made': this is not a test" in sentence


def test_names_of_rows_are_not_taken_for_patients(bundle, held_run, others):
    """Rows "1", "2", ... of a table without patients are not the patients "1", "2", ... of the training data."""
    card = load_card(bundle)
    known = held_run.plan.cohort.groups[held_run.plan.split.folds[0].train]
    table = others[1].take(np.arange(10))
    table = replace(table, groups=known[:10], group_column="row")
    assert seen_words(card, given(table, card)) == ("None of these cases was among the training data, by values.",)


def test_a_card_that_knows_nobody_promises_nothing(bundle, others):
    known = load_card(bundle)
    training = known.training.model_copy(update={"group_hashes": (), "row_hashes": ()})
    card = known.model_copy(update={"training": training})
    (sentence,) = seen_words(card, given(others[1], card))
    assert "cannot be told" in sentence


def test_labels_that_the_card_does_not_know_are_named(bundle, others, tmp_path):
    target = np.where(others[0].target == "M", "malignant", others[0].target)
    message = refused(bundle, replace(others[0], target=target), tmp_path)
    assert "has the label 'malignant'" in message
    assert "Expected one of 'B', 'M'" in message


def test_truth_and_patients_are_needed(bundle, others, tmp_path):
    assert "--target COLUMN" in refused(bundle, replace(others[0], target=None), tmp_path)
    assert "--group row" in refused(bundle, replace(others[0], group_column=None), tmp_path)


def test_a_missing_column_is_named(bundle, others, tmp_path):
    table = others[0].select(["f4", "f2", "other", "f0", "f1"], exact=False)
    assert "lacks the column 'f3'" in refused(bundle, table, tmp_path)


def test_a_missing_value_is_refused_where_the_card_has_no_medians(bundle, others, tmp_path):
    values = others[0].values.copy()
    values[3, 0] = np.nan
    assert "no value in column 'f4'" in refused(bundle, replace(others[0], values=values), tmp_path)


def test_cases_of_one_class_are_evaluated_and_what_is_undefined_says_why(bundle, others, tmp_path):
    table = others[0].take(others[0].target == "B")
    record = studies.evaluate(bundle, table, out=tmp_path / "out", options=QUICK)
    assert record.metrics["specificity"].value is not None
    assert record.metrics["auroc"].value is None
    assert record.metrics["sensitivity"].reason
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["test"]["auroc"]["value"] is None


def test_a_file_is_read_with_the_columns_of_the_card(bundle, others, tmp_path):
    import pandas as pd

    frame = pd.DataFrame(others[0].values, columns=others[0].feature_names)
    frame.insert(0, "truth", others[0].target)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    card = load_card(bundle)
    table = given(tmp_path / "rows.csv", card, replace(QUICK, target="truth", group="row")).table
    assert table.feature_names == card.input.names
    assert table.target.tolist() == others[0].target.tolist()
    np.testing.assert_array_equal(table.values, others[0].select(card.input.names, exact=False).values)
