"""Sources are joined by patient, or refused: what they answer, whom they know, what became of them, in which folds."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cancernet.errors import InvalidInput, LeakingSplit
from cancernet.fusion import Source, join, read_source
from fusion.made import CLASSES, class_run, made_people, made_training, timed_run


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return made_people()


def told(folder: Path, name: str = "first") -> Source:
    return read_source(name, bundle=folder / "bundle", predictions=folder / "predictions.csv")


@pytest.fixture(scope="module")
def first(people: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Source:
    return told(class_run(tmp_path_factory.mktemp("first"), people))


@pytest.fixture
def second(people: pd.DataFrame, tmp_path: Path):
    """Return a function that makes another source of changed patients."""

    numbers = itertools.count()

    def make(changed: pd.DataFrame = people, **changes: object) -> Source:
        return told(class_run(tmp_path / f"second-{next(numbers)}", changed, "second", **changes), "second")

    return make


def test_answers_become_ratios_of_log_probabilities_by_patient(first: Source, second, people: pd.DataFrame) -> None:
    shuffled = people.sample(frac=1, random_state=1)
    joined = join([first, second(shuffled)])
    assert joined.columns == tuple(f"{name}: {label}" for name in ("first", "second") for label in CLASSES)
    assert joined.patients.tolist() == people["group"].tolist()
    assert (joined.truth.tolist(), joined.fold.tolist()) == (people["truth"].tolist(), people["fold"].tolist())
    logs = np.log(people[[f"second_{label}" for label in CLASSES]].to_numpy())
    np.testing.assert_allclose(joined.values[:, 3:], logs - logs.mean(axis=1, keepdims=True), atol=1e-3)
    assert joined.notes == ()


def test_several_rows_of_a_patient_are_averaged(second, people: pd.DataFrame) -> None:
    other = people.assign(second_alpha=0.2, second_beta=0.5, second_gamma=0.3)
    once, twice = second(other), second(pd.concat([people, other]))
    alone = second(people)
    np.testing.assert_allclose(twice.values, (alone.values + once.values) / 2, atol=1e-9)
    with pytest.raises(InvalidInput, match="differ in 'truth'"):
        second(pd.concat([people, people.assign(truth="alpha")]))


def test_patients_that_others_do_not_know_are_left_out_and_named(first: Source, second, people: pd.DataFrame) -> None:
    joined = join([first, second(people.iloc[12:])])
    assert len(joined.patients) == 78
    assert joined.notes[0] == "12 of 90 patients are not known to all sources and are left out."
    assert joined.notes[1].startswith("second lacks 12: 'p000', 'p001'")
    assert joined.notes[1].endswith("'p009' and 2 more.")


def test_too_few_patients_in_common_are_refused(first: Source, second, people: pd.DataFrame) -> None:
    half = second(people.iloc[40:])
    with pytest.raises(InvalidInput, match="Only 50 of 90 patients are known to all") as caught:
        join([first, half])
    assert "'p009' and 30 more" in str(caught.value)
    assert len(join([first, half], overlap=0.5).patients) == 50
    with pytest.raises(InvalidInput, match="Only 0 of 180 patients"):
        join([first, second(people.assign(group="q" + people["group"]))], overlap=0.01)


def test_other_folds_leak_and_are_refused(first: Source, second, people: pd.DataFrame) -> None:
    moved = people.copy()
    moved.loc[:1, "fold"] = moved.loc[:1, "fold"] % 3 + 1
    with pytest.raises(
        LeakingSplit, match="'second' tested 2 of 90 patients in other folds than 'first': 'p000', 'p001'"
    ):
        join([first, second(moved)])
    with pytest.raises(InvalidInput, match="one held-out part"):
        join([second(people.assign(fold=1)), second(people.assign(fold=1))])


def test_other_outcomes_and_questions_are_refused(first: Source, second, people: pd.DataFrame, tmp_path: Path) -> None:
    wrong = people.copy()
    wrong.loc[3, "truth"] = "beta"
    with pytest.raises(InvalidInput, match="different outcomes of 1 patients: 'p003'"):
        join([first, second(wrong)])
    turned = class_run(tmp_path / "turned", people)
    card = (turned / "bundle" / "card.json").read_text()
    order = re.sub(r'"alpha",\s*"beta"', '"beta", "alpha"', card, count=1)
    (turned / "bundle" / "card.json").write_text(order)
    with pytest.raises(
        InvalidInput, match="'turned' answers 'beta', 'alpha', 'gamma', 'first' 'alpha', 'beta', 'gamma'"
    ):
        join([first, told(turned, "turned")])
    months, years = told(timed_run(tmp_path / "m", people)), told(timed_run(tmp_path / "y", people, unit="years"), "y")
    with pytest.raises(InvalidInput, match="the time to 'death' in years"):
        join([months, years])
    with pytest.raises(InvalidInput, match="the time to 'relapse' in months"):
        join([months, told(timed_run(tmp_path / "r", people, event="relapse"), "r")])
    with pytest.raises(InvalidInput, match="the time to 'death'"):
        join([first, months])
    later = told(timed_run(tmp_path / "l", people.assign(time=people["time"] + 1)), "l")
    with pytest.raises(InvalidInput, match="different outcomes of 90 patients"):
        join([months, later])


def test_repeats_give_their_first_draw(second, people: pd.DataFrame) -> None:
    again = pd.concat([people.assign(fold="1." + people["fold"].astype(str)), people.assign(fold="2.1")])
    source = second(again)
    assert source.repeats == 2
    assert source.fold is not None
    assert source.fold.tolist() == people["fold"].tolist()


def test_a_finished_bundle_must_not_have_seen_the_patients(first: Source, tmp_path: Path, people: pd.DataFrame) -> None:
    seen = made_training(people["group"].iloc[:4])
    for name, training in (("seen", seen), ("blind", made_training(()))):
        path = class_run(tmp_path / name, people, training=training) / "predictions.csv"
        pd.read_csv(path).drop(columns=["fold", "split", "truth"]).to_csv(path, index=False)
    with pytest.raises(LeakingSplit, match="'made' was trained on 4 of 90 patients: 'p000', 'p001', 'p002', 'p003'"):
        told(tmp_path / "seen", "seen")
    with pytest.raises(LeakingSplit, match="knows no patients"):
        told(tmp_path / "blind", "blind")
    path = class_run(tmp_path / "fresh", people) / "predictions.csv"
    pd.read_csv(path).drop(columns=["fold", "split", "truth"]).to_csv(path, index=False)
    fresh = told(tmp_path / "fresh", "fresh")
    assert fresh.fold is None
    assert len(join([first, fresh]).patients) == 90
    with pytest.raises(InvalidInput, match="No source tells folds"):
        join([fresh, fresh])


def test_files_that_are_no_predictions_are_refused(tmp_path: Path, people: pd.DataFrame) -> None:
    folder = class_run(tmp_path / "run", people)
    path = folder / "predictions.csv"
    pd.read_csv(path).rename(columns={"p_beta": "beta"}).to_csv(path, index=False)
    with pytest.raises(InvalidInput, match="lack 'p_beta'"):
        told(folder)
    pd.read_csv(path).drop(columns=["group", "id"]).to_csv(path, index=False)
    with pytest.raises(InvalidInput, match="do not name the patients"):
        told(folder)
    path.write_text("")
    with pytest.raises(InvalidInput, match="is no table"):
        told(folder)
