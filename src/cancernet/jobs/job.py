"""What is handed to workers, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cancernet.jobs.entry import Entry
from cancernet.jobs.item import Item
from cancernet.jobs.options import BatchOptions
from cancernet.jobs.trouble import Trouble

__all__ = ["Died", "Job", "Order", "Outcome", "Reach", "Report", "Work", "share_of"]

Report = Callable[[float, float], None]
"""Called by a work with how much is done, and of how much."""

Reach = Callable[[str, float], None]
"""Called with the key of an item, and which share of it is done, 0 to 1."""


class Work(Protocol):
    """What is done with each item; a function of a module, so that other processes can import it."""

    def __call__(self, item: Item, folder: Path, *, tool: Any, report: Report) -> Mapping[str, Any]:
        """Make the outputs of an item.

        Parameters
        ----------
        item
            The input, with the key that it was given.
        folder
            To write into; empty. It appears under its final name when this returns, and never if it raises.
        tool
            What `setup` returned in this worker, or None.
        report
            Told how far it is; optional.

        Returns
        -------
        What the ledger shall keep: values that JSON has.
        """
        ...


@dataclass(frozen=True)
class Job:
    """What all workers of a batch share.

    Parameters
    ----------
    out
        The output folder, absolute.
    work
        What is done with each item.
    setup
        Called once in each worker; its result is handed to each call of the work, and closed in the end if it can be.
    options
        How the batch is run.
    """

    out: Path
    work: Work
    setup: Callable[[], Any] | None
    options: BatchOptions


@dataclass(frozen=True)
class Order:
    """One item to be done.

    Parameters
    ----------
    item
        With its final key.
    attempts
        That the ledger told when the batch was planned; more of them later are those of another process.
    token
        Of this attempt; no two have the same.
    """

    item: Item
    attempts: int
    token: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of an order.

    Parameters
    ----------
    order
        What was to be done.
    entry
        What the ledger says now; None when another process works on the item, or has taken it away.
    trouble
        What ends the whole batch.
    """

    order: Order
    entry: Entry | None = None
    trouble: Trouble | None = None


@dataclass(frozen=True)
class Died:
    """A worker died over an order; the cause in words."""

    order: Order
    cause: str


def share_of(done: float, total: float) -> float:
    """Return which share is done, 0 to 1; 0 when it is not known how much there is."""
    return min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
