"""A fused bundle asked of the tables of its sources, against the same sums in NumPy."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bundle.made import made_bundle, made_card, made_outputs
from cancernet import bundle, engine
from cancernet.bundle import CHECKSUMS, Column, FusedSource, Fusion, PatchInput, TableInput
from cancernet.errors import BundleMismatch, CorruptFile, InvalidInput
from cancernet.files import sha256
from cancernet.fusion import ask_sources, foretell_fused, log_ratios, predict_fused, tables_by_name
from cancernet.fusion.answer import _of_table
from cancernet.predict import fit_novelty
from cancernet.tasks import softmax
from fusion.made import CLASSES, made_training, timed_card, write_by_hand

NAMES = ("one", "two", "three", "four")


def fusion_part(sources: dict[str, Path], columns: dict[str, tuple[str, ...]]) -> Fusion:
    return Fusion(
        sources=tuple(
            FusedSource(name=name, columns=columns[name], sha256=sha256(folder / CHECKSUMS))
            for name, folder in sources.items()
        )
    )


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fusion of two sources that tell three classes."""
    folder = tmp_path_factory.mktemp("fused")
    values = np.random.default_rng(0).normal(size=(50, 4))
    card = made_card(NAMES, CLASSES, training=made_training())
    strict = card.decision.model_copy(update={"novelty": fit_novelty(values, rows="50 rows")})
    sources = {
        "rna": made_bundle(folder / "a", card.model_copy(update={"decision": strict})),
        "protein": made_bundle(folder / "b", card),
    }
    columns = {name: tuple(f"{name}: {label}" for label in CLASSES) for name in sources}
    both = tuple(name for part in columns.values() for name in part)
    whole = made_card(both, CLASSES, training=made_training(), fusion=fusion_part(sources, columns))
    write_by_hand(folder / "fused", whole, logits=3, sources=sources)
    return folder / "fused"


def table(path: Path, patients: list[str], seed: int) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(len(patients), 4)).round(4)
    pd.DataFrame(values, columns=NAMES).assign(id=patients).to_csv(path, index=False)
    return values


def ratios(values: np.ndarray) -> np.ndarray:
    return log_ratios(made_card(NAMES, CLASSES), softmax(made_outputs(values, 4, 3)[0]))


def test_sources_answer_their_tables_and_are_joined_by_patient(fused: Path, tmp_path: Path) -> None:
    one = table(tmp_path / "rna.csv", ["c", "a", "b"], 1)
    two = table(tmp_path / "protein.csv", ["b", "c", "d", "a"], 2)
    out = tmp_path / "out.csv"
    with engine.open(fused) as model:
        found = predict_fused(model, [tmp_path / "rna.csv", tmp_path / "protein.csv"], out=out)
    joined = np.hstack([ratios(one)[[1, 2, 0]], ratios(two)[[3, 0, 1]]])
    expected = softmax(made_outputs(joined, 6, 3)[0])
    told = pd.read_csv(out)
    assert told["id"].tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(told[[f"p_{label}" for label in CLASSES]], expected, atol=1e-4)
    assert found.notes[0] == "1 of 4 patients are not known to all sources and are left out."
    assert found.notes[1] == "rna lacks 1: 'd'."


def test_a_patient_unlike_the_training_rows_of_one_source_is_abstained_from(fused: Path, tmp_path: Path) -> None:
    one = table(tmp_path / "rna.csv", ["a", "b"], 1)
    far = pd.DataFrame(one + np.array([[0.0], [40.0]]), columns=NAMES).assign(id=["a", "b"])
    far.to_csv(tmp_path / "rna.csv", index=False)
    table(tmp_path / "protein.csv", ["a", "b"], 2)
    with engine.open(fused) as model:
        found = predict_fused(model, [tmp_path / "rna.csv", tmp_path / "protein.csv"], out=tmp_path / "out.csv")
    told = pd.read_csv(tmp_path / "out.csv")
    assert (told["ood"].tolist(), told["abstained"].tolist()) == ([False, True], [False, True])
    assert told["ood_reason"][1].startswith("rna: ")
    assert found.ood == 1


def test_one_table_serves_all_and_several_rows_are_averaged(fused: Path, tmp_path: Path) -> None:
    values = table(tmp_path / "all.csv", ["a", "b", "a"], 3)
    with engine.open(fused) as model:
        found = ask_sources(model, [tmp_path / "all.csv"])
    each = ratios(values)
    np.testing.assert_allclose(found.values[0], np.tile((each[0] + each[2]) / 2, 2), atol=1e-4)


