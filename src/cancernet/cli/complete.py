"""What the shell offers after TAB: names that are known here. Where none fits, the shell offers files itself."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "SCORES",
    "bundles",
    "formats",
    "kinds",
    "layouts",
    "methods",
    "runtimes",
    "scores",
    "segmenters",
    "studies",
    "tables",
]

SCORES = ("rs21",)  # of a plate


def studies(incomplete: str) -> list[str]:
    """Return the built-in studies."""
    from cancernet.studies import builtin_studies

    return _starting(builtin_studies(), incomplete)


def bundles(incomplete: str) -> list[str]:
    """Return the shipped bundles, and those of the runs in this folder."""
    from cancernet.bundle import zoo_names

    runs = sorted(str(card.parent) for card in Path("runs").glob("*/bundle/card.json"))
    return _starting((*zoo_names(), *runs), incomplete)


def tables(incomplete: str) -> list[str]:
    """Return the built-in tables."""
    from cancernet.data import catalogue

    return _starting(tuple(builtin.name for builtin in catalogue()), incomplete)


def runtimes(incomplete: str) -> list[str]:
    """Return the engines."""
    from cancernet.engine import RUNTIMES

    return _starting(tuple(RUNTIMES), incomplete)


def segmenters(incomplete: str) -> list[str]:
    """Return what outlines nuclei."""
    from cancernet.cells import SEGMENTERS

    return _starting(SEGMENTERS, incomplete)


def methods(incomplete: str) -> list[str]:
    """Return the ways to explain an answer."""
    from cancernet.explain import METHODS

    return _starting(tuple(METHODS), incomplete)


def kinds(incomplete: str) -> list[str]:
    """Return the kinds of data that a study may have."""
    from cancernet.studies.options import STUDIES

    return _starting(tuple(STUDIES), incomplete)


def layouts(incomplete: str) -> list[str]:
    """Return the ways in which images may lie."""
    from cancernet.patches import LAYOUTS

    return _starting(LAYOUTS, incomplete)


def formats(incomplete: str) -> list[str]:
    """Return the formats of `export`."""
    from cancernet.engine import FORMATS

    return _starting(tuple(FORMATS), incomplete)


def scores(incomplete: str) -> list[str]:
    """Return the published scores of a plate."""
    return _starting(SCORES, incomplete)


def _starting(names: tuple[str, ...], incomplete: str) -> list[str]:
    """Return the names that start with what was typed."""
    return [name for name in names if name.startswith(incomplete)]
