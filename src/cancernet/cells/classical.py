"""Nuclei without a network: stain separation, a local threshold, the distance to the border, a watershed.

This is the baseline beside every network. It has no weights, hence no licence but ours, and works on any stain with
haematoxylin; its numbers on three public sets stand in `docs/cells.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cancernet.cells.measure import checked_image
from cancernet.errors import InvalidInput, MissingResolution
from cancernet.stain import MacenkoFit, fit_macenko, optical_density, separate_with

__all__ = ["Classical", "FittedClassical"]

_FINEST_MPP, _COARSEST_MPP = 0.05, 1.5  # coarser pixels do not show a nucleus
_FITTED_PIXELS = 250_000  # that stains are found in: more of them take half of the time and change nothing
_ALIKE = 0.75  # correlation with red; 0.89 and more in H&E sections of two sets, 0.47 and less in smears of one dye
_LEAST_CONTRAST = 0.05  # natural optical density between nuclei and what is around them; below it nothing is stained

Amount = NDArray[np.float32]  # (h, w)
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Classical:
    """Segmenter without a network.

    Haematoxylin is taken by the stains of the image itself (Macenko); where it does not show two stains, as smears of
    one violet dye, the density of red is taken. The defaults were set on 6 of the 30 patients of MoNuSeg.

    Parameters
    ----------
    blur_um
        Standard deviation of the Gaussian that takes away noise and fine chromatin before the threshold.
    window_um
        Side of the square that is "around": three to four nuclei wide.
    local
        Weight of the local threshold against that of the whole image (Otsu). 1 finds nuclei in empty places, 0 loses
        pale ones beside dark ones.
    above
        How far the local threshold lies above the mean around, in standard deviations of the image.
    opening_um
        Threads thinner than about twice this are cut.
    hole_um2
        Holes up to this size belong to their nucleus.
    seed_um
        Standard deviation of the Gaussian over the distance to the border: more of it gives fewer, larger nuclei.
    apart_um
        Centres nearer than this are one nucleus.
    least_um2
        Smaller pieces are no nuclei: 3.2 microns across.

    References
    ----------
    Stains: Macenko et al. 2009, ISBI, 1107-1110. Threshold: Otsu 1979, doi 10.1109/TSMC.1979.4310076.
    Watershed of distances: Vincent and Soille 1991, doi 10.1109/34.87344.
    """

    blur_um: float = 0.4
    window_um: float = 15.0
    local: float = 0.65
    above: float = 0.1
    opening_um: float = 0.5
    hole_um2: float = 10.0
    seed_um: float = 0.8
    apart_um: float = 1.8
    least_um2: float = 8.0

    def labels(self, image: NDArray[np.uint8], *, mpp: float) -> NDArray[np.int32]:
        """Return the nuclei of an image, by the stains and thresholds of that image; see `Segmenter`.

        Raises
        ------
        InvalidInput
            When the image is no RGB of 8 bits, or its pixels are too coarse or too fine to show nuclei.
        MissingResolution
            When `mpp` is not above 0.
        """
        return self.fit([image], mpp=mpp).labels(image, mpp=mpp)

    def fit(self, samples: Sequence[NDArray[np.uint8]], *, mpp: float) -> FittedClassical:
        """Return the segmenter with the stains and thresholds of some images: all tiles of a slide have one.

        Parameters
        ----------
        samples
            At least one, (h, w, 3), uint8 RGB each: parts of the slide that show tissue.
        mpp
            Microns per pixel.

        Raises
        ------
        InvalidInput, MissingResolution
            As `labels` does.
        """
        images = [checked_image(image) for image in samples]
        _check_mpp(mpp)
        stains = _stains_of(images)
        amounts = np.concatenate([self._amount(image, stains, mpp).ravel() for image in images])
        whole = _whole_threshold(amounts)
        levels = None if whole is None else _levels(amounts, whole)
        return FittedClassical(self, stains, whole, float(amounts.std()), levels)

    def __enter__(self) -> Self:
        """Return the segmenter itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Free nothing: it holds nothing."""
        return None

    def _amount(self, image: NDArray[np.uint8], stains: MacenkoFit | None, mpp: float) -> Amount:
        """Return haematoxylin, blurred."""
        from scipy import ndimage

        amount: Amount = ndimage.gaussian_filter(_haematoxylin(image, stains), self.blur_um / mpp)
        return amount

    def _threshold(self, amount: Amount, whole: float, *, spread: float, mpp: float) -> Amount:
        """Return the amount at each place from which it is a nucleus."""
        from scipy import ndimage

        around = ndimage.uniform_filter(amount, max(3, round(self.window_um / mpp)))
        local: Amount = self.local * (around + self.above * spread) + (1 - self.local) * whole
        return local

    def _opened(self, mask: Mask, mpp: float) -> Mask:
        """Return the mask without threads, its small holes filled."""
        from scipy import ndimage

        steps = max(1, round(self.opening_um / mpp))
        return self._filled(ndimage.binary_opening(mask, iterations=steps), mpp)

    def _filled(self, mask: Mask, mpp: float) -> Mask:
        """Return the mask with its small holes filled."""
        from scipy import ndimage

        gaps, _ = ndimage.label(~mask)
        small = np.bincount(gaps.ravel()) * mpp**2 <= self.hole_um2
        small[0] = False
        filled: Mask = mask | small[gaps]
        return filled

    def _split(self, mask: Mask, mpp: float) -> NDArray[np.int32]:
        """Return the mask cut where it is narrow: one basin for each peak of the distance to the border."""
        from scipy import ndimage
        from skimage.segmentation import watershed

        depth = ndimage.distance_transform_edt(mask).astype(np.float32)
        smooth = ndimage.gaussian_filter(depth, self.seed_um / mpp)
        side = 2 * max(1, round(self.apart_um / mpp)) + 1
        seeds, _ = ndimage.label((ndimage.maximum_filter(smooth, side) == smooth) & mask, np.ones((3, 3)))
        cut = watershed(-smooth, seeds, mask=mask)  # type: ignore[no-untyped-call]
        return np.asarray(cut, np.int32)

    def _without_small(self, labels: NDArray[np.int32], mpp: float) -> NDArray[np.int32]:
        """Return the labels without those that are too small, numbered without gaps."""
        keep = np.bincount(labels.ravel()) * mpp**2 >= self.least_um2
        keep[0] = False
        numbers = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
        return numbers[labels]


@dataclass(frozen=True)
class FittedClassical:
    """The segmenter without a network, with the stains and thresholds of one slide.

    Parameters
    ----------
    options
        How nuclei are outlined.
    stains
        Of the slide; None where they do not show two, and the density of red is taken.
    whole
        Threshold of the slide; None where it has one shade only, and no nucleus.
    spread
        Standard deviation of the stain over the slide.
    levels
        Medians of the stain below and above `whole`; None where it is None.
    """

    options: Classical
    stains: MacenkoFit | None
    whole: float | None
    spread: float
    levels: tuple[float, float] | None = None

    def labels(self, image: NDArray[np.uint8], *, mpp: float) -> NDArray[np.int32]:
        """Return the nuclei of an image; what lies farther than about 10 microns from a place does not matter there.

        Raises
        ------
        InvalidInput, MissingResolution
            As `Classical.labels` does.
        """
        own, found = self.options, self.stain(image, mpp=mpp)
        mask = None if found is None else own._opened(found[0] > found[1], mpp)
        if mask is None or not mask.any():
            return np.zeros(image.shape[:2], np.int32)
        return own._without_small(own._split(mask, mpp), mpp)

    def stain(self, image: NDArray[np.uint8], *, mpp: float) -> tuple[Amount, Amount] | None:
        """Return haematoxylin, and from how much of it a place is a nucleus, (h, w) each; None: there is no nucleus.

        Raises
        ------
        InvalidInput, MissingResolution
            As `Classical.labels` does.
        """
        image = checked_image(image)
        _check_mpp(mpp)
        if self.whole is None:
            return None
        amount = self.options._amount(image, self.stains, mpp)
        return amount, self.options._threshold(amount, self.whole, spread=self.spread, mpp=mpp)


def _whole_threshold(amounts: Amount) -> float | None:
    """Return Otsu's threshold of all amounts, (n,); None where there is one shade only."""
    from skimage.filters import threshold_otsu

    if np.ptp(amounts) < _LEAST_CONTRAST:
        return None
    whole = float(threshold_otsu(amounts))  # type: ignore[no-untyped-call]
    dark = amounts > whole
    return whole if amounts[dark].mean() - amounts[~dark].mean() >= _LEAST_CONTRAST else None


