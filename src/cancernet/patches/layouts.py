"""Which layout a source has, and its images in that layout."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cancernet.checks import listed
from cancernet.errors import InvalidInput
from cancernet.files import storage_errors
from cancernet.patches.breakhis import is_breakhis, list_breakhis, notes_on_breakhis
from cancernet.patches.foldered import are_class_folders, list_files, list_folders
from cancernet.patches.found import Found, find_images
from cancernet.patches.idc import is_idc, list_idc
from cancernet.patches.images import SUFFIXES
from cancernet.patches.listing import Listing
from cancernet.patches.manifest import check_files, read_manifest
from cancernet.patches.options import PatchOptions

__all__ = ["list_patches"]

_TABLES = (".csv", ".tsv", ".txt", ".tab", ".parquet", ".pq")
_MANIFESTS = ("manifest.csv", "manifest.tsv", "manifest.csv.gz", "manifest.parquet")


def list_patches(source: str | Path | Sequence[str | Path], options: PatchOptions) -> Listing:
    """Return the images of a source with what its layout says about them.

    Parameters
    ----------
    source
        A folder, a manifest, an image, or a sequence of images.
    options
        The layout, or "auto", and the filter `where`.

    Raises
    ------
    InvalidInput, StorageFailure
        See `read_patches`.
    """
    paths = [Path(path) for path in ([source] if isinstance(source, str | Path) else source)]
    if len(paths) != 1:
        return _listed_files(paths, options)
    with storage_errors(paths[0]):
        is_folder = stat.S_ISDIR(paths[0].stat().st_mode)
    return _folder(paths[0], options) if is_folder else _file(paths[0], options)


def _file(path: Path, options: PatchOptions) -> Listing:
    """Return the images of a manifest, or the one image."""
    is_image = path.name.lower().endswith(SUFFIXES)
    is_table = path.name.lower().removesuffix(".gz").endswith(_TABLES)
    if options.layout == "manifest" or (options.layout == "auto" and is_table):
        return read_manifest(path, options)
    if options.layout == "files" or (options.layout == "auto" and is_image):
        return _listed_files([path], options)
    if options.layout == "auto":
        raise InvalidInput(
            f"'{path}' is neither a folder nor named like a manifest or an image",
            f"Expected a name that ends in {', '.join((*_TABLES, *SUFFIXES))}",
            'Say layout = "manifest" or layout = "files"',
        )
    raise InvalidInput(f"'{path}' is a file", f"The layout '{options.layout}' is of folders", "Name the folder")


def _folder(folder: Path, options: PatchOptions) -> Listing:
    """Return the images of a folder."""
    manifests = [folder / name for name in _MANIFESTS if (folder / name).is_file()]
    if options.layout == "manifest" or (options.layout == "auto" and len(manifests) == 1):
        return read_manifest(_the_one(folder, manifests), options)
    found = find_images(folder)
    layout = _recognised(found) if options.layout == "auto" else options.layout
    listing = _in_layout(found, layout, options).only(options.where)
    return replace(listing, notes=listing.notes + notes_on_breakhis(listing)) if layout == "breakhis" else listing


def _the_one(folder: Path, manifests: Sequence[Path]) -> Path:
    """Return the manifest of a folder, when there is exactly one."""
    if len(manifests) == 1:
        return manifests[0]
    has = f"several manifests: {listed([path.name for path in manifests])}" if manifests else "no manifest"
    raise InvalidInput(
        f"'{folder}' holds {has}", f"Expected one of {listed(_MANIFESTS)}", "Name the manifest itself as the source"
    )


def _recognised(found: Found) -> str:
    """Return the layout that the names of the files and folders speak for."""
    if is_idc(found):
        return "idc"
    if is_breakhis(found):
        return "breakhis"
    return "folders" if are_class_folders(found) else "files"


def _in_layout(found: Found, layout: str, options: PatchOptions) -> Listing:
    """Return the images in a layout of folders."""
    if layout == "idc":
        return list_idc(found)
    if layout == "breakhis":
        return list_breakhis(found)
    return list_folders(found, target=options.target) if layout == "folders" else list_files(found)


def _listed_files(paths: Sequence[Path], options: PatchOptions) -> Listing:
    """Return images that were named one by one, in that order."""
    if not paths:
        raise InvalidInput("No file was named", "Expected at least one image", "Name images, or a folder")
    if options.layout not in ("auto", "files"):
        raise InvalidInput(
            f"The layout '{options.layout}' does not fit single files", "Expected a folder", "Leave out layout"
        )
    absolute = [os.path.abspath(path) for path in paths]
    folder = _common_folder(absolute)
    ids = [Path(path).relative_to(folder).as_posix() for path in absolute]
    listing = Listing(paths[0] if len(paths) == 1 else folder, folder, "files", np.array(ids))
    return check_files(listing, what="images are missing").only(options.where)


def _common_folder(paths: Sequence[str]) -> Path:
    """Return the lowest folder that holds all files, or raise when they lie on several drives."""
    try:
        return Path(os.path.commonpath([os.path.dirname(path) for path in paths]))
    except ValueError as error:
        raise InvalidInput(
            f"Images lie on several drives: {listed(paths, 3)}", "Expected one drive", "Copy them to one folder"
        ) from error
