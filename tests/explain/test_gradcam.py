import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

from cancernet.errors import InvalidInput
from cancernet.explain import blocks, grad_cam, gradcam
from cancernet.models import CancerNet, build_cancernet, build_conv1d, keras_library

SIZE, BLOB = 32, 10


def made(n, seed):
    """Noise with two blobs each: a red or green one, which decides the class, and a blue one, which does not."""
    generator = np.random.default_rng(seed)
    images, truth = generator.normal(150, 25, (n, SIZE, SIZE, 3)), np.arange(n) % 2
    corners = generator.integers(0, SIZE - BLOB + 1, (n, 2, 2))
    inside = (np.arange(SIZE) >= corners[..., None]) & (np.arange(SIZE) < corners[..., None] + BLOB)
    squares = inside[:, :, 0, :, None] & inside[:, :, 1, None, :]  # (n, which, h, w)
    deciding, other = squares[:, 0], squares[:, 1] & ~squares[:, 0]
    images[other] += [-40, -40, 60]
    images += deciding[..., None] * np.array([[60, -40, -40], [-40, 60, -40]])[truth][:, None, None, :]
    return images.clip(0, 255).astype(np.uint8), truth, deciding


def small_net(seed):
    keras_library().utils.set_random_seed(seed)
    return build_cancernet(SIZE, 2, options=CancerNet(name="cancernet8", width=0.5, dropout=0, block_dropout=0))


@pytest.fixture(scope="module")
def trained():
    """A network that tells red from green blobs, after some seconds."""
    keras, model = keras_library(), small_net(0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(5e-3), loss, jit_compile=False)
    images, truth, _ = made(640, 1)
    model.fit(images, truth, epochs=3, batch_size=32, verbose=0)
    return model


@pytest.fixture(scope="module")
def blobs():
    return made(60, 99)


@pytest.fixture(scope="module")
def found(trained, blobs):
    return grad_cam(trained, blobs[0], classes=blobs[1], block=3)


def linear_net(classes=3, *, size=12, channels=5, activation=None, seed=0):
    """Convolution, global average pooling, dense: the network of class activation mapping (Zhou et al. 2016)."""
    keras = keras_library()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((size, size, 3), dtype="uint8"),
            layers.Rescaling(1 / 127.5, offset=-1.0),
            layers.Conv2D(channels, 3, padding="same", activation=activation, name="conv"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(classes, name="logits"),
        ]
    )


