"""Write the parts of the documentation that the program itself knows; with --check, only say which are out of date.

`cli.md` is the help of every verb; `_shipped/NAME.md` is what the card of a shipped bundle says it can do.
"""

import os
import subprocess
import sys
from pathlib import Path

from cancernet.bundle import find as find_bundle
from cancernet.bundle import load_card, zoo_names
from cancernet.report.words import describe, interval, number

FOLDER = Path(__file__).parent
HEAD = """# Command line

Written by `docs/generate.py` from the program itself. `python -m cancernet` is the same program. A mistake of the user
ends with one block of text and exit code 2; exit code 1 is a bug, and names the log file to send.

"""
SHOWN = (
    *("auroc", "macro_auroc", "quadratic_kappa", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "f1"),
    *("concordance_harrell", "concordance_uno", "integrated_brier"),
    *("aji", "dice", "pq", "detection_f1"),
    *("macro_f1", "mean_absolute_error", "ece", "coverage", "abstained", "selective_accuracy"),
)


def command_line() -> str:
    """Return the page: head, then the help of every verb as typer writes it."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "typer", "cancernet.cli.main", "utils", "docs", "--name", "cancernet"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return HEAD + done.stdout.removeprefix("# `cancernet`\n\n").rstrip() + "\n"


def shipped(name: str) -> str:
    """Return the metrics of a shipped bundle, as its card gives them, as a table."""
    metrics = load_card(find_bundle(name)).metrics
    contrasts = [key for key in metrics if key.startswith("auroc_")]
    lines = ["| metric | value | 95 % interval |", "|---|---|---|"]
    for key in (*(key for key in SHOWN if key in metrics), *contrasts):
        lines.append(f"| {describe(key).label} | {number(metrics[key].value)} | {interval(metrics[key]) or '-'} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check all parts; return the exit code."""
    parts = {"cli.md": command_line(), **{f"_shipped/{name}.md": shipped(name) for name in zoo_names()}}
    stale = [name for name, text in parts.items() if _read(FOLDER / name) != text]
    if "--check" in sys.argv:
        for name in stale:
            print(f"docs/{name} is not up to date. Run: .venv/bin/python docs/generate.py")
        return int(bool(stale))
    for name in stale:
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(parts[name], encoding="utf-8")
    return 0


def _read(path: Path) -> str:
    """Return the text of a file, empty where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
