"""The agent itself: is it there, what changed, how does the whole workspace stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from console.wire.routes import ANYONE, OPERATE, Done, Nothing, Route
from storage.records.alerts import Alert
from storage.records.endpoints import EndpointView
from storage.records.jobs import Job
from storage.records.people import Approval, LedgerEntry, Person
from storage.records.results import Verdict

TOPICS = ("datasets", "pipelines", "jobs", "runs", "models", "endpoints", "traffic", "alerts",
          "people", "ledger")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStatus:
    workspace: str
    """Absolute path of the directory that holds `.mlops/`."""
    name: str
    """As declared in mlops.toml, else the directory's name."""
    mode: str
    """`solo`, `team` or `demo`."""
    version: str
    pid: int
    started_at: datetime
    uptime_s: float
    clients: int
    """Connections in the last 10 s, by distinct caller."""
    jobs_running: int
    jobs_queued: int
    endpoints_ready: int
    rss_bytes: int
    store_bytes: int
    disk_free_bytes: int
    idle_stop_s: float
    """Leaves after so long without clients, jobs and endpoints; 0 = never."""
    is_read_only: bool = False
    """Disk almost full: reads go on, writes are refused."""
    warnings: tuple[str, ...] = ()
    declaration_error: str = ""
    """Why mlops.toml cannot be used, with line and column; empty when it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Revision of every topic; a client refetches what its visible screen shows."""

    revisions: dict[str, int]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitChanges:
    since: int = 0
    """Sum of the revisions the caller has seen; the answer waits until it is larger."""
    timeout_s: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that waits for a person, worst first."""

    kind: str
    """`drift`, `slo`, `accuracy`, `gate`, `contract`, `job`, `approval`."""
    verdict: Verdict
    title: str
    detail: str = ""
    at: datetime
    target: str
    """`alert:56`, `model:delays@v5`, `data:flights@v7`, `job:115`, `approval:3`."""
    next: str = ""
    """The next step in two words: `see cause`, `roll back`, `inspect`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of the way from data to monitoring."""

    stage: str
    """`data`, `training`, `validation`, `serving`, `monitoring`, `pipeline`."""
    state: str
    """`ok`, `running`, `queued`, `warn`, `fail`, `inconclusive`, `idle`, `none`."""
    latest: str = ""
    fact: str = ""
    trend: tuple[float, ...] = ()
    progress_ratio: float | None = None
    at: datetime | None = None
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStep:
    """One of the four steps of an empty workspace; ticks itself."""

    name: str
    command: str
    detail: str
    is_done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTrend:
    """Rows and positive share of one dataset version, for the small table on the overview."""

    name: str
    rows: int
    note: str = ""
    share: float | None = None
    """Rows added / rows of the largest addition, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    status: AgentStatus
    actor: Person
    needs: tuple[Need, ...]
    stages: tuple[Stage, ...]
    endpoint: EndpointView | None
    """The busiest endpoint, 30 minutes."""
    running: tuple[Job, ...]
    queued_count: int
    actions: tuple[LedgerEntry, ...]
    """Newest first."""
    people: tuple[Person, ...]
    approvals: tuple[Approval, ...]
    alerts: tuple[Alert, ...]
    """Firing and acknowledged."""
    data: tuple[DataTrend, ...] = ()
    first_steps: tuple[FirstStep, ...] = ()
    is_empty: bool = False
    """Nothing was ever added: show the first steps."""


get_status = Route(
    "get_status", "GET", "/v1/agent", ANYONE, Nothing, AgentStatus,
    "Whether the agent is there, since when, and what it is busy with.",
)  # fmt: skip
stop_agent = Route(
    "stop_agent", "POST", "/v1/agent/stop", OPERATE, Nothing, Done,
    "Let the agent leave; jobs and endpoints go on without it.",
)  # fmt: skip
await_changes = Route(
    "await_changes", "GET", "/v1/changes", ANYONE, AwaitChanges, Changes,
    "Wait until something changes and learn which topics did.",
)  # fmt: skip
get_overview = Route(
    "get_overview", "GET", "/v1/overview", ANYONE, Nothing, Overview,
    "What needs a person, how every stage stands and what is being served.",
)  # fmt: skip
ROUTES = (get_status, stop_agent, await_changes, get_overview)
