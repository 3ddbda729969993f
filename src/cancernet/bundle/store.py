"""Bundles on disk: written whole, found by name or path, verified before anything in them is opened."""

from __future__ import annotations

from pathlib import Path

from cancernet.bundle.card import Card

__all__ = ["find", "load_card", "verify", "write", "zoo_names"]


def write(folder: Path, card: Card, *, keras_file: Path, onnx_file: Path, force: bool = False) -> None:
    """Write a bundle."""


def verify(folder: Path) -> Card:
    """Verify."""


def load_card(folder: Path) -> Card:
    """Load."""


def find(name_or_path: str | Path) -> Path:
    """Find."""


def zoo_names() -> tuple[str, ...]:
    """Names."""
