"""From a file to a slide: one reader for each kind of file, behind one door."""

from cancernet.slides.reading.opening import open_slide

__all__ = ["open_slide"]
