"""The layout `breakhis`: breast images whose names say class, subtype, patient and magnification."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray

from cancernet.patches.found import Found
from cancernet.patches.listing import Listing
from cancernet.patches.named import are_named, group_of, match_names, without_copies

__all__ = ["is_breakhis", "list_breakhis", "notes_on_breakhis"]

_NAME = re.compile(
    r"SOB_(?:B_(?P<benign>A|F|PT|TA)|M_(?P<malignant>DC|LC|MC|PC))"
    r"-(?P<patient>(?P<case>\d+-\d+)[A-Za-z]*)-(?P<magnification>40|100|200|400)-(?P<number>\d+)\.png"
)
_FORM = "SOB_B_A-14-22549AB-40-001.png"


def is_breakhis(found: Found) -> bool:
    """Tell whether images are named as those of BreakHis."""
    return are_named(found, _NAME)


def list_breakhis(found: Found) -> Listing:
    """Return the images of BreakHis.

    The columns are "label" and "class" (benign, malignant), "subtype" (A adenosis, F fibroadenoma, PT phyllodes tumour,
    TA tubular adenoma; DC ductal, LC lobular, MC mucinous, PC papillary carcinoma), "patient", "case" and
    "magnification" (40, 100, 200, 400). All is read from the file name,
    ``SOB_<B|M>_<subtype>-<year>-<slide>-<magnification>-<number>.png``.

    A patient is ``<year>-<slide>``: the slide id ``SOB_B_A-14-22549AB`` is of patient ``14-22549AB``. The published set
    counts its 82 slide ids as 82 patients. Here they are 81, for 14-13412 stands there as DC and as LC. Ids that differ
    only in their letters (14-22549AB, 14-22549CD) count as different patients and may be one; the column "case"
    (14-22549) joins them, and a note says how many there are.

    References
    ----------
    .. [1] F. A. Spanhol et al., "A dataset for breast cancer histopathological image classification", IEEE
       Transactions on Biomedical Engineering 63(7), 2016.
    """
    once, notes = without_copies(found)
    kept, matches = match_names(once, _NAME, form=_FORM)
    columns = {name: group_of(matches, name) for name in ("patient", "case", "magnification")}
    benign = group_of(matches, "benign")
    columns["subtype"] = np.where(benign == "", group_of(matches, "malignant"), benign)
    columns["class"] = columns["label"] = np.where(benign == "", "malignant", "benign")
    return Listing(found.folder, found.folder, "breakhis", np.array(kept.ids), columns, faults=kept.faults, notes=notes)


def notes_on_breakhis(listing: Listing) -> tuple[str, ...]:
    """Return notes when magnifications are mixed, or patients may be one and the same."""
    columns = listing.columns
    return (*_note_mixed(columns["magnification"]), *_note_shared(columns["case"], columns["patient"]))


def _note_mixed(magnifications: NDArray[np.str_]) -> tuple[str, ...]:
    """Return a note when images of several magnifications are mixed."""
    counts = Counter(magnifications.tolist())
    if len(counts) < 2:
        return ()
    shown = ", ".join(f"{counts[name]:,} at {name}x" for name in sorted(counts, key=int))
    return (f"Magnifications are mixed ({shown}): a pixel is not the same length in all; choose one with where",)


def _note_shared(cases: NDArray[np.str_], patients: NDArray[np.str_]) -> tuple[str, ...]:
    """Return a note when several patients share a case number."""
    by_case: dict[str, set[str]] = defaultdict(set)
    for case, patient in zip(cases.tolist(), patients.tolist(), strict=True):
        by_case[case].add(patient)
    shared = {case: sorted(names) for case, names in by_case.items() if len(names) > 1}
    if not shared:
        return ()
    case = min(shared)
    return (
        f"{sum(map(len, shared.values())):,} patients share a number with another ({', '.join(shared[case])}) and may "
        f'be {len(shared):,}; group = "case" keeps them together',
    )
