"""What the rules of an endpoint say right now: every watched quantity with its interval and limit.

Reads counts, writes nothing. Used by `Watching`, which decides what to raise, and by `alert test`,
which only asks. Invariant: a reading that has too few requests or labels is inconclusive, never a
pass and never a failure.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from console import text
from console.agent import endpoint_drift
from console.agent.endpoint_view import declared_for, main_manifest, main_route
from console.agent.live_accuracy import metric_for, realised
from console.rules import metrics, slo
from console.rules.intervals import quantile_ranks, wilson
from console.rules.latency import value_ms
from console.rules.saturation import judge_saturation
from console.rules.verdicts import TOO_FEW
from console.rules.verdicts import judge as judged
from storage.records.alerts import Alert, AlertKind, AlertRule
from storage.records.results import Result
from storage.records.traffic import LatencyCount
from storage.tables import endpoints, traffic

if TYPE_CHECKING:
    from console.agent.context import Agent
    from storage.records.endpoints import Endpoint

SILENT_AFTER_S: Final = 15.0
"""A ready process reports its load every second."""
SATURATION_WINDOW: Final = timedelta(minutes=3)
_QUANTILES: Final = {"p50_ms": 0.50, "p95_ms": 0.95, "p99_ms": 0.99}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One watched quantity, measured."""

    rule: AlertRule
    result: Result
    title: str
    column: str = ""
    version: int | None = None
    """Of what depends on the model; None for what the process or the traffic does."""
    weight: float = 1.0
    """How much a column matters to the model, relative to the others."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two readings the same watched thing."""
        return self.rule.endpoint, self.rule.name, self.column

    def as_alert(self, alert_id: int, at: datetime) -> Alert:
        """The alert it is, when it is raised."""
        return Alert(
            id=alert_id,
            rule=self.rule.name,
            kind=self.rule.kind,
            endpoint=self.rule.endpoint,
            column=self.column,
            version=self.version,
            state="firing",
            severity="fail" if self.result.verdict in ("fail", "error") else "warn",
            title=self.title,
            value=self.result.value,
            limit=self.result.threshold,
            result=self.result,
            opened_at=at,
            changed_at=at,
        )


def rules_for(agent: Agent, endpoint: Endpoint) -> list[AlertRule]:
    """The declared rules, and for kinds that none is declared for the usual ones."""
    declared = declared_for(agent, endpoint)
    manifest = main_manifest(agent, endpoint)
    task = manifest.task if manifest else "binary"
    name = endpoint.name

    def rule(kind: AlertKind, metric: str, must: float, window_s: float, count: int) -> AlertRule:
        return AlertRule(
            name=kind, kind=kind, endpoint=name, metric=metric, must=must, window_s=window_s,
            min_count=count, direction=_direction(kind, metric),
        )  # fmt: skip

    usual = [
        rule("drift", "psi", 0.25, 3600.0, 500),
        rule("latency", "p99_ms", declared.latency_limit_ms, 180.0, 200),
        rule("errors", "error_ratio", 1.0 - declared.error_slo, 300.0, 200),
        rule("saturation", "saturation", 0.9, 120.0, 1),
        rule("slo", "burn_rate", slo.BURN_RULES[0].rate, slo.BURN_RULES[0].long_s, 200),
        rule("no-data", "telemetry_age_s", SILENT_AFTER_S, SILENT_AFTER_S, 0),
    ]
    if declared.accuracy_must is not None:
        metric = metric_for(declared.accuracy_metric, task)
        usual.append(rule("accuracy", metric, declared.accuracy_must, 3600.0, 200))
    given = {each.kind for each in declared.rules}
    return [*declared.rules, *(each for each in usual if each.kind not in given)]


async def judge(agent: Agent, endpoint: Endpoint, rule: AlertRule) -> list[Reading]:
    """Every quantity the rule watches: one, or for drift one per column."""
    return await _JUDGES[rule.kind](agent, endpoint, rule)


