from itertools import product
from math import ceil

import numpy as np
import pytest
from pydantic import ValidationError

from cancernet.bundle import check_keras_file
from cancernet.models import LAYOUTS, Conv1D, build_conv1d, keras_library, with_normalisation

BLOCK = ["Conv1D", "BatchNormalization", "Activation", "MaxPooling1D"]
HEAD = ["Flatten", "Dropout", "Dense", "Dropout", "Dense"]


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def predict(model, rows):
    return np.asarray(model.predict_on_batch(np.asarray(rows, dtype=np.float32)))


def test_layers_of_the_nuclear_features_stand_in_this_order():
    model = build_conv1d(30, 2, layout="10x3")
    assert kinds(model) == ["GaussianNoise", "Reshape", "Permute", *BLOCK, *BLOCK, *HEAD]
    assert [layer.name for layer in model.layers][-3:] == ["features", "dropout2", "logits"]
    assert model.input_shape == (None, 30)
    assert model.output_shape == (None, 2)
    assert model.get_layer("layout").output.shape == (None, 10, 3)


def test_layers_of_other_columns_have_one_channel():
    model = build_conv1d(7, 3)
    assert kinds(model) == ["GaussianNoise", "Reshape", *BLOCK, *BLOCK, *HEAD]
    assert model.get_layer("layout").output.shape == (None, 7, 1)


def test_ten_by_three_has_13058_parameters():
    assert build_conv1d(30, 2, layout="10x3").count_params() == 13_058


@pytest.mark.parametrize(("columns", "classes"), [*product((1, 2, 9, 32), (2, 3))])
def test_parameters_of_columns_follow_from_the_shapes(columns, classes):
    positions = ceil(ceil(columns / 2) / 2)
    blocks = 3 * 1 * 32 + 4 * 32 + 3 * 32 * 64 + 4 * 64
    dense = positions * 64 * 32 + 32 + 32 * classes + classes
    model = build_conv1d(columns, classes)
    assert model.count_params() == blocks + dense
    assert np.isfinite(predict(model, np.ones((3, columns)))).all()


def test_options_reach_the_layers():
    options = Conv1D(filters=(3, 5, 7), activation="tanh", dense=11, noise=0.1, dropout=0.2, l2=0.5)
    model = build_conv1d(12, 2, options=options)
    assert [model.get_layer(f"conv{number}").filters for number in (1, 2, 3)] == [3, 5, 7]
    assert model.get_layer("features").units == 11
    assert model.get_layer("activation1").activation.__name__ == "tanh"
    assert (model.get_layer("noise").stddev, model.get_layer("dropout1").rate) == (0.1, 0.2)
    assert float(model.get_layer("logits").kernel_regularizer.l2) == pytest.approx(0.5)


def test_layout_puts_mean_error_and_worst_of_a_feature_in_one_place():
    """Column j is feature j % 10 and statistic j // 10: means first, then errors, then worst values."""
    model = build_conv1d(30, 2, layout="10x3")
    row = np.arange(30, dtype=np.float32)[None]
    laid = model.get_layer("layout")(model.get_layer("statistics")(row))
    expected = [[feature, 10 + feature, 20 + feature] for feature in range(10)]
    np.testing.assert_array_equal(np.asarray(laid)[0], expected)


def test_noise_and_dropout_rest_when_predicting():
    model, rows = build_conv1d(6, 2), np.random.default_rng(0).normal(size=(9, 6))
    np.testing.assert_array_equal(predict(model, rows), predict(model, rows))


def test_rows_do_not_depend_on_the_rows_beside_them():
    model, rows = build_conv1d(6, 2), np.random.default_rng(0).normal(size=(9, 6))
    np.testing.assert_allclose(predict(model, rows)[4:5], predict(model, rows[4:5]), atol=1e-6)


@pytest.mark.parametrize(("layout", "columns"), [("10x3", 30), ("columns", 5)])
def test_normalisation_is_what_one_would_do_by_hand(layout, columns):
    rng = np.random.default_rng(1)
    mean, variance = rng.normal(50, 20, columns), rng.uniform(0.1, 900, columns)
    rows = rng.normal(mean, np.sqrt(variance), (8, columns))
    core = build_conv1d(columns, 2, layout=layout)
    whole = with_normalisation(core, mean=mean, variance=variance)
    assert kinds(whole)[0] == "Normalization"
    assert kinds(whole)[1:] == kinds(core)
    np.testing.assert_allclose(predict(whole, rows), predict(core, (rows - mean) / np.sqrt(variance)), atol=1e-5)


def test_normalisation_shares_the_weights_of_the_core():
    core = build_conv1d(4, 2)
    whole = with_normalisation(core, mean=np.zeros(4), variance=np.ones(4))
    core.get_layer("logits").bias.assign([5.0, -5.0])
    assert whole.get_layer("logits") is core.get_layer("logits")


@pytest.mark.parametrize("spread", [1e-12, 1e-9, 1e9, 1e25])
def test_spreads_that_float32_would_swallow_are_rescaled(spread):
    """`Normalization` never divides by less than 1e-7: a column in mol/l would lose its meaning in the bundle only."""
    rng = np.random.default_rng(2)
    mean, variance = np.array([2.0 * spread, 3.0]), np.array([spread**2, 4.0])
    rows = rng.normal(mean, np.sqrt(variance), (8, 2))
    core = build_conv1d(2, 2)
    whole = with_normalisation(core, mean=mean, variance=variance)
    assert kinds(whole)[:2] == ["Rescaling", "Normalization"]
    np.testing.assert_allclose(predict(whole, rows), predict(core, (rows - mean) / np.sqrt(variance)), atol=1e-5)


@pytest.mark.parametrize(
    ("layout", "columns", "variance"), [("10x3", 30, 1.0), ("columns", 1, 1.0), ("columns", 5, 1e-18)]
)
def test_saved_model_holds_stock_layers_only(tmp_path, layout, columns, variance):
    core = build_conv1d(columns, 2, layout=layout)
    model = with_normalisation(core, mean=np.zeros(columns), variance=np.full(columns, variance))
    model.save(tmp_path / "model.keras")
    check_keras_file(tmp_path / "model.keras")
    rows = np.random.default_rng(0).normal(0, np.sqrt(variance), (4, columns))
    again = keras_library().saving.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(predict(again, rows), predict(model, rows))


@pytest.mark.parametrize(
    "wrong",
    [
        {"filters": ()},
        {"filters": (0,)},
        {"filters": (-3, 2)},
        {"filters": (10**9,)},
        {"dense": 0},
        {"dense": 10**40},
        {"noise": -1},
        {"noise": float("inf")},
        {"l2": float("nan")},
        {"l2": float("inf")},
        {"dropout": 1},
        {"activation": "lambda"},
        {"name": "conv2d"},
        {"kernels": 3},
    ],
)
def test_options_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValidationError):
        Conv1D(**wrong)


def test_layouts_are_named():
    assert LAYOUTS == ("10x3", "columns")
