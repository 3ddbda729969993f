"""Networks of the folds and of the bundle, and what they answer about test images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Execution, Outlining
from cancernet.cells import StainChannels, read_maps
from cancernet.data import Fold
from cancernet.engine import load_network
from cancernet.files import read_arrays, read_json, write_arrays, write_json
from cancernet.patches import rescale
from cancernet.studies.nuclei.fields import Field
from cancernet.studies.nuclei.measure import Answer, Maps, answer_of, choose_outlining
from cancernet.studies.nuclei.plan import NucleiPlan
from cancernet.studies.progress import Counter
from cancernet.training import FittedSegmenter, Scene, SegmenterLearner, make_targets, prepare_scene, seed_of

__all__ = ["TOLERANCE", "FittedNuclei", "execution_of", "fit_nuclei", "maps_of"]

TOLERANCE = {"f32": 1e-4, "bf16": 0.1}  # largest difference of a pixel's probability from Keras, by precision
_CHOSEN_ON = 5  # training images of a fold that thresholds are chosen on, at most: more would only cost time
_KEPT = 12  # test images whose maps are kept for the thresholds of the bundle, at most


@dataclass(frozen=True, eq=False)
class FittedNuclei:
    """What the folds found, and the network of the bundle.

    Parameters
    ----------
    answers
        About each test image.
    final
        The network of the bundle.
    outlining
        Of the bundle, chosen on images that were tested by other networks.
    history
        A row per epoch of each fit.
    """

    answers: tuple[Answer, ...]
    final: FittedSegmenter
    outlining: Outlining
    history: tuple[Mapping[str, float | int | str], ...]


def fit_nuclei(plan: NucleiPlan, counter: Counter, *, work: Path | None) -> FittedNuclei:
    """Fit the networks of all folds and the one of the bundle.

    Parameters
    ----------
    plan
        What to do.
    counter
        Counts epochs.
    work
        Where finished fits are kept for a resumed run; None: nowhere.
    """
    options = plan.study.training
    learner = SegmenterLearner(plan.study.model, options, maps=len(plan.study.classes), advance=counter.advance)
    scenes = [_scene(plan, row) for row in range(len(plan.fields))]
    answers, kept = list[Answer](), list[tuple[Maps, Field]]()
    history = list[Mapping[str, float | int | str]]()
    for number, fold in enumerate(plan.split.folds):
        seed = seed_of(options.seed, fold.repeat, fold.number)
        fitted = _fitted(learner, [scenes[row] for row in fold.train], seed, _place(work, number))
        counter.reach(number + 1)
        history += [{"fold": number, **row} for row in fitted.history]
        tested = _tested(plan, learner, fitted, fold=fold)
        answers += [answer for answer, _ in tested]
        kept += [(maps, plan.fields[answer.field]) for answer, maps in tested]
    final = _fitted(learner, scenes, options.seed, _place(work, len(plan.split.folds)))
    history += [{"fold": "bundle", **row} for row in final.history]
    few = kept[:: max(1, len(kept) // _KEPT)]
    outlining = choose_outlining(few, mpp=plan.study.model.mpp, rows=f"{len(few)} images by networks of other folds")
    return FittedNuclei(tuple(answers), final, outlining, tuple(history))


def maps_of(
    plan: NucleiPlan, learner: SegmenterLearner, fitted: FittedSegmenter, *, rows: Sequence[int]
) -> Iterator[Maps]:
    """Yield the maps of images, as the engine gives them, at the microns per pixel of the network."""
    model = plan.study.model
    with load_network(learner.network(fitted), execution_of(plan)) as engine:
        for row in rows:
            field = plan.fields[row]
            image = _channels(plan)(rescale(field.image, field.mpp / model.mpp))
            yield read_maps(engine, image, taken=plan.taken, maps=len(plan.study.classes))


def execution_of(plan: NucleiPlan) -> Execution:
    """Return how the engine runs the network."""
    precision = plan.study.training.precision
    return Execution(precision=precision, tolerance=TOLERANCE[precision])


def _tested(
    plan: NucleiPlan, learner: SegmenterLearner, fitted: FittedSegmenter, *, fold: Fold
) -> list[tuple[Answer, Maps]]:
    """Return what the network of a fold answers about its test images, outlined as suits its training images best."""
    names, mpp = plan.study.classes, plan.study.model.mpp
    train, test = fold.train.tolist(), fold.test.tolist()
    shown = train[:: max(1, len(train) // _CHOSEN_ON)]
    maps = list(maps_of(plan, learner, fitted, rows=[*shown, *test]))
    pairs = zip(maps, (plan.fields[row] for row in shown), strict=False)
    options = choose_outlining(pairs, mpp=mpp, rows=f"{len(shown)} training images of the fold")
    return [
        (answer_of(plan.fields[row], own, place=row, fold=fold.number, options=options, names=names, mpp=mpp), own)
        for row, own in zip(test, maps[len(shown) :], strict=True)
    ]


def _scene(plan: NucleiPlan, row: int) -> Scene:
    """Return an image ready to be learnt from."""
    field, study = plan.fields[row], plan.study
    targets = make_targets(field.classes, field.things, count=len(study.classes))
    return prepare_scene(
        field.image, targets, scale=field.mpp / study.model.mpp, zoom=study.training.zoom, channels=_channels(plan)
    )


def _channels(plan: NucleiPlan) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Return what makes an image at the microns per pixel of the network what the network sees."""
    mpp = plan.study.model.mpp
    if plan.study.model.colours == "rgb":
        return lambda image: image
    return lambda image: StainChannels.fit([image], mpp=mpp).apply(image, mpp=mpp)


def _place(work: Path | None, number: int) -> Path | None:
    """Return where a fit is kept; its name is what a resumed run looks for."""
    return None if work is None else work / f"fold-{number}"


def _fitted(learner: SegmenterLearner, scenes: Sequence[Scene], seed: int, place: Path | None) -> FittedSegmenter:
    """Return a fit, from where it is kept if it was done before."""
    if place is None:
        return learner.fit(scenes, seed=seed)
    history, weights = place.with_suffix(".json"), place.with_suffix(".fit.npz")
    if history.is_file():
        arrays: dict[str, NDArray[np.float32]] = read_arrays(weights)
        return FittedSegmenter([arrays[str(number)] for number in range(len(arrays))], tuple(read_json(history)))
    fitted = learner.fit(scenes, seed=seed)
    write_arrays(weights, {str(number): array for number, array in enumerate(fitted.weights)})
    write_json(history, list(fitted.history))
    return fitted
