"""Distances between two counted distributions, with intervals and what chance alone reaches.

Counts are (n_cells,) on the same cells, reference first, each with a positive sum unless said
otherwise. Invariant: every distance is 0 for equal shares, > 0 else, and the same for any order of
cells (the ordered ones, `ks` and `wasserstein`, for any merging of equal neighbours).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from console.rules.special import chi2_quantile, chi2_sf

Floats = NDArray[np.float64]

PSEUDO_COUNT = 0.5
"""Added to every cell of a PSI, so that an empty one costs much and not infinitely much."""


def harmonic_size(n: float, m: float) -> float:
    """nm / (n + m): the rows that count when two samples are compared."""
    return n * m / (n + m) if n > 0 and m > 0 else 0.0


def shares(counts: ArrayLike, pseudo_count: float = 0.0) -> Floats:
    """Counts as shares of 1; all 0 stays all 0."""
    values = np.asarray(counts, dtype=np.float64) + pseudo_count
    total = values.sum()
    return values / total if total > 0 else values


def psi(reference: ArrayLike, current: ArrayLike, pseudo_count: float = PSEUDO_COUNT) -> float:
    """Population stability index Σ(p − q)·ln(p / q), ≥ 0, symmetric; infinite only without
    pseudo-counts.

    About δ² for a normal that moved by δ standard deviations: 0.10 = 0.32 σ, 0.25 = 0.5 σ.
    Source: Jeffreys 1946; as an index of score stability, Yurdakul and Naranjo 2020.
    """
    p, q = shares(reference, pseudo_count), shares(current, pseudo_count)
    used = (p > 0) | (q > 0)
    p, q = p[used], q[used]
    if (p == 0).any() or (q == 0).any():
        return math.inf
    return float(((p - q) * np.log(p / q)).sum())


def psi_by_chance(cells: int, n: float, m: float) -> float:
    """The PSI that 95 % of comparisons without any drift stay below: χ²₀.₉₅(cells − 1) / N."""
    if cells < 2:
        return 0.0
    return chi2_quantile(0.95, cells - 1) / harmonic_size(n, m)


def psi_p_value(value: float, cells: int, n: float, m: float) -> float:
    """P(a PSI at least this large without drift)."""
    if cells < 2:
        return 1.0
    return chi2_sf(value * harmonic_size(n, m), cells - 1)


def psi_interval(
    value: float, cells: int, n: float, m: float, confidence: float = 0.95
) -> tuple[float, float, float]:
    """(estimate, low, high) of the true PSI behind a measured one.

    PSI · N is noncentral χ² with cells − 1 degrees of freedom, so the measured value is too large
    by (cells − 1) / N on average; the estimate is without that. Simulated coverage .91 to .96.
    """
    return _noncentral(value * harmonic_size(n, m), cells - 1, harmonic_size(n, m), confidence)


def js_distance(reference: ArrayLike, current: ArrayLike) -> float:
    """Jensen-Shannon distance to base 2: 0 = equal, 1 = nothing in common.

    Source: Endres and Schindelin 2003.
    """
    return math.sqrt(max(0.0, _js_divergence(shares(reference), shares(current)) / math.log(2)))


def js_interval(
    reference: ArrayLike, current: ArrayLike, confidence: float = 0.95
) -> tuple[float, float, float]:
    """(estimate, low, high) of the true JS distance: 8N times the divergence in nats is
    noncentral χ²."""
    p, q = np.asarray(reference, float), np.asarray(current, float)
    size = 8.0 * harmonic_size(float(q.sum()), float(p.sum()))
    cells = int(((p > 0) | (q > 0)).sum())
    found = _noncentral(_js_divergence(shares(p), shares(q)) * size, cells - 1, size, confidence)
    estimate, low, high = (math.sqrt(max(0.0, v) / math.log(2)) for v in found)
    return estimate, low, min(1.0, high)


def total_variation(reference: ArrayLike, current: ArrayLike) -> float:
    """Share of rows that would have to change their cell, 0..1."""
    return float(0.5 * np.abs(shares(reference) - shares(current)).sum())


def largest_share_move(reference: ArrayLike, current: ArrayLike) -> float:
    """The largest change of any one cell's share (L∞), 0..1."""
    return float(np.abs(shares(reference) - shares(current)).max(initial=0.0))


def hellinger(reference: ArrayLike, current: ArrayLike) -> float:
    """√(1 − Σ√(p·q)), 0..1, by differences, which stay exact when both are nearly equal."""
    difference = np.sqrt(shares(reference)) - np.sqrt(shares(current))
    return math.sqrt(0.5 * float((difference**2).sum()))


def ks(reference: ArrayLike, current: ArrayLike) -> tuple[float, float]:
    """Largest gap of the cumulative shares over ordered cells, and the largest value the gap of
    the rows behind the cells can have (a cell's rows may lie anywhere in it)."""
    p, q = shares(reference), shares(current)
    gap = float(np.abs(np.cumsum(p) - np.cumsum(q)).max(initial=0.0))
    return gap, min(1.0, gap + float(np.maximum(p, q).max(initial=0.0)))


def ks_interval(gap: float, n: float, m: float, confidence: float = 0.95) -> tuple[float, float]:
    """Source: Dvoretzky, Kiefer and Wolfowitz with Massart's constant, half of α for each side."""
    width = math.log(4.0 / (1.0 - confidence)) / 2.0
    half = math.sqrt(width / n) + math.sqrt(width / m)
    return max(0.0, gap - half), min(1.0, gap + half)


