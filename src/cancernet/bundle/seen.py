"""Which cases the weights have seen: salted hashes of groups and rows, so that a card can tell and does not show."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

__all__ = ["hash_groups", "hash_rows", "hash_texts"]

_DIGITS = 16  # 64 bits: no chance collision among millions of groups, and a card that stays small
_PRECISION = 6  # significant digits: two files of the same measurements may differ in how they round the last ones


def hash_groups(groups: Iterable[str], salt: str) -> tuple[str, ...]:
    """Return salted SHA-256 hashes (first 16 digits) of the distinct groups, sorted.

    Parameters
    ----------
    groups
        Group names; repetitions count once.
    salt
        Any text, a fresh one for each bundle (for example `secrets.token_hex(16)`); it is kept in the card.
    """
    return tuple(sorted(hashed(group, salt) for group in set(groups)))


def hash_rows(values: NDArray[np.float64], salt: str) -> tuple[str, ...]:
    """Return salted SHA-256 hashes (first 16 digits) of the values of each row, in order.

    Parameters
    ----------
    values
        Shape (n, columns), raw units; compared to 6 significant digits.
    salt
        As for `hash_groups`.
    """
    return tuple(hashed(",".join(f"{value:.{_PRECISION}g}" for value in row.tolist()), salt) for row in values)


def hash_texts(texts: Iterable[str], salt: str) -> tuple[str, ...]:
    """Return salted SHA-256 hashes (first 16 digits) of texts, in order: digests of the pixels of patches."""
    return tuple(hashed(text, salt) for text in texts)


def hashed(text: str, salt: str) -> str:
    """Return the salted hash of one text."""
    return sha256(f"{salt}:{text}".encode()).hexdigest()[:_DIGITS]
