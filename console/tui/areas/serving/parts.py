"""Lines, rows and columns of the serving area: from an endpoint's view to what is drawn."""

from __future__ import annotations

from console import text
from console.tui.ink import Line, Part
from console.tui.look import Look
from console.tui.pictures import verdict
from console.tui.signs import SEVERITY, sign, state, value_ink
from console.tui.widgets.bars import Gauge, gauge, histogram
from console.tui.widgets.painted import Drawing
from console.tui.widgets.table_layout import Column
from storage.records.drift import ColumnDrift
from storage.records.endpoints import Endpoint, EndpointView

PSI_WARN, PSI_FAIL = 0.10, 0.25
FULL_WARN, FULL_FAIL = 0.70, 0.90


def budget(view: EndpointView, size: str) -> Part:
    """How much of the promise is left, and how fast it goes."""
    left, burn = view.slo_budget_left, view.slo_burn
    if left is None:
        return ""
    is_burning = burn is not None and burn > 1.0
    share = f"budget left {text.percent(max(left, 0.0), 0)} of 30 d"
    if burn is None or (size == "narrow" and not is_burning):
        return share
    speed = f", burning {text.fixed(burn, 1)}×"
    return Line((share, "quiet"), (speed, "warn bold" if is_burning else "quiet"))


def routes_in_words(endpoint: Endpoint, *, is_short: bool) -> str:
    """`v4 champion 90 %   v5 canary 10 %`; shorter on small terminals."""
    words = []
    for route in endpoint.routes:
        share = "shadow" if route.is_shadow else text.percent(route.weight, 0)
        name = "" if is_short and route.name == "champion" else route.name
        words.append(" ".join(part for part in (f"v{route.version}", name, share) if part))
    return (", " if is_short else "   ").join(words)


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


class SaturationRows(Drawing[EndpointView]):
    """How full the endpoint is in six ways; the fullest one leads."""

    DEFAULT_CSS = "SaturationRows { padding: 0 1 0 2; }"

    def draw(self, data: EndpointView, width: int, height: int, look: Look) -> list[Line]:
        return saturation_lines(data, width)

    def measure(self, data: EndpointView, width: int) -> int:
        return 6 if data.saturation is not None else 1


def saturation_lines(view: EndpointView, width: int) -> list[Line]:
    found = view.saturation
    if found is None:
        return [Line(("not measured yet", "quiet"))]
    leader = found.leader[0]
    lines = []
    for name, value in (
        ("in flight", found.in_flight),
        ("cpu", found.cpu),
        ("memory", found.memory),
        ("queue wait", found.queue_wait),
        ("event loop", found.event_loop),
        ("disk", found.disk),
    ):
        over = "fail" if value >= FULL_FAIL else "warn" if value >= FULL_WARN else ""
        ink = over or ("accent" if name == leader else "faint")
        cells = max(4, width - 12 - 7)
        bar = gauge(Gauge(value=value, limits=(FULL_WARN, FULL_FAIL), ink=ink), cells)
        number = Line((f"{text.fixed(value, 2):>6}", f"{over or 'bright'} bold" if name == leader
                       else "ink"))  # fmt: skip
        lines.append(Line((f"{name:<12}", "quiet")) + bar + " " + number)
    return lines


def endpoint_columns() -> list[Column[EndpointView]]:
    return [
        Column(key="name", head="endpoint", cell=lambda e: e.endpoint.name, is_name=True, grow=1,
               sort=lambda e: e.endpoint.name),
        Column(key="state", head="state", cell=lambda e: verdict(e), least=8),
        Column(key="rate", head="req/s", align="right", first_descending=True,
               cell=lambda e: text.fixed(e.now.rate, 0) if e.now else text.MISSING,
               sort=lambda e: e.now.rate if e.now else None),
        Column(key="p99", head="p99 ms", align="right", first_descending=True,
               cell=lambda e: text.latency(e.now.p99_ms) if e.now else text.MISSING,
               sort=lambda e: e.now.p99_ms if e.now else None),
    ]  # fmt: skip


def drift_columns(*, is_wide: bool) -> list[Column[ColumnDrift]]:
    def bar(each: ColumnDrift, width: int) -> Line:
        value = each.primary.value or 0.0
        known = state(each.standing)
        ink = "faint" if known.is_quiet else known.token
        return gauge(Gauge(value=min(value, 0.5), high=0.5, limits=(PSI_WARN, PSI_FAIL), ink=ink),
                     width)  # fmt: skip

    columns: list[Column[ColumnDrift]] = [
        Column(key="sign", cell=lambda each: sign(each.standing), width=1, is_pinned=True,
               sort=lambda each: SEVERITY.index(each.standing) if each.standing in SEVERITY else 9),
        Column(key="column", head="column", cell=lambda each: each.column, least=8, is_name=True,
               width=13, sort=lambda each: each.column),
        Column(key="bar", draw=bar, width=14, grow=1),
        Column(key="psi", head="PSI", align="right", width=5, cell=psi, first_descending=True,
               sort=lambda each: each.primary.value),
    ]  # fmt: skip
    if is_wide:
        columns.append(
            Column(key="after", draw=lambda each, width: histogram(
                each.after, width, ink="fill" if each.standing == "fail" else "faint"), width=12)
        )  # fmt: skip
    return columns


def psi(each: ColumnDrift) -> Line:
    return Line((text.fixed(each.primary.value, 2), value_ink(each.standing)))
