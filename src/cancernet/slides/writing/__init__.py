"""Slides written: pyramids of tiles, streamed, of any size."""

from cancernet.slides.writing.pyramid import PyramidOptions, write_pyramid

__all__ = ["PyramidOptions", "write_pyramid"]
