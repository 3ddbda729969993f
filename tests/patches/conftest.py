"""Made tissue, sets of it as files, and packs of these."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from cancernet.patches.pack import Pack, open_pack
from cancernet.patches.patchset import PatchSet


def _tissue(count: int, size: int = 50, *, seed: int = 0) -> np.ndarray:
    """Return (n, size, size, 3) uint8: noise at three scales in the colours of haematoxylin and eosin."""
    rng = np.random.default_rng(seed)
    layers = [rng.normal(size=(count, size, size)) for _ in range(3)]
    blurred = [gaussian_filter(layer, (0, sigma, sigma)) for layer, sigma in zip(layers, (1, 2, 4), strict=True)]
    field = sum(layer / layer.std() for layer in blurred)
    nuclei, fibres = 1 / (1 + np.exp(-field)), gaussian_filter(rng.normal(size=field.shape), (0, 2, 2))
    tint = rng.normal(0, 3, (count, 1, 1, 3))
    colours = np.stack([230 - 150 * nuclei, 190 - 150 * nuclei - 80 * fibres, 220 - 80 * nuclei], axis=3) + tint
    return np.clip(colours + rng.normal(0, 2, colours.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def tissue() -> Callable[..., np.ndarray]:
    """Return the function that makes tissue."""
    return _tissue


@pytest.fixture
def save_set(tmp_path: Path) -> Callable[..., PatchSet]:
    """Return a function that writes images as PNG files and returns the set of them."""

    def save(
        images: Sequence[np.ndarray],
        groups: Sequence[str] | None = None,
        *,
        target: Sequence[str] | None = None,
        folder: str = "set",
        group_column: str | None = "patient",
    ) -> PatchSet:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        ids = [f"{number:04}.png" for number in range(len(images))]
        for name, image in zip(ids, images, strict=True):
            Image.fromarray(image).save(place / name)
        return PatchSet(
            name=folder,
            folder=place,
            ids=np.array(ids),
            groups=np.array(ids if groups is None else groups),
            target=None if target is None else np.array(target),
            target_column=None if target is None else "label",
            group_column=group_column,
        )

    return save


@pytest.fixture
def pack_of(save_set: Callable[..., PatchSet], tmp_path: Path) -> Callable[..., Pack]:
    """Return a function that packs images."""

    def pack(images: Sequence[np.ndarray], groups: Sequence[str] | None = None, **options: object) -> Pack:
        return open_pack(save_set(images, groups, **options), cache=tmp_path / "cache")

    return pack
