"""The built-in tables: shipped with the package, loaded without a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cancernet.checks import one_of
from cancernet.data.table import Table
from cancernet.data.wisconsin import load_wdbc

__all__ = ["Builtin", "catalogue", "load"]


@dataclass(frozen=True)
class Builtin:
    """A built-in table, described.

    Parameters
    ----------
    name
        What to call it in a study file.
    description
        One line.
    rows, features
        How many.
    classes
        With the number of rows of each.
    groups
        What a group is.
    source, licence
        Where it is from, what may be done with it.
    """

    name: str
    description: str
    rows: int
    features: int
    classes: dict[str, int]
    groups: str
    source: str
    licence: str
    _load: Callable[[], Table] = field(repr=False)


_BUILTINS = (
    Builtin(
        name="wdbc",
        description="Wisconsin Diagnostic Breast Cancer: 30 nuclear features of fine-needle aspirates, benign (B) or "
        "malignant (M)",
        rows=569,
        features=30,
        classes={"B": 357, "M": 212},
        groups="row (each aspirate is of another patient)",
        source="UCI, as shipped with scikit-learn",
        licence="CC BY 4.0",
        _load=load_wdbc,
    ),
)


def catalogue() -> tuple[Builtin, ...]:
    """Return what is built in."""
    return _BUILTINS


def load(name: str) -> Table:
    """Return a built-in table.

    Raises
    ------
    InvalidInput
        When there is none of this name; the nearest is offered.

    Examples
    --------
    >>> load("wdbc").classes
    ('B', 'M')
    """
    known = {builtin.name: builtin for builtin in _BUILTINS}
    return known[one_of(name, tuple(known), "built-in table")]._load()
