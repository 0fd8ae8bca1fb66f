"""Looking at many things at once: p-values adjusted so that chance finds are not taken for real.

Standard library only. All functions take p-values in any order and give adjusted ones in the same
order, each ≥ its p and ≤ 1; an empty list gives an empty list.
"""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Family-wise error: the chance of even one false find stays under α. Source: Holm 1979."""
    n = len(p_values)
    adjusted = [0.0] * n
    highest = 0.0
    for rank, index in enumerate(sorted(range(n), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (n - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """False discovery rate of independent or positively related tests.

    Source: Benjamini and Hochberg 1995.
    """
    return _step_up(p_values, 1.0)


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """False discovery rate however the tests depend on each other.

    Source: Benjamini and Yekutieli 2001.
    """
    return _step_up(p_values, sum(1.0 / i for i in range(1, len(p_values) + 1)))


def _step_up(p_values: Sequence[float], factor: float) -> list[float]:
    n = len(p_values)
    adjusted = [0.0] * n
    lowest = 1.0
    for rank, index in enumerate(sorted(range(n), key=p_values.__getitem__, reverse=True)):
        lowest = min(lowest, p_values[index] * (n * factor / (n - rank)))
        adjusted[index] = lowest
    return adjusted
