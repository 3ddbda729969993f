"""What a look at a thumbnail tells: where tissue is, and what spoils it."""

from cancernet.slides.tissue.focus import Detail, detail_of
from cancernet.slides.tissue.mask import TissueOptions, tissue_mask
from cancernet.slides.tissue.quality import Finding, Quality, quality_of

__all__ = ["Detail", "Finding", "Quality", "TissueOptions", "detail_of", "quality_of", "tissue_mask"]