def test_a_source_of_images_is_told_by_its_own_predictions(fused: Path, tmp_path: Path) -> None:
    shares = pd.DataFrame({"p_alpha": [0.7, 0.5, 0.1], "p_beta": [0.2, 0.3, 0.1], "p_gamma": [0.1, 0.2, 0.8]})
    shares.assign(id=["1.png", "2.png", "3.png"], group=["b", "b", "a"]).to_csv(tmp_path / "told.csv", index=False)
    images = PatchInput(size=32, statistics=("grey",))
    with engine.open(fused / "sources" / "rna") as source:
        source.card = source.card.model_copy(update={"input": images})
        said = _of_table(source, tmp_path / "told.csv", id=None, numbered=False)
    logs = np.log(shares.to_numpy())
    each = logs - logs.mean(axis=1, keepdims=True)
    assert said.patients.tolist() == ["a", "b"]
    np.testing.assert_allclose(said.values, [each[2], (each[0] + each[1]) / 2], atol=1e-9)


def test_tables_are_named_or_in_order(fused: Path, tmp_path: Path) -> None:
    part = bundle.load_card(fused).fusion
    assert part is not None
    swapped = tables_by_name(part, ["protein=p.csv", "rna=r.csv"])
    assert swapped == {"rna": Path("r.csv"), "protein": Path("p.csv")}
    assert tables_by_name(part, ["r.csv", "p.csv"]) == swapped
    assert tables_by_name(part, ["x.csv"]) == {"rna": Path("x.csv"), "protein": Path("x.csv")}
    with pytest.raises(InvalidInput, match="Did you mean 'protein'"):
        tables_by_name(part, ["protien=p.csv", "rna=r.csv"])
    with pytest.raises(InvalidInput, match="3 files for the 2 sources 'rna', 'protein'"):
        tables_by_name(part, ["a.csv", "b.csv", "c.csv"])


def test_tables_that_cannot_be_joined_are_refused(fused: Path, tmp_path: Path) -> None:
    table(tmp_path / "rna.csv", ["a", "b", "c"], 1)
    table(tmp_path / "protein.csv", ["x", "y", "z"], 2)
    given = [tmp_path / "rna.csv", tmp_path / "protein.csv"]
    with engine.open(fused) as model:
        with pytest.raises(InvalidInput, match="Only 0 of 6 patients"):
            ask_sources(model, given)
        pd.read_csv(given[1]).drop(columns="id").to_csv(given[1], index=False)
        with pytest.raises(InvalidInput, match="does not name its patients"):
            ask_sources(model, given)
    with engine.open(fused / "sources" / "rna") as model, pytest.raises(BundleMismatch, match="is no fusion"):
        ask_sources(model, given)


def test_a_changed_source_is_found(fused: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(fused, copy)
    inside = copy / "sources" / "rna"
    (inside / "card.json").write_text((inside / "card.json").read_text().replace("Tests.", "Other."))
    with pytest.raises(CorruptFile, match="differs from its checksum"):
        bundle.verify(copy)
    shutil.rmtree(inside)
    shutil.copytree(fused / "sources" / "protein", inside)
    with pytest.raises(CorruptFile, match="is not the bundle that 'made' was made of"):
        bundle.verify(copy)
    shutil.rmtree(inside)
    with pytest.raises(CorruptFile, match=r"holds no 'card\.json'"):
        bundle.verify(copy)


def test_survival_is_foretold_from_the_risks_of_the_sources(tmp_path: Path) -> None:
    card = timed_card()
    sources = {name: write_by_hand(tmp_path / name / "bundle", card, logits=1) for name in ("clinical", "genes")}
    part = fusion_part(sources, {name: (name,) for name in sources})
    columns = TableInput(columns=tuple(Column(name=name) for name in sources))
    whole = timed_card().model_copy(update={"input": columns, "fusion": part, "name": "both"})
    write_by_hand(tmp_path / "both", whole, logits=1, sources=sources)
    one = table(tmp_path / "clinical.csv", ["a", "b"], 1)
    two = table(tmp_path / "genes.csv", ["b", "a"], 2)
    with engine.open(tmp_path / "both") as model:
        given = [tmp_path / "clinical.csv", tmp_path / "genes.csv"]
        found = foretell_fused(model, given, times=(20.0,), out=tmp_path / "out.csv")
    risks = np.hstack([made_outputs(one, 4, 1)[0], made_outputs(two, 4, 1)[0][::-1]])
    expected = made_outputs(risks, 2, 1)[0][:, 0]
    told = pd.read_csv(tmp_path / "out.csv")
    np.testing.assert_allclose(told["risk"], expected, atol=1e-4)
    np.testing.assert_allclose(told["survival_20"], np.exp(-0.1 * np.exp(expected)), atol=1e-4)
    assert (told["id"].tolist(), found.rows) == (["a", "b"], 2)


def test_a_card_of_a_fusion_holds_its_parts_together() -> None:
    part = FusedSource(name="rna", columns=("rna: a",), sha256="0" * 64)
    with pytest.raises(ValueError, match="repeat a name"):
        Fusion(sources=(part, part))
    other = part.model_copy(update={"name": "protein", "columns": ("protein: a",)})
    with pytest.raises(ValueError, match="takes the answers of its sources"):
        made_card(("protein: a", "rna: a"), fusion=Fusion(sources=(part, other)))
