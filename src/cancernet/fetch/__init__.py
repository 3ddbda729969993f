"""Public data sets: a catalogue with its sources, and how a set comes onto the disk whole, checked and safe."""

from cancernet.fetch.entries import RemoteFile, RemoteSet, find_set, remote_sets
from cancernet.fetch.failures import FetchFailure
from cancernet.fetch.job import Fetched, fetch_set
from cancernet.fetch.limits import Limits
from cancernet.fetch.resume import Patience
from cancernet.fetch.sink import Watcher
from cancernet.fetch.trust import record_file
from cancernet.fetch.unpack import unpack

__all__ = [
    "FetchFailure",
    "Fetched",
    "Limits",
    "Patience",
    "RemoteFile",
    "RemoteSet",
    "Watcher",
    "fetch_set",
    "find_set",
    "record_file",
    "remote_sets",
    "unpack",
]
