"""Which genes count: what the elastic net chooses in each fold, and how far the folds agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.metrics import fit_elastic

__all__ = ["GeneTable", "gene_table"]

_TOLD, _KEPT = 20, 200  # genes in the report, and in `metrics.json`

Part = tuple[NDArray[np.float64], NDArray[np.int64], tuple[str, ...]]
"""Training rows of a fold: values, codes, names of the genes that it kept."""


@dataclass(frozen=True, eq=False)
class GeneTable:
    """Genes in the order of how often they are chosen, then of their weights.

    Parameters
    ----------
    names
        Genes that were chosen in one fold at least.
    chosen
        In how many folds.
    weights
        Shape (genes, classes): mean over folds of the change of a logit for one standard deviation.
    folds
        How many there are.
    sizes
        How many genes each fold chose.
    agreement
        Lowest, mean and highest correlation of the weights of two folds, over the genes that either chose; None with
        one fold.
    classes
        Of the columns of `weights`.
    """

    names: tuple[str, ...]
    chosen: NDArray[np.int64]
    weights: NDArray[np.float64]
    folds: int
    sizes: tuple[int, ...]
    agreement: tuple[float, float, float] | None
    classes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the first genes for JSON."""
        rows = [
            {
                "gene": name,
                "chosen": int(self.chosen[place]),
                "weights": dict(zip(self.classes, self.weights[place].round(5).tolist(), strict=True)),
            }
            for place, name in enumerate(self.names[:_KEPT])
        ]
        low, mean, high = self.agreement or (None, None, None)
        return {
            "model": "elastic net",
            "folds": self.folds,
            "chosen_per_fold": list(self.sizes),
            "chosen_in_all_folds": int((self.chosen == self.folds).sum()),
            "chosen_in_any_fold": len(self.names),
            "correlation_of_weights": {"lowest": low, "mean": mean, "highest": high},
            "genes": rows,
        }

    def sentences(self) -> tuple[str, ...]:
        """Return what is found, in sentences."""
        always = int((self.chosen == self.folds).sum())
        head = (
            f"The elastic net on the same folds chose {min(self.sizes)} to {max(self.sizes)} genes in a fold, "
            f"{len(self.names)} in any, and {always} in all {self.folds}."
        )
        agree = (
            ()
            if self.agreement is None
            else (
                f"The weights of two folds correlate by {self.agreement[1]:.2f} in the mean "
                f"({self.agreement[0]:.2f} to {self.agreement[2]:.2f}); folds share most of their samples, so another "
                "cohort will agree less.",
            )
        )
        return (head, *agree, f"First: {'; '.join(self._in_words(place) for place in range(len(self.names[:_TOLD])))}.")

    def _in_words(self, place: int) -> str:
        """Return one gene with the class it speaks for most."""
        weights = self.weights[place]
        most = int(np.abs(weights).argmax())
        return f"{self.names[place]} ({self.chosen[place]} of {self.folds}; {self.classes[most]} {weights[most]:+.2f})"


def gene_table(parts: Sequence[Part], *, classes: tuple[str, ...]) -> GeneTable:
    """Return which genes the elastic net chooses in the training rows of each fold."""
    every = sorted({name for _, _, names in parts for name in names})
    place = {name: number for number, name in enumerate(every)}
    weights = np.zeros((len(parts), len(every), len(classes)))
    for number, (values, codes, names) in enumerate(parts):
        weights[number, [place[name] for name in names]] = fit_elastic(values, codes, classes=len(classes)).weights
    used = (weights != 0).any(axis=2)  # (folds, genes)
    chosen, mean = used.sum(axis=0), weights.mean(axis=0)
    order = sorted(np.flatnonzero(chosen).tolist(), key=lambda gene: (-chosen[gene], -np.abs(mean[gene]).max()))
    return GeneTable(
        tuple(every[gene] for gene in order),
        chosen[order],
        mean[order],
        len(parts),
        tuple(used.sum(axis=1).tolist()),
        _agreement(weights, used),
        classes,
    )


def _agreement(weights: NDArray[np.float64], used: NDArray[np.bool_]) -> tuple[float, float, float] | None:
    """Return lowest, mean and highest correlation of the weights of two folds."""
    found = []
    for one in range(len(weights)):
        for other in range(one):
            either = used[one] | used[other]
            if either.sum() > 1:
                found.append(float(np.corrcoef(weights[one, either].ravel(), weights[other, either].ravel())[0, 1]))
    return (min(found), float(np.mean(found)), max(found)) if found else None
