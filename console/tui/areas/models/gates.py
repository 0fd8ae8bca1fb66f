"""How gates are drawn: one row each, all on one axis where 0 is *must* and 1 is *want*.

The bars that cross `must` are the answer; grey bars below need no reading.
"""

from __future__ import annotations

from collections.abc import Callable

from console import text
from console.rules import gates as rules
from console.rules import metrics
from console.tui.ink import Line, Part
from console.tui.signs import said, value_ink
from console.tui.widgets.intervals import (
    Interval,
    Yardstick,
    interval_line,
    relative_to,
    verticals_line,
)
from console.tui.widgets.table_layout import Column
from storage.records.models import GateReport
from storage.records.results import Result

AXIS = Yardstick.between()
CHART_CELLS, CHART_CELLS_NARROW = 26, 18


def gate_columns(cells: int = CHART_CELLS) -> list[Column[Result]]:
    """Columns of the gate table; limits, value, interval, probability, bar, verdict."""
    return [
        Column(key="gate", head="gate", cell=gate_name, least=12, grow=1, is_name=True,
               meaning="what the team asks for"),
        Column(key="must", head="must", align="right", ink="quiet", cell=must,
               meaning="stops a promotion when it is not reached"),
        Column(key="want", head="want", align="right", ink="quiet", rank=70,
               cell=lambda each: _number(each, each.target), meaning="reached or a warning"),
        Column(key="got", head="got", align="right", cell=_got),
        Column(key="interval", head="95 % interval", align="right", ink="quiet", rank=60,
               cell=_interval, meaning="where the true value is, 95 times in 100"),
        Column(key="p", head="P", align="right", rank=65, ink="quiet",
               cell=lambda each: text.fixed(each.p_meet, 2),
               meaning="probability that the true value meets the limit"),
        Column(key="bar", width=cells, rank=50, draw=_bar,
               draw_gap=lambda width: interval_line(None, AXIS, width),
               draw_head=lambda width: verticals_line(AXIS, width)),
        Column(key="verdict", head="verdict", width=14, rank=45,
               cell=lambda each: said(each.verdict), sort=lambda each: _ORDER.get(each.verdict, 9)),
    ]  # fmt: skip


_ORDER = {"fail": 0, "error": 1, "inconclusive": 2, "warn": 3, "pass": 4, "skipped": 5}


def gate_name(result: Result) -> str:
    if result.scope.startswith("slice:") and "slices looked at" in dict(result.detail):
        return f"{result.name}: {result.scope.removeprefix('slice:')}"
    return metrics.label_of(result.name)


def must(result: Result) -> str:
    """The limit with its direction: `≥ 0.600`, `0.80…1.25`."""
    if result.direction == "in":
        return f"{_number(result, result.threshold)}…{_number(result, result.threshold_high)}"
    if result.threshold is None:
        return text.MISSING
    return f"{'≥' if result.direction == 'ge' else '≤'} {_number(result, result.threshold)}"


def _number(result: Result, value: float | None) -> str:
    return metrics.show(value, rules.metric_of(result))


def _got(result: Result) -> Line:
    return Line((_number(result, result.value), value_ink(result.verdict)))


def _interval(result: Result) -> str:
    if result.ci_low is None or result.ci_high is None:
        return "exact" if result.value is not None else text.MISSING
    return f"{_number(result, result.ci_low)} to {_number(result, result.ci_high)}"


def _bar(result: Result, width: int) -> Line:
    if result.value is None or result.threshold is None:
        return interval_line(None, AXIS, width)
    place = _placer(result)
    ends = sorted(place(value) for value in (result.ci_low, result.ci_high) if value is not None)
    interval = Interval(
        value=place(result.value),
        low=ends[0] if ends else None,
        high=ends[-1] if ends else None,
        verdict=result.verdict,
    )
    return interval_line(interval, AXIS, width)


def _placer(result: Result) -> Callable[[float], float]:
    """A function from values to the shared axis; for `le` metrics larger is further left."""
    limit, want = result.threshold or 0.0, result.target
    if result.direction == "in" and result.threshold_high is not None and result.value is not None:
        middle = (limit + result.threshold_high) / 2
        limit, want = (limit, middle) if result.value <= middle else (result.threshold_high, middle)
    if want is None or want == limit:
        # Without a want the interval is the scale: how many of its half widths from the limit.
        half = ((result.ci_high or 0.0) - (result.ci_low or 0.0)) / 2
        span = max(abs(limit) * 0.1, half) or abs((result.value or 0.0) - limit) or 1.0
        sign = -1.0 if result.direction == "le" else 1.0
        return lambda value: sign * (value - limit) / span
    return lambda value: relative_to(limit, want, value)


def explain(result: Result, report: GateReport) -> list[Part]:
    """The chosen gate in words: why, how sure, how many rows would settle it."""
    sentence = result.reason[:1].upper() + result.reason[1:]
    lines: list[Part] = [Line((f"{sentence}.", "ink"))]
    if result.p_meet is not None and result.verdict == "inconclusive":
        lines.append(Line(("It meets the limit with probability ", "ink"),
                          (text.fixed(result.p_meet, 2), "bright bold"), (".", "ink")))  # fmt: skip
    why = report.reasons.get(result.name) or dict(result.detail).get("asked because", "")
    if why:
        lines.append(Line((f"Asked because {why}.", "quiet")))
    return lines


def promotion_words(report: GateReport) -> Line:
    """What would happen on promotion now."""
    bad = ("fail", "inconclusive", "error")
    stopping = [each for each in report.results if each.verdict in bad]
    if report.verdict in rules.ALLOWS_PROMOTION:
        return said("pass", "goes through: no gate stands against it")
    if not report.results:
        return said("inconclusive", "stops: it was not judged by any gate")
    names = text.listed([each.name for each in stopping[:3]])
    verb = "stands" if len(stopping) == 1 else "stand"
    return said(report.verdict, f"stops: {names} {verb} against it; an override needs a reason")
