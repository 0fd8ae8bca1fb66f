"""One column of two profiles: how far it moved, judged, with the pictures of both sides.

Needs the stored counts only. The primary statistic carries the verdict together with missing-ness
and new categories; the others show the same move from other sides.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from console.rules.drift import distances as d
from console.rules.drift.categories import Categories, aligned
from console.rules.drift.cells import (
    Side,
    common_edges,
    display_edges,
    scale_of,
    shown_shares,
    side_of,
    ten_cells,
)
from console.rules.drift.habits import limit
from console.rules.drift.lines import judged, missing_difference, rate_difference
from console.rules.intervals import wilson
from console.rules.verdicts import CENSUS, worst
from storage.records.drift import ColumnDrift
from storage.records.profiles import QUANTILES, ColumnProfile
from storage.records.results import Result

WASSERSTEIN_DRAWS = 300
CARRIERS = ("psi", "rate_difference", "missing_difference", "new_share")
"""What decides about a column; everything else supports."""
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT")


def column_drift(reference: ColumnProfile, current: ColumnProfile) -> ColumnDrift:
    """How far `current` moved away from `reference`, both profiles of the same column.

    Edges and dictionaries may differ; cells are then read between the stored bins and the result
    says so. Fewer than 30 rows on a side are inconclusive, no rows at all an error, only nulls
    leave missing-ness. `is_drifted` needs the q-values of a whole report and stays False here.
    """
    missing = _above_habit(
        missing_difference(
            reference.name, _missing(current), current.n, _missing(reference), reference.n
        ),
        limit(reference, current.n, "missing"),
    )
    shown = ColumnDrift(
        column=reference.name,
        kind=reference.kind,
        primary=missing,
        verdict=missing.verdict,
        null_ratio_before=_missing(reference) / reference.n if reference.n else None,
        null_ratio_after=_missing(current) / current.n if current.n else None,
    )
    if current.n == 0 or reference.n == 0:
        side = "now" if current.n == 0 else "in the reference"
        return _unknown(shown, "psi", f"there is no row {side}")
    if reference.kind != current.kind:
        reason = f"it was {reference.type} and is {current.type} now"
        return _unknown(shown, "psi", reason)
    if reference.kind in ("text", "nested"):
        return shown
    if current.n == _missing(current) or reference.n == _missing(reference):
        return shown
    if reference.kind == "categorical":
        return _categorical(shown, missing, aligned(reference, current), reference, current.n)
    return _numeric(shown, missing, reference, current)


def _numeric(
    shown: ColumnDrift, missing: Result, reference: ColumnProfile, current: ColumnProfile
) -> ColumnDrift:
    before, after = side_of(reference), side_of(current, reference)
    edges = display_edges(before, after, is_whole=reference.type.startswith(_WHOLE))
    shown = replace(
        shown,
        edges=tuple(edges.tolist()),
        before=shown_shares(before, edges),
        after=shown_shares(after, edges),
        median_before=_median(reference, before),
        median_after=_median(current, after),
    )
    if reference.kind == "timestamp":
        reason = "a time moves by itself"
        primary = Result(name="psi", scope=missing.scope, verdict="skipped", reason=reason)
        return replace(
            shown, primary=primary, supports=(missing,), verdict=worst([missing.verdict])
        )
    primary = _numeric_primary(reference, before, after, current.n)
    if reference.edges != current.edges:
        note = ("cells", "read between the bins of two profiles with edges of their own")
        primary = replace(primary, detail=(*primary.detail, note))
    supports = (
        missing,
        *_numeric_supports(reference, before, after, common_edges(reference, current), current.n),
    )
    return replace(
        shown,
        primary=primary,
        supports=supports,
        verdict=worst([primary.verdict, missing.verdict]),
    )


def _numeric_primary(reference: ColumnProfile, before: Side, after: Side, rows: int) -> Result:
    cuts = ten_cells(before)
    p, q = before.between(cuts), after.between(cuts)
    if np.count_nonzero(before.counts) == 1 and reference.min == reference.max:
        constant = reference.min if reference.min is not None else 0.0
        other = _not_equal(after, constant)
        return rate_difference(
            reference.name, other, after.n, 0, before.n, what=f"rows that are not {constant:g}"
        )
    used = (p > 0) | (q > 0)
    if used.sum() == 2 and reference.distinct_count <= 2:
        value = reference.max if reference.max is not None else 0.0
        result = rate_difference(
            reference.name,
            q[used][1],
            after.n,
            p[used][1],
            before.n,
            what=f"rows that are {value:g}",
        )
        width = value - reference.min if reference.min is not None else 0.0
        place = limit(reference, rows, "distance")
        return _above_habit(result, place / width if place is not None and width > 0 else None)
    return _psi(reference, p[used], q[used], rows)


def _numeric_supports(
    reference: ColumnProfile, before: Side, after: Side, edges: d.Floats, rows: int
) -> tuple[Result, ...]:
    name, n, m = reference.name, after.n, before.n
    scope = f"column:{name}"
    cuts = ten_cells(before)
    js, js_low, js_high = d.js_interval(before.between(cuts), after.between(cuts))
    gap, _ = d.ks(before.between(edges), after.between(edges))
    ks_low, ks_high = d.ks_interval(gap, n, m)
    results = [
        Result(name="js_distance", scope=scope, value=js, ci_low=js_low, ci_high=js_high,
               ci_method="noncentral χ²"),
        Result(name="ks", scope=scope, value=gap, ci_low=ks_low, ci_high=ks_high,
               ci_method="Dvoretzky-Kiefer-Wolfowitz"),
    ]  # fmt: skip
    outside = _outside(reference, after)
    if outside is not None:
        low, high = wilson(outside, n)
        results.append(
            Result(name="outside_share", scope=scope, value=outside / n, ci_low=low, ci_high=high,
                   ci_method="wilson")
        )  # fmt: skip
    scale, source = scale_of(reference)
    if scale > 0:
        sides = before.means, before.counts, after.means, after.counts
        value = d.wasserstein(*sides) / scale
        seed = zlib.crc32(name.encode())
        draws = d.wasserstein_draws(*sides, np.random.default_rng(seed), WASSERSTEIN_DRAWS) / scale
        low, high = np.percentile(draws - draws.mean() + value, [2.5, 97.5])
        place = limit(reference, rows, "distance")
        results.append(
            Result(name="wasserstein", scope=scope, value=value, ci_low=max(0.0, float(low)),
                   ci_high=float(high), ci_method="bootstrap, bias removed", seed=seed,
                   noise=place / scale if place is not None else None, detail=(("σ", source),))
        )  # fmt: skip
    return tuple(judged(each, round(n), round(m)) for each in results)


def _categorical(
    shown: ColumnDrift, missing: Result, cells: Categories, reference: ColumnProfile, rows: int
) -> ColumnDrift:
    name = shown.column
    p, q = cells.reference, cells.current
    n, m = float(q.sum()), float(p.sum())
    used = (p > 0) | (q > 0)
    if used.sum() == 2 and cells.new_count == 0:
        rarer = int(np.flatnonzero(used)[1])
        what = f"rows that are {cells.labels[rarer]}"
        primary = rate_difference(name, q[rarer], n, p[rarer], m, what=what)
        primary = _above_habit(primary, limit(reference, rows, "distance"))
    else:
        codes = cells.pooled()
        size = int(codes.max()) + 1
        pooled_p = _summed(codes, p, size)
        pooled_q = _summed(codes, q, size)
        filled = (pooled_p > 0) | (pooled_q > 0)
        primary = _psi(reference, pooled_p[filled], pooled_q[filled], rows)
    supports = [missing, *_categorical_supports(cells, name, n, m)]
    carriers = [primary, *(each for each in supports if each.name in CARRIERS)]
    labels, before, after = cells.shown()
    return replace(
        shown,
        primary=primary,
        supports=tuple(supports),
        verdict=worst(each.verdict for each in carriers),
        labels=labels,
        before=before,
        after=after,
        new_values=cells.new_values,
    )


def _categorical_supports(cells: Categories, name: str, n: float, m: float) -> list[Result]:
    scope = f"column:{name}"
    codes = cells.pooled()
    size = int(codes.max()) + 1
    p, q = _summed(codes, cells.reference, size), _summed(codes, cells.current, size)
    js, js_low, js_high = d.js_interval(p, q)
    table = d.association(p, q)
    results = [
        judged(
            Result(name="js_distance", scope=scope, value=js, ci_low=js_low, ci_high=js_high,
                   ci_method="noncentral χ²"),
            round(n), round(m),
        ),
        Result(name="cramers_v", scope=scope, value=table.cramers_v, n=round(n), n_ref=round(m),
               direction="le", p_value=table.g_p, reason="no limit is set",
               detail=(("G", f"{table.g:.1f}"), ("degrees of freedom", str(table.degrees)))),
    ]  # fmt: skip
    if cells.knows_new:
        low, high = wilson(cells.new_count, n)
        # Under no drift each of the new rows had the chance n / (n + m) to be a current one.
        chance = (n / (n + m)) ** cells.new_count
        results.append(
            judged(
                Result(name="new_share", scope=scope, value=cells.new_count / n, ci_low=low,
                       ci_high=high, ci_method="wilson", p_value=float(chance),
                       detail=() if cells.new_count else (CENSUS,)),
                round(n), round(m),
            )
        )  # fmt: skip
    return results


def _psi(reference: ColumnProfile, p: d.Floats, q: d.Floats, rows: int) -> Result:
    n, m, cells = float(q.sum()), float(p.sum()), int(p.size)
    raw = d.psi(p, q) if cells > 1 else 0.0
    value, low, high = d.psi_interval(raw, cells, n, m)
    size = d.harmonic_size(n, m)
    # Value and noise are both without what chance adds on average, so they can be compared.
    excess = (cells - 1) / size if size else 0.0
    result = Result(
        name="psi",
        scope=f"column:{reference.name}",
        value=value,
        ci_low=low,
        ci_high=max(high, value),
        ci_method="noncentral χ²",
        p_value=d.psi_p_value(raw, cells, n, m),
        noise=max(0.0, d.psi_by_chance(cells, n, m) - excess) if size else None,
        detail=(("cells", str(cells)), ("with chance", f"{raw:.4f}")),
    )
    return _above_habit(judged(result, round(n), round(m)), limit(reference, rows, "psi"))


def _above_habit(result: Result, habit: float | None) -> Result:
    """The record with a noise floor no lower than what the column does by itself."""
    if habit is None or habit <= (result.noise or 0.0):
        return result
    note = ("noise", "what the reference does over stretches this long")
    return replace(result, noise=habit, detail=(*result.detail, note))


def _outside(reference: ColumnProfile, after: Side) -> float | None:
    """Rows below the least or above the greatest value of the reference."""
    if reference.min is None or reference.max is None or after.n <= 0:
        return None
    reached = after.below([np.nextafter(reference.min, -np.inf), reference.max])
    return float(reached[0] + after.n - reached[1])


def _not_equal(after: Side, constant: float) -> float:
    """Rows that differ from a constant, at least.

    Its bin also holds smaller values: as many as the bin's mean lies below its end asks for.
    """
    position = int(np.searchsorted(after.edges, constant, side="left"))
    start, end = float(after.starts[position]), float(after.ends[position])
    if end != constant:
        return after.n
    below = (end - float(after.means[position])) / (end - start) if end > start else 0.0
    return after.n - float(after.counts[position]) * (1.0 - below)


def _summed(codes: NDArray[np.int64], counts: d.Floats, size: int) -> d.Floats:
    """Counts per cell of `codes`: (size,)."""
    return np.bincount(codes, weights=counts, minlength=size).astype(np.float64)


def _missing(column: ColumnProfile) -> int:
    return column.null_count + column.nan_count + column.pos_inf_count + column.neg_inf_count


def _median(column: ColumnProfile, side: Side) -> float | None:
    if len(column.quantiles) == len(QUANTILES):
        return column.quantiles[QUANTILES.index(0.5)]
    return side.quantile(0.5)


def _unknown(shown: ColumnDrift, name: str, reason: str) -> ColumnDrift:
    primary = Result(
        name=name, scope=f"column:{shown.column}", direction="le", verdict="error", reason=reason
    )
    return replace(shown, primary=primary, verdict="error")
