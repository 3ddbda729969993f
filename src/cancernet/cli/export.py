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
    lines = [["input", _inputs(card)], ["output", _outputs(card, format)], ["then", _then(card)]]
    if format == "openvino":
        hint = f"with INFERENCE_PRECISION_HINT = {card.engine.precision}; OpenVINO's own default may be another"
        lines.append(["compile", hint])
    beside = f" and {path.with_suffix('.bin')}" if format == "openvino" else ""
    say(f"Wrote {path}{beside}\n{rows_table(lines)}")


def _inputs(card: Card) -> str:
    """Return what the network takes."""
    if card.input.kind == "patches":
        return f"(n, {card.input.size}, {card.input.size}, 3) uint8, RGB"
    return f"(n, {len(card.input.names)}) float32, raw units, columns in the order of card.json"


def _outputs(card: Card, format: str) -> str:
    """Return what the network gives."""
    names = card.task.classes[: card.task.logit_width]
    logits = f"logits (n, {card.task.logit_width}) for {', '.join(names)}"
    return logits if format == "keras" else f"{logits}; features, the layer before"


def _then(card: Card) -> str:
    """Return how logits become an answer."""
    averaged = "mean of the logits over the 8 rotations and flips, then " if card.engine.test_time != "none" else ""
    temperature, rule = f"{card.decision.temperature:.6g}", card.decision.threshold
    if card.task.kind == "ordinal":
        return f"{averaged}P(grade at most this one) = sigmoid(logits / {temperature})"
    called = "" if rule is None else f"; '{card.task.positive}' where its probability is at least {rule.value:.6g}"
    return f"{averaged}softmax(logits / {temperature}){called}"
