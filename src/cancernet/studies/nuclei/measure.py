"""How well images were outlined: scores of each, means with intervals over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Outlining
from cancernet.cells import outline_maps, resize_maps
from cancernet.estimate import Estimate
from cancernet.metrics import InstanceScores, instance_scores, mean_over_groups, measure_instances
from cancernet.studies.nuclei.fields import Field

__all__ = ["Answer", "answer_of", "image_rows", "measure_answers"]

RADIUS_UM = 3.0
"""Centres no farther apart are of one nucleus: 6 pixels at 0.5 microns per pixel (Sirinukunwattana et al. 2016)."""

Maps = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Answer:
    """What was found in a test image.

    Parameters
    ----------
    field
        Its place among the images.
    fold
        Which tested it.
    labels
        Shape (h, w), int32: the nuclei found.
    scores
        Of the nuclei.
    dice
        Of each class but the background, by name.
    """

    field: int
    fold: int
    labels: NDArray[np.int32]
    scores: InstanceScores
    dice: Mapping[str, float | None]


def answer_of(
    field: Field, maps: Maps, *, place: int, fold: int, options: Outlining, names: Sequence[str], mpp: float
) -> Answer:
    """Return what the maps of an image say, and how good that is.

    Parameters
    ----------
    field
        The image and the truth.
    maps
        Shape (h', w', maps), at `mpp`.
    place, fold
        Its place among the images, and which fold tested it.
    options
        How it is outlined.
    names
        Of the classes, the background first.
    mpp
        Microns per pixel of the maps.
    """
    fine = resize_maps(maps, field.things.shape)
    found = outline_maps(maps, field.things.shape, options=options, mpp=mpp)
    scores = instance_scores(field.things, found, radius=RADIUS_UM / field.mpp)
    return Answer(place, fold, found, scores, _class_dice(field, fine, names, options.threshold))


def _class_dice(field: Field, fine: Maps, names: Sequence[str], threshold: float) -> dict[str, float | None]:
    """Return the Dice of each class but the background; a pixel of several is of the last one."""
    codes = np.zeros(field.classes.shape, np.int32)
    for code in range(1, len(names)):
        codes[fine[..., code - 1] >= (threshold if code == len(names) - 1 else 0.5)] = code
    pairs = {name: (field.classes == code, codes == code) for code, name in enumerate(names) if code}
    return {name: _dice(true, found) for name, (true, found) in pairs.items()}


def _dice(true: NDArray[np.bool_], found: NDArray[np.bool_]) -> float | None:
    """Return twice the common area by the sum of both; None where neither has any."""
    areas = int(true.sum() + found.sum())
    return 2 * int((true & found).sum()) / areas if areas else None


def measure_answers(answers: Sequence[Answer], groups: Sequence[str], *, draws: int) -> dict[str, Estimate]:
    """Return the means over images, with intervals over groups: of nuclei, and Dice of each of several classes."""
    measured = measure_instances([answer.scores for answer in answers], groups, draws=draws)
    names = tuple(answers[0].dice)
    if len(names) > 1:
        columns = {f"dice_{name}": [answer.dice[name] for answer in answers] for name in names}
        measured |= mean_over_groups(columns, groups, draws=draws)
    return measured


def image_rows(answers: Sequence[Answer], fields: Sequence[Field]) -> list[dict[str, Any]]:
    """Return one row per test image, for a table."""
    return [
        {
            "id": fields[answer.field].id,
            "group": fields[answer.field].group,
            "fold": answer.fold,
            "mpp": fields[answer.field].mpp,
            **asdict(answer.scores),
            **({f"dice_{name}": value for name, value in answer.dice.items()} if len(answer.dice) > 1 else {}),
        }
        for answer in answers
    ]
