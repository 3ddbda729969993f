"""`cancernet export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cancernet.cli.options import Bundle, Force

__all__ = ["export"]


def export(
    bundle: Bundle,
    format: Annotated[
        str, typer.Option(help="onnx, keras, or openvino (an .xml file with a .bin beside it).")
    ] = "onnx",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write.", show_default=False)] = None,
    force: Force = False,
) -> None:
    """Write the network of a bundle for other programs. Its logits need the temperature and threshold of the card."""
    from cancernet import engine

    card, path = engine.export_bundle(bundle, out, format=format, force=force)
    decision = card.decision
    threshold = (
        "" if decision.threshold is None else f", threshold {decision.threshold.value:.6g} for '{card.task.positive}'"
    )
    typer.echo(
        f"Wrote {path}\n"
        f"  input    (n, {len(card.input.names)}) float32, raw units, columns in the order of card.json\n"
        f"  outputs  logits (n, {len(card.task.classes)}) for {', '.join(card.task.classes)}; features\n"
        f"  then     softmax(logits / {decision.temperature:.6g}){threshold}"
    )
