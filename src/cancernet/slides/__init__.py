"""One reader for all slide formats: pixels of a box at any resolution, and what is known of that resolution."""

from cancernet.slides.cohort import cohort_warnings
from cancernet.slides.policy import MppPolicy, resolve_pitch
from cancernet.slides.reading import open_slide
from cancernet.slides.slide import Pitch, Slide
from cancernet.slides.thumbnail import thumbnail, thumbnail_size

__all__ = [
    "MppPolicy",
    "Pitch",
    "Slide",
    "cohort_warnings",
    "open_slide",
    "resolve_pitch",
    "thumbnail",
    "thumbnail_size",
]
