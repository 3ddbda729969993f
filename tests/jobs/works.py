"""Works for the tests: functions of a module, so that other processes can import them."""

import json
import os
import signal
import time
from pathlib import Path

from cancernet.errors import StorageFailure


def copy(item, folder, *, tool, report):
    """Write the text of the input twice, in two files, one of them in a folder."""
    del tool
    text = item.path.read_text()
    (folder / "text.txt").write_text(text)
    report(1, 2)
    (folder / "deep").mkdir()
    (folder / "deep" / "again.txt").write_text(text[::-1])
    return {"letters": len(text)}


def slow_copy(item, folder, *, tool, report):
    """Write half of it, wait, write the rest; note in a file beside the inputs that it was done."""
    pause = float(os.environ.get("TEST_PAUSE", "0.05"))
    text = item.path.read_text()
    with (folder / "text.txt").open("w") as stream:
        stream.write(text[: len(text) // 2])
        stream.flush()
        time.sleep(pause)
        stream.write(text[len(text) // 2 :])
    with item.path.with_suffix(".count").open("a") as stream:
        stream.write("x")
    return copy(item, folder, tool=tool, report=report)


def tooled(item, folder, *, tool, report):
    """Write which tool was handed over, and by which process."""
    del item, report
    (folder / "tool.txt").write_text(f"{tool.made} {os.getpid()}")
    return {"calls": tool.call()}


class Tool:
    def __init__(self):
        self.made, self.calls = os.getpid(), 0

    def call(self):
        self.calls += 1
        return self.calls

    def close(self):
        if "TEST_CLOSED" in os.environ:
            Path(os.environ["TEST_CLOSED"], str(os.getpid())).write_text("closed")


def bad_setup():
    raise ValueError("the engine is broken")


def storage_setup():
    raise StorageFailure("Cannot use 'engine.xml'", "A file", "Check the path")


def usurped(item, folder, *, tool, report):
    """The first attempt loses its lease to a process elsewhere that falls silent; the second one is left in peace."""
    path = folder.parent / ".jobs" / "leases" / item.key
    attempt = len((folder.parent / "ledger.jsonl").read_text().splitlines())
    if attempt == 1:
        lease = json.loads(path.read_text())
        path.unlink()
        path.write_text(json.dumps(lease | {"token": "theirs", "space": "another machine"}))
        os.utime(path, (0, 0))
    (folder / "attempt.txt").write_text(f"{attempt}")
    return {}


def moody(item, folder, *, tool, report):  # noqa: C901  (a case for each mood)
    """Do what the text of the input says, and copy."""
    said = item.path.read_text()
    match said:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(9)
        case "raise":
            raise RuntimeError("this one is not readable")
        case "vanish":
            item.path.unlink()
        case "change":
            item.path.write_text("changed now")
        case "array":
            return {"number": float("nan")}
        case "eat":
            eaten = bytearray(600 * 2**20)
            eaten[:: 2**10] = b"x" * len(eaten[:: 2**10])
            time.sleep(20)
        case "full":
            raise OSError(28, "No space left on device")
    (folder / "said.txt").write_text(said)
    report(2, 2)
    return {"said": said}


def never(item, folder, *, tool, report):
    raise AssertionError(f"{item.key} was done again")
