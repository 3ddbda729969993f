"""`cancernet data audit` of a set of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cancernet.cli.show import paragraph, print_json, progress_bar, rows_table, say

if TYPE_CHECKING:
    from cancernet.patches import Pack, PatchAudit, PatchOptions, PatchSurvey
    from cancernet.studies import Progress

__all__ = ["audit_images", "holds_images"]

_FOLDS, _SEED = 5, 7  # of the split that is audited: the default of studies


def holds_images(path: str, layout: str) -> bool:
    """Tell whether a path names images: a folder, an image, or a manifest whose layout was named."""
    from cancernet.patches import SUFFIXES

    return layout != "auto" or Path(path).is_dir() or Path(path).suffix.lower() in SUFFIXES


def audit_images(path: str, options: PatchOptions, *, json: bool) -> PatchAudit | None:
    """Say what a set of images holds, and what a 5-fold split by group would have on two sides; return the latter."""
    from cancernet.patches import open_pack, read_patches, survey

    patches = read_patches(path, options=options)
    with progress_bar(quiet=json) as progress:
        progress.begin("Packing", len(patches))
        pack = open_pack(patches, fit="crop", progress=progress.reach)
        progress.begin("Looking for copies", len(pack.patches))
        found = survey(pack, progress=progress.reach)
        audit, reason = _audit_of_split(pack, progress)
    if json:
        print_json({**found.to_dict(), "leak_audit": None if audit is None else audit.to_dict(), "reason": reason})
    else:
        say(_in_words(found, audit, reason))
    return audit


def _audit_of_split(pack: Pack, progress: Progress) -> tuple[PatchAudit | None, str]:
    """Return the audit of the usual split by group, or the reason why there is none."""
    from cancernet.data import folds_by_group
    from cancernet.errors import InvalidInput
    from cancernet.patches import audit_patches
    from cancernet.studies import patch_table

    patches = pack.patches
    if patches.target is None:
        return None, "no leak audit of a split: there are no labels; name their column with --target COLUMN"
    if patches.group_column is None:
        return None, "no leak audit of a split: the patients are not known; name them with --group, or --group row"
    try:
        split = folds_by_group(patch_table(pack, described=False), folds=_FOLDS, seed=_SEED)
    except InvalidInput as error:
        return None, f"no leak audit of a split: {error.wrong}"
    return audit_patches(pack, split, progress=progress.reach), ""


def _in_words(found: PatchSurvey, audit: PatchAudit | None, reason: str) -> str:
    """Return what was found, as lines."""
    classes = ", ".join(f"{label} {count}" for label, count in found.classes.items()) or "no labels"
    lines: list[list[str]] = [["images", str(found.images)], ["classes", classes]]
    said: list[Any] = [*found.sentences(), *(audit.sentences() if audit is not None else [reason])]
    words = "\n".join(paragraph(sentence, first="- ") for sentence in said if sentence)
    return f"{found.name}\n{rows_table(lines)}\n\n{words}"
