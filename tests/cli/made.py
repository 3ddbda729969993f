"""The program run inside this process, and the small tables, studies and bundles that its tests feed it."""

from __future__ import annotations

import contextlib
import csv
import ctypes
import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cancernet.cli.main import run
from predict.made import COLUMNS, make_bundle, make_card, training_values, write_csv

WEIGHTS = [[0.0, 0.8], [0.0, 0.1], [0.0, -0.002]]
BIAS = [0.0, -10.0]
STUDY = """name = "tiny"
[data]
source = "cases.csv"
target = "label"
group = "patient"
id = "case"
[split]
folds = 2
[task]
positive = "M"
[model]
filters = [4]
dense = 4
[training]
epochs = 2
inner_folds = 2
[report]
draws = 200
"""
PROGRESS = tuple(
    f"{what} ..."
    for what in (
        "Packing",
        "Reading",
        "Making",
        "Normalising colours",
        "Describing",
        "Describing as JPEG",
        "Looking for copies",
        "Training",
        "Measuring",
        "Writing",
        "Testing",
        "Explaining",
        "Predicting",
    )
)


@dataclass(frozen=True)
class Outcome:
    """What the program left on its streams and as its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The document on stdout."""
        return json.loads(self.out)

    @property
    def complaint(self) -> list[str]:
        """The lines on stderr that are no progress."""
        return [line for line in self.err.splitlines() if line not in PROGRESS]


def cancernet(*arguments: object) -> Outcome:
    """Run the program in this process, with its own handling of errors."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    before, sys.argv = sys.argv, ["cancernet", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            run()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
    return Outcome(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


def succeeded(*arguments: object) -> Outcome:
    """Run the program and hold that it ends well."""
    found = cancernet(*arguments)
    assert found.code == 0, found.err
    return found


def refused(*arguments: object) -> str:
    """Run the program and hold that it refuses in one block, with exit code 2, and leaves the folder as it was."""
    before = contents(Path())
    found = cancernet(*arguments)
    assert found.code == 2, f"exit code {found.code}: {found.err}"
    head, *rest = found.complaint
    assert head.startswith("Error: "), found.err
    assert len(rest) <= 2, found.err
    assert all(line.startswith("  ") and line.strip() for line in rest), found.err
    assert "Traceback" not in found.err
    assert found.out == ""
    assert contents(Path()) == before
    return found.err


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return every file below a folder with its bytes, and every folder with None."""
    paths = sorted(folder.rglob("*"))
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in paths}


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the system refuse larger files, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def tiny_disk(folder: Path, size: str = "16k") -> Iterator[None]:
    """Mount a small disk, or skip the test where that is not allowed."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("process", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextlib.contextmanager
def without_rights() -> Iterator[None]:
    """Let rights bind root as well: Linux's capability to override them (capset(2)) is put aside for this thread.

    Becoming another user would do too, but that one may be unable to read the libraries that are loaded on the way.
    """
    if os.geteuid() != 0:
        yield
        return
    libc, header, found = ctypes.CDLL(None), _Header(0x20080522, 0), (_Capabilities * 2)()
    assert libc.capget(ctypes.byref(header), found) == 0
    before = found[0].effective
    found[0].effective = before & ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    assert libc.capset(ctypes.byref(header), found) == 0
    try:
        yield
    finally:
        found[0].effective = before
        assert libc.capset(ctypes.byref(header), found) == 0


def linear_bundle(folder: Path, **changes) -> Path:
    """Write a bundle of radius, texture and area whose logits are linear."""
    return make_bundle(folder, make_card(**changes), WEIGHTS, bias=BIAS)


def write_rows(path: Path, rows: int = 30, seed: int = 1) -> Path:
    """Write rows for the linear bundle."""
    return write_csv(path, training_values(rows, seed), ids=[f"case-{row}" for row in range(rows)])


def write_labelled(path: Path, rows: int = 60, seed: int = 2) -> Path:
    """Write rows for the linear bundle with patients and with labels that its logits mostly agree with."""
    values = training_values(rows, seed)
    noise = np.random.default_rng(seed).normal(0, 2, rows)
    labels = np.where(values @ np.array(WEIGHTS)[:, 1] + BIAS[1] + noise > 0, "M", "B")
    patients = np.arange(rows) // 2
    return write_table(path, {"id": np.arange(rows), "patient": patients, **_columns(values), "label": labels})


def write_cases(path: Path, rows: int = 61) -> Path:
    """Write the table of `STUDY`: three features, of which the label shifts each a little."""
    generator = np.random.default_rng(0)
    positive = np.arange(rows) % 3 == 0
    values = generator.normal(size=(rows, 3)) + positive[:, None] * 1.5
    names = [f"c{row}" for row in range(rows)]
    patients = [f"p{row}" for row in range(rows)]
    labels = np.where(positive, "M", "B")
    return write_table(path, {"case": names, "patient": patients, **_columns(values), "label": labels})


def write_study(path: Path, text: str = STUDY) -> Path:
    """Write a study and the table it names beside it."""
    write_cases(path.parent / "cases.csv")
    path.write_text(text)
    return path


def write_table(path: Path, columns) -> Path:
    """Write columns as CSV."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _columns(values):
    return {name: values[:, place] for place, name in enumerate(COLUMNS)}
