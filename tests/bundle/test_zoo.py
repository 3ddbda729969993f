"""What is shipped: whole, small, told by a study file, and as good on the data as its card says."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from cancernet import bundle, engine, predict, studies
from cancernet.bundle import PatchInput
from cancernet.errors import LeakingSplit
from cancernet.patches import PatchOptions, read_patches
from cancernet.survival import foretell
from engine.patchbundle import tissue

STUDIES = Path(__file__).parents[2] / "studies"
PATCHES = [name for name in bundle.zoo_names() if isinstance(bundle.load_card(bundle.find(name)).input, PatchInput)]


@pytest.mark.parametrize("name", bundle.zoo_names())
def test_a_shipped_bundle_is_whole_and_made_from_its_study(name, monkeypatch):
    monkeypatch.setenv("CANCERNET_DATA", "data")
    folder = bundle.find(name)
    bundle.verify(folder)
    card, study = bundle.load_card(folder), studies.find_study(str(STUDIES / f"{name}.toml"))
    assert card.task.kind == study.task.kind
    assert (card.intended_use, card.weights_licence) == (study.intended_use, study.licence)
    assert card.limits[: len(study.limits)] == study.limits
    fitted = study.model if card.task.kind == "survival" else study.training
    assert fitted.epochs >= card.training.epochs
    assert card.training.seed == study.training.seed
    assert card.data.licence != "not stated"
    assert "/" not in card.data.source or "://" in card.data.source  # no path of the machine that trained it
    main = {
        "binary": "auroc",
        "multiclass": "macro_auroc",
        "ordinal": "quadratic_kappa",
        "segmentation": "aji",
        "survival": "concordance_harrell",
    }[card.task.kind]
    assert card.metrics[main].low is not None
    assert card.metrics[main].groups <= card.training.groups


def test_all_of_them_are_small():
    files = [path for name in bundle.zoo_names() for path in bundle.find(name).iterdir()]
    assert sum(path.stat().st_size for path in files) < 12e6


@pytest.mark.parametrize("name", PATCHES)
def test_a_shipped_network_answers_alike_in_its_engine_and_in_keras(name):
    card, folder = bundle.load_card(bundle.find(name)), bundle.find(name)
    size, images = card.input.size, tissue(48)
    images = np.pad(images, [(0, 0), *[(0, max(0, size - images.shape[1]))] * 2, (0, 0)], mode="wrap")[:, :size, :size]
    keras_logits = engine.load_keras(folder / "model.keras").predict(images, verbose=0)
    entries = engine.check_parity(
        lambda values: keras_logits[: len(values)], folder / "model.onnx", sample=images, kind=card.task.kind
    )
    assert max(entry.difference for entry in entries) < 1e-5
    assert np.ptp(keras_logits, axis=0).min() > 0.1  # it tells these images apart


@pytest.mark.realdata
@pytest.mark.skipif("idc" not in PATCHES, reason="idc is not shipped")
def test_idc_knows_its_cases_and_tells_cancer(realdata):
    """Its weights have seen these patches: better than on held-out ones, and every one of them is known to the card."""
    patches = read_patches(realdata / "idc")
    chosen = patches.take(np.arange(0, len(patches), 24))
    with engine.open("idc") as model:
        _, cases, faults = predict.answer_patches(model, chosen)
        held_out = model.card.metrics["auroc"]
    assert not faults
    assert roc_auc_score(chosen.target == "1", cases.probabilities[:, 1]) > held_out.low
    assert cases.ood.mean() < 0.05


@pytest.mark.realdata
@pytest.mark.skipif("lung" not in PATCHES, reason="lung is not shipped")
def test_lung_tells_types_in_the_words_of_its_study(realdata, monkeypatch):
    monkeypatch.setenv("CANCERNET_DATA", str(realdata))
    patches = read_patches(realdata / "lung", options=PatchOptions(target="label", group="group"))
    chosen = patches.take(np.arange(0, len(patches), 12))
    names = studies.find_study(str(STUDIES / "lung.toml")).data.labels
    with engine.open("lung") as model:
        _, cases, faults = predict.answer_patches(model, chosen)
    assert not faults
    told = np.asarray(model.card.task.classes)[cases.predicted]
    assert (told == [names[label] for label in chosen.target]).mean() > 0.95  # its weights have seen them


@pytest.mark.realdata
@pytest.mark.skipif("cytology-grade" not in PATCHES, reason="cytology-grade is not shipped")
def test_cytology_grade_ranks_cells_it_has_seen_by_their_grade(realdata):
    patches = read_patches(realdata / "herlev", options=PatchOptions(target="grade", group="group"))
    chosen = patches.take(np.arange(0, len(patches), 8))
    with engine.open("cytology-grade") as model:
        _, cases, faults = predict.answer_patches(model, chosen)
        held_out = model.card.metrics["quadratic_kappa"]
    assert not faults
    grades = chosen.target.astype(int)
    assert cohen_kappa_score(grades, cases.predicted, weights="quadratic") > held_out.value
    assert cases.ood.mean() < 0.05


@pytest.mark.realdata
@pytest.mark.skipif("recurrence" not in bundle.zoo_names(), reason="recurrence is not shipped")
def test_recurrence_knows_its_patients_and_says_what_cox_reached(realdata, tmp_path):
    source = realdata / "tabular" / "wisconsin" / "wpbc.data"
    with pytest.raises(LeakingSplit, match="198 of 198 rows were in the training data of 'recurrence'"):
        studies.evaluate("recurrence", source, out=tmp_path / "seen")
    card = bundle.load_card(bundle.find("recurrence"))
    assert card.input.names[30:] == ("tumor_size", "lymph_node_status")
    found = card.metrics["concordance_harrell"]
    assert found.high - found.low > 0.1  # 47 recurrences: the interval is wide
    assert any("The ridge Cox model on the same columns reached" in limit for limit in card.limits)
    with engine.open("recurrence") as model:
        told = foretell(model, source, times=(24.0, 60.0), out=tmp_path / "curves.csv")
    assert (told.rows, told.filled) == (198, 4)
    assert told.ood < 198 * 0.05
