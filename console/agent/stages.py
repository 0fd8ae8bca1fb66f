"""The way from data to monitoring, one line a stage, in the order of work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console import text
from console.rules import metrics
from console.wire.agent import Stage

if TYPE_CHECKING:
    from console.agent.overview import Facts, Judged
    from storage.records.declared import Declaration
    from storage.records.endpoints import EndpointView
    from storage.records.jobs import Job

_OF_VERDICT = {
    "pass": "ok", "warn": "warn", "fail": "fail", "error": "fail", "inconclusive": "inconclusive",
    "skipped": "ok",
}  # fmt: skip


def stages_of(
    facts: Facts, view: EndpointView | None, declaration: Declaration | None
) -> tuple[Stage, ...]:
    return (
        _data(facts),
        _training(facts),
        _validation(facts),
        _serving(view),
        _monitoring(facts, view),
        _pipeline(facts, declaration),
    )


def _data(facts: Facts) -> Stage:
    if not facts.data_versions:
        return Stage(stage="data", state="none", fact="nothing was added yet")
    version = facts.data_versions[0]
    dataset = next(each for each in facts.datasets if each.name == version.dataset)
    parts = [text.counted(version.rows, "row")]
    if version.failure_count:
        parts.append(text.counted(version.failure_count, "failure"))
    if version.warning_count:
        parts.append(text.counted(version.warning_count, "warning"))
    return Stage(
        stage="data",
        state=_OF_VERDICT[version.verdict],
        latest=version.name,
        fact=", ".join(parts),
        trend=tuple(map(float, dataset.rows_history)),
        at=version.created_at,
        target=f"data:{version.name}",
    )


def _training(facts: Facts) -> Stage:
    active = _first(facts.jobs, ("train", "search"), ("running", "starting"))
    if active is not None:
        progress = active.progress
        ratio = progress.done / progress.total if progress.total else None
        return Stage(
            stage="training",
            state="running",
            latest=f"run {active.id}",
            fact=progress.text or active.title,
            progress_ratio=ratio,
            at=active.started_at,
            target=f"job:{active.id}",
        )
    if not facts.runs:
        return Stage(stage="training", state="none", fact="nothing was trained yet")
    run = facts.runs[0]
    main = next(iter(run.metrics), "")
    trend = [each.metrics[main] for each in reversed(facts.runs) if main in each.metrics]
    shown = metrics.show(run.metrics[main], main) if main else run.error or run.state
    return Stage(
        stage="training",
        state={"succeeded": "ok", "running": "running"}.get(run.state, "fail"),
        latest=f"{run.pipeline} run {run.id}",
        fact=f"{metrics.label_of(main)} {shown}" if main else shown,
        trend=tuple(trend),
        at=run.ended_at or run.started_at,
        target=f"run:{run.id}",
    )


def _validation(facts: Facts) -> Stage:
    newest: Judged | None = max(
        facts.judged, key=lambda each: each.version.created_at, default=None
    )
    if newest is None:
        return Stage(stage="validation", state="none", fact="nothing was judged yet")
    version, gates = newest.version, newest.gates
    passing = sum(each.verdict in ("pass", "warn") for each in gates.results)
    return Stage(
        stage="validation",
        state=_OF_VERDICT[gates.verdict] if gates.results else "none",
        latest=f"{version.model} v{version.version}",
        fact=f"{passing} of {len(gates.results)} gates pass" if gates.results else "no gates",
        at=gates.judged_at or version.created_at,
        target=f"model:{version.name}",
    )


def _serving(view: EndpointView | None) -> Stage:
    if view is None:
        return Stage(stage="serving", state="none", fact="nothing is served")
    endpoint, now = view.endpoint, view.now
    shares = [f"v{r.version} {text.percent(r.weight, 0)}" for r in endpoint.routes if r.weight]
    late = bool(now and now.p99_ms and now.p99_ms > (view.latency_limit_ms or float("inf")))
    errors = bool(now and (now.error_ratio or 0.0) > (view.error_limit_ratio or 1.0))
    state = "warn" if late or errors else "ok"
    if endpoint.state != "ready":
        state = "fail" if endpoint.state in ("failed", "lost") else "queued"
    fact = endpoint.reason or endpoint.state
    if endpoint.state == "ready":
        fact = f"{text.fixed(now.rate if now else 0.0, 0)} req/s"
        if now and now.p99_ms is not None:
            fact += f", p99 {text.latency(now.p99_ms)} ms"
    return Stage(
        stage="serving",
        state=state,
        latest=f"{endpoint.model} {', '.join(shares)}",
        fact=fact,
        trend=tuple(point.p99_ms for point in view.points[-24:] if point.p99_ms is not None),
        at=view.sampled_at or endpoint.state_since,
        target=f"endpoint:{endpoint.name}",
    )


def _monitoring(facts: Facts, view: EndpointView | None) -> Stage:
    firing = [each for each in facts.alerts if each.state == "firing"]
    if firing:
        worst = firing[0]
        columns = sum(each.kind == "drift" for each in firing)
        fact = f"{text.counted(columns, 'column')} moved" if columns > 1 else worst.title
        return Stage(
            stage="monitoring",
            state="fail" if worst.severity == "fail" else "warn",
            latest=worst.endpoint,
            fact=fact,
            at=worst.opened_at,
            target=f"alert:{worst.id}",
        )
    if view is None:
        return Stage(stage="monitoring", state="none", fact="nothing to watch")
    taken = len(facts.alerts)
    return Stage(
        stage="monitoring",
        state="ok",
        latest=view.endpoint.name,
        fact=f"{text.counted(taken, 'alert')} taken or silenced" if taken else "nothing is raised",
        at=view.sampled_at,
        target=f"endpoint:{view.endpoint.name}",
    )


def _pipeline(facts: Facts, declaration: Declaration | None) -> Stage:
    names = list(declaration.pipelines) if declaration else []
    run = next((each for each in facts.runs if each.ended_at is not None), None)
    if run is None:
        fact = text.counted(len(names), "pipeline") + " declared" if names else "none is declared"
        return Stage(stage="pipeline", state="idle" if names else "none", fact=fact)
    durations = [each.duration_s for each in reversed(facts.runs) if each.duration_s is not None]
    return Stage(
        stage="pipeline",
        state="ok" if run.state == "succeeded" else "fail",
        latest=run.pipeline,
        fact=f"took {text.duration(run.duration_s)}",
        trend=tuple(durations),
        at=run.ended_at,
        target=f"pipeline:{run.pipeline}",
    )


def _first(found: list[Job], kinds: tuple[str, ...], states: tuple[str, ...]) -> Job | None:
    return next((job for job in found if job.kind in kinds and job.state in states), None)
