"""The program `cancernet`: its verbs, and what becomes of errors."""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated

import typer

from cancernet import __version__
from cancernet.cli import cells, data, demo, doctor, evaluate, explain, export, init, pcr, predict, scan, train
from cancernet.cli.show import paragraph
from cancernet.errors import CancerNetError, InvalidInput
from cancernet.files import storage_errors

__all__ = ["app", "run"]

app = typer.Typer(
    name="cancernet",
    help="Cancer detection from the cell to the slide to the outcome: calibrated, able to abstain. "
    "For research, not a medical device.",
    epilog="Begin with: cancernet demo",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (train, evaluate, predict, scan, cells, pcr, explain, export, init, doctor, demo):
    app.command()(getattr(verb, verb.__name__.rpartition(".")[2]))
app.add_typer(data.app, name="data")


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", metavar="", help="Print the version.")] = False,
) -> None:
    """Cancer detection from the cell to the slide to the outcome: calibrated, able to abstain.

    For research, not a medical device.
    """
    if version:
        typer.echo(f"cancernet {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


_TOO_LARGE = InvalidInput(
    "The memory of this machine is not enough for this job; nothing half done is left",
    "Smaller input, or a machine with more memory",
    "Leave out columns, rows or genes that are not needed, and run the same command again",
)


def run() -> None:
    """Run the program; end with 2 for what the user can mend, with 1 for a bug."""
    try:
        app()
    except CancerNetError as error:
        _say(error)
        raise SystemExit(2) from error
    except OSError as error:
        # Typer itself ends in silence when the reader of our output has gone, as with `| head`.
        _say(_as_storage_failure(error))
        raise SystemExit(2) from error
    except MemoryError as error:
        _say(_TOO_LARGE)
        raise SystemExit(2) from error
    except Exception as error:
        _report_bug(error)
        raise SystemExit(1) from error


def _as_storage_failure(error: OSError) -> CancerNetError:
    """Return our error for one of the operating system that no room has explained, as when stdout is a full disk."""
    try:
        with storage_errors(Path("the output")):
            raise error
    except CancerNetError as explained:
        return explained


def _say(error: CancerNetError) -> None:
    """Print the three parts of an error in one block; only a terminal gets them wrapped."""
    parts = [part for part in (error.expected, error.todo) if part]
    if sys.stderr.isatty():
        head = paragraph(f"Error: {error.wrong}", first="", stream=sys.stderr)
        lines = [head, *(paragraph(part, first="  ", indent="    ", stream=sys.stderr) for part in parts)]
    else:
        lines = [f"Error: {error.wrong}", *(f"  {part}" for part in parts)]
    typer.echo("\n".join(lines), err=True)


def _report_bug(error: Exception) -> None:
    """Write the traceback to a file and say where."""
    text = "".join(traceback.format_exception(error))
    summary = f"{type(error).__name__}: {error}".splitlines()[0]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="cancernet-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as log:
            log.write(f"cancernet {__version__}, Python {sys.version}\n{' '.join(sys.argv)}\n{text}")
        details = f"The details are in {log.name}"
    except OSError:
        details = text
    typer.echo(f"Error: this is a bug in cancernet ({summary})\n  {details}", err=True)
