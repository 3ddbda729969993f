"""Who works, whether it is still alive, and how much memory it holds.

A process id says something only on its own machine, since its last start, and within its own container; and it is given
to another process some day. So a process is known by all of these, and is called dead only when that is certain.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cancernet.errors import InvalidInput

__all__ = ["Process", "is_dead", "resident_bytes", "this_process"]

_PROC = Path("/proc")
_STATE, _BORN = 0, 19  # of the fields behind the name in /proc/PID/stat
_ENDED = {"Z", "X"}  # a zombie works no more


@dataclass(frozen=True)
class Process:
    """A process of some machine.

    Parameters
    ----------
    host
        Name of its machine.
    pid
        Its number.
    space
        Where that number means this process: the machine since it was started, and the container.
    born
        When it started, in the system's own count; tells it from a later process of the same number. Empty where the
        system does not say.
    """

    host: str
    pid: int
    space: str
    born: str = ""


def this_process() -> Process:
    """Return the process that calls."""
    pid = os.getpid()
    return Process(platform.node(), pid, _space(), _field(pid, _BORN))


def is_dead(process: Process) -> bool:
    """Return whether the process has certainly ended; False for one of another machine or container."""
    if process.space != _space():
        return False
    if _PROC.joinpath("self", "stat").exists():
        return _field(process.pid, _STATE) in {"", *_ENDED} or _field(process.pid, _BORN) != process.born
    return sys.platform != "win32" and not _answers(process.pid)  # on Windows, signal 0 is Ctrl-C


def resident_bytes() -> int:
    """Return how many bytes of memory this process holds now; where the system tells only the peak, the peak.

    Raises
    ------
    InvalidInput
        When the system tells neither.
    """
    statm = _PROC / "self" / "statm"
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if sys.platform == "win32":
        raise InvalidInput("The memory of a process is not known on Windows", "Linux or macOS", "Leave out --max-ram")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@cache
def _space() -> str:
    """Return what tells this machine, since it was started, and this container from all others."""
    parts = [platform.node()]
    boot = _PROC / "sys" / "kernel" / "random" / "boot_id"
    if boot.exists():
        parts += [boot.read_text().strip(), os.readlink(_PROC / "self" / "ns" / "pid")]
    return " ".join(parts)


def _field(pid: int, number: int) -> str:
    """Return a field of /proc/PID/stat behind the name, which may hold spaces; empty when there is none."""
    try:
        text = _PROC.joinpath(str(pid), "stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[number]


def _answers(pid: int) -> bool:
    """Return whether a process of this number exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
