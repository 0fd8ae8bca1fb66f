"""How endpoints, their traffic and drift are written for people on the command line."""

from __future__ import annotations

from collections.abc import Sequence

from console import text
from console.cli.output import Column, Output
from console.rules import metrics
from storage.records.drift import ColumnDrift, DriftReport
from storage.records.endpoints import (
    AccuracyPoint,
    Endpoint,
    EndpointView,
    RequestEvent,
    SignalPoint,
)

BARS = " ▁▂▃▄▅▆▇█"
SHOWN_COLUMNS = 12


def endpoints(output: Output, found: list[EndpointView]) -> None:
    if not found:
        output.line("Nothing is served yet. Start: mlops-console endpoint start ENDPOINT")
        return
    output.table(
        [
            Column("endpoint"),
            Column("state"),
            Column("address"),
            Column("serves"),
            Column("req/s", ">"),
            Column("errors", ">"),
            Column("p50 ms", ">"),
            Column("p99 ms", ">"),
            Column("requests", ">"),
        ],
        [
            (
                each.endpoint.name,
                each.endpoint.state,
                address(each.endpoint),
                shares(each.endpoint),
                text.fixed(each.now.rate if each.now else None, 1),
                text.percent(each.now.error_ratio if each.now else None),
                text.latency(each.now.p50_ms if each.now else None),
                text.latency(each.now.p99_ms if each.now else None),
                text.count(each.total_requests),
            )
            for each in found
        ],
    )
    for each in found:
        if each.endpoint.reason:
            output.note(f"{each.endpoint.name}: {text.clean(each.endpoint.reason)}")


def started(output: Output, endpoint: Endpoint) -> None:
    output.line(f"{output.verdict(endpoint.state)}  {address(endpoint)}  {shares(endpoint)}")
    output.note(f"Ask it: curl {address(endpoint)}/predict --json '{{…}}'")


def routes(output: Output, endpoint: Endpoint) -> None:
    output.line(f"{endpoint.name}: {shares(endpoint)}")


def view(output: Output, found: EndpointView) -> None:
    endpoint = found.endpoint
    output.heading(endpoint.name, f"{address(endpoint)}  {shares(endpoint)}")
    state = output.verdict(endpoint.state) + (f"  {endpoint.reason}" if endpoint.reason else "")
    now, points = found.now, found.points
    limit = f"limit {text.latency(found.latency_limit_ms)} ms"
    output.line(state)
    output.facts(
        [
            ("rate", _series(_number(now, "rate", 1), points, "rate", "req/s")),
            ("errors", _series(_percent(now, "error_ratio"), points, "error_ratio", "")),
            ("invalid", _series(_percent(now, "invalid_ratio"), points, "invalid_ratio", "")),
            ("p50", _series(_number(now, "p50_ms", 1), points, "p50_ms", "ms")),
            ("p95", _series(_number(now, "p95_ms", 1), points, "p95_ms", "ms")),
            ("p99", _series(_number(now, "p99_ms", 1), points, "p99_ms", f"ms, {limit}")),
            ("saturation", _saturation(found)),
            ("slo", _slo(found)),
            ("requests", f"{text.count(found.total_requests)} in all"),
        ]
    )
    accuracy(output, found)
    if len(found.versions) > 1:
        output.line()
        versions(output, found)
    for mark in found.marks[-5:]:
        output.line(f"{mark.at:%H:%M:%S}  {text.clean(mark.text)}")


def accuracy(output: Output, found: EndpointView) -> None:
    last = next((each for each in reversed(found.accuracy) if each.realised is not None), None)
    coverage = text.percent(found.label_coverage)
    name = found.accuracy_metric
    if last is None:
        output.line(f"{name} {text.MISSING}, labels for {coverage} of the predictions")
        return
    low, high = last.realised_low, last.realised_high
    parts = [f"{name} {text.fixed(last.realised)} ({text.interval(low, high)})"]
    if last.estimated is not None:
        parts.append(f"estimated without labels {text.fixed(last.estimated)}")
    if found.accuracy_reference is not None:
        parts.append(f"on the holdout {text.fixed(found.accuracy_reference)}")
    if found.accuracy_must is not None:
        parts.append(f"must {text.fixed(found.accuracy_must)}")
    parts.append(f"labels {coverage}{'' if last.is_mature else ', still coming'}")
    output.line(", ".join(parts))
    output.line(f"  {spark([_realised(each) for each in found.accuracy])}")


