"""An explanation of patches as a folder: a picture of each, a table, and a page with the words of the card."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cancernet.bundle import PatchInput
from cancernet.bundle.store import KERAS
from cancernet.engine import load_keras
from cancernet.errors import BundleMismatch, InvalidInput
from cancernet.explain.gradcam import GradCam, grad_cam, scale_maps
from cancernet.explain.overlay import cam_picture, png_bytes
from cancernet.explain.patchpage import ON_PAGE, SEVERITY, PatchExplanation, caption, page, reason
from cancernet.files import whole_folder, write_text
from cancernet.geometry import VIEWS, dihedral, undo_dihedral
from cancernet.models import members_of
from cancernet.predict import Cases, tabulate, write_rows

if TYPE_CHECKING:
    import keras

    from cancernet.bundle import Card
    from cancernet.engine import Model

__all__ = ["explain_patches"]

_PIXELS = 2**23  # of patches whose maps are held at once: 32 MiB each of maps, views and sums
_LONGEST_NAME = 50  # letters, at most 200 bytes: with room for a number and the suffix
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no file on Windows may be called so


def explain_patches(
    model: Model,
    images: ArrayLike,
    *,
    cases: Cases,
    out: Path,
    block: int | None = None,
    progress: Callable[[int], None] | None = None,
    force: bool = False,
) -> PatchExplanation:
    """Show where in each patch the network found what speaks for its answer, and write the folder, whole or absent.

    It holds a PNG per patch, `why.csv`, and `index.html` with the pictures and the words of the card. Explained is the
    predicted class, or for ordered grades the severity. When the bundle averages its answers over rotations and flips,
    so are the maps.

    Parameters
    ----------
    model
        An open bundle for patches.
    images
        Shape (n, size, size, 3), uint8 RGB, as the model takes them; at least one.
    cases
        What the model says about these images, in the same order; its ids name the pictures.
    out
        The folder to make.
    block
        Of the network, from 1; None as in `grad_cam`.
    progress
        Called with the number of patches done.
    force
        Replace an existing folder.

    Raises
    ------
    CancerNetError
        When the folder exists, the images fit neither the model nor the cases, or Keras is not installed; no folder is
        left behind.
    """
    report = progress or (lambda done: None)
    with whole_folder(Path(out), force=force) as folder:
        patches = _checked(model.card, images, cases)
        network = load_keras(model.folder / KERAS)
        ids = _ids(cases)
        named, pictures = replace(cases, ids=ids), _file_names(ids)
        parts: list[PatchExplanation] = []
        shown: list[bytes] = []
        for rows in _chunks(patches):
            seen = _seen(network, model.card, patches[rows], predicted=named.predicted[rows], block=block)
            parts.append(_part(seen, named.take(rows), pictures[rows]))
            shown += _without_words(seen, patches[rows], most=ON_PAGE - len(shown))
            for row in _drawn(parts[-1], seen, patches[rows], folder):
                report(rows.start + row + 1)
        explanation = _joined(parts, named)
        _write_table(folder / "why.csv", explanation)
        write_text(folder / "index.html", page(explanation, model.card, shown))
    return explanation


def _checked(card: Card, images: ArrayLike, cases: Cases) -> NDArray[np.uint8]:
    """Return the patches, or refuse."""
    if not isinstance(card.input, PatchInput):
        raise BundleMismatch(f"'{card.name}' takes rows of a table", "A bundle for patches", "Use explain_table")
    patches = np.asarray(images)
    if patches.dtype != np.uint8 or patches.shape[1:] != card.input.shape or not patches.size:
        raise InvalidInput(
            f"The patches have the shape {patches.shape} and the type {patches.dtype}",
            f"(n, {card.input.size}, {card.input.size}, 3), uint8, and at least one",
            f"Cut or resize them as '{card.name}' takes them",
        )
    if len(cases) != len(patches):
        raise InvalidInput(f"{len(cases)} answers for {len(patches)} patches", "One per patch, in the same order")
    return patches


def _ids(cases: Cases) -> NDArray[np.str_]:
    """Return an id per case; halves of characters, which file names can hold, are replaced."""
    names = [f"patch {row}" for row in range(1, len(cases) + 1)] if cases.ids is None else cases.ids.tolist()
    return np.array([name.encode("utf-8", "replace").decode("utf-8") for name in names])


def _file_names(ids: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return names of PNG files, distinct on systems that do not tell a from A, and allowed on all."""
    taken: set[str] = set()
    return np.array([_free_name(_stem(name), taken) for name in ids.tolist()])


def _stem(name: str) -> str:
    """Return the last part of an id without what a file name should not hold."""
    letters = unicodedata.normalize("NFC", PurePosixPath(name.replace("\\", "/")).stem)
    stem = re.sub(r"[^\w.-]+", "_", letters)[:_LONGEST_NAME].strip("._-") or "patch"
    return f"patch_{stem}" if _RESERVED.fullmatch(stem) else stem


