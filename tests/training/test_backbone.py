"""A user's extractor is opened safely, and fitted: frozen bits stay, seeds hold, an interrupted fit goes on."""

import hashlib
import zipfile

import numpy as np
import pytest

from cancernet.engine import load_network
from cancernet.errors import CorruptFile, InvalidInput
from cancernet.models import Backbone, keras_library
from cancernet.training import Checkpoint, Known, PatchLearner, PatchTraining, execution_of, open_backbone
from engine.patchbundle import tissue
from models.extractors import plain, residual, saved
from training.made import assert_same_weights

ROWS = np.arange(24)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return saved(residual(), tmp_path_factory.mktemp("backbone") / "extractor.keras")


def made_learner(file, *, training=None, **options):
    """Return a learner of two classes, the second one darker."""
    codes = ROWS % 2
    images = (tissue(len(ROWS)).astype(int) - 40 * codes[:, None, None, None]).clip(0, 255).astype(np.uint8)
    backbone = open_backbone(Backbone(backbone=str(file), **options))
    chosen = PatchTraining(
        **{"epochs": 3, "batch_size": 8, "learning_rate": 0.01, "weight_decay": 0.1, **(training or {})}
    )
    return PatchLearner(images, Known(codes), kind="binary", classes=2, model=backbone, options=chosen)


@pytest.fixture(scope="module")
def frozen(file):
    return made_learner(file, scale="-1..1")


@pytest.fixture(scope="module")
def fine(file):
    return made_learner(file, frozen=False)


@pytest.fixture(scope="module")
def fitted(frozen):
    return frozen.fit(ROWS, seed=1)


@pytest.fixture(scope="module")
def fine_fitted(fine):
    return fine.fit(ROWS, seed=1)


def copied_weights(model):
    """Return the weights of the layers that come from the extractor, moving statistics too."""
    ours = ("features", "logits")
    return [np.array(value) for layer in model.layers if layer.name not in ours for value in layer.get_weights()]


def bits(weights):
    return sorted(np.asarray(value).tobytes() for value in weights)


def test_frozen_weights_keep_every_bit_whatever_the_weight_decay(file, frozen, fitted):
    stored = bits(open_backbone(Backbone(backbone=str(file))).extractor.get_weights())
    model = frozen.model([fitted])
    assert bits(copied_weights(model)) == stored
    assert bits(frozen._network.model.get_weights()) == bits(fitted.weights)
    fresh = frozen._network._build()
    assert not np.array_equal(model.get_layer("features").kernel, fresh.get_layer("features").kernel)
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]


def test_fine_tuning_changes_all_weights_and_the_moving_statistics(file, fine, fine_fitted):
    start = copied_weights(fine._network._build())
    assert bits(start) == bits(open_backbone(Backbone(backbone=str(file))).extractor.get_weights())
    model = fine.model([fine_fitted])
    normalisation = {value.tobytes() for value in model.get_layer("backbone_rescaling").get_weights()}
    for before, after in zip(start, copied_weights(model), strict=True):
        assert before.tobytes() in normalisation or not np.array_equal(before, after)


@pytest.mark.parametrize("way", ["frozen", "fine"])
def test_the_same_seed_gives_the_same_weights_and_another_one_another_head(way, request):
    learner = request.getfixturevalue(way)
    first = request.getfixturevalue("fitted" if way == "frozen" else "fine_fitted")
    again, other = learner.fit(ROWS, seed=1), learner.fit(ROWS, seed=2)
    assert_same_weights(first.weights, again.weights)
    heads = [learner.model([fit]).get_layer("features").get_weights()[0] for fit in (first, other)]
    assert not np.array_equal(*heads)


class Stop(Exception):
    """Ends a fit in its middle."""


@pytest.mark.parametrize("way", ["frozen", "fine"])
def test_an_interrupted_fit_goes_on_bit_for_bit(way, request, tmp_path, monkeypatch):
    learner = request.getfixturevalue(way)
    whole = request.getfixturevalue("fitted" if way == "frozen" else "fine_fitted")
    checkpoint, told = Checkpoint(tmp_path / "fit.npz", seconds=0), []

    def advance():
        told.append(1)
        if len(told) == 2:
            raise Stop

    monkeypatch.setattr(learner._network, "_advance", advance)
    with pytest.raises(Stop):
        learner.fit(ROWS, seed=1, checkpoint=checkpoint)
    assert checkpoint.path.is_file()
    went_on = learner.fit(ROWS, seed=1, checkpoint=checkpoint)
    assert_same_weights(whole.weights, went_on.weights)
    assert whole.history == went_on.history


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_the_engine_answers_as_keras_does(fine, fine_fitted, precision):
    model = fine.model([fine_fitted])
    expected = np.asarray(model.predict_on_batch(fine.images))
    with load_network(model, execution_of(PatchTraining(precision=precision))) as engine:
        found = engine.run(fine.images).logits
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(found, expected, atol=1e-5 if precision == "f32" else 0.03)


def test_mixed_precision_trains_and_the_engine_takes_it(file):
    learner = made_learner(file, frozen=False, training={"mixed_bfloat16": True, "epochs": 1})
    fit = learner.fit(ROWS, seed=1)
    assert learner._network.model.get_layer("last").compute_dtype == "bfloat16"
    expected = np.asarray(learner.model([fit]).predict_on_batch(learner.images))
    np.testing.assert_allclose(learner.logits([fit], ROWS)["none"], expected, atol=0.05)


def test_what_is_opened_is_known_by_its_content(file):
    opened = open_backbone(Backbone(backbone=str(file)))
    assert opened.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    opened.check_size(32)


def _lambda(path):
    keras = keras_library()
    saved(keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Lambda(lambda tensor: tensor * 2)]), path)


def _torn(path):
    whole = saved(plain(), path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _other_weights(path):
    """Write the layers of one extractor with the weights of another."""
    with zipfile.ZipFile(saved(plain(), path.with_name("one.keras"))) as one:
        parts = {name: one.read(name) for name in one.namelist()}
    with zipfile.ZipFile(saved(residual(), path.with_name("two.keras"))) as two:
        parts["model.weights.h5"] = two.read("model.weights.h5")
    with zipfile.ZipFile(path, "w") as mixed:
        for name, content in parts.items():
            mixed.writestr(name, content)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (_lambda, r"holds 'keras.layers.Lambda', which is not a stock layer"),
        (_torn, "is no Keras file"),
        (_other_weights, "Keras cannot open"),
        (lambda path: path.write_text("no zip"), "is no Keras file"),
        (lambda path: saved(keras_library().Sequential([keras_library().layers.Dense(1)]), path), "no inputs"),
    ],
)
@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built:UserWarning")
def test_files_that_cannot_be_used_are_refused(tmp_path, write, words):
    path = tmp_path / "bad.keras"
    write(path)
    with pytest.raises((CorruptFile, InvalidInput), match=rf"backbone.*{words}") as caught:
        open_backbone(Backbone(backbone=str(path)))
    assert caught.value.expected
    assert caught.value.todo
    assert "bundle" not in str(caught.value)


@pytest.mark.parametrize("name", ["nowhere.keras", "."])
def test_a_file_that_is_not_there_is_told(tmp_path, name):
    with pytest.raises(InvalidInput, match=r"There is no backbone '.*\[model\] backbone"):
        open_backbone(Backbone(backbone=str(tmp_path / name)))
