"""What a column does by itself: how far stretches of consecutive rows lie from their own table.

Neighbouring rows are alike: a cold week is no drift of the winter it belongs to, though each of its
rows says so. Rows are therefore not counted as independent; what a window has to exceed is how far
stretches as long as it lie from the rest of the reference. Measured once, when the reference is
profiled, on a sample of every stretch; at lengths from 50 rows to a fifth of the table. The
statistic is a distance that keeps growing outside the known range. PSI does not: a stretch in one
cell is as far off as rows can be, so that a column which follows the season could never drift.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from console.rules.drift import distances as d
from console.rules.drift.cells import side_of, ten_cells
from storage.records.profiles import ColumnProfile, Habit

Positions = NDArray[np.int64]
Codes = NDArray[np.int64]

SHORTEST: Final = 50
LONGEST_SHARE: Final = 5
"""Of five stretches that do not overlap one can still say how much they differ."""
STRETCHES: Final = 40
SAMPLED_ROWS: Final = 512
TIMES: Final = 3.0
"""How many root mean squares one more stretch stays within. Student's t for 20 independent
stretches is 2.9 at 99 %; simulated false alarms of rows that depend on each other over up to a
fifth of the reference are 1 to 5 % (tests)."""
BEYOND: Final = 1.5
"""Times the furthest stretch: no column's habit, however much its stretches differ."""
_GOLDEN: Final = 0.6180339887498949


def stretches(rows: int) -> list[tuple[int, Positions]]:
    """Per length in rows, longest first, the positions (40, ≤ 512) of sampled rows of 40 stretches.

    Starts are spread by the golden ratio, so that they fall on every phase of a day or a week.
    Empty below 1,000 rows.
    """
    found: list[tuple[int, Positions]] = []
    length = rows // LONGEST_SHARE
    while length >= SHORTEST and rows >= 20 * SHORTEST:
        count = min(length, SAMPLED_ROWS)
        starts = np.floor(np.arange(STRETCHES) * _GOLDEN % 1.0 * (rows - length + 1))
        inside = np.arange(count, dtype=np.int64) * length // count
        found.append((length, starts.astype(np.int64)[:, None] + inside))
        length //= 2
    return found


def habit(column: ColumnProfile, length: int, codes: Codes) -> Habit:
    """How far stretches of `length` rows lie from the rest of the column.

    `codes` (n_stretches, n_sampled) name the bin, or the place in `top` and `len(top)` for others,
    of every sampled row; −1 stands for missing.
    """
    sampled = codes.shape[1]
    is_missing = codes < 0
    missing = is_missing.mean(axis=1)
    is_ordered = column.kind in ("numeric", "timestamp")
    totals = column.counts if is_ordered else [*(n for _, n in column.top), column.other_count]
    total = np.asarray(totals, dtype=np.float64)
    counts = _counts(codes, total.size)
    share = sum(totals) / column.n if column.n else 0.0
    usual = 1.0 - share
    spread = usual * (1.0 - usual) / sampled
    known = counts.sum(axis=1) > 0
    rest = np.clip(total - counts * (length / sampled), 0.0, None)
    known &= rest.sum(axis=1) > 0
    counts, rest = counts[known], rest[known]
    factor = column.n / max(1, column.n - length)
    away = (missing - usual) * factor
    if is_ordered:
        side = side_of(column)
        distances = _wasserstein(side.means, rest, counts)
        cuts = np.searchsorted(side.edges, ten_cells(side), side="left")
        cells = np.searchsorted(cuts, np.arange(total.size), side="left")
    else:
        distances = 0.5 * np.abs(_shares(rest) - _shares(counts)).sum(axis=1)
        cells = d.pool_rare(total, total * (sampled / max(1.0, float(total.sum()))))
    return Habit(
        rows=length,
        distance=_root_mean_square(distances),
        furthest=float(distances.max(initial=0.0)),
        psi=_mean_psi(rest, counts, cells),
        missing=float(np.sqrt(max(0.0, float((away**2).mean()) - spread))),
    )


def limit(
    column: ColumnProfile, rows: float, what: Literal["distance", "psi", "missing"]
) -> float | None:
    """What one more stretch of so many rows would stay within; None when that is not known.

    Between two measured lengths by the logarithm of the length. A window longer than a fifth of
    the reference is held to what the longest stretches do, which is more than it would do. Far
    outside all that the stretches ever did is never a habit: 1.5 times the furthest of them.
    """
    if not column.habits:
        return None
    known = sorted(column.habits, key=lambda each: each.rows)
    lengths = np.log([each.rows for each in known])

    def at(values: list[float]) -> float:
        return float(np.interp(np.log(max(1.0, rows)), lengths, values))

    if what == "psi":
        return TIMES**2 * at([each.psi for each in known])
    if what == "missing":
        return TIMES * at([each.missing for each in known])
    furthest = BEYOND * at([each.furthest for each in known])
    return min(furthest, TIMES * at([each.distance for each in known]))


def _counts(codes: Codes, size: int) -> d.Floats:
    """Sampled rows per stretch and cell: (n_stretches, size)."""
    moved = codes + 1 + np.arange(codes.shape[0])[:, None] * (size + 1)
    counted = np.bincount(moved.ravel(), minlength=codes.shape[0] * (size + 1))
    return np.asarray(counted.reshape(codes.shape[0], size + 1)[:, 1:], dtype=np.float64)


def _shares(counts: d.Floats) -> d.Floats:
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _wasserstein(at: d.Floats, rest: d.Floats, counts: d.Floats) -> d.Floats:
    gaps = np.cumsum(_shares(rest) - _shares(counts), axis=1)[:, :-1]
    return np.asarray(np.abs(gaps) @ np.diff(at))


def _mean_psi(rest: d.Floats, counts: d.Floats, cells: Codes) -> float:
    """Mean over the stretches of the PSI on joined cells, without what chance adds."""
    size = int(cells.max(initial=0)) + 1
    if size < 2 or not counts.shape[0]:
        return 0.0
    joining = np.zeros((cells.size, size))
    joining[np.arange(cells.size), cells] = 1.0
    values = []
    for p, q in zip(rest @ joining, counts @ joining, strict=True):
        used = (p > 0) | (q > 0)
        chance = (int(used.sum()) - 1) / d.harmonic_size(float(q.sum()), float(p.sum()))
        values.append(max(0.0, d.psi(p[used], q[used]) - chance))
    return float(np.mean(values))


def _root_mean_square(values: d.Floats) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0