async def _drift(agent: Agent, endpoint: Endpoint, rule: AlertRule) -> list[Reading]:
    report = await endpoint_drift.report(agent, endpoint, window_s=rule.window_s)
    route = main_route(endpoint)
    readings = []
    for column in report.columns:
        primary = column.primary
        if primary.name == rule.metric:
            primary = judged(replace(primary, threshold=rule.must))
        result = replace(primary, scope=f"column:{column.column}")
        few = _too_few(report.rows_after, rule.min_count, "request")
        if few:
            result = judged(replace(result, detail=(*result.detail, (TOO_FEW, few))))
        elif result.verdict == "fail" and not column.is_drifted:
            result = replace(result, verdict="warn", reason=f"{result.reason}; by chance or itself")
        moved = f"{metrics.label_of(result.name)} {metrics.show(result.value, result.name)}"
        readings.append(
            Reading(
                rule=rule,
                result=result,
                title=f"{column.column} moved, {moved}",
                column=column.column,
                version=route.version if route else None,
                weight=0.01 + column.weight,
            )
        )
    return readings


async def _latency(agent: Agent, endpoint: Endpoint, rule: AlertRule) -> list[Reading]:
    now = agent.clock.now()
    since = now - timedelta(seconds=rule.window_s)
    counts = await agent.read(
        lambda c: traffic.list_latency_counts(c, endpoint.name, since=since, until=now)
    )
    n = sum(each.n for each in counts)
    q = _QUANTILES.get(rule.metric, 0.99)
    result = Result(name=rule.metric, scope=_scope(rule), n=n, threshold=rule.must, direction="le")
    few = _too_few(n, rule.min_count, "request")
    if n:
        low, high = quantile_ranks(n, q)
        at = [_at_rank(counts, rank) for rank in (int(q * (n - 1)), low - 1, high - 1)]
        result = replace(
            result,
            value=at[0],
            ci_low=at[1],
            ci_high=at[2],
            ci_method="order statistics",
            unit="ms",
        )
    return [_reading(rule, endpoint, result, few)]


async def _errors(agent: Agent, endpoint: Endpoint, rule: AlertRule) -> list[Reading]:
    now = agent.clock.now()
    since = now - timedelta(seconds=rule.window_s)
    found = await agent.read(
        lambda c: traffic.list_signals(
            c, endpoint.name, since=since, until=now, width_s=366 * 86400.0
        )
    )
    requests = sum(each.requests for each in found)
    invalid = sum(each.invalid for each in found)
    bad, n = sum(each.failed for each in found), requests - invalid
    if rule.metric == "invalid_ratio":
        bad, n = invalid, requests
    result = _share(rule, bad, n)
    return [_reading(rule, endpoint, result, _too_few(n, rule.min_count, "request"))]


async def _accuracy(agent: Agent, endpoint: Endpoint, rule: AlertRule) -> list[Reading]:
    now = agent.clock.now()
    since = now - timedelta(seconds=rule.window_s)
    manifest = main_manifest(agent, endpoint)
    metric = metric_for(rule.metric, manifest.task if manifest else "binary")
    route = main_route(endpoint)
    version = route.version if route else 0
    buckets = await agent.read(
        lambda c: traffic.list_accuracy(
            c, endpoint.name, since=since, until=now, width_s=366 * 86400.0, version=version
        )
    )
    labelled = sum(each.labelled for each in buckets)
    found = [value for each in buckets if (value := realised(metric, each)) is not None]
    result = Result(
        name=metric,
        scope=_scope(rule),
        n=labelled,
        threshold=rule.must,
        direction=rule.direction,
    )
    few = _too_few(labelled, rule.min_count, "label")
    if found:
        newest = found[-1]
        result = replace(
            result,
            value=newest.value,
            n=newest.n,
            ci_low=newest.low,
            ci_high=newest.high,
            ci_method="wilson" if newest.low is not None else "",
        )
    reading = _reading(rule, endpoint, result, few)
    return [replace(reading, version=version or None)]


async def _saturation(agent: Agent, endpoint: Endpoint, rule: AlertRule) -> list[Reading]:
    since = agent.clock.now() - SATURATION_WINDOW
    gauges = await agent.read(lambda c: endpoints.list_gauges(c, endpoint.name, since=since))
    result = judge_saturation(gauges, rule.must)
    leader = dict(result.detail).get("leads", "")
    reading = _reading(rule, endpoint, result, "")
    return [replace(reading, title=f"{reading.title}, {leader} leads" if leader else reading.title)]


