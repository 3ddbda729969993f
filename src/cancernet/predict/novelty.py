"""Rows unlike the training rows: Mahalanobis distance in the standardised input space, and words for it. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cancernet.bundle import Novelty
from cancernet.errors import InvalidInput

__all__ = ["fit_novelty", "novelty_distance", "novelty_reason", "shrunk_covariance"]

FAR = 4.0  # standard deviations from which on one column alone explains a distance
_COMBINATION = "unusual combination of columns"
_CORRELATED = 128  # columns; of more, such as genes, a covariance would fill the card, and few rows could not tell it
_SMALLEST_EIGENVALUE = 1e-6  # of the mean variance: keeps the inverse of a covariance without full rank finite


def fit_novelty(
    values: NDArray[np.float64],
    *,
    rows: str,
    limit_quantile: float = 0.99,
    held_out_distances: NDArray[np.float64] | None = None,
    limit: float | None = None,
) -> Novelty:
    """Describe the training rows, so that a row unlike them can be told.

    Parameters
    ----------
    values
        Shape (n, columns), raw units, no missing values. Of more than 128 columns each counts by itself.
    rows
        Which rows these are, in words, for the card.
    limit_quantile
        Share of like rows that stay below the limit.
    held_out_distances
        Shape (m,), distances of rows that other rows were described for (out-of-fold); the limit is their quantile.
        None takes the distances of `values` themselves, which are a little too short.
    limit
        The distance itself; goes before the quantile.

    Raises
    ------
    InvalidInput
        When there are fewer than two rows, or a value is not finite.

    References
    ----------
    Mahalanobis 1936; covariance shrunk as by Ledoit and Wolf 2004 (doi 10.1016/S0047-259X(03)00096-4).
    """
    values = _checked(values)
    mean, scale = values.mean(axis=0), _scale(values)
    precision = (
        np.empty((0, 0)) if values.shape[1] > _CORRELATED else _inverse(shrunk_covariance((values - mean) / scale))
    )
    unlimited = Novelty(
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        precision=tuple(tuple(row) for row in precision.tolist()),
        limit=1.0,
        rows=rows,
    )
    if limit is None:
        distances = novelty_distance(unlimited, values) if held_out_distances is None else held_out_distances
        limit = max(float(np.quantile(distances, limit_quantile, method="higher")), np.finfo(float).tiny)
    return unlimited.model_copy(update={"limit": float(limit)})


def novelty_distance(novelty: Novelty, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each row is from the training rows.

    Parameters
    ----------
    novelty
        Of the card.
    values
        Shape (n, columns), raw units, no missing values.

    Returns
    -------
    Shape (n,), Mahalanobis distance in standard deviations; infinite where it is too large for a number.
    """
    standardised = _standardised(novelty, values)
    with np.errstate(over="ignore", invalid="ignore"):
        turned = standardised @ np.asarray(novelty.precision) if novelty.precision else standardised
        squared = np.einsum("ij,ij->i", turned, standardised)
    distance: NDArray[np.float64] = np.sqrt(np.nan_to_num(np.maximum(squared, 0.0), nan=np.inf, posinf=np.inf))
    return distance


def novelty_reason(novelty: Novelty, values: NDArray[np.float64], *, names: Sequence[str] = ()) -> NDArray[np.object_]:
    """Say for each row what sets it apart from the training rows.

    Parameters
    ----------
    novelty
        Of the card.
    values
        Shape (n, columns), raw units: only the rows that were found far.
    names
        Of the columns; without them they are numbered from 1.

    Returns
    -------
    Shape (n,), strings: the column that stands out most, or that no single one does.
    """
    names = names or [f"column {number}" for number in range(1, len(novelty.mean) + 1)]
    standardised = _standardised(novelty, values)
    columns = np.abs(standardised).argmax(axis=1)
    largest = standardised[np.arange(len(standardised)), columns]
    pairs = zip(columns.tolist(), largest.tolist(), strict=True)
    return np.array([_reason(names[column], deviation) for column, deviation in pairs], dtype=object)


def shrunk_covariance(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the covariance of centred rows, shrunk towards a multiple of the identity.

    Parameters
    ----------
    centred
        Shape (n, columns), each column of mean zero.

    Returns
    -------
    Shape (columns, columns), float64.

    References
    ----------
    Ledoit and Wolf 2004, doi 10.1016/S0047-259X(03)00096-4, lemmas 3.2 to 3.4.
    """
    n, columns = centred.shape
    covariance = centred.T @ centred / n
    target = np.trace(covariance) / columns * np.eye(columns)
    distance = np.sum((covariance - target) ** 2)
    squares = centred**2
    error = (np.sum(squares.T @ squares) / n - np.sum(covariance**2)) / n
    share = min(error / distance, 1.0) if distance > 0 else 1.0
    shrunk: NDArray[np.float64] = (1 - share) * covariance + share * target
    return shrunk


def _checked(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values as float64, or refuse what no covariance can be made of."""
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        raise InvalidInput(f"{len(values)} training rows", "At least 2 to tell what is unlike them", "Give more rows")
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise InvalidInput(
            f"Training row {row + 1} has no finite number in column {column + 1}",
            "Complete rows",
            'Fill missing values first, for example with missing = "median"',
        )
    return values


def _scale(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of each column, and 1 for a constant one."""
    scale = values.std(axis=0)
    constant = scale <= 1e-12 * np.maximum(1.0, np.abs(values).max(axis=0))
    return np.where(constant, 1.0, scale)


def _inverse(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric inverse, finite for a covariance without full rank too."""
    eigenvalues, vectors = np.linalg.eigh(covariance)
    floor = _SMALLEST_EIGENVALUE * max(float(eigenvalues.mean()), _SMALLEST_EIGENVALUE)
    inverse: NDArray[np.float64] = (vectors / np.maximum(eigenvalues, floor)) @ vectors.T
    return (inverse + inverse.T) / 2


def _standardised(novelty: Novelty, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values in standard deviations from the training mean."""
    standardised: NDArray[np.float64] = (np.asarray(values, np.float64) - np.array(novelty.mean)) / novelty.scale
    return standardised


def _reason(name: str, deviation: float) -> str:
    """Return the sentence for the column that stands out most."""
    if abs(deviation) < FAR:
        return _COMBINATION
    size = f"{abs(deviation):.1f}" if abs(deviation) < 1e4 else f"{abs(deviation):.0e}"
    return f"{name} is {size} standard deviations {'above' if deviation > 0 else 'below'} the training rows"
