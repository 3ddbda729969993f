"""`metrics.json`: every number of the page, for machines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cancernet.estimate import Estimate
from cancernet.files import write_json
from cancernet.report.record import Estimates, RunRecord

__all__ = ["METRICS_SCHEMA", "read_estimates", "write_metrics"]

METRICS_SCHEMA = 1


def write_metrics(path: Path, record: RunRecord) -> None:
    """Write `metrics.json`, whole or absent.

    Parameters
    ----------
    path
        Of the file; an existing one is replaced.
    record
        What the run found.

    Raises
    ------
    StorageFailure
        When the place cannot be written.
    """
    write_json(Path(path), _content(record))


def _content(record: RunRecord) -> dict[str, Any]:
    """Return the content, JSON-ready."""
    return {
        "schema": METRICS_SCHEMA,
        "name": record.name,
        "kind": record.kind,
        "synthetic": record.synthetic,
        "classes": list(record.scored.classes),
        "positive": record.scored.positive,
        "threshold": {"value": record.threshold, "rule": record.threshold_rule},
        "test": _estimates(record.metrics),
        "validation": None if record.validation is None else _estimates(record.validation),
        "folds": [_estimates(fold) for fold in record.folds],
        "operating_points": _by_name(record.operating_points),
        "baselines": _by_name(record.baselines),
        "differences": _by_name(record.differences),
        "prevalence": _by_name(record.prevalence),
        "sites": _by_name(record.by_site),
        "groups": record.scored.group_count,
        "importance": {
            "metric": record.importance_metric,
            "features": {item.feature: item.estimate.to_dict() for item in record.importance},
        },
        "leak_audit": dict(record.leak_audit),
        "facts": dict(record.facts),
        "statements": list(record.statements),
        "limits": list(record.limits),
        **record.extra_metrics,
    }


def _estimates(estimates: Estimates) -> dict[str, Any]:
    """Return estimates by name, JSON-ready."""
    return {name: estimate.to_dict() for name, estimate in estimates.items()}


def _by_name(groups: Mapping[str, Estimates]) -> dict[str, Any]:
    """Return estimates by two names, JSON-ready."""
    return {name: _estimates(estimates) for name, estimates in groups.items()}


def read_estimates(fields: Mapping[str, Any]) -> dict[str, Estimate]:
    """Return the estimates of one part of `metrics.json`, such as `test`."""
    return {name: Estimate.from_dict(dict(estimate)) for name, estimate in fields.items()}
