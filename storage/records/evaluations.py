"""What a model was judged on, beside the rows themselves: enough to judge again, or to compare."""

from __future__ import annotations

from dataclasses import dataclass

from storage.records.pipelines import Cost, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdout:
    """The file `holdout` of a run, JSON. The file `evaluation` has one row for each held-out row in
    the same order: `y` (1 = the positive class, the value, or the class position), `score`
    (probability of the positive class, or the value; `p0`, `p1` … for many classes) and one
    column `slice_<name>` (number or text) for every declared slice."""

    rows: int
    rows_digest: str
    """sha256 over the held-out rows and their truth, in order: equal digests, equal rows."""
    description: str
    """`2013-03-12 to 2013-03-31`."""
    judged_on: str
    """`flights@v3, 15 582 rows held out`."""
    task: Task
    classes: tuple[str, ...] = ()
    positive: str = ""
    threshold: float = 0.5
    cost: Cost = Cost()
    metrics: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    seed: int = 0
    row_p95_ms: float | None = None
    """95th percentile of scoring one row in process; None when it was not measured."""
