"""What can be asked of runs: `roc_auc > 0.7 and max_depth < 8 and data = flights@v3`, and in which
order and groups they are shown.

The command line, the agent and the console's table use the same fields. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from console.errors import UsageError
from console.rules import filter_values
from console.rules import metrics as catalog
from console.rules.filtering import Field, parse
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
        "estimator": Field(lambda run: run.code.get("estimator")),
        "branch": Field(lambda run: run.code.get("branch")),
        "dirty": Field(lambda run: run.code.get("is_dirty")),
        "memory": Field(lambda run: run.peak_rss_bytes, "number"),
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


def find_field(name: str, fields: Mapping[str, Field[Run]], purpose: str) -> str:
    """The full name of a field; the prefix may be left out. Raises with the nearest one."""
    if name in fields:
        return name
    ends = [each for each in fields if each.endswith(f".{name}")]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise UsageError(
            f"{purpose} {name!r}: that could be {' or '.join(sorted(ends))}.",
            hint="Write it with its prefix.",
        )
    near = filter_values.nearest(name, fields)
    raise UsageError(
        f"{purpose} {name!r}: runs have no such field.",
        hint=f"Did you mean {near}?" if near else f"Fields: {', '.join(list(fields)[:8])}, …",
    )


def ordered(
    runs: Sequence[Run], sort: Sequence[str], fields: Mapping[str, Field[Run]]
) -> list[Run]:
    """Runs by several fields, the first decides: metrics the best first, all else the smallest.

    A leading `-` turns a field round. Runs that lack it come last either way. Raises `UsageError`
    for a field there is not.
    """
    found = list(runs)
    for word in reversed(sort):
        name = find_field(word.removeprefix("-"), fields, "runs cannot be sorted by")
        get = fields[name].get
        is_falling = starts_falling(name) != word.startswith("-")
        keyed = [(sortable(get(run)), run) for run in found]
        present = [(key, run) for key, run in keyed if key is not None and key[1] == key[1]]
        missing = [run for key, run in keyed if key is None or key[1] != key[1]]
        present.sort(key=lambda pair: pair[0], reverse=is_falling)
        found = [run for _, run in present] + missing
    return found


def starts_falling(field: str) -> bool:
    """Whether the best value of a field is its largest."""
    metric = field.removeprefix("metrics.").removeprefix("cv_")
    return field.startswith("metrics.") and catalog.direction_of(metric) != "le"


def unmatched(wanted: str, runs: Sequence[Run], fields: Mapping[str, Field[Run]]) -> str:
    """Why a filter finds none of these runs: the term at fault, and the nearest value there is."""
    span = parse(wanted, fields).fault(runs)
    term = wanted[span[0] : span[1]] if span else wanted
    sentence = f"none is left by {term!r}"
    found = _EQUALS.fullmatch(term.strip())
    if found is None:
        return f"{sentence}."
    try:
        field = fields[find_field(found["field"], fields, "")]
    except UsageError:
        return f"{sentence}."
    values: set[str] = set()
    for run in runs:
        value = field.get(run)
        values.update(map(str, value if isinstance(value, tuple) else [value]))
    near = filter_values.nearest(found["value"].strip('"'), values - {"None"})
    return f"{sentence}; did you mean {near}?" if near else f"{sentence}."


_EQUALS = re.compile(r"(?P<field>[\w.]+)\s*(=|==|:)\s*(?P<value>\S+)")


def sortable(value: Any) -> tuple[int, Any] | None:
    """Numbers before texts, so that a parameter of both kinds can be sorted; None stays None."""
    if value is None:
        return None
    if isinstance(value, (int, float)):
        return 0, value
    return (1, value.isoformat()) if isinstance(value, datetime) else (2, str(value))


def _metric(name: str) -> Callable[[Run], Any]:
    return lambda run: run.metrics.get(name)


def _param(name: str) -> Callable[[Run], Any]:
    return lambda run: run.params.get(name)


def _data(run: Run) -> tuple[str, ...]:
    return tuple(f"{use.dataset}@v{use.version}" for use in run.data)
