"""A user's feature extractor, opened as safely as a bundle and checked; and the network for patches on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Card, find, load_card, zoo_names
from cancernet.bundle.store import KERAS
from cancernet.engine import load_keras
from cancernet.errors import CorruptFile, InvalidInput, LeakingSplit
from cancernet.files import sha256
from cancernet.models import (
    Backbone,
    CancerNet,
    build_cancernet,
    build_on_backbone,
    check_extractor,
    check_patch_size,
    keras_library,
)
from cancernet.tasks import TaskKind

if TYPE_CHECKING:
    import keras

__all__ = ["OpenBackbone", "build_network", "open_backbone"]


@dataclass(frozen=True, eq=False)
class OpenBackbone:
    """A feature extractor that was found fit.

    Parameters
    ----------
    options
        As the study gives them.
    extractor
        What the file holds, not compiled.
    sha256
        Of the file.
    card
        Of the bundle that it was taken from; None where it is a file of its own.
    """

    options: Backbone
    extractor: keras.Model
    sha256: str
    card: Card | None = None

    def check_size(self, size: int) -> None:
        """Raise `InvalidInput` when the extractor cannot take patches of `size` x `size` pixels."""
        check_patch_size(self.extractor, size, name=self.options.name)

    def refuse_seen(self, digests: NDArray[np.str_], groups: NDArray[np.str_]) -> None:
        """Raise `LeakingSplit` when the weights of the bundle have seen images or patients of the study, each (n,)."""
        if self.card is None or self.options.weights == "random":
            return
        training = self.card.training
        images = int(training.seen_texts(digests.tolist()).sum())
        patients = training.seen(np.unique(groups).tolist())
        if images or patients:
            raise LeakingSplit(
                f"The backbone '{self.options.backbone}' was trained on {images} of the {len(digests)} images of the "
                f"study, and on {len(patients)} of its groups",
                "A backbone that has seen none of them: every test would be of cases it knows",
                "Take another bundle, or none; groups that have the same names by chance need other names",
            )


def open_backbone(options: Backbone) -> OpenBackbone:
    """Open the feature extractor of a study; this imports Keras.

    Raises
    ------
    InvalidInput
        When the file is not there, or holds no extractor of features of RGB images.
    CorruptFile
        When it is damaged, or holds more than stock layers; Keras never opens it then.
    MissingExtra
        When Keras is not installed.
    """
    shipped = options.backbone in zoo_names()
    bundle = find(options.backbone) if shipped or Path(options.backbone).is_dir() else None
    path = Path(options.backbone) if bundle is None else bundle / KERAS
    if not path.is_file():
        raise InvalidInput(
            f"There is no backbone '{path}'",
            "A feature extractor saved by Keras 3, a .keras file; or a bundle of patches, by folder or name",
            "Check the path in [model] backbone: a relative one starts at the folder of the study file",
        )
    digest = sha256(path)
    try:
        extractor = load_keras(path)
    except CorruptFile as error:
        raise CorruptFile(
            f"The backbone cannot be used: {error.wrong}",
            "A .keras file of stock layers, saved by Keras 3",
            "Build the feature extractor of stock layers, and save it before it is compiled: extractor.save(...)",
        ) from error
    card = None if bundle is None else load_card(bundle)
    if bundle is not None:
        extractor = _maps_of(extractor, options)
    check_extractor(extractor, name=options.name)
    return OpenBackbone(options, extractor, digest, card)


def _maps_of(network: keras.Model, options: Backbone) -> keras.Model:
    """Return the network of a bundle from images of any size to the maps before its average pooling."""
    keras = keras_library()
    if "average" not in [layer.name for layer in network.layers]:
        raise InvalidInput(
            f"The bundle '{options.backbone}' is no backbone",
            "A bundle of patches with one network, as `cancernet train` makes it without an ensemble",
            "Take another bundle, or a .keras file of a feature extractor",
        )
    if options.scale != "0..255":
        raise InvalidInput(
            f"[model] scale = '{options.scale}' with the bundle '{options.backbone}'",
            'The network of a bundle scales pixels itself: scale = "0..255"',
            "Leave scale out",
        )
    maps = keras.Model(network.inputs, network.get_layer("average").input)
    free = keras.models.clone_model(maps, input_tensors=[keras.Input((None, None, 3), dtype="uint8")])
    free.set_weights(maps.get_weights())
    return free


def build_network(size: int, classes: int, *, kind: TaskKind, model: CancerNet | OpenBackbone) -> keras.Model:
    """Return the network for patches, with fresh weights but those of a backbone's file.

    Parameters
    ----------
    size
        Pixels of a side.
    classes
        Number of classes.
    kind
        Of the task.
    model
        Options of CancerNet, or a backbone.
    """
    if isinstance(model, CancerNet):
        return build_cancernet(size, classes, kind=kind, options=model)
    return build_on_backbone(model.extractor, size, classes=classes, kind=kind, options=model.options)
