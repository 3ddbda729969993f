"""Studies of expression, whole: folds that choose their own genes, and a bundle that takes raw values."""

import json

import numpy as np
import pytest

from cancernet import engine, predict
from cancernet.errors import InvalidInput
from cancernet.studies import read_study, run, study_from, template, train
from cancernet.studies.tables.learners import BaselineLearner
from cancernet.studies.train import make_plan
from omics.matrices import CLASSES, counts, write_matrix, write_samples

STUDY = """name = "made"
[data]
kind = "expression"
source = "matrix.csv"
samples = "samples.csv"
id = "sample"
target = "subtype"
group = "row"
genes = 12
{data}
[split]
folds = 2
[task]
kind = "{kind}"
classes = ["low", "mid", "high"]
[model]
name = "{model}"
{more}
[training]
epochs = 6
inner_folds = 2
batch_size = 8
learning_rate = 0.02
[report]
draws = 200
"""


def write(
    folder,
    *,
    kind="multiclass",
    model="dense",
    more="units = [8]\nnoise = 0.4\ndropout = 0.1\nl2 = 0.001",
    data="",
    turned=False,
):
    """Write a study with its files; return its path, and the counts."""
    samples, genes, values, labels = counts()
    rows, columns, cells = (genes, samples, values.T) if turned else (samples, genes, values)
    write_matrix(folder / "matrix.csv", rows, columns, cells, "name")
    ages = np.arange(len(samples)) % 7 + 40
    write_samples(folder / "samples.csv", samples, labels, age=ages)
    (folder / "study.toml").write_text(STUDY.format(kind=kind, model=model, more=more, data=data))
    return folder / "study.toml", values


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run on counts: library size, logarithm, age as baseline; genes in the rows of the file."""
    folder = tmp_path_factory.mktemp("expression")
    path, values = write(folder, data="library = 1e4\nlog2_plus = 1\nmeasured = ['age']", turned=True)
    return folder, train(read_study(path), folder / "run"), values


def test_the_run_says_what_it_did(made):
    folder, finished, _ = made
    assert finished.record.metrics["accuracy"].value > 0.7
    assert set(finished.record.baselines) == {"majority", "logistic", "elasticnet", "measured"}
    assert finished.record.baselines["measured"]["accuracy"].value < 0.6
    notes = " ".join(finished.record.data_notes)
    assert "Genes stand in the rows of the file" in notes
    assert "Counts of each sample are brought to a sum of 10000." in notes
    assert "The binary logarithm of value + 1 is taken." in notes
    page = (folder / "run" / "report.html").read_text()
    assert "The elastic net on the same folds chose" in page


def test_genes_with_their_stability(made):
    folder, _, _ = made
    genes = json.loads((folder / "run" / "metrics.json").read_text())["genes"]
    assert genes["folds"] == 2
    assert {row["gene"] for row in genes["genes"][:4]} <= {f"GENE{k}" for k in range(6)}
    assert genes["genes"][0]["chosen"] == 2
    assert genes["correlation_of_weights"]["mean"] > 0.3


def test_the_bundle_takes_raw_counts(made):
    folder, finished, values = made
    with engine.open(folder / "run" / "bundle") as model:
        card = model.card
        assert (card.input.library, card.input.log2_plus, len(card.input.kept)) == (1e4, 1, 12)
        raw = predict.cases(model, values)
        logits = model.run(values).logits
        deeper = predict.cases(model, values * 3)  # as many reads three times over change nothing
    view = finished.plan.view(np.arange(60))
    keras = finished.final.model.predict(view.cohort.values.astype(np.float32), verbose=0)
    np.testing.assert_allclose(logits, keras, atol=1e-4)
    np.testing.assert_allclose(raw.probabilities, deeper.probabilities, atol=1e-5)
    assert (raw.labels == finished.plan.table.target).mean() > 0.8


def test_folds_choose_by_their_own_rows_only(made):
    _, finished, _ = made
    plan = finished.plan
    fold = plan.split.folds[0]
    cpm = plan.table.values / plan.table.values.sum(axis=1, keepdims=True) * 1e4
    spread = np.log2(cpm + 1)[fold.train].var(axis=0)
    assert set(plan.view(fold.train).chosen.kept.tolist()) == set(np.argsort(-spread)[:12].tolist())
    assert plan.view(fold.train) is plan.view(fold.train)


def test_genes_chosen_by_labels_do_not_flatter_the_rows_that_calibrate(tmp_path):
    rng = np.random.default_rng(0)
    genes, labels = [f"GENE{k}" for k in range(2_000)], np.repeat(CLASSES, 20)
    samples = [f"case-{number}" for number in range(60)]
    write(tmp_path, data='ranked_by = "anova"')
    write_matrix(tmp_path / "matrix.csv", samples, genes, rng.normal(size=(60, 2_000)), "name")  # nothing to be learnt
    write_samples(tmp_path / "samples.csv", samples, labels)
    plan = make_plan(read_study(tmp_path / "study.toml"))
    rows = plan.split.folds[0].train
    view, parts = plan.view(rows), np.array_split(np.random.default_rng(1).permutation(len(rows)), 5)
    inner = view.baseline("logistic").cross_fit(rows, parts, seed=0).logits.argmax(axis=1)
    fixed = BaselineLearner("logistic", view.cohort.values, plan.cohort.codes, classes=3)
    once = fixed.cross_fit(rows, parts, seed=0).logits.argmax(axis=1)
    assert (once == plan.cohort.codes[rows]).mean() > 0.7
    assert (inner == plan.cohort.codes[rows]).mean() < 0.55


def test_grades_in_order_by_genes_chosen_by_labels_and_answered_as_often_as_they_are_true(tmp_path):
    path, values = write(tmp_path, kind="ordinal", data='ranked_by = "anova"')
    path.write_text(path.read_text().replace("[report]", '[report]\ngrades = "matched"'))
    finished = run(read_study(path))
    assert finished.plan.task.classes == CLASSES
    assert finished.record.metrics["quadratic_kappa"].value > 0.6
    assert finished.record.baselines["majority"]["quadratic_kappa"].value == 0
    assert any("again in every inner fold" in note for note in finished.record.data_notes)
    train = finished.plan.split.folds[0].train
    view = finished.plan.view(train)
    assert not np.array_equal(view.inner(train[::2]), view.cohort.values)
    scored = finished.pooled.scored
    assert np.bincount(scored.predicted, minlength=3).min() >= 12  # of 20 each
    by_group = scored.by_group()  # groups of one row
    np.testing.assert_array_equal(by_group.predicted, scored.predicted[np.argsort(scored.groups)])
    cuts = finished.card.decision.grades
    assert (cuts.rule, len(cuts.values), scored.cuts.shape) == ("matched", 2, (60, 2))
    told = dict(finished.record.facts)["Grades"]
    assert told.endswith(f"expected grade cut at {cuts.values[0]:.2f}, {cuts.values[1]:.2f}")
    finished.save_bundle(tmp_path / "bundle")
    with engine.open(tmp_path / "bundle") as model:
        columns = [int(name.removeprefix("GENE")) for name in model.card.input.names]
        found = predict.cases(model, values[:, columns])
    assert found.expected_grade is not None
    np.testing.assert_array_equal(found.predicted, (found.expected_grade[:, None] > cuts.values).sum(axis=1))
    assert len(columns) == 12


@pytest.mark.parametrize(("model", "more"), [("linear", ""), ("conv1d", "filters = [4]\ndense = 4")])
def test_other_networks(tmp_path, model, more):
    path, _ = write(tmp_path, model=model, more=more, data="log2_plus = 1")
    assert run(read_study(path)).record.metrics["accuracy"].value > 0.6


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "ordinal", "model": "linear", "more": ""}, 'model.name = "dense"'),
        ({"data": "orientaton = 'genes'"}, "Did you mean 'data.orientation'"),
        ({"data": "measured = ['weight']"}, "lacks the column 'weight'"),
        ({"data": "detected = 1.0\nabove = 1e9"}, "passes the filters"),
    ],
)
def test_what_is_refused(tmp_path, changes, words):
    path, _ = write(tmp_path, **changes)
    with pytest.raises(InvalidInput, match=words):
        run(read_study(path))


def test_a_gap_is_refused_unless_said(tmp_path):
    path, values = write(tmp_path)
    samples, genes, _, _ = counts()
    values[3, 4] = np.nan
    write_matrix(tmp_path / "matrix.csv", samples, genes, values)
    plan = make_plan(read_study(path))
    with pytest.raises(InvalidInput, match="1 values are missing, in 1 genes"):
        plan.view(np.arange(60))
    filled = make_plan(read_study(path, settings=["data.missing=median"])).view(np.arange(60))
    assert not np.isnan(filled.cohort.values).any()


def test_the_template_is_a_study():
    import tomllib

    assert study_from(tomllib.loads(template("expression"))).data.kind == "expression"
