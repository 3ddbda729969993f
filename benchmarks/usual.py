"""The usual ways to train on patches with Keras, which `training` measures ours against; nothing of cancernet in them.

All get the same files in class folders, the same layers, optimiser and batch size. They change the images by the stock
layers that do the same kinds of things as our augmentation: turns and flips, scale, shift, blur, colour.
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZE, BATCH = 48, 64

Seconds = NDArray[np.float64]
"""By the clock, and of the processor, (2,)."""

Epoch = Callable[[], Seconds]
"""Trains for one epoch, and returns how long it took."""


def now() -> Seconds:
    """Return both times."""
    return np.array([perf_counter(), process_time()])


def cached_dataset(folder: Path, model: Any, *, inside: bool) -> Epoch:
    """Return `image_dataset_from_directory` with `.cache().prefetch(AUTOTUNE)`.

    Parameters
    ----------
    folder
        A folder of images for each class.
    model
        The network, from uint8 patches to logits.
    inside
        Whether the augmentation is the first part of the network, or mapped over the cached data.
    """
    import keras
    import tensorflow as tf

    data = keras.utils.image_dataset_from_directory(folder, image_size=(SIZE, SIZE), batch_size=BATCH, verbose=False)
    data, layers = data.cache(), stock_augmentation()
    if not inside:
        change = keras.Sequential(layers)
        data = data.map(lambda images, codes: (change(images, training=True), codes), tf.data.AUTOTUNE)
    return _epochs(_compiled([*(layers if inside else []), *model.layers[1:]]), data.prefetch(tf.data.AUTOTUNE))


def decoding_batches(folder: Path, model: Any) -> Epoch:
    """Return a `PyDataset` that decodes each image in every epoch, and changes a batch at once by stock layers."""
    import keras

    paths, codes = _files(folder)
    change = keras.Sequential(stock_augmentation())

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(paths) // BATCH

        def __getitem__(self, place: int) -> tuple[Any, NDArray[np.int64]]:
            rows = slice(place * BATCH, (place + 1) * BATCH)
            return change(np.stack([_decoded(path) for path in paths[rows]]), training=True), codes[rows]

    return _epochs(_compiled(model.layers[1:]), Batches())


def decoding_images(folder: Path, model: Any) -> Epoch:
    """Return a Python generator that decodes each image in every epoch, and changes each by stock layers."""
    import keras

    paths, codes = _files(folder)
    change = keras.Sequential(stock_augmentation())

    def batches() -> Any:
        while True:
            for start in range(0, len(paths) - BATCH + 1, BATCH):
                rows = slice(start, start + BATCH)
                changed = [change(_decoded(path)[None], training=True)[0] for path in paths[rows]]
                yield np.stack(changed), codes[rows]

    return _epochs(_compiled(model.layers[1:]), batches(), steps=len(paths) // BATCH)


def image_data_generator(folder: Path, model: Any) -> Epoch:
    """Return `ImageDataGenerator.flow_from_directory`, which decodes each image in every epoch and changes it alone."""
    from tensorflow import keras

    generator = keras.preprocessing.image.ImageDataGenerator(
        rotation_range=180,
        horizontal_flip=True,
        vertical_flip=True,
        zoom_range=0.1,
        width_shift_range=0.01,
        height_shift_range=0.01,
        brightness_range=(0.9, 1.1),
        channel_shift_range=10,
    )
    data = generator.flow_from_directory(folder, target_size=(SIZE, SIZE), batch_size=BATCH, class_mode="sparse")
    return _epochs(_compiled(model.layers[1:]), data)


def stock_augmentation() -> list[Any]:
    """Return the stock layers that change images as `Augmentation` does."""
    from keras import layers

    return [
        layers.RandomFlip("horizontal_and_vertical"),
        layers.RandomRotation(0.5),
        layers.RandomTranslation(0.01, 0.01),
        layers.RandomZoom(0.1),
        layers.RandomGaussianBlur(kernel_size=3, sigma=0.5),
        layers.RandomColorJitter(
            (0, 255), brightness_factor=0.1, contrast_factor=0.1, saturation_factor=(0.4, 0.6), hue_factor=0.05
        ),
    ]


def _compiled(layers: list[Any]) -> Any:
    """Return a network of these layers, ready for `fit`; the optimiser is that of our training."""
    import keras

    model = keras.Sequential([keras.Input((SIZE, SIZE, 3)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(2e-3, weight_decay=1e-4), loss)
    return model


def _epochs(model: Any, data: Any, *, steps: int | None = None) -> Epoch:
    """Return what trains for one epoch; the time starts with the epoch, not with the call of `fit`."""
    import keras

    begun: list[Seconds] = []
    ended: list[Seconds] = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: begun.append(now()),
        on_epoch_end=lambda epoch, logs: ended.append(now()),
    )

    def epoch() -> Seconds:
        model.fit(data, epochs=1, steps_per_epoch=steps, callbacks=[watch], verbose=0)
        return ended[-1] - begun[-1]

    return epoch


def _files(folder: Path) -> tuple[list[Path], NDArray[np.int64]]:
    """Return the images in a random order, and their class codes."""
    paths = sorted(folder.glob("*/*.png"))
    order = np.random.default_rng(0).permutation(len(paths))
    shuffled = [paths[place] for place in order]
    return shuffled, np.array([int(path.parent.name) for path in shuffled])


def _decoded(path: Path) -> NDArray[np.float32]:
    """Return an image at the size of the network."""
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((SIZE, SIZE)), dtype=np.float32)
