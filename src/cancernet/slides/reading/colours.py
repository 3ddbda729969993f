"""Decoded samples as 8-bit RGB, by stated rules."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["rgb_of"]

_ASSOCIATED, _UNASSOCIATED = 1, 2  # kinds of a fourth sample that is transparency
_WHITE = 255


def rgb_of(samples: NDArray[Any], *, extra: int | None = None) -> NDArray[np.uint8]:
    """Return samples as 8-bit RGB, shape (h, w, 3).

    Of 16 bits the upper 8 are kept, so that the whole range 0..65535 becomes 0..255 and nothing is clipped. What is
    transparent lies on white, the colour of empty glass. A fourth sample that is no transparency is left out.

    Parameters
    ----------
    samples
        Shape (h, w, 3 or 4), uint8 or uint16.
    extra
        What a fourth sample is: 1 transparency that the colours are multiplied with, 2 one that they are not.
    """
    eight = (samples >> 8).astype(np.uint8) if samples.dtype == np.uint16 else samples
    if eight.shape[2] == 3 or extra not in (_ASSOCIATED, _UNASSOCIATED):
        return eight[:, :, :3]
    alpha = eight[:, :, 3:].astype(np.uint16)
    light = eight[:, :, :3].astype(np.uint16) * (alpha if extra == _UNASSOCIATED else _WHITE)
    on_white = np.minimum(light + _WHITE * (_WHITE - alpha), _WHITE * _WHITE) // _WHITE
    return np.asarray(on_white, dtype=np.uint8)
