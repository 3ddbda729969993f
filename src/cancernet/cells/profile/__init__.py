"""Growth and structure of a field: its numbers, candidates for mitosis, and a page of figures beside public sets."""

from cancernet.cells.profile.arrangement import Arrangement, arrangement_of
from cancernet.cells.profile.figures import draw_profile
from cancernet.cells.profile.mitosis import clumped, least_dark, mitosis_candidates
from cancernet.cells.profile.numbers import PROFILE, profile_of
from cancernet.cells.profile.reference import NUCLEAR, Reference, references

__all__ = [
    "NUCLEAR",
    "PROFILE",
    "Arrangement",
    "Reference",
    "arrangement_of",
    "clumped",
    "draw_profile",
    "least_dark",
    "mitosis_candidates",
    "profile_of",
    "references",
]
