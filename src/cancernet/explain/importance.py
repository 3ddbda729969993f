"""How much the model as a whole relies on each column: what it loses when the column is shuffled, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cancernet.checks import one_of
from cancernet.errors import InvalidInput
from cancernet.estimate import Estimate
from cancernet.metrics import Scored
from cancernet.predict import fill_missing

if TYPE_CHECKING:
    from cancernet.engine import Model

__all__ = ["Importance", "Metric", "importance_from_permuted", "permutation_importance", "permuted_logits"]

Metric = Literal["auroc", "accuracy", "log_likelihood"]
Importance = tuple[tuple[str, Estimate], ...]

_COUNTS = 4_000_000  # bootstrap counts held at once: 32 MB


def permuted_logits(
    run: Callable[[NDArray[np.float64]], NDArray[np.floating]],
    values: NDArray[np.float64],
    *,
    repeats: int = 5,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return the logits of rows of which one column at a time is shuffled.

    Parameters
    ----------
    run
        From values (m, columns) to logits (m, classes).
    values
        Shape (n, columns), complete.
    repeats
        Shuffles per column; the same ones for every column.
    seed
        Of the shuffles.

    Returns
    -------
    Shape (columns, repeats, n, classes), float32; of the size of `repeats` times the table.
    """
    generator = np.random.default_rng(seed)
    orders = np.array([generator.permutation(len(values)) for _ in range(repeats)])  # (repeats, n)
    logits = []
    for column in range(values.shape[1]):
        shuffled = np.repeat(values[None], repeats, axis=0)  # (repeats, n, columns)
        shuffled[:, :, column] = values[:, column][orders]
        answer = np.asarray(run(shuffled.reshape(-1, values.shape[1])), dtype=np.float32)
        logits.append(answer.reshape(repeats, len(values), -1))
    return np.array(logits)


def permutation_importance(
    model: Model,
    values: NDArray[np.float64],
    *,
    scored: Scored,
    metric: Metric | None = None,
    repeats: int = 5,
    draws: int = 1000,
    seed: int = 0,
) -> Importance:
    """Return what the model loses when each column is shuffled, the most important column first.

    Parameters
    ----------
    model
        Opened by `engine.open`.
    values
        Shape (n, columns), raw values in the order of the card; NaN is missing.
    scored
        Truth, groups and the calibrated probabilities of the same rows as they are.
    metric
        "auroc" (binary), "accuracy" of the most probable class, or "log_likelihood" (mean, natural logarithm); None
        takes "auroc" for binary tasks and "accuracy" else.
    repeats
        Shuffles per column; their mean counts.
    draws, seed
        Of the bootstrap over groups; the seed also of the shuffles.

    Raises
    ------
    InvalidInput
        When the metric is unknown or does not fit the task, or the values cannot be used.

    References
    ----------
    Breiman 2001, doi 10.1023/A:1010933404324, section 10; Fisher et al. 2019, arXiv 1801.01489, equation 3.
    """
    filled = fill_missing(model.card, values)
    logits = permuted_logits(lambda rows: model.run(rows).logits, filled, repeats=repeats, seed=seed)
    permuted = model.card.decision.calibrated(logits, kind=model.card.task.kind)
    names = model.card.input.names
    return importance_from_permuted(scored, permuted, features=names, metric=metric, draws=draws, seed=seed)


