"""What can be asked of runs in a filter: `roc_auc > 0.7 and max_depth < 8 and data = flights@v3`.

The command line, the agent and the console's table use the same fields. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from console.rules import metrics as catalog
from console.rules.filtering import Field
from storage.records.runs import Run


def run_fields(runs: Iterable[Run]) -> dict[str, Field[Run]]:
    """Return the fields of these runs: the fixed ones, and a field per metric and parameter."""
    fields: dict[str, Field[Run]] = {
        "id": Field(lambda run: run.id, "number"),
        "pipeline": Field(lambda run: run.pipeline),
        "state": Field(lambda run: run.state),
        "data": Field(_data),
        "model": Field(lambda run: run.model or None),
        "by": Field(lambda run: run.created_by),
        "note": Field(lambda run: run.note or None),
        "tag": Field(lambda run: run.tags or None),
        "seed": Field(lambda run: run.seed, "number"),
        "commit": Field(lambda run: run.code.get("commit")),
        "error": Field(lambda run: run.error or None),
        "started": Field(lambda run: run.started_at, "time"),
        "duration": Field(lambda run: run.duration_s, "seconds"),
        "rows": Field(lambda run: run.rows_train, "number"),
        "parent": Field(lambda run: run.parent_id, "number"),
    }
    metrics: set[str] = set()
    params: set[str] = set()
    for run in runs:
        metrics.update(run.metrics)
        params.update(run.params)
    for name in sorted(metrics):
        fields[f"metrics.{name}"] = Field(_metric(name), "number")
    for name in sorted(params):
        fields[f"params.{name}"] = Field(_param(name))
    return fields


def in_reading_order(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics with the leading ones of every task first, then as the catalog has them.

    >>> list(in_reading_order({"artifact_bytes": 1.0, "accuracy": 0.7, "roc_auc": 0.7}))
    ['roc_auc', 'accuracy', 'artifact_bytes']
    """
    return dict(sorted(metrics.items(), key=lambda pair: _PLACES.get(pair[0], len(_PLACES))))


_PLACES = {
    name: place
    for place, name in enumerate(
        dict.fromkeys(
            (*(name for names in catalog.DEFAULTS.values() for name in names), *catalog.CATALOG)
        )
    )
}


def _metric(name: str) -> Callable[[Run], Any]:
    return lambda run: run.metrics.get(name)


def _param(name: str) -> Callable[[Run], Any]:
    return lambda run: run.params.get(name)


def _data(run: Run) -> tuple[str, ...]:
    return tuple(f"{use.dataset}@v{use.version}" for use in run.data)
