"""Sets of image patches: where they lie, decoded once into a pack, described by statistics, audited for leaks."""

from cancernet.patches.audit import PatchAudit, audit_patches
from cancernet.patches.compress import JPEG_DRAWS, SUBSAMPLINGS, as_any_jpeg, as_jpeg
from cancernet.patches.copies import join_groups
from cancernet.patches.described import pack_statistics
from cancernet.patches.fields import read_labels, rescale
from cancernet.patches.images import FITS, LARGEST_PIXELS, SUFFIXES, fit_image, image_size, read_image
from cancernet.patches.options import LAYOUTS, PatchOptions
from cancernet.patches.pack import Pack, cache_folder, open_pack
from cancernet.patches.patchset import Fault, PatchSet
from cancernet.patches.read import read_patches
from cancernet.patches.stained import Stains, fit_stains, stained_pack
from cancernet.patches.statistics import COLOURS, DARKNESS, STATISTICS, image_statistics
from cancernet.patches.survey import PatchSurvey, survey

__all__ = [
    "COLOURS",
    "DARKNESS",
    "FITS",
    "JPEG_DRAWS",
    "LARGEST_PIXELS",
    "LAYOUTS",
    "STATISTICS",
    "SUBSAMPLINGS",
    "SUFFIXES",
    "Fault",
    "Pack",
    "PatchAudit",
    "PatchOptions",
    "PatchSet",
    "PatchSurvey",
    "Stains",
    "as_any_jpeg",
    "as_jpeg",
    "audit_patches",
    "cache_folder",
    "fit_image",
    "fit_stains",
    "image_size",
    "image_statistics",
    "join_groups",
    "open_pack",
    "pack_statistics",
    "read_image",
    "read_labels",
    "read_patches",
    "rescale",
    "stained_pack",
    "survey",
]
