"""Reads the code blocks that a page of the documentation marks to be run.

A block is run when the line above its fence is `<!-- run -->`. `<!-- run with OPTIONS -->` adds options to a one-line
command, so that a test may train for two epochs what the reader trains in full.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^<!-- run(?: with (?P<options>.+?))? -->\n```(?P<language>\w+)\n(?P<code>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A block of code, where it begins, and in which language."""

    line: int
    language: str
    code: str


def blocks(text: str) -> list[Block]:
    """Return the marked blocks of a page, in order."""
    return [_block(text, found) for found in _BLOCK.finditer(text)]


def run(block: Block, folder: Path) -> str:
    """Run the block in `folder` as a reader would, and return what it printed."""
    command = {"bash": ["bash", "-e", "-c"], "python": [sys.executable, "-c"]}[block.language]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "COLUMNS": "120"}
    done = subprocess.run(
        [*command, block.code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"the block in line {block.line} fails:\n{block.code}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def _block(text: str, found: re.Match[str]) -> Block:
    code = found["code"].rstrip("\n")
    if found["options"]:
        code = f"{code} {found['options']}"
    return Block(text[: found.start()].count("\n") + 1, found["language"], code)
