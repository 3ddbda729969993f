"""Made cases of the kind a bundle takes, for checks when no real ones are at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bags import pad_bags
from cancernet.bundle import Card
from cancernet.stain import combine

__all__ = ["made_sample"]

_TILES = 40  # of the largest bag
_SPOT = 8  # pixels: about the size of a nucleus on common patches
_DENSEST = (1.5, 1.0)  # natural optical density of the most haematoxylin and eosin


def made_sample(card: Card, *, rows: int = 70, seed: int = 0) -> NDArray[Any]:
    """Return seeded cases that the network of a card could meet; they are synthetic.

    Rows of a table, as the network takes them, are drawn, column by column, around the mean of the training rows with
    their spread, as the card's check for unlike rows knows them; without it around the medians (or 0) with a spread of
    1. Patches are spots of haematoxylin and eosin of random amount on a bright ground. Bags hold up to 40 tiles of
    standard normal features.

    Returns
    -------
    Shape (rows, columns) or (rows, tiles, width + 1), float32, or (rows, size, size, 3) uint8.
    """
    random = np.random.default_rng(seed)
    if card.input.kind in ("patches", "fields"):
        return _patches(rows, card.input.size, random)
    return _bags(rows, card.input.width, random) if card.input.kind == "bags" else _table(rows, card, random)


def _table(rows: int, card: Card, random: np.random.Generator) -> NDArray[np.float32]:
    """Return made rows of a table."""
    columns, novelty = card.input.shape[0] or 0, card.decision.novelty
    medians = card.input.medians if len(card.input.medians or ()) == columns else None
    mean = np.array(novelty.mean if novelty else medians or (0.0,) * columns)
    scale = np.array(novelty.scale if novelty else (1.0,) * columns)
    return random.normal(mean, scale, (rows, columns)).astype(np.float32)


def _bags(rows: int, width: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Return made bags of different length, padded."""
    lengths = random.integers(1, _TILES + 1, rows).tolist()
    return pad_bags([random.normal(size=(length, width)).astype(np.float32) for length in lengths], _TILES)


def _patches(rows: int, size: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return made patches, (rows, size, size, 3)."""
    spots = -(-size // _SPOT)
    richness = random.random((rows, 1, 1, 2)) * _DENSEST  # of each patch
    amounts = np.zeros((rows, spots, spots, 3))  # haematoxylin, eosin, nothing else
    amounts[..., :2] = richness * random.random((rows, spots, spots, 2))
    fine = amounts.repeat(_SPOT, axis=1).repeat(_SPOT, axis=2)[:, :size, :size]
    return combine(np.maximum(fine + random.normal(0, 0.05, fine.shape), 0))
