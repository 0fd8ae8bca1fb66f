"""Groups of rows judged by themselves: where a model is worse than on the rest.

Called by the worker with what `evaluate_*` gives for a subset of rows. Invariants: a group too
small to judge is listed and says so; looking at many groups is paid for (Holm's q-values).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from console.rules import metrics
from console.rules.intervals import z_value
from console.rules.multiplicity import holm
from console.rules.verdicts import TOO_FEW
from console.text import general
from storage.records.results import Result

Mask = NDArray[np.bool_]

MIN_ROWS: Final = 50
MIN_RARE_ROWS: Final = 10
SHRINKAGE_ROWS: Final = 50
"""A slice counts for ranking as if so many average rows were in it, too."""
NULL: Final = "(null)"


def slice_groups(
    columns: Mapping[str, ArrayLike], *, bins: int = 4, with_pairs: bool = True, limit: int = 60
) -> dict[str, Mask]:
    """Name → rows of every group: `origin=LGA`, `hour=6 to 11`, `origin=LGA, hour=6 to 11`.

    Columns are (n_rows,), any type. Numbers with more than 12 values are cut into `bins` of equal
    count; null is a group of its own. At most `limit` groups, the largest first.
    """
    single = {name: _labels(name, values, bins) for name, values in columns.items()}
    masks = {
        label: codes == label for codes in single.values() for label in sorted(set(codes.tolist()))
    }
    if with_pairs:
        for one, other in itertools.combinations(single.values(), 2):
            both = np.char.add(np.char.add(one, ", "), other)
            masks |= {label: both == label for label in sorted(set(both.tolist()))}
    largest = sorted(masks.items(), key=lambda item: (-int(item[1].sum()), item[0]))
    return {name: mask for name, mask in largest[:limit] if not mask.all()}


def evaluate_slices(
    groups: Mapping[str, Mask],
    evaluate: Callable[[Mask, str], Sequence[Result]],
    *,
    rare_class: NDArray[np.bool_] | None = None,
) -> tuple[Result, ...]:
    """Every metric of every group, worst first.

    `evaluate(rows, scope)` gives the metrics of the rows of a mask (n_rows,). `rare_class`
    (n_rows,) marks one class of two: fewer than 10 rows of either make a group too small. Each
    result carries `p_value` of group against rest (two-sided, normal), `q_value` after Holm over
    the groups of the same metric, and in `detail` the rest's value and the shrunken estimate
    (θ_s·n + θ·50)/(n + 50) by which groups are ranked.
    """
    found: dict[str, list[Result]] = {}
    whole: dict[str, float] = {}
    for name, mask in groups.items():
        if not whole:
            everything = evaluate(np.ones_like(mask), "")
            whole = {r.name: r.value for r in everything if r.value is not None}
        scope = f"slice:{name}"
        rest = {r.name: r for r in evaluate(~mask, "")}
        for result in evaluate(mask, scope):
            other = rest.get(result.name)
            if other is None or result.scope != scope:
                continue
            compared = _against_rest(result, other, whole.get(result.name), int(mask.sum()))
            found.setdefault(result.name, []).append(_guarded(compared, mask, rare_class))
    return tuple(result for results in found.values() for result in _ranked(results, whole))


def _labels(name: str, values: ArrayLike, bins: int) -> NDArray[np.str_]:
    column = np.asarray(values)
    if column.dtype == object:
        texts = [NULL if v is None or v != v else str(v) for v in column.tolist()]
        return np.array([f"{name}={text}" for text in texts])
    if column.dtype.kind not in "iuf" or np.unique(column).size <= 12:
        return np.array([f"{name}={_written(v)}" for v in column.tolist()])
    finite = np.isfinite(column)
    edges = np.unique(np.quantile(column[finite], np.linspace(0, 1, bins + 1)))
    codes = np.clip(np.searchsorted(edges, column, side="left"), 1, max(1, edges.size - 1)) - 1
    # Bins end with their upper edge, so whole numbers begin one above the edge before.
    step = 1.0 if column.dtype.kind in "iu" else 0.0
    starts = [float(edges[0]), *(float(edge) + step for edge in edges[1:-1])]
    names = [
        f"{name}={general(low)} to {general(float(high))}"
        for low, high in zip(starts, edges[1:], strict=True)
    ]
    return np.where(finite, np.array(names)[codes], f"{name}={NULL}")


def _written(value: object) -> str:
    if value is None or value != value:
        return NULL
    return general(value) if isinstance(value, float) else str(value)


def _against_rest(result: Result, rest: Result, whole: float | None, rows: int) -> Result:
    if result.value is None or rest.value is None:
        return result
    error = math.hypot(_standard_error(result), _standard_error(rest))
    z = (result.value - rest.value) / error if error else 0.0
    shrunk = result.value
    if whole is not None:
        shrunk = (result.value * rows + whole * SHRINKAGE_ROWS) / (rows + SHRINKAGE_ROWS)
    detail = (
        *result.detail,
        ("rest", metrics.show(rest.value, result.name)),
        ("shrunken", f"{shrunk:.6g}"),
    )
    return replace(result, p_value=math.erfc(abs(z) / math.sqrt(2)), detail=detail)


def _guarded(result: Result, mask: Mask, rare_class: NDArray[np.bool_] | None) -> Result:
    rows = int(mask.sum())
    reason = ""
    if rows < MIN_ROWS:
        reason = f"too small: {rows} rows, {MIN_ROWS} are needed"
    elif rare_class is not None:
        rare = int((mask & rare_class).sum())
        rare = min(rare, rows - rare)
        if rare < MIN_RARE_ROWS:
            reason = f"too small: {rare} rows of the rarer class, {MIN_RARE_ROWS} are needed"
    # The group's own guard replaces the stricter one for whole evaluations.
    detail = tuple(pair for pair in result.detail if pair[0] != TOO_FEW)
    return replace(result, detail=(*detail, (TOO_FEW, reason)) if reason else detail)


def _ranked(results: list[Result], whole: Mapping[str, float]) -> list[Result]:
    judged = [i for i, r in enumerate(results) if r.p_value is not None and not _is_small(r)]
    adjusted = holm([results[i].p_value or 0.0 for i in judged])
    for index, q in zip(judged, adjusted, strict=True):
        results[index] = replace(results[index], q_value=q)

    def badness(result: Result) -> tuple[bool, float]:
        shrunk = float(dict(result.detail).get("shrunken", "nan"))
        if shrunk != shrunk:
            return True, 0.0
        direction = metrics.direction_of(result.name)
        if direction == "in":
            shrunk = -abs(shrunk - whole.get(result.name, shrunk))
        return _is_small(result), -shrunk if direction == "le" else shrunk

    return sorted(results, key=badness)


def _is_small(result: Result) -> bool:
    return TOO_FEW in dict(result.detail)


def _standard_error(result: Result) -> float:
    if result.ci_low is None or result.ci_high is None:
        return 0.0
    return (result.ci_high - result.ci_low) / 2 / z_value(result.confidence)
