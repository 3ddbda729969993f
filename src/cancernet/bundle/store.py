"""Bundles on disk: written whole, found by name or path, verified before anything in them is opened."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cancernet.bundle.card import Card
from cancernet.bundle.keras_file import check_keras_file
from cancernet.bundle.onnx_file import check_onnx_file
from cancernet.checks import nearest, refuse_future
from cancernet.errors import BundleMismatch, CorruptFile, InvalidInput
from cancernet.files import read_json, sha256, storage_errors, whole_folder, write_json, write_text

__all__ = ["CARD", "CHECKSUMS", "KERAS", "ONNX", "SOURCES", "find", "load_card", "verify", "write", "zoo_names"]

CARD, CHECKSUMS, KERAS, ONNX = "card.json", "checksums.json", "model.keras", "model.onnx"
SOURCES = "sources"
CHECKSUMS_SCHEMA_VERSION = 1
_SUMMED = (CARD, KERAS, ONNX)
_ZOO = Path(__file__).parents[1] / "zoo"
_LARGEST_CARD = 64 * 2**20  # bytes; the group hashes of a million patients take 20 MiB
_AGAIN = "Get the bundle again, or write it again with: cancernet train"


def write(
    folder: str | Path,
    card: Card,
    *,
    keras_file: Path,
    onnx_file: Path,
    sources: Mapping[str, Path] | None = None,
    force: bool = False,
) -> None:
    """Write a bundle: `card.json`, `model.keras`, `model.onnx` and `checksums.json`, all or nothing.

    Parameters
    ----------
    folder
        The bundle; it appears when it is complete.
    card
        All that is known about the model but its weights.
    keras_file, onnx_file
        The weights, copied into the bundle; both pass the checks that opening them makes.
    sources
        Folders of the bundles that a fused one is made of, by name; they are copied to `sources`.
    force
        Replace an existing bundle.

    Raises
    ------
    InvalidInput
        When `folder` exists and `force` is not set.
    CorruptFile
        When a file of weights would be refused on opening.
    StorageFailure
        When the place cannot be written.
    """
    check_keras_file(keras_file)
    check_onnx_file(onnx_file)
    with whole_folder(Path(folder), force=force) as partial:
        shutil.copyfile(keras_file, partial / KERAS)
        shutil.copyfile(onnx_file, partial / ONNX)
        write_text(partial / CARD, card.to_json())
        sums = {name: sha256(partial / name) for name in _SUMMED}
        write_json(partial / CHECKSUMS, {"schema_version": CHECKSUMS_SCHEMA_VERSION, "sha256": sums})
        for name, source in (sources or {}).items():
            _copy(source, partial / SOURCES / name)
        _verify_sources(partial, card)


def load_card(folder: str | Path) -> Card:
    """Read the card of a bundle; the weights are neither read nor verified.

    Raises
    ------
    BundleMismatch
        When its schema is newer than this package.
    CorruptFile
        When it is missing, not JSON, or holds a key or value that cannot be.
    """
    path = Path(folder) / CARD
    _refuse_absent(path)
    with storage_errors(path):
        if path.stat().st_size > _LARGEST_CARD:
            raise CorruptFile(f"'{path}' is larger than {_LARGEST_CARD >> 20} MiB", "A card", _AGAIN)
        raw = path.read_bytes()
    return Card.from_json(raw, where=str(path))


def verify(folder: str | Path) -> Card:
    """Compare all files of a bundle with its checksums and return its card.

    Checksums detect damage. They do not prove who made the bundle.

    Raises
    ------
    CorruptFile
        When a file is missing or differs from its checksum.
    BundleMismatch
        When a schema is newer than this package.
    """
    folder = Path(folder)
    card = load_card(folder)  # first: a bundle of a newer version is to be called newer, not damaged
    sums = _checksums(folder / CHECKSUMS)
    for name in _SUMMED:
        _refuse_absent(folder / name)
        if sha256(folder / name) != sums[name]:
            raise CorruptFile(f"'{folder / name}' differs from its checksum: it is damaged or was changed", todo=_AGAIN)
    _verify_sources(folder, card)
    return card


def find(name_or_path: str | Path) -> Path:
    """Return the folder of a bundle.

    Parameters
    ----------
    name_or_path
        A folder, or the bare name of a shipped bundle. A folder of that name in the current directory comes first.

    Raises
    ------
    InvalidInput
        When there is neither; the message offers the nearest shipped bundle.
    """
    path = Path(name_or_path)
    if path.is_dir():
        return path
    names = zoo_names()
    if str(name_or_path) in names:
        return _ZOO / str(name_or_path)
    raise _unknown(path, names)


def zoo_names() -> tuple[str, ...]:
    """Return the names of the shipped bundles, sorted."""
    if not _ZOO.is_dir():
        return ()
    return tuple(sorted(folder.name for folder in _ZOO.iterdir() if (folder / CARD).is_file()))


def _copy(source: Path, target: Path) -> None:
    """Copy the files of a bundle."""
    target.mkdir(parents=True)
    for name in (*_SUMMED, CHECKSUMS):
        _refuse_absent(source / name)
        shutil.copyfile(source / name, target / name)


def _verify_sources(folder: Path, card: Card) -> None:
    """Compare the bundles inside a fused one with their checksums, and these with its card."""
    for source in card.fusion.sources if card.fusion is not None else ():
        inside = folder / SOURCES / source.name
        verify(inside)
        if sha256(inside / CHECKSUMS) != source.sha256:
            raise CorruptFile(f"'{inside}' is not the bundle that '{card.name}' was made of", todo=_AGAIN)


def _unknown(path: Path, names: tuple[str, ...]) -> InvalidInput:
    """Return the error for a bundle that is not there."""
    shipped = f"A folder that holds '{CARD}', or a shipped bundle: {', '.join(names) or 'there is none'}"
    if path.exists():
        return InvalidInput(f"'{path}' is a file, not a bundle", shipped, "Name the folder that holds it")
    close = nearest(str(path), names)
    todo = f"Did you mean '{close}'?" if close else "Check the path"
    return InvalidInput(f"There is no bundle '{path}'", shipped, todo)


def _checksums(path: Path) -> dict[str, str]:
    """Return the checksum of each file, by name."""
    _refuse_absent(path)
    content = read_json(path)
    _refuse_future(content, path)
    sums = content.get("sha256") if isinstance(content, dict) else None
    if not isinstance(sums, dict) or set(sums) != set(_SUMMED) or set(content) != {"schema_version", "sha256"}:
        raise CorruptFile(f"'{path}' is damaged", f"The checksums of {', '.join(_SUMMED)} and nothing else", _AGAIN)
    return sums


def _refuse_future(content: Any, path: Path) -> None:
    """Raise when the checksums are of a newer schema, or of none."""
    version = content.get("schema_version") if isinstance(content, dict) else None
    refuse_future(version, CHECKSUMS_SCHEMA_VERSION, where=str(path), error=BundleMismatch)
    if version != CHECKSUMS_SCHEMA_VERSION:
        raise CorruptFile(f"'{path}' has no schema version", f"'schema_version': {CHECKSUMS_SCHEMA_VERSION}", _AGAIN)


def _refuse_absent(path: Path) -> None:
    """Raise when a file of the bundle is not there."""
    if not path.is_file():
        wanted = ", ".join((*_SUMMED, CHECKSUMS))
        raise CorruptFile(f"'{path.parent}' holds no '{path.name}'", f"A bundle holds {wanted}", _AGAIN)
