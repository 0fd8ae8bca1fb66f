"""Where ticks stand: steps of 1, 2 or 5, labels that do not jump.

A vertical scale fixes how many whole rows lie between two ticks first and derives the range from
that, so that every tick is the centre of a row. Horizontal ticks are round numbers or round times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from console.text import fixed

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIME_STEPS_S: Final = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200),
    *(86400, 172800, 604800, 1209600, 2419200),
)
_LIKED: Final = {5: 1.0, 4: 1.0, 3: 0.97, 2: 0.6}
_EDGE_ROWS: Final = 0.3
"""How far beyond the centre of the outermost row a value may lie and still be drawn in it."""

Ticks = list[tuple[float, str]]
"""Value and label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScale:
    """A vertical scale; row 0 is the top row, whole numbers are row centres."""

    top: float
    """Value at the centre of row 0."""
    per_row: float
    """Value from one row to the next; positive."""
    ticks: tuple[tuple[int, float], ...]
    """Row and value, from the top."""
    decimals: int
    is_log: bool = False

    def row(self, value: float) -> float:
        if self.is_log:
            value = math.log10(value) if value > 0 else -math.inf
        return (self.top - value) / self.per_row

    def labels(self, write: Callable[[float], str] | None = None) -> list[tuple[int, str]]:
        """Row and text of every tick."""
        if self.is_log:
            return [(row, (write or _power)(10.0**value)) for row, value in self.ticks]
        return [
            (row, write(value) if write else fixed(value, self.decimals))
            for row, value in self.ticks
        ]


def _power(value: float) -> str:
    return fixed(value, 0) if value >= 1 else f"{value:g}"


def step_decimals(step: float) -> int:
    """Decimals that a tick of this step needs: 0.25 two, 0.5 one, 20 none."""
    for decimals in range(10):
        if abs(round(step, decimals) - step) < 1e-9 * step:
            return decimals
    return 10


