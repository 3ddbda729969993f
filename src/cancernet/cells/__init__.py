"""Cells: nuclei outlined and measured, and the way from an image to the features of the FNA model."""

from cancernet.cells.network import NetworkSegmenter, read_maps, resize_maps
from cancernet.cells.watershed import enlarge, outline, owned

__all__ = ["NetworkSegmenter", "enlarge", "outline", "owned", "read_maps", "resize_maps"]
