"""From records to charts: pictures that more than one area draws.

Pure: a record in, plain values for a widget out. What a limit, a mark or a band means is the same
wherever it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator

from console import text
from console.tui.ink import Line
from console.tui.widgets.bars import sparkline
from console.tui.widgets.chart import Axis, Band, Chart, Event, Limit, Series
from storage.records.endpoints import EndpointView, SignalPoint

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
    return tuple(Event(x=mark.at.timestamp(), label=mark.text) for mark in view.marks)


def signal_rows(view: EndpointView, width: int) -> Iterator[Line]:
    """Rate, errors, p99 and saturation beside their limits, each with its recent past."""
    now, points = view.now, view.points
    limit = view.latency_limit_ms
    is_slow = bool(now and limit and now.p99_ms is not None and now.p99_ms > limit)
    error_limit = view.error_limit_ratio
    is_failing = bool(now and error_limit is not None and (now.error_ratio or 0.0) > error_limit)
    leader, full = view.saturation.leader if view.saturation else ("busy", None)
    yield _signal("rate", text.fixed(now.rate, 0) if now else text.MISSING, "req/s",
                  [p.rate for p in points], "–", width)  # fmt: skip
    yield _signal("errors", text.fixed(100 * (now.error_ratio or 0.0), 2) if now else text.MISSING,
                  "%", [p.error_ratio for p in points],
                  f"slo {text.percent(error_limit)}" if error_limit is not None else "–", width,
                  "fail" if is_failing else "")  # fmt: skip
    yield _signal("p99", text.latency(now.p99_ms) if now else text.MISSING, "ms",
                  [p.p99_ms for p in points], f"limit {limit:g} ms" if limit else "–", width,
                  "warn" if is_slow else "")  # fmt: skip
    yield _signal("busy", text.fixed(full, 2), f"of 1, {leader}", [], "warn 0.70", width,
                  "warn" if full is not None and full >= 0.7 else "")  # fmt: skip


def _signal(
    name: str,
    value: str,
    unit: str,
    past: list[float | None],
    limit: str,
    width: int,
    alarm: str = "",
) -> Line:
    head = Line((f"{name:<7}", "quiet"), (f"{value:>7} ", f"{alarm or 'bright'} bold"),
                (f"{unit:<14}", "quiet"))  # fmt: skip
    cells = max(0, width - head.width - len(limit) - 2)
    spark = sparkline(past, min(cells, 16), last_ink=alarm or "ink") if past else Line()
    line = head + spark
    return line + " " * max(1, width - line.width - len(limit)) + Line((limit, "quiet"))


def last_known(points: tuple[SignalPoint, ...]) -> SignalPoint | None:
    """The newest bucket in which anything was asked."""
    return next((point for point in reversed(points) if point.rate > 0), None)
