"""A study of survival from a file to a run folder, and its bundle applied to new patients."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cancernet import bundle, engine, studies
from cancernet.data import FNA_FEATURES
from cancernet.errors import InvalidInput, LeakingSplit
from cancernet.report import read_estimates
from cancernet.studies import SurvivalRun, SurvivalStudy
from cancernet.survival import Coding, answer, brier_at, foretell, harrell, make_outcome

TIMES = (20.0, 40.0)


def made_frame(n: int = 240, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(n, 3)).round(6)
    death = generator.exponential(40 / np.exp(values @ [0.9, -0.5, 0.0]))
    other = generator.exponential(120, size=n)
    left = generator.uniform(5, 120, size=n)
    time = np.minimum(np.minimum(death, other), left).round(4) + 0.01
    event = np.where(death <= np.minimum(other, left), "died of it", np.where(other <= left, "died", "alive"))
    table = pd.DataFrame(values, columns=["grade", "age", "noise"])
    return table.assign(patient=[f"p{row}" for row in range(n)], months=time, status=event)


def made_study(folder: Path, frame: pd.DataFrame, **data: object) -> SurvivalStudy:
    path = folder / "cases.csv"
    frame.to_csv(path, index=False)
    fields = {
        "kind": "survival",
        "source": str(path),
        "time": "months",
        "event": "status",
        "time_unit": "months",
        "codes": {"alive": 0, "died of it": 1, "died": 2},
        "causes": ["cancer", "else"],
        "cause": "cancer",
        "group": "patient",
        "id": "patient",
    }
    study = studies.study_from(
        {
            "name": "made",
            "data": fields | data,
            "split": {"folds": 3},
            "report": {"draws": 200, "times": list(TIMES)},
            "model": {"inner_folds": 3, "tried": 6},
        }
    )
    assert isinstance(study, SurvivalStudy)
    return study


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SurvivalRun]:
    folder = tmp_path_factory.mktemp("survival")
    run = studies.train(made_study(folder, made_frame()), folder / "run")
    assert isinstance(run, SurvivalRun)
    return folder, run


def test_the_run_folder_is_whole_and_agrees_with_itself(finished: tuple[Path, SurvivalRun]) -> None:
    folder, run = finished
    place = folder / "run"
    assert {path.name for path in place.iterdir()} == {
        *("study.toml", "split.json", "history.csv", "predictions.csv", "metrics.json", "report.html"),
        *("figures", "bundle"),
    }
    content = json.loads((place / "metrics.json").read_text())
    test = read_estimates(content["test"])
    with (place / "predictions.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 240
    assert sorted(row["id"] for row in rows) == sorted(f"p{number}" for number in range(240))
    outcome, risk = run.record.forecast.outcome, np.array([float(row["risk"]) for row in rows])
    inside = [np.array([row["fold"] == str(fold) for row in rows]) for fold in range(3)]
    folds = [harrell(outcome.take(mask), risk[mask]) for mask in inside]
    assert np.mean(folds) == pytest.approx(test["concordance_harrell"].value, abs=0.02)
    for name in ("concordance_uno", "integrated_brier", "auroc_at_20", "brier_at_40", "calibration_ratio_at_40"):
        assert test[name].low < test[name].value < test[name].high  # type: ignore[operator]
    assert content["differences"]["kaplan-meier"]["concordance_uno"]["low"] > 0
    assert content["differences"]["kaplan-meier"]["integrated_brier"]["high"] < 0
    assert content["baselines"]["kaplan-meier"]["concordance_harrell"]["value"] == 0.5
    assert len(content["folds"]) == 3
    assert content["hazard_ratios"]["grade"]["low"] > 1 > content["hazard_ratios"]["age"]["high"]


def test_the_report_says_what_was_measured(finished: tuple[Path, SurvivalRun]) -> None:
    folder, run = finished
    page = (folder / "run" / "report.html").read_text()
    assert "Research use only, not a medical device" in page
    assert f"{run.record.metrics['concordance_uno'].value:.3f}" in page
    names = {path.stem for path in (folder / "run" / "figures").iterdir()}
    assert names == {
        "survival-by-risk", "predicted-and-observed", "roc-at-times", "hazard-ratios", "patients", "causes",
    }  # fmt: skip
    assert all(f'id="figure-{name}"' in page for name in names)
    assert "http-equiv" in page
    assert 'src="http' not in page


def test_the_bundle_answers_as_the_model(finished: tuple[Path, SurvivalRun]) -> None:
    folder, run = finished
    card = bundle.verify(folder / "run" / "bundle")
    part = card.survival
    assert part is not None
    assert (part.asked, card.task.classes) == (TIMES, ("free of cancer", "cancer"))
    values = run.plan.table.values[:20]
    with engine.open(folder / "run" / "bundle") as model:
        found = answer(part, model.run(values).logits, times=(5.0, 30.0))
    np.testing.assert_allclose(found.risk, run.final.model.risk(values), atol=1e-5)
    np.testing.assert_allclose(found.survival, run.final.model.survival(values, [5.0, 30.0]), atol=1e-5)
    assert card.training.seen(["p1", "p999"]) == ("p1",)


def test_new_patients_get_curves(finished: tuple[Path, SurvivalRun]) -> None:
    folder, _ = finished
    new = folder / "new.csv"
    made_frame(12, seed=9).drop(columns=["months", "status"]).assign(age=[*[0.0] * 11, 80.0]).to_csv(new, index=False)
    with engine.open(folder / "run" / "bundle") as model:
        told = foretell(model, new, times=(30.0, 10.0), out=folder / "curves.csv", id="patient")
        with pytest.raises(InvalidInput, match="Nothing is known of 4000 months"):
            foretell(model, new, times=(4000.0,), out=folder / "late.csv")
    table = pd.read_csv(folder / "curves.csv")
    assert list(table.columns) == [
        "id", "risk", "survival_10", "survival_30", "median_time", "risk_group", "ood", "ood_reason",
    ]  # fmt: skip
    assert (table.survival_10 >= table.survival_30).all()
    assert table.ood.tolist() == [*[False] * 11, True]
    assert "age" in table.ood_reason[11]
    assert (told.rows, told.times, told.ood) == (12, (10.0, 30.0), 1)
    assert table.median_time.isna().sum() == told.no_median
    assert not (folder / "late.csv").exists()


def others(folder: Path, name: str, n: int = 120, **columns: object) -> Path:
    """Write patients that no model was trained on."""
    frame = made_frame(n, seed=9).assign(patient=[f"q{row}" for row in range(n)])
    frame.assign(**columns).to_csv(folder / name, index=False)
    return folder / name


def test_a_bundle_is_tested_on_other_patients(finished: tuple[Path, SurvivalRun]) -> None:
    folder, run = finished
    source = others(folder, "others.csv")
    options = studies.EvaluateOptions(group="patient", id="patient", draws=200)
    record = studies.evaluate(folder / "run" / "bundle", source, out=folder / "other", options=options)
    frame = pd.read_csv(source)
    outcome = make_outcome(
        frame.months, frame.status, coding=Coding("months", codes={"alive": 0, "died of it": 1, "died": 2})
    ).of_cause("cause 1")
    values = frame[["grade", "age", "noise"]].to_numpy()
    expected = harrell(outcome, run.final.model.risk(values))
    assert record.metrics["concordance_harrell"].value == pytest.approx(expected, abs=1e-4)
    chances = run.final.model.survival(values, [20.0])
    found = record.metrics["brier_at_20"]
    assert found.value == pytest.approx(brier_at(outcome, chances, times=[20.0])[0], abs=1e-4)
    assert found.low < found.value < found.high  # type: ignore[operator]
    rows = pd.read_csv(folder / "other" / "predictions.csv")
    assert rows.id.tolist() == frame.patient.tolist()
    np.testing.assert_allclose(rows.survival_20, chances[:, 0], atol=1e-5)
    content = json.loads((folder / "other" / "metrics.json").read_text())
    assert content["kind"] == "evaluate"
    assert content["differences"]["kaplan-meier"]["concordance_harrell"]["low"] > 0
    page = (folder / "other" / "report.html").read_text()
    assert "Hazard ratios" not in page
    assert "None of these cases was among the training data, by group and by values." in page


def test_other_columns_units_and_a_short_follow_up_are_understood(finished: tuple[Path, SurvivalRun]) -> None:
    folder, _ = finished
    frame = made_frame(120, seed=9)
    early = np.minimum(frame.months, 25.0 + 0.001 * np.arange(120))
    died = np.where(frame.months > early, 0, (frame.status == "died of it").astype(int))
    source = others(folder, "days.csv", days=early * 365.25 / 12, death=died)
    bundle_, options = folder / "run" / "bundle", {"group": "patient", "draws": 200, "event": "death"}
    codes = {"0": 0, "1": 1}
    record = studies.evaluate(
        bundle_,
        source,
        out=folder / "days",
        options=studies.EvaluateOptions(**options, time="days", unit="days", codes=codes),
    )
    assert record.forecast.times.tolist() == [20.0]
    assert any(said.startswith("Nothing is said of 40 months: nobody here was followed") for said in record.statements)
    assert record.forecast.outcome.follow_up == pytest.approx(early.max())


@pytest.mark.parametrize(
    ("columns", "options", "error", "said"),
    [
        ({"patient": [f"p{row}" for row in range(120)]}, {}, LeakingSplit, "120 of 120 rows were in the training data"),
        ({}, {"time": "month"}, InvalidInput, "Did you mean 'months'"),
        ({"status": "lost"}, {}, InvalidInput, "'lost' in row"),
        ({}, {"unit": "month"}, InvalidInput, "unit of time"),
        ({"months": -1.0}, {}, InvalidInput, "is below zero"),
    ],
)
def test_what_cannot_be_a_test_is_said(
    finished: tuple[Path, SurvivalRun],
    columns: dict[str, object],
    options: dict[str, object],
    error: type[Exception],
    said: str,
) -> None:
    folder, _ = finished
    source = others(folder, "wrong.csv", **columns)
    asked = studies.EvaluateOptions(**({"group": "patient", "id": "patient"} | options))  # type: ignore[arg-type]
    with pytest.raises(error, match=said):
        studies.evaluate(folder / "run" / "bundle", source, out=folder / "wrong", options=asked)
    assert not (folder / "wrong").exists()


def test_the_cut_points_come_from_training_rows(finished: tuple[Path, SurvivalRun]) -> None:
    _, run = finished
    from cancernet.studies.survival.fit import fit_fold

    fit = fit_fold(run.plan, run.plan.split.folds[1])
    train = fit.model.risk(run.plan.table.values[fit.fold.train])
    np.testing.assert_allclose(fit.cuts, np.quantile(train, [1 / 3, 2 / 3]))
    np.testing.assert_array_equal(fit.cuts, run.fits[1].cuts)


def test_what_is_fitted_does_not_see_the_test_rows(tmp_path: Path) -> None:
    frame = made_frame()
    plan = studies.make_survival_plan(made_study(tmp_path, frame))
    test = plan.split.folds[0].test
    changed = frame.copy()
    changed.loc[test, "grade"] = 7.0 + np.arange(len(test))
    changed.loc[test, "months"] = frame.months[test].to_numpy()[::-1]
    other = studies.make_survival_plan(made_study(tmp_path, changed), split=plan.split)
    from cancernet.studies.survival.fit import fit_fold

    one, two = fit_fold(plan, plan.split.folds[0]), fit_fold(other, other.split.folds[0])
    np.testing.assert_array_equal(one.model.coefficients, two.model.coefficients)
    np.testing.assert_array_equal(one.cuts, two.cuts)


def test_an_elastic_net_stands_beside_ridge(tmp_path: Path) -> None:
    study = made_study(tmp_path, made_frame())
    study = study.model_copy(update={"model": study.model.model_copy(update={"l1_ratio": 0.9})})
    run = studies.run_survival(studies.make_survival_plan(study), studies.Progress())
    assert set(run.record.baselines) == {"cox", "kaplan-meier"}
    assert all(ratio.low is None for ratio in run.record.ratios)


def test_repeats_test_everybody_again(tmp_path: Path) -> None:
    study = made_study(tmp_path, made_frame(150))
    study = study.model_copy(update={"split": study.split.model_copy(update={"repeats": 2})})
    run = studies.run_survival(studies.make_survival_plan(study), studies.Progress())
    assert run.record.metrics["concordance_harrell"].n == 300
    assert run.record.metrics["concordance_harrell"].groups == 150
    assert len(run.record.first) == 150


@pytest.mark.parametrize(
    ("change", "data", "said"),
    [
        (lambda frame: frame.assign(months=-frame.months), {}, "is below zero"),
        (lambda frame: frame.assign(status="alive"), {}, "everybody is censored"),
        (lambda frame: frame.assign(age=np.nan), {}, "is missing"),
        (lambda frame: frame, {"time": "month"}, "Did you mean 'months'"),
        (lambda frame: frame, {"codes": {"alive": 0, "died of it": 1}, "causes": ["cancer"]}, "'died' in row"),
        (lambda frame: frame, {"cause": "cancr"}, "Did you mean 'cancer'"),
        (lambda frame: frame, {"group": None}, "belong to one patient"),
        (lambda frame: frame.drop(columns=["grade", "age", "noise"]), {}, "nothing to predict from"),
        (lambda frame: frame.assign(months="x"), {}, "Text 'x'"),
    ],
)
def test_what_cannot_be_a_study_is_said(tmp_path: Path, change: object, data: dict[str, object], said: str) -> None:
    study = made_study(tmp_path, change(made_frame()), **data)  # type: ignore[operator]
    with pytest.raises(InvalidInput, match=said):
        studies.make_survival_plan(study)


def test_rows_without_outcome_are_left_out_when_asked(tmp_path: Path) -> None:
    frame = made_frame(80)
    frame.loc[3, "status"], frame.loc[[5, 6], "months"] = "", np.nan
    with pytest.raises(InvalidInput, match="Nothing in"):
        studies.make_survival_plan(made_study(tmp_path, frame))
    plan = studies.make_survival_plan(made_study(tmp_path, frame, without_outcome="drop"))
    assert sorted(set(frame.patient) - set(plan.table.ids.tolist())) == ["p3", "p5", "p6"]
    assert "3 rows without a time or an event were left out." in plan.notes()


def test_nuclear_features_come_first_where_convolutions_go_over_them(tmp_path: Path) -> None:
    frame = made_frame(60)
    study = made_study(tmp_path, frame).to_dict() | {
        "model": {"name": "cox-network", "inner_folds": 2, "body": "conv1d"}
    }
    with pytest.raises(InvalidInput, match="lacks 30 of the 30 nuclear features"):
        studies.make_survival_plan(studies.study_from(study))
    names = [feature.name for feature in FNA_FEATURES]
    frame[names[::-1]] = np.random.default_rng(0).normal(size=(60, 30))
    made_study(tmp_path, frame)
    for body, settled in (("auto", "conv1d"), ("dense", "dense")):
        study["model"]["body"] = body
        plan = studies.make_survival_plan(studies.study_from(study))
        assert plan.options.body == settled  # type: ignore[union-attr]
        first = names if body == "auto" else ["grade", "age", "noise"]
        assert list(plan.table.feature_names[: len(first)]) == first


def test_a_time_past_the_follow_up_is_refused_in_the_study(tmp_path: Path) -> None:
    study = made_study(tmp_path, made_frame())
    for report, said in (({"times": (500.0,)}, "report.times holds 500"), ({"horizon": 500.0}, "report.horizon = 500")):
        late = study.model_copy(update={"report": study.report.model_copy(update={"times": (), **report})})
        with pytest.raises(InvalidInput, match=said):
            studies.make_survival_plan(late)


def test_a_patient_on_two_sides_is_refused(tmp_path: Path) -> None:
    frame = made_frame(60)
    split = studies.make_survival_plan(made_study(tmp_path, frame, id=None)).split
    frame.loc[split.folds[0].test[0], "patient"] = frame.patient[split.folds[0].train[0]]
    with pytest.raises(LeakingSplit):
        studies.make_survival_plan(made_study(tmp_path, frame, id=None), split=split)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"task": {"positive": "x"}}, "unknown key 'task.positive'"),
        ({"data": {"target": "x"}}, "no target"),
        ({"report": {"threshold": "f1"}}, "unknown key"),
        ({"model": {"l1ratio": 1}}, "Did you mean 'model.l1_ratio'"),
        ({"data": {"time_unit": "month"}}, "time_unit"),
    ],
)
def test_a_study_file_that_cannot_be_is_explained(
    tmp_path: Path, section: dict[str, dict[str, object]], said: str
) -> None:
    fields = made_study(tmp_path, made_frame(40)).to_dict()
    for name, keys in section.items():
        fields[name] = {**fields.get(name, {}), **keys}
    with pytest.raises(InvalidInput, match=said):
        studies.study_from(fields)


def test_a_study_survives_being_written(tmp_path: Path) -> None:
    study = made_study(tmp_path, made_frame(40))
    assert studies.parse_study(studies.to_toml(study)) == study


def test_a_network_stands_beside_cox_in_the_same_folds(tmp_path: Path) -> None:
    study = made_study(tmp_path, made_frame(150))
    fields = study.to_dict() | {
        "model": {"name": "cox-network", "hidden": [8], "epochs": 4, "inner_folds": 2, "stopping": "together"},
        "split": {"folds": 2},
    }
    run = studies.train(studies.study_from(fields), tmp_path / "run")
    assert isinstance(run, SurvivalRun)
    assert set(run.record.differences) == {"cox", "kaplan-meier"}
    values = run.plan.table.values[:15]
    with engine.open(tmp_path / "run" / "bundle") as model:
        part = model.card.survival
        assert part is not None
        found = answer(part, model.run(values).logits, times=(10.0, 30.0))
    np.testing.assert_allclose(found.survival, run.final.model.survival(values, [10.0, 30.0]), atol=1e-4)
    history = pd.read_csv(tmp_path / "run" / "history.csv")
    assert history.network.unique().tolist() == [1, 2]
    assert history.groupby("fold").epochs.nunique().tolist() == [1, 1]  # one epoch for all networks of a fold


@pytest.fixture(scope="module")
def competing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SurvivalRun]:
    folder = tmp_path_factory.mktemp("competing")
    fields = made_study(folder, made_frame(150), cause=None).to_dict() | {
        "model": {"name": "competing-hazards", "hidden": [8], "epochs": 6, "inner_folds": 2, "intervals": 5},
        "split": {"folds": 2},
    }
    run = studies.train(studies.study_from(fields), folder / "run")
    assert isinstance(run, SurvivalRun)
    return folder, run


def test_a_bundle_of_several_causes_is_tested_on_other_patients(competing: tuple[Path, SurvivalRun]) -> None:
    folder, run = competing
    source = others(folder, "others.csv")
    options = studies.EvaluateOptions(group="patient", id="patient", draws=200)
    record = studies.evaluate(folder / "run" / "bundle", source, out=folder / "other", options=options)
    frame = pd.read_csv(source)
    shares = run.final.model.incidence(frame[["grade", "age", "noise"]].to_numpy(), [20.0])  # type: ignore[union-attr]
    predicted = record.metrics["predicted_cancer_at_20"]
    assert predicted.value == pytest.approx(shares[:, 0, 0].mean(), abs=1e-4)
    assert {"concordance_else", "brier_else_at_40"} <= set(record.metrics)
    assert "incidence_else_20" in pd.read_csv(folder / "other" / "predictions.csv").columns


def test_several_causes_are_predicted_beside_cox_and_aalen_johansen(competing: tuple[Path, SurvivalRun]) -> None:
    folder, _ = competing
    content = json.loads((folder / "run" / "metrics.json").read_text())
    for cause in ("cancer", "else"):
        names = {f"concordance_{cause}", f"integrated_brier_{cause}", f"calibration_ratio_{cause}_at_40"}
        for found in (content["test"], *content["baselines"].values()):
            assert names <= set(found)
        assert content["differences"]["cox"][f"concordance_{cause}"]["low"] is not None
    assert content["baselines"]["kaplan-meier"]["concordance_cancer"]["value"] == 0.5
    assert content["baselines"]["cox"]["concordance_cancer"]["value"] > 0.65
    assert any(said.startswith("Cancer, where other causes may come first") for said in content["statements"])
    rows = pd.read_csv(folder / "run" / "predictions.csv")
    assert "Several causes" in (folder / "run" / "report.html").read_text()
    shares = rows.incidence_cancer_40 + rows.incidence_else_40
    np.testing.assert_allclose(shares, 1 - rows.survival_40, atol=1e-6)
    assert set(rows.event) == {0, 1, 2}


def test_a_bundle_of_several_causes_answers_as_the_model(competing: tuple[Path, SurvivalRun]) -> None:
    folder, run = competing
    new = folder / "new.csv"
    made_frame(9, seed=5).drop(columns=["months", "status"]).to_csv(new, index=False)
    with engine.open(folder / "run" / "bundle") as model:
        assert model.card.task.classes == ("free of any event", "cancer", "else")
        assert any(said.startswith("The ridge Cox model on the same columns") for said in model.card.limits)
        foretell(model, new, times=(20.0, 35.0), out=folder / "curves.csv", id="patient")
    rows = pd.read_csv(folder / "curves.csv")
    values = made_frame(9, seed=5)[["grade", "age", "noise"]].to_numpy()
    expected = run.final.model.incidence(values, [20.0, 35.0])  # type: ignore[union-attr]
    np.testing.assert_allclose(rows.incidence_else_35, expected[:, 1, 1], atol=1e-4)


@pytest.mark.parametrize(
    "data", [{"cause": "cancer"}, {"causes": ["any"], "codes": {"alive": 0, "died of it": 1, "died": 1}}]
)
def test_a_model_of_several_causes_needs_them(tmp_path: Path, data: dict[str, object]) -> None:
    study = made_study(tmp_path, made_frame(60), **({"cause": None} | data))
    fields = study.to_dict() | {"model": {"name": "competing-hazards", "inner_folds": 2}}
    with pytest.raises(InvalidInput, match="Two causes at least"):
        studies.make_survival_plan(studies.study_from(fields))


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cancernet.studies.survival import fit

    study, real, fitted = made_study(tmp_path, made_frame(120)), fit.fit_fold, []

    def stopping(plan: object, fold: object) -> object:
        if len(fitted) == 2:
            raise KeyboardInterrupt
        fitted.append(fold)
        return real(plan, fold)

    monkeypatch.setattr(fit, "fit_fold", stopping)
    with pytest.raises(KeyboardInterrupt):
        studies.train(study, tmp_path / "run")
    monkeypatch.setattr(fit, "fit_fold", lambda plan, fold: (fitted.append(fold), real(plan, fold))[1])
    studies.train(study, tmp_path / "run", resume=True)
    assert len(fitted) == 4  # two before, the third one, and that of the bundle
    whole = studies.run_survival(studies.make_survival_plan(study), studies.Progress())
    content = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert read_estimates(content["test"]) == whole.record.metrics
    assert [read_estimates(fold) for fold in content["folds"]] == list(whole.record.folds)
    assert content["hazard_ratios"]["grade"]["chosen"] == 1.0
    risk = pd.read_csv(tmp_path / "run" / "predictions.csv").risk
    np.testing.assert_allclose(risk, whole.record.forecast.risk)
    assert (tmp_path / "run" / "figures" / "patients.png").is_file()


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    fields = made_study(tmp_path, made_frame(40)).to_dict() | {"model": {"name": "deephit"}}
    with pytest.raises(InvalidInput, match="'cox-network', 'logistic-hazard' or 'competing-hazards'"):
        studies.study_from(fields)


@pytest.mark.realdata
def test_the_study_of_metabric_is_as_good_as_published(realdata: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANCERNET_DATA", str(realdata))
    path = Path(__file__).parents[2] / "studies" / "metabric.toml"
    study = studies.read_study(path, settings=["split.repeats=1", "split.folds=3", "report.draws=200"])
    assert isinstance(study, SurvivalStudy)
    record = studies.run_survival(studies.make_survival_plan(study), studies.Progress()).record
    harrell_, ratio = record.metrics["concordance_harrell"], record.metrics["calibration_ratio_at_60"]
    assert 0.61 < (harrell_.value or 0) < 0.66
    assert ratio.low < 1 < ratio.high  # type: ignore[operator]
    assert record.differences["kaplan-meier"]["integrated_brier"].high < 0  # type: ignore[operator]
    assert record.ratios[0].name == "age"
