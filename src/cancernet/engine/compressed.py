"""A bundle for shipping: the same card, and files of half the size."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from cancernet import bundle
from cancernet.bundle import Card, Execution
from cancernet.bundle.store import KERAS, ONNX
from cancernet.engine.export import export_onnx, float32_clone, load_keras
from cancernet.engine.float16 import halve_keras_file, halve_onnx_file, round_weights
from cancernet.engine.parity import check_parity
from cancernet.engine.sample import made_sample
from cancernet.errors import BundleMismatch
from cancernet.files import refuse_existing, storage_errors

if TYPE_CHECKING:
    import keras

    from cancernet.bundle import Parity

__all__ = ["write_compressed"]


def write_compressed(folder: Path, card: Card, *, keras_file: Path, force: bool = False) -> Card:
    """Write a bundle whose files keep large weights as float16, and return its card.

    Weights of 512 values or more are rounded to the nearest float16. What Keras reads from the new file, in float32, is
    the reference that engines are held against, as for every bundle. The card stays as it is but for this measurement,
    which is made on synthetic cases (`made_sample`), since a bundle holds no real ones. Temperature, threshold and sets
    were fitted before the rounding: compare the answers of both bundles on real cases before the small one is shipped.

    Parameters
    ----------
    folder
        The new bundle.
    card
        Of the old one.
    keras_file
        Of the old one, checked and opened safely.
    force
        Replace an existing folder.

    Raises
    ------
    InvalidInput
        When the folder exists and `force` is not set, or a large weight is beyond the range of float16.
    BundleMismatch
        When an engine differs from Keras by more than the tolerance of the card, or the bundle holds others.
    MissingExtra
        When Keras, TensorFlow or tf2onnx is not installed.
    """
    refuse_existing(folder, force=force)
    if card.fusion is not None:
        raise BundleMismatch(
            f"'{card.name}' is a fusion, whose weights are few", "A bundle with one network", "Export its sources"
        )
    with storage_errors(folder), TemporaryDirectory(prefix="cancernet-") as temporary:
        small_keras, small_onnx = Path(temporary, KERAS), Path(temporary, ONNX)
        model = _halved_keras(keras_file, small_keras)
        _halved_onnx(model, small_onnx)
        engine = {**card.engine.model_dump(), "parity": _parity(model, small_onnx, card)}
        card = card.model_copy(update={"engine": Execution(**engine)})
        bundle.write(folder, card, keras_file=small_keras, onnx_file=small_onnx, force=force)
    return card


def _halved_keras(source: Path, target: Path) -> keras.Model:
    """Write the file with rounded weights, and return what Keras reads from it."""
    model = float32_clone(load_keras(source))
    round_weights(model)
    wide = target.with_name("float32.keras")
    model.save(wide)
    halve_keras_file(wide, target)
    return load_keras(target)


def _halved_onnx(model: keras.Model, target: Path) -> None:
    """Export the model, and halve what was exported."""
    wide = target.with_name("float32.onnx")
    export_onnx(model, wide)
    halve_onnx_file(wide, target, kernels=model.get_weights())


def _parity(model: keras.Model, onnx_file: Path, card: Card) -> tuple[Parity, ...]:
    """Hold all engines against Keras."""
    return check_parity(
        lambda values: np.asarray(model.predict(values, verbose=0)),
        onnx_file,
        sample=made_sample(card),
        execution=card.engine,
        kind=card.task.kind,
    )
