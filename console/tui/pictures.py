"""From records to charts: pictures that more than one area draws.

Pure: a record in, plain values for a widget out. What a limit, a mark or a band means is the same
wherever it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console import text
from console.tui.ink import Line, both
from console.tui.look import Look
from console.tui.signs import STATES, said
from console.tui.widgets.bars import sparkline
from console.tui.widgets.chart import Axis, Band, Chart, Event, Limit, Series
from console.tui.widgets.painted import Drawing

if TYPE_CHECKING:
    from storage.records.endpoints import EndpointView

LABEL_END = 10


def _gap(view: EndpointView) -> float | None:
    return view.points[0].width_s * 2.5 if view.points else None


def _time_axis(view: EndpointView) -> Axis:
    if not view.points:
        return Axis(is_time=True)
    last = view.points[-1]
    end = last.at.timestamp() + last.width_s
    return Axis(is_time=True, low=max(end - view.window_s, view.points[0].at.timestamp()), high=end)


def latency_chart(view: EndpointView) -> Chart:
    """p50, p95 and the judged p99 with its limit and what was changed meanwhile."""
    gap = _gap(view)

    def line(name: str, values: list[float | None], ink: str, is_judged: bool = False) -> Series:
        last = next((value for value in reversed(values) if value is not None), None)
        points = [
            (point.at.timestamp(), value) for point, value in zip(view.points, values, strict=True)
        ]
        label = f"{name} {text.latency(last):>4}"
        return Series(points=points, label=label, ink=ink, is_judged=is_judged, max_gap=gap)

    limit = view.latency_limit_ms
    return Chart(
        series=(
            line("p50", [point.p50_ms for point in view.points], "faint"),
            line("p95", [point.p95_ms for point in view.points], "quiet"),
            line("p99", [point.p99_ms for point in view.points], "accent", is_judged=True),
        ),
        limits=(Limit(value=limit, label=f"limit {limit:g}"),) if limit else (),
        events=_events(view),
        x=_time_axis(view),
        y=Axis(floor=0.0),
        end_width=LABEL_END,
        empty="no requests yet",
    )


def rate_chart(view: EndpointView) -> Chart:
    """Requests per second."""
    points = [(point.at.timestamp(), point.rate) for point in view.points]
    series = Series(points=points, ink="accent", is_judged=True, max_gap=_gap(view))
    return Chart(series=(series,), x=_time_axis(view), y=Axis(floor=0.0), has_end_labels=False,
                 empty="no requests yet")  # fmt: skip


def error_chart(view: EndpointView) -> Chart:
    """Share of requests that ended in a server error, in percent, with the promise."""
    points = [
        (point.at.timestamp(), None if point.error_ratio is None else 100 * point.error_ratio)
        for point in view.points
    ]
    limit = view.error_limit_ratio
    return Chart(
        series=(Series(points=points, ink="accent", is_judged=True, max_gap=_gap(view)),),
        limits=(Limit(value=100 * limit, label="", ink="fail"),) if limit is not None else (),
        x=_time_axis(view),
        y=Axis(floor=0.0),
        has_end_labels=False,
        empty="no requests yet",
    )


def accuracy_chart(view: EndpointView) -> Chart:
    """Realised quality from labels, estimated without them as a band, and what must be met."""
    realised = [(p.at.timestamp(), p.realised) for p in view.accuracy]
    estimated = [(p.at.timestamp(), p.estimated) for p in view.accuracy]
    band = [
        (p.at.timestamp(), p.estimated_low, p.estimated_high)
        for p in view.accuracy
        if p.estimated_low is not None and p.estimated_high is not None
    ]
    must = view.accuracy_must
    return Chart(
        series=(
            Series(points=estimated, label="estimated", ink="quiet"),
            Series(points=realised, label="realised", ink="accent", is_judged=True),
        ),
        bands=(Band(points=band),) if band else (),
        limits=(Limit(value=must, label=f"must {must:g}", ink="fail", is_floor=True),)
        if must is not None
        else (),
        events=_events(view),
        x=Axis(is_time=True),
        end_width=LABEL_END,
        empty="no labels yet",
    )


def _events(view: EndpointView) -> tuple[Event, ...]:
    """What was changed; of changes that would stand on each other only the last is named."""
    marks = sorted(view.marks, key=lambda mark: mark.at)
    near_s = view.window_s / 40
    events = []
    for place, mark in enumerate(marks):
        after = marks[place + 1].at if place + 1 < len(marks) else None
        is_last = after is None or (after - mark.at).total_seconds() > near_s
        if is_last:
            events.append(Event(x=mark.at.timestamp(), label=mark.text))
    return tuple(events)


def verdict(view: EndpointView) -> Line:
    """What an endpoint's state is in a word, worst thing first."""
    endpoint, now, limit = view.endpoint, view.now, view.latency_limit_ms
    if endpoint.state != "ready":
        name = endpoint.state if endpoint.state in STATES else "idle"
        return said(name, f"{endpoint.state} {endpoint.reason}".strip())
    if is_failing(view):
        share = (now.error_ratio or 0.0) if now else 0.0
        return said("fail", f"failing, {text.percent(share)} errors")
    if is_slow(view) and now is not None and limit:
        return said("warn", f"slow, p99 {text.latency(now.p99_ms)}, limit {limit:g}")
    return said("ok", "ready")


