import numpy as np
import pytest

from cancernet import engine
from cancernet.bundle import PatchInput, PixelSize, load_card
from cancernet.errors import InvalidInput
from cancernet.geometry import VIEWS, dihedral
from cancernet.patches import STATISTICS
from engine.patchbundle import SIZE, TASKS, patch_bundle, patch_files, tissue


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A bundle of each kind of task, and a binary one that averages over views."""
    place = tmp_path_factory.mktemp("bundles")
    made = {kind: patch_bundle(place / kind, kind) for kind in TASKS}
    return made | {"turned": patch_bundle(place / "turned", test_time="dihedral")}


def keras_logits(kind, images):
    import keras

    model = keras.saving.load_model(patch_files(kind)[0], compile=False)
    return np.asarray(model.predict_on_batch(images))


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("runtime", engine.RUNTIMES)
def test_every_engine_answers_as_keras_does(folders, kind, runtime):
    images = tissue(9)
    with engine.open(folders[kind], runtime=runtime) as model:
        found = model.run(images)
    assert found.logits.shape == (9, TASKS[kind].logit_width)
    assert found.features.shape == (9, 16)
    np.testing.assert_allclose(found.logits, keras_logits(kind, images), atol=1e-5)


def test_views_are_averaged_when_the_card_says_so(folders):
    images = tissue(5)
    with engine.open(folders["turned"]) as model:
        found = model.run(images).logits
    views = [keras_logits("binary", np.ascontiguousarray(dihedral(images, view))) for view in range(VIEWS)]
    np.testing.assert_allclose(found, np.mean(views, axis=0), atol=1e-5)
    with engine.open(folders["turned"]) as model:
        np.testing.assert_allclose(model.run(np.ascontiguousarray(images[:, ::-1])).logits, found, atol=1e-5)


def test_batches_do_not_change_the_answers(folders):
    images = tissue(300)
    with engine.open(folders["binary"]) as model:
        whole = model.run(images).logits
        parts = np.concatenate([model.run(images[start : start + 7]).logits for start in range(0, 300, 7)])
        assert model.run(images[:0]).logits.shape == (0, 2)
    np.testing.assert_allclose(whole, parts, atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [tissue(2).astype(np.float32), tissue(2)[:, :31], tissue(1)[0], tissue(2)[..., :1], np.zeros((3, 30))],
)
def test_other_shapes_and_types_are_refused(folders, wrong):
    words = rf"\(n, {SIZE}, {SIZE}, 3\), uint8"
    with engine.open(folders["binary"]) as model, pytest.raises(InvalidInput, match=words):
        model.run(wrong)


def test_the_card_is_read_back(folders):
    card = load_card(folders["ordinal"])
    assert isinstance(card.input, PatchInput)
    assert card.input.shape == (SIZE, SIZE, 3)
    assert card.input.names == STATISTICS
    assert card.input.pixel_size.mpp == 0.5


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "known"},
        {"status": "unknown", "mpp": 0.5},
        {"status": "estimated", "mpp": 0.5},
        {"status": "known", "mpp": 0},
    ],
)
def test_a_resolution_that_does_not_add_up_is_refused(fields):
    with pytest.raises(ValueError, match="mpp"):
        PixelSize(**fields)
