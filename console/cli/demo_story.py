"""The demo's story, told by the very calls a person would make: data, training, serving, drift.

Everything in it is real: files are read, models are trained, requests travel over HTTP, labels
follow late. Each step says what it found; the facts of all steps are the summary. The console shows
the same jobs while they run, since the agent runs them like any others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from console import errors, text
from console.cli.commands import Invocation
from console.cli.following import follow
from console.rules import metrics
from console.wire import alerts as alert_wire
from console.wire import datasets as dataset_wire
from console.wire import endpoints as endpoint_wire
from console.wire import models as model_wire
from console.wire import people as people_wire
from console.wire import runs as run_wire
from console.wire.alerts import AlertId, ListAlerts
from console.wire.datasets import AddData, VersionPair, VersionRef
from console.wire.endpoints import EndpointName, EndpointWindow, StartEndpoint, StartReplay
from console.wire.models import ModelName, ModelRef, PromoteModel
from console.wire.routes import Nothing, Request, Response, Route
from console.wire.runs import CompareRuns, StartTraining
from storage.records.alerts import Alert
from storage.records.endpoints import AccuracyPoint, EndpointView
from storage.records.jobs import Job
from storage.records.models import GateReport
from storage.records.results import Result

ENDPOINT = "delays"
PIPELINE = "delays"
ALERT_WAIT_S = 25.0
LABEL_WAIT_S = 20.0
REQUESTS_PER_S = 250.0
SUMMER = ("2013-07-17", "2013-08-31", 2500)
"""Since, until, requests. These flights are held out of every training here, so both models are
judged on the same flights and neither has seen one of them."""
_HEADLINE = ("roc_auc", "recall", "precision")


@dataclass
class Story:
    """One telling. `say` gets a line at a time; `facts` collects what the summary needs."""

    invocation: Invocation
    data: Path
    """Directory of the sample files."""
    say: Callable[[str], None]
    facts: dict[str, Any] = field(default_factory=dict)

    def tell(self) -> None:
        """Go through all steps in order; a step that fails ends the story with its reason."""
        steps = list(self._steps())
        for number, (title, step) in enumerate(steps, 1):
            started = time.monotonic()
            self.say(f"\n{number}/{len(steps)}  {title}")
            step()
            self.facts.setdefault("seconds", {})[title] = round(time.monotonic() - started, 1)

    def _steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        yield "Data comes in as versions, checked against its contract", self._bring_data
        yield "What changed between two versions", self._compare_data
        yield "Two models are trained", self._train
        yield "Gates are judged and one model is promoted", self._promote
        yield "It is served, and spring traffic arrives", self._serve
        yield "Summer comes: other weather, other delays", self._drift
        yield "The way back: train on what is known now", self._retrain
        yield "The same summer on the new model, and everything on record", self._close

    # Data.

    def _bring_data(self) -> None:
        flights = self.data / "flights"
        self._add("weather", self.data / "weather-2013.parquet", note="hourly, all of 2013")
        self._add("planes", self.data / "planes.parquet", note="FAA registry")
        self._add("flights", flights / "flights-2013-01.parquet", note="January")
        self._add("flights", flights / "flights-2013-02.csv", append=True, note="February, as CSV")
        self._add("flights", flights / "flights-2013-03.parquet", append=True, note="March")

    def _add(self, dataset: str, *files: Path, append: bool = False, note: str = "") -> None:
        request = AddData(
            dataset=dataset,
            files=tuple(map(str, files)),
            append=append,
            note=note,
            options={},
        )
        self._follow(self._call(dataset_wire.add_data, request))
        detail = self._call(dataset_wire.get_version, VersionRef(dataset=dataset))
        version = detail.version
        stored = {"name": version.name, "rows": version.rows, "contract": version.verdict}
        self.facts.setdefault("versions", []).append(stored)
        warnings = [r for r in detail.results if r.verdict in ("warn", "fail")]
        said = f"; {warnings[0].name}: {warnings[0].reason}" if warnings else ""
        self.say(
            f"     {version.name:<11} {text.count(version.rows):>8} rows  "
            f"+{text.byte_size(version.added_bytes):<8} contract {version.verdict}{said}"
        )

    def _compare_data(self) -> None:
        pair = VersionPair(dataset="flights", before="v2", after="v3")
        answer = self._call(dataset_wire.get_diff, pair)
        if answer.diff is None and answer.job is not None:
            self._follow(answer.job)
            answer = self._call(dataset_wire.get_diff, pair)
        diff = answer.diff
        if diff is None:
            raise errors.FailedError("the diff of flights v2 and v3 did not come.")
        drift = self._call(dataset_wire.get_drift, pair)
        moved = [each.column for each in drift.columns if each.is_drifted]
        self.facts["diff"] = {
            "before": "flights@v2",
            "after": "flights@v3",
            "rows_added": diff.rows_added,
            "rows_removed": diff.rows_removed,
            "rows_changed": diff.rows_changed,
            "columns_moved": moved,
        }
        self.say(
            f"     flights v2 -> v3: {text.count(diff.rows_added)} rows added, "
            f"{text.count(diff.rows_removed)} removed, {text.count(diff.rows_changed)} changed; "
            f"{diff.chunks_shared} chunks shared, {text.count(diff.rows_read)} rows read"
        )
        self.say(f"     {drift.words or 'no column moved more than noise'}")

    # Models.

    def _train(self) -> None:
        first = self._train_one("as declared", {})
        second = self._train_one("deeper and slower", {"max_depth": 8, "learning_rate": 0.05})
        comparison = self._call(run_wire.compare_runs, CompareRuns(ids=(first.id, second.id)))
        self.facts["runs"] = [first.id, second.id]
        self.facts["comparison"] = list(comparison.words)
        for name, values in comparison.params[:6]:
            self.say(f"     {name:<18} {values[0]:>12}  {values[1]:>12}")
        for each in comparison.metrics:
            if each.metric in _HEADLINE and None not in each.values:
                shown = "  ".join(f"{text.fixed(value, 3):>12}" for value in each.values)
                word = each.words[1] if len(each.words) > 1 else ""
                self.say(f"     {metrics.label_of(each.metric):<18} {shown}  {word}")
        for words in comparison.words:
            self.say(f"     {words}")

    def _train_one(self, note: str, params: dict[str, Any], data: str = "latest") -> Job:
        request = StartTraining(pipeline=PIPELINE, params=params, data={"flights": data}, note=note)
        return self._follow(self._call(run_wire.start_training, request))

    def _promote(self) -> None:
        versions = self._call(model_wire.list_model_versions, ModelName(model=PIPELINE))
        reports = [
            self._call(model_wire.get_gates, ModelRef(model=PIPELINE, version=str(each.version)))
            for each in versions
        ]
        best = min(reports, key=lambda report: (_RANK[report.verdict], -_auc(report)))
        for report in sorted(reports, key=lambda report: report.version):
            self._say_gates(report)
        self._promote_version(best, "best of the first two")

    def _say_gates(self, report: GateReport) -> None:
        counts: dict[str, int] = {}
        for result in report.results:
            counts[result.verdict] = counts.get(result.verdict, 0) + 1
        shown = ", ".join(f"{n} {word}" for word, n in counts.items())
        self.say(f"     {report.model}@v{report.version}: {report.verdict} ({shown})")
        worst = [r for r in report.results if r.verdict not in ("pass", "skipped")][:3]
        for result in worst or report.results[:1]:
            self.say(f"       {result.name}: {result.reason}")
        self.facts.setdefault("gates", []).append(
            {
                "version": f"{report.model}@v{report.version}",
                "verdict": report.verdict,
                "results": [_short(result) for result in report.results],
            }
        )

    def _promote_version(self, report: GateReport, reason: str) -> None:
        allowed = report.verdict in ("pass", "warn")
        request = PromoteModel(
            model=PIPELINE,
            version=str(report.version),
            reason=reason if allowed else f"{reason}; demo: gates are {report.verdict}",
            override=not allowed,
        )
        promotion = self._call(model_wire.promote_model, request)
        self.facts["champion"] = f"{PIPELINE}@v{report.version}"
        self.facts["override"] = not allowed
        self.say(f"     {promotion.message}" + ("" if allowed else " (override, with a reason)"))

    # Serving.

    def _serve(self) -> None:
        endpoint = self._call(
            endpoint_wire.start_endpoint, StartEndpoint(endpoint=ENDPOINT, model=PIPELINE)
        )
        ready = self._await_ready()
        self.say(
            f"     http://{endpoint.host}:{ready.endpoint.port} serves {self.facts['champion']}"
        )
        flights = self.data / "flights"
        for month, name in ((4, "April"), (5, "May"), (6, "June"), (7, "July"), (8, "August")):
            path = flights / f"flights-2013-{month:02}.parquet"
            self._add("flights", path, append=True, note=name)
        self.facts["spring"] = self._replay("2013-04-01", "2013-04-29", 1500, "spring")

    def _await_ready(self) -> EndpointView:
        request = EndpointWindow(endpoint=ENDPOINT)
        deadline = time.monotonic() + 40.0
        while True:
            view = self._call(endpoint_wire.get_endpoint, request)
            if view.endpoint.state == "ready":
                return view
            if view.endpoint.state == "failed" or time.monotonic() > deadline:
                raise errors.FailedError(
                    f"endpoint {ENDPOINT} is {view.endpoint.state}: {view.endpoint.reason}"
                )
            time.sleep(0.1)

    def _replay(self, since: str, until: str, limit: int, season: str) -> dict[str, Any]:
        since_at = datetime.now(UTC)
        request = StartReplay(
            endpoint=ENDPOINT,
            dataset="flights",
            since=since,
            until=until,
            rate=REQUESTS_PER_S,
            limit=limit,
            label_delay_s=2.0,
        )
        sent = self._follow(self._call(endpoint_wire.start_replay, request)).result
        view, points = self._await_labels(since_at, sent["labels"])
        correct = sum((point.realised or 0) * point.labelled for point in points)
        labelled = sum(point.labelled for point in points)
        facts: dict[str, Any] = {
            "season": season,
            "requests": sent["requests"],
            "rate": sent["rate"],
            "p50_ms": sent["p50_ms"],
            "p99_ms": sent["p99_ms"],
            "error_ratio": sent["errors"] / max(1, sent["requests"]),
            "metric": view.accuracy_metric,
            "accuracy": round(correct / labelled, 4) if labelled else None,
            "labelled": labelled,
        }
        self.say(
            f"     {season}: {text.count(facts['requests'])} requests, "
            f"{text.fixed(facts['rate'], 0)}/s, "
            f"p50 {text.latency(facts['p50_ms'])} ms, p99 {text.latency(facts['p99_ms'])} ms, "
            f"errors {text.percent(facts['error_ratio'] or 0.0)}; "
            f"{view.accuracy_metric} {text.fixed(facts['accuracy'], 3)} "
            f"on {text.count(labelled)} labels"
        )
        return facts

    def _await_labels(
        self, since: datetime, wanted: int
    ) -> tuple[EndpointView, list[AccuracyPoint]]:
        """Labels are sent late on purpose: the buckets since a moment, once most labels are in."""
        since -= timedelta(seconds=since.second % 10, microseconds=since.microsecond)
        deadline = time.monotonic() + LABEL_WAIT_S
        while True:
            window = (datetime.now(UTC) - since).total_seconds()
            request = EndpointWindow(endpoint=ENDPOINT, window_s=window, points=1000)
            view = self._call(endpoint_wire.get_endpoint, request)
            points = [p for p in view.accuracy if p.realised is not None and p.at >= since]
            labelled = sum(point.labelled for point in points)
            if labelled >= 0.99 * wanted or time.monotonic() > deadline:
                return view, points
            time.sleep(0.25)

    def _drift(self) -> None:
        self.facts["summer"] = self._replay(*SUMMER, "summer")
        alert = self._await_alert()
        if alert is None:
            self.say("     no alert fired")
            self.facts["alert"] = None
            return
        detail = self._call(alert_wire.get_alert, AlertId(id=alert.id))
        drift = self._call(
            endpoint_wire.get_endpoint_drift, EndpointWindow(endpoint=ENDPOINT, window_s=300.0)
        )
        moved = [each for each in drift.columns if each.is_drifted]
        self.facts["alert"] = {
            "id": alert.id,
            "title": alert.title,
            "kind": alert.kind,
            "moved": {each.column: _rounded(each.primary.value) for each in moved},
        }
        self.say(f"     ALERT {alert.id}: {alert.title}")
        for each in moved[:5]:
            medians = ""
            if each.median_before is not None and each.median_after is not None:
                medians = f", median {each.median_before:.4g} -> {each.median_after:.4g}"
            self.say(f"       {each.words or each.column}{medians}")
        for cause in detail.causes:
            self.say(f"       {cause.kind}: {cause.title}")
        for remedy in detail.remedies:
            self.say(f"       would help: {remedy.title}  ({remedy.command})")

    def _await_alert(self) -> Alert | None:
        deadline = time.monotonic() + ALERT_WAIT_S
        while time.monotonic() < deadline:
            found = self._call(alert_wire.list_alerts, ListAlerts(state="open"))
            drift = [each for each in found if each.kind == "drift"]
            if drift:
                return max(drift, key=lambda each: each.value or 0.0)
            time.sleep(0.5)
        found = self._call(alert_wire.list_alerts, ListAlerts(state="open"))
        return found[0] if found else None

    # The way back.

    def _retrain(self) -> None:
        self._train_one("with spring and early summer", {})
        latest = self._call(model_wire.get_gates, ModelRef(model=PIPELINE))
        self._say_gates(latest)
        self._promote_version(latest, "trained on the season that is served")

    def _close(self) -> None:
        self.facts["after"] = self._replay(*SUMMER, "summer, new model")
        check = self._call(people_wire.verify_ledger, Nothing())
        self.facts["ledger"] = {"entries": check.entries, "is_intact": check.is_intact}
        state = "whole" if check.is_intact else f"broken: {check.reason}"
        self.say(f"     ledger: {check.entries} entries, the chain is {state}")
        self.say(f"     one step back is one command: mlops-console model rollback {PIPELINE}")

    def stop_serving(self) -> None:
        """Stop the endpoint, for a run that leaves nothing behind but its workspace."""
        self._call(endpoint_wire.stop_endpoint, EndpointName(endpoint=ENDPOINT))

    def _call(self, route: Route[Request, Response], request: Request) -> Response:
        return self.invocation.client.call(route, request, timeout_s=60.0)

    def _follow(self, job: Job) -> Job:
        ended = follow(self.invocation, job)
        return ended if ended is not None else job


_RANK = {"pass": 0, "warn": 1, "inconclusive": 2, "skipped": 3, "fail": 4, "error": 5}


def _auc(report: GateReport) -> float:
    return next((r.value or 0.0 for r in report.results if r.name == "roc_auc"), 0.0)


def _short(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "scope": result.scope,
        "value": _rounded(result.value),
        "ci": [_rounded(result.ci_low), _rounded(result.ci_high)],
        "must": result.threshold,
        "verdict": result.verdict,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
