"""A fixed map from colours to colours that is linear in logarithms, at the speed of the cache.

Once a slide is fitted, normalising it is such a map, both by Macenko's method and by Reinhard's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cancernet.stain.pixels import checked_images

__all__ = ["ColourMap"]

# Two blocks of float32 and one of offsets are 590 KB. On one core of a Xeon (2 MB of second-level cache), ns per pixel:
# 7.4 at 2^12 pixels (the calls), 6.3 at 2^13, 6.0 at 2^14, 5.9 at 2^15, 6.2 at 2^16 (the cache).
_BLOCK_PIXELS = 2**14
_WHITE = 8.0  # log2(255 + 1)
_FAR = 64.0  # log2 of more light than any picture holds: only keeps 2^x from overflowing


@dataclass(frozen=True, eq=False)
class ColourMap:
    """new = back(2 ** (log2(into(old)) @ mixing + offset)), where old and new are light: values of a pixel, plus 1.

    Parameters
    ----------
    mixing, offset
        Shapes (3, 3) and (3,).
    into, back
        Shape (3, 3), from red, green, blue to the primaries that the logarithm is taken of, and from those to red,
        green, blue; both None when it is taken of red, green, blue.

    Notes
    -----
    float32 throughout: against float64, values differ by one grey level where they lie within 1e-3 of a half. What was
    tried besides, ns per pixel on the same core: a table of all 2^24 colours 14 (and 64 MB), OpenVINO 16 in float32 and
    20 in bfloat16 (off by up to 10 grey levels), a 65^3 table interpolated by Pillow 36 (off by 2), planes of one
    colour each 8.0, densities from a table of 256 in the place of log2 8.2; plain float64, image by image, 38. Those
    are times of the processor, which other work shared, and the cache with it.
    """

    mixing: NDArray[np.float64]
    offset: NDArray[np.float64]
    into: NDArray[np.float64] | None = None
    back: NDArray[np.float64] | None = None

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the images in their new colours, (..., 3) uint8, rounded and held within 0 .. 255."""
        images = checked_images(images)
        pixels = images.reshape(-1, 3)
        changed = np.empty(pixels.shape, dtype=np.uint8)
        step = _Step.of(self, pixels=min(len(pixels), _BLOCK_PIXELS))
        for start in range(0, len(pixels), _BLOCK_PIXELS):
            part = slice(start, start + _BLOCK_PIXELS)
            step.take(pixels[part], changed[part])
        return changed.reshape(images.shape)


@dataclass(frozen=True, eq=False)
class _Step:
    """A map made ready for blocks of pixels: its numbers as float32, and room to work in."""

    mixing: NDArray[np.float32]
    offsets: NDArray[np.float32]  # one row a pixel: adding rows of three would cost as much as all the rest
    into: NDArray[np.float32] | None
    back: NDArray[np.float32] | None
    first: NDArray[np.float32]
    second: NDArray[np.float32]

    @classmethod
    def of(cls, colours: ColourMap, *, pixels: int) -> _Step:
        """Return the step for blocks of up to so many pixels."""
        into, back = (None if matrix is None else matrix.astype(np.float32) for matrix in (colours.into, colours.back))
        offsets = np.tile(colours.offset.astype(np.float32), (pixels, 1))
        room = np.empty((2, pixels, 3), dtype=np.float32)
        return cls(colours.mixing.astype(np.float32), offsets, into, back, room[0], room[1])

    def take(self, pixels: NDArray[np.uint8], changed: NDArray[np.uint8]) -> None:
        """Write the new colours of a block, (m, 3) uint8 to (m, 3) uint8."""
        light, spare = self.first[: len(pixels)], self.second[: len(pixels)]
        np.copyto(light, pixels)
        light += 1
        if self.into is not None:
            light, spare = np.matmul(light, self.into, out=spare), light
        np.log2(light, out=light)
        light, spare = np.matmul(light, self.mixing, out=spare), light
        light += self.offsets[: len(pixels)]
        np.minimum(light, _WHITE if self.back is None else _FAR, out=light)
        np.exp2(light, out=light)
        if self.back is not None:
            light = np.matmul(light, self.back, out=spare)
            np.clip(light, 1, 256, out=light)
        np.subtract(light, np.float32(0.5), out=changed, casting="unsafe")  # the conversion cuts off: this rounds
