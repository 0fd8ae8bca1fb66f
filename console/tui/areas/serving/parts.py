"""Lines, rows and columns of the serving area: from an endpoint's view to what is drawn."""

from __future__ import annotations

from console import text
from console.tui.ink import EMPTY, Line, Part
from console.tui.pictures import signal_rows
from console.tui.signs import said, sign, state, value_ink
from console.tui.widgets.bars import Gauge, gauge, histogram
from console.tui.widgets.table_layout import Column
from storage.records.drift import ColumnDrift
from storage.records.endpoints import EndpointView, VersionTraffic

PSI_WARN, PSI_FAIL = 0.10, 0.25


def verdict(view: EndpointView) -> Line:
    """What the endpoint's state is in a word, worst thing first."""
    if view.endpoint.state != "ready":
        known = {"starting": "starting", "failed": "failed", "lost": "lost"}
        name = known.get(view.endpoint.state, "idle")
        return said(name, f"{view.endpoint.state} {view.endpoint.reason}".strip())
    now, limit = view.now, view.latency_limit_ms
    if (
        now
        and view.error_limit_ratio is not None
        and (now.error_ratio or 0) > view.error_limit_ratio
    ):
        return said("fail", f"failing, {text.percent(now.error_ratio or 0)} errors")
    if now and limit and now.p99_ms is not None and now.p99_ms > limit:
        return said("warn", f"slow, p99 {text.latency(now.p99_ms)}, limit {limit:g}")
    return said("ok", "ready")


def budget(view: EndpointView) -> Part:
    if view.slo_budget_left is None:
        return ""
    burn = f", burning {text.fixed(view.slo_burn, 1)}×" if view.slo_burn else ""
    return f"budget left {text.percent(max(view.slo_budget_left, 0.0), 0)} of 30 d{burn}"


def errors_right(view: EndpointView) -> str:
    now = view.now
    shown = text.fixed(100 * (now.error_ratio or 0.0), 2) if now else text.MISSING
    limit = view.error_limit_ratio
    return f"{shown}   slo {text.fixed(100 * limit, 2)}" if limit is not None else shown


def realised(view: EndpointView) -> str:
    last = next((p.realised for p in reversed(view.accuracy) if p.realised is not None), None)
    coverage = (
        "" if view.label_coverage is None else f", labels {text.percent(view.label_coverage, 0)}"
    )
    return f"realised {text.fixed(last, 3)}{coverage}"


def now_rows(view: EndpointView, width: int) -> list[Line]:
    rows = list(signal_rows(view, width))
    now = view.now
    if now is not None:
        for name, value in (("p50", now.p50_ms), ("p95", now.p95_ms), ("queue", now.queue_p95_ms)):
            rows.append(Line((f"{name:<7}", "quiet"), (f"{text.latency(value):>7} ", "bright bold"),
                             ("ms", "quiet")))  # fmt: skip
    return rows


def saturation_rows(view: EndpointView, width: int) -> list[Line]:
    found = view.saturation
    if found is None:
        return [Line(("not measured yet", "quiet"))]
    leader = found.leader[0]
    rows = []
    for name, value in (
        ("in flight", found.in_flight),
        ("cpu", found.cpu),
        ("memory", found.memory),
        ("queue wait", found.queue_wait),
        ("event loop", found.event_loop),
        ("disk", found.disk),
    ):
        over = "fail" if value >= 0.9 else "warn" if value >= 0.7 else ""
        ink = over or ("accent" if name == leader else "faint")
        bar = gauge(Gauge(value=value, limits=(0.7, 0.9), ink=ink), width - 20)
        number = Line((f"{text.fixed(value, 2):>6}", f"{over or 'bright'} bold" if name == leader
                       else "ink"))  # fmt: skip
        rows.append(Line((f"{name:<12}", "quiet")) + bar + " " + number)
    return rows


def endpoint_columns() -> list[Column[EndpointView]]:
    return [
        Column(key="name", head="endpoint", cell=lambda e: e.endpoint.name, is_name=True, grow=1),
        Column(key="state", head="state", cell=lambda e: verdict(e), least=8),
        Column(key="rate", head="req/s", align="right",
               cell=lambda e: text.fixed(e.now.rate, 0) if e.now else text.MISSING),
        Column(key="p99", head="p99 ms", align="right",
               cell=lambda e: text.latency(e.now.p99_ms) if e.now else text.MISSING),
    ]  # fmt: skip


def version_columns() -> list[Column[VersionTraffic]]:
    return [
        Column(key="version", head="version", cell=lambda v: f"v{v.version} {v.name}".strip()),
        Column(key="requests", head="requests", align="right",
               cell=lambda v: text.count(v.requests)),
        Column(key="p50", head="p50", align="right", cell=lambda v: text.latency(v.p50_ms)),
        Column(key="p99", head="p99", align="right", cell=lambda v: text.latency(v.p99_ms)),
        Column(key="errors", head="err %", align="right",
               cell=lambda v: text.fixed(100 * (v.error_ratio or 0.0), 2)),
        Column(key="yes", head="yes %", align="right",
               cell=lambda v: text.fixed(100 * v.positive_ratio, 1)
               if v.positive_ratio is not None else text.MISSING),
    ]  # fmt: skip


def drift_columns(*, is_wide: bool) -> list[Column[ColumnDrift]]:
    def bar(each: ColumnDrift, width: int) -> Line:
        value = each.primary.value or 0.0
        known = state(each.verdict)
        ink = "faint" if known.is_quiet else known.token
        return gauge(Gauge(value=min(value, 0.5), high=0.5, limits=(PSI_WARN, PSI_FAIL), ink=ink),
                     width)  # fmt: skip

    columns: list[Column[ColumnDrift]] = [
        Column(key="sign", cell=lambda each: sign(each.verdict), width=1, is_pinned=True),
        Column(key="column", cell=lambda each: each.column, least=8, is_name=True, width=14),
        Column(key="bar", draw=bar, width=14),
        Column(key="psi", align="right", width=5, cell=psi),
    ]  # fmt: skip
    if is_wide:
        columns.append(
            Column(key="after", draw=lambda each, width: histogram(
                each.after, width, ink="fill" if each.verdict == "fail" else "faint"), width=12)
        )  # fmt: skip
    else:
        columns.append(Column(key="moved", cell=median_move, ink="quiet", grow=1, align="right"))
    return columns


def psi(each: ColumnDrift) -> Line:
    return Line((text.fixed(each.primary.value, 2), value_ink(each.verdict)))


def median_move(each: ColumnDrift) -> Part:
    if each.median_before is None or each.median_after is None:
        return EMPTY
    return f"median {text.general(each.median_before)} → {text.general(each.median_after)}"
