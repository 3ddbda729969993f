"""What a process costs: its time, and the largest resident memory it had, read from /proc (Linux) twice a second."""

import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

__all__ = ["COLUMNS", "Cost", "cost_of"]

FIELDS = ("VmHWM", "RssAnon", "RssFile")
COLUMNS = ("time", "peak MB resident", "of the program", "of files")
"""Of `Cost.cells`: pages of files are taken back by the system when others need room."""


class Cost:
    """Seconds by the clock and largest megabytes of a process and, apart, of its program and of its mapped files."""

    def __init__(self, seconds: float, peaks: dict[str, float]) -> None:
        self.seconds, self.peaks = seconds, peaks

    @property
    def cells(self) -> list[str]:
        """Return what `COLUMNS` names."""
        return [f"{self.seconds:.0f} s", *(f"{self.peaks[field]:,.0f}" for field in FIELDS)]


def cost_of(command: Sequence[str]) -> Cost:
    """Run a command and return what it cost; end when it fails."""
    started, peaks = time.perf_counter(), dict.fromkeys(FIELDS, 0.0)
    with subprocess.Popen(command, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}) as process:
        while process.poll() is None:
            for field, megabytes in _resident(process.pid).items():
                peaks[field] = max(peaks[field], megabytes)
            time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:6])} ended with {process.returncode}")
    found = Cost(time.perf_counter() - started, peaks)
    print(command[-1], found.cells, flush=True)
    return found


def _resident(process: int) -> dict[str, float]:
    """Return the resident memory of a process in MB, as far as it is there."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return {}
    found = re.findall(r"^(\w+):\s+(\d+) kB$", status, re.MULTILINE)
    return {name: int(kilobytes) / 1024 for name, kilobytes in found if name in FIELDS}
