"""`cancernet init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cancernet.cli.options import Force

__all__ = ["init"]


def init(
    path: Annotated[Path, typer.Argument(help="The file to write, for example my-study.toml.", show_default=False)],
    force: Force = False,
) -> None:
    """Write a commented study file to start from."""
    from cancernet.files import write_text
    from cancernet.studies import template

    write_text(path, template(), force=force)
    typer.echo(f"Wrote {path}. Name your data and columns in it, then run: cancernet train {path}")
