"""What all parts of a card share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Part", "refuse"]


class Part(BaseModel):
    """Frozen, finite numbers, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def refuse(wrong: bool, message: str) -> None:
    """Raise a ValueError, which pydantic turns into one that names the key."""
    if wrong:
        raise ValueError(message)
