"""`cancernet export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cancernet.cli import complete
from cancernet.cli.options import Bundle, Force
from cancernet.cli.show import rows_table, say

if TYPE_CHECKING:
    from cancernet.bundle import Card

__all__ = ["export"]


def export(
    bundle: Bundle,
    format: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="onnx, keras, or openvino (.xml with a .bin beside it).",
            autocompletion=complete.formats,
        ),
    ] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="The file to write.", show_default="NAME.onnx and the like"),
    ] = None,
    force: Force = False,
) -> None:
    """Write the network of a bundle for other programs. Its logits need the temperature and threshold of the card."""
    from cancernet import engine

    card, path = engine.export_bundle(bundle, out, format=format, force=force)
    decision = card.decision
    rule = decision.threshold
    then = "" if rule is None else f"; '{card.task.positive}' where its probability is at least {rule.value:.6g}"
    lines = [
        ["input", f"(n, {len(card.input.names)}) float32, raw units, columns in the order of card.json"],
        ["output", _outputs(card, format)],
        ["then", f"softmax(logits / {decision.temperature:.6g}){then}"],
    ]
    if format == "openvino":
        lines.append(["compile", "with INFERENCE_PRECISION_HINT = f32; OpenVINO's own default may be bf16"])
    beside = f" and {path.with_suffix('.bin')}" if format == "openvino" else ""
    say(f"Wrote {path}{beside}\n{rows_table(lines)}")


def _outputs(card: Card, format: str) -> str:
    """Return what the network gives."""
    logits = f"logits (n, {len(card.task.classes)}) for {', '.join(card.task.classes)}"
    return logits if format == "keras" else f"{logits}; features, the layer before"
