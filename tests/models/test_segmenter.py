"""The segmenter: its weights counted by hand, its sizes, its files, and the engines that run it."""

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from cancernet.bundle import Execution, check_keras_file
from cancernet.engine import check_parity, export_onnx
from cancernet.errors import InvalidInput
from cancernet.models import Segmenter, build_segmenter

SMALL = Segmenter(widths=(4, 8, 8))


@pytest.fixture(scope="module")
def small():
    return build_segmenter(32, 2, options=SMALL)


def separable(inputs: int, filters: int) -> int:
    """Weights of a 3x3 separable convolution with batch normalisation (four numbers a filter)."""
    return 9 * inputs + inputs * filters + 4 * filters


def test_parameters_are_counted_by_hand():
    widths = (32, 64, 128)
    first = (27 * 32 + 4 * 32) + separable(32, 32)
    encoder = first + sum(separable(a, b) + separable(b, b) for a, b in pairwise(widths))
    decoder = sum(b * a + separable(2 * a, a) for a, b in pairwise(widths))
    assert build_segmenter(64, 2).count_params() == encoder + decoder + (16 * 32 * 2 + 2)


def test_weights_fit_any_size_and_see_less_than_the_margin(small):
    """The answers of two sizes agree up to 56 pixels from the cut, the margin of tiles."""
    whole, part = (build_segmenter(size, 2, options=SMALL) for size in (160, 96))
    for network in (whole, part):
        network.set_weights(small.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (1, 160, 160, 3), dtype=np.uint8)
    answers, cut = whole.predict_on_batch(images), part.predict_on_batch(images[:, :96, :96])
    np.testing.assert_allclose(answers[:, :40, :40], cut[:, :40, :40], atol=1e-6)
    assert answers.shape == (1, 160, 160, 2)


def test_it_is_of_stock_layers_and_its_engines_answer_as_keras_does(small, tmp_path):
    small.save(tmp_path / "model.keras")
    check_keras_file(tmp_path / "model.keras")
    export_onnx(small, tmp_path / "model.onnx")
    images = np.random.default_rng(1).integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)
    entries = check_parity(
        lambda values: np.asarray(small.predict_on_batch(values)),
        tmp_path / "model.onnx",
        sample=images,
        execution=Execution(tolerance=1e-4),
        kind="segmentation",
    )
    assert {entry.runtime for entry in entries} >= {"openvino"}


@pytest.mark.parametrize("widths", [(16,), (2, 8), (8,) * 7])
def test_widths_that_cannot_be_are_refused(widths):
    with pytest.raises(ValidationError):
        Segmenter(widths=widths)


def test_the_step_is_what_pooling_divides_by():
    assert Segmenter().step == 8
    assert Segmenter(widths=(4, 8)).step == 4
    with pytest.raises(InvalidInput, match="multiple of 8"):
        build_segmenter(100, 2, options=SMALL)
