"""A bundle of bags through both engines."""

import numpy as np
import pytest

from cancernet import engine
from cancernet.bags import pad_bags, summary_names
from cancernet.bundle import BagInput, Card, DataSource, Execution, Task, Training
from cancernet.engine import check_parity, export_bundle
from cancernet.engine.sample import made_sample
from cancernet.errors import BundleMismatch, InvalidInput
from cancernet.explain import attention_of
from cancernet.models import Attention, build_attention, outputs_of
from cancernet.studies.card import write_bundle

WIDTH = 9


def made_card(**input) -> Card:
    return Card(
        name="bags",
        task=Task(kind="binary", classes=("a", "b"), positive="b"),
        input=BagInput(**{"width": WIDTH, "encoder": "made", "statistics": summary_names(WIDTH), **input}),
        prior={"a": 0.5, "b": 0.5},
        training=Training(versions={}, backend="tensorflow", seed=0, epochs=1, date="2026-01-01", rows=1, groups=1),
        data=DataSource(name="made", source="made", licence="none", synthetic=True),
        weights_licence="none",
        intended_use="Tests.",
        limits=(),
    )


@pytest.fixture(scope="module")
def network():
    standard = (np.full(WIDTH, 1.5), np.full(WIDTH, 4.0))
    return build_attention(WIDTH, 2, options=Attention(hidden=16, attention=8), standard=standard)


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / "bags"
    card = write_bundle(folder, made_card(), network, made_sample(made_card()))
    assert {entry.runtime for entry in card.engine.parity} == set(engine.RUNTIMES)
    assert max(entry.difference for entry in card.engine.parity) < 1e-5
    return folder


@pytest.fixture(params=engine.RUNTIMES)
def model(folder, request):
    with engine.open(folder, runtime=request.param) as opened:
        yield opened


def made_bags(*lengths):
    rng = np.random.default_rng(3)
    return [rng.normal(1, 2, (length, WIDTH)).astype(np.float32) for length in lengths]


@pytest.mark.parametrize("lengths", [(1,), (5, 40, 17), (3000,)])
def test_engines_answer_as_keras(model, network, lengths):
    import keras

    found = outputs_of(network)
    twin = keras.Model(network.inputs, [found[name] for name in ("logits", "features", "attention")])
    bags = made_bags(*lengths)
    outputs, expected = model.run(pad_bags(bags)), twin.predict_on_batch(pad_bags(bags, max(lengths) + 1))
    found = (outputs.logits, outputs.features, outputs.attention)
    for part, reference in zip(found, (*expected[:2], expected[2][:, :-1]), strict=True):
        np.testing.assert_allclose(part, reference, atol=1e-5)


def test_bags_of_any_length_in_turn_and_in_a_stream(model):
    bags = made_bags(7, 1, 120, 7)
    alone = np.concatenate([model.run(pad_bags([bag])).logits for bag in bags])
    np.testing.assert_allclose(model.run(pad_bags(bags)).logits, alone, atol=1e-5)
    streamed = np.concatenate([outputs.logits for outputs in model.stream(pad_bags([bag]) for bag in bags)])
    np.testing.assert_array_equal(streamed, alone)


def test_no_bags_give_no_outputs(model):
    assert model.run(np.empty((0, 4, WIDTH + 1))).logits.shape == (0, 2)
    assert model.batch_size > 1


def test_attention_of_a_slide(model):
    (features,) = made_bags(30)
    weights = attention_of(model, features)
    assert weights.shape == (30,)
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    order = np.random.default_rng(0).permutation(30)
    np.testing.assert_allclose(attention_of(model, features[order]), weights[order], atol=1e-6)


def test_other_bundles_weigh_no_tiles():
    with engine.open("fna") as model, pytest.raises(BundleMismatch, match="takes a table and weighs no tiles"):
        attention_of(model, made_bags(3)[0])


def broken(change) -> np.ndarray:
    padded = pad_bags(made_bags(3, 5))
    change(padded)
    return padded


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((2, WIDTH + 1)), r"\(n, tiles, 10\)"),
        (np.ones((2, 3, WIDTH)), r"\(n, tiles, 10\)"),
        (broken(lambda padded: padded.__setitem__((0, 0, 2), np.nan)), "finite"),
        (broken(lambda padded: padded.__setitem__((0, 0, -1), 0.5)), "other numbers than 0 and 1"),
        (broken(lambda padded: padded.__setitem__((1, slice(None), -1), 0)), "a bag holds no tile"),
    ],
)
def test_what_is_no_bag_is_refused(folder, values, words):
    with engine.open(folder) as model, pytest.raises(InvalidInput, match=words):
        model.run(values)


def test_a_network_of_another_width_does_not_fit_its_card(folder, network, tmp_path):
    card = made_card(width=WIDTH + 1, statistics=summary_names(WIDTH + 1))
    write_bundle(tmp_path / "bags", card, network, made_sample(made_card()))
    with pytest.raises(BundleMismatch, match=r"input of shape \(n, n, 10\)"):
        engine.open(tmp_path / "bags")


def test_half_the_bytes_give_the_same_answers(folder, tmp_path):
    card, path = export_bundle(folder, tmp_path / "half", format="float16")
    padded = pad_bags(made_bags(6, 25))
    with engine.open(folder) as whole, engine.open(path) as half:
        np.testing.assert_allclose(half.run(padded).logits, whole.run(padded).logits, atol=5e-3)
        assert half.run(padded).attention.shape == (2, 25)
    assert card.input == made_card().input


def test_a_wrong_export_is_found(folder, network):
    sample = made_sample(made_card())
    with pytest.raises(BundleMismatch, match="differs from Keras"):
        check_parity(
            lambda values: np.add(network.predict_on_batch(values), [0, 1e-3]),
            folder / "model.onnx",
            sample=sample,
            execution=Execution(),
        )