def ks_p_value(gap: float, n: float, m: float) -> float:
    """Asymptotic two-sample p. Loads scipy.stats (0.8 s); screens can do without."""
    from scipy.stats import kstwo

    return float(np.clip(kstwo.sf(gap, np.round(harmonic_size(n, m))), 0.0, 1.0))


def wasserstein(
    reference_at: ArrayLike, reference: ArrayLike, current_at: ArrayLike, current: ArrayLike
) -> float:
    """∫|F − G|: how far the average row moved, in the unit of the values.

    Both sides are weights at positions; positions need not be common, order is free.
    """
    at = np.concatenate((np.asarray(reference_at, float), np.asarray(current_at, float)))
    weight = np.concatenate((shares(reference), -shares(current)))
    order = np.argsort(at, kind="stable")
    gaps = np.cumsum(weight[order])[:-1]
    return float((np.abs(gaps) * np.diff(at[order])).sum())


def wasserstein_draws(
    reference_at: Floats,
    reference: Floats,
    current_at: Floats,
    current: Floats,
    rng: np.random.Generator,
    draws: int,
) -> Floats:
    """Distances (draws,) when the counts of both sides are drawn again from themselves.

    Positions rise; at most 64 cells a side are drawn, neighbours together, which changes the
    spread of the draws by less than a hundredth and takes a quarter of the time.
    """
    reference_at, reference = _coarse(reference_at, reference)
    current_at, current = _coarse(current_at, current)
    sides = []
    for counts in (reference, current):
        total = round(float(counts.sum()))
        sides.append(rng.multinomial(total, shares(counts), size=draws) / total)
    at = np.concatenate((reference_at, current_at))
    order = np.argsort(at, kind="stable")
    weight = np.concatenate((sides[0], -sides[1]), axis=1)[:, order]
    gaps = np.cumsum(weight, axis=1)[:, :-1]
    return np.asarray(np.abs(gaps) @ np.diff(at[order]))


@dataclass(frozen=True, slots=True)
class Association:
    """A two-sample table of categories."""

    chi2: float
    chi2_p: float
    g: float
    g_p: float
    degrees: int
    cramers_v: float


def association(reference: ArrayLike, current: ArrayLike) -> Association:
    """χ², likelihood-ratio G and Cramér's V of the 2 × n_cells table, without any correction.

    Both sides are samples: a category the reference never had stays finite. Cells without rows on
    both sides are ignored; pool rare ones first (`pool_rare`).
    """
    table = np.vstack((np.asarray(reference, float), np.asarray(current, float)))
    table = table[:, table.sum(axis=0) > 0]
    total = table.sum()
    degrees = table.shape[1] - 1
    if degrees < 1 or (table.sum(axis=1) == 0).any():
        return Association(0.0, 1.0, 0.0, 1.0, 0, 0.0)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / total
    chi2 = float(((table - expected) ** 2 / expected).sum())
    logs = np.log(np.where(table > 0, table, 1.0) / expected)
    g = max(0.0, float(2 * (table * np.where(table > 0, logs, 0.0)).sum()))
    return Association(
        chi2=chi2,
        chi2_p=chi2_sf(chi2, degrees),
        g=g,
        g_p=chi2_sf(g, degrees),
        degrees=degrees,
        cramers_v=math.sqrt(chi2 / total),
    )


def pool_rare(reference: Floats, current: Floats, expected: float = 5.0) -> NDArray[np.int64]:
    """Cell → pooled cell: those with fewer than `expected` rows on either side under no drift
    share one. Cells keep their order; the pool is the last number when there is one."""
    total = reference + current
    n, m = float(current.sum()), float(reference.sum())
    smaller = min(n, m) / max(1.0, n + m)
    is_rare = total * smaller < expected
    codes = np.cumsum(~is_rare) - 1
    codes[is_rare] = int((~is_rare).sum())
    return codes


def _coarse(at: Floats, counts: Floats, cells: int = 64) -> tuple[Floats, Floats]:
    """Neighbouring cells added up, at the mean of their rows."""
    if counts.size <= cells:
        return at, counts
    starts = np.linspace(0, counts.size, cells, endpoint=False).astype(np.int64)
    merged = np.add.reduceat(counts, starts)
    middle = np.add.reduceat(at, starts) / np.diff(np.append(starts, counts.size))
    weighted = np.add.reduceat(at * counts, starts) / np.maximum(merged, 1.0)
    return np.where(merged > 0, weighted, middle), merged


def _js_divergence(p: Floats, q: Floats) -> float:
    middle = 0.5 * (p + q)

    def towards(side: Floats) -> float:
        used = side > 0
        return float((side[used] * np.log(side[used] / middle[used])).sum())

    return 0.5 * (towards(p) + towards(q))


def _noncentral(
    x: float, degrees: int, scale: float, confidence: float
) -> tuple[float, float, float]:
    """Noncentrality behind an observed χ² value: (estimate, low, high), each / scale."""
    if degrees < 1 or scale <= 0:
        return 0.0, 0.0, 0.0
    from scipy.special import chndtrinc  # a quarter of a second to load, only for drift

    tail = (1.0 - confidence) / 2.0
    low = 0.0
    if chi2_sf(x, degrees) < tail:
        low = float(chndtrinc(x, degrees, 1.0 - tail))
    high = float(chndtrinc(max(x, float(degrees)), degrees, tail))
    return max(0.0, x - degrees) / scale, low / scale, high / scale