def pixels(n=4, *, size=12, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def activations_of(model, name, images):
    keras = keras_library()
    return keras.ops.convert_to_numpy(keras.Model(model.inputs, model.get_layer(name).output)([images])).astype(float)


def unscaled(found):
    return found.maps * found.peaks[:, None, None]


# --- the mathematics


@pytest.mark.parametrize("code", [0, 1, 2])
def test_is_cam_where_average_pooling_and_one_dense_layer_follow(code):
    model, images = linear_net(), pixels()
    weights, _ = model.get_layer("logits").get_weights()
    cam = activations_of(model, "conv", images) @ weights[:, code] / 12**2
    found = grad_cam(model, images, classes=code)
    assert unscaled(found) == pytest.approx(np.maximum(cam, 0), abs=1e-6)
    assert found.peaks == pytest.approx(cam.max(axis=(1, 2)), rel=1e-5)
    assert found.maps.max(axis=(1, 2)) == pytest.approx(np.ones(4))


def test_the_cells_add_up_to_the_logit_where_nothing_is_cut_off():
    model, images = linear_net(activation="relu"), pixels()
    weights, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([np.abs(weights), bias + 0.5])
    found = grad_cam(model, images, classes=1)
    logits = keras_library().ops.convert_to_numpy(model(images))[:, 1]
    assert unscaled(found).sum(axis=(1, 2)) + 0.5 == pytest.approx(logits, rel=1e-5)


def test_severity_is_minus_the_mean_of_the_cumulative_logits():
    model, images = linear_net(), pixels()
    weights, _ = model.get_layer("logits").get_weights()
    cam = activations_of(model, "conv", images) @ -weights.mean(axis=1) / 12**2
    found = grad_cam(model, images, ordinal=True)
    assert found.explained is None
    assert unscaled(found) == pytest.approx(np.maximum(cam, 0), abs=1e-6)


def test_of_an_ordinal_network_it_is_the_map_of_its_severity():
    model = build_cancernet(SIZE, 4, kind="ordinal", options=CancerNet(name="cancernet8", width=0.5))
    keras = keras_library()
    ease = keras.Model(model.inputs, model.get_layer("ease").output)  # the first cut-point minus the severity
    weights = ease.get_layer("ease").get_weights()
    ease.get_layer("ease").set_weights([-weights[0], weights[1]])
    severity = unscaled(grad_cam(ease, pixels(3, size=SIZE), classes=0))
    ease.get_layer("ease").set_weights(weights)
    assert severity.max() > 0
    assert unscaled(grad_cam(model, pixels(3, size=SIZE), ordinal=True)) == pytest.approx(severity, rel=1e-3, abs=1e-12)


def smooth_net():
    keras = keras_library()
    keras.utils.set_random_seed(3)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((8, 8, 3), dtype="uint8"),
            layers.Rescaling(1 / 127.5, offset=-1.0),
            layers.Conv2D(6, 3, padding="same", name="first"),
            layers.Activation("tanh", name="taken"),
            layers.Conv2D(4, 3, strides=2, padding="same", activation="tanh"),
            layers.Flatten(),
            layers.Dropout(0.9),
            layers.Dense(8, activation="tanh"),
            layers.Dense(2, name="logits"),
        ]
    )


def test_the_gradient_agrees_with_finite_differences():
    model, images, step = smooth_net(), pixels(3, size=8), 0.02
    keras = keras_library()
    head = keras.Model(model.get_layer("taken").output, model.outputs[0])
    values = activations_of(model, "taken", images)
    channels = np.zeros((3, 6))
    for channel in range(6):
        moved = [values + sign * step * (np.arange(6) == channel) for sign in (1, -1)]
        above, below = (keras.ops.convert_to_numpy(head(tensor.astype(np.float32)))[:, 1] for tensor in moved)
        channels[:, channel] = (above - below) / (2 * step) / 8**2  # all cells moved: the sum of their derivatives
    expected = np.maximum(np.einsum("nyxk,nk->nyx", values, channels), 0)
    found = grad_cam(smooth_net(), images, classes=1, block=1)
    assert found.layer == "taken"
    assert expected.max() > 1e-4
    assert unscaled(found) == pytest.approx(expected, abs=0.01 * expected.max())


def test_flipped_kernels_on_a_flipped_patch_give_the_flipped_map():
    def net(flip):
        keras = keras_library()
        keras.utils.set_random_seed(5)
        model = build_cancernet(SIZE, 2, options=CancerNet(name="cancernet8", width=0.25))
        for layer in model.layers:
            if flip and type(layer).__name__ == "SeparableConv2D":
                depthwise, pointwise = layer.get_weights()
                layer.set_weights([depthwise[:, ::-1], pointwise])
        return model

    images = pixels(3, size=SIZE)
    for block in (2, 3):
        one = grad_cam(net(False), images, classes=0, block=block)
        other = grad_cam(net(True), images[:, :, ::-1], classes=0, block=block)
        assert other.maps[:, :, ::-1] == pytest.approx(one.maps, abs=1e-3)
        assert other.peaks == pytest.approx(one.peaks, rel=1e-3)
    assert not np.allclose(one.maps, one.maps[:, :, ::-1], atol=0.1)


def test_classes_none_is_the_largest_logit():
    model, images = linear_net(), pixels(6)
    largest = keras_library().ops.convert_to_numpy(model(images)).argmax(axis=1)
    found = grad_cam(model, images)
    assert found.explained.tolist() == largest.tolist()
    assert found.maps == pytest.approx(grad_cam(model, images, classes=largest).maps)


