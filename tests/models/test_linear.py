import numpy as np
import pytest
from scipy.special import softmax

from cancernet.models import Linear, build_linear, with_normalisation


def test_it_is_one_dense_layer_that_starts_with_every_class_as_likely():
    model = build_linear(4, 3, options=Linear(l2=0.5))
    assert [layer.name for layer in model.layers] == ["features", "logits"]
    assert model.count_params() == 4 * 3 + 3
    assert not np.asarray(model.predict_on_batch(np.ones((2, 4), np.float32))).any()
    assert float(model.get_layer("logits").kernel_regularizer.l2) == pytest.approx(0.5)


def test_with_raw_columns_it_is_the_sum_that_the_weights_say():
    core = build_linear(2, 2)
    core.set_weights([np.array([[1.0, -1.0], [0.5, 2.0]]), np.array([0.1, 0.0])])
    model = with_normalisation(core, mean=np.array([3.0, 10.0]), variance=np.array([4.0, 25.0]))
    logits = np.asarray(model.predict_on_batch(np.array([[5.0, 0.0]], np.float32)))[0]  # standardised: 1 and -2
    assert logits == pytest.approx([1.0 - 1.0 + 0.1, -1.0 - 4.0], abs=1e-5)
    assert softmax(logits)[0] == pytest.approx(1 / (1 + np.exp(-5.1)))
