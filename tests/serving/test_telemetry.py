"""What passes through is told to the agent; predictions never wait for that."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from console.serving.counters import Counters
from console.serving.gauges import Gauges, Load
from console.serving.telemetry import QUEUE_ROWS, Counted, Seen, Telemetry
from console.serving.windows import WindowCounter
from storage.journal import JournalWriter, pending
from storage.records.profiles import ColumnProfile, Profile
from storage.records.reports import REPORTS

PROFILE = Profile(
    rows=100,
    columns=(
        ColumnProfile(name="hour", type="BIGINT", kind="numeric", n=100, edges=(6.0, 12.0)),
        ColumnProfile(
            name="carrier", type="VARCHAR", kind="categorical", n=100, top=(("UA", 60), ("AA", 40))
        ),
        ColumnProfile(
            name="is_late",
            type="BOOLEAN",
            kind="categorical",
            n=100,
            top=(("false", 9), ("true", 1)),
        ),
        ColumnProfile(name="score", type="DOUBLE", kind="numeric", n=100, edges=(0.5,)),
        ColumnProfile(name="target", type="BIGINT", kind="numeric", n=100, edges=(0.5,)),
    ),
)
FEATURES = ["hour", "carrier", "is_late"]


def columns(n: int) -> tuple[dict[str, Any], Any]:
    rng = np.random.default_rng(5)
    hour = rng.integers(0, 24, n).astype(float)
    hour[rng.random(n) < 0.1] = np.nan
    carrier = [("UA", "AA", "ZZ", None)[i] for i in rng.integers(0, 4, n)]
    is_late = rng.integers(0, 2, n).astype(float)
    return {"hour": hour, "carrier": carrier, "is_late": is_late}, rng.random(n)


def counted(features: dict[str, Any], score: Any) -> dict[str, tuple[int, ...]]:
    """The same counts by hand."""
    hour = features["hour"]
    with np.errstate(invalid="ignore"):
        hours = (hour <= 6, (hour > 6) & (hour <= 12), hour > 12, np.isnan(hour))
    carrier = [features["carrier"].count(each) for each in ("UA", "AA", "-", "ZZ", None)]
    late = int(features["is_late"].sum())
    return {
        "hour": tuple(int(each.sum()) for each in hours),
        "carrier": tuple(carrier),
        "is_late": (len(score) - late, late, 0, 0, 0),
        "score": (int((score <= 0.5).sum()), int((score > 0.5).sum()), 0),
    }


@pytest.mark.parametrize("size", [1, 7, 500])
def test_every_served_row_is_counted_once_on_the_bins_of_the_profile(size: int) -> None:
    features, score = columns(1000)
    counter = WindowCounter("e", 3, PROFILE, FEATURES)
    for start in range(0, 1000, size):
        part = {name: values[start : start + size] for name, values in features.items()}
        counter.add(part, score[start : start + size], now_s=1000.0)
    assert counter.take(now_s=1009.9) is None
    window = counter.take(now_s=1010.0)
    assert window is not None
    assert (window.rows, window.version, window.at.timestamp()) == (1000, 3, 1000.0)
    assert window.counts == counted(features, score)
    assert counter.take(now_s=1030.0) is None


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Telemetry]:
    def build() -> Telemetry:
        return Telemetry(
            "e",
            JournalWriter(tmp_path / "journal"),
            Counters(),
            Gauges("e", tmp_path),
            lambda: Load(3, 12),
        )

    return build


def read(tmp_path: Path, tag: str) -> list[Any]:
    documents = [doc for batch in pending(tmp_path / "journal", {}) for doc in batch.docs]
    return [msgspec.convert(each["d"], REPORTS[tag]) for each in documents if each["t"] == tag]


def seen(ids: list[str], **more: Any) -> Seen:
    features, score = columns(len(ids))
    known: dict[str, Any] = {
        "at_s": 1_700_000_000.25,
        "version": 3,
        "outcome": "ok",
        "status": 200,
        "latency_ms": 1.23456789,
        "scores": score.tolist(),
        "decisions": [each >= 0.5 for each in score.tolist()],
        "features": features,
    }
    return Seen(ids=ids, **(known | more))


def test_a_note_becomes_one_event_a_row(tmp_path: Path, make: Callable[..., Telemetry]) -> None:
    telemetry = make()
    telemetry.start()
    features, score = columns(3)
    telemetry.note(seen(["a", "b", "c"]))
    telemetry.close()
    events = read(tmp_path, "request")
    assert [each.request_id for each in events] == ["a", "b", "c"]
    assert [each.score for each in events] == score.tolist()
    assert events[1].at.timestamp() == 1_700_000_000.25
    assert events[1].latency_ms == 1.2346
    for row, event in enumerate(events):
        found = msgspec.json.decode(event.features)
        assert found["carrier"] == features["carrier"][row]
        assert found["hour"] == (None if np.isnan(features["hour"][row]) else features["hour"][row])


def test_a_part_of_a_batch_brings_its_own_features(
    tmp_path: Path, make: Callable[..., Telemetry]
) -> None:
    telemetry = make()
    telemetry.start()
    features, score = columns(10)
    note = seen(["x"], features=features, offset=7, scores=score.tolist()[7:8], decisions=[True])
    telemetry.note(note)
    telemetry.close()
    (event,) = read(tmp_path, "request")
    assert msgspec.json.decode(event.features)["carrier"] == features["carrier"][7]


def test_only_a_share_of_features_is_kept_and_always_the_same(
    tmp_path: Path, make: Callable[..., Telemetry]
) -> None:
    telemetry = make()
    telemetry.sample_ratio = 0.25
    telemetry.start()
    names = [f"r{i}" for i in range(400)]
    for _ in range(2):
        telemetry.note(seen(names))
    telemetry.close()
    events = read(tmp_path, "request")
    assert len(events) == 800
    kept = [each.request_id for each in events if each.features]
    assert kept[: len(kept) // 2] == kept[len(kept) // 2 :]
    assert 60 <= len(set(kept)) <= 140


def test_windows_and_gauges_are_written_when_it_closes(
    tmp_path: Path, make: Callable[..., Telemetry]
) -> None:
    telemetry = make()
    telemetry.watch(3, PROFILE, FEATURES)
    telemetry.start()
    features, score = columns(50)
    telemetry.note(Counted(3, features, score))
    telemetry.note(Counted(9, features, score))  # A version without a profile.
    telemetry.close()
    (window,) = read(tmp_path, "window")
    assert (window.rows, window.counts) == (50, counted(features, score))
    gauge = read(tmp_path, "gauge")[-1].saturation
    assert gauge.in_flight == 0.25
    assert gauge.rss_bytes > 10_000_000
    assert 0 < gauge.disk <= 1


def test_a_full_queue_drops_and_counts_and_never_waits(
    tmp_path: Path, make: Callable[..., Telemetry]
) -> None:
    telemetry = make()  # Not started: nobody empties the queue.
    note = seen([f"r{i}" for i in range(1000)])
    started = time.perf_counter()
    for _ in range(QUEUE_ROWS // 1000 + 5):
        telemetry.note(note)
    assert time.perf_counter() - started < 5
    assert telemetry.dropped_count == 5000
    telemetry.start()
    telemetry.close()
    assert len(read(tmp_path, "request")) == QUEUE_ROWS
    assert read(tmp_path, "gauge")[-1].saturation.dropped_count == 5000


def test_a_broken_note_does_not_stop_the_thread(
    tmp_path: Path, make: Callable[..., Telemetry], caplog: pytest.LogCaptureFixture
) -> None:
    telemetry = make()
    telemetry.start()
    telemetry.note(seen(["a"], features={"x": 1}))
    telemetry.note(seen(["b"]))
    telemetry.close()
    assert [each.request_id for each in read(tmp_path, "request")] == ["b"]
    assert "telemetry of one moment was lost" in caplog.text