def versions(output: Output, found: EndpointView) -> None:
    if not found.versions:
        output.line(f"{shares(found.endpoint)}; no request in this window")
        return
    output.table(
        [
            Column("version"),
            Column("as"),
            Column("requests", ">"),
            Column("p50 ms", ">"),
            Column("p99 ms", ">"),
            Column("errors", ">"),
            Column("said yes", ">"),
        ],
        [
            (
                f"v{each.version}",
                each.name,
                text.count(each.requests),
                text.latency(each.p50_ms),
                text.latency(each.p99_ms),
                text.percent(each.error_ratio),
                text.percent(each.positive_ratio),
            )
            for each in found.versions
        ],
    )


def requests(output: Output, found: list[RequestEvent]) -> None:
    if not found:
        output.line("No request in the last day.")
        return
    output.table(
        [
            Column("at"),
            Column("request"),
            Column("version"),
            Column("outcome"),
            Column("score", ">"),
            Column("says"),
            Column("ms", ">"),
        ],
        [
            (
                f"{each.at:%H:%M:%S.%f}"[:-3],
                each.request_id,
                f"v{each.version}",
                each.outcome if each.outcome == "ok" else f"{each.outcome} {each.status}",
                text.fixed(each.score),
                {True: "yes", False: "no", None: text.MISSING}[each.decision],
                text.latency(each.latency_ms),
            )
            for each in found
        ],
    )


def drift(output: Output, found: DriftReport) -> None:
    output.heading(f"{found.before} → {found.after}", found.words)
    output.table(
        [
            Column("column"),
            Column("verdict"),
            Column("measure", ">"),
            Column("95 %", ">"),
            Column("moved", ">"),
            Column("by itself", ">"),
            Column("training"),
            Column("served"),
            Column("median"),
        ],
        [_drift_row(each) for each in found.columns[:SHOWN_COLUMNS]],
    )
    hidden = len(found.columns) - SHOWN_COLUMNS
    if hidden > 0:
        output.note(f"{hidden} more, all less")


def address(endpoint: Endpoint) -> str:
    return f"http://{endpoint.host}:{endpoint.port}"


def shares(endpoint: Endpoint) -> str:
    words = []
    for route in endpoint.routes:
        share = "shadow" if route.is_shadow else f"{route.name} {text.percent(route.weight, 0)}"
        words.append(f"v{route.version} {share}")
    return ", ".join(words)


def spark(values: Sequence[float | None]) -> str:
    """Values as bars from 0 to the largest; a gap where there is none.

    >>> spark([0.0, 1.0, None, 2.0])
    '▁▄ █'
    """
    top = max((value for value in values if value is not None), default=0.0)
    shown = []
    for value in values:
        if value is None:
            shown.append(" ")
        else:
            shown.append(BARS[max(1, round(value / top * 8))] if top > 0 else BARS[1])
    return "".join(shown)


def _drift_row(each: ColumnDrift) -> tuple[object, ...]:
    result, own = each.primary, each.yardstick
    medians = ""
    if each.median_before is not None and each.median_after is not None:
        medians = f"{text.general(each.median_before)} → {text.general(each.median_after)}"
    elif each.new_values:
        medians = f"new: {text.listed(name for name, _ in each.new_values[:3])}"
    return (
        each.column,
        each.standing,
        f"{result.name} {text.fixed(result.value, 3)}",
        text.interval(result.ci_low, result.ci_high, 2),
        metrics.show(own.value, own.name),
        metrics.show(own.noise, own.name),
        spark(each.before[:12]),
        spark(each.after[:12]),
        medians,
    )


def _series(now: str, points: Sequence[SignalPoint], name: str, unit: str) -> str:
    return f"{now:>8} {unit:<16} {spark([getattr(each, name) for each in points])}".rstrip()


def _number(now: SignalPoint | None, name: str, decimals: int) -> str:
    return text.fixed(getattr(now, name) if now else None, decimals)


def _percent(now: SignalPoint | None, name: str) -> str:
    return text.percent(getattr(now, name) if now else None)


def _realised(point: AccuracyPoint) -> float | None:
    return point.realised


def _saturation(found: EndpointView) -> str:
    if found.saturation is None:
        return text.MISSING
    name, value = found.saturation.leader
    dropped = found.saturation.dropped_count
    lost = f", {text.counted(dropped, 'report')} dropped" if dropped else ""
    memory = text.byte_size(found.saturation.rss_bytes)
    return f"{text.fixed(value, 2)}, {name} leads, {memory}{lost}"


def _slo(found: EndpointView) -> str:
    if found.slo_budget_left is None:
        return text.MISSING
    left = text.percent(max(0.0, found.slo_budget_left), 0)
    return f"{left} of the 30-day budget left, burning {text.fixed(found.slo_burn, 1)}×"
