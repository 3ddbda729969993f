from itertools import pairwise

import numpy as np
import pytest

from cancernet.errors import CorruptFile
from cancernet.models import CancerNet
from cancernet.training import Augmentation, Checkpoint, Known, PatchLearner, PatchTraining, execution_of
from cancernet.training.feed import PatchFeed
from cancernet.training.patches import PATCH_TOLERANCE
from training.made import assert_same_weights

SIZE, ROWS = 32, 48
TRAIN, HELD = np.arange(32), np.arange(32, ROWS)
SMALL = CancerNet(name="cancernet8", width=0.125)


def made_patches(seed: int = 0):
    """Return patches (ROWS, SIZE, SIZE, 3) uint8 of two classes, the second one darker on the whole, and codes."""
    rng = np.random.default_rng(seed)
    codes = np.arange(ROWS) % 2
    light = rng.integers(90, 256, (ROWS, SIZE, SIZE, 3))
    return (light - 60 * codes[:, None, None, None]).clip(0, 255).astype(np.uint8), codes


@pytest.fixture(scope="module")
def learner():
    images, codes = made_patches()
    options = PatchTraining(epochs=4, batch_size=8, learning_rate=0.01)
    return PatchLearner(images, Known(codes), kind="binary", classes=2, model=SMALL, options=options)


@pytest.fixture(scope="module")
def fitted(learner):
    return learner.fit(TRAIN, seed=1, watched=HELD)


def test_the_same_seed_gives_the_same_numbers(learner, fitted):
    again = learner.fit(TRAIN, seed=1, watched=HELD)
    assert_same_weights(fitted.weights, again.weights)
    assert fitted.history == again.history


def test_another_seed_gives_others(learner, fitted):
    other = learner.fit(TRAIN, seed=2)
    assert any(not np.array_equal(one, two) for one, two in zip(fitted.weights, other.weights, strict=True))
    assert "val_loss" not in other.history[0]


def test_every_epoch_is_run_and_written_down(learner, fitted):
    assert fitted.epochs == len(fitted.history) == 4
    rates = [row["learning_rate"] for row in fitted.history]
    assert rates == [learner.options.rate(epoch) for epoch in range(4)]
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]


class Stop(Exception):
    """Ends a fit in its middle."""


@pytest.mark.parametrize("epoch", [2, 4])
def test_an_interrupted_fit_goes_on_bit_for_bit(learner, fitted, tmp_path, monkeypatch, epoch):
    checkpoint, told = Checkpoint(tmp_path / "fit.npz", seconds=0), []

    def advance():
        told.append(1)
        if len(told) == epoch:
            raise Stop

    monkeypatch.setattr(learner._network, "_advance", advance)
    with pytest.raises(Stop):
        learner.fit(TRAIN, seed=1, watched=HELD, checkpoint=checkpoint)
    assert checkpoint.path.is_file()
    went_on = learner.fit(TRAIN, seed=1, watched=HELD, checkpoint=checkpoint)
    assert_same_weights(fitted.weights, went_on.weights)
    assert fitted.history == went_on.history
    checkpoint.remove()
    assert not checkpoint.path.exists()


