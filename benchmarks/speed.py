"""Whole processes: the commands of the package against the usual way, turn by turn in the same run."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.page import table
from cancernet.bundle import find
from cancernet.data import load

PROGRAM = [sys.executable, "-m", "cancernet"]
USUAL_PREDICT = """
import sys
import keras, pandas
bundle, rows, out = sys.argv[1:]
frame = pandas.read_csv(rows)
model = keras.models.load_model(bundle + "/model.keras")
logits = model.predict(frame.drop(columns="id").to_numpy("float32"), batch_size=4096, verbose=0)
pandas.concat([frame["id"], pandas.DataFrame(logits)], axis=1).to_csv(out, index=False)
"""
LAUNCHER = """
import os, sys, time
nowhere = os.open(os.devnull, os.O_WRONLY)
started = time.perf_counter()
actions = [(os.POSIX_SPAWN_DUP2, nowhere, 1), (os.POSIX_SPAWN_DUP2, nowhere, 2)]
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, usage = os.wait4(process, 0)
print(time.perf_counter() - started, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
"""
USUAL_HELP = "import keras, argparse; argparse.ArgumentParser(prog='usual').print_help()"


@dataclass(frozen=True)
class Cost:
    """Wall time in seconds and peak memory in MB of whole processes, one entry per turn."""

    seconds: tuple[float, ...]
    megabytes: tuple[float, ...]

    def words(self) -> str:
        """Return median and range of the time, and the largest memory."""
        low, high = min(self.seconds), max(self.seconds)
        return f"{np.median(self.seconds):.2f} s ({low:.2f} to {high:.2f}), {max(self.megabytes):.0f} MB"


def measure() -> str:
    """Return one table: command, ours, the usual way, ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = _rows(folder / "small.csv", 1), _rows(folder / "large.csv", 1_000_000 // 569 + 1)
        bundle, out = str(find("fna")), str(folder / "out.csv")
        ours = [*PROGRAM, "predict", "fna"]
        usual = [sys.executable, "-c", USUAL_PREDICT, bundle]
        end = ["--out", out, "--force"]
        train = [*PROGRAM, "train", "wdbc", "--out", str(folder / "run"), "--force", "--quiet"]
        rows = [
            _against("`cancernet --help`", [*PROGRAM, "--help"], [sys.executable, "-c", USUAL_HELP], turns=5),
            _against("`cancernet predict fna`, 569 rows", [*ours, small, *end], [*usual, small, out], turns=5),
            _against("`cancernet predict fna`, 1 000 009 rows", [*ours, large, *end], [*usual, large, out], turns=3),
            ["`cancernet train wdbc`", _costs([train], turns=3)[0].words(), "-", "-"],
        ]
    return table(["whole process", "cancernet", "usual way: pandas and Keras", "ratio of times"], rows)


def _against(what: str, ours: Sequence[str], usual: Sequence[str], *, turns: int) -> list[str]:
    """Return a row of the table."""
    first, second = _costs([ours, usual], turns=turns)
    ratio = np.median(np.array(first.seconds) / np.array(second.seconds))
    return [what, first.words(), second.words(), f"{ratio:.2f}"]


def _costs(commands: Sequence[Sequence[str]], *, turns: int) -> list[Cost]:
    """Return what the commands cost, run turn by turn."""
    found = [[_cost(command) for command in commands] for _ in range(turns)]
    return [Cost(*map(tuple, zip(*column, strict=True))) for column in zip(*found, strict=True)]


def _cost(command: Sequence[str]) -> tuple[float, float]:
    """Return wall time and peak memory of one process, from start to exit."""
    # Between the two stands a small process: the system counts the memory of the parent as the child's first.
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, *command], env=environment, stdout=subprocess.PIPE, check=True
    )
    seconds, kilobytes, status = (float(word) for word in done.stdout.split())
    if status:
        raise SystemExit(f"{' '.join(command[:6])} ended with {status:.0f}")
    return seconds, kilobytes / 1024


def _rows(path: Path, times: int) -> str:
    """Write the Wisconsin rows several times, with a little noise that keeps them apart, and return the path."""
    loaded, rng = load("wdbc"), np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as stream:
        stream.write(",".join(["id", *loaded.feature_names]) + "\n")
        for turn in range(times):
            values = loaded.values * (1 + rng.normal(0, 1e-3, loaded.values.shape)) if turn else loaded.values
            lines = np.char.mod("%.6g", values)
            stream.writelines(f"{turn}-{row},{','.join(line)}\n" for row, line in enumerate(lines.tolist()))
    return str(path)
