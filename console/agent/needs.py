"""What waits for a person, worst first: the cause in the line, the next step at its right."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from console import text
from console.wire.agent import Need
from storage.records.results import Verdict

if TYPE_CHECKING:
    from console.agent.overview import Facts, Judged
    from storage.records.alerts import Alert
    from storage.records.datasets import Dataset, DatasetVersion
    from storage.records.endpoints import Endpoint
    from storage.records.jobs import Job

FAILED_JOB_AGE: Final = timedelta(days=1)
_RANK: Final[dict[Verdict, int]] = {
    "fail": 0, "error": 0, "warn": 1, "inconclusive": 2, "skipped": 3, "pass": 3,
}  # fmt: skip
_NEXT: Final = {"drift": "see cause", "accuracy": "see cause", "latency": "look", "slo": "look"}


def needs_of(facts: Facts, now: datetime) -> tuple[Need, ...]:
    found = [_of_alert(each) for each in facts.alerts if each.state == "firing"]
    found += [_of_endpoint(each, now) for each in facts.endpoints if _is_down(each)]
    found += [need for each in facts.judged if (need := _of_gates(each)) is not None]
    found += [need for each in facts.datasets if (need := _of_data(each, facts)) is not None]
    found += [_of_job(each, now) for each in _failed(facts.jobs, now)]
    found += [
        Need(
            kind="approval",
            verdict="inconclusive",
            title=f"{each.requested_by} asks for {each.subject}",
            detail=each.reason or f"needs the yes of somebody with the role {each.needs_role}",
            at=each.requested_at,
            target=f"approval:{each.id}",
            next="decide",
        )
        for each in facts.approvals
        if each.state == "waiting"
    ]
    return tuple(sorted(found, key=lambda need: (_RANK[need.verdict], -need.at.timestamp())))


def _of_alert(alert: Alert) -> Need:
    version = f" v{alert.version}" if alert.version else ""
    return Need(
        kind=alert.kind,
        verdict="fail" if alert.severity == "fail" else "warn",
        title=alert.title,
        detail=alert.result.reason or f"endpoint {alert.endpoint}{version}, rule {alert.rule}",
        at=alert.opened_at,
        target=f"alert:{alert.id}",
        next=_NEXT.get(alert.kind, "look"),
    )


def _is_down(endpoint: Endpoint) -> bool:
    return endpoint.desired == "started" and endpoint.state in ("failed", "lost")


def _of_endpoint(endpoint: Endpoint, now: datetime) -> Need:
    return Need(
        kind="slo",
        verdict="fail",
        title=f"endpoint {endpoint.name} does not serve",
        detail=endpoint.reason,
        at=endpoint.state_since or now,
        target=f"endpoint:{endpoint.name}",
        next="see log",
    )


def _of_gates(judged: Judged) -> Need | None:
    """The newest version of a model, when its gates do not let it pass and nobody overrode them."""
    version, gates = judged.version, judged.gates
    if gates.verdict not in ("fail", "error", "inconclusive") or version.aliases:
        return None
    worst = next((each for each in gates.results if each.verdict == gates.verdict), None)
    title = f"{version.model} v{version.version}: gates {gates.verdict}"
    detail = ""
    if worst is not None:
        title = f"{version.model} v{version.version}: {worst.reason or worst.name}"
        more = sum(each.verdict == gates.verdict for each in gates.results) - 1
        needed = f"{text.count(worst.n_needed)} more judged rows would settle it"
        detail = "; ".join(
            part
            for part in (
                needed if worst.n_needed else "",
                f"{text.counted(more, 'gate')} more like it" if more else "",
            )
            if part
        )
    return Need(
        kind="gate",
        verdict=gates.verdict,
        title=title,
        detail=detail,
        at=gates.judged_at or version.created_at,
        target=f"model:{version.name}",
        next="inspect",
    )


def _of_data(dataset: Dataset, facts: Facts) -> Need | None:
    """The latest version of a dataset, when it breaks its contract."""
    if dataset.verdict not in ("warn", "fail", "error") or dataset.latest_version is None:
        return None
    version = _version(dataset, facts)
    counts = []
    if version is not None and version.failure_count:
        counts.append(text.counted(version.failure_count, "failure"))
    if version is not None and version.warning_count:
        counts.append(text.counted(version.warning_count, "warning"))
    name = f"{dataset.name}@v{dataset.latest_version}"
    said = text.listed(counts) if counts else f"its contract says {dataset.verdict}"
    return Need(
        kind="contract",
        verdict=dataset.verdict,
        title=f"{name}: {said}",
        at=dataset.latest_at or dataset.created_at,
        target=f"data:{name}",
        next="inspect",
    )


def _version(dataset: Dataset, facts: Facts) -> DatasetVersion | None:
    for each in facts.data_versions:
        if each.dataset == dataset.name and each.version == dataset.latest_version:
            return each
    return None


def _failed(found: list[Job], now: datetime) -> list[Job]:
    """Jobs that failed lately and were not done since: of the same title only the newest counts."""
    newest: dict[str, Job] = {}
    for job in found:
        newest.setdefault(job.title, job)
    return [
        job
        for job in newest.values()
        if job.state in ("failed", "lost") and job.ended_at and now - job.ended_at < FAILED_JOB_AGE
    ]


def _of_job(job: Job, now: datetime) -> Need:
    return Need(
        kind="job",
        verdict="fail" if job.state == "failed" else "warn",
        title=f"{job.title} {job.state}",
        detail=job.reason,
        at=job.ended_at or now,
        target=f"job:{job.id}",
        next="see log",
    )