async def _no_data(agent: Agent, endpoint: Endpoint, rule: AlertRule) -> list[Reading]:
    """How long the process has been silent; only one that says it is ready can be."""
    now = agent.clock.now()
    since = now - timedelta(days=1)
    gauge = await agent.read(lambda c: endpoints.get_last_gauge(c, endpoint.name, since=since))
    began = endpoint.state_since or endpoint.created_at
    last = max(gauge.at, began) if gauge else began
    is_watched = endpoint.state == "ready" and endpoint.desired == "started"
    value = max(0.0, (now - last).total_seconds()) if is_watched else 0.0
    result = Result(
        name=rule.metric, value=value, n=1, threshold=rule.must, direction="le", unit="s"
    )
    reading = _reading(rule, endpoint, result, "")
    title = f"{endpoint.name} has reported nothing for {text.duration(value)}"
    return [replace(reading, title=title)]


async def _slo(agent: Agent, endpoint: Endpoint, rule: AlertRule) -> list[Reading]:
    """Burn of the error budgets; the rule's own limit is not asked, the windows have theirs."""
    now = agent.clock.now()
    declared = declared_for(agent, endpoint)
    lengths = sorted({s for each in slo.BURN_RULES for s in (each.long_s, each.short_s)})
    since = [now - timedelta(seconds=length) for length in reversed(lengths)]
    found = await agent.read(lambda c: traffic.list_slo_counts(c, endpoint.name, since))
    counts = dict(zip(reversed(lengths), found, strict=True))
    readings = []
    for name, objective in (("latency", declared.latency_slo), ("errors", declared.error_slo)):
        if objective >= 1.0:
            continue

        def window(seconds: float, *, name: str = name) -> slo.Window:
            each = counts[seconds]
            good = each.within if name == "latency" else each.answered
            return slo.Window(bad=each.asked - good, total=each.asked)

        result = slo.judge_burn(window, objective)
        few = _too_few(result.n, rule.min_count, "request")
        if few and result.verdict in ("warn", "fail"):
            result = replace(result, verdict="inconclusive", reason=few)
        promise = f"{metrics.show(objective, 'availability')} answered"
        if name == "latency":
            promise += f" within {text.latency(declared.latency_limit_ms)} ms"
        title = f"{endpoint.name} promised {promise}: budget burns {text.fixed(result.value, 1)}×"
        readings.append(Reading(rule=rule, result=result, title=title, column=name))
    return readings


def _share(rule: AlertRule, k: int, n: int) -> Result:
    result = Result(name=rule.metric, scope=_scope(rule), n=n, threshold=rule.must, direction="le")
    if n <= 0:
        return result
    low, high = wilson(k, n)
    return replace(result, value=k / n, ci_low=low, ci_high=high, ci_method="wilson")


def _reading(rule: AlertRule, endpoint: Endpoint, result: Result, few: str) -> Reading:
    result = _with_few(result, few)
    shown = metrics.show(result.value, rule.metric, unit=result.unit or None)
    limit = metrics.show(rule.must, rule.metric, unit=result.unit or None)
    return Reading(
        rule=rule,
        result=result,
        title=f"{metrics.label_of(rule.metric)} of {endpoint.name} {shown}, must be "
        f"{'≥' if rule.direction == 'ge' else '≤'} {limit}",
    )


def _with_few(result: Result, few: str) -> Result:
    """Judged; too few of whatever is needed makes it inconclusive with the reason."""
    if result.value is None:
        return replace(result, verdict="inconclusive", reason=few or "nothing was measured")
    return judged(replace(result, detail=((TOO_FEW, few),)) if few else result)


def _too_few(n: int, least: int, what: str) -> str:
    return "" if n >= least else f"{text.counted(n, what)}, {least} are needed"


def _at_rank(counts: list[LatencyCount], rank: int) -> float | None:
    seen = 0
    for each in counts:
        seen += each.n
        if seen > rank:
            return value_ms(each.k)
    return value_ms(counts[-1].k) if counts else None


def _direction(kind: AlertKind, metric: str) -> Literal["ge", "le"]:
    return "ge" if kind == "accuracy" and metrics.direction_of(metric) == "ge" else "le"


def _scope(rule: AlertRule) -> str:
    return f"window:{text.duration(rule.window_s)}"


_JUDGES: Final[
    dict[AlertKind, Callable[[Agent, Endpoint, AlertRule], Awaitable[list[Reading]]]]
] = {
    "drift": _drift,
    "latency": _latency,
    "errors": _errors,
    "accuracy": _accuracy,
    "saturation": _saturation,
    "no-data": _no_data,
    "slo": _slo,
}
