"""The path without a network, on the same images: what a segmenter has to be better than."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cancernet.cells import Classical
from cancernet.errors import InvalidInput
from cancernet.metrics import InstanceScores, instance_scores
from cancernet.studies.nuclei.fields import Field
from cancernet.studies.nuclei.measure import RADIUS_UM

__all__ = ["classical_scores"]


def classical_scores(fields: Sequence[Field]) -> list[InstanceScores]:
    """Return the scores of each image, in which it found nothing where it refuses it."""
    segmenter = Classical()
    return [_scores(segmenter, field) for field in fields]


def _scores(segmenter: Classical, field: Field) -> InstanceScores:
    """Return the scores of one image."""
    try:
        found = segmenter.labels(field.image, mpp=field.mpp)
    except InvalidInput:  # nothing is stained, or the resolution is none it knows
        found = np.zeros_like(field.things)
    return instance_scores(field.things, found, radius=RADIUS_UM / field.mpp)
