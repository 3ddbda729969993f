"""The network of a bundle as a file for other programs, or the bundle as a smaller one."""

from __future__ import annotations

from pathlib import Path

from cancernet.bundle import Card, check_keras_file, check_onnx_file, find, read_onnx_file, verify
from cancernet.bundle.store import KERAS, ONNX
from cancernet.checks import one_of
from cancernet.engine.compressed import write_compressed
from cancernet.engine.runtimes import save_openvino
from cancernet.files import refuse_existing, storage_errors, whole_file

__all__ = ["FORMATS", "export_bundle"]

FORMATS = {"onnx": ".onnx", "keras": ".keras", "openvino": ".xml", "float16": "-float16"}


def export_bundle(
    name_or_path: str | Path, out: Path | None = None, *, format: str = "onnx", force: bool = False
) -> tuple[Card, Path]:
    """Write the network of a bundle, whole or not at all, and return its card and the file or folder.

    Parameters
    ----------
    name_or_path
        A bundle's folder, or the name of a shipped one.
    out
        The file or folder; NAME.onnx, NAME-float16 and the like in the current folder when None.
    format
        "onnx", "keras", or "openvino": an .xml file with the weights in a .bin beside it, float32. "float16" is a whole
        bundle in a folder, about half the size: large weights are kept as float16, engines compute as before.
    force
        Replace an existing file or folder.

    Raises
    ------
    InvalidInput
        When the format is unknown, the file exists, or a weight is beyond the range of float16.
    CorruptFile
        When the bundle is damaged or unsafe.
    BundleMismatch
        When an engine differs from Keras after rounding, by more than the tolerance of the card.
    MissingExtra
        When "float16" is asked for without Keras, TensorFlow or tf2onnx.
    """
    suffix = FORMATS[one_of(format, tuple(FORMATS), "format")]
    folder = find(name_or_path)
    card = verify(folder)
    check_keras_file(folder / KERAS)
    check_onnx_file(folder / ONNX)
    path = Path(f"{card.name}{suffix}") if out is None else out
    if format == "float16":
        card = write_compressed(path, card, keras_file=folder / KERAS, force=force)
    elif format == "openvino":
        _openvino_files(folder / ONNX, path, force=force)
    else:
        _copy(folder / (ONNX if format == "onnx" else KERAS), path, force=force)
    return card, path


def _copy(source: Path, target: Path, *, force: bool) -> None:
    """Copy one file, whole or not at all."""
    with whole_file(target, force=force) as partial:
        partial.write_bytes(source.read_bytes())


def _openvino_files(source: Path, target: Path, *, force: bool) -> None:
    """Write the .xml and the .bin that belongs to it, the .xml last."""
    weights = target.with_suffix(".bin")
    refuse_existing(weights, force=force)
    with whole_file(target, force=force) as partial, storage_errors(target):
        partial.touch()  # says what the system says of rights; OpenVINO says nothing of the kind
        written = partial.with_suffix(".xml")
        try:
            save_openvino(read_onnx_file(source), written)
            written.with_suffix(".bin").replace(weights)
            written.replace(partial)
        finally:
            written.unlink(missing_ok=True)
            written.with_suffix(".bin").unlink(missing_ok=True)
