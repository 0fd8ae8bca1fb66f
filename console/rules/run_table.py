"""The table of runs: which metrics lead, which columns a file gets, what a group comes to.

The command line and the console show the same. Standard library only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from console.rules import metrics as catalog
from console.rules.filtering import Field, group_label
from console.rules.run_fields import in_reading_order
from storage.records.runs import Run

LOOKED_AT = 50
"""The newest runs decide which metrics lead."""
ASIDE = frozenset(
    {"base_rate", "positive_ratio", "artifact_bytes", "package_difference", "row_p95_ms"}
)
"""Measured always, seldom what runs are chosen by."""
_PLAIN = ("id", "state", "pipeline", "data", "model")
_LAST = (
    "duration", "rows", "seed", "commit", "dirty", "estimator", "memory", "started", "by", "parent",
    "tag", "note", "error",
)  # fmt: skip


def leading_metrics(
    runs: Sequence[Run], declared: Sequence[str] = (), *, at_most: int
) -> tuple[str, ...]:
    """Metrics worth a column: the declared ones in their order, then what most runs measured."""
    counts: Counter[str] = Counter()
    for run in [each for each in runs if each.metrics][:LOOKED_AT]:
        counts.update(run.metrics.keys())
    first = [name for name in declared if name in counts]
    known = in_reading_order(dict.fromkeys(counts, 0.0))
    rest = sorted((name for name in known if name not in ASIDE), key=lambda name: -counts[name])
    return tuple(dict.fromkeys([*first, *rest]))[:at_most]


def file_columns(fields: Mapping[str, Field[Run]], hidden: Sequence[str] = ()) -> list[str]:
    """The columns of an exported table: what a run is, every metric and parameter, the rest."""
    found = [
        *_PLAIN,
        *(name for name in fields if name.startswith("metrics.")),
        *(name for name in fields if name.startswith("params.")),
        *_LAST,
    ]
    return [name for name in found if name in fields and name not in hidden]


def file_rows(
    runs: Sequence[Run], columns: Sequence[str], fields: Mapping[str, Field[Run]]
) -> Iterator[list[Any]]:
    """Values as they are: numbers whole, times in ISO 8601, several as one text."""
    for run in runs:
        yield [_plain(fields[name].get(run)) for name in columns]


def groups(
    runs: Sequence[Run], name: str, fields: Mapping[str, Field[Run]]
) -> dict[str, list[Run]]:
    """Label -> its runs, in the order that the runs come in."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(group_label(run, name, fields[name]), []).append(run)
    return found


def best_of(runs: Sequence[Run], metric: str) -> Run | None:
    """The run with the best value of a metric; None where none has it, or no side is better."""
    measured = [run for run in runs if metric in run.metrics]
    direction = catalog.direction_of(metric.removeprefix("cv_"))
    if not measured or direction == "in":
        return None
    pick = max if direction == "ge" else min
    return pick(measured, key=lambda run: run.metrics[metric])


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (tuple, list)):
        return " ".join(map(str, value))
    return value if value is None or isinstance(value, (int, float, str, bool)) else str(value)