@pytest.mark.parametrize("spoil", [lambda raw: raw[: len(raw) // 2], lambda raw: b"", lambda raw: b"x" * len(raw)])
def test_a_damaged_checkpoint_is_refused(learner, tmp_path, spoil):
    checkpoint = Checkpoint(tmp_path / "fit.npz", seconds=0)
    learner._network.fit(made_patches()[0][:8].astype(np.uint8), np.arange(8) % 2, seed=0, checkpoint=checkpoint)
    checkpoint.path.write_bytes(spoil(checkpoint.path.read_bytes()))
    with pytest.raises(CorruptFile, match="damaged"):
        checkpoint.read()


def test_nothing_is_written_before_it_is_time(learner, tmp_path):
    checkpoint = Checkpoint(tmp_path / "fit.npz", seconds=1e6)
    learner.fit(TRAIN[:8], seed=0, checkpoint=checkpoint)
    assert checkpoint.read() is None


def test_the_engine_answers_as_keras_does(learner, fitted):
    model = learner.model([fitted])
    expected = np.asarray(model.predict_on_batch(learner.images[HELD]))
    found = learner.logits([fitted], HELD, test_times=("none", "dihedral"))
    np.testing.assert_allclose(found["none"], expected, atol=0.02)
    flips = (learner.images[HELD], learner.images[HELD][:, :, ::-1])
    turned = [np.ascontiguousarray(np.rot90(flip, k, (1, 2))) for flip in flips for k in range(4)]
    mean = np.mean([model.predict_on_batch(view) for view in turned], axis=0)
    np.testing.assert_allclose(found["dihedral"], mean, atol=0.02)


def test_the_card_says_how_the_engine_runs():
    execution = execution_of(PatchTraining(precision="f32"), "dihedral")
    assert (execution.precision, execution.test_time) == ("f32", "dihedral")
    assert execution.tolerance == PATCH_TOLERANCE["f32"]


def test_a_feed_gives_fresh_patches_in_every_epoch_and_the_same_ones_for_the_same_seed():
    images, _ = made_patches()
    batches = [np.array([3, 1]), np.array([0, 2, 5])]

    def fed(seed, epoch):
        feed = PatchFeed(images, np.arange(10, 20), augmentation=Augmentation(), seed=seed)
        return list(feed.batches(batches, epoch=epoch))

    first = fed(0, 0)
    assert [len(batch) for batch in first] == [2, 3]
    for one, two in zip(first, fed(0, 0), strict=True):
        np.testing.assert_array_equal(one, two)
    assert all(not np.array_equal(one, two) for one, two in zip(first, fed(0, 1), strict=True))
    assert all(not np.array_equal(one, two) for one, two in zip(first, fed(1, 0), strict=True))


def test_a_feed_without_augmentation_gives_the_rows_of_the_pack():
    images, _ = made_patches()
    feed = PatchFeed(images, np.arange(10, 20), augmentation=Augmentation.none(), seed=0)
    found = list(feed.batches([np.array([3, 1]), np.array([9])], epoch=0))
    np.testing.assert_array_equal(found[0], images[[13, 11]])
    np.testing.assert_array_equal(found[1], images[[19]])


def test_the_rate_warms_up_and_then_falls():
    options = PatchTraining(epochs=10, warmup=2, learning_rate=0.3)
    rates = [options.rate(epoch) for epoch in range(10)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert all(before > after > 0 for before, after in pairwise(rates[2:]))


def test_auxiliary_numbers_are_learnt_besides_and_leave_with_the_training():
    """The number is the grey of the patch: after training it can be read off the features better than before."""
    images, codes = made_patches()
    numbers = images.mean(axis=(1, 2, 3), dtype=np.float64)[:, None]
    options = PatchTraining(epochs=6, batch_size=8, learning_rate=0.01, auxiliary_weight=2.0)
    learner = PatchLearner(images, Known(codes, numbers), kind="binary", classes=2, model=SMALL, options=options)
    fitted = learner.fit(TRAIN, seed=1, watched=HELD)
    again = learner.fit(TRAIN, seed=1, watched=HELD)
    assert_same_weights(fitted.weights, again.weights)
    model = learner.model([fitted])
    assert [layer.name for layer in model.layers][-1] == "logits"
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]
    error = learner._network._trained.evaluate(
        images[TRAIN], [codes[TRAIN], learner._numbers(TRAIN)], verbose=0, return_dict=True
    )
    assert error["auxiliary_loss"] < 0.7  # of standardised numbers: 1 says nothing


def test_missing_auxiliary_numbers_become_the_mean():
    images, codes = made_patches()
    numbers = np.column_stack([np.arange(ROWS, dtype=float), np.full(ROWS, 3.0)])
    numbers[5, 0] = np.nan
    learner = PatchLearner(
        images, Known(codes, numbers), kind="binary", classes=2, model=SMALL, options=PatchTraining(epochs=1)
    )
    found = learner._numbers(TRAIN)
    known = np.delete(numbers[TRAIN, 0], 5)
    np.testing.assert_allclose(np.delete(found[:, 0], 5), (known - known.mean()) / known.std(), atol=1e-5)
    assert found[5, 0] == 0
    np.testing.assert_array_equal(found[:, 1], 0)
