"""Jobs that wait for one another: who would wait for itself.

Pure; standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


def cycle(job: int, after: Sequence[int], waits_for: Callable[[int], Sequence[int]]) -> list[int]:
    """The way from `job` through `after` back to itself; empty when there is none.

    >>> cycle(1, [3], {2: [1], 3: [2]}.__getitem__)
    [1, 3, 2, 1]
    """
    seen: set[int] = set()
    ways = [[job, needed] for needed in after]
    while ways:
        way = ways.pop()
        last = way[-1]
        if last == job:
            return way
        if last not in seen:
            seen.add(last)
            ways += [[*way, needed] for needed in waits_for(last)]
    return []
