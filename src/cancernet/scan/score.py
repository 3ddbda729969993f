"""What a bundle says about the tiles of a slide: reading, the network and deciding overlap."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Card
from cancernet.patches import image_statistics
from cancernet.predict import Cases, decide
from cancernet.scan.blocks import Tiles, in_batches, read_tiles
from cancernet.scan.grid import Grid
from cancernet.slides import Slide
from cancernet.stain import StainFit

if TYPE_CHECKING:
    from cancernet.engine import Model

__all__ = ["Scores", "score_tiles"]

_ARRAYS = ("columns", "rows", "probabilities", "predicted", "abstained", "ood")
_DECIDED = 2048  # tiles that are decided at once: fewer would cost more in calls than in work


@dataclass(frozen=True, eq=False)
class Scores:
    """Answers for tiles, in the order in which they were read.

    Parameters
    ----------
    classes
        Names, in the order of the probabilities.
    columns, rows
        Where the tiles lie in the grid, (n,) each.
    probabilities
        Shape (n, classes), float32, calibrated.
    predicted
        Codes of classes at the threshold of the card, (n,).
    abstained, ood
        Shape (n,), bool: the set holds more than one class or the tile is unlike the training patches; the latter.
    """

    classes: tuple[str, ...]
    columns: NDArray[np.int64]
    rows: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    predicted: NDArray[np.int64]
    abstained: NDArray[np.bool_]
    ood: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.columns)

    def take(self, which: NDArray[np.bool_]) -> Scores:
        """Return the scores of some tiles."""
        return Scores(self.classes, *(getattr(self, name)[which] for name in _ARRAYS))


def score_tiles(
    model: Model,
    slide: Slide,
    *,
    grid: Grid,
    wanted: NDArray[np.bool_],
    stain: StainFit | None = None,
    threads: int = 2,
    progress: Callable[[int], None] | None = None,
) -> Scores:
    """Return what a bundle says about the wanted tiles of a slide.

    Parameters
    ----------
    model
        Opened by `engine.open`; a bundle of patches.
    slide
        Open.
    grid
        Where its tiles lie.
    wanted
        Shape (rows, columns): which of them are asked for.
    stain
        The colours of the slide, where the bundle wants them normalised.
    threads
        That read the slide.
    progress
        Called with the number of tiles done.

    Raises
    ------
    CorruptFile
        When a part of the slide cannot be decoded.
    """
    describe = image_statistics if model.card.decision.novelty is not None else _nothing
    tiles = read_tiles(slide, grid, wanted, describe=describe, stain=stain, threads=threads)
    parts = [_empty(model.card)]
    done = 0
    for some, logits in _in_parts(_answered(model, tiles)):
        parts.append(_scores(some, decide(model.card, logits, values=some.values)))
        done += len(some)
        if progress is not None:
            progress(done)
    return _together(parts)


def _nothing(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return no values: the card does not say what training patches look like."""
    return np.empty((len(images), 0))


def _answered(model: Model, parts: Iterable[Tiles]) -> Iterator[tuple[Tiles, NDArray[np.float32]]]:
    """Yield batches of tiles with their logits; the pixels are let go."""
    waiting: deque[Tiles] = deque()

    def images() -> Iterator[NDArray[np.uint8]]:
        for tiles in in_batches(parts, model.batch_size):
            waiting.append(replace(tiles, images=np.empty((len(tiles), 0, 0, 3), dtype=np.uint8)))
            yield tiles.images

    for outputs in model.stream(images()):
        yield waiting.popleft(), outputs.logits


def _in_parts(
    answered: Iterable[tuple[Tiles, NDArray[np.float32]]],
) -> Iterator[tuple[Tiles, NDArray[np.float32]]]:
    """Yield many batches as one, which is cheaper to decide."""
    held: list[tuple[Tiles, NDArray[np.float32]]] = []
    count = 0
    for tiles, logits in answered:
        held.append((tiles, logits))
        count += len(tiles)
        if count >= _DECIDED:
            yield _batch(held)
            held, count = [], 0
    if held:
        yield _batch(held)


def _batch(held: list[tuple[Tiles, NDArray[np.float32]]]) -> tuple[Tiles, NDArray[np.float32]]:
    """Return several batches as one."""
    tiles = [some for some, _ in held]
    joined = Tiles(*(np.concatenate([getattr(one, name) for one in tiles]) for name in Tiles.__dataclass_fields__))
    return joined, np.concatenate([logits for _, logits in held])


def _scores(tiles: Tiles, found: Cases) -> Scores:
    """Return the scores of some tiles."""
    return Scores(
        found.classes,
        tiles.columns,
        tiles.rows,
        found.probabilities.astype(np.float32),
        found.predicted,
        found.abstained,
        found.ood,
    )


def _empty(card: Card) -> Scores:
    """Return the scores of no tile."""
    classes, none, no = card.task.classes, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_)
    return Scores(classes, none, none, np.empty((0, len(classes)), np.float32), none, no, no)


def _together(parts: list[Scores]) -> Scores:
    """Return the scores of all parts."""
    return Scores(parts[0].classes, *(np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS))
