"""Bundles that outline things in images have no answer for a case: told where one is asked for."""

from __future__ import annotations

from cancernet.bundle import Card, FieldInput
from cancernet.errors import BundleMismatch

__all__ = ["refuse_fields"]


def refuse_fields(card: Card) -> None:
    """Raise when a bundle outlines things in images.

    Raises
    ------
    BundleMismatch
        When it takes fields.
    """
    if isinstance(card.input, FieldInput):
        raise BundleMismatch(
            f"The bundle '{card.name}' outlines each {card.task.classes[-1]} of an image, and classifies no case",
            "A bundle that was trained on rows, patches or slides",
            "Outline with: cancernet cells IMAGE, or choose another bundle",
        )
