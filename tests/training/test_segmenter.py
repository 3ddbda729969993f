"""A segmenter learns drawn nuclei; its crops keep image and targets together; its loss by hand."""

import numpy as np
import pytest

from cancernet.bundle import Outlining
from cancernet.errors import BundleMismatch
from cancernet.models import Segmenter
from cancernet.training import Augmentation, SegmenterLearner, SegmenterTraining, make_targets, prepare_scene
from cancernet.training.scenes import draw_crops
from cancernet.training.segmenter import segmentation_loss
from cells.fieldbundle import drawn_nuclei, field_bundle

NETWORK = Segmenter(widths=(8, 16))
QUICK = SegmenterTraining(epochs=6, crops=48, crop=32, tile=64, margin=8, zoom=0.0, learning_rate=1e-2)


def made_scene(seed=0, *, zoom=0.0):
    labels, nucleus, _ = drawn_nuclei(96, 128, count=20, seed=seed)
    rng = np.random.default_rng(seed)
    colour = np.array([230, 180, 210]) * (1 - nucleus[..., None]) + np.array([90, 60, 150]) * nucleus[..., None]
    image = (colour + rng.normal(0, 8, colour.shape)).clip(0, 255).astype(np.uint8)
    return image, labels, prepare_scene(image, make_targets(labels > 0, labels, count=2), scale=1.0, zoom=zoom)


def test_crops_keep_image_and_targets_together():
    """Without changes of colour, what is dark is what the target calls nucleus, whatever the turn and the scale."""
    scene = made_scene(zoom=0.25)[2]
    plain = QUICK.model_copy(
        update={"augmentation": Augmentation.none().model_copy(update={"dihedral": True}), "crop": 48}
    )
    for images, targets in draw_crops([scene], plain, batches=[6, 2], seed=4):
        assert images.shape[1:] == (48, 48, 3)
        assert targets.shape == (*images.shape[:3], 2)
        assert ((images[..., 1] < 120) == (targets[..., 0] > 127)).mean() > 0.98


def test_crops_are_the_same_for_the_same_seed_and_larger_than_a_small_image():
    scene = made_scene()[2]
    first, again, other = (
        next(draw_crops([scene], QUICK.model_copy(update={"crop": 160, "clutter": 0.5}), batches=[2], seed=seed))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first[0], again[0])
    assert first[0].shape == (2, 160, 160, 3)
    assert (first[0] != other[0]).any()


def test_it_learns_to_outline_drawn_nuclei():
    from cancernet.cells import outline
    from cancernet.metrics import instance_scores

    learner = SegmenterLearner(NETWORK, QUICK, maps=2)
    fitted = learner.fit([made_scene(seed)[2] for seed in range(3)], seed=1)
    assert [row["epoch"] for row in fitted.history] == [1, 2, 3, 4, 5, 6]
    assert fitted.history[-1]["loss"] < 0.6 * fitted.history[0]["loss"]
    image, labels, _ = made_scene(9)
    logits = learner.network(fitted).predict_on_batch(image[None, :64, :64])[0]
    shares = 1 / (1 + np.exp(-logits))
    found = outline(shares[..., 0], shares[..., 1], options=Outlining(seed=0.4), mpp=0.5)
    assert instance_scores(labels[:64, :64], found).dice > 0.9


def test_the_loss_is_that_of_its_definition():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    logits = rng.normal(0, 2, (2, 4, 4, 3)).astype(np.float32)
    wanted, share = targets / 255, 1 / (1 + np.exp(-logits.astype(float)))
    entropy = -(wanted * np.log(share) + (1 - wanted) * np.log(1 - share)).mean()
    sums = [(part[..., :-1]).sum((0, 1, 2)) for part in (share * wanted, share, wanted)]
    dice = 1 - (2 * sums[0] + 1) / (sums[1] + sums[2] + 1)
    expected = 2 * entropy + 0.5 * dice.mean() + 2 * ((share[..., -1] - wanted[..., -1]) ** 2).mean()
    assert float(segmentation_loss(targets, logits)) == pytest.approx(expected, rel=1e-4)


def test_a_start_of_other_widths_is_refused(tmp_path):
    options = QUICK.model_copy(update={"start": str(field_bundle(tmp_path / "start"))})
    with pytest.raises(BundleMismatch, match="other layers"):
        SegmenterLearner(NETWORK, options, maps=2).fit([made_scene()[2]], seed=0)


def test_channels_are_made_at_each_scale_and_stains_are_left_alone():
    image, labels, _ = made_scene(3)
    targets = make_targets((labels > 0).astype(np.uint8), labels, count=2)
    scene = prepare_scene(image, targets, scale=1.0, zoom=0.25, channels=lambda pixels: 255 - pixels)
    plain = prepare_scene(image, targets, scale=1.0, zoom=0.25)
    for (seen, _), (pixels, _) in zip(scene.views, plain.views, strict=True):
        np.testing.assert_array_equal(seen, 255 - pixels)
    still = Augmentation.none().model_copy(update={"stain_scale": 1.0, "stain_shift": 1.0})
    options = QUICK.model_copy(update={"augmentation": still, "crop": len(image)})
    square = prepare_scene(image[:, :96], targets[:, :96], scale=1.0)
    (crops, _), *_ = draw_crops([square], options, batches=[2], seed=0, stained=False)
    np.testing.assert_array_equal(crops[0], image[:, :96])
    (crops, _), *_ = draw_crops([square], options, batches=[2], seed=0)
    assert not np.array_equal(crops[0], image[:, :96])