def test_an_empty_map_has_peak_zero():
    model = linear_net(activation="relu")
    weights, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([-np.abs(weights), bias])
    found = grad_cam(model, pixels())
    assert not found.peaks.any()
    assert not found.maps.any()


def test_batches_and_progress(monkeypatch):
    model, images, done = linear_net(), pixels(7), []
    whole = grad_cam(model, images)
    monkeypatch.setattr(gradcam, "_PIXELS", 3 * 12 * 12)
    parts = grad_cam(model, images, progress=done.append)
    assert done == [3, 6, 7]
    assert parts.maps == pytest.approx(whole.maps, abs=1e-6)
    assert parts.explained.tolist() == whole.explained.tolist()


def test_no_image_gives_no_map():
    found = grad_cam(linear_net(), pixels(0))
    assert (found.maps.shape, found.peaks.shape, found.explained.shape) == ((0, 12, 12), (0,), (0,))
    assert len(found) == 0


# --- which networks


def test_a_nested_backbone_gives_the_map_of_the_same_network_in_one_piece():
    keras = keras_library()
    flat = linear_net(activation="relu")
    conv, dense = flat.get_layer("conv"), flat.get_layer("logits")
    image = keras.Input((12, 12, 3), name="image")
    backbone = keras.Model(image, keras.layers.Conv2D(5, 3, padding="same", activation="relu", name="conv")(image))
    nested = keras.Sequential([keras.Input((12, 12, 3), dtype="uint8"), keras.layers.Rescaling(1 / 127.5, offset=-1.0)])
    nested.add(keras.Sequential([keras.Input((12, 12, 3)), backbone, keras.layers.GlobalAveragePooling2D()]))
    nested.add(keras.layers.Dense(3, name="logits"))
    backbone.get_layer("conv").set_weights(conv.get_weights())
    nested.get_layer("logits").set_weights(dense.get_weights())
    one, other = (grad_cam(model, pixels()) for model in (flat, nested))
    assert other.layer == "conv"
    assert unscaled(other) == pytest.approx(unscaled(one), rel=1e-5, abs=1e-8)


def test_a_path_around_the_layer_is_left_as_it_is():
    keras = keras_library()
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3), dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    entered = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(scaled)
    branch = keras.layers.Conv2D(4, 3, padding="same", name="branch")(entered)
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()([entered, branch]))
    model = keras.Model(image, keras.layers.Dense(2, name="logits")(pooled))
    weights, _ = model.get_layer("logits").get_weights()
    cam = activations_of(model, "branch", pixels()) @ weights[:, 0] / 12**2
    found = grad_cam(model, pixels(), classes=0)
    assert found.layer == "branch"
    assert unscaled(found) == pytest.approx(np.maximum(cam, 0), abs=1e-6)


def test_mixed_precision_is_explained_in_float32():
    keras = keras_library()
    model, images = small_net(4), pixels(3, size=SIZE)
    mixed = keras.models.clone_model(
        model,
        clone_function=lambda layer: type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"}),
    )
    mixed.set_weights(model.get_weights())
    one, other = (grad_cam(net, images, classes=1, block=3) for net in (model, mixed))
    assert other.maps == pytest.approx(one.maps, abs=1e-5)


def test_the_model_is_left_as_it_is():
    model, images = small_net(0), pixels(2, size=SIZE)
    model.compile(loss=lambda truth, logits: 0.0)  # no file could hold this loss
    weights = model.get_weights()
    before = keras_library().ops.convert_to_numpy(model(images))
    first, second = (grad_cam(model, images) for _ in range(2))
    assert np.array_equal(first.maps, second.maps)
    assert all(np.array_equal(one, other) for one, other in zip(weights, model.get_weights(), strict=True))
    assert model.get_layer("features").output.shape == (None, 64)  # a layer of two networks has no single output
    assert keras_library().ops.convert_to_numpy(model(images)) == pytest.approx(before)


# --- blocks, and where their cells lie


