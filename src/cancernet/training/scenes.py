"""Images with their targets, at the scale of the network and a little beside it, from which crops are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.ahead import one_ahead
from cancernet.geometry import VIEWS, dihedral
from cancernet.patches import rescale
from cancernet.training.augment import augment
from cancernet.training.clutter import cluttered, paled
from cancernet.training.options import SegmenterTraining
from cancernet.training.seeds import seed_of

__all__ = ["Scene", "draw_crops", "prepare_scene"]

_CHANGED = 0.7  # share of crops with clutter, and of those with pale nuclei

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Scene:
    """One image to learn from.

    Parameters
    ----------
    views
        The image (h, w, 3) and its targets (h, w, maps), both uint8, at each scale.
    """

    views: tuple[tuple[Pixels, Pixels], ...]


def prepare_scene(
    image: Pixels,
    targets: Pixels,
    *,
    scale: float,
    zoom: float = 0.0,
    channels: Callable[[Pixels], Pixels] | None = None,
) -> Scene:
    """Return an image ready to be learnt from.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8 RGB.
    targets
        Shape (h, w, maps), uint8, from `make_targets`.
    scale
        Microns per pixel of the image by those of the network.
    zoom
        The image is also kept 1 + zoom times larger and smaller; 0: not.
    channels
        Makes of an image at its final scale what the network sees, (h, w, 3) uint8; None: its colours.
    """
    see = channels or (lambda scaled: scaled)
    scales = (scale,) if not zoom else (scale / (1 + zoom), scale, scale * (1 + zoom))
    return Scene(tuple((see(rescale(image, factor)), rescale(targets, factor)) for factor in scales))


def draw_crops(
    scenes: Sequence[Scene], options: SegmenterTraining, *, batches: Sequence[int], seed: int, stained: bool = True
) -> Iterator[tuple[Pixels, Pixels]]:
    """Yield batches of crops, changed, with their targets; the next one is made in a thread meanwhile.

    Parameters
    ----------
    scenes
        To draw from; each is as likely.
    options
        The size of a crop, and how it is changed. Zoom and shift of its augmentation are not used: the targets would
        not follow.
    stained
        Whether crops show colours; without, amounts of stains are not changed.
    batches
        How many crops each batch has.
    seed
        Of the draw; each batch has a state of its own.

    Yields
    ------
    Crops (n, size, size, 3) and targets (n, size, size, maps), uint8.
    """
    unused = ("zoom", "shift") if stained else ("zoom", "shift", "stain_scale", "stain_shift")
    colours = options.augmentation.model_copy(update={"dihedral": False, **dict.fromkeys(unused, 0.0)})

    def make(place: int) -> tuple[Pixels, Pixels]:
        rng = np.random.default_rng(seed_of(seed, place))
        pairs = [_crop(scenes, options, rng) for _ in range(batches[place])]
        images, targets = (np.stack(parts) for parts in zip(*pairs, strict=True))
        return augment(images, rng, options=colours), targets

    return one_ahead(make(place) for place in range(len(batches)))


def _crop(scenes: Sequence[Scene], options: SegmenterTraining, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """Return one crop and its targets, turned as one of the eight views; small images are continued by their mirror."""
    views, size = scenes[int(rng.integers(len(scenes)))].views, options.crop
    parts = views[int(rng.integers(len(views)))]
    view = int(rng.integers(VIEWS)) if options.augmentation.dihedral else 0
    corner = [int(rng.integers(max(length - size, 0) + 1)) for length in parts[0].shape[:2]]
    image, targets = (dihedral(_cut(part, corner, size)[None], view)[0] for part in parts)
    if options.pale and rng.random() < _CHANGED:
        image = paled(image, targets[..., -1] / 255, rng, palest=options.pale)
    if options.clutter and rng.random() < _CHANGED:
        image = cluttered(image, rng, densest=options.clutter)
    return image, targets


def _cut(part: Pixels, corner: Sequence[int], size: int) -> Pixels:
    """Return the square whose first row and column are given."""
    row, column = corner
    square = part[row : row + size, column : column + size]
    missing = [(0, size - length) for length in square.shape[:2]]
    return np.pad(square, (*missing, (0, 0)), mode="symmetric") if any(after for _, after in missing) else square
