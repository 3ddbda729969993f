"""The dense network: its shape, and the same answers when it standardises by itself."""

import numpy as np
import pytest

from cancernet.models import Dense, build_dense


@pytest.mark.parametrize(("kind", "width"), [("multiclass", 3), ("ordinal", 2)])
def test_raw_and_standardised_columns_give_the_same(kind, width):
    generator = np.random.default_rng(0)
    mean, variance = np.array([5.0, -2e6, 1e-9, 0.0]), np.array([4.0, 1e12, 1e-18, 1.0])
    options = Dense(units=(8, 5))
    core = build_dense(4, 3, options=options, kind=kind)
    raw = build_dense(4, 3, options=options, kind=kind, standard=(mean, variance))
    for layer in core.layers[1:]:
        raw.get_layer(layer.name).set_weights(layer.get_weights())
    standard = generator.normal(size=(20, 4))
    logits = core.predict(standard.astype(np.float32), verbose=0)
    again = raw.predict((standard * np.sqrt(variance) + mean).astype(np.float32), verbose=0)
    assert logits.shape == (20, width)
    np.testing.assert_allclose(logits, again, atol=2e-4)
    assert core.get_layer("features").output.shape == (None, 5)