@pytest.mark.parametrize(
    ("name", "size", "block", "layer", "field"),
    [
        ("cancernet8", 48, 3, "relu3_3", 38),
        ("cancernet8", 47, 2, "relu2_2", 12),
        ("cancernet19", 50, 2, "relu2_2", 14),
        ("cancernet19", 96, 3, "relu3_4", 48),
    ],
)
def test_the_block_that_is_taken(name, size, block, layer, field):
    model = build_cancernet(size, 2, options=CancerNet(name=name, width=0.1))
    found = grad_cam(model, pixels(1, size=size))
    assert (found.block, found.layer, found.field) == (block, layer, (field, field))
    assert found.cell == (2 ** (block - 1),) * 2


def test_each_block_can_be_named():
    model = build_cancernet(50, 2, options=CancerNet(name="cancernet19", width=0.1))
    _, steps = blocks.open_network(model, pixels(1, size=50))
    chosen = [blocks.choose_block(steps, block, size=(50, 50), name="net") for block in range(1, 6)]
    assert [number for number, _ in chosen] == [1, 2, 3, 4, 5]
    assert [step.name for _, step in chosen] == ["relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4"]
    assert [step.cells for _, step in chosen] == [(50, 50), (25, 25), (13, 13), (7, 7), (4, 4)]
    assert [step.lattice.field[0] for _, step in chosen] == [5, 14, 48, 116, 252]
    for block in (0, 6):
        with pytest.raises(InvalidInput, match=rf"no block {block}.*5 \(4 x 4 cells\)"):
            grad_cam(model, pixels(1, size=50), block=block)


STACKS = {
    "same": [("Conv2D", {"kernel_size": 3}), ("MaxPooling2D", {"pool_size": 2}), ("Conv2D", {"kernel_size": 3})],
    "valid": [("Conv2D", {"kernel_size": 4, "padding": "valid"}), ("Conv2D", {"kernel_size": 3, "strides": 2})],
    "dilated": [("Conv2D", {"kernel_size": 3, "dilation_rate": 2}), ("AveragePooling2D", {"pool_size": 3})],
    "padded": [
        ("ZeroPadding2D", {"padding": ((2, 1), (2, 1))}),
        ("DepthwiseConv2D", {"kernel_size": 5, "strides": 2, "padding": "valid"}),
    ],
    "repeated": [("MaxPooling2D", {"pool_size": 4}), ("UpSampling2D", {"size": 2})],
}


ONES = {
    "Conv2D": {"filters": 1, "kernel_initializer": "ones"},
    "DepthwiseConv2D": {"depthwise_initializer": "ones"},
}


@pytest.mark.parametrize("name", STACKS)
def test_cells_lie_where_the_pixels_are_that_they_have_seen(name):
    keras, size = keras_library(), 24
    stack = [keras.layers.Input((size, size, 1))]
    for kind, options in STACKS[name]:
        same = {} if kind in ("ZeroPadding2D", "UpSampling2D") else {"padding": "same"}
        stack.append(getattr(keras.layers, kind)(**{**ONES.get(kind, {}), **same, **options}))
    stack += [keras.layers.ReLU(name="last"), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)]
    model = keras.Sequential(stack)
    lines = np.zeros((size, size, size, 1), np.float32)  # image k has a line of light in row k
    lines[np.arange(size), np.arange(size)] = 1
    column = model.get_layer("last").output.shape[2] // 2
    seen = activations_of(model, "last", lines)[:, :, column, 0] > 0  # (row of light, cell)
    _, steps = blocks.open_network(model, lines)
    lattice = next(step for step in steps if step.name == "last").lattice
    middle = len(seen[0]) // 2
    rows = np.flatnonzero(seen[:, middle])
    wider = 2 if name == "repeated" else 0  # both copies of a cell have seen the same
    assert lattice.field[0] == rows[-1] - rows[0] + 1
    assert abs(lattice.first[0] + middle * lattice.pitch[0] - (rows[0] + rows[-1]) / 2) <= wider / 2