def is_slow(view: EndpointView) -> bool:
    """p99 of now is over its limit."""
    now, limit = view.now, view.latency_limit_ms
    return bool(now and limit and now.p99_ms is not None and now.p99_ms > limit)


def is_failing(view: EndpointView) -> bool:
    """More of the requests of now end in errors than is promised."""
    now, limit = view.now, view.error_limit_ratio
    return bool(now and limit is not None and (now.error_ratio or 0.0) > limit)


@dataclass(frozen=True, slots=True)
class _Signal:
    name: str
    value: str
    unit: str
    past: tuple[float | None, ...]
    limit: str
    alarm: str = ""


def _signals(view: EndpointView, *, has_all: bool) -> Iterator[_Signal]:
    now, points = view.now, view.points
    limit, promised = view.latency_limit_ms, view.error_limit_ratio
    errors = 100 * (now.error_ratio or 0.0) if now else None
    slow = "warn" if is_slow(view) else ""
    yield _Signal("rate", text.fixed(now.rate if now else None, 1 if now and now.rate < 10 else 0),
                  "req/s", tuple(p.rate for p in points), text.MISSING)  # fmt: skip
    yield _Signal("errors", text.fixed(errors, 2), "%", tuple(p.error_ratio for p in points),
                  f"slo {text.percent(promised)}" if promised is not None else text.MISSING,
                  "fail" if is_failing(view) else "")  # fmt: skip
    if has_all:
        for name, value, past in (
            ("p50", now.p50_ms if now else None, tuple(p.p50_ms for p in points)),
            ("p95", now.p95_ms if now else None, tuple(p.p95_ms for p in points)),
        ):
            yield _Signal(name, text.latency(value), "ms", past, text.MISSING)
    yield _Signal("p99", text.latency(now.p99_ms if now else None), "ms",
                  tuple(p.p99_ms for p in points), f"limit {limit:g} ms" if limit else text.MISSING,
                  slow)  # fmt: skip
    if has_all:
        yield _Signal("queue wait", text.latency(now.queue_p95_ms if now else None), "ms",
                      tuple(p.queue_p95_ms for p in points), text.MISSING)  # fmt: skip
        return
    leader, full = view.saturation.leader if view.saturation else ("not measured", None)
    yield _Signal("busy", text.fixed(full, 2), f"of 1, {leader}", (), "warn 0.70",
                  "warn" if full is not None and full >= 0.7 else "")  # fmt: skip


def signal_lines(view: EndpointView, width: int, *, has_all: bool = False) -> list[Line]:
    """Rate, errors, latency and saturation beside their limits, each with its recent past."""
    signals = list(_signals(view, has_all=has_all))
    name = max(len(each.name) for each in signals) + 2
    unit = max(len(each.unit) for each in signals) + 2
    limit = max(len(each.limit) for each in signals)
    cells = min(18, width - name - 8 - unit - limit - 2)
    lines = []
    for each in signals:
        alarm = each.alarm
        line = Line((f"{each.name:<{name}}", "quiet"),
                    (f"{each.value:>7} ", f"{alarm or 'bright'} bold"),
                    (f"{each.unit:<{unit}}", "quiet"))  # fmt: skip
        if cells > 3 and each.past:
            line = line + sparkline(each.past, cells, last_ink=alarm or "ink")
        lines.append(both(line, Line((each.limit, "quiet")), width))
    return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsOf:
    """What the pane of signals shows."""

    view: EndpointView
    has_all: bool = False


class Signals(Drawing[SignalsOf]):
    """The signals of an endpoint, as wide as there is room."""

    DEFAULT_CSS = "Signals { padding: 0 1 0 2; }"

    def draw(self, data: SignalsOf, width: int, height: int, look: Look) -> list[Line]:
        return signal_lines(data.view, width, has_all=data.has_all)

    def measure(self, data: SignalsOf, width: int) -> int:
        return 6 if data.has_all else 4


def signals_in_short(view: EndpointView, width: int) -> Line:
    """The same on one line, for narrow terminals: what has no room at the right is left out."""
    now = view.now
    slow, failing = "warn" if is_slow(view) else "", "fail" if is_failing(view) else ""
    full = view.saturation.leader[1] if view.saturation else None
    errors = 100 * (now.error_ratio or 0.0) if now else None
    parts = [
        ("rate", text.fixed(now.rate if now else None, 0), " req/s", ""),
        ("errors", text.fixed(errors, 2), " %", failing),
        ("p50", text.latency(now.p50_ms if now else None), "", ""),
        ("p95", text.latency(now.p95_ms if now else None), "", ""),
        ("p99", text.latency(now.p99_ms if now else None), " ms", slow),
        ("busy", text.fixed(full, 2), "", "warn" if full is not None and full >= 0.7 else ""),
    ]
    line = Line()
    for name, value, unit, alarm in parts:
        part = Line((f"{name} ", "quiet"), (value, f"{alarm or 'bright'} bold"), (unit, "quiet"))
        gap = "    " if line else ""
        if line.width + len(gap) + part.width > width:
            break
        line = line + gap + part
    return line
