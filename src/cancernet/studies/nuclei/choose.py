"""Which thresholds make outlines of maps: chosen on images whose networks have not seen them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Outlining
from cancernet.cells import outline
from cancernet.metrics import instance_scores
from cancernet.studies.nuclei.measure import Maps
from cancernet.studies.nuclei.plan import NucleiPlan
from cancernet.studies.progress import Progress

__all__ = ["CrossFit", "ImageMaps", "best_outlining", "choose_outlines", "score_outlinings"]

_CHOSEN_ON = 20  # test images that thresholds are chosen on, at most

_THRESHOLDS = (0.4, 0.5, 0.6)
_SEEDS = (0.5, 0.65, 0.8)
_SMOOTH_UM = (0.35, 0.6, 0.8)
_GRID = tuple(
    Outlining(threshold=threshold, seed=seed, smooth_um=smooth)
    for threshold, seed, smooth in product(_THRESHOLDS, _SEEDS, _SMOOTH_UM)
)


@dataclass(frozen=True, eq=False)
class ImageMaps:
    """What a network says of one image.

    Parameters
    ----------
    field
        The place of the image among all.
    fold
        The place of the fold whose network was asked.
    maps
        Shape (h', w', maps), at the microns per pixel of the network.
    """

    field: int
    fold: int
    maps: Maps


@dataclass(frozen=True, eq=False)
class CrossFit:
    """What networks say of images that they have not seen, and how these are outlined.

    Parameters
    ----------
    tested
        Each test image, fold by fold.
    outlinings
        Of each fold, chosen on images of the other folds.
    outlining
        Of the bundle, chosen on images of all folds.
    """

    tested: tuple[ImageMaps, ...]
    outlinings: tuple[Outlining, ...]
    outlining: Outlining


def choose_outlines(plan: NucleiPlan, asked: Sequence[ImageMaps], progress: Progress) -> CrossFit:
    """Choose the outlines of each fold on test images of the other folds, and those of the bundle on all.

    Parameters
    ----------
    plan
        The images and their folds.
    asked
        Test images, fold by fold. Where there is one fold only, training images of it stand behind them: its outlines
        are chosen on those.
    progress
        Told how far it is.
    """
    folds = plan.split.folds
    tested = [one for one in asked if one.field in folds[one.fold].test]
    shown = [one for one in asked if one.field not in folds[one.fold].test]
    spread = np.linspace(0, len(tested) - 1, min(len(tested), _CHOSEN_ON)).round().astype(int)
    few = [*(tested[place] for place in spread), *shown]
    progress.begin("Choosing outlines", len(few))
    scores = []
    for one in few:
        scores.append(score_outlinings(one.maps, plan.fields[one.field].things, mpp=plan.study.model.mpp))
        progress.reach(len(scores))

    def best(kept: Sequence[bool], words: str) -> Outlining:
        own = [score for score, taken in zip(scores, kept, strict=True) if taken]
        return best_outlining(own, rows=f"{len(own)} {words}")

    seen = [[one.field not in fold.test for one in few] for fold in folds]
    words = "training images of the fold" if len(folds) == 1 else "images by networks of other folds"
    final = best([one.field in folds[one.fold].test for one in few], "images by networks of other folds")
    return CrossFit(tuple(tested), tuple(best(kept, words) for kept in seen), final)


def score_outlinings(maps: Maps, things: NDArray[np.int32], *, mpp: float) -> NDArray[np.float64]:
    """Return the AJI of each way to outline an image; NaN where it is not defined.

    Parameters
    ----------
    maps
        Shape (h', w', maps), at `mpp`; the last two are of the nucleus and of the distance to its edge.
    things
        Shape (h, w), the truth, at any resolution.
    mpp
        Microns per pixel of the maps.
    """
    true = _nearest(things, maps.shape)
    found = (outline(maps[..., -2], maps[..., -1], options=options, mpp=mpp) for options in _GRID)
    values = (instance_scores(true, labels).aji for labels in found)
    return np.array([np.nan if value is None else value for value in values])


def best_outlining(scores: Sequence[NDArray[np.float64]], *, rows: str) -> Outlining:
    """Return the way with the largest mean AJI over images.

    Parameters
    ----------
    scores
        Of each image, from `score_outlinings`.
    rows
        What to say of these images.
    """
    table = np.array(scores)
    means = np.nansum(table, axis=0) / np.maximum((~np.isnan(table)).sum(axis=0), 1)
    return _GRID[int(means.argmax())].model_copy(update={"rows": rows})


def _nearest(labels: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Return labels at the size of the maps."""
    rows, columns = (
        np.minimum(((np.arange(few) + 0.5) * many / few).astype(np.int64), many - 1)
        for few, many in zip(shape[:2], labels.shape, strict=True)
    )
    small: NDArray[np.int32] = labels[rows[:, None], columns]
    return small
