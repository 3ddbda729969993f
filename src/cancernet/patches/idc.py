"""The layout `idc`: breast patches whose names say patient, place and label."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from cancernet.patches.found import Found
from cancernet.patches.listing import Listing
from cancernet.patches.named import are_named, group_of, match_names, without_copies

__all__ = ["is_idc", "list_idc"]

_NAME = re.compile(r"(?P<patient>[^_/]+)_idx\d+_x(?P<x>\d+)_y(?P<y>\d+)_class(?P<label>[01])\.png")
_FORM = "PATIENT_idx5_x1_y1_class0.png"


def is_idc(found: Found) -> bool:
    """Tell whether images are named as those of the IDC set."""
    return are_named(found, _NAME)


def list_idc(found: Found) -> Listing:
    """Return the patches of invasive ductal carcinoma with the columns "label" (0, 1), "patient", "x" and "y".

    All is read from the file name, ``<patient>_idx5_x<x>_y<y>_class<label>.png``; folders are not believed, and a note
    counts those that say otherwise. The archive holds itself once more in a folder of its own: the second copy is
    skipped, with a note. The set does not say its microns per pixel.

    References
    ----------
    .. [1] A. Cruz-Roa et al., "Automatic detection of invasive ductal carcinoma in whole slide images with
       convolutional neural networks", SPIE Medical Imaging 9041, 2014.
    """
    once, notes = without_copies(found)
    kept, matches = match_names(once, _NAME, form=_FORM)
    columns = {name: group_of(matches, name) for name in ("label", "patient", "x", "y")}
    notes += _contradictions(kept, columns["label"].tolist(), columns["patient"].tolist())
    return Listing(found.folder, found.folder, "idc", np.array(kept.ids), columns, faults=kept.faults, notes=notes)


def _contradictions(found: Found, labels: Sequence[str], patients: Sequence[str]) -> tuple[str, ...]:
    """Return a note when images lie in the folder of another class or patient than their name says."""
    wrong = [
        path
        for path, label, patient in zip(found.ids, labels, patients, strict=True)
        if _says_otherwise(path, label, patient)
    ]
    if not wrong:
        return ()
    many = f"{len(wrong):,} images lie" if len(wrong) > 1 else "1 image lies"
    return (f"{many} in the folder of another class or patient than the name says ('{wrong[0]}'); the name counts",)


def _says_otherwise(path: str, label: str, patient: str) -> bool:
    """Tell whether the folders of an image name a class, and another class or patient than its own."""
    *_, folder_of_patient, folder_of_class, _name = ["", "", *path.split("/")]
    is_class = folder_of_class in ("0", "1")
    return is_class and (folder_of_class != label or (folder_of_patient.isdigit() and folder_of_patient != patient))
