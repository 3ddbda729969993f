"""The type of each nucleus, by a bundle that was trained on crops of nuclei, or on their measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cancernet import engine
from cancernet.bundle import Card, PatchInput, TableInput
from cancernet.cells.held import Held
from cancernet.cells.measure import Measured, measured_columns
from cancernet.cells.types.crops import cut_crops
from cancernet.checks import listed
from cancernet.errors import BundleMismatch
from cancernet.patches import image_statistics
from cancernet.predict import Cases, cases, decide, join_cases, patch_input

if TYPE_CHECKING:
    import pandas as pd

    from cancernet.engine import Model

__all__ = ["MOST_UM", "NucleusTypes", "classes_of", "with_types"]

MOST_UM = 90.0
"""Width of the widest crop: a tile of a slide sees so far around its own nuclei."""

_AT_ONCE = 4096  # crops in memory: 28 MB of 48 pixels' side
_CHANCE = "p_"


class NucleusTypes(Held):
    """Says of each nucleus what it is; a context manager.

    The bundle is one of patches: squares of its size are cut around the centres of the nuclei, at its microns per
    pixel. Or it is one of a table whose columns are measurements of nuclei. Its calibration, its sets and its
    abstention are those of `predict`.

    Parameters
    ----------
    name_or_path
        A bundle's folder, or the name of a shipped one.
    runtime, threads
        Of the engine.

    Raises
    ------
    BundleMismatch
        When the bundle takes something else, does not know its microns per pixel, or wants colours of a whole slide.
    CancerNetError
        As `engine.open` does.

    Examples
    --------
    >>> with NucleusTypes("runs/consep-types/bundle") as types:  # doctest: +SKIP
    ...     typed = types(image, measure_nuclei(image, labels, mpp=0.25))
    """

    def __init__(self, name_or_path: str | Path, *, runtime: str = "openvino", threads: int | None = None) -> None:
        self.model = engine.open(name_or_path, runtime=runtime, threads=threads)
        self._asking = Lock()  # tiles of a slide come from several threads
        try:
            _check(self.model.card)
        except BundleMismatch:
            self.model.close()
            raise

    @property
    def classes(self) -> tuple[str, ...]:
        """The types, in the order of the bundle."""
        return self.model.card.task.classes

    @property
    def words(self) -> str:
        """Who says the types, in words."""
        return f"bundle '{self.model.card.name}'"

    def __call__(self, image: NDArray[np.uint8], measured: Measured) -> Measured:
        """Return the nuclei with the columns `type`, `p_<class>` of each class, and `abstained`.

        Parameters
        ----------
        image
            Shape (h, w, 3), uint8 RGB.
        measured
            Its nuclei.
        """
        if not len(measured):
            return replace(measured, table=_typed(measured.table, None, self.classes))
        with self._asking:
            found = self._asked(image, measured)
        return replace(measured, table=_typed(measured.table, found, self.classes))

    def close(self) -> None:
        """Free the memory."""
        self.model.close()

    def _asked(self, image: NDArray[np.uint8], measured: Measured) -> Cases:
        """Return what the bundle says of each nucleus."""
        taken = self.model.card.input
        if isinstance(taken, TableInput):
            return cases(self.model, measured.table[list(taken.names)].to_numpy(np.float64))
        centres = measured.table[["x_um", "y_um"]].to_numpy(np.float64) / measured.mpp
        parts = [centres[start : start + _AT_ONCE] for start in range(0, len(centres), _AT_ONCE)]
        return join_cases([_crops_asked(self.model, image, part, mpp=measured.mpp) for part in parts])


def with_types(table: pd.DataFrame) -> bool:
    """Return whether the nuclei of a table have types."""
    return "abstained" in table.columns


def classes_of(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the types that the nuclei of a table may have, in the order of the bundle."""
    names = [str(name) for name in table.columns]
    between = names[names.index("type") + 1 : names.index("abstained")]
    return tuple(name.removeprefix(_CHANCE) for name in between)


def _crops_asked(model: Model, image: NDArray[np.uint8], centres: NDArray[np.float64], *, mpp: float) -> Cases:
    """Return what a bundle of patches says of the squares around some centres."""
    taken = patch_input(model.card)
    crops = cut_crops(image, centres, size=taken.size, scale=(taken.pixel_size.mpp or mpp) / mpp)
    return decide(model.card, model.run(crops).logits, values=image_statistics(crops))


def _typed(table: pd.DataFrame, found: Cases | None, classes: Sequence[str]) -> pd.DataFrame:
    """Return a table with its types; of no nucleus the columns are there, empty."""
    columns: dict[str, object] = {"type": [] if found is None else found.labels.tolist()}
    for place, name in enumerate(classes):
        columns[f"{_CHANCE}{name}"] = np.empty(0) if found is None else found.probabilities[:, place]
    columns["abstained"] = np.empty(0, bool) if found is None else found.abstained
    import pandas as pd

    return pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1)


def _check(card: Card) -> None:
    """Raise when a bundle cannot tell the types of nuclei."""
    taken = card.input
    if card.task.kind not in ("binary", "multiclass") or not isinstance(taken, PatchInput | TableInput):
        raise BundleMismatch(
            f"The bundle '{card.name}' takes {taken.kind} and answers {card.task.kind}, no types of nuclei",
            "Classes of crops around nuclei, or of their measurements",
            "Make crops with `cancernet data crops`, and train a study on them",
        )
    if isinstance(taken, TableInput):
        _refuse_columns(card, taken)
    else:
        _refuse_patches(card, taken)


def _refuse_columns(card: Card, taken: TableInput) -> None:
    """Raise when a bundle of a table takes what is no measurement of a nucleus."""
    strange = sorted(set(taken.names) - set(measured_columns()))
    if strange:
        raise BundleMismatch(
            f"The bundle '{card.name}' takes columns that are no measurements of nuclei: {listed(strange, 3)}",
            "Columns of `cells.parquet`",
            "Train a study on the table that `cancernet data crops` makes",
        )


def _refuse_patches(card: Card, taken: PatchInput) -> None:
    """Raise when squares cannot be cut as a bundle of patches wants them."""
    mpp = taken.pixel_size.mpp
    if mpp is None or taken.stain != "none" or taken.size * mpp > MOST_UM:
        wide = "of unknown microns per pixel" if mpp is None else f"{taken.size * mpp:.0f} microns wide"
        raise BundleMismatch(
            f"The bundle '{card.name}' takes patches {wide}, stain '{taken.stain}'",
            f"Crops of known microns per pixel, at most {MOST_UM:g} microns wide, without normalisation of stains",
            "Make crops with `cancernet data crops`, and train a study on them",
        )
