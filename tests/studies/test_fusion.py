"""A study of several runs from a file to a run folder, against the same stack in plain code; and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from bundle.made import made_bundle, made_card
from cancernet import bundle, engine, studies
from cancernet.cli.train import summary
from cancernet.errors import InvalidInput, LeakingSplit
from cancernet.files import sha256
from cancernet.fusion import ask_sources, fit_stack, join, mean_weights, predict_fused, read_source
from cancernet.report import read_estimates
from cancernet.studies import FusionStudy, Run, SurvivalRun, parse_study, template
from cancernet.survival import Coding, CoxOptions, fit_cox, harrell, make_outcome
from fusion.made import CLASSES, class_run, made_people, made_training, timed_run, write_by_hand

NAMES = ("one", "two", "three", "four")


def fusion_study(folder: Path, **data: object) -> FusionStudy:
    """Return a study of the runs `first` and `second` of a folder."""
    sources = {name: str(folder / name) for name in ("first", "second")}
    study = studies.study_from(
        {
            "name": "fused",
            "data": {"kind": "fusion", "sources": sources} | data,
            "model": {"penalty": 0.01},
            "training": {"inner_folds": 2},
            "report": {"draws": 200},
        }
    )
    assert isinstance(study, FusionStudy)
    return study


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return made_people(150, seed=0)


@pytest.fixture(scope="module")
def told(people: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    """A finished fusion of two sources that tell classes."""
    folder = tmp_path_factory.mktemp("fusion")
    for hint in ("first", "second"):
        class_run(folder / hint, people, hint)
    run = studies.train(fusion_study(folder), folder / "run")
    assert isinstance(run, Run)
    return folder, run


@pytest.fixture(scope="module")
def timed(people: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SurvivalRun]:
    """A finished fusion of two sources of survival."""
    folder = tmp_path_factory.mktemp("timed")
    for hint in ("first", "second"):
        timed_run(folder / hint, people, hint)
    run = studies.train(fusion_study(folder), folder / "run")
    assert isinstance(run, SurvivalRun)
    return folder, run


def joined_of(folder: Path):
    return join(
        [
            read_source(name, bundle=folder / name / "bundle", predictions=folder / name / "predictions.csv")
            for name in ("first", "second")
        ]
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_each_fold_is_answered_by_a_stack_that_has_not_seen_it(told: tuple[Path, Run]) -> None:
    folder, _ = told
    joined, rows = joined_of(folder), {row["id"]: row for row in rows_of(folder / "run" / "predictions.csv")}
    codes = np.array([CLASSES.index(label) for label in joined.truth])
    for fold in (1, 2, 3):
        train, test = joined.fold != fold, joined.fold == fold
        stack = fit_stack(
            joined.values[train],
            codes[train],
            centre=mean_weights(joined.places, 3),
            groups=joined.patients[train],
            options=studies.FusionStudy.model_fields["model"].default.model_copy(update={"penalty": 0.01}),
        )
        written = [[float(rows[name][f"logit_{label}"]) for label in CLASSES] for name in joined.patients[test]]
        assert {rows[name]["fold"] for name in joined.patients[test]} == {str(fold)}
        np.testing.assert_allclose(written, stack.logits(joined.values[test]), atol=1e-4)


def test_the_gain_over_the_best_source_is_stated(told: tuple[Path, Run], people: pd.DataFrame) -> None:
    folder, run = told
    content = json.loads((folder / "run" / "metrics.json").read_text())
    shares = people[[f"first_{label}" for label in CLASSES]].to_numpy()
    codes = np.array([CLASSES.index(label) for label in people["truth"]])
    first = read_estimates(content["baselines"]["first"])["macro_f1"]
    assert first.value == pytest.approx(f1_score(codes, shares.argmax(axis=1), average="macro"), abs=1e-6)
    assert set(content["differences"]) == {"first", "second", "equal weights", "majority"}
    best = max(("first", "second"), key=lambda name: content["baselines"][name]["macro_f1"]["value"])
    loss = read_estimates(content["differences"][best])["nll"]
    assert (loss.high or 0) < 0, "two independent hints tell more than one"
    said = run.record.statements[0]
    assert said.startswith("The stack is better in ")
    assert "Log loss" in said.partition(" than ")[0]
    assert f"stack minus {best}" in said
    assert run.record.synthetic
    assert run.card.data.synthetic, "what was learnt from simulated sources is simulated"
    assert "The models whose answers it learns from did see it" in (folder / "run" / "report.html").read_text()


def test_the_command_line_shows_a_line_for_each_model(told: tuple[Path, Run]) -> None:
    folder, run = told
    shown = summary(run.record, folder / "run")
    for name in ("stack", "first", "second", "equal weights", "stack minus first", "stack minus second"):
        assert f"\n  {name} " in shown
    assert "stack minus majority" not in shown


def test_the_bundle_holds_its_sources_and_answers(told: tuple[Path, Run], tmp_path: Path) -> None:
    folder, run = told
    card = bundle.verify(folder / "run" / "bundle")
    assert card.fusion is not None
    assert card.fusion.names == ("first", "second")
    assert card.training.seen(["p000", "elsewhere"]) == ("p000",)
    values = np.random.default_rng(5).normal(size=(7, 4)).round(4)
    pd.DataFrame(values, columns=NAMES).assign(id=list("abcdefg")).to_csv(tmp_path / "new.csv", index=False)
    with engine.open(folder / "run" / "bundle") as model:
        asked = ask_sources(model, [tmp_path / "new.csv"])
        predict_fused(model, [tmp_path / "new.csv"], out=tmp_path / "out.csv")
    logits = run.final.model.predict(asked.values.astype(np.float32), verbose=0)
    rows = rows_of(tmp_path / "out.csv")
    written = [[float(row[f"logit_{label}"]) for label in CLASSES] for row in rows]
    np.testing.assert_allclose(written, logits, atol=1e-4)


def test_patients_that_a_source_has_seen_are_not_evaluated(told: tuple[Path, Run], tmp_path: Path) -> None:
    folder, _ = told
    generator = np.random.default_rng(1)

    def table(patients: list[str]) -> Path:
        frame = pd.DataFrame(generator.normal(size=(len(patients), 4)), columns=NAMES)
        labels = [CLASSES[place % 3] for place in range(len(patients))]
        frame.assign(id=patients, label=labels).to_csv(tmp_path / "rows.csv", index=False)
        return tmp_path / "rows.csv"

    options = studies.EvaluateOptions(target="label", draws=200)
    new = [f"n{row}" for row in range(29)]
    for seen in ("p003", "elsewhere"):  # of the stack, and of its sources
        with pytest.raises(LeakingSplit, match=f"1 of 30 rows were in the training data of 'fused', .*'{seen}'"):
            studies.evaluate(folder / "run" / "bundle", [table([seen, *new])], out=tmp_path / "e", options=options)
    record = studies.evaluate(folder / "run" / "bundle", [table(new)], out=tmp_path / "e", options=options)
    assert record.metrics["accuracy"].n == 29
    assert record.statements[0].startswith("No source had one of these cases in training, by the names")
    assert len(rows_of(tmp_path / "e" / "predictions.csv")) == 29


def test_survival_is_stacked_fold_by_fold(timed: tuple[Path, SurvivalRun]) -> None:
    folder, run = timed
    joined, rows = joined_of(folder), {row["id"]: row for row in rows_of(folder / "run" / "predictions.csv")}
    outcome = make_outcome(joined.time, joined.truth.astype(int), coding=Coding("months"))
    train, test = np.flatnonzero(joined.fold != 2), np.flatnonzero(joined.fold == 2)
    model = fit_cox(joined.values[train], outcome.take(train), options=CoxOptions(penalty=0.01))
    written = [float(rows[name]["risk"]) for name in joined.patients[test]]
    np.testing.assert_allclose(written, model.risk(joined.values[test]), atol=1e-6)
    content = json.loads((folder / "run" / "metrics.json").read_text())
    found = {name: content["baselines"][name]["concordance_harrell"]["value"] for name in ("first", "second")}
    for place, name in enumerate(found):
        folds = [np.flatnonzero(joined.fold == fold) for fold in (1, 2, 3)]
        each = [harrell(outcome.take(rows), joined.values[rows, place]) for rows in folds]
        assert found[name] == pytest.approx(np.mean(each), abs=0.02)
    assert content["test"]["concordance_harrell"]["value"] > max(found.values()) + 0.02
    assert set(content["baselines"]) == {"first", "second", "kaplan-meier"}
    assert run.record.statements[0].startswith("Simulated: ")  # the cards by hand say so
    assert run.record.statements[1].startswith("The stack is better in ")
    assert run.card.data.synthetic
    assert read_estimates(content["test"]).keys() >= {"integrated_brier", "auroc_at_20", "brier_at_40"}


def test_the_bundle_of_survival_holds_its_sources(timed: tuple[Path, SurvivalRun]) -> None:
    folder, _ = timed
    card = bundle.verify(folder / "run" / "bundle")
    assert card.fusion is not None
    assert card.fusion.columns == card.input.names == ("first", "second")
    assert card.survival is not None
    assert card.survival.asked == (20.0, 40.0)
    assert card.training.row_hashes == ()
    with pytest.raises(InvalidInput, match="has a plan of its own"):
        studies.run(fusion_study(folder))
    again = studies.read_study(folder / "run" / "study.toml")
    assert isinstance(again, FusionStudy)


def test_the_template_can_be_used() -> None:
    study = parse_study(template("fusion"))
    assert isinstance(study, FusionStudy)
    assert study.model.penalty is None
    shown = template("fusion")
    for section in ("data", "model", "training", "report"):
        form = type(getattr(study, section))
        own = set(form.model_fields) - {"source", "target", "group"}
        assert [name for name in own if f"{name} = " not in shown] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sources": {"one": "a"}}, "data.sources"),
        ({"sources": {"a/b": "x", "c": "y"}}, "cannot name a source"),
        ({"target": "label"}, "a fusion has no target"),
        ({"overlap": 0}, "data.overlap"),
    ],
)
def test_a_study_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        fusion_study(tmp_path, **change)


def test_folds_and_runs_that_are_not_there_are_refused(tmp_path: Path, people: pd.DataFrame) -> None:
    text = 'name = "x"\n[data]\nkind = "fusion"\nsources = { a = "r/a", b = "r/b" }\n'
    with pytest.raises(InvalidInput, match="has the folds of its sources"):
        parse_study(text + "[split]\nfolds = 3\n")
    with pytest.raises(InvalidInput, match=r"Source 'first': .* holds no 'bundle', 'predictions\.csv'"):
        studies.train(fusion_study(tmp_path), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.realdata
def test_patients_of_both_wisconsin_tables_are_found_by_name(realdata: Path, tmp_path: Path) -> None:
    """Of the patients of WPBC 139 are in WDBC too."""
    wisconsin = realdata / "tabular" / "wisconsin"
    diagnosed, followed = (
        [line.split(",")[0] for line in (wisconsin / name).read_text().split()] for name in ("wdbc.data", "wpbc.data")
    )
    made_bundle(tmp_path / "bundle", made_card(training=made_training(diagnosed)))
    pd.DataFrame({"id": followed, "p_B": 0.5, "p_M": 0.5}).to_csv(tmp_path / "told.csv", index=False)
    with pytest.raises(LeakingSplit, match="'made' was trained on 139 of 198 patients: '"):
        read_source("fna", bundle=tmp_path / "bundle", predictions=tmp_path / "told.csv")


@pytest.mark.realdata
def test_a_fusion_with_fna_is_not_evaluated_on_rows_that_fna_has_seen(realdata: Path, tmp_path: Path) -> None:
    """The card of `fna` knows no names, but the rows: 156 of the 198 of WPBC are among its training rows."""
    path = realdata / "tabular" / "wisconsin" / "wpbc.data"
    card = made_card(("tumor_size", *bundle.load_card(bundle.find("fna")).input.names[:3]), training=made_training())
    sources = {"fna": bundle.find("fna"), "size": made_bundle(tmp_path / "size", card)}
    part = bundle.Fusion(
        sources=tuple(
            bundle.FusedSource(name=name, columns=(f"{name}: M",), sha256=sha256(folder / bundle.CHECKSUMS))
            for name, folder in sources.items()
        )
    )
    whole = made_card(part.columns, fusion=part, training=made_training())
    write_by_hand(tmp_path / "fused", whole, logits=2, sources=sources)
    options = studies.EvaluateOptions(draws=200)
    with pytest.raises(LeakingSplit, match="156 of 198 rows were in the training data of 'made'"):
        studies.evaluate(tmp_path / "fused", [path], out=tmp_path / "e", options=options)