def importance_from_permuted(
    scored: Scored,
    permuted_probabilities: NDArray[np.floating],
    *,
    features: Sequence[str],
    metric: Metric | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Importance:
    """Return the importance of columns from probabilities that were computed before, for example out of fold.

    Parameters
    ----------
    scored
        Truth, groups and calibrated probabilities of the rows as they are.
    permuted_probabilities
        Shape (columns, repeats, n, classes), calibrated, each column shuffled in turn.
    features
        Names of the columns.
    metric
        As in `permutation_importance`.
    draws, seed
        Of the bootstrap over groups.

    Returns
    -------
    Name and metric as it is minus metric shuffled, the largest first. The interval is the percentile bootstrap over
    groups; AUROC is resampled by its placement values (its Hájek projection), which needs no sorting per draw.

    Raises
    ------
    InvalidInput
        When the shapes do not fit together, or the metric is unknown or does not fit the task.

    References
    ----------
    Placement values: DeLong et al. 1988 (doi 10.2307/2531595); by patient: Obuchowski 1997 (doi 10.2307/2533958).
    """
    metric = _checked_metric(metric, scored)
    _check_shape(scored, permuted_probabilities, features)
    strata = _strata(scored, metric)
    if not all(stratum.any() for stratum in strata):
        reason = "rows of one class only" if len(scored.truth) else "no rows"
        return tuple((name, Estimate.undefined(reason, n=len(scored.truth))) for name in features)
    losses = np.array([_loss(scored, shuffled, metric) for shuffled in permuted_probabilities])  # (columns, n)
    estimates = _bootstrap(losses, strata, scored.groups, draws=draws, seed=seed)
    pairs = zip(features, estimates, strict=True)
    return tuple(sorted(pairs, key=lambda pair: -(pair[1].value or 0.0)))


def _checked_metric(metric: Metric | None, scored: Scored) -> Metric:
    """Return the metric, or the usual one of the task."""
    if metric is None:
        return "auroc" if scored.binary else "accuracy"
    one_of(metric, get_args(Metric), "metric")
    if metric == "auroc" and not scored.binary:
        raise InvalidInput("'auroc' of a task without a positive class", "'accuracy' or 'log_likelihood'")
    return metric


def _check_shape(scored: Scored, permuted: NDArray[np.floating], features: Sequence[str]) -> None:
    """Raise when the permuted probabilities are not those of these rows and columns."""
    shape, wanted = np.shape(permuted), (len(features), *np.shape(scored.probabilities))
    if len(shape) != 4 or (shape[0], *shape[2:]) != wanted or shape[1] == 0:
        raise InvalidInput(
            f"Permuted probabilities of shape {shape}",
            f"(columns, repeats, n, classes) with {wanted[0]} columns, {wanted[1]} rows and {wanted[2]} classes",
        )


def _strata(scored: Scored, metric: Metric) -> list[NDArray[np.bool_]]:
    """Return the rows over which the metric averages: AUROC over positives and over negatives, else over all."""
    if metric == "auroc":
        positive = scored.truth == scored.positive_code
        return [positive, ~positive]
    return [np.ones(len(scored.truth), dtype=bool)]


def _loss(scored: Scored, shuffled: NDArray[np.floating], metric: Metric) -> NDArray[np.float64]:
    """Return what each row loses, averaged over the repeats, shape (n,)."""
    after = np.mean([_goodness(scored, p, metric) for p in shuffled], axis=0)
    before = scored.probabilities.astype(shuffled.dtype)  # like with like: float32 has more ties next to 1
    loss: NDArray[np.float64] = _goodness(scored, before, metric) - after
    return loss


def _goodness(scored: Scored, p: NDArray[np.floating], metric: Metric) -> NDArray[np.float64]:
    """Return each row's part in the metric, shape (n,)."""
    if metric == "accuracy":
        right: NDArray[np.float64] = (p.argmax(axis=1) == scored.truth).astype(np.float64)
        return right
    if metric == "log_likelihood":
        true = np.take_along_axis(np.asarray(p, dtype=np.float64), scored.truth[:, None], axis=1)[:, 0]
        likelihood: NDArray[np.float64] = np.log(np.maximum(true, np.finfo(np.float64).tiny))
        return likelihood
    return _placements(p[:, scored.positive_code], scored.truth == scored.positive_code)


def _placements(score: NDArray[np.floating], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return for each row the share of rows of the other class that it stands on the right side of; ties are half."""
    placed = np.empty(len(score))
    for one, sign in ((positive, 1), (~positive, -1)):
        others = np.sort(sign * score[~one])
        below, up_to = (np.searchsorted(others, sign * score[one], side=side) for side in ("left", "right"))
        placed[one] = (below + up_to) / (2 * len(others))
    return placed


def _bootstrap(
    losses: NDArray[np.float64],
    strata: list[NDArray[np.bool_]],
    groups: NDArray[np.str_],
    *,
    draws: int,
    seed: int,
) -> list[Estimate]:
    """Return mean losses per column with percentile intervals over groups."""
    _, codes = np.unique(groups, return_inverse=True)
    count, n = int(codes.max()) + 1, len(groups)
    values = losses[:, strata[0]].mean(axis=1)
    if count < 2:
        reason = "one group has no interval"
        return [Estimate(float(value), None, None, n, count, "none", reason) for value in values]
    parts = [_per_group(losses[:, stratum], codes[stratum], count) for stratum in strata]
    resampled = _resampled(parts, draws=draws, seed=seed) - (len(strata) - 1) * values  # (draws, columns)
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    triples = zip(values.tolist(), low.tolist(), high.tolist(), strict=True)
    return [Estimate(value, a, b, n, count, "bootstrap over groups") for value, a, b in triples]


def _per_group(
    losses: NDArray[np.float64], codes: NDArray[np.intp], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return per group the sum of the losses, shape (groups, columns), and the number of rows, shape (groups,)."""
    sums = np.array([np.bincount(codes, weights=loss, minlength=count) for loss in losses]).T
    return sums, np.bincount(codes, minlength=count).astype(np.float64)


def _resampled(
    parts: list[tuple[NDArray[np.float64], NDArray[np.float64]]], *, draws: int, seed: int
) -> NDArray[np.float64]:
    """Return the mean losses of resampled groups, summed over the strata: one row per draw that holds every stratum."""
    generator, count = np.random.default_rng(seed), len(parts[0][1])
    at_once = max(1, _COUNTS // count)
    kept = []
    for start in range(0, draws, at_once):
        counts = generator.multinomial(count, np.full(count, 1 / count), size=min(at_once, draws - start))
        counts = counts[np.all([counts @ sizes > 0 for _, sizes in parts], axis=0)].astype(np.float64)
        kept.append(np.sum([counts @ sums / (counts @ sizes)[:, None] for sums, sizes in parts], axis=0))
    return np.concatenate(kept)
