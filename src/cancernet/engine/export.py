"""From Keras to ONNX: one file, float32, explicit names and shapes; and the proof that engines answer as Keras does."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cancernet.bundle import check_keras_file, check_onnx_file
from cancernet.checks import require
from cancernet.errors import CorruptFile, InvalidInput
from cancernet.files import whole_file
from cancernet.models import keras_library, members_of, outputs_of

if TYPE_CHECKING:
    import keras
    import onnx

__all__ = ["export_onnx", "float32_clone", "load_keras"]

_OPSET = 18  # fixed: another version of tf2onnx must not change the graph; old enough for every engine we support
_OUTPUTS = ("logits", "features", "attention")  # the last one of networks that weigh tiles
_CHATTY = ("tf2onnx", "tensorflow", "absl")
_QUIET_TENSORFLOW = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}


def load_keras(path: str | Path) -> keras.Model:
    """Open a `.keras` file after `check_keras_file` found nothing but stock layers in it.

    The model comes uncompiled, with the Keras backend that is set.

    Raises
    ------
    CorruptFile
        When the file is unsafe or damaged.
    MissingExtra
        When Keras is not installed.
    """
    check_keras_file(path)
    saving = keras_library().saving
    try:
        return saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise CorruptFile(f"Keras cannot open '{path}' ({error})", todo="Get the bundle again") from error


def export_onnx(model: keras.Model, path: str | Path, *, force: bool = False) -> None:
    """Write a Keras model as one ONNX file that every engine can load.

    The graph takes `input`, shape (batch, columns) float32 or (batch, size, size, 3) uint8, and returns `logits`, shape
    (batch, width), and `features`, shape (batch, width): the output of the layers of these names. Of bags the input is
    (batch, tiles, width + 1), float32, and `attention`, (batch, tiles), is a third output. Weights are float32,
    whatever precision the model was trained at. With a backend other than TensorFlow the conversion runs in a second
    Python process.

    Parameters
    ----------
    model
        Sequential or functional; its last layer is called "logits" and the penultimate one "features".
    path
        The file, whole or absent.
    force
        Replace an existing file.

    Raises
    ------
    InvalidInput
        When `path` exists and `force` is not set, or the model lacks a layer.
    StorageFailure
        When the place cannot be written.
    MissingExtra
        When Keras, TensorFlow or tf2onnx is not installed.
    """
    keras = keras_library()
    _refuse_unnamed(model)
    with whole_file(Path(path), force=force) as partial:
        if keras.backend.backend() == "tensorflow":
            _convert(model, partial)
        else:
            _convert_elsewhere(model, partial)
        check_onnx_file(partial)


def _refuse_unnamed(model: keras.Model) -> None:
    """Raise when the model lacks the layers that become outputs."""
    names = [layer.name for layer in model.layers]
    if names[-1:] != ["logits"] or ("features" not in names and len(members_of(model)) == 1):
        expected = "A layer called 'features', and a last layer called 'logits'"
        raise InvalidInput(f"The model '{model.name}' has the layers {names}", expected, "Name them so")


def _convert_elsewhere(model: keras.Model, target: Path) -> None:
    """Save the model, and convert it in a Python process that runs Keras on TensorFlow."""
    with TemporaryDirectory(prefix="cancernet-") as folder:
        source = Path(folder) / "model.keras"
        model.save(source)
        # -P: the current directory is no place to import from.
        command = [sys.executable, "-P", "-m", "cancernet.engine.convert", str(source), str(target.absolute())]
        done = subprocess.run(  # noqa: S603  (this interpreter, this package, two paths)
            command, env={**os.environ, **_QUIET_TENSORFLOW}, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise RuntimeError(f"The conversion to ONNX ended with exit code {done.returncode}:\n{done.stderr[-4000:]}")


def _convert(model: keras.Model, target: Path) -> None:
    """Write the model as ONNX by tf2onnx."""
    keras = keras_library()
    require("tf2onnx", "train")
    import onnx

    network = _with_outputs(float32_clone(model))
    entrance = network.inputs[0]
    signature = [keras.InputSpec(dtype=entrance.dtype, shape=entrance.shape, name="input")]
    with _quiet():
        network.export(target, format="onnx", verbose=False, input_signature=signature, opset_version=_OPSET)
    content = onnx.load(target)
    _tidy(content)
    onnx.checker.check_model(content, full_check=True)
    onnx.save(content, target)


def float32_clone(model: keras.Model) -> keras.Model:
    """Return a copy in float32 whose layers belong to no other model, with the constants of normalisation in NumPy.

    A model trained in mixed precision exports to a file that no engine loads; layers shared with another model have
    more than one output; and constants that are backend tensors would become inputs of the graph.
    """
    keras = keras_library()
    clone = keras.models.clone_model(model, clone_function=_float32_layer, recursive=True)
    clone.set_weights(model.get_weights())
    for own, copied in zip(_all_layers(model), _all_layers(clone), strict=True):
        if isinstance(own, keras.layers.Normalization):
            copied.mean = keras.ops.convert_to_numpy(keras.ops.cast(own.mean, "float32"))
            copied.variance = keras.ops.convert_to_numpy(keras.ops.cast(own.variance, "float32"))
    return clone


def _all_layers(model: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layers of a model and of the models inside it."""
    for layer in model.layers:
        if isinstance(layer, keras_library().Model):
            yield from _all_layers(layer)
        else:
            yield layer


def _float32_layer(layer: keras.Layer) -> keras.Layer:
    """Return a new layer with the same options in float32."""
    return type(layer).from_config({**layer.get_config(), "dtype": "float32"})


def _with_outputs(model: keras.Model) -> keras.Model:
    """Return the functional model from input to all outputs."""
    return keras_library().Model(model.inputs, outputs_of(model), name="network")


def _tidy(model: onnx.ModelProto) -> None:
    """Order the outputs, name the free dimensions, and drop domains that tf2onnx declares and no node uses."""
    graph, used = model.graph, {node.domain for node in model.graph.node}
    opsets = [opset for opset in model.opset_import if opset.domain in used]
    outputs = {output.name: output for output in graph.output}
    _replace(model.opset_import, opsets)
    _replace(graph.output, [outputs[name] for name in _OUTPUTS if name in outputs])
    for value in (*graph.input, *graph.output):
        lengths = value.type.tensor_type.shape.dim
        lengths[0].dim_param = "batch"
        for length in lengths[1:]:
            if not length.HasField("dim_value"):
                length.dim_param = "tiles"


def _replace(field: Any, messages: list[Any]) -> None:
    """Put copies of the messages in the place of all that a repeated field holds."""
    copies = [type(message).FromString(message.SerializeToString()) for message in messages]
    del field[:]
    field.extend(copies)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Keras, TensorFlow and tf2onnx log errors only, for the time of a conversion."""
    loggers = [logging.getLogger(name) for name in _CHATTY]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            # Keras 3.15 asks whether NumPy has the attribute `object`, for the sake of tf2onnx.
            warnings.filterwarnings("ignore", message=".*np.object.*", category=FutureWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
