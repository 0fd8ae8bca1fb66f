"""Columns and lines of the overview, and which stages share a line where rows are few."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from console import text
from console.tui.ink import EMPTY, Line, Part
from console.tui.signs import said, sign, state
from console.tui.widgets.bars import progress, sparkline
from console.tui.widgets.table_layout import Column

if TYPE_CHECKING:
    from console.wire.agent import DataTrend, Need, Overview, Stage
    from storage.records.endpoints import EndpointView
    from storage.records.jobs import Job
    from storage.records.people import LedgerEntry

Clock = Callable[[], datetime | None]
"""Time of the picture: ages are counted from it."""

NEED_WORDS = {
    "drift": "drift",
    "slo": "slo",
    "latency": "slow",
    "errors": "errors",
    "accuracy": "accuracy",
    "gate": "gate",
    "contract": "data",
    "job": "job",
    "approval": "asked",
}
_PEOPLE = 4


def age_of(at: datetime | None, now: datetime | None, *, short: bool = False) -> str:
    if at is None or now is None:
        return ""
    return text.age((now - at).total_seconds(), short=short)


# ---------------------------------------------------------------------- what needs you


def need_columns(now: Clock) -> list[Column[Need]]:
    return [
        Column(key="kind", cell=_need_kind, width=10, is_pinned=True),
        Column(key="title", cell=lambda each: each.title, least=20, grow=1, is_name=True),
        Column(key="age", cell=lambda each: age_of(each.at, now()), align="right", ink="quiet"),
    ]


def _need_kind(need: Need) -> Line:
    shown = state(need.verdict)
    word = NEED_WORDS.get(need.kind, need.kind)
    return Line((f"{shown.sign} ", shown.token), (word, shown.token))


def need_second(need: Need) -> list[tuple[str, Part]]:
    """Cause and next step, where there is room for two lines."""
    return [("title", Line((need.detail, "quiet"))), ("", Line((need.next, "quiet")))]


# ---------------------------------------------------------------------- stages


def stage_columns(now: Clock, trend_cells: int) -> list[Column[Stage]]:
    return [
        Column(key="stage", head="stage", cell=lambda each: each.stage, least=10),
        Column(key="state", head="state", cell=lambda each: said(each.state)),
        Column(key="latest", head="latest", cell=lambda each: each.latest, least=12, grow=1),
        Column(key="fact", head="fact", cell=lambda each: each.fact, least=12, grow=2, ink="quiet"),
        Column(key="trend", head="last 24 h", draw=_stage_trend, width=trend_cells, rank=60),
        Column(key="age", head="age", cell=lambda each: age_of(each.at, now(), short=True),
               align="right", ink="quiet", width=5),
    ]  # fmt: skip


def _stage_trend(stage: Stage, width: int) -> Line:
    if stage.progress_ratio is not None:
        return progress(stage.progress_ratio, width)
    if not stage.trend:
        return EMPTY
    shown = state(stage.state)
    return sparkline(stage.trend, width, last_ink="ink" if shown.is_quiet else shown.token)


def folded(stages: Sequence[Stage], rows: int) -> tuple[Stage, ...]:
    """At most `rows` stages: of those that need nobody, the last ones share a line."""
    healthy = [each for each in stages if state(each.state).is_quiet]
    excess = len(stages) - rows
    if excess <= 0 or len(healthy) < 2:
        return tuple(stages)
    together = healthy[-min(len(healthy), excess + 1) :]
    names = [each.stage for each in together]
    kept = [each for each in stages if each not in together]
    newest = max(together, key=lambda each: each.at.timestamp() if each.at else 0.0)
    shared = replace(newest, stage=", ".join(names[:2]), state="ok", trend=(), progress_ratio=None)
    if len(names) > 2:
        shared = replace(shared, latest=", ".join(names[2:]), fact="")
    return (*kept, shared)


# ---------------------------------------------------------------------- the rest


def action_columns(now: Clock) -> list[Column[LedgerEntry]]:
    def when(each: LedgerEntry) -> str:
        return text.clock(each.at, now() or each.at)

    return [
        Column(key="when", cell=when, ink="quiet"),
        Column(key="who", cell=lambda each: each.actor, ink="quiet"),
        Column(key="what", cell=lambda each: each.summary, least=20, grow=1),
        Column(key="subject", cell=lambda each: each.subject, ink="quiet", align="right"),
    ]


def running_columns() -> list[Column[Job]]:
    return [
        Column(key="id", cell=lambda each: str(each.id), align="right", width=4),
        Column(key="title", cell=lambda each: each.title, least=8, grow=1),
        Column(key="bar", draw=lambda each, width: progress(_ratio(each), width), width=14),
        Column(key="percent", cell=lambda each: text.percent(_ratio(each), 0), align="right",
               width=5, ink="quiet"),
    ]  # fmt: skip


def running_second(job: Job) -> list[tuple[str, Part]]:
    return [("title", Line((job.progress.text, "quiet")))]


def _ratio(job: Job) -> float:
    return job.progress.done / job.progress.total if job.progress.total else 0.0


def data_columns() -> list[Column[DataTrend]]:
    return [
        Column(key="name", cell=lambda each: each.name, width=12),
        Column(key="rows", cell=lambda each: text.count(each.rows), align="right", width=8),
        Column(key="bar", draw=lambda each, width: progress(each.share or 0.0, width, ink="faint"),
               grow=1, width=10),
        Column(key="note", cell=lambda each: each.note, align="right", ink="quiet", least=8),
    ]  # fmt: skip


def people_lines(found: Overview) -> list[Part]:
    lines: list[Part] = []
    for person in found.people[:_PEOPLE]:
        roles = "owner" if person.is_owner else ", ".join(person.roles) or "no role"
        lines.append(Line((" " + person.name, "ink"), (f"  {roles}", "quiet")))
    if len(found.people) > _PEOPLE:
        lines.append(Line((f" {len(found.people) - _PEOPLE} more", "quiet")))
    waiting = [each for each in found.approvals if each.state == "waiting"]
    if waiting:
        asks = text.counted(len(waiting), "approval waits", "approvals wait")
        lines.append(Line(" ") + said("warn", asks))
    return lines


def rate_and_errors(view: EndpointView) -> Part:
    now = view.now
    if now is None:
        return "no requests"
    errors = text.percent(now.error_ratio or 0.0)
    return f"{text.fixed(now.rate, 0)} req/s   errors {errors}"


def said_right(view: EndpointView) -> str:
    """What labels say of the quality so far, and how many there are."""
    last = next((p.realised for p in reversed(view.accuracy) if p.realised is not None), None)
    parts = [f"realised {text.fixed(last, 3)}"] if last is not None else []
    if view.label_coverage is not None:
        parts.append(f"labels {text.percent(view.label_coverage, 0)}")
    return ", ".join(parts)


def step_sign(is_done: bool) -> Line:
    return sign("ok" if is_done else "idle")
