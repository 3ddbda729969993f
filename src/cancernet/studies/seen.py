"""Cases that a bundle was trained on: found by patient and by value, and refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Card
from cancernet.checks import listed
from cancernet.data import Table
from cancernet.errors import LeakingSplit

__all__ = ["refuse_seen"]


def refuse_seen(card: Card, table: Table, rows: NDArray[np.bool_], *, allow: bool, unseen: str = "") -> tuple[str, ...]:
    """Return sentences about cases that the weights have seen; refuse them unless that is allowed.

    Parameters
    ----------
    card
        Of the bundle.
    table
        The cases, with their groups.
    rows
        Shape (n,): cases whose values or pixels the bundle was trained on.
    allow
        Measure all the same.
    unseen
        What was compared, where it is not what the card knows.

    Raises
    ------
    LeakingSplit
        When the weights have seen one of them and it is not allowed.
    """
    named = table.group_column != "row"  # else a group is the name of a row, and may be that of a patient by chance
    groups = card.training.seen(table.groups.tolist()) if named else ()
    if not groups and not rows.any():
        return (unseen or _unseen(card, named),)
    known = int(np.isin(table.groups, groups).sum() if groups else 0)
    wrong = f"{max(known, int(rows.sum()))} of {len(table)} rows were in the training data of '{card.name}'"
    if not allow:
        first = groups or tuple(table.ids[rows].tolist())
        raise LeakingSplit(
            f"{wrong}, for example {listed(first, 3)}",
            "Cases that the model has not seen",
            "Take them out; or pass --allow-leak to measure all the same, for nothing but a check of the software",
        )
    return (f"{wrong}: this is not a test, and its numbers say nothing about new cases.",)


def _unseen(card: Card, named: bool) -> str:
    """Return what was compared, where nothing was found."""
    compared = {"group": named and card.training.group_hashes, "values": card.training.row_hashes}
    ways = " and ".join(f"by {way}" for way, known in compared.items() if known)
    if not ways:
        return (
            "Whether the model was trained on some of these cases cannot be told: its card knows no groups or values."
        )
    return f"None of these cases was among the training data, {ways}."