def _free_name(stem: str, taken: set[str]) -> str:
    """Return the stem as name of a PNG file, with a number where it is taken, and take it."""
    number, free = 1, stem
    while free.casefold() in taken:
        number += 1
        free = f"{stem}-{number}"
    taken.add(free.casefold())
    return f"{free}.png"


def _chunks(patches: NDArray[np.uint8]) -> Iterator[slice]:
    """Yield slices of so many patches that their maps fit into memory."""
    size = max(1, _PIXELS // (patches.shape[1] * patches.shape[2]))
    return (slice(start, min(start + size, len(patches))) for start in range(0, len(patches), size))


def _seen(
    network: keras.Model,
    card: Card,
    patches: NDArray[np.uint8],
    *,
    predicted: NDArray[np.int64],
    block: int | None,
) -> GradCam:
    """Return the maps, averaged over the same networks and views of the patches as the answer."""
    ordinal = card.task.kind == "ordinal"
    options: dict[str, Any] = {"classes": None if ordinal else predicted, "block": block, "ordinal": ordinal}
    views = range(1 if card.engine.test_time == "none" else VIEWS)
    seen = [
        (view, grad_cam(member, np.ascontiguousarray(dihedral(patches, view)), **options))
        for member, view in product(members_of(network), views)
    ]
    if len(seen) == 1:
        return seen[0][1]
    single = [undo_dihedral(found.maps * found.peaks[:, None, None], view) for view, found in seen]
    maps, peaks = scale_maps(np.mean(single, axis=0, dtype=np.float32))
    return replace(seen[0][1], maps=maps, peaks=peaks)


def _part(seen: GradCam, cases: Cases, pictures: NDArray[np.str_]) -> PatchExplanation:
    """Return what the maps of some patches tell."""
    size = seen.maps.shape[1:]
    strongest = seen.maps.reshape(len(seen), -1).argmax(axis=1)
    mass = seen.maps.sum(axis=(1, 2), dtype=np.float64)
    centre = np.einsum("nyx,y,x->n", seen.maps.astype(np.float64), _middle_half(size[0]), _middle_half(size[1]))
    return PatchExplanation(
        cases=cases,
        explained=np.full(len(cases), SEVERITY) if seen.explained is None else cases.labels,
        peaks=seen.peaks,
        places=np.stack(np.unravel_index(strongest, size), axis=1),
        centre=centre / np.where(mass > 0, mass, 1),
        pictures=pictures,
        block=seen.block,
        layer=seen.layer,
        cell=seen.cell,
        field=seen.field,
    )


def _middle_half(pixels: int) -> NDArray[np.float64]:
    """Return how much of each pixel of a side lies between a quarter and three quarters of it."""
    edges = np.clip(np.arange(pixels + 1, dtype=np.float64), pixels / 4, 3 * pixels / 4)
    return np.diff(edges)


def _drawn(found: PatchExplanation, seen: GradCam, patches: NDArray[np.uint8], folder: Path) -> Iterator[int]:
    """Write the picture of each patch, and yield its row."""
    for row, name in enumerate(found.pictures.tolist()):
        picture = cam_picture(patches[row], seen.maps[row], title=str(found.ids[row]), caption=caption(found, row))
        (folder / name).write_bytes(png_bytes(picture))
        yield row


def _without_words(seen: GradCam, patches: NDArray[np.uint8], *, most: int) -> list[bytes]:
    """Return the first pictures without title and caption, for the page, which has them as text."""
    return [png_bytes(cam_picture(*pair)) for pair in zip(patches[:most], seen.maps[:most], strict=True)]


def _joined(parts: Sequence[PatchExplanation], cases: Cases) -> PatchExplanation:
    """Return the parts as one."""
    names = ("explained", "peaks", "places", "centre", "pictures")
    arrays: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return replace(parts[0], cases=cases, **arrays)


def _write_table(path: Path, found: PatchExplanation) -> None:
    """Write one row per patch; an empty map has no strongest place and no share."""
    import pyarrow as pa

    cases, answers = found.cases, tabulate(found.cases)
    p = cases.probabilities[np.arange(len(cases)), cases.predicted]
    columns: dict[str, Any] = {"id": answers["id"], "predicted": answers["predicted"], "p": p.astype(np.float32)}
    columns |= {"set": answers["set"], "abstained": answers["abstained"]}
    columns |= {"reason": [reason(cases, row) for row in range(len(cases))]}
    columns |= {"explained": found.explained, "peak": found.peaks}
    columns |= {"px_x": pa.array(found.places[:, 1], mask=found.empty)}
    columns |= {"px_y": pa.array(found.places[:, 0], mask=found.empty)}
    columns |= {"centre_share": pa.array(found.centre.astype(np.float32), mask=found.empty), "png": found.pictures}
    with write_rows(path) as writer:
        writer.write(pa.table(columns))
