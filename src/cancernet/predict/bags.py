"""Slides of any number by the features of their tiles: reading, the network and writing overlap."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from cancernet.bags import Bag, BagSet, pad_bags, read_bag, said_of, summarise
from cancernet.bundle import BagInput, Card, PixelSize
from cancernet.errors import BundleMismatch, CancerNetError, InvalidInput, MissingExtra
from cancernet.patches import Fault
from cancernet.predict.decide import Cases, decide, join_cases
from cancernet.predict.stream import Batch, Summary, check_place, predict_batches

if TYPE_CHECKING:
    from cancernet.engine import Model

__all__ = ["answer_bags", "bag_input", "predict_bags"]

_FAR = 1.25  # by which factor a known resolution may lie outside the range of the training slides


def predict_bags(
    model: Model,
    bags: BagSet,
    *,
    out: Path | BinaryIO | None = None,
    prevalence: float | None = None,
    progress: Callable[[int], None] | None = None,
    force: bool = False,
) -> Summary:
    """Predict slides; those whose files are missing or cannot be read are set aside and named in the summary.

    Parameters
    ----------
    model
        Opened by `engine.open`; a bundle of bags.
    bags
        From `read_bags`; their labels are not looked at.
    out
        Where to: a file, whole or absent, whose suffix says its form; an open binary stream, which gets CSV; or None.
    prevalence
        Share of the positive class where the slides are from.
    progress
        Called with the number of slides done.
    force
        Replace an existing file.

    Raises
    ------
    CancerNetError
        When the bundle takes no bags, no slide can be read, features are of another encoder, width or resolution, or
        the file exists; no file is left behind.
    """
    bag_input(model.card)
    check_place(Path(bags.source), out, force=force)
    faults = list(bags.faults)
    batches = _batches(model.card, bags, faults)
    found = predict_batches(model, batches, out=out, prevalence=prevalence, progress=progress, force=force)
    return replace(found, faults=tuple(faults))


def answer_bags(model: Model, bags: BagSet) -> Cases:
    """Return what the model says about all slides; one that cannot be read is refused.

    Raises
    ------
    CancerNetError
        As `predict_bags` does, and when a slide has no file or one that cannot be read.
    """
    bags.refuse_missing()
    faults: list[Fault] = []
    found = [
        replace(decide(model.card, model.run(batch.inputs).logits, values=batch.values), ids=batch.ids)
        for batch in _batches(model.card, bags, faults)
    ]
    if faults:
        raise InvalidInput(
            f"{len(faults)} of {len(bags)} slides cannot be used, the first because {faults[0].reason}",
            "Readable features of each slide",
            "Make them again, or take these slides out of the table",
        )
    return join_cases(found)


def bag_input(card: Card) -> BagInput:
    """Return what a bundle of bags takes.

    Raises
    ------
    BundleMismatch
        When it takes rows of a table, or patches.
    """
    if not isinstance(card.input, BagInput):
        raise BundleMismatch(
            f"The bundle '{card.name}' takes a {card.input.kind}, no features of slides",
            "A bundle that was trained on bags",
            "Choose another bundle",
        )
    return card.input


def _batches(card: Card, bags: BagSet, faults: list[Fault]) -> Generator[Batch, None, None]:
    """Yield the slides that can be read, one by one: all tiles of a slide at once; the others join the faults."""
    wanted, done = bag_input(card), 0
    for row, path in enumerate(bags.paths):
        try:
            bag = read_bag(path)
        except MissingExtra:
            raise
        except CancerNetError as error:
            faults.append(Fault(path, error.wrong))
            continue
        _refuse_other(card, wanted, bag, said_of(bag, bags), path=path)
        described = summarise(bag.features.mean(axis=0, dtype=np.float64)[None])
        done += 1
        yield Batch(pad_bags([bag.features]), described, bags.ids[row : row + 1], done)
    if not done:
        raise InvalidInput(
            f"None of the {len(bags) + len(bags.faults)} slides of '{bags.name}' can be used: "
            f"{faults[0].path.name}: {faults[0].reason}",
            "Readable features of the tiles of each slide",
            "Name the folder of the features: --features FOLDER",
        )


def _refuse_other(card: Card, wanted: BagInput, bag: Bag, said: tuple[str, PixelSize], *, path: Path) -> None:
    """Raise `BundleMismatch` when features are not those that the network knows, as far as both sides say it."""
    encoder, size = said
    names = wanted.encoder and encoder
    if bag.width != wanted.width or (names and encoder != wanted.encoder):
        raise BundleMismatch(
            f"'{path}' holds {bag.width} features per tile of the encoder '{encoder or 'not stated'}'",
            f"{wanted.width} of the encoder '{wanted.encoder or 'not stated'}', which '{card.name}' was trained on",
            "Make the features by that encoder",
        )
    low, high = (wanted.pixel_size.low, wanted.pixel_size.high)
    mpp, known = size.mpp, wanted.pixel_size.mpp
    if mpp is None or known is None:
        return
    if not (low or known) / _FAR <= mpp <= (high or known) * _FAR:
        raise BundleMismatch(
            f"The encoder of '{path}' saw {mpp:.3g} microns per pixel",
            f"{low or known:.3g} to {high or known:.3g}, as in the training of '{card.name}'",
            "Make the features at that resolution",
        )
