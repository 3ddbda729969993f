"""One reader for all slide formats: pixels of a box at any resolution, and what is known of that resolution.

Made slides, for tests and benchmarks, come from `cancernet.slides.made`.
"""

from cancernet.slides.cohort import cohort_warnings
from cancernet.slides.policy import MppPolicy, resolve_pitch
from cancernet.slides.reading import open_slide
from cancernet.slides.slide import Pitch, Slide
from cancernet.slides.thumbnail import thumbnail, thumbnail_size
from cancernet.slides.writing import PyramidOptions, write_pyramid

__all__ = [
    "MppPolicy",
    "Pitch",
    "PyramidOptions",
    "Slide",
    "cohort_warnings",
    "open_slide",
    "resolve_pitch",
    "thumbnail",
    "thumbnail_size",
    "write_pyramid",
]
