"""What a metric with steps comes to: its last, smallest, largest or best value, per run.

The agent, the command line and the console condense the same way. Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, get_args

from console.rules import metrics as catalog
from storage.records.results import Direction
from storage.records.runs import Aggregate, History, HistoryComparison

AGGREGATES: Final[tuple[Aggregate, ...]] = get_args(Aggregate)
_PARTS: Final = ("train", "valid", "fold", "cv")
"""What the name of a history may begin with; the rest is the metric's name."""


def metric_of(name: str) -> str:
    """The metric a history is of.

    >>> metric_of("valid_log_loss"), metric_of("accuracy")
    ('log_loss', 'accuracy')
    """
    part, _, rest = name.partition("_")
    return rest if part in _PARTS and rest else name


def label_of(name: str) -> str:
    """For people.

    >>> label_of("valid_log_loss")
    'valid log loss'
    """
    metric = metric_of(name)
    part = name.removesuffix(metric).rstrip("_")
    return f"{part} {catalog.label_of(metric)}".strip()


def direction_of(name: str) -> Direction:
    """Which way is better: the catalog's, and lower for whatever calls itself a loss or an error.

    >>> direction_of("valid_log_loss"), direction_of("train_loss"), direction_of("accuracy")
    ('le', 'le', 'ge')
    """
    metric = metric_of(name)
    if metric not in catalog.CATALOG and metric.endswith(("loss", "error")):
        return "le"
    return catalog.direction_of(metric)


def condense(history: History, how: Aggregate) -> tuple[int, float]:
    """Step and value that stand for a history of at least one step; of equals the first."""
    if how == "last":
        return history.steps[-1], history.values[-1]
    is_largest = how == "max" or (how == "best" and direction_of(history.metric) != "le")
    places = range(len(history.values))
    place = (max if is_largest else min)(places, key=lambda at: history.values[at])
    return history.steps[place], history.values[place]


def condensed(
    run_ids: Sequence[int], histories: Sequence[History], how: Aggregate
) -> tuple[HistoryComparison, ...]:
    """Every metric with steps across runs, the first run being the baseline."""
    found = {(each.metric, each.run_id): each for each in histories if each.values}
    rows = []
    for name in dict.fromkeys(each.metric for each in histories if each.values):
        pairs = [
            condense(found[name, run_id], how) if (name, run_id) in found else (None, None)
            for run_id in run_ids
        ]
        base = pairs[0][1]
        rows.append(
            HistoryComparison(
                metric=name,
                values=tuple(value for _, value in pairs),
                at_steps=tuple(step for step, _ in pairs),
                deltas=tuple(
                    None if value is None or base is None else value - base for _, value in pairs
                ),
            )
        )
    return tuple(rows)
