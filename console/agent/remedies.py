"""What would help against an alert: each choice with the numbers it would give and its command."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from console import text
from console.agent.live_accuracy import realised
from console.rules import metrics
from storage.records.alerts import Alert, Remedy
from storage.records.traffic import AccuracyCounts, LabelledScores
from storage.tables import jobs, models, traffic

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from console.agent.causes import Background
    from console.agent.context import Agent
    from storage.records.models import ModelVersion
    from storage.records.pipelines import Cost

ShownVerdict = Literal["pass", "warn", "fail", "inconclusive", "none"]
GRID: Final = 4096
LABELS_WINDOW: Final = timedelta(hours=24)
MIN_LABELS: Final = 200
MIN_POSITIVES: Final = 20
DAY_S: Final = 86400.0


def shown_verdict(verdict: str) -> ShownVerdict:
    known: dict[str, ShownVerdict] = {
        "pass": "pass", "warn": "warn", "fail": "fail", "error": "fail",
        "inconclusive": "inconclusive",
    }  # fmt: skip
    return known.get(verdict, "none")


async def remedies(
    agent: Agent, alert: Alert, known: Background, now: datetime
) -> tuple[Remedy, ...]:
    """Choices that exist right now, the most fitting first."""
    found = await agent.read(lambda c: _choices(c, alert, known, now))
    return tuple(found)


def _choices(
    connection: DuckDBPyConnection, alert: Alert, known: Background, now: datetime
) -> list[Remedy]:
    found: list[Remedy] = []
    is_about_data = alert.kind in ("drift", "accuracy")
    found += _other_share(known)
    if is_about_data:
        found += _newer_version(known)
        found += _training(connection, known)
        found += _threshold(connection, alert, known, now)
    found += _rollback(connection, known)
    if not is_about_data:
        found += _newer_version(known)
    return found


def _other_share(known: Background) -> list[Remedy]:
    """A canary can be taken back without moving any alias."""
    answering = [route for route in known.endpoint.routes if not route.is_shadow]
    if len(answering) < 2:
        return []
    main = max(answering, key=lambda route: route.weight)
    return [
        Remedy(
            title=f"give v{main.version} all the traffic again",
            outcome="as before the canary",
            action="start_endpoint",
            arguments={"endpoint": known.endpoint.name, "version": str(main.version)},
            command=f"mlops-console endpoint start {known.endpoint.name} --version v{main.version}",
        )
    ]


def _newer_version(known: Background) -> list[Remedy]:
    served = {route.version for route in known.endpoint.routes}
    newest = max(served, default=0)
    for version in known.versions:
        if version.version <= newest:
            break
        if version.verdict in ("fail", "error"):
            continue
        data = text.listed(f"{use.dataset}@v{use.version}" for use in version.data[:1])
        return [
            Remedy(
                title=f"promote {version.name}, trained on {data}",
                outcome=_holdout(version, known),
                verdict=shown_verdict(version.verdict),
                action="promote_model",
                arguments={"model": version.model, "version": str(version.version)},
                command=f"mlops-console model promote {version.name}",
            )
        ]
    return []


def _training(connection: DuckDBPyConnection, known: Background) -> list[Remedy]:
    pipeline = known.manifest.pipeline if known.manifest else known.endpoint.model
    running = next(
        (
            job
            for job in jobs.list_jobs(connection, state="active", kind="train", limit=20)
            if job.spec.get("pipeline") in (pipeline, None) or pipeline in job.title
        ),
        None,
    )
    if running is not None:
        return [
            Remedy(
                title=f"wait for run {running.id}, it trains {pipeline} now",
                outcome=running.progress.text or running.state,
                action="get_job",
                arguments={"id": str(running.id)},
                command=f"mlops-console job show {running.id}",
            )
        ]
    newer = [
        f"{latest.name}, {text.counted(latest.rows - trained.rows, 'row')} more"
        for use, trained, latest in known.data
        if latest is not None and trained is not None and latest.version > use.version
    ]
    if not newer:
        return [
            Remedy(
                title=f"add the data of now, then train {pipeline} on it",
                outcome="nothing newer than its training data is here",
                action="add_data",
                arguments={},
                command=f"mlops-console data add {known.data[0][0].dataset} FILE…"
                if known.data
                else "mlops-console data add NAME FILE…",
            )
        ]
    return [
        Remedy(
            title=f"train {pipeline} on the latest data",
            outcome=newer[0],
            action="start_training",
            arguments={"pipeline": pipeline},
            command=f"mlops-console train {pipeline}",
        )
    ]


def _threshold(
    connection: DuckDBPyConnection, alert: Alert, known: Background, now: datetime
) -> list[Remedy]:
    """Where the threshold would have to be on what was served and labelled lately."""
    version, manifest = known.version, known.manifest
    if version is None or manifest is None or manifest.task != "binary":
        return []
    since = now - LABELS_WINDOW
    grid = traffic.list_labelled_scores(
        connection, known.endpoint.name, version.version, since=since
    )
    positives, negatives = sum(e.positives for e in grid), sum(e.negatives for e in grid)
    if positives + negatives < MIN_LABELS or positives < MIN_POSITIVES:
        return []
    must = alert.limit if alert.kind == "accuracy" else None
    best = _best(grid, alert.result.name if must is not None else "", must, manifest.cost)
    current = _counts(grid, round(version.threshold * GRID))
    if best is None or abs(best / GRID - version.threshold) < 0.005:
        return []
    there = _counts(grid, best)
    name = alert.result.name if must is not None else "recall"
    figure = realised(name, there)
    share = (there.tp + there.fp - current.tp - current.fp) / max(1, there.labelled)
    per_day = share * _per_day(known)
    words = [f"{metrics.label_of(name)} {metrics.show(figure.value, name)}"] if figure else []
    words.append(f"{text.delta(per_day, 0)} alerts a day")
    saved = (_cost(current, manifest.cost) - _cost(there, manifest.cost)) * 1000 / there.labelled
    if saved > 0:
        words.append(f"saves {text.fixed(saved, 0)} per 1 000")
    value = f"{best / GRID:.2f}"
    return [
        Remedy(
            title=f"move the threshold to {value}",
            outcome=", ".join(words),
            verdict="pass" if must is not None else "none",
            action="set_threshold",
            arguments={
                "model": version.model,
                "version": str(version.version),
                "value": value,
                "reason": f"alert {alert.id}",
            },
            command=f"mlops-console threshold set {version.name} {value} "
            f"--reason 'alert {alert.id}'",
        )
    ]


def _rollback(connection: DuckDBPyConnection, known: Background) -> list[Remedy]:
    model = known.endpoint.model
    moves = models.list_alias_changes(connection, model)
    champion = next((each for each in moves if each.alias == "champion"), None)
    if champion is None or champion.previous is None or champion.is_rollback:
        return []
    before = next((v for v in known.versions if v.version == champion.previous), None)
    if before is None:
        return []
    return [
        Remedy(
            title=f"roll back to {before.name}",
            outcome=_holdout(before, known),
            verdict=shown_verdict(before.verdict),
            action="rollback_model",
            arguments={"model": model},
            command=f"mlops-console model rollback {model}",
        )
    ]


def _holdout(version: ModelVersion, known: Background) -> str:
    """Its main metric on the rows it was judged on, beside that of the one that serves."""
    for name in ("recall", "roc_auc", "accuracy", "mae", *version.metrics):
        if name in version.metrics:
            shown = f"{metrics.label_of(name)} {metrics.show(version.metrics[name], name)}"
            other = known.version.metrics.get(name) if known.version else None
            if other is not None and known.version and known.version.version != version.version:
                shown += f", v{known.version.version} had {metrics.show(other, name)}"
            return f"{shown} when judged"
    return ""


def _best(grid: list[LabelledScores], metric: str, must: float | None, cost: Cost) -> int | None:
    """The bin to cut at: the strictest that keeps the metric's limit, else the cheapest."""
    cuts = range(1, GRID, 8)
    judged = [(cut, _counts(grid, cut)) for cut in cuts]
    if must is not None:
        wanted = metrics.direction_of(metric)
        keeping = []
        for cut, counts in judged:
            found = realised(metric, counts)
            if found is not None and ((found.value >= must) == (wanted == "ge")):
                keeping.append((cut, counts))
        judged = keeping
    if not judged:
        return None
    return min(judged, key=lambda each: (_cost(each[1], cost), each[0]))[0]


def _counts(grid: list[LabelledScores], cut: int) -> AccuracyCounts:
    """The confusion counts when scores of bin `cut` and above say yes."""
    tp = sum(each.positives for each in grid if each.k >= cut)
    fp = sum(each.negatives for each in grid if each.k >= cut)
    fn = sum(each.positives for each in grid) - tp
    tn = sum(each.negatives for each in grid) - fp
    return AccuracyCounts(
        at=datetime.min, n=tp + fp + fn + tn, tp=tp, fp=fp, tn=tn, fn=fn, errors=0,
        absolute_total=0.0, squared_total=0.0,
    )  # fmt: skip


def _cost(counts: AccuracyCounts, cost: Cost) -> float:
    return (
        cost.false_positive * counts.fp
        + cost.false_negative * counts.fn
        - cost.true_positive_gain * counts.tp
        - cost.true_negative_gain * counts.tn
        + cost.review * (counts.tp + counts.fp)
    )


def _per_day(known: Background) -> float:
    """Requests a day at the pace of the last hour."""
    hour = sum(each.requests for each in known.traffic if not each.is_shadow)
    return hour * DAY_S / 3600.0
