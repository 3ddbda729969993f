"""What stands for the pixels of a patch: a digest, equal for equal pixels, and a hash, alike for copies."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from cancernet.patches.sampling import GREY, area_matrix, reduced, ring_matrix

__all__ = [
    "HASH_WORDS",
    "colour_moments",
    "grey_mean_and_spread",
    "perceptual_hash",
    "pixel_digest",
    "ring_magnitudes",
]

HASH_WORDS = 12  # of 64 bits: 48 numbers of 16 bits, the last three are zero

_LARGEST = 64  # pixels of a side; larger patches are reduced before their colours are summed up
_GRID, _RINGS, _ANGLES, _HARMONICS = 16, 6, 48, 5  # pixels of a side; rings, points on each, harmonics kept
_AT_ONCE = 1_000_000  # pixels, which are 24 MB in float64
_FLAT = 0.25  # variance in grey levels squared below which a channel counts as flat

# Lowest and highest value of each number in the hash: mean, log spread, correlation (Fisher's z), skewness, log
# kurtosis of three channels, then the rings. What lies outside is clipped.
_MOMENT_RANGES = np.repeat([(0.0, 256.0), (-1.0, 6.0), (-4.0, 4.0), (-20.0, 20.0), (-1.0, 8.0)], 3, axis=0)
_RING_RANGE = (0.0, 256.0)
_STEPS = 65535
_MOMENTS, _MAGNITUDES = len(_MOMENT_RANGES), _RINGS * _HARMONICS


def pixel_digest(image: NDArray[np.uint8]) -> str:
    """Return a digest of the pixels that is the same for all 8 rotations and flips of an image, and for no other image.

    Parameters
    ----------
    image
        Shape (h, w, 3), uint8.

    Returns
    -------
    32 hexadecimal digits: BLAKE2b of that of the 8 versions whose bytes come first in the order of bytes.
    """
    versions = _versions(image)
    edges = [version[0].tobytes() for version in versions]
    first = min(edges)  # versions that begin with another row cannot be the first; mostly one is left
    canonical = min(version.tobytes() for version, edge in zip(versions, edges, strict=True) if edge == first)
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def perceptual_hash(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return a hash that changes little when an image is turned, flipped, compressed, or slightly changed in colour.

    It holds 15 colour moments, 16 bits each [1]_, and of the luminance on 6 rings about the centre the magnitudes of
    the first 5 harmonics, which neither a rotation by any angle nor a flip changes [2]_. It finds candidates; whether
    two patches are copies is decided on the pixels (`near_duplicates`).

    Parameters
    ----------
    images
        Shape (n, h, w, 3), uint8.

    Returns
    -------
    Shape (n, 12), uint64. `colour_moments` and `ring_magnitudes` give the numbers back.

    References
    ----------
    .. [1] M. Stricker and M. Orengo, "Similarity of color images", Storage and Retrieval for Image and Video Databases
       III, SPIE 2420, 1995. Here mean, spread, skewness and kurtosis of each channel, and the three correlations.
    .. [2] D. Casasent and D. Psaltis, "Position, rotation, and scale invariant optical correlation", Applied Optics
       15(7), 1976: a rotation is a shift along the ring, and |FFT| is blind to shifts.
    """
    step = max(1, _AT_ONCE // (images.shape[1] * images.shape[2]))
    parts = [_hash(images[start : start + step]) for start in range(0, len(images), step)]
    return np.concatenate(parts) if parts else np.zeros((0, HASH_WORDS), dtype=np.uint64)


def colour_moments(perceptual: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the colour moments in a hash: mean, log spread, z of correlation, skewness, log kurtosis, three of each.

    Parameters
    ----------
    perceptual
        Shape (n, 12), uint64.

    Returns
    -------
    Shape (n, 15). Correlations are of red and green, red and blue, green and blue.
    """
    low, high = _MOMENT_RANGES.T
    return np.asarray(_numbers(perceptual)[:, :_MOMENTS] * ((high - low) / _STEPS) + low)


def ring_magnitudes(perceptual: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the magnitudes of 5 harmonics (the first is the mean) on 6 rings from the centre out, shape (n, 30)."""
    low, high = _RING_RANGE
    return _numbers(perceptual)[:, _MOMENTS : _MOMENTS + _MAGNITUDES] * ((high - low) / _STEPS) + low


def grey_mean_and_spread(perceptual: NDArray[np.uint64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of all channels, and the standard deviation of the luminance, in grey levels; shape (n,) each."""
    moments = colour_moments(perceptual)
    spread, correlation = np.exp(moments[:, 3:6]), np.tanh(moments[:, 6:9])
    weighted = spread * GREY
    first, second = np.triu_indices(3, 1)
    shared = (correlation * weighted[:, first] * weighted[:, second]).sum(axis=1)
    return moments[:, :3].mean(axis=1), np.sqrt(np.maximum((weighted**2).sum(axis=1) + 2 * shared, 0))


def _versions(image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return views of the 8 rotations and flips."""
    flips = [image, image[::-1], image[:, ::-1], image[::-1, ::-1]]
    return flips + [flip.swapaxes(0, 1) for flip in flips]


def _hash(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return the hashes of a few images."""
    small = reduced(images, _LARGEST)
    numbers = np.zeros((len(images), 4 * HASH_WORDS))
    low, high = _MOMENT_RANGES.T
    numbers[:, :_MOMENTS] = (_moments(small) - low) / (high - low)
    low, high = _RING_RANGE
    numbers[:, _MOMENTS : _MOMENTS + _MAGNITUDES] = (_rings(small) - low) / (high - low)
    steps = np.clip(np.round(numbers * _STEPS), 0, _STEPS).astype("<u2")
    return steps.view("<u8").astype(np.uint64)


def _numbers(perceptual: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return the numbers of hashes in steps, shape (n, 48)."""
    return np.ascontiguousarray(perceptual, dtype="<u8").view("<u2").astype(np.float64)


def _moments(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the colour moments, shape (n, 15).

    They are made of sums of whole numbers below 2^53, so they are exact, and the order of the pixels cannot matter.
    """
    pixels = images.reshape(len(images), -1, 3).astype(np.float64)  # (n, h * w, 3)
    count = pixels.shape[1]
    squares = pixels * pixels
    mean, square = pixels.sum(axis=1) / count, squares.sum(axis=1) / count
    cube, fourth = (squares * pixels).sum(axis=1) / count, (squares * squares).sum(axis=1) / count
    variance = np.maximum(square - mean**2, _FLAT)
    third = cube - 3 * mean * square + 2 * mean**3
    fourth = fourth - 4 * mean * cube + 6 * mean**2 * square - 3 * mean**4
    correlation = _correlations(pixels.swapaxes(1, 2) @ pixels / count, mean, variance)
    kurtosis = np.maximum(fourth / variance**2, 0.5)
    parts = [mean, np.log(variance) / 2, np.arctanh(correlation), third / variance**1.5, np.log(kurtosis)]
    return np.concatenate(parts, axis=1)


def _correlations(
    products: NDArray[np.float64], mean: NDArray[np.float64], variance: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the correlations of red and green, red and blue, green and blue, shape (n, 3)."""
    first, second = np.triu_indices(3, 1)
    shared = products[:, first, second] - mean[:, first] * mean[:, second]
    return np.clip(shared / np.sqrt(variance[:, first] * variance[:, second]), -0.999, 0.999)


def _rings(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the magnitudes of the harmonics on rings about the centre, shape (n, 30)."""
    grey = images.astype(np.float32) @ GREY
    coarse = area_matrix(grey.shape[1], _GRID) @ grey @ area_matrix(grey.shape[2], _GRID).T
    radii = np.linspace(0.12, 0.48, _RINGS) * _GRID
    sampled = (ring_matrix(_GRID, radii, points=_ANGLES) @ coarse.reshape(len(images), -1).T).T
    spectrum = np.abs(np.fft.rfft(sampled.reshape(len(images), _RINGS, _ANGLES), axis=2)) / _ANGLES
    magnitudes: NDArray[np.float64] = spectrum[:, :, :_HARMONICS].reshape(len(images), _MAGNITUDES)
    return magnitudes
