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
            help="onnx, keras, openvino (.xml with a .bin beside it), or float16: a whole bundle of half the size.",
            autocompletion=complete.formats,
        ),
    ] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help="The file to write, or the folder for float16.",
            show_default="NAME.onnx and the like",
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Write the network of a bundle for other programs. Its logits need the calibration and threshold of the card."""
    from cancernet import engine

    if format == "float16":
        say(_compressed(bundle, out, force=force))
        return
    card, path = engine.export_bundle(bundle, out, format=format, force=force)
    lines = [["input", _inputs(card)], ["output", _outputs(card, format)], ["then", _then(card)]]
    if format == "openvino":
        hint = f"with INFERENCE_PRECISION_HINT = {card.engine.precision}; OpenVINO's own default may be another"
        lines.append(["compile", hint])
    beside = f" and {path.with_suffix('.bin')}" if format == "openvino" else ""
    say(f"Wrote {path}{beside}\n{rows_table(lines)}")


def _compressed(name: str, out: Path | None, *, force: bool) -> str:
    """Write the bundle with float16 weights; return how much smaller its files are, and how far engines stand off."""
    from cancernet import bundle, engine

    folder = bundle.find(name)
    before = _sizes(folder)
    card, path = engine.export_bundle(folder, out, format="float16", force=force)
    lines = [[file, f"{size} KiB, before {before[file]} KiB"] for file, size in _sizes(path).items()]
    worst = {entry.precision: entry.difference for entry in sorted(card.engine.parity, key=lambda one: one.difference)}
    for precision, difference in worst.items():
        lines.append([f"engines, {precision}", f"at most {difference:.1g} from Keras in a probability, on made cases"])
    lines.append(["then", "compare its answers with those of the old bundle on real cases"])
    return f"Wrote {path}\n{rows_table(lines)}"


def _sizes(folder: Path) -> dict[str, int]:
    """Return the size of the files of weights, in KiB."""
    return {path.name: round(path.stat().st_size / 1024) for path in sorted(folder.glob("model.*"))}


def _inputs(card: Card) -> str:
    """Return what the network takes."""
    if card.input.kind in ("patches", "fields"):
        return f"(n, {card.input.size}, {card.input.size}, 3) uint8, RGB"
    if card.input.kind == "bags":
        return f"(n, tiles, {card.input.width + 1}) float32: features, and 1 for a tile or 0 for padding"
    return f"(n, {len(card.input.names)}) float32, raw units, columns in the order of card.json"


def _outputs(card: Card, format: str) -> str:
    """Return what the network gives."""
    if card.input.kind == "fields":
        maps = ", ".join((*card.task.classes[1:], f"distance to the edge of {card.task.classes[-1]}"))
        return f"logits (n, {', '.join(map(str, card.logit_shape))}): {maps}; features, the layer before"
    names = (
        card.task.classes[: card.task.logit_width] if card.survival is None else [f"'{card.task.classes[-1]}' in time"]
    )
    logits = f"logits (n, {card.logit_width}) for {', '.join(names)}"
    if format == "keras":
        return logits
    weights = "; attention (n, tiles)" if card.input.kind == "bags" else ""
    return f"{logits}; features, the layer before{weights}"


def _then(card: Card) -> str:
    """Return how logits become an answer."""
    if card.survival is not None:
        return f"survival curves by the form '{card.survival.form}' of card.json"
    averaged = "mean of the logits over the 8 rotations and flips, then " if card.engine.test_time != "none" else ""
    scaled, rule = f"logits / {card.decision.temperature:.6g}", card.decision.threshold
    if card.decision.bias:
        scaled += f" + ({', '.join(f'{number:.6g}' for number in card.decision.bias)})"
    if card.task.kind == "ordinal":
        return f"{averaged}P(grade at most this one) = sigmoid({scaled})"
    if card.task.kind == "segmentation":
        return "sigmoid(logits) of each map; pixels into outlines as cells/watershed.py does"
    called = "" if rule is None else f"; '{card.task.positive}' where its probability is at least {rule.value:.6g}"
    return f"{averaged}softmax({scaled}){called}"