def _nice_steps(least: float) -> list[float]:
    """The first few round steps that are at least `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    found = [power * scale * factor for scale in (1, 10) for factor in _STEPS[:-1]]
    return [step for step in found if step >= least * (1 - 1e-9)][:4]


def row_scale(
    low: float,
    high: float,
    rows: int,
    *,
    floor: float | None = None,
    is_log: bool = False,
) -> RowScale:
    """The scale of `rows` rows on which `low` to `high` fills most and ticks are round.

    `floor` is a value that must be a tick (0 for rates and times). Three to five ticks where the
    height allows it. A logarithmic scale needs positive values and ticks at whole powers.
    """
    if is_log:
        low, high = math.log10(max(low, 1e-12)), math.log10(max(high, 1e-12))
    if floor is not None and not is_log:
        low, high = min(low, floor), max(high, floor)
    if not high > low:
        room = max(abs(high) * 0.1, 0.5 if is_log else 1e-9) or 1.0
        high += room
        low = low if floor == low else low - room
    best: tuple[float, RowScale] | None = None
    for count in (5, 4, 3, 2):
        gap = (rows - 1) // (count - 1)
        if gap < 1:
            continue
        found = _fit(low, high, rows, count, gap, floor, is_log)
        used = (high - low) / ((rows - 1) * found.per_row)
        liking = _LIKED[count] * (0.6 if gap == 1 and rows > 3 else 1.0)
        liking *= 1 - 0.05 * max(0, gap - 5)
        # Rows above the highest tick have no yardstick.
        liking *= 1 - 0.5 * (rows - 1 - (count - 1) * gap) / (rows - 1)
        if best is None or used * liking > best[0] + 1e-9:
            best = (used * liking, found)
    if best is not None:
        return best[1]
    middle = (low + high) / 2
    return RowScale(top=middle, per_row=high - low, ticks=((0, middle),), decimals=3, is_log=is_log)


def _fit(
    low: float, high: float, rows: int, count: int, gap: int, floor: float | None, is_log: bool
) -> RowScale:
    spare = rows - 1 - (count - 1) * gap
    least = (high - low) / (count - 1 + (spare + 2 * _EDGE_ROWS) / gap)
    steps = [max(1.0, math.ceil(least))] if is_log else _nice_steps(least)
    for step in (*steps, steps[-1] * 10):
        edge = _EDGE_ROWS * step / gap
        base = math.floor((low + edge) / step + 1e-9) * step
        if floor is not None and not is_log:
            base = floor - math.ceil((floor - low - edge) / step - 1e-9) * step
        top = base + (count - 1) * step
        if top + spare * step / gap + edge >= high - 1e-9 * step:
            break
    per_row = step / gap
    # Rows to spare go above: the lowest tick is the ground line.
    ticks = tuple((spare + index * gap, top - index * step) for index in range(count))
    return RowScale(
        top=top + spare * per_row,
        per_row=per_row,
        ticks=ticks,
        decimals=step_decimals(step),
        is_log=is_log,
    )


def number_ticks(low: float, high: float, width: int, label_width: int = 5) -> Ticks:
    """Round numbers from `low` to `high`, as many as `width` cells hold with room between."""
    if not high > low:
        return [(low, fixed(low, 0 if low == int(low) else 2))]
    most = max(2, width // (label_width + 5))
    step = _nice_steps((high - low) / most)[0]
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    decimals = step_decimals(step)
    return [
        (index * step, fixed(index * step, decimals)) for index in range(int(first), int(last) + 1)
    ]


def time_ticks(low_s: float, high_s: float, width: int, zone: tzinfo = UTC) -> Ticks:
    """Round times between two moments (seconds since 1970), written in `zone`."""
    most = max(2, width // 11)
    span = max(1e-9, high_s - low_s)
    step = next((s for s in _TIME_STEPS_S if span / s <= most), _TIME_STEPS_S[-1])
    shift = datetime.fromtimestamp(low_s, zone).utcoffset()
    offset = shift.total_seconds() if shift else 0.0
    first = math.ceil((low_s + offset) / step - 1e-9)
    last = math.floor((high_s + offset) / step + 1e-9)
    form = "%d %b" if step >= 86400 else "%H:%M" if step >= 60 else "%H:%M:%S"
    moments = [index * step - offset for index in range(int(first), int(last) + 1)]
    return [(at, datetime.fromtimestamp(at, zone).strftime(form)) for at in moments]


def place_labels(
    ticks: Sequence[tuple[float, str]], low: float, high: float, width: int
) -> list[tuple[int, str]]:
    """Columns for labels centred on their ticks, kept inside, without two touching."""
    placed: list[tuple[int, str]] = []
    free = 0
    span = (high - low) or 1.0
    for value, label in ticks:
        if not low - 1e-9 * span <= value <= high + 1e-9 * span:
            continue
        centre = (value - low) / span * (width - 1)
        left = min(max(0, round(centre - (len(label) - 1) / 2)), width - len(label))
        if left >= free:
            placed.append((left, label))
            free = left + len(label) + 2
    return placed


def nudge(
    wanted: Sequence[float], rows: int, weights: Sequence[float] | None = None
) -> list[int | None]:
    """Rows for labels that want to stand at `wanted`: one each, order kept, least total move.

    A label of more weight moves less. With more labels than rows the last of the sequence get
    None, so put the most important first.
    """
    order = sorted(range(min(len(wanted), rows)), key=lambda index: (wanted[index], index))
    pools: list[tuple[float, float, int]] = []
    for place, index in enumerate(order):
        weight = weights[index] if weights else 1.0
        pools.append(((wanted[index] - place) * weight, weight, 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            (total, heavy, many), (more, extra, few) = pools[-2:]
            pools[-2:] = [(total + more, heavy + extra, many + few)]
    result: list[int | None] = [None] * len(wanted)
    place = 0
    for total, heavy, many in pools:
        start = min(max(0, int(total / heavy + 0.5)), rows - len(order))
        for index in order[place : place + many]:
            result[index] = start + place
            place += 1
    return result
