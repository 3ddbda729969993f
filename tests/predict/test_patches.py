import csv

import numpy as np
import pytest
from PIL import Image

from cancernet import engine
from cancernet.errors import BundleMismatch, InvalidInput
from cancernet.patches import PatchOptions, image_statistics, read_patches
from cancernet.predict import answer_patches, decide, predict_patches
from engine.patchbundle import SIZE, patch_bundle, tissue


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    place = tmp_path_factory.mktemp("bundles")
    kinds = {kind: patch_bundle(place / kind, kind) for kind in ("binary", "ordinal")}
    return kinds | {"resize": patch_bundle(place / "resize", fit="resize")}


@pytest.fixture
def folder(tmp_path):
    """Twelve patches, a blank one, and three files that are no image."""
    place = tmp_path / "patches"
    place.mkdir()
    for number, image in enumerate(tissue(12, seed=4)):
        Image.fromarray(image).save(place / f"p{number:02d}.png")
    Image.fromarray(np.full((SIZE, SIZE, 3), 246, np.uint8)).save(place / "blank.png")
    (place / "torn.png").write_bytes((place / "p00.png").read_bytes()[:300])
    (place / "words.png").write_text("no picture")
    (place / "empty.png").touch()
    return place


def predicted(bundle, folder, out=None):
    with engine.open(bundle) as model:
        return predict_patches(model, read_patches(folder), out=out)


def test_every_readable_image_is_answered_and_the_others_are_named(bundles, folder, tmp_path):
    found = predicted(bundles["binary"], folder, tmp_path / "p.csv")
    assert found.rows == 13
    assert sum(found.counts.values()) == 13
    assert {fault.path.name for fault in found.faults} == {"torn.png", "words.png", "empty.png"}
    with (tmp_path / "p.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == ["blank.png", *(f"p{number:02d}.png" for number in range(12))]
    assert list(rows[0])[1:3] == ["p_benign", "p_cancer"]
    assert rows[0]["ood"] == "true"
    assert "standard deviations" in rows[0]["ood_reason"] or "combination" in rows[0]["ood_reason"]
    assert [row["ood"] for row in rows[1:]].count("true") <= 1


def test_answers_are_those_of_the_card_on_the_same_pixels(bundles, folder, tmp_path):
    with engine.open(bundles["ordinal"]) as model:
        images, found, faults = answer_patches(model, read_patches(folder))
        twin = decide(model.card, model.run(tissue(12, seed=4)).logits, values=image_statistics(tissue(12, seed=4)))
    assert len(images) == len(found) == 13
    assert len(faults) == 3
    np.testing.assert_allclose(found.probabilities[1:], twin.probabilities, atol=1e-6)
    np.testing.assert_allclose(found.expected_grade[1:], twin.expected_grade, atol=1e-5)


def test_other_sizes_are_set_aside_or_resized_as_the_card_says(bundles, folder):
    Image.fromarray(tissue(1, seed=7, size=64)[0]).save(folder / "large.png")
    refused = predicted(bundles["binary"], folder)
    assert "large.png" in {fault.path.name for fault in refused.faults}
    assert predicted(bundles["resize"], folder).rows == 14


def test_a_folder_without_any_readable_image_is_refused_and_leaves_nothing(bundles, tmp_path):
    (tmp_path / "bad").mkdir()
    for number in range(3):
        (tmp_path / "bad" / f"{number}.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(InvalidInput, match="None of the 3 images can be used"):
        predicted(bundles["binary"], tmp_path / "bad", tmp_path / "p.csv")
    assert not list(tmp_path.glob("*p.csv*"))


def test_a_bundle_of_tables_takes_no_images(folder):
    with engine.open("fna") as model, pytest.raises(BundleMismatch, match="takes rows of 30 columns, no images"):
        predict_patches(model, read_patches(folder))


def test_a_bundle_with_statistics_of_another_version_is_refused(bundles, folder):
    with engine.open(bundles["binary"]) as model:
        inputs = model.card.input.model_copy(update={"statistics": ("darkness", *model.card.input.statistics[1:-1])})
        model.card = model.card.model_copy(update={"input": inputs})
        with pytest.raises(BundleMismatch, match=r"statistics that this version does not know.*cancernet train"):
            predict_patches(model, read_patches(folder))


def test_labels_of_a_folder_are_not_looked_at(bundles, folder, tmp_path):
    for kind, name in (("one", "p00.png"), ("two", "p01.png")):
        (tmp_path / "classes" / kind).mkdir(parents=True)
        (folder / name).rename(tmp_path / "classes" / kind / name)
    with engine.open(bundles["binary"]) as model:
        found = predict_patches(model, read_patches(tmp_path / "classes", options=PatchOptions(layout="folders")))
    assert found.rows == 2
