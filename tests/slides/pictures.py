"""Thumbnails with a known truth: tissue made of stains, faults painted on any picture, and real slides as arrays."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from cancernet.stain import combine, from_optical_density, optical_density

INKS = {
    "black": (2.6, 2.6, 2.5),
    "blue": (3.2, 2.6, 0.8),
    "green": (2.4, 0.9, 1.1),
    "red": (0.3, 2.4, 2.3),
}  # natural density of a stroke


@dataclass(frozen=True)
class Made:
    """A picture, (h, w, 3) uint8, and the truth about it, (h, w) bool."""

    image: np.ndarray
    truth: np.ndarray


def texture(shape, seed=0, strength=1.0):
    """Return the optical density of tissue: stroma with fibres, and nuclei in clusters. Shape (h, w, 3)."""
    rng = np.random.default_rng(seed)

    def field(sigma):
        noise = ndimage.gaussian_filter(rng.standard_normal(shape), sigma)
        return noise / noise.std()

    eosin = np.clip(0.55 + 0.08 * field((1, 4)) + 0.06 * field(12), 0.15, None)
    nuclei = np.clip(0.22 + 0.12 * field(0.8) + 0.10 * field(8), 0.02, None)
    amounts = np.stack([nuclei, eosin, np.zeros(shape)], axis=-1) * strength
    return optical_density(combine(amounts))


def blobs(shape, count, radii, seed=0):
    """Return which share of each pixel rounded pieces cover, (h, w) 0 to 1; drawn four times as fine."""
    rng = np.random.default_rng(seed)
    picture = Image.new("L", (4 * shape[1], 4 * shape[0]))
    draw = ImageDraw.Draw(picture)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    for _ in range(count):
        radius, margin = rng.uniform(*radii), 1.2 * radii[1]
        x, y = rng.uniform(margin, shape[1] - margin), rng.uniform(margin, shape[0] - margin)
        reach = radius * (1 + 0.15 * np.sin(2 * angles + rng.uniform(0, 6)) + 0.1 * np.sin(3 * angles))
        draw.polygon(
            [(4 * (x + r * np.cos(a)), 4 * (y + r * np.sin(a))) for r, a in zip(reach, angles, strict=True)], 255
        )
    return np.asarray(picture.reduce(4), np.float64) / 255


def slide(cover, *, glass=(244, 243, 243), strength=1.0, noise=0.0, quality=85, seed=0):
    """Return tissue on glass, with noise and JPEG; truth is where it covers more than half of a pixel."""
    light = np.exp(-texture(cover.shape, seed, strength))
    mixed = np.array(glass) * (1 - cover[..., None] * (1 - light))
    mixed = mixed + np.random.default_rng(seed).normal(0, noise, mixed.shape)
    return Made(jpeg(np.clip(mixed, 0, 255).round().astype(np.uint8), quality), cover > 0.5)


def jpeg(image, quality=85):
    """Return an image as it comes back from JPEG."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def with_density(image, added):
    """Return an image with more optical density, (h, w) or (h, w, 3)."""
    added = added if added.ndim == 3 else added[..., None]
    return from_optical_density(optical_density(image) + added)


def pen(image, ink, *, points, width, strength=1.0):
    """Return the image with a stroke of a pen, and where the stroke is."""
    drawn = Image.new("L", image.shape[1::-1])
    ImageDraw.Draw(drawn).line(points, 255, width, joint="curve")
    cover = ndimage.gaussian_filter(np.asarray(drawn, np.float64) / 255, 1.0)
    return Made(with_density(image, strength * cover[..., None] * np.array(INKS[ink])), cover > 0.5)


def fold(image, tissue, *, points, width):
    """Return the image with a soft-edged band where the tissue lies double, and where there was tissue to do so."""
    drawn = Image.new("L", image.shape[1::-1])
    ImageDraw.Draw(drawn).line(points, 255, width, joint="curve")
    cover = ndimage.gaussian_filter(np.asarray(drawn, np.float64) / 255, 0.7) * tissue
    above = np.roll(optical_density(image), 3 * width, axis=0)  # what came to lie on it is other tissue
    return Made(with_density(image, cover[..., None] * above), (cover > 0.5) & (above.mean(axis=-1) > 0.25))


def bubble(image, *, centre, radius, width=3, strength=0.7):
    """Return the image with a dark ring without colour, and where it and its inside are."""
    y, x = np.ogrid[: image.shape[0], : image.shape[1]]
    far = np.hypot(y - centre[0], x - centre[1])
    ring = np.exp(-(((far - radius) / (width / 2)) ** 2))
    return Made(with_density(image, strength * ring), far <= radius + width / 2)


def scores(found, truth):
    """Return precision and recall of a mask."""
    hits = np.count_nonzero(found & truth)
    return hits / max(1, np.count_nonzero(found)), hits / max(1, np.count_nonzero(truth))


def dice(found, truth):
    """Return twice the common area over the sum of both."""
    return 2 * np.count_nonzero(found & truth) / max(1, np.count_nonzero(found) + np.count_nonzero(truth))


def reduced(image, size):
    """Return an image of another size (width, height), by averaging."""
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def aperio(path: Path):
    """Return all pixels of an Aperio slide, by OpenSlide."""
    import openslide

    with openslide.OpenSlide(path) as opened:
        return np.asarray(opened.read_region((0, 0), 0, opened.dimensions).convert("RGB"))


def pen_marked(path: Path):
    """Return all pixels of the DICOM slide with pen marks: its tiles run down the columns."""
    import pydicom
    from pydicom.encaps import generate_frames

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names in it are longer than the standard allows
        data = pydicom.dcmread(path)
        frames = [np.asarray(Image.open(io.BytesIO(frame))) for frame in generate_frames(data.PixelData)]
        height, width, side = data.TotalPixelMatrixRows, data.TotalPixelMatrixColumns, data.Rows
    rows = -(-height // side)
    columns = [np.concatenate(frames[first : first + rows]) for first in range(0, len(frames), rows)]
    return np.concatenate(columns, axis=1)[:height, :width]
