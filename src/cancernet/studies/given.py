"""Cases whose truth is known, for a bundle that has not seen them: rows of a table, images in a pack, or slides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cancernet.bags import BagOptions, BagSet, open_bags, read_bags
from cancernet.bundle import BagInput, Card, PatchInput, TableInput
from cancernet.checks import listed
from cancernet.data import Table, catalogue, load, read_table, require_groups
from cancernet.engine import Model
from cancernet.errors import InvalidInput
from cancernet.patches import PatchOptions, PatchSet, open_pack, read_patches
from cancernet.predict import Cases, answer_bags, cases, decide, join_cases, refuse_fields
from cancernet.studies.bags import bag_table
from cancernet.studies.patches import in_colours, patch_table
from cancernet.studies.progress import Progress

__all__ = ["Given", "read_given"]

_ASKED = 4096  # patches at once


@dataclass(frozen=True, eq=False)
class Given:
    """Cases to test a bundle on.

    Parameters
    ----------
    table
        Ids, groups and labels; the columns of the card, image statistics, or what features are like.
    seen
        Shape (n,), bool: cases whose values or pixels the bundle was trained on.
    answer
        Returns what an open bundle says about all of them.
    images
        Shape (n, size, size, 3) uint8; None for rows and slides.
    sites
        Shape (n,), text; None when they are unknown.
    notes
        Sentences about what was found.
    columns
        Whether the network takes the columns of the table themselves.
    unseen
        What to say when no case was seen; empty: what the card says.
    """

    table: Table
    seen: NDArray[np.bool_]
    answer: Callable[[Model], Cases]
    images: NDArray[np.uint8] | None = None
    sites: NDArray[np.str_] | None = None
    notes: tuple[str, ...] = ()
    columns: bool = False
    unseen: str = ""


def read_given(
    source: Any, card: Card, *, options: PatchOptions, id: str | None, features: str | None = None, progress: Progress
) -> Given:
    """Return the cases of a source as the bundle takes them.

    Parameters
    ----------
    source
        A table, a set of patches or of bags, a path, or the name of a built-in table.
    card
        Of the bundle.
    options
        Which columns are target and group; for images the layout too.
    id
        Column that names the rows of a table, or the slides.
    features
        Folder of the features of slides.
    progress
        Told how far packing or reading is.

    Raises
    ------
    InvalidInput
        When the truth or the groups are unknown, or the cases do not fit the card.
    """
    refuse_fields(card)
    if isinstance(card.input, PatchInput):
        given = _images(source, card, card.input, options, progress)
    elif isinstance(card.input, BagInput):
        given = _slides(source, card, options, id=id, features=features, progress=progress)
    else:
        given = _rows(source, card, cast("TableInput", card.input), options, id)
    if given.table.target is None:
        known = f"A column with the labels {listed(card.task.classes)}"
        raise InvalidInput(f"'{given.table.name}' has no target column", known, "Name it: --target COLUMN")
    require_groups(given.table)
    return given


def _rows(source: Any, card: Card, wanted: TableInput, options: PatchOptions, id: str | None) -> Given:
    """Return the rows of a table with the columns of the card."""
    if isinstance(source, Table):
        table = source
    elif str(source) in {builtin.name for builtin in catalogue()} and not Path(source).exists():
        table = load(str(source))
    else:
        table = read_table(source, target=options.target, group=options.group, id=id, columns=wanted.names)
    table = table.select(wanted.names, exact=False) if table.target is not None else table
    seen = card.training.seen_rows(table.values)
    missing = f"{int(np.isnan(table.values).sum())} values are missing."
    return Given(table, seen, lambda model: cases(model, table.values, ids=table.ids), notes=(missing,), columns=True)


def _slides(
    source: Any, card: Card, options: PatchOptions, *, id: str | None, features: str | None, progress: Progress
) -> Given:
    """Return slides with what their features are like."""
    asked = BagOptions(features, id or BagOptions.slide, options.target, options.group)
    bags = source if isinstance(source, BagSet) else read_bags(source, options=asked)
    progress.begin("Reading", len(bags))
    table = bag_table(open_bags(bags, progress=progress.reach))
    seen = card.training.seen_rows(table.values)
    return Given(table, seen, lambda model: answer_bags(model, bags))


def _images(source: Any, card: Card, wanted: PatchInput, options: PatchOptions, progress: Progress) -> Given:
    """Return images at the size of the card, with their statistics."""
    patches = source if isinstance(source, PatchSet) else read_patches(source, options=options)
    progress.begin("Packing", len(patches))
    pack = in_colours(
        open_pack(patches, size=wanted.size, fit=wanted.fit, progress=progress.reach), wanted.stain, progress
    )
    progress.begin("Describing", len(pack))
    table, images = patch_table(pack, progress=progress.reach), pack.images

    def answer(model: Model) -> Cases:
        parts = []
        for start in range(0, len(images), _ASKED):
            rows = slice(start, start + _ASKED)
            logits = model.run(images[rows]).logits
            parts.append(decide(model.card, logits, values=table.values[rows], first_row=start + 1))
        return replace(join_cases(parts), ids=table.ids)

    seen = card.training.seen_texts(pack.digests.tolist())
    return Given(table, seen, answer, images, pack.patches.sites, pack.patches.notes)
