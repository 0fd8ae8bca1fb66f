"""Every protocol gives the scores training gave."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.http import HTTP
from tests.serving.process import Endpoint, wait_for
from tests.serving.trained import INPUTS, Trained


@pytest.fixture
def client(served: Endpoint) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=30) as made:
        yield made


def test_one_row_is_answered_with_one_object(client: httpx.Client, first: Trained) -> None:
    answer = client.post("/predict", json={**first.rows[7], "request_id": "flight 7"}).json()
    assert answer.pop("score") == pytest.approx(first.scores[7], abs=1e-9)
    assert answer == {
        "request_id": "flight 7",
        "decision": first.scores[7] >= 0.3,
        "threshold": 0.3,
        "model": "delays",
        "version": 4,
    }


def test_rows_are_answered_in_order_with_ids(client: httpx.Client, first: Trained) -> None:
    rows = [dict(row) for row in first.rows]
    rows[1]["id"] = 17
    answers = client.post("/predict", json={"rows": rows}).json()["predictions"]
    assert [each["score"] for each in answers] == pytest.approx(first.scores, abs=1e-9)
    assert answers[1]["request_id"] == "17"
    names = {each["request_id"] for each in answers}
    assert len(names) == len(rows)
    assert {each["decision"] for each in answers} == {True, False}


def test_a_row_scores_the_same_alone_and_in_a_batch(client: httpx.Client, first: Trained) -> None:
    together = client.post("/predict", json={"rows": first.rows[:40]}).json()["predictions"]
    alone = [client.post("/predict", json=row).json() for row in first.rows[:40]]
    assert [each["score"] for each in together] == [each["score"] for each in alone]


def test_what_training_allowed_to_be_missing_may_be_missing(
    client: httpx.Client, first: Trained
) -> None:
    with_null = {**first.rows[0], "tailnum": None}
    without = {name: value for name, value in first.rows[0].items() if name != "tailnum"}
    null, absent = (client.post("/predict", json=row).json() for row in (with_null, without))
    assert null["score"] == absent["score"]


def test_the_id_may_come_as_a_header(client: httpx.Client, first: Trained) -> None:
    answer = client.post("/predict", json=first.rows[0], headers={"X-Request-Id": "abc"}).json()
    assert answer["request_id"] == "abc"


def test_other_fields_may_be_passed_over_when_asked(client: httpx.Client, first: Trained) -> None:
    row = {**first.rows[0], "arr_delay": 11}
    assert client.post("/predict", json=row).status_code == 422
    answer = client.post("/predict?extra=ignore", json=row)
    assert answer.json()["score"] == pytest.approx(first.scores[0], abs=1e-9)


def _csv(rows: list[dict[str, Any]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, INPUTS)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


@pytest.mark.parametrize(
    "form", ["dataframe_split", "dataframe_records", "instances", "positions", "inputs", "csv"]
)
def test_mlflow_takes_each_of_its_forms(form: str, client: httpx.Client, first: Trained) -> None:
    rows = first.rows[:20]
    lists = [[row[name] for name in INPUTS] for row in rows]
    bodies: dict[str, Any] = {
        "dataframe_split": {"dataframe_split": {"columns": INPUTS, "data": lists}},
        "dataframe_records": {"dataframe_records": [{**row, "arr_delay": 3} for row in rows]},
        "instances": {"instances": rows},
        "positions": {"instances": lists},
        "inputs": {"inputs": {name: [row[name] for row in rows] for name in INPUTS}},
    }
    if form == "csv":
        answer = client.post(
            "/invocations", content=_csv(rows), headers={"content-type": "text/csv"}
        )
    else:
        answer = client.post("/invocations", json=bodies[form])
    found = [each["score"] for each in answer.json()["predictions"]]
    assert found == pytest.approx(first.scores[:20], abs=1e-9)


def test_mlflow_clients_find_ping_and_version(client: httpx.Client) -> None:
    assert client.get("/ping").status_code == 200
    assert client.get("/version").text.count(".") == 2


def _tensors(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kinds = {int: "INT64", str: "BYTES", float: "FP64"}
    return [
        {
            "name": name,
            "datatype": kinds[type(rows[0][name])],
            "shape": [len(rows), 1] if name == "hour" else [len(rows)],
            "data": [[row[name]] for row in rows] if name == "hour" else [r[name] for r in rows],
        }
        for name in INPUTS
    ]


def test_the_inference_protocol_answers_tensors(client: httpx.Client, first: Trained) -> None:
    body = {"id": "batch 1", "inputs": _tensors(first.rows[:5])}
    answer = client.post("/v2/models/delays/infer", json=body).json()
    score, decision = answer["outputs"]
    assert score["data"] == pytest.approx(first.scores[:5], abs=1e-9)
    assert (score["name"], score["datatype"], score["shape"]) == ("score", "FP64", [5])
    assert decision["data"] == [each >= 0.3 for each in score["data"]]
    assert (answer["model_name"], answer["model_version"], answer["id"]) == (
        "delays",
        "4",
        "batch 1",
    )
    assert answer["parameters"]["request_ids"][2] == "batch 1/2"
    versioned = client.post("/v2/models/delays/versions/4/infer", json=body).json()
    assert versioned["outputs"][0]["data"] == score["data"]


def test_the_inference_protocol_describes_itself(client: httpx.Client) -> None:
    assert client.get("/v2").json()["name"] == "mlops-console"
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2/models/delays/ready").status_code == 200
    described = client.get("/v2/models/delays").json()
    assert described["versions"] == ["4"]
    kinds = {each["name"]: each["datatype"] for each in described["inputs"]}
    assert (kinds["carrier"], kinds["distance"], kinds["time_hour"]) == ("BYTES", "INT64", "BYTES")


def test_metrics_are_prometheus_text_whose_histograms_add_up(
    client: httpx.Client, first: Trained
) -> None:
    client.post("/predict", json=first.rows[0])
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    values: dict[str, float] = {}
    for line in answer.text.splitlines():
        if not line.startswith("#"):
            name, number = line.rsplit(" ", 1)
            values[name] = float(number)
    own = 'endpoint="delays",model="delays",version="4"'
    answered = values[f'mlops_requests_total{{{own},outcome="ok"}}']
    refused = values.get(f'mlops_requests_total{{{own},outcome="invalid"}}', 0)
    name = "mlops_request_duration_seconds"
    buckets = [v for key, v in values.items() if key.startswith(f"{name}_bucket{{{own}")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == values[f"{name}_count{{{own}}}"] == answered + refused > 0
    assert values[f"{name}_sum{{{own}}}"] > 0
    assert values["process_resident_memory_bytes"] > 10e6


def test_health_says_what_is_served_and_how(client: httpx.Client) -> None:
    answer = client.get("/health").json()
    (only,) = answer["routes"]
    assert (answer["state"], answer["generation"], only["version"]) == ("ready", 1, 4)
    assert (only["self_check"], only["way"]) == ("300 of 300 sample scores equal", "compiled")


def test_labels_are_on_disk_when_they_are_acknowledged(served: Endpoint) -> None:
    body = {
        "labels": [
            {"request_id": "f 1", "label": 1, "event_at": "2013-01-02T03:04:05Z", "source": "ops"},
            {"id": 2, "label": False, "revision": 2},
            {"request_id": "f 3", "label": "1"},
        ]
    }
    before = len(served.reports("label"))
    answer = HTTP.post(f"{served.url}/feedback", json=body)
    kept = served.reports("label")[before:]
    assert answer.json() == {"accepted": 3}
    assert [(each.request_id, each.label, each.revision) for each in kept] == [
        ("f 1", 1.0, 1),
        ("2", 0.0, 2),
        ("f 3", 1.0, 1),
    ]
    assert kept[0].event_at.isoformat() == "2013-01-02T03:04:05+00:00"


def test_predictions_are_journalled_with_their_features(served: Endpoint, first: Trained) -> None:
    row = {**first.rows[11], "request_id": f"seen {time.time_ns()}"}
    score = served.predict(row).json()["score"]
    event = wait_for(
        lambda: [e for e in served.reports("request") if e.request_id == row["request_id"]],
        "the event",
    )[0]
    assert (event.score, event.decision, event.version) == (score, score >= 0.3, 4)
    assert (event.outcome, event.status, event.is_shadow) == ("ok", 200, False)
    assert '"minute_of_day":' in event.features
    assert 0 < event.queue_ms < event.latency_ms
