"""An agent in this process whose endpoint has traffic, without a serving process behind it.

The store, the objects and every rule are real; the clock goes on only when a test says so.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.agent.changes import Changes
from console.agent.context import Agent, Call
from console.agent.declaring import DeclarationFile
from console.agent.endpoint_processes import EndpointProcesses
from console.agent.ingest import Ingest
from console.agent.reporting import APPLIERS, ENDERS
from console.agent.supervisor import Supervisor
from console.agent.tracking.listener import Listener
from storage.database import Database
from storage.objects import Objects
from storage.records.endpoints import Endpoint, RequestEvent, Route, Saturation
from storage.records.models import AliasChange, ModelManifest, SignatureField
from storage.records.people import Person
from storage.records.profiles import ColumnProfile, Profile
from storage.records.reports import FeatureWindow
from storage.records.runs import DataUse
from storage.tables import endpoints, models, traffic
from storage.workspace import Workspace

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EDGES = tuple(float(edge) for edge in range(5, 100, 5))
FEATURES = ("humid", "temp", "wind")
DECLARATION = """
[endpoints.delays]
model = "delays"
latency_limit_ms = 100.0
accuracy_metric = "recall"
accuracy_must = 0.5

[[endpoints.delays.alerts]]
name = "features"
kind = "drift"
metric = "psi"
must = 0.25
window_s = 120.0
min_count = 200
"""


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@contextmanager
def agent_with_endpoint(
    path: Path, *, versions: int = 1, declaration: str = DECLARATION
) -> Iterator[Agent]:
    """An agent whose endpoint `delays` serves v1, the champion of the model `delays`."""
    workspace = Workspace.create(path)
    workspace.declaration.write_text(declaration)
    clock, changes = HandClock(), Changes()
    with Database.open(workspace, clock=clock) as database:
        ingest = Ingest(APPLIERS, ENDERS)
        agent = Agent(
            workspace=workspace,
            database=database,
            objects=Objects(workspace.objects),
            changes=changes,
            clock=clock,
            declaration_file=DeclarationFile(workspace.root, workspace.declaration),
            supervisor=Supervisor(workspace, database, changes, clock, ingest, jobs_at_once=1),
            tracking=Listener(workspace, database, changes, clock),
            endpoint_processes=EndpointProcesses(workspace, database, changes, clock, ingest),
            request_stop=lambda: None,
            started_monotonic=0.0,
            idle_stop_s=0.0,
        )
        _register(agent, versions)
        yield agent


def call_of(agent: Agent, name: str = "ana") -> Call:
    person = Person(
        name=name, roles=("devops", "data-scientist"), granted_at=START, granted_by="root"
    )
    return Call(agent=agent, actor=person)


def clock_of(agent: Agent) -> HandClock:
    assert isinstance(agent.clock, HandClock)
    return agent.clock


def ask(
    agent: Agent,
    n: int,
    *,
    seconds: float = 10.0,
    humid: float = 50.0,
    latency_ms: float = 20.0,
    outcome: str = "ok",
    version: int = 1,
    scores: tuple[float, ...] = (0.2, 0.8),
) -> list[RequestEvent]:
    """`n` requests in the `seconds` from now on, with their feature window; the clock follows."""
    clock = clock_of(agent)
    rng = random.Random(n + int(clock.monotonic()))
    score = [scores[i % len(scores)] for i in range(n)]
    events = [
        RequestEvent(
            request_id=f"{clock.at:%H%M%S}-{i}",
            endpoint="delays",
            at=clock.at + timedelta(seconds=seconds * i / n),
            version=version,
            outcome=outcome,
            status=200 if outcome == "ok" else 500,
            latency_ms=latency_ms * rng.uniform(0.9, 1.1),
            score=score[i],
            decision=score[i] >= 0.5,
        )
        for i in range(n)
    ]
    window = FeatureWindow(
        endpoint="delays", version=version, at=clock.at, width_s=seconds, rows=n,
        counts={
            "humid": window_counts(n, humid, rng),
            "temp": window_counts(n, 50.0, rng),
            "wind": window_counts(n, 50.0, rng),
        },
    )  # fmt: skip

    def write(connection: object) -> None:
        traffic.add_requests(connection, events)  # type: ignore[arg-type]
        traffic.add_feature_windows(connection, [window])  # type: ignore[arg-type]
        gauge = Saturation(at=clock.at + timedelta(seconds=seconds), cpu=0.2)
        endpoints.add_gauge(connection, "delays", gauge)  # type: ignore[arg-type]

    agent.database.write(write)
    agent.changes.bump("traffic")
    clock.move(seconds)
    return events


def window_counts(n: int, middle: float, rng: random.Random) -> tuple[int, ...]:
    """`n` normal values around `middle` on the bins of the profile; none missing."""
    counts = [0] * (len(EDGES) + 2)
    for _ in range(n):
        value = rng.gauss(middle, 15.0)
        counts[sum(value > edge for edge in EDGES)] += 1
    return tuple(counts)


def _register(agent: Agent, versions: int) -> None:
    objects = agent.objects
    rng = random.Random(1)
    columns = tuple(
        ColumnProfile(
            name=name, type="DOUBLE", kind="numeric", n=20_000, min=0.0, max=100.0, edges=EDGES,
            counts=window_counts(20_000, 50.0, rng)[:-1],
        )
        for name in FEATURES
    )  # fmt: skip
    profile = objects.put_json(Profile(rows=20_000, columns=columns))
    # The model is right four times in five, whichever way it decides.
    calibration = objects.put_json([0.2] * 2048 + [0.8] * 2049)
    digests = []
    for number in range(versions):
        manifest = ModelManifest(
            pipeline="delays", pipeline_digest=f"{number}" * 64, task="binary",
            estimator="sklearn.Nothing", estimator_digest="0" * 64,
            inputs=tuple(SignatureField(name=name, type="number") for name in FEATURES), steps=(),
            features=FEATURES, feature_types=("number",) * 3, target="late", positive="1",
            profile=profile, calibration=calibration, environment={},
        )  # fmt: skip
        digests.append(objects.put_json(manifest))
    route = Route(version=1, digest=digests[0], weight=1.0, threshold=0.5, name="champion")
    endpoint = Endpoint(
        name="delays", model="delays", port=8100, state="ready", routes=(route,),
        latency_limit_ms=100.0, created_at=START, created_by="ana", started_at=START,
        state_since=START,
    )  # fmt: skip

    def write(connection: object) -> None:
        at = START - timedelta(days=1)
        models.create_model(connection, "delays", description="", at=at, by="ana")  # type: ignore[arg-type]
        for number, digest in enumerate(digests):
            models.create_model_version(
                connection,  # type: ignore[arg-type]
                "delays",
                digest=digest,
                run_id=None,
                data=(DataUse(dataset="flights", version=1, digest="0" * 64),),
                metrics={"recall": 0.8},
                threshold=0.5,
                size_bytes=1,
                note="",
                at=at + timedelta(minutes=number),
                by="ana",
            )
        move = AliasChange(model="delays", alias="champion", version=1, at=at, by="ana")
        models.record_alias_change(connection, move)  # type: ignore[arg-type]
        endpoints.create_endpoint(connection, endpoint)  # type: ignore[arg-type]

    agent.database.write(write)
