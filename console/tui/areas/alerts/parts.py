"""Columns and lines of the alerts area."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from console import text
from console.rules import metrics
from console.rules.filtering import Field
from console.tui.ink import EMPTY, Line, Part, words
from console.tui.signs import sign, state, value_ink
from console.tui.widgets.bars import histogram, sparkline
from console.tui.widgets.table_layout import Column
from storage.records.alerts import Alert, AlertRule, CauseStep, Remedy

HISTOGRAM_CELLS = 14
HISTORY_DAYS = 30
Clock = Callable[[], datetime | None]
"""Time of the picture: ages are counted from it."""

FIELDS: dict[str, Field[Alert]] = {
    "id": Field(lambda each: each.id, "number"),
    "state": Field(lambda each: each.state),
    "kind": Field(lambda each: each.kind),
    "what": Field(lambda each: each.title),
    "endpoint": Field(lambda each: each.endpoint),
    "column": Field(lambda each: each.column),
    "who": Field(lambda each: each.acknowledged_by),
    "opened": Field(lambda each: each.opened_at, "time"),
}


def open_columns(now: Clock) -> list[Column[Alert]]:
    """What is not over: firing has colour, what somebody took or silenced is grey."""

    def age(each: Alert) -> str:
        at = now()
        return text.age((at - each.opened_at).total_seconds(), short=True) if at else ""

    def ink(each: Alert, loud: str) -> str:
        return loud if each.state == "firing" else "quiet"

    def kind(each: Alert) -> Line:
        known = state(shown_state(each))
        return Line((each.kind, ink(each, known.token)))

    def who(each: Alert) -> Line:
        if each.state == "firing":
            return EMPTY
        word = state(each.state).word
        return Line((f"{word} {each.acknowledged_by}".strip(), "quiet"))

    return [
        Column(key="sign", width=1, is_pinned=True, cell=lambda each: sign(shown_state(each)),
               sort=lambda each: (_ORDER.get(each.state, 9), each.severity != "fail")),
        Column(key="id", head="id", align="right", cell=lambda each: str(each.id), ink="quiet",
               sort=lambda each: each.id, first_descending=True),
        Column(key="kind", head="kind", cell=kind, sort=lambda each: each.kind),
        Column(key="title", head="what", least=20, grow=1, is_name=True,
               cell=lambda each: Line((each.title, ink(each, "ink")))),
        Column(key="value", head="value", align="right", rank=60,
               cell=lambda each: Line((metrics.show(each.value, each.result.name),
                                       value_ink(shown_state(each)))),
               meaning="what was measured last"),
        Column(key="limit", head="limit", align="right", rank=70, ink="quiet",
               cell=lambda each: metrics.show(each.limit, each.result.name)),
        Column(key="endpoint", head="endpoint", rank=80, ink="quiet",
               cell=lambda each: each.endpoint),
        Column(key="who", head="taken", rank=50, cell=who),
        Column(key="age", head="for", align="right", cell=age, ink="quiet",
               sort=lambda each: each.opened_at, first_descending=True),
    ]  # fmt: skip


NARROW_HIDDEN = frozenset(("value", "limit", "endpoint"))
"""Said by the title already; `w` shows them."""


def open_short_columns(now: Clock) -> list[Column[Alert]]:
    """For a list with two lines a row: kind and endpoint above, what happened below."""
    kept = {column.key: column for column in open_columns(now)}
    endpoint: Column[Alert] = Column(key="endpoint", head="endpoint", least=8, grow=1,
                                     is_name=True, cell=lambda each: each.endpoint)  # fmt: skip
    return [kept["sign"], kept["kind"], endpoint, kept["who"], kept["age"]]


def open_second(alert: Alert) -> list[tuple[str, Part]]:
    ink = "ink" if alert.state == "firing" else "quiet"
    return [("kind", Line((alert.title, ink))), ("", Line((str(alert.id), "quiet")))]


def resolved_columns(now: Clock) -> list[Column[Alert]]:
    def when(each: Alert) -> str:
        return text.clock(each.opened_at, now() or each.opened_at, seconds=False)

    def lasted(each: Alert) -> str:
        end = each.resolved_at or each.changed_at
        return text.duration((end - each.opened_at).total_seconds())

    return [
        Column(key="sign", width=1, is_pinned=True, cell=lambda each: sign("resolved")),
        Column(key="id", cell=lambda each: str(each.id), align="right", ink="quiet", rank=70,
               sort=lambda each: each.id, first_descending=True),
        Column(key="kind", cell=lambda each: each.kind, ink="quiet", rank=60),
        Column(key="title", least=16, grow=1, is_name=True, cell=lambda each: each.title),
        Column(key="when", cell=when, ink="quiet", align="right", rank=50,
               sort=lambda each: each.opened_at, first_descending=True),
        Column(key="lasted", cell=lasted, ink="quiet", align="right"),
    ]  # fmt: skip


def rule_columns() -> list[Column[AlertRule]]:
    def limit(each: AlertRule) -> str:
        direction = "over" if each.direction == "le" else "under"
        window = text.age(each.window_s)
        return f"{each.metric} {direction} {metrics.show(each.must, each.metric)}, {window}"

    return [
        Column(key="name", cell=lambda each: each.name, least=10, grow=1),
        Column(key="limit", cell=limit, ink="quiet", align="right", least=12),
    ]


def history_lines(alerts: Sequence[Alert], now: datetime, width: int) -> list[Line]:
    """How many were open at once, day by day."""
    width = max(10, min(width, 60))
    step = timedelta(days=HISTORY_DAYS) / width
    start = now - timedelta(days=HISTORY_DAYS)
    counts = [0] * width
    for each in alerts:
        end = each.resolved_at or now
        for place in range(width):
            if each.opened_at < start + step * (place + 1) and end >= start + step * place:
                counts[place] += 1
    top = max(counts)
    ink = "fail" if any(each.state == "firing" for each in alerts) else "ink"
    left = f"0–{top}"
    head = Line((f"{left:>5}  ", "quiet"))
    first = f"{start:%d %b}"
    days = " " * 7 + first + " " * max(1, width - len(first) - 5) + "today"
    return [head + sparkline(counts, width, high=max(top, 3), last_ink=ink), Line((days, "quiet"))]


_ORDER = {"firing": 0, "acknowledged": 1, "silenced": 2, "resolved": 3}


def shown_state(alert: Alert) -> str:
    return "warn" if alert.state == "firing" and alert.severity == "warn" else alert.state


def cause_columns() -> list[Column[CauseStep]]:
    def bullet(each: CauseStep) -> Line:
        return sign("version") if each.verdict == "none" else sign(each.verdict)

    return [
        Column(key="sign", cell=bullet, width=1, is_bullet=True, is_pinned=True),
        Column(key="kind", cell=lambda each: each.kind, width=8, ink="quiet"),
        Column(key="title", cell=lambda each: each.title, least=20, grow=1, is_name=True),
        Column(key="target", cell=lambda each: each.target.partition(":")[2], ink="quiet",
               align="right", rank=60),
    ]  # fmt: skip


def cause_second(step: CauseStep) -> list[tuple[str, Part]]:
    if not step.before or not step.after:
        return [("title", Line((step.detail, "quiet")))]
    ink = "fill" if step.verdict == "fail" else "faint"
    picture = Line(("before ", "quiet")) + histogram(step.before, HISTOGRAM_CELLS)
    picture = picture + Line(("  now ", "quiet")) + histogram(step.after, HISTOGRAM_CELLS, ink=ink)
    return [("title", picture + Line((f"  {step.detail}", "ink")))]


def remedy_columns() -> list[Column[Remedy]]:
    def bullet(each: Remedy) -> Line:
        return sign("running") if each.verdict == "none" else sign(each.verdict)

    def outcome(each: Remedy) -> Part:
        known = state(each.verdict)
        return words(each.outcome, "quiet" if known.is_quiet else known.token) or EMPTY

    return [
        Column(key="sign", cell=bullet, width=1),
        Column(key="title", cell=lambda each: each.title, least=20, grow=1, is_name=True),
        Column(key="outcome", cell=outcome, align="right", ink="quiet"),
    ]
