"""Requests and labels in the store: counted once, whatever the order, the age and the revisions."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.clock import SystemClock
from storage.database import Database
from storage.records.endpoints import Endpoint, Label, RequestEvent
from storage.records.reports import FeatureWindow
from storage.records.traffic import AccuracyCounts, SignalCounts
from storage.tables import endpoints, traffic
from storage.workspace import Workspace

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LOG_GAMMA = math.log(1.01 / 0.99)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    with Database.open(Workspace.create(tmp_path / "w"), clock=SystemClock()) as opened:
        endpoint = Endpoint(
            name="delays", model="delays", port=8100, state="ready", latency_limit_ms=50.0,
            created_at=START, created_by="ana",
        )  # fmt: skip
        opened.write(lambda c: endpoints.create_endpoint(c, endpoint))
        yield opened


def request(number: int, *, at_s: float = 0.0, **fields: object) -> RequestEvent:
    event = RequestEvent(
        request_id=f"r{number}", endpoint="delays", at=START + timedelta(seconds=at_s), version=1,
        outcome="ok", status=200, latency_ms=10.0, score=0.25, decision=False,
    )  # fmt: skip
    return replace(event, **fields)


def label(number: int, value: float, *, at_s: float = 60.0, revision: int = 1) -> Label:
    return Label(
        request_id=f"r{number}", endpoint="delays", label=value, revision=revision,
        received_at=START + timedelta(seconds=at_s),
    )  # fmt: skip


def signals(store: Database) -> list[SignalCounts]:
    """By hour; sums of floats are rounded, they depend on the order of the additions."""
    found = store.read(
        lambda c: traffic.list_signals(
            c, "delays", since=START - timedelta(days=9), until=START + timedelta(days=9),
            width_s=3600.0,
        )
    )  # fmt: skip
    return [replace(each, latency_total_ms=round(each.latency_total_ms, 6)) for each in found]


def accuracy(store: Database) -> AccuracyCounts:
    (found,) = store.read(
        lambda c: traffic.list_accuracy(
            c, "delays", since=START - timedelta(days=1), until=START + timedelta(days=1),
            width_s=86400.0,
        )
    )  # fmt: skip
    return found


def settle(store: Database, at_s: float) -> int:
    at = START + timedelta(seconds=at_s)
    return store.write(
        lambda c: traffic.settle_labels(c, since=START - timedelta(hours=1), until=at, at=at)
    )


def test_counts_are_the_same_before_and_after_every_move(store: Database) -> None:
    rng = random.Random(7)
    events = [
        request(
            i, at_s=rng.uniform(0, 600), latency_ms=rng.lognormvariate(3, 0.6),
            outcome=rng.choice(["ok", "ok", "ok", "error", "invalid", "overload"]),
            decision=rng.random() < 0.3,
        )
        for i in range(2000)
    ]  # fmt: skip
    for start in range(0, 2000, 250):
        batch = events[start : start + 250]
        store.write(lambda c, batch=batch: traffic.add_requests(c, batch))
    before = signals(store)
    late = START + timedelta(days=1)

    store.write(lambda c: traffic.gather_counts(c, until=START + timedelta(seconds=300)))
    assert signals(store) == before
    store.write(lambda c: traffic.gather_counts(c, until=late))
    assert signals(store) == before
    store.write(lambda c: traffic.coarsen_counts(c, minutes_before=late, hours_before=START))
    assert signals(store) == before
    store.write(lambda c: traffic.coarsen_counts(c, minutes_before=late, hours_before=late))
    assert signals(store) == before
    (found,) = before
    assert found.requests == 2000
    assert found.ok == sum(e.outcome == "ok" for e in events)
    assert found.failed == sum(e.outcome in ("error", "overload") for e in events)
    assert found.within == sum(e.outcome == "ok" and e.latency_ms <= 50.0 for e in events)
    assert found.latency_total_ms == pytest.approx(sum(e.latency_ms for e in events))


def test_a_quantile_is_the_bucket_that_holds_the_exact_one(store: Database) -> None:
    rng = random.Random(3)
    latencies = sorted(rng.lognormvariate(3, 1.0) for _ in range(997))
    events = [request(i, latency_ms=value) for i, value in enumerate(latencies)]
    refused = [request(2000 + i, latency_ms=0.2, outcome="invalid") for i in range(300)]
    store.write(lambda c: traffic.add_requests(c, events + refused))

    (found,) = signals(store)

    for q, k in ((0.50, found.p50_k), (0.95, found.p95_k), (0.99, found.p99_k)):
        exact = latencies[math.floor(q * 996)]
        assert k == math.ceil(math.log(exact) / LOG_GAMMA)


def test_versions_and_shadows_are_told_apart(store: Database) -> None:
    events = [request(i) for i in range(9)] + [request(20, version=2, outcome="error")]
    events += [request(i, version=3, is_shadow=True, decision=True) for i in range(4)]
    store.write(lambda c: traffic.add_requests(c, events))

    first, second, shadow = store.read(
        lambda c: traffic.list_version_traffic(
            c, "delays", since=START, until=START + timedelta(minutes=1)
        )
    )

    assert (first.version, first.requests, first.failed) == (1, 9, 0)
    assert (second.version, second.requests, second.failed) == (2, 1, 1)
    assert (shadow.version, shadow.is_shadow, shadow.positive) == (3, True, 4)
    assert store.read(lambda c: traffic.count_requests(c, "delays")) == 10


def test_labels_meet_their_predictions_and_wait_when_there_is_none(store: Database) -> None:
    events = [request(i, decision=i < 4) for i in range(10)]
    store.write(lambda c: traffic.add_requests(c, events))
    truths = [label(i, 1.0 if i in (0, 1, 9) else 0.0) for i in (0, 1, 2, 8, 9)] + [label(77, 1.0)]
    store.write(lambda c: traffic.add_labels(c, truths))

    assert settle(store, 61) == 5

    found = accuracy(store)
    assert (found.n, found.tp, found.fp, found.tn, found.fn) == (10, 2, 1, 1, 1)
    assert store.read(traffic.count_waiting_labels) == 1
    store.write(lambda c: traffic.add_requests(c, [request(77, decision=True)]))
    assert settle(store, 62) == 1
    assert store.read(traffic.count_waiting_labels) == 0
    assert accuracy(store).tp == 3


def test_a_repeated_label_counts_once_and_a_revision_replaces(store: Database) -> None:
    store.write(lambda c: traffic.add_requests(c, [request(1, decision=True)]))
    store.write(lambda c: traffic.add_labels(c, [label(1, 1.0), label(1, 1.0)]))
    assert settle(store, 61) == 1
    store.write(lambda c: traffic.add_labels(c, [label(1, 1.0, at_s=62)]))
    assert settle(store, 63) == 0
    assert (accuracy(store).tp, accuracy(store).fp) == (1, 0)

    store.write(lambda c: traffic.add_labels(c, [label(1, 0.0, at_s=64, revision=2)]))
    assert settle(store, 65) == 1

    assert (accuracy(store).tp, accuracy(store).fp, accuracy(store).labelled) == (0, 1, 1)
    assert store.read(traffic.count_waiting_labels) == 0
    store.write(lambda c: traffic.add_labels(c, [label(1, 1.0, at_s=66, revision=3)]))
    assert settle(store, 67) == 1
    assert (accuracy(store).tp, accuracy(store).fp, accuracy(store).labelled) == (1, 0, 1)


def test_a_request_id_that_is_asked_again_gets_its_own_label(store: Database) -> None:
    store.write(lambda c: traffic.add_requests(c, [request(1, decision=True)]))
    store.write(lambda c: traffic.add_labels(c, [label(1, 0.0, at_s=10)]))
    settle(store, 11)
    again = request(1, at_s=100, version=2, decision=False)
    store.write(lambda c: traffic.add_requests(c, [again]))
    store.write(lambda c: traffic.add_labels(c, [label(1, 0.0, at_s=110)]))

    assert settle(store, 111) == 1

    found = accuracy(store)
    assert (found.fp, found.tn, found.labelled) == (1, 1, 2)


def test_scores_of_a_regression_are_judged_by_their_errors(store: Database) -> None:
    events = [request(i, score=10.0 + i, decision=None) for i in range(3)]
    store.write(lambda c: traffic.add_requests(c, events))
    store.write(lambda c: traffic.add_labels(c, [label(i, 10.0) for i in range(3)]))
    settle(store, 61)

    found = accuracy(store)

    assert (found.errors, found.absolute_total, found.squared_total) == (3, 3.0, 5.0)
    assert signals(store)[0].decided == 0


def test_feature_windows_add_up_at_every_width(store: Database) -> None:
    windows = [
        FeatureWindow(
            endpoint="delays", version=1, at=START + timedelta(seconds=10 * i), width_s=10.0,
            rows=6, counts={"humid": (1, 2, 0), "origin": (i, 0, 6 - i)},
        )
        for i in range(3)
    ]  # fmt: skip
    store.write(lambda c: traffic.add_feature_windows(c, windows))

    def summed() -> list[tuple[str, int, tuple[int, ...]]]:
        found = store.read(
            lambda c: traffic.sum_feature_windows(
                c, "delays", 1, since=START, until=START + timedelta(hours=1)
            )
        )
        return [(each.column, each.row_count, each.counts) for each in found]

    expected = [("humid", 18, (3, 6, 0)), ("origin", 18, (3, 0, 15))]
    assert summed() == expected
    late = START + timedelta(days=1)
    store.write(lambda c: traffic.coarsen_counts(c, minutes_before=late, hours_before=late))
    assert summed() == expected


def test_burn_windows_are_counted_from_one_look(store: Database) -> None:
    events = [request(i, at_s=60.0 * i, latency_ms=20.0 * i) for i in range(6)]
    events.append(request(9, at_s=300.0, outcome="error"))
    store.write(lambda c: traffic.add_requests(c, events))

    all_of_it, last = store.read(
        lambda c: traffic.list_slo_counts(c, "delays", [START, START + timedelta(seconds=290)])
    )

    assert (all_of_it.asked, all_of_it.answered, all_of_it.within) == (7, 6, 3)
    assert (last.asked, last.answered, last.within) == (2, 1, 0)


def test_what_is_past_its_retention_goes_and_its_counts_stay(store: Database) -> None:
    store.write(lambda c: traffic.add_requests(c, [request(i) for i in range(5)]))
    late, early = START + timedelta(days=1), START - timedelta(days=1)

    removed = store.write(lambda c: traffic.delete_before(c, raw=late, gauges=late, counts=early))

    assert removed == 5
    assert store.read(lambda c: traffic.list_requests(c, "delays", since=early)) == []
    assert store.read(lambda c: traffic.count_requests(c, "delays")) == 5
