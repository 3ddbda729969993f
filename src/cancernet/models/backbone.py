"""A user's feature extractor with a head on it: one flat network of stock layers, as all networks here are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cancernet.errors import InvalidInput
from cancernet.models.backend import keras_library
from cancernet.models.heads import logits_of
from cancernet.tasks import TaskKind

if TYPE_CHECKING:
    import keras

__all__ = ["Backbone", "build_on_backbone", "check_extractor", "check_patch_size"]

_SCALES = {"0..255": (1.0, 0.0), "0..1": (1 / 255, 0.0), "-1..1": (1 / 127.5, -1.0)}  # factor and offset
_HEAD = ("average", "dropout", "features", "logits", "ease", "one", "steps", "cut_points", "auxiliary")
_OURS = ("input", "rescaling", *_HEAD)  # names of layers
_NOISE = ("rate", "stddev")  # options of layers that act in training only
_NOISY = ("Dropout", "GaussianNoise", "SpatialDropout1D", "SpatialDropout2D")
_WIDTH = 128  # of the dense layer before the logits
_RGB = 3


class Backbone(BaseModel):
    """Options of a network on a feature extractor of the user.

    Parameters
    ----------
    backbone
        A `.keras` file of stock layers: from images to a map or a vector of features. Or a bundle of patches, by folder
        or by the name of a shipped one: its network up to the maps before average pooling.
    scale
        What it expects of pixels: "0..255" (as they are: it scales them itself), "0..1" or "-1..1".
    weights
        "file": it starts from the weights of the file; "random": from weights drawn by the seed, and the file gives the
        architecture only, with what `Normalization` layers know of their inputs.
    frozen
        Its weights stay as they are, batch normalisation runs on its stored statistics, and its dropout does nothing.
        False: all of its weights are trained, whatever the file says.
    dropout
        Share of the features of the extractor dropped before the dense layers that are put on it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    backbone: str = Field(min_length=1)
    scale: Literal["0..255", "0..1", "-1..1"] = "0..255"
    weights: Literal["file", "random"] = "file"
    frozen: bool = True
    dropout: float = Field(default=0.3, ge=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Refuse weights that were never learnt and never will be."""
        if self.weights == "random" and self.frozen:
            raise ValueError('weights = "random" needs frozen = false: nobody has trained these weights yet')
        return self

    @property
    def name(self) -> str:
        """Name of the file, for reports."""
        return Path(self.backbone).name


def build_on_backbone(
    extractor: keras.Model, size: int, *, classes: int, options: Backbone, kind: TaskKind = "multiclass"
) -> keras.Model:
    """Return a network for patches on copies of the layers of a feature extractor.

    The input has shape (n, size, size, 3), uint8 RGB. The layers are `rescaling`, those of the extractor with nested
    models opened, `average` (global average pooling) where the extractor gives maps, `dropout`, `features` (dense, 128,
    ReLU) and `logits` as in `build_cancernet`. A layer of the extractor keeps its name, or gets the prefix `backbone_`
    where that is taken. All layers compute in the precision that Keras is set to, whatever their file says. What Keras
    draws at random (weights, dropout) depends on its seed only, not on seeds in the file. The extractor is left as it
    is.

    Parameters
    ----------
    extractor
        Sequential or functional, checked by `check_extractor` and `check_patch_size`.
    size
        Pixels of a side.
    classes
        Number of classes.
    options
        Scale, weights, dropout.
    kind
        Of the task.

    References
    ----------
    Transfer of frozen and of fine-tuned features: Yosinski et al. 2014, arXiv:1411.1792.
    """
    keras = keras_library()
    layers = keras.layers
    factor, offset = _SCALES[options.scale]
    inputs = keras.Input((size, size, _RGB), dtype="uint8", name="input")
    pixels = layers.Rescaling(factor, offset=offset, name="rescaling")(inputs)
    features = _Copies(options).through(extractor, pixels)
    if len(features.shape) == 4:
        features = layers.GlobalAveragePooling2D(name="average")(features)
    features = layers.Dropout(options.dropout, name="dropout")(features)
    features = layers.Dense(_WIDTH, activation="relu", name="features")(features)
    return keras.Model(inputs, logits_of(features, classes, kind=kind), name="backbone")


def check_extractor(extractor: keras.Model, *, name: str) -> None:
    """Refuse a model that does not turn one RGB image into one map or vector of features.

    Parameters
    ----------
    extractor
        Sequential or functional.
    name
        What to call it in messages.

    Raises
    ------
    InvalidInput
        When it has several inputs or outputs, other channels, an output of another rank, no layer, or is not built.
    """
    inputs, outputs = _shapes(extractor, "inputs"), _shapes(extractor, "outputs")
    wanted = "One input (n, height, width, 3), and one output: maps (n, rows, columns, channels) or vectors (n, width)"
    if [len(shape) for shape in inputs] != [4] or [len(shape) for shape in outputs] not in ([4], [2]):
        has = f"{_counted('input', inputs)} and {_counted('output', outputs)}"
        todo = "Save a feature extractor: keras.Input((None, None, 3)) first, the last maps or their average at the end"
        raise InvalidInput(f"The backbone '{name}' has {has}", wanted, todo)
    if extractor.outputs[0] is extractor.inputs[0]:
        raise InvalidInput(f"The backbone '{name}' has no layer", wanted, "Save a feature extractor")
    channels = inputs[0][-1]
    if channels != _RGB:
        raise InvalidInput(
            f"The backbone '{name}' takes images of {channels} channels, and patches have {_RGB}",
            "An input (n, height, width, 3): RGB, channels last",
            "Build and save it for RGB images",
        )


def check_patch_size(extractor: keras.Model, size: int, *, name: str) -> None:
    """Refuse an extractor that takes images of another size only, or shrinks patches of this one to nothing.

    Parameters
    ----------
    extractor
        As `check_extractor` found it fit.
    size
        Pixels of a side of the patches.
    name
        What to call it in messages.

    Raises
    ------
    InvalidInput
        When it does.
    """
    height, width = extractor.inputs[0].shape[1:3]
    if height not in (None, size) or width not in (None, size):
        sides = " x ".join("any" if side is None else str(side) for side in (height, width))
        other = f', or bring the patches to it: [data] fit = "resize", size = {height}' if height == width else ""
        raise InvalidInput(
            f"The backbone '{name}' takes images of {sides} pixels, and the patches have {size} x {size}",
            f"An extractor for {size} x {size} pixels, or for any size: keras.Input((None, None, 3))",
            f"Build and save it so{other}",
        )
    try:
        bare = keras_library().Model(extractor.inputs[0], extractor.outputs[0])
        shape = bare.compute_output_shape((bare.inputs[0].shape[0] or 1, size, size, _RGB))
    except ValueError as error:
        raise _too_small(name, size, str(error).partition("\n")[0]) from error
    if any(length is not None and length < 1 for length in shape):
        raise _too_small(name, size, f"its output would have the shape {shape}")


def _shapes(model: Any, side: str) -> list[tuple[Any, ...]]:
    """Return the shapes of the inputs or outputs; none where a Sequential model does not know them yet."""
    return [tuple(tensor.shape) for tensor in getattr(model, side)] if model.built else []


def _counted(what: str, shapes: list[tuple[Any, ...]]) -> str:
    """Return '1 input (None, 32, 32, 3)', '2 outputs (...), (...)' or 'no inputs'."""
    return f"{len(shapes) or 'no'} {what}{'s' * (len(shapes) != 1)} {', '.join(map(str, shapes))}".rstrip()


def _too_small(name: str, size: int, reason: str) -> InvalidInput:
    """Return the error for an extractor that needs larger images."""
    return InvalidInput(
        f"The backbone '{name}' cannot take patches of {size} x {size} pixels ({reason})",
        "An extractor that leaves one cell at least",
        'Take larger patches, for example [data] fit = "resize", size = 96, or an extractor with fewer strides',
    )


class _Copies:
    """Copies of the layers of an extractor, each made once, each with a name of its own."""

    def __init__(self, options: Backbone) -> None:
        self._options, self._taken = options, set(_OURS)
        self._copies: dict[int, Any] = {}

    def through(self, model: Any, tensor: Any) -> Any:
        """Return what the copies make of a symbolic tensor."""
        keras = keras_library()
        bare = keras.Model(model.inputs, model.outputs)  # the same tensors: functional, and not compiled
        made: dict[str, Any] = {}

        def call(layer: Any, *inputs: Any, **settings: Any) -> Any:
            """Call the copy of a layer, or those of the layers of a nested model."""
            if isinstance(layer, keras.Model):
                made[layer.name] = self.through(layer, keras.tree.flatten(inputs)[0])
            else:
                settings.pop("training", None)  # that is for the network to say
                made[layer.name] = self._of(layer, inputs, settings)
            return made[layer.name]

        keras.models.clone_model(bare, input_tensors=[tensor], clone_function=lambda layer: layer, call_function=call)
        return made[bare.output_names[0]]

    def _of(self, layer: Any, inputs: tuple[Any, ...], settings: dict[str, Any]) -> Any:
        """Return what the copy of a layer makes of its inputs; weights are taken over once it is built."""
        known = self._copies.get(id(layer))
        if known is not None:
            return known(*inputs, **settings)
        copy = self._copies[id(layer)] = self._copy(layer)
        output = copy(*inputs, **settings)
        normalises = type(layer).__name__ == "Normalization"
        if layer.weights and (normalises or self._options.weights == "file"):
            copy.set_weights(layer.get_weights())
        if normalises:
            copy.finalize_state()
        return output

    def _copy(self, layer: Any) -> Any:
        """Return a layer of the same kind and options: ours are name, precision, seeds, and whether it learns."""
        config = _unseeded(layer.get_config())
        config |= {"name": self._free(layer.name), "dtype": keras_library().config.dtype_policy().name}
        if self._options.frozen and type(layer).__name__ in _NOISY:
            config |= dict.fromkeys(config.keys() & _NOISE, 0.0)
        copy = type(layer).from_config(config)
        copy.trainable = not self._options.frozen
        return copy

    def _free(self, name: str) -> str:
        """Return the name, or one with a prefix where it is taken, and take it."""
        while name in self._taken:
            name = f"backbone_{name}"
        self._taken.add(name)
        return name


def _unseeded(config: Any) -> Any:
    """Return a configuration without the seeds of its initialisers and of its dropout."""
    if isinstance(config, dict):
        return {key: None if key == "seed" else _unseeded(part) for key, part in config.items()}
    return [_unseeded(part) for part in config] if isinstance(config, list) else config
