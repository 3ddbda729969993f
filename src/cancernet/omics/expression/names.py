"""Names of genes and proteins: of which kind they look, and what a spreadsheet has done to them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cancernet.checks import listed

__all__ = ["kind_of_names", "looks_like_genes", "name_notes"]

_KINDS = {
    "Ensembl ids": re.compile(r"ENS[A-Z]*[GTP]\d{6,}(\.\d+)?"),
    "protein ids": re.compile(r"(.*\|)?(NP|XP)_\d+(\.\d+)?"),
    "probe ids": re.compile(r"\d+(_[a-z])?_at|ILMN_\d+|A_\d+_P\d+"),
    "Entrez ids": re.compile(r"\d+"),
    "symbols": re.compile(r"[A-Za-z][A-Za-z0-9@_.-]{0,24}"),
}
_MONTH = r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DATE = re.compile(rf"\d{{1,2}}[-.]{_MONTH}[a-z]*|{_MONTH}[a-z]*[-.]\d{{1,2}}", re.IGNORECASE)
_SAMPLE = re.compile(r"(TCGA|GSM|MB|CPT|X?\d{2}BR|F|S|P|pat|sample|case)[-_.]?\d+.*", re.IGNORECASE)
_MOST = 0.5


def kind_of_names(names: Sequence[str]) -> str:
    """Return what most names look like: symbols, Ensembl, protein, probe or Entrez ids; "other names" else."""
    counts = {kind: sum(bool(pattern.fullmatch(name)) for name in names) for kind, pattern in _KINDS.items()}
    best = max(counts, key=lambda kind: counts[kind])
    return best if counts[best] > _MOST * max(len(names), 1) else "other names"


def looks_like_genes(names: Sequence[str]) -> float:
    """Return the share of names that look like genes and not like samples, 0 to 1."""
    genes = [name for name in names if not _SAMPLE.fullmatch(name)]
    return sum(any(pattern.fullmatch(name) for pattern in _KINDS.values()) for name in genes) / max(len(names), 1)


def name_notes(names: Sequence[str]) -> tuple[str, ...]:
    """Return what is found about the names, in sentences."""
    notes = [f"The {len(names):,} names of genes look like {kind_of_names(names)}."]
    dates = [name for name in names if _DATE.fullmatch(name)]
    if dates:
        notes.append(
            f"{len(dates)} names look like dates ({listed(dates, 3)}): a spreadsheet has changed genes such as MARCHF1 "
            "or SEPTIN2; restore them."
        )
    return tuple(notes)
