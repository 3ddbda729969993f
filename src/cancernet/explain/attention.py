"""How much each tile of a slide counted for the answer of a bundle of bags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.bags import pad_bags
from cancernet.errors import BundleMismatch

if TYPE_CHECKING:
    from cancernet.engine import Model

__all__ = ["attention_of"]


def attention_of(model: Model, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weight of each tile of a slide.

    A tile of a large weight was looked at; whether it speaks for a class or against it, the weight does not say.

    Parameters
    ----------
    model
        Opened by `engine.open`; a bundle of bags.
    features
        Shape (tiles, width), as in the file.

    Returns
    -------
    Shape (tiles,), float32, at least 0, in all 1.

    Raises
    ------
    BundleMismatch
        When the bundle weighs no tiles.
    InvalidInput
        When the features have another width, there is no tile, or a number is missing or infinite.

    References
    ----------
    Ilse et al. 2018, arXiv:1802.04712, equation 9.
    """
    if model.card.input.kind != "bags":
        raise BundleMismatch(
            f"The bundle '{model.card.name}' takes a {model.card.input.kind} and weighs no tiles",
            "A bundle that was trained on bags",
            "Choose another bundle",
        )
    weights = model.run(pad_bags([features])).attention
    if weights is None:
        raise BundleMismatch(
            f"The network of '{model.card.name}' has no output 'attention'",
            "One that this package exported",
            "Train the bundle again",
        )
    found: NDArray[np.float32] = weights[0]
    return found
