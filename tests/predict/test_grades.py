"""Ordered grades from logits to the file: answers, sets, the expected grade and its column."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cancernet import bundle, engine
from cancernet.errors import BundleMismatch, InvalidInput
from cancernet.predict import cases, decide, decide_parts, join_cases, predict_file, tabulate, write_predictions
from predict.made import COLUMNS, ROWS, make_bundle, make_card, training_values, write_csv

LOG3 = float(np.log(3))
GRADES = ("none", "mild", "moderate", "severe")
TASK = bundle.Task(kind="ordinal", classes=GRADES)
LOGITS = hnp.arrays(np.float32, st.tuples(st.integers(1, 20), st.just(3)), elements=st.floats(-1e4, 1e4, width=32))


def grade_card(**changes):
    fields = {"task": TASK, "decision": bundle.Decision(), "prior": dict.fromkeys(GRADES, 0.25)}
    return make_card(**(fields | changes))


def decision(quantile=0.8, temperature=1.0):
    conformal = bundle.Conformal(quantile=quantile, coverage=0.9, rows=ROWS)
    return bundle.Decision(temperature=temperature, conformal=conformal)


def answers(logits, quantile=0.8, temperature=1.0):
    values = np.zeros((len(logits), 1))
    return decide_parts(decision(quantile, temperature), TASK, logits=np.asarray(logits), values=values)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A cumulative link: the cut-points 12, 14 and 17 minus the radius."""
    weights, bias = np.array([[-1.0] * 3, [0.0] * 3, [0.0] * 3]), [12.0, 14.0, 17.0]
    folder = make_bundle(tmp_path_factory.mktemp("made") / "grades", grade_card(), weights, bias=bias)
    with engine.open(folder, threads=1) as opened:
        yield opened


def test_by_hand():
    # P(grade <= k) at temperature 2: 1/4, 1/2, 3/4 in the first row; 3/4, 0.9, 0.9 in the second.
    found = answers([[-2 * LOG3, 0, 2 * LOG3], [2 * LOG3, 4 * LOG3, 4 * LOG3]], temperature=2.0)
    np.testing.assert_allclose(found.probabilities, [[0.25] * 4, [0.75, 0.15, 0, 0.1]], atol=1e-12)
    np.testing.assert_allclose(found.expected_grade, [1.5, 0.45])
    assert found.labels.tolist() == ["mild", "none"]
    assert found.sets.tolist() == [[True] * 4, [True, False, False, False]]
    assert found.abstained.tolist() == [True, False]


def test_cut_points_of_the_card_decide():
    logits = np.array([[-2 * LOG3, 0, 2 * LOG3], [2 * LOG3, 4 * LOG3, 4 * LOG3]])  # expected grades 1.5 and 0.45
    cuts = bundle.GradeCuts(values=(0.4, 0.9, 1.4), rule="matched", rows=ROWS)
    given = decision(temperature=2.0).model_copy(update={"grades": cuts})
    found = decide_parts(given, TASK, logits=logits, values=np.zeros((2, 1)))
    assert found.labels.tolist() == ["severe", "mild"]
    assert found.sets[:, [3, 1]].diagonal().all()  # the set holds the answer


def test_the_answer_is_the_middle_where_both_ends_are_probable():
    found = answers([[0.0, 0.01, 0.02]], quantile=0.6)  # half none, half severe
    assert found.labels.tolist() == ["mild"]
    assert found.expected_grade == pytest.approx(1.5, abs=0.02)
    assert found.sets.tolist() == [[True] * 4]


def test_sets_have_no_gaps():
    found = answers([[0.0, 0.01, 4.0]], quantile=0.6)  # half none, half moderate: mild is filled in
    np.testing.assert_allclose(found.probabilities, [[0.5, 0.0025, 0.4795, 0.018]], atol=1e-3)
    assert found.sets.tolist() == [[True, True, True, False]]


@given(LOGITS.map(lambda table: np.sort(table, axis=1)), st.floats(0.05, 20), st.floats(0, 1))
def test_properties_of_any_logits(logits, temperature, quantile):
    found = answers(logits, quantile, temperature)
    rows = np.arange(len(logits))
    assert found.probabilities.sum(axis=1) == pytest.approx(1)
    assert found.expected_grade == pytest.approx(found.probabilities @ np.arange(4))
    assert (np.abs(found.predicted - found.expected_grade) <= 0.5 + 1e-6).all()
    assert found.sets[rows, found.predicted].all()
    assert found.sets[rows, found.probabilities.argmax(axis=1)].all()
    assert (found.sets | (1 - found.probabilities > quantile)).all()
    changes = np.abs(np.diff(np.pad(found.sets, ((0, 0), (1, 1))).astype(int), axis=1)).sum(axis=1)
    assert (changes == 2).all()  # each set begins once and ends once
    assert np.array_equal(found.abstained, found.sets.sum(axis=1) > 1)


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=10))
def test_the_answer_rises_with_the_severity(severities):
    logits = np.array([-1.0, 0.5, 3.0]) - np.sort(severities)[:, None]
    found = answers(logits)
    assert (np.diff(found.expected_grade) >= -1e-9).all()
    assert (np.diff(found.predicted) >= 0).all()


