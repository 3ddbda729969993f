"""Networks of the folds and of the bundle, and what they answer about test images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Execution, Outlining
from cancernet.cells import StainChannels, read_maps
from cancernet.engine import load_network
from cancernet.files import read_arrays, read_json, write_arrays, write_json
from cancernet.patches import rescale
from cancernet.studies.nuclei.choose import CrossFit, ImageMaps, choose_outlines
from cancernet.studies.nuclei.measure import Answer, Maps, answer_of
from cancernet.studies.nuclei.plan import NucleiPlan
from cancernet.studies.progress import Counter, Progress
from cancernet.training import FittedSegmenter, Scene, SegmenterLearner, make_targets, prepare_scene, seed_of

__all__ = ["TOLERANCE", "FittedNuclei", "NucleiFits", "cross_fit", "execution_of", "fit_nuclei", "seen_image"]

TOLERANCE = {"f32": 1e-4, "bf16": 0.1}  # largest difference of a pixel's probability from Keras, by precision
_SHOWN = 5  # training images that thresholds are chosen on where there is one fold, at most: more would only cost time


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


class NucleiFits:
    """The fits of a study, done when they are asked for.

    Parameters
    ----------
    plan
        What to do.
    progress
        Told how many epochs are done.
    work
        Where finished fits are kept for a resumed run; None: nowhere.
    """

    def __init__(self, plan: NucleiPlan, *, progress: Progress, work: Path | None) -> None:
        self.plan, self._work = plan, work
        options = plan.study.training
        self._counter = Counter(plan.fits, options.epochs, progress=progress)
        self.learner = SegmenterLearner(
            plan.study.model, options, maps=len(plan.study.classes), advance=self._counter.advance
        )
        self._scenes = [_scene(plan, row) for row in range(len(plan.fields))]
        self.history = list[Mapping[str, float | int | str]]()

    def fold(self, place: int) -> FittedSegmenter:
        """Return the network of a fold, by its place in the split."""
        fold = self.plan.split.folds[place]
        seed = seed_of(self.plan.study.training.seed, fold.repeat, fold.number)
        return self._fit(place, fold.train.tolist(), name=place, seed=seed)

    def final(self) -> FittedSegmenter:
        """Return the network of the bundle, fitted on all images."""
        rows, seed = range(len(self._scenes)), self.plan.study.training.seed
        return self._fit(len(self.plan.split.folds), rows, name="bundle", seed=seed)

    def _fit(self, place: int, rows: Sequence[int], *, name: int | str, seed: int) -> FittedSegmenter:
        """Return a fit, from where it is kept if it was done before."""
        kept = None if self._work is None else self._work / f"fold-{place}"
        fitted = None if kept is None else _kept_fit(kept)
        if fitted is None:
            fitted = self.learner.fit([self._scenes[row] for row in rows], seed=seed)
            if kept is not None:
                _keep_fit(kept, fitted)
        self._counter.reach(place + 1)
        self.history += [{"fold": name, **row} for row in fitted.history]
        return fitted


def fit_nuclei(plan: NucleiPlan, progress: Progress, *, work: Path | None) -> FittedNuclei:
    """Fit the networks of all folds and the one of the bundle.

    Parameters
    ----------
    plan
        What to do.
    progress
        Told how far it is.
    work
        Where finished fits are kept for a resumed run; None: nowhere.
    """
    fits = NucleiFits(plan, progress=progress, work=work)
    asked = _ask_folds(fits)
    final = fits.final()
    cross = choose_outlines(plan, asked, progress)
    answers = tuple(_answer(plan, one, cross.outlinings[one.fold]) for one in cross.tested)
    return FittedNuclei(answers, final, cross.outlining, tuple(fits.history))


def cross_fit(plan: NucleiPlan, progress: Progress, *, work: Path | None) -> CrossFit:
    """Fit the networks of all folds, and choose how the maps of their test images are outlined.

    Thresholds of a fold are chosen on test images of the other folds, as those of patches are; where there is one fold,
    on training images, whose maps are sharper than those of images that a network has not seen.
    """
    return choose_outlines(plan, _ask_folds(NucleiFits(plan, progress=progress, work=work)), progress)


def _ask_folds(fits: NucleiFits) -> list[ImageMaps]:
    """Return the maps of test images; where there is one fold, those of some training images stand behind them."""
    plan, found = fits.plan, list[ImageMaps]()
    for place, fold in enumerate(plan.split.folds):
        rows, train = fold.test.tolist(), fold.train.tolist()
        if len(plan.split.folds) == 1:
            rows += train[:: max(1, len(train) // _SHOWN)]
        maps = maps_of(plan, fits.learner, fits.fold(place), rows=rows)
        found += [ImageMaps(row, place, own) for row, own in zip(rows, maps, strict=True)]
    return found


def _answer(plan: NucleiPlan, one: ImageMaps, options: Outlining) -> Answer:
    """Return what was found in a test image."""
    field, study = plan.fields[one.field], plan.study
    number = plan.split.folds[one.fold].number
    place, mpp = one.field, study.model.mpp
    return answer_of(field, one.maps, place=place, fold=number, options=options, names=study.classes, mpp=mpp)


def maps_of(
    plan: NucleiPlan, learner: SegmenterLearner, fitted: FittedSegmenter, *, rows: Sequence[int]
) -> Iterator[Maps]:
    """Yield the maps of images, as the engine gives them, at the microns per pixel of the network."""
    with load_network(learner.network(fitted), execution_of(plan)) as engine:
        for row in rows:
            yield read_maps(engine, seen_image(plan, row), taken=plan.taken, maps=len(plan.study.classes))


def seen_image(plan: NucleiPlan, row: int) -> NDArray[np.uint8]:
    """Return an image as the network sees it: at its microns per pixel, with its channels."""
    field = plan.fields[row]
    return _channels(plan)(rescale(field.image, field.mpp / plan.study.model.mpp))


def execution_of(plan: NucleiPlan) -> Execution:
    """Return how the engine runs the network."""
    precision = plan.study.training.precision
    return Execution(precision=precision, tolerance=TOLERANCE[precision])


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


def _kept_fit(place: Path) -> FittedSegmenter | None:
    """Return a fit that was kept, or None."""
    if not place.with_suffix(".json").is_file():
        return None
    arrays: dict[str, NDArray[np.float32]] = read_arrays(place.with_suffix(".fit.npz"))
    weights = [arrays[str(number)] for number in range(len(arrays))]
    return FittedSegmenter(weights, tuple(read_json(place.with_suffix(".json"))))


def _keep_fit(place: Path, fitted: FittedSegmenter) -> None:
    """Keep a fit; the last file written is the one that a resumed run looks for."""
    write_arrays(place.with_suffix(".fit.npz"), {str(number): array for number, array in enumerate(fitted.weights)})
    write_json(place.with_suffix(".json"), list(fitted.history))
