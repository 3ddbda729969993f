"""One reader for all slide formats: pixels of a box at any resolution, and what is known of that resolution."""

from cancernet.slides.slide import Pitch, Slide

__all__ = ["Pitch", "Slide"]
