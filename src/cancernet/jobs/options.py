"""How a batch is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cancernet.errors import InvalidInput
from cancernet.jobs.entry import Entry

__all__ = ["BatchOptions"]


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is run, and with what its outputs are made.

    Parameters
    ----------
    workers
        How many items are worked on at once. With 1 the work is done in this process, which is easy to debug; with
        more, or with `max_ram`, in processes of their own, which are started afresh and not forked.
    retry_failed
        Do again what failed before.
    force
        Do again what was done with other options, or of an input that has changed since; and replace folders that no
        batch has made. What fits is kept, so that a forced batch can be interrupted as well.
    digest
        Of all options that the outputs depend on; outputs of another digest are not taken for these.
    own
        By the path of an input, what its outputs depend on besides, as text; None when all depend on the same.
    also
        Digests of other options under which what succeeded would have become the same; such outputs are kept.
    versions
        Of the packages; recorded, not compared.
    max_ram
        Bytes of resident memory that one worker may hold. One that holds more is stopped, its item has failed, and a
        new worker goes on. None: no limit. It is measured, because a limit by the system (RLIMIT_AS) counts the
        addresses that an engine reserves and never uses. On macOS only the peak of a worker is known.
    disk
        Bytes that the outputs will take, as far as is known; refused when the disk has less.
    heartbeat, patience
        A lease is renewed each `heartbeat` seconds and given up for dead after `patience` seconds without, if its
        process cannot be looked up because it is of another machine. Patience must be longer than a network file system
        takes to show a change (NFS: 3 to 60 s) and than a machine may stand still.
    ray
        Do the work on Ray: "local" starts it on this machine, "auto" or an address finds a cluster. All machines must
        see inputs and outputs under the same paths.
    cpus, gpus
        That each worker claims of the cluster.

    Raises
    ------
    InvalidInput
        When a number is out of its range.
    """

    workers: int = 1
    retry_failed: bool = False
    force: bool = False
    digest: str = ""
    own: Callable[[str], str] | None = None
    also: frozenset[str] = frozenset()
    versions: Mapping[str, str] = field(default_factory=dict)
    max_ram: int | None = None
    disk: int = 0
    heartbeat: float = 5.0
    patience: float = 60.0
    ray: str | None = None
    cpus: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        _refuse(self.workers < 1, f"{self.workers} workers", "At least 1", "Leave out --workers to work one by one")
        _refuse(self.max_ram is not None and self.max_ram < 1, f"max_ram is {self.max_ram}", "Bytes, above 0", "")
        _refuse(min(self.cpus, self.gpus) < 0, f"{self.cpus} CPUs and {self.gpus} GPUs", "0 or more", "")
        _refuse(
            not 0 < 3 * self.heartbeat <= self.patience,
            f"A heartbeat of {self.heartbeat} s and a patience of {self.patience} s",
            "A patience of at least three heartbeats",
            "Otherwise a short delay on the network looks like a death",
        )

    def digest_of(self, path: str) -> str:
        """Return the digest of all that the outputs of an input depend on."""
        own = "" if self.own is None else self.own(path)
        return f"{self.digest}-{own}" if own else self.digest

    def accepts(self, entry: Entry) -> bool:
        """Return whether outputs that were made under an entry's digest are taken for these."""
        return entry.digest == self.digest_of(entry.path) or entry.digest in self.also


def _refuse(bad: bool, wrong: str, expected: str, todo: str) -> None:
    if bad:
        raise InvalidInput(wrong, expected, todo)
