"""Many inputs and no work lost: a ledger, leases, outputs that are complete or absent, and who does the work."""

from cancernet.jobs.batch import BatchResult, BatchWatcher, Silent, run_batch
from cancernet.jobs.entry import Entry
from cancernet.jobs.item import Fingerprint, Item
from cancernet.jobs.job import Report, Work
from cancernet.jobs.ledger import Ledger
from cancernet.jobs.options import BatchOptions
from cancernet.jobs.place import Place

__all__ = [
    "BatchOptions",
    "BatchResult",
    "BatchWatcher",
    "Entry",
    "Fingerprint",
    "Item",
    "Ledger",
    "Place",
    "Report",
    "Silent",
    "Work",
    "run_batch",
]
