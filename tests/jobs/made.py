"""Inputs, small batches in processes of their own, and what their folders hold."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from cancernet.jobs import Item, Ledger, Place

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import json, sys
from pathlib import Path
from cancernet.jobs import BatchOptions, Item, run_batch
from jobs import works

if __name__ == "__main__":
    folder, out, work, options = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
    items = [Item(path) for path in sorted(folder.glob("*.txt"))]
    result = run_batch(items, getattr(works, work), out=out, options=BatchOptions(**options))
    print(len(result.done), len(result.failed), len(result.kept))
"""


def inputs(folder: Path, count: int, *, said: dict[int, str] | None = None) -> list[Item]:
    """Write texts and return them as items."""
    folder.mkdir(parents=True, exist_ok=True)
    items = []
    for number in range(count):
        path = folder / f"text{number:03}.txt"
        path.write_text((said or {}).get(number, f"the text of number {number}"))
        items.append(Item(path))
    return items


def start(folder: Path, out: Path, *, work: str = "copy", pause: float = 0.05, **options) -> subprocess.Popen[str]:
    """Start a batch over the texts of a folder in a process of its own, in a session of its own."""
    script = folder.parent / "script.py"
    script.write_text(SCRIPT)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]),
        "TEST_PAUSE": str(pause),
    }
    command = [sys.executable, str(script), str(folder), str(out), work, json.dumps(options)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def ended(process: subprocess.Popen[str], seconds: float = 60) -> tuple[int, str]:
    """Wait for a batch; return its exit code and all it said."""
    said, complained = process.communicate(timeout=seconds)
    return process.returncode, said + complained


def contents(out: Path) -> dict[str, str]:
    """Return the files that were made, by path; without the records, which hold times."""
    found = (path for path in out.rglob("*") if path.is_file() and ".jobs" not in path.parts)
    return {
        str(path.relative_to(out)): path.read_text() for path in found if path.name not in {"job.json", "ledger.jsonl"}
    }


def entries(out: Path) -> dict[str, object]:
    """Return the ledger by key."""
    return {entry.key: entry for entry in Ledger(Place(out)).entries()}


def litter(out: Path) -> list[str]:
    """Return what a batch must not leave: half outputs and leases."""
    half = [path.name for path in out.iterdir() if path.name.startswith(".") and path.name != ".jobs"]
    return half + [str(path) for name in ("leases", "taken") for path in (out / ".jobs" / name).iterdir()]


def wait_until(condition, seconds: float = 30) -> None:
    """Wait for something to become true."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.01)