def test_a_cell_that_is_half_outside_lies_at_the_middle_of_what_is_inside():
    lattice = blocks.Lattice(np.full(2, 1.5), np.full(2, 4.0), np.full(2, 4.0))  # 10 pixels, pooled by 4
    last_row = np.zeros((1, 3, 3), np.float32)
    last_row[0, 2] = 1
    rows = lattice.lay_out(last_row, (10, 10))[0, :, 0]
    assert rows == pytest.approx([0, 0, 0, 0, 0, 0, 1 / 6, 1 / 2, 5 / 6, 1], abs=1 / 6)
    assert rows[[5, 9]] == pytest.approx([0, 1])
    assert rows[8] == pytest.approx(2.5 / 3)  # from the middle of pixels 4 to 7 (5.5) to that of 8 and 9 (8.5)


def test_even_cells_are_laid_out_as_pillow_does_it():
    from PIL import Image

    cells = np.random.default_rng(0).random((2, 6, 6)).astype(np.float32)
    lattice = blocks.Lattice(np.full(2, 3.5), np.full(2, 8.0), np.full(2, 8.0))
    for laid, one in zip(lattice.lay_out(cells, (48, 48)), cells, strict=True):
        resized = np.asarray(Image.fromarray(one).resize((48, 48), Image.Resampling.BILINEAR))
        assert laid == pytest.approx(resized, abs=1e-5)


# --- does it find what decides? (Adebayo et al. 2018)


def hits(found, deciding):
    strongest = found.maps.reshape(len(found), -1).argmax(axis=1)
    inside = deciding.reshape(len(found), -1)[np.arange(len(found)), strongest]
    return float((inside & (found.peaks > 0)).mean())


def likeness(one, other):
    """Spearman's correlation over the pixels of each pair of maps; 0 for an even map."""
    ranks = [rankdata(maps.reshape(len(maps), -1), axis=1) for maps in (one, other)]
    first, second = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    spread = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    return (first * second).sum(axis=1) / np.where(spread > 0, spread, 1)


@pytest.mark.parametrize("block", [None, 3])
def test_the_strongest_place_is_what_decides(trained, blobs, block):
    images, truth, deciding = blobs
    assert (keras_library().ops.convert_to_numpy(trained(images)).argmax(axis=1) == truth).mean() > 0.95
    assert deciding.mean() == pytest.approx(BLOB**2 / SIZE**2)  # what chance would find: 0.1
    assert hits(grad_cam(trained, images, classes=truth, block=block), deciding) > 0.8


def test_the_other_class_has_another_map(trained, blobs, found):
    images, truth, deciding = blobs
    other = grad_cam(trained, images, classes=1 - truth, block=3)
    assert hits(other, deciding) < 0.3
    assert likeness(found.maps, other.maps).mean() < 0.1


@pytest.fixture(scope="module")
def random_networks():
    return [small_net(seed) for seed in (100, 101, 102)]


@pytest.fixture(scope="module")
def random_maps(random_networks, blobs):
    images, truth, _ = blobs
    return [grad_cam(network, images, classes=truth, block=3) for network in random_networks]


def test_random_weights_give_maps_that_are_no_more_alike_than_those_of_other_patches(blobs, found, random_maps):
    own = np.array([np.abs(likeness(found.maps, other.maps)).mean() for other in random_maps])
    # The null distribution: the random network's maps of other patches. Smooth maps are alike by chance. Measured with
    # 3 trained and 10 random networks: means of 0.16 to 0.44, and own maps -0.03 to 0.13 above them, 0.02 on average.
    shifts = range(2, len(found), 2)  # even: the same class
    null = np.array(
        [
            np.mean([np.abs(likeness(found.maps, np.roll(other.maps, shift, axis=0))).mean() for shift in shifts])
            for other in random_maps
        ]
    )
    assert (own < null + 0.2).all()
    assert own.mean() < null.mean() + 0.1
    # Measured: 0.05 to 0.47 of the strongest places, 0.21 on average; trained 1.0.
    assert np.mean([hits(other, blobs[2]) for other in random_maps]) < 0.4
    assert hits(found, blobs[2]) > 0.8


