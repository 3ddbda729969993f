"""Write docs/cli.md from the command line itself; with --check, only say whether it is up to date."""

import os
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("cli.md")
HEAD = """# Command line

Written by `docs/commands.py` from the program itself. `python -m cancernet` is the same program. A mistake of the user
ends with one block of text and exit code 2; exit code 1 is a bug, and names the log file to send.

"""


def page() -> str:
    """Return the page: head, then the help of every verb as typer writes it."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "typer", "cancernet.cli.main", "utils", "docs", "--name", "cancernet"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return HEAD + done.stdout.removeprefix("# `cancernet`\n\n").rstrip() + "\n"


def main() -> int:
    """Write or check the page; return the exit code."""
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print("docs/cli.md is not up to date. Run: .venv/bin/python docs/commands.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
