"""`cancernet init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cancernet.cli import complete
from cancernet.cli.options import Force

__all__ = ["init"]


def init(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="The study to write, for example my-study.toml.", show_default=False)
    ],
    kind: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Of data: table, expression, patches, bags, nuclei, survival or fusion.",
            autocompletion=complete.kinds,
        ),
    ] = "table",
    force: Force = False,
) -> None:
    """Write a commented study file to start from."""
    from cancernet.errors import InvalidInput
    from cancernet.files import write_text
    from cancernet.studies import template

    if path.exists() and not force:
        raise InvalidInput(f"'{path}' exists already", "It is kept as it is", "Choose another name, or pass --force")
    write_text(path, template(kind), force=force)
    typer.echo(f"Wrote {path}\n  Name your data in it, then run: cancernet train {path}")