def test_maps_fade_when_layers_become_random_from_the_top(trained, blobs, found, random_networks, random_maps):
    images, truth, deciding = blobs
    keras, left = keras_library(), []
    for network, last in zip(random_networks, random_maps, strict=True):
        partly = keras.models.clone_model(trained)
        partly.set_weights(trained.get_weights())
        maps = []
        for top in (("logits", "features", "3_3"), ("3_2", "3_1")):
            for layer in partly.layers:
                if layer.weights and layer.name.endswith(top):
                    layer.set_weights(network.get_layer(layer.name).get_weights())
            maps.append(grad_cam(partly, images, classes=truth, block=3))
        left.append([(likeness(found.maps, m.maps).mean(), hits(m, deciding)) for m in (*maps, last)])
    alike, hit = np.mean(left, axis=0).T  # per stage
    # Measured over 10 random networks: 0.15 to 0.36, 0.24 to 0.31, 0.17 alike and 0.32 to 0.38, 0.28 to 0.39, 0.20 hit.
    assert (np.abs(alike) < 0.6).all()
    assert (hit < 0.7).all()
    assert abs(alike[-1]) < 0.4
    assert hit[-1] < 0.4


# --- bad input


def test_images_of_another_size():
    with pytest.raises(InvalidInput, match=r"\(4, 10, 10, 3\).*\(n, 12, 12, 3\)"):
        grad_cam(linear_net(), pixels(size=10))
    with pytest.raises(InvalidInput, match="Cut or resize"):
        grad_cam(linear_net(), pixels()[0])


@pytest.mark.parametrize("classes", [3, -1, 0.5, [0, 1], [[0], [1], [2], [0]]])
def test_classes_that_are_none(classes):
    with pytest.raises(InvalidInput, match="from 0 to 2"):
        grad_cam(linear_net(), pixels(), classes=classes)


def test_a_model_of_rows_has_no_map():
    with pytest.raises(InvalidInput, match=r"inputs of the shapes \[\(None, 30\)\]"):
        grad_cam(build_conv1d(30, 2, layout="10x3"), pixels())


def test_a_model_without_convolution():
    keras = keras_library()
    flat = keras.Sequential([keras.Input((12, 12, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(InvalidInput, match="no convolution"):
        grad_cam(flat, pixels())


def test_weights_that_are_no_numbers():
    model = linear_net()
    model.get_layer("conv").set_weights([np.full((3, 3, 3, 5), np.nan), np.zeros(5)])
    with pytest.raises(InvalidInput, match="no finite answer"):
        grad_cam(model, pixels(), classes=0)


def test_a_backend_without_gradients(monkeypatch):
    monkeypatch.setattr(keras_library().backend, "backend", lambda: "openvino")
    with pytest.raises(InvalidInput, match="KERAS_BACKEND"):
        grad_cam(linear_net(), pixels(), classes=0)


# --- another backend

ELSEWHERE = """
import sys
import numpy as np
from cancernet.engine import load_keras
from cancernet.explain import grad_cam
images = np.load(sys.argv[2])
maps = [grad_cam(load_keras(sys.argv[1]), images, classes=1, block=block) for block in (1, 2, 3)]
np.savez(sys.argv[3], maps=[found.maps for found in maps], peaks=[found.peaks for found in maps])
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_gives_the_same_maps(trained, blobs, tmp_path, backend):
    pytest.importorskip(backend, reason="it is not installed")
    images = blobs[0][:8]
    trained.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    paths = [str(tmp_path / name) for name in ("model.keras", "images.npy", "maps.npz")]
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *paths], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    with np.load(Path(paths[2])) as there:
        for number, block in enumerate((1, 2, 3)):
            here = grad_cam(trained, images, classes=1, block=block)
            assert there["peaks"][number] == pytest.approx(here.peaks, rel=1e-3)
            assert there["maps"][number] == pytest.approx(here.maps, abs=1e-3)
