"""Two category profiles on one dictionary: known values, the rest, and values never seen before.

Used by the drift of columns. Invariant: no row of either side is lost or counted twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from console.rules.binning import NEW
from console.rules.drift.distances import Floats, pool_rare
from storage.records.profiles import ColumnProfile

OTHER: Final = "(other)"
SHOWN: Final = 14


@dataclass(frozen=True, slots=True)
class Categories:
    """Counts per label on both sides; the last cell is always NEW, the one before it OTHER."""

    labels: tuple[str, ...]
    reference: Floats
    current: Floats
    new_values: tuple[tuple[str, int], ...]
    """At most 20, most frequent first."""
    knows_new: bool
    """False when the reference's dictionary was cut: a value outside it may have been there."""

    @property
    def new_count(self) -> int:
        return int(self.current[-1])

    def pooled(self) -> NDArray[np.int64]:
        """Cell → cell after rare ones were put together; new values stay by themselves."""
        codes = pool_rare(self.reference[:-1], self.current[:-1])
        return np.append(codes, int(codes.max(initial=-1)) + 1)

    def shown(self) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
        """Labels and shares for a picture: the most frequent, the rest, the new ones."""
        order = np.argsort(-(self.reference[:-2] + self.current[:-2]), kind="stable")
        first, rest = order[: SHOWN - 2], order[SHOWN - 2 :]
        labels = [self.labels[i] for i in first]
        columns = []
        for counts in (self.reference, self.current):
            total = max(1.0, float(counts.sum()))
            other = float(counts[rest].sum() + counts[-2])
            columns.append(([*(counts[first] / total).tolist(), other / total], counts[-1] / total))
        (before, new_before), (after, new_after) = columns
        if before[-1] or after[-1]:
            labels.append(OTHER)
        else:
            before.pop()
            after.pop()
        if new_after:
            labels.append(NEW)
            before.append(float(new_before))
            after.append(float(new_after))
        return tuple(labels), tuple(before), tuple(after)


def aligned(reference: ColumnProfile, current: ColumnProfile) -> Categories:
    """Both on one dictionary. A value that one side may hold in its uncounted rest is counted as
    other on both, so that a cut dictionary never looks like drift."""
    before, after = Counter(dict(reference.top)), Counter(dict(current.top))
    told_new = after.pop(NEW, 0)
    other_before, other_after = reference.other_count, current.other_count
    knows_new = reference.other_count == 0
    new: list[tuple[str, int]] = []
    for value in sorted(set(before) | set(after)):
        if value not in before:
            if knows_new:
                new.append((value, after[value]))
            else:
                other_after += after[value]
            del after[value]
        elif value not in after and current.other_count:
            other_before += before.pop(value)
    labels = sorted(before, key=lambda value: (-before[value], value))
    counts_before = [before[v] for v in labels] + [other_before, 0]
    counts_after = [after.get(v, 0) for v in labels]
    counts_after += [other_after, told_new + sum(count for _, count in new)]
    new.sort(key=lambda pair: (-pair[1], pair[0]))
    return Categories(
        labels=(*labels, OTHER, NEW),
        reference=np.array(counts_before, dtype=np.float64),
        current=np.array(counts_after, dtype=np.float64),
        new_values=tuple(new[:20]),
        knows_new=knows_new or told_new > 0,
    )
