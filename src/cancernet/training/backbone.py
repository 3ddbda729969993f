"""A user's feature extractor, opened as safely as a bundle and checked; and the network for patches on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cancernet.engine import load_keras
from cancernet.errors import CorruptFile, InvalidInput
from cancernet.files import sha256
from cancernet.models import (
    Backbone,
    CancerNet,
    build_cancernet,
    build_on_backbone,
    check_extractor,
    check_patch_size,
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
    """

    options: Backbone
    extractor: keras.Model
    sha256: str

    def check_size(self, size: int) -> None:
        """Raise `InvalidInput` when the extractor cannot take patches of `size` x `size` pixels."""
        check_patch_size(self.extractor, size, name=self.options.name)


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
    path = Path(options.backbone)
    if not path.is_file():
        raise InvalidInput(
            f"There is no backbone '{path}'",
            "A feature extractor saved by Keras 3, a .keras file",
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
    check_extractor(extractor, name=options.name)
    return OpenBackbone(options, extractor, digest)


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
