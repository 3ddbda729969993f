"""Images of any number: decoding, the network and writing overlap, and memory holds a few batches only."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Card, PatchInput
from cancernet.checks import listed
from cancernet.errors import BundleMismatch, CancerNetError, InvalidInput
from cancernet.patches import (
    STATISTICS,
    Fault,
    PatchSet,
    Stains,
    fit_image,
    fit_stains,
    image_statistics,
    read_image,
)
from cancernet.predict.decide import Cases, decide, join_cases
from cancernet.predict.fields import refuse_fields
from cancernet.predict.stream import Batch, Summary, check_place, predict_batches

if TYPE_CHECKING:
    from cancernet.engine import Model

__all__ = ["answer_patches", "patch_input", "predict_patches", "read_batch"]

_BATCH = 512  # images decoded at once; of 96 pixels they are 14 MB
_READERS = 2  # threads that decode


def predict_patches(
    model: Model,
    patches: PatchSet,
    *,
    out: Path | BinaryIO | None = None,
    prevalence: float | None = None,
    progress: Callable[[int], None] | None = None,
    force: bool = False,
) -> Summary:
    """Predict images; those that cannot be read are set aside and named in the summary.

    Parameters
    ----------
    model
        Opened by `engine.open`; a bundle of patches.
    patches
        From `read_patches`; their labels are not looked at.
    out
        Where to: a file, whole or absent, whose suffix says its form; an open binary stream, which gets CSV; or None.
    prevalence
        Share of the positive class where the images are from.
    progress
        Called with the number of images done.
    force
        Replace an existing file.

    Raises
    ------
    CancerNetError
        When the bundle takes no patches, no image can be read, or the file exists; no file is left behind.
    """
    patch_input(model.card)
    check_place(patches.folder, out, force=force)
    faults, stains = list(patches.faults), _stains(model.card, patches)
    batches = _batches(model.card, patches, faults, stains=stains)
    found = predict_batches(model, batches, out=out, prevalence=prevalence, progress=progress, force=force)
    return replace(found, faults=tuple(faults), notes=() if stains is None else (stains.words(),))


def answer_patches(model: Model, patches: PatchSet) -> tuple[NDArray[np.uint8], Cases, tuple[Fault, ...]]:
    """Return images that can be read, what the model says about them, and the files that cannot be read.

    Parameters
    ----------
    model
        Opened by `engine.open`; a bundle of patches.
    patches
        As many as memory holds.

    Raises
    ------
    CancerNetError
        When the bundle takes no patches, or no image can be read.
    """
    faults = list(patches.faults)
    batches = list(_batches(model.card, patches, faults, stains=_stains(model.card, patches)))
    found = [
        replace(decide(model.card, model.run(batch.inputs).logits, values=batch.values), ids=batch.ids)
        for batch in batches
    ]
    return np.concatenate([batch.inputs for batch in batches]), join_cases(found), tuple(faults)


def patch_input(card: Card) -> PatchInput:
    """Return what a bundle of patches takes.

    Raises
    ------
    BundleMismatch
        When it takes something else, or its training patches are described by other statistics than those of now.
    """
    refuse_fields(card)
    if not isinstance(card.input, PatchInput):
        raise BundleMismatch(
            f"The bundle '{card.name}' takes rows of {len(card.input.names)} columns, no images",
            "A bundle that was trained on patches",
            "Give it a CSV file, or choose another bundle",
        )
    if card.decision.novelty is not None and card.input.statistics != STATISTICS:
        raise BundleMismatch(
            f"The bundle '{card.name}' describes its training patches by statistics that this version does not know",
            "A bundle of this version: with another, patches unlike the training ones could not be told",
            "Run `cancernet train` with its study again",
        )
    return card.input


def read_batch(
    paths: Sequence[Path], wanted: PatchInput, *, pool: ThreadPoolExecutor
) -> tuple[NDArray[np.uint8], list[int], list[Fault]]:
    """Return the images that can be read, (n, size, size, 3) uint8, their places in `paths`, and the others."""

    def decode(path: Path) -> NDArray[np.uint8] | Fault:
        try:
            return fit_image(read_image(path), wanted.size, fit=wanted.fit)
        except CancerNetError as error:
            return Fault(path, error.wrong)

    read = list(pool.map(decode, paths))
    places = [place for place, image in enumerate(read) if not isinstance(image, Fault)]
    images = [image for image in read if not isinstance(image, Fault)]
    shape = (0, wanted.size, wanted.size, 3)
    stacked = np.stack(images) if images else np.empty(shape, dtype=np.uint8)
    return stacked, places, [image for image in read if isinstance(image, Fault)]


def _stains(card: Card, patches: PatchSet) -> Stains | None:
    """Return the colours of the slides that the images are from, when the bundle wants them normalised."""
    wanted = patch_input(card)
    if wanted.stain == "none":
        return None

    def read(rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        return read_batch([patches.path(int(row)) for row in rows], wanted, pool=pool)[0]

    with ThreadPoolExecutor(_READERS) as pool:
        return fit_stains(patches, read, method=wanted.stain)


def _batches(
    card: Card, patches: PatchSet, faults: list[Fault], *, stains: Stains | None
) -> Generator[Batch, None, None]:
    """Yield the images that can be read, with their statistics; the others are added to the faults."""
    wanted, done = patch_input(card), 0
    with ThreadPoolExecutor(_READERS) as pool:
        for start in range(0, len(patches), _BATCH):
            rows = range(start, min(start + _BATCH, len(patches)))
            images, places, broken = read_batch([patches.path(row) for row in rows], wanted, pool=pool)
            faults += broken
            if places:
                kept = np.array(rows)[places]
                images = images if stains is None else stains.apply(images, kept)
                yield Batch(images, image_statistics(images), patches.ids[kept], done + 1)
            done += len(places)
    if not done:
        raise InvalidInput(
            f"None of the {len(patches)} images can be used: {faults[0].path.name}: {faults[0].reason}",
            f"RGB images of {wanted.size} x {wanted.size} pixels" if wanted.fit == "refuse" else "Readable images",
            f"Look at {listed([fault.path.name for fault in faults], 3)}",
        )
