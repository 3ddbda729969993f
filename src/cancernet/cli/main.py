"""The program `cancernet`: its verbs, and what becomes of errors."""

from __future__ import annotations

import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated

import typer

from cancernet import __version__
from cancernet.cli import data, demo, doctor, evaluate, explain, export, init, predict, train
from cancernet.errors import CancerNetError

__all__ = ["app", "run"]

app = typer.Typer(
    name="cancernet",
    help="Cancer detection from the cell to the slide to the outcome: calibrated, able to abstain. "
    "For research, not a medical device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (train, evaluate, predict, explain, export, init, doctor, demo):
    app.command()(getattr(verb, verb.__name__.rpartition(".")[2]))
app.add_typer(data.app, name="data")


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Cancer detection from the cell to the slide to the outcome: calibrated, able to abstain.

    For research, not a medical device.
    """
    if version:
        typer.echo(f"cancernet {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run() -> None:
    """Run the program; end with 2 for what the user can mend, with 1 for a bug."""
    try:
        app()
    except CancerNetError as error:
        _say(error)
        raise SystemExit(2) from error
    except BrokenPipeError:
        # The reader of our output has gone, as `| head` does; there is nobody to tell.
        sys.stderr.close()
        raise SystemExit(1) from None
    except Exception as error:
        _report_bug(error)
        raise SystemExit(1) from error


def _say(error: CancerNetError) -> None:
    """Print the three parts of an error in one block."""
    lines = [f"Error: {error.wrong}", *(f"  {part}" for part in (error.expected, error.todo) if part)]
    typer.echo("\n".join(lines), err=True)


def _report_bug(error: Exception) -> None:
    """Write the traceback to a file and say where."""
    text = "".join(traceback.format_exception(error))
    with tempfile.NamedTemporaryFile("w", prefix="cancernet-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.write(f"cancernet {__version__}, Python {sys.version}\n{' '.join(sys.argv)}\n{text}")
    summary = f"{type(error).__name__}: {error}".splitlines()[0]
    typer.echo(f"Error: this is a bug in cancernet ({summary}).\n  The details are in {Path(log.name)}", err=True)