def test_other_tasks_have_no_expected_grade():
    task = bundle.Task(kind="multiclass", classes=GRADES)
    found = decide_parts(decision(0.6), task, logits=np.log([[0.45, 0.05, 0.45, 0.05]]), values=np.zeros((1, 1)))
    assert found.expected_grade is None
    assert found.sets.tolist() == [[True, False, True, False]]


def test_logits_that_fall_are_refused():
    with pytest.raises(InvalidInput, match="cumulative logits"):
        answers([[0.0, 1.0, 0.5]])


def test_prevalence_wants_a_positive_class(model):
    values = training_values(2)
    with pytest.raises(InvalidInput, match="no positive class"):
        cases(model, values, prevalence=0.1)
    with pytest.raises(InvalidInput, match="no positive class"):
        decide(model.card, np.zeros((2, 3)), values=values, prevalence=0.1)


def test_take_and_join_keep_the_expected_grade(model):
    found = cases(model, training_values(9))
    joined = join_cases([found.take(slice(4)), found.take(np.arange(4, 9))])
    np.testing.assert_array_equal(joined.expected_grade, found.expected_grade)
    assert len(joined.expected_grade) == 9
    assert join_cases([found, replace(found, expected_grade=None)]).expected_grade is None


def test_the_engine_gives_one_logit_less(model):
    values = training_values(30)
    found = cases(model, values)
    assert found.logits.shape == (30, 3)
    np.testing.assert_allclose(found.logits, np.array([12, 14, 17]) - values[:, :1], atol=1e-4)
    assert set(found.labels) == set(GRADES)


def test_a_network_with_a_logit_per_grade_is_refused(tmp_path):
    folder = make_bundle(tmp_path / "wide", grade_card(), np.zeros((3, 4)))
    with pytest.raises(BundleMismatch, match=r"logits of shape \(n, 4\).*\(n, 3\)"):
        engine.open(folder)


COLUMNS_OF_GRADES = [
    *(f"p_{name}" for name in GRADES),
    *(f"logit_{name}" for name in GRADES[:-1]),
    *("predicted", "expected_grade", "set", "abstained", "ood", "ood_reason"),
]


def test_columns_of_the_file(model, tmp_path):
    found = cases(model, training_values(6), ids=np.array(list("abcdef")))
    write_predictions(tmp_path / "a.csv", found, truth=np.array([0, 1, 2, 3, 0, 1]))
    with (tmp_path / "a.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["id", "truth", *COLUMNS_OF_GRADES]
    assert [np.float32(row["expected_grade"]) for row in rows] == np.float32(found.expected_grade).tolist()
    assert [np.float32(row["logit_moderate"]) for row in rows] == np.float32(found.logits[:, 2]).tolist()
    assert [np.float32(row["p_severe"]) for row in rows] == np.float32(found.probabilities[:, 3]).tolist()
    assert [row["truth"] for row in rows] == [GRADES[code] for code in (0, 1, 2, 3, 0, 1)]


def test_a_stream_writes_the_same_columns(model, tmp_path):
    source = write_csv(tmp_path / "rows.csv", training_values(20), names=COLUMNS)
    summary = predict_file(model, source, out=tmp_path / "out.csv")
    header = (tmp_path / "out.csv").read_text().splitlines()[0].split(",")
    assert header[-len(COLUMNS_OF_GRADES) :] == COLUMNS_OF_GRADES
    assert sum(summary.counts.values()) == 20
    assert summary.first.expected_grade is not None


def test_rounding_of_float32_does_not_undo_the_answer(model):
    table = tabulate(cases(model, training_values(200))).to_pandas()
    expected = table[[f"p_{name}" for name in GRADES]].to_numpy() @ np.arange(4)
    np.testing.assert_allclose(table["expected_grade"], expected, atol=1e-5)
    assert [GRADES[code] for code in np.ceil(expected - 0.5).astype(int)] == table["predicted"].tolist()
