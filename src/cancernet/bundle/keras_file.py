"""Keras files from elsewhere: read as data first, and refused when they hold more than stock layers."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cancernet.errors import CorruptFile
from cancernet.files import storage_errors

__all__ = ["ALLOWED", "check_keras_file"]

_MODELS = ("Sequential", "Functional")
_LAYERS = (
    "Activation",
    "Add",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchNormalization",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Conv2DTranspose",
    "Cropping1D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dot",
    "Dropout",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "InputLayer",
    "LayerNormalization",
    "LeakyReLU",
    "MaxPooling1D",
    "MaxPooling2D",
    "Multiply",
    "Normalization",
    "Permute",
    "ReLU",
    "Rescaling",
    "Reshape",
    "SeparableConv1D",
    "SeparableConv2D",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "UpSampling2D",
    "ZeroPadding1D",
    "ZeroPadding2D",
)
_INITIALIZERS = (
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "Ones",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
)
ALLOWED = frozenset(
    [("keras", name) for name in ("DTypePolicy", *_MODELS)]
    + [("keras.src.models.functional", "Functional")]
    + [("keras.layers", name) for name in _LAYERS]
    + [("keras.initializers", name) for name in _INITIALIZERS]
    + [("keras.constraints", "NonNeg")]
    + [("keras.regularizers", name) for name in ("L1", "L1L2", "L2")]
    + [("keras.optimizers", name) for name in ("Adam", "AdamW", "SGD")]
    + [
        ("keras.losses", name)
        for name in ("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy")
    ]
)
"""Module and class names that a Keras file may name. `Lambda` is not among them and never will be."""

_MEMBERS = frozenset({"config.json", "metadata.json", "model.weights.h5"})
_LARGEST_CONFIG = 16 * 2**20  # bytes
_DEEPEST = 100  # levels of JSON
_LARGEST_NUMBER = 2**20  # units, filters or positions of one layer
_FREE_NUMBERS = frozenset({"seed", "shared_object_id"})
_UNREADABLE = (
    zipfile.BadZipFile,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
    json.JSONDecodeError,
)
_STOCK = "A Keras 3 file of stock layers, as this package writes it"
_AGAIN = "Do not open it. Get the bundle again from a source you trust"


def check_keras_file(path: str | Path) -> None:
    """Refuse a `.keras` file that holds more than stock layers and their weights.

    The file is read as a zip of JSON and HDF5; Keras is not imported and nothing is deserialised. Refused are members
    that Keras does not write, compressed members (Keras stores them plainly; a zip bomb must compress), and every
    module, class or function name in `config.json` that is not in `ALLOWED`.

    Raises
    ------
    CorruptFile
        When one of these is found, or the file is no Keras 3 file.
    StorageFailure
        When it cannot be read.
    """
    path = Path(path)
    config = _read_config(path)
    if not isinstance(config, dict) or config.get("class_name") not in _MODELS:
        raise CorruptFile(f"'{path}' holds no model", f"One of {', '.join(_MODELS)}", _AGAIN)
    for reason in _config_reasons(config, 0):
        raise CorruptFile(f"'{path}' {reason}", _STOCK, _AGAIN)


def _read_config(path: Path) -> Any:
    """Return the content of `config.json` inside the zip, after its members were checked."""
    try:
        with storage_errors(path), zipfile.ZipFile(path) as archive:
            _refuse_members(archive, path)
            return json.loads(archive.read("config.json"))
    except _UNREADABLE as error:
        raise CorruptFile(f"'{path}' is no Keras file ({error})", _STOCK, _AGAIN) from error


def _refuse_members(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse members that Keras does not write, or not in this way."""
    members = archive.infolist()
    names = [member.filename for member in members]
    if sorted(names) != sorted(_MEMBERS):
        raise CorruptFile(f"'{path}' holds {sorted(names)}", f"Exactly {sorted(_MEMBERS)}", _AGAIN)
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise CorruptFile(f"'{path}' holds compressed members", _STOCK, _AGAIN)
    if sum(member.file_size for member in members) > path.stat().st_size:
        raise CorruptFile(f"'{path}' claims to hold more than its own size", _STOCK, _AGAIN)
    if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
        raise CorruptFile(f"'{path}' has a 'config.json' of more than {_LARGEST_CONFIG >> 20} MiB", _STOCK, _AGAIN)


def _config_reasons(config: Any, depth: int) -> Iterator[str]:
    """Yield what speaks against a piece of `config.json` and all pieces inside it."""
    if depth > _DEEPEST:
        yield f"nests its configuration more than {_DEEPEST} levels deep"
    elif isinstance(config, list):
        for part in config:
            yield from _config_reasons(part, depth + 1)
    elif isinstance(config, dict):
        yield from _object_reasons(config)
        for key, part in config.items():
            if key not in _FREE_NUMBERS or isinstance(part, list | dict):
                yield from _config_reasons(part, depth + 1)
    elif isinstance(config, int) and abs(config) > _LARGEST_NUMBER:
        yield f"asks for a layer of size {config}"


def _object_reasons(config: dict[str, Any]) -> Iterator[str]:
    """Yield what speaks against a piece that names a class, as Keras would look it up."""
    if not config.keys() & {"class_name", "module", "registered_name"}:
        return
    name, module, registered = config.get("class_name"), config.get("module"), config.get("registered_name")
    is_tensor = name == "__keras_tensor__" and module is None and registered is None
    is_stock = isinstance(name, str) and isinstance(module, str) and (module, name) in ALLOWED
    if not is_tensor and not is_stock:
        yield f"holds '{module}.{name}', which is not a stock layer that this package opens"
    elif registered not in (None, name):
        yield f"registers '{name}' as '{registered}'"
