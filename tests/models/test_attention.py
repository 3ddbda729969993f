import numpy as np
import pytest

from cancernet.bags import pad_bags
from cancernet.bundle import check_keras_file
from cancernet.models import Attention, build_attention, keras_library, outputs_of
from cancernet.tasks import softmax

WIDTH = 5
SMALL = Attention(hidden=8, attention=4, dropout=0.0)


def made_bags(*lengths: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(2, 3, (length, WIDTH)).astype(np.float32) for length in lengths]


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(1)
    keras_library().utils.set_random_seed(0)
    return build_attention(WIDTH, 3, options=SMALL, standard=(rng.normal(size=WIDTH), rng.uniform(0.5, 4, WIDTH)))


@pytest.fixture(scope="module")
def answer(network):
    """Return a function from padded bags to logits and weights."""
    found = outputs_of(network)
    both = keras_library().Model(network.inputs, [found["logits"], found["features"], found["attention"]])
    return lambda padded: [np.asarray(part) for part in both.predict_on_batch(padded)]


def by_hand(network, features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return logits, features and weights of one bag by equations 8 and 9 of Ilse et al. 2018."""
    kernel = {
        layer.name: [np.asarray(weight, np.float64) for weight in layer.get_weights()] for layer in network.layers
    }
    normalisation = network.get_layer("normalisation")
    mean, variance = (np.asarray(part, np.float64).ravel() for part in (normalisation.mean, normalisation.variance))
    rows = np.column_stack([features, np.ones(len(features))])
    rows = (rows - mean) / np.sqrt(variance)
    hidden = np.maximum(rows @ kernel["embedding"][0] + kernel["embedding"][1], 0)
    content = np.tanh(hidden @ kernel["content"][0] + kernel["content"][1])
    gate = 1 / (1 + np.exp(-(hidden @ kernel["gate"][0] + kernel["gate"][1])))
    weights = softmax(((content * gate) @ kernel["score"][0])[:, 0])
    pooled = weights @ hidden
    return pooled @ kernel["logits"][0] + kernel["logits"][1], pooled, weights


def test_it_is_the_formula_of_the_paper(network, answer):
    for features in made_bags(1, 2, 17, 400):
        logits, pooled, weights = answer(pad_bags([features], len(features) + 1))
        for part, expected in zip((logits, pooled, weights[:, :-1]), by_hand(network, features), strict=True):
            np.testing.assert_allclose(part[0], expected, atol=1e-5)


def test_the_order_of_tiles_does_not_count(answer):
    (features,) = made_bags(60)
    order = np.random.default_rng(2).permutation(60)
    logits, pooled, weights = answer(pad_bags([features]))
    shuffled = answer(pad_bags([features[order]]))
    np.testing.assert_allclose(shuffled[0], logits, atol=1e-5)
    np.testing.assert_allclose(shuffled[1], pooled, atol=1e-5)
    np.testing.assert_allclose(shuffled[2], weights[:, order], atol=1e-5)


def test_padding_does_not_count(answer):
    bags = made_bags(3, 50, 11)
    together = answer(pad_bags(bags, 90))
    for row, features in enumerate(bags):
        for joined, alone in zip(together[:2], answer(pad_bags([features]))[:2], strict=True):
            np.testing.assert_allclose(joined[row], alone[0], atol=1e-5)
        assert (together[2][row, len(features) :] == 0).all()
    np.testing.assert_allclose(together[2].sum(axis=1), 1, atol=1e-5)


def test_the_last_column_is_not_learnt(network):
    names = [weight.path for weight in network.trainable_weights]
    assert not any("absent" in name for name in names)
    kernel, bias = network.get_layer("absent").get_weights()
    np.testing.assert_array_equal(kernel[:, 0], [*[0.0] * WIDTH, -1.0])
    assert bias.tolist() == [1.0]


def test_grades_have_their_own_head():
    model = build_attention(WIDTH, 4, kind="ordinal", options=SMALL)
    logits = np.asarray(model.predict_on_batch(pad_bags(made_bags(5, 9))))
    assert logits.shape == (2, 3)
    assert (np.diff(logits, axis=1) >= 0).all()


def test_stock_layers_alone_pass_the_list_of_allowed_ones(network, tmp_path):
    network.save(tmp_path / "model.keras")
    check_keras_file(tmp_path / "model.keras")
    again = keras_library().saving.load_model(tmp_path / "model.keras", safe_mode=True)
    padded = pad_bags(made_bags(4, 7))
    np.testing.assert_array_equal(again.predict_on_batch(padded), network.predict_on_batch(padded))


def test_weights_do_not_depend_on_the_number_of_tiles():
    fixed = build_attention(WIDTH, 2, tiles=12, options=SMALL)
    free = build_attention(WIDTH, 2, options=SMALL, standard=(np.zeros(WIDTH), np.ones(WIDTH)))
    free.set_weights(fixed.get_weights())
    padded = pad_bags(made_bags(12, 3))
    np.testing.assert_allclose(free.predict_on_batch(padded), fixed.predict_on_batch(padded), atol=1e-6)
    expected = (WIDTH + 1) * 8 + 8 + 2 * (8 * 4 + 4) + 4 + 8 * 2 + 2
    assert sum(int(np.prod(weight.shape)) for weight in free.trainable_weights) == expected
