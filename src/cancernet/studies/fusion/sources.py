"""From the sources that a study names to patients whom all of them know."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cancernet.bundle import CHECKSUMS, FusedSource, Fusion
from cancernet.checks import listed
from cancernet.data import Feature, Fold, Split, Table, digest_of_ids
from cancernet.errors import InvalidInput
from cancernet.files import sha256
from cancernet.fusion import Joined, Source, join, read_source
from cancernet.studies.fused import FusedFiles
from cancernet.studies.options import FusionStudy

__all__ = [
    "SIMULATED",
    "bundles_of",
    "fused_table",
    "fusion_part",
    "is_simulated",
    "licence_of_sources",
    "read_sources",
    "source_notes",
    "split_of",
]

SIMULATED = "Simulated: a source was trained on made or simulated data, and so nothing here is about real patients."
NESTED = (
    "The stack is cross-validated over the folds of its sources: its weights never see the outcome of a patient that "
    "it is tested on. The models whose answers it learns from did see it, as in all stacking on out-of-fold answers: "
    "the patients of one fold helped to make the answers for the others."
)


def read_sources(study: FusionStudy) -> Joined:
    """Return the patients whom all sources know, with what each said of them before it had seen them.

    Raises
    ------
    InvalidInput, LeakingSplit
        See `join` and `read_source`.
    """
    sources = [_source(name, place) for name, place in study.data.sources.items()]
    return join(sources, overlap=study.data.overlap)


def _source(name: str, place: str | FusedFiles) -> Source:
    """Return one source."""
    if isinstance(place, FusedFiles):
        return read_source(name, bundle=place.bundle, predictions=place.predictions)
    folder = Path(place)
    absent = [part for part in ("bundle", "predictions.csv") if not (folder / part).exists()]
    if absent:
        raise InvalidInput(
            f"Source '{name}': '{place}' holds no {listed(absent)}",
            "The folder that cancernet train left",
            "Train it first, or give { bundle = ..., predictions = ... }",
        )
    return read_source(name, bundle=folder / "bundle", predictions=folder / "predictions.csv")


def fused_table(study: FusionStudy, joined: Joined) -> Table:
    """Return the answers of the sources as a table, with the outcome as target."""
    return Table(
        name=" + ".join(source.name for source in joined.sources),
        features=tuple(Feature(name) for name in joined.columns),
        values=joined.values,
        ids=joined.patients,
        groups=joined.patients,
        target=joined.truth,
        target_column="truth",
        group_column="group" if all(source.card.training.group_hashes for source in joined.sources) else "row",
        licence=licence_of_sources(study, joined),
    )


def licence_of_sources(study: FusionStudy, joined: Joined) -> str:
    """Return the licences of the data of all sources."""
    return study.data_licence or "; ".join(dict.fromkeys(source.card.data.licence for source in joined.sources))


def split_of(joined: Joined, table: Table) -> Split:
    """Return the split of the sources, by patient."""
    everything = np.arange(len(table))
    folds = [
        Fold(
            0,
            number,
            train=np.flatnonzero(joined.fold != label),
            validation=everything[:0],
            test=np.flatnonzero(joined.fold == label),
        )
        for number, label in enumerate(np.unique(joined.fold).tolist())
    ]
    return Split("k-fold", tuple(folds), 0, table.group_column or "row", len(table), digest_of_ids(table.ids))


def fusion_part(joined: Joined) -> Fusion:
    """Return the part of the card."""
    return Fusion(
        sources=tuple(
            FusedSource(name=source.name, columns=source.columns, sha256=sha256(source.folder / CHECKSUMS))
            for source in joined.sources
        )
    )


def bundles_of(joined: Joined) -> dict[str, Path]:
    """Return the folders of the bundles by name."""
    return {source.name: source.folder for source in joined.sources}


def source_notes(joined: Joined) -> tuple[str, ...]:
    """Return sentences about the sources."""
    told = tuple(
        f"{source.name}: bundle '{source.card.name}', {len(source.patients)} patients"
        f"{'' if source.fold is not None else ', a finished bundle that was trained on none of them'}."
        for source in joined.sources
    )
    return (*told, *joined.notes, NESTED, *((SIMULATED,) if is_simulated(joined) else ()))


def is_simulated(joined: Joined) -> bool:
    """Return whether a source was trained on made or simulated data."""
    return any(source.card.data.synthetic for source in joined.sources)
