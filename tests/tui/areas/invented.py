"""An invented workspace in real records: what every area shows of it, full, empty, hostile.

New York flights: weather moved, version 5 is a canary that is slow, its recall is undecided.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from console.rules import gates
from console.tui.snapshots import alerts, data, models, overview, people, pipelines, serving
from console.wire.agent import AgentStatus, DataTrend, FirstStep, Need, Overview, Stage
from console.wire.datasets import DiffAnswer, Rows, VersionDetail
from console.wire.models import ModelDetail, ThresholdView
from storage.records.alerts import Alert, AlertDetail, AlertEvent, AlertRule, CauseStep, Remedy
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.diffs import ColumnDifference, DatasetDiff, RowDifference, SchemaChange
from storage.records.drift import ColumnDrift, DriftReport
from storage.records.endpoints import (
    AccuracyPoint,
    Endpoint,
    EndpointMark,
    EndpointView,
    Route,
    Saturation,
    SignalPoint,
    VersionTraffic,
)
from storage.records.gates import Gate
from storage.records.jobs import Job, Progress
from storage.records.models import GateReport, Model, ModelManifest, ModelVersion
from storage.records.people import Approval, LedgerCheck, LedgerEntry, Person
from storage.records.pipelines import Cost
from storage.records.profiles import ColumnProfile, Profile
from storage.records.results import Result
from storage.records.runs import DataUse
from storage.records.thresholds import GRID_BINS, GridPart, ScoreGrid

NOW = datetime(2026, 11, 23, 9, 41, 7, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


# ---------------------------------------------------------------------- serving

POINTS = tuple(
    SignalPoint(
        at=ago(1800 - i * 15),
        width_s=15.0,
        rate=38.0,
        error_ratio=0.0004,
        p50_ms=21.0,
        p95_ms=83.0,
        p99_ms=112.0 + max(0, i - 80) * 1.9,
        queue_p95_ms=3.0,
    )
    for i in range(120)
)
ENDPOINT = Endpoint(
    name="delays",
    model="delays",
    port=8100,
    state="ready",
    created_at=ago(9000),
    created_by="ana",
    routes=(
        Route(version=4, digest="", weight=0.9, threshold=0.34, name="champion"),
        Route(version=5, digest="", weight=0.1, threshold=0.34, name="canary"),
    ),
)
VIEW = EndpointView(
    endpoint=ENDPOINT,
    window_s=1800.0,
    now=POINTS[-1],
    points=POINTS,
    saturation=Saturation(at=NOW, in_flight=0.41, cpu=0.37, memory=0.28),
    versions=(
        VersionTraffic(version=4, name="champion", requests=20606, p50_ms=21.0, p99_ms=112.0,
                       error_ratio=0.0004, positive_ratio=0.31),
        VersionTraffic(version=5, name="canary", requests=2294, p50_ms=25.0, p99_ms=342.0,
                       error_ratio=0.0, positive_ratio=0.338),
    ),
    accuracy_metric="recall",
    accuracy=tuple(
        AccuracyPoint(at=ago(1800 - i * 15), width_s=15.0, n=300, labelled=280,
                      realised=0.66 - i * 0.0006 if i < 105 else None, estimated=0.66,
                      estimated_low=0.64, estimated_high=0.68)
        for i in range(120)
    ),
    accuracy_must=0.6,
    label_coverage=0.81,
    latency_limit_ms=150.0,
    error_limit_ratio=0.005,
    slo_budget_left=0.61,
    slo_burn=7.2,
    marks=(EndpointMark(at=ago(600), text="v5 10 %"),),
    sampled_at=ago(1),
    total_requests=70_000,
)  # fmt: skip
ALERT = Alert(
    id=56, rule="recall", kind="accuracy", endpoint="delays", version=4, state="firing",
    title="recall of delays 0.588, must be ≥ 0.600", value=0.588, limit=0.6,
    result=Result(name="recall", value=0.588), opened_at=ago(1560), changed_at=ago(60),
)  # fmt: skip
ALERTS = (
    ALERT,
    replace(ALERT, id=57, kind="drift", column="humid", title="humid moved, PSI 0.41", value=0.41,
            limit=0.25, result=Result(name="psi"), opened_at=ago(720)),
    replace(ALERT, id=58, kind="slo", severity="warn", title="p99 186 ms over 150",
            opened_at=ago(240)),
    replace(ALERT, id=55, kind="latency", state="acknowledged", acknowledged_by="ben",
            title="p99 171 over 150", opened_at=ago(7200)),
    replace(ALERT, id=49, kind="drift", state="resolved", title="dewp moved, PSI 0.13",
            opened_at=ago(6 * 86400), resolved_at=ago(6 * 86400 - 22320)),
)  # fmt: skip


def serving_snapshot(**changes: Any) -> serving.Snapshot:
    view = replace(VIEW, **changes)
    return serving.Snapshot(endpoints=(view,), view=view, alerts=ALERTS[:3], at=NOW)


def serving_empty() -> serving.Snapshot:
    return serving.Snapshot(endpoints=(), view=None, alerts=(), at=NOW)


def _drift(column: str, psi: float, verdict: Any, *, moved: float = 0.9) -> ColumnDrift:
    return ColumnDrift(
        column=column, kind="numeric", verdict=verdict,
        is_drifted=verdict != "pass" and moved > 0.8,
        words=f"{column} moved {moved:.2f} σ; by itself at most 0.80 σ in 4 388 rows",
        supports=(Result(name="wasserstein", value=moved, noise=0.8),),
        primary=Result(name="psi", value=psi, ci_low=psi * 0.9, ci_high=psi * 1.1),
        edges=tuple(float(i) for i in range(15)), before=(0.1,) * 10 + (0.0,) * 4,
        after=(0.0,) * 4 + (0.1,) * 10, median_before=57.0, median_after=70.0,
    )  # fmt: skip


DRIFT = DriftReport(
    before="weather@v5", after="weather@v7", rows_before=10854, rows_after=15242,
    columns=(_drift("humid", 0.41, "fail"), _drift("dewp", 0.33, "fail"),
             _drift("temp", 0.17, "warn", moved=0.5), _drift("precip", 0.06, "pass")),
    words="2 of 4 columns moved beyond the fail line: humid and dewp",
)  # fmt: skip

# ---------------------------------------------------------------------- overview

ANA = Person(name="ana", roles=("data-scientist",), is_owner=True, granted_at=NOW,
             last_seen_at=ago(5))  # fmt: skip
BEN = Person(name="ben", roles=("data-engineer",), granted_at=NOW, last_seen_at=ago(900))
STATUS = AgentStatus(
    workspace="/home/ana/flights", name="flights-nyc", mode="demo", version="0.1.0", pid=1,
    started_at=ago(3000), uptime_s=3000.0, clients=3, jobs_running=1, jobs_queued=2,
    endpoints_ready=1, rss_bytes=10**8, store_bytes=10**7, disk_free_bytes=10**11,
    idle_stop_s=300.0,
)  # fmt: skip
NEEDS = (
    Need(kind="drift", verdict="fail", title="humid moved, PSI 0.41; delays v4 never saw this",
         detail="delays v4 was trained on January to May", at=ago(720), target="alert:56",
         next="see cause"),
    Need(kind="slo", verdict="warn", title="p99 186 ms, over 150 since v5 took 10 %",
         detail="v4 alone stays at 112 ms", at=ago(240), target="alert:58", next="roll back"),
    Need(kind="gate", verdict="inconclusive", title="delays v5 recall 0.606 straddles 0.600",
         detail="136 000 more judged rows would settle it", at=ago(2400),
         target="model:delays@v5", next="inspect"),
)  # fmt: skip
STAGES = (
    Stage(stage="data", state="ok", latest="flights@v7", fact="195 583 rows", at=ago(7200),
          trend=(1.0, 2.0, 3.0), target="data:flights@v7"),
    Stage(stage="training", state="running", latest="delays run 118", fact="fold 3 of 5",
          progress_ratio=0.62, at=ago(660), target="run:118"),
    Stage(stage="validation", state="inconclusive", latest="delays v5", fact="7 of 9 gates pass",
          at=ago(2400), target="model:delays@v5"),
    Stage(stage="serving", state="warn", latest="v4 90 %, v5 10 %", fact="38 req/s",
          trend=tuple(p.p99_ms or 0.0 for p in POINTS), at=ago(1), target="endpoint:delays"),
    Stage(stage="monitoring", state="fail", latest="delays v4", fact="2 of 14 columns moved",
          at=ago(720), target="alert:56"),
    Stage(stage="pipeline", state="ok", latest="monthly", fact="took 6 m 12 s", at=ago(7200),
          target="pipeline:delays"),
)  # fmt: skip
LEDGER = tuple(
    LedgerEntry(seq=412 - i, at=ago(600 * i + 595), actor=actor, action="model.promote",
                subject=subject, summary=summary, command=command, detail={"reason": "better"},
                previous_hash="a" * 64, hash="b" * 64)
    for i, (actor, summary, subject, command) in enumerate(
        (
            ("ana", "gives v5 10 % of the traffic", "endpoint delays",
             "mlops-console endpoint traffic delays champion=90 v5=10"),
            ("ben", "adds flights@v7: 29 425 rows", "flights@v7",
             "mlops-console data add flights flights-2013-07.parquet"),
            ("cleo", "sets the threshold of delays v4 to 0.34", "delays@v4",
             "mlops-console threshold set delays@v4 0.34"),
        )
    )
)  # fmt: skip
JOB = Job(
    id=118, kind="train", title="train delays", spec={}, state="running", created_at=ago(600),
    created_by="ana", result={},
    progress=Progress(done=3.1, total=5.0, unit="fold", text="fold 3 of 5 · AUC 0.741"),
)  # fmt: skip
APPROVAL = Approval(
    id=3, action="promote_model", subject="delays@v5 -> champion", requested_by="ben",
    requested_at=ago(300), needs_role="devops", reason="v4 fails its recall gate",
)  # fmt: skip
OVERVIEW = Overview(
    status=STATUS, actor=ANA, needs=NEEDS, stages=STAGES, endpoint=VIEW, running=(JOB,),
    queued_count=2, actions=LEDGER, people=(ANA, BEN), approvals=(APPROVAL,), alerts=ALERTS[:2],
    data=(DataTrend(name="Jan", rows=27004, note="v1", share=0.9),),
)  # fmt: skip
STEPS = tuple(
    FirstStep(name=name, command=f"mlops-console {command}", detail=detail, is_done=False)
    for name, command, detail in (
        ("add data", "data add NAME FILE", "checked, profiled and kept as a version"),
        ("train", "train NAME", "a minute on two cores"),
        ("check", "gate check NAME", "thresholds, with intervals"),
        ("serve", "endpoint start NAME", "http on this machine"),
    )
)


def overview_snapshot(**changes: Any) -> overview.Snapshot:
    return overview.Snapshot(overview=replace(OVERVIEW, **changes), at=NOW)


def overview_empty() -> overview.Snapshot:
    return overview_snapshot(
        needs=(), stages=(), endpoint=None, running=(), queued_count=0, actions=(), approvals=(),
        alerts=(), data=(), first_steps=STEPS, is_empty=True,
    )  # fmt: skip


# ---------------------------------------------------------------------- data


def _version(number: int, rows: int, note: str, **more: Any) -> DatasetVersion:
    return DatasetVersion(
        dataset="weather", version=number, digest=f"{number:064x}", rows=rows, bytes=3_100_000,
        added_bytes=400_000, parent=number - 1 or None, source=f"weather-{note}.csv",
        source_facts={}, note=note, created_at=ago(number * 100), created_by="ben", **more,
    )  # fmt: skip


VERSIONS = (
    _version(3, 15242, "July", verdict="warn", warning_count=1, used_by=("run 117",)),
    _version(2, 13014, "June", verdict="pass", used_by=("run 112",)),
    _version(1, 10854, "May", verdict="pass"),
)
COLUMNS = (
    ColumnProfile(name="humid", type="DOUBLE", kind="numeric", n=15242, distinct_count=2183,
                  min=10.0, max=100.0, edges=(30.0, 50.0, 70.0), counts=(3000, 5000, 5000, 2242),
                  quantiles=(12.0, 31.2, 45.0, 62.0, 78.0, 96.1, 99.0)),
    ColumnProfile(name="pressure", type="DOUBLE", kind="numeric", n=15242, null_count=1616,
                  distinct_count=418, min=990.0, max=1040.0, edges=(1010.0,), counts=(6000, 7626),
                  quantiles=(995.0, 1004.0, 1010.0, 1017.0, 1022.0, 1030.0, 1035.0)),
    ColumnProfile(name="origin", type="VARCHAR", kind="categorical", n=15242, distinct_count=3,
                  top=(("EWR", 5081), ("JFK", 5081), ("LGA", 5080))),
)  # fmt: skip
RULES = (
    Result(name="null_rate", scope="column:pressure", value=0.106, threshold=0.15, target=0.10,
           direction="le", verdict="warn", n=15242,
           reason="10.6 %, exact, is within the threshold 15.0 % but misses the target 10.0 %"),
    Result(name="unique", scope="", value=0.0, threshold=0.0, verdict="pass", n=15242),
)  # fmt: skip


def data_snapshot(version: int = 3) -> data.Snapshot:
    chosen = next(each for each in VERSIONS if each.version == version)
    known = (
        Dataset(name="weather", created_at=NOW, created_by="ben", version_count=3,
                latest_version=3, latest_rows=15242, latest_at=ago(300), verdict="warn",
                key_columns=("origin", "time_hour"), bytes=3_100_000, referenced_bytes=8_000_000),
        Dataset(name="planes", created_at=NOW, created_by="ben", version_count=1,
                latest_version=1, latest_rows=3322, bytes=200_000, referenced_bytes=200_000),
    )  # fmt: skip
    detail = VersionDetail(
        version=chosen, profile=Profile(rows=chosen.rows, columns=COLUMNS), results=RULES
    )
    return data.Snapshot(datasets=known, dataset="weather", versions=VERSIONS, detail=detail,
                         at=NOW)  # fmt: skip


def data_empty() -> data.Snapshot:
    return data.Snapshot(datasets=(), dataset="", versions=(), detail=None, at=NOW)


DIFF = DatasetDiff(
    before="weather@v2", after="weather@v3", before_rows=13014, after_rows=15242,
    key=("origin", "time_hour"), columns=("origin", "humid"), rows_added=2228, rows_changed=12,
    schema=(SchemaChange(column="gust", kind="added", after="DOUBLE"),),
    differences=(ColumnDifference(column="humid", cells_changed=12),
                 ColumnDifference(column="origin", new_values=("SWF",))),
    examples=(RowDifference(kind="changed", key=("EWR",), before=("EWR", "57"),
                            after=("EWR", "70"), changed=("humid",)),),
)  # fmt: skip
ROWS = Rows(columns=("origin", "humid"), types=("VARCHAR", "DOUBLE"), total=15242, offset=0,
            rows=(("EWR", "57"), ("JFK", None)))  # fmt: skip

# ---------------------------------------------------------------------- models


def _measured(name: str, value: float, low: float, high: float, n: int = 28293,
              **more: Any) -> Result:  # fmt: skip
    method = "wilson" if name in ("recall", "precision") else "bootstrap"
    return Result(name=name, value=value, ci_low=low, ci_high=high, n=n, ci_method=method, **more)


_JUDGED = gates.judge_gates(
    (
        Gate(name="recall", metric="recall", must=0.6, want=0.65,
             reason="a missed delay costs a rebooking"),
        Gate(name="ece", metric="ece", must=0.05, want=0.03),
        Gate(name="precision", metric="precision", must=0.38, want=0.40),
        Gate(name="roc_auc", metric="roc_auc", must=0.70, want=0.73),
    ),
    gates.Measured(
        overall=(
            _measured("recall", 0.606, 0.596, 0.616, 8900),
            _measured("roc_auc", 0.744, 0.738, 0.750),
            _measured("precision", 0.412, 0.403, 0.421, 14000),
            _measured("ece", 0.031, 0.026, 0.038),
        ),
    ),
)  # fmt: skip


def model_version(number: int, auc: float, verdict: Any, **more: Any) -> ModelVersion:
    return ModelVersion(
        model="delays", version=number, digest="5be0" + "a" * 56 + "91c4", run_id=100 + number,
        data=(DataUse(dataset="flights", version=number, digest=""),), verdict=verdict,
        metrics={"roc_auc": auc, "recall": 0.6}, gate_counts={}, created_at=ago(number * 86400),
        created_by="ana", **more,
    )  # fmt: skip


MODEL_VERSIONS = (
    model_version(5, 0.744, "inconclusive", served_by=("delays 10 %",)),
    model_version(4, 0.732, "pass", aliases=("champion",), served_by=("delays 90 %",)),
    model_version(3, 0.728, "pass"),
)
MANIFEST = ModelManifest(
    pipeline="delays", pipeline_digest="", task="binary", estimator="HGB", estimator_digest="",
    inputs=(), steps=(), features=("humid", "temp"), feature_types=("number", "number"),
    target="late", profile="", environment={},
)  # fmt: skip


def models_snapshot(version: int = 5) -> models.Snapshot:
    chosen = next(each for each in MODEL_VERSIONS if each.version == version)
    report = GateReport(
        model="delays", version=version, results=_JUDGED, verdict=gates.overall(_JUDGED),
        judged_on="flights@v7, 28 293 rows",
        slices=(_measured("recall", 0.563, 0.543, 0.583, 2400, scope="slice:origin=LGA"),),
        reasons={},
    )  # fmt: skip
    model = Model(name="delays", version_count=3, latest_version=5, champion=4, created_at=NOW,
                  created_by="ana")  # fmt: skip
    detail = ModelDetail(version=chosen, manifest=MANIFEST, gates=report)
    return models.Snapshot(models=(model,), versions=MODEL_VERSIONS, detail=detail, history=(),
                           at=NOW)  # fmt: skip


def models_empty() -> models.Snapshot:
    return models.Snapshot(models=(), versions=(), detail=None, history=(), at=NOW)


def _heap(middle: float, size: int) -> tuple[int, ...]:
    """A triangle of scores around a middle."""
    return tuple(
        max(0, round(size * (1 - abs(i / GRID_BINS - middle) / 0.3))) for i in range(GRID_BINS + 1)
    )


THRESHOLD = ThresholdView(
    model="delays", version=5, threshold=0.34,
    grid=ScoreGrid(
        positives=_heap(0.5, 6), negatives=_heap(0.25, 12),
        slices=(GridPart(name="origin=LGA", positives=_heap(0.45, 3), negatives=_heap(0.25, 5)),),
    ),
    cost=Cost(false_positive=0.5, false_negative=1.6), rows_per_day=900.0, judged_on="July",
)  # fmt: skip

# ---------------------------------------------------------------------- alerts, people, pipelines


def alerts_snapshot(shown: tuple[Alert, ...] = ALERTS) -> alerts.Snapshot:
    rules = (AlertRule(name="recall", kind="accuracy", endpoint="delays", metric="recall",
                       must=0.6, direction="ge"),)  # fmt: skip
    return alerts.Snapshot(alerts=shown, rules=rules, at=NOW)


def alerts_empty() -> alerts.Snapshot:
    return alerts.Snapshot(alerts=(), rules=(), at=NOW)


ALERT_DETAIL = AlertDetail(
    alert=ALERT,
    events=(AlertEvent(alert_id=56, at=ago(1560), state="firing", by="agent", text="fires"),),
    causes=(
        CauseStep(kind="alert", title="recall of delays v4 is 0.588", detail="labels 81 %",
                  target="alert:56", verdict="fail"),
        CauseStep(kind="column", title="humid moved, PSI 0.41", detail="57 to 70 %",
                  target="drift:delays/humid", verdict="fail", before=(0.5, 0.5),
                  after=(0.1, 0.9)),
        CauseStep(kind="version", title="delays v4 was trained on weather@v5", detail="May",
                  target="model:delays@v4"),
    ),
    remedies=(
        Remedy(title="move the threshold to 0.30", outcome="recall 0.696, +92 alerts a day",
               verdict="pass", action="set_threshold",
               arguments={"model": "delays", "version": "4", "value": "0.3"},
               command="mlops-console threshold set delays@v4 0.30"),
        Remedy(title="train delays on the latest data", outcome="", action="start_training",
               arguments={"pipeline": "delays"}, command="mlops-console train delays"),
    ),
)  # fmt: skip


def people_snapshot(**changes: Any) -> people.Snapshot:
    full = people.Snapshot(me=ANA, people=(ANA, BEN), approvals=(APPROVAL,), ledger=LEDGER, at=NOW)
    return replace(full, **changes)


def people_empty() -> people.Snapshot:
    return people_snapshot(people=(ANA,), approvals=(), ledger=())


LEDGER_CHECK = LedgerCheck(entries=3, is_intact=True)


def pipelines_empty() -> pipelines.Snapshot:
    return pipelines.Snapshot(views=(), looks=(), trainings=(), at=NOW)


def answer(what: str, arguments: dict[str, Any]) -> Any:
    """What the agent would say to every wish of these areas."""
    return {
        "drift": DRIFT,
        "diff": DiffAnswer(diff=DIFF),
        "rows": ROWS,
        "threshold": THRESHOLD,
        "detail": ALERT_DETAIL,
        "check": LEDGER_CHECK,
    }.get(what)
