"""Latencies in logarithmic buckets: any quantile within 1 %, and counts that simply add.

The mapping of DDSketch (Masson, Rim and Lee, VLDB 2019): bucket k holds the values in
(γ^(k−1), γ^k] with γ = (1 + α) / (1 − α) and α = 0.01. Used by the serving process to count, by the
agent to read quantiles out of sums; standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

ALPHA: Final = 0.01
"""Largest relative error of a value or quantile."""
GAMMA: Final = (1 + ALPHA) / (1 - ALPHA)
FLOOR_MS: Final = 0.01
"""Faster answers are counted as this fast."""
_LOG_GAMMA: Final = math.log(GAMMA)


def bucket_of(latency_ms: float) -> int:
    """The bucket of a latency in milliseconds; NaN and anything below the floor go to the floor's.

    >>> bucket_of(1.0), bucket_of(100.0)
    (0, 231)
    """
    value = latency_ms if latency_ms > FLOOR_MS else FLOOR_MS
    return math.ceil(math.log(value) / _LOG_GAMMA)


def value_ms(bucket: int) -> float:
    """The value that stands for a bucket, in milliseconds: within 1 % of all that are in it.

    >>> round(value_ms(bucket_of(250.0)) / 250.0, 1)
    1.0
    """
    return 2 * GAMMA**bucket / (1 + GAMMA)


def quantile_ms(counts: Mapping[int, int], q: float) -> float | None:
    """The q-quantile (0..1) of counted latencies; None when nothing was counted.

    It is the value of the first bucket whose cumulative count exceeds q (n − 1).

    >>> round(quantile_ms({bucket_of(10.0): 98, bucket_of(500.0): 2}, 0.99) or 0)
    498
    """
    total = sum(counts.values())
    if total <= 0:
        return None
    rank, seen = q * (total - 1), 0
    last = None
    for bucket in sorted(counts):
        seen += counts[bucket]
        last = bucket
        if seen > rank:
            break
    return None if last is None else value_ms(last)


def merged(parts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Counts of disjoint parts together; the order does not matter.

    >>> merged([{1: 2}, {1: 1, 5: 4}])
    {1: 3, 5: 4}
    """
    found: dict[int, int] = {}
    for part in parts:
        for bucket, count in part.items():
            found[bucket] = found.get(bucket, 0) + count
    return found
