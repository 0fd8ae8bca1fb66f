"""Accuracy of served predictions from counts: what labels say, with its interval.

Pure. Invariant: a figure is about the predictions of its bucket of time, whenever their labels
came; one that its labels cannot give yet is None, never 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from console.rules.intervals import wilson, z_value
from storage.records.traffic import AccuracyCounts

FALLBACK: Final = {"binary": "accuracy", "multiclass": "accuracy", "regression": "mae"}
"""What is shown when the wanted metric cannot be had from counts of decisions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Realised:
    """A metric over labelled predictions."""

    value: float
    low: float | None
    high: float | None
    n: int
    """Its own denominator, e.g. the positives for recall."""


def metric_for(wanted: str, task: str) -> str:
    """The metric that is shown: the wanted one, or the task's fallback."""
    known = ("mae", "rmse") if task == "regression" else (*_PARTS, *_RATIOS)
    return wanted if wanted in known else FALLBACK[task]


def realised(metric: str, counts: AccuracyCounts) -> Realised | None:
    """The metric over what is labelled; None without labels to tell.

    >>> from datetime import UTC, datetime
    >>> counts = AccuracyCounts(at=datetime(2026, 1, 1, tzinfo=UTC), n=20, tp=6, fp=2, tn=8, fn=4,
    ...     errors=0, absolute_total=0.0, squared_total=0.0)
    >>> [realised(metric, counts).value for metric in ("accuracy", "recall", "precision")]
    [0.7, 0.6, 0.75]
    """
    if metric in _PARTS:
        good, of = _PARTS[metric]
        n = sum(getattr(counts, name) for name in of)
        if n <= 0:
            return None
        k = sum(getattr(counts, name) for name in good)
        low, high = wilson(k, n)
        return Realised(value=k / n, low=low, high=high, n=n)
    if metric in _RATIOS:
        value = _RATIOS[metric](counts)
        if value is None:
            return None
        return Realised(value=value, low=None, high=None, n=counts.labelled)
    return _of_errors(metric, counts)


def _of_errors(metric: str, counts: AccuracyCounts) -> Realised | None:
    n = counts.errors
    if n <= 0:
        return None
    mean, square = counts.absolute_total / n, counts.squared_total / n
    if metric == "rmse":
        return Realised(value=math.sqrt(square), low=None, high=None, n=n)
    spread = z_value() * math.sqrt(max(0.0, square - mean**2) / n)
    return Realised(value=mean, low=max(0.0, mean - spread), high=mean + spread, n=n)


def _f1(c: AccuracyCounts) -> float | None:
    whole = 2 * c.tp + c.fp + c.fn
    return 2 * c.tp / whole if whole > 0 else None


def _balanced(c: AccuracyCounts) -> float | None:
    positives, negatives = c.tp + c.fn, c.tn + c.fp
    if positives <= 0 or negatives <= 0:
        return None
    return 0.5 * (c.tp / positives + c.tn / negatives)


def _mcc(c: AccuracyCounts) -> float | None:
    scale = (c.tp + c.fp) * (c.tp + c.fn) * (c.tn + c.fp) * (c.tn + c.fn)
    return (c.tp * c.tn - c.fp * c.fn) / math.sqrt(scale) if scale > 0 else None


_PARTS: Final = {
    "accuracy": (("tp", "tn"), ("tp", "fp", "tn", "fn")),
    "recall": (("tp",), ("tp", "fn")),
    "precision": (("tp",), ("tp", "fp")),
    "specificity": (("tn",), ("tn", "fp")),
    "npv": (("tn",), ("tn", "fn")),
}
_RATIOS: Final = {"f1": _f1, "balanced_accuracy": _balanced, "mcc": _mcc}