def _levels(amounts: Amount, whole: float) -> tuple[float, float]:
    """Return the medians of amounts below and above a threshold."""
    dark = amounts > whole
    return float(np.median(amounts[~dark])), float(np.median(amounts[dark]))


def _stains_of(images: Sequence[NDArray[np.uint8]]) -> MacenkoFit | None:
    """Return the stains of images; None where they do not show two.

    Of one stain only, the two directions that Macenko's method finds are noise. Haematoxylin then has little to do with
    the density of red, which eosin hardly takes.
    """
    step = max(1, int((sum(image[..., 0].size for image in images) / _FITTED_PIXELS) ** 0.5))
    try:
        stains = fit_macenko(_thinned(images, step))
    except InvalidInput:
        return None
    pixels = _thinned(images, 2)
    amount, red = separate_with(pixels, stains)[..., 0], optical_density(pixels[..., 0])
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = float(np.corrcoef(amount, red)[0, 1])
    return stains if alike >= _ALIKE else None


def _thinned(images: Sequence[NDArray[np.uint8]], step: int) -> NDArray[np.uint8]:
    """Return one pixel in so many along both sides, of all images, (n, 3)."""
    return np.concatenate([image[::step, ::step].reshape(-1, 3) for image in images])


def _haematoxylin(image: NDArray[np.uint8], stains: MacenkoFit | None) -> Amount:
    """Return haematoxylin by the stains; without them, what takes red light."""
    return optical_density(image[..., 0]) if stains is None else separate_with(image, stains)[..., 0]


def _check_mpp(mpp: float) -> None:
    """Refuse a resolution that is none, or at which no nucleus can be seen."""
    if not (np.isfinite(mpp) and mpp > 0):
        raise MissingResolution(f"mpp is {mpp}", "Microns per pixel, above 0", "Ask who made the image")
    if not _FINEST_MPP <= mpp <= _COARSEST_MPP:
        raise InvalidInput(
            f"Nuclei at {mpp:g} microns per pixel",
            f"{_FINEST_MPP:g} to {_COARSEST_MPP:g}: a nucleus is 5 to 20 microns wide",
            "Scale the image; is the number really in microns per pixel?",
        )
