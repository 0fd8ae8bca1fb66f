"""Whatever is sent: a status of 4xx and a sentence that names the row and the field."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx
import pytest

from tests.http import HTTP
from tests.serving.process import Endpoint
from tests.serving.trained import Trained

JSON = {"content-type": "application/json"}


def post(served: Endpoint, path: str, content: bytes | str, **headers: str) -> httpx.Response:
    return HTTP.post(
        f"{served.url}{path}", content=content, headers={**JSON, **headers}, timeout=30
    )


BAD_FIELDS: dict[str, tuple[Any, str]] = {
    "text for a number": ({"distance": "far"}, 'row 0: field "distance" is the string "far"'),
    "a fraction for a whole number": ({"hour": 5.5}, 'field "hour" is the number 5.5'),
    "a number for text": ({"carrier": 7}, 'field "carrier" is the number 7, wanted a string'),
    "true for a number": ({"distance": True}, 'field "distance" is true'),
    "a list": ({"distance": [1]}, 'field "distance" is a list'),
    "an object": ({"carrier": {}}, 'field "carrier" is an object'),
    "a needed null": ({"carrier": None}, 'field "carrier" is null'),
    "no time": ({"time_hour": "noon"}, 'field "time_hour" is the string "noon", wanted a time'),
    "beyond 64 bits": ({"distance": 2**70}, 'field "distance" is the number'),
    "an unknown field": ({"colour": "red"}, 'the model takes no field "colour"'),
    "an empty id": ({"request_id": ""}, "its request id has 0 characters"),
    "a long id": ({"request_id": "x" * 300}, "its request id has 300 characters"),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_a_bad_field_is_named(case: str, served: Endpoint, first: Trained) -> None:
    change, said = BAD_FIELDS[case]
    answer = served.predict({**first.rows[0], **change})
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]


def test_the_row_of_a_bad_field_is_named(served: Endpoint, first: Trained) -> None:
    rows = [dict(row) for row in first.rows[:9]]
    rows[6]["hour"] = "six"
    error = served.predict({"rows": rows}).json()["error"]
    assert (error["row"], error["field"]) == (6, "hour")


@pytest.mark.parametrize("path", ["/predict", "/invocations"])
def test_a_misspelt_field_is_told_its_name(path: str, served: Endpoint, first: Trained) -> None:
    row = dict(first.rows[0])
    row["Tail_Num"] = row.pop("tailnum")
    body = row if path == "/predict" else {"dataframe_records": [row]}
    answer = HTTP.post(f"{served.url}{path}", json=body)
    assert answer.status_code == 422
    assert 'Did you mean "tailnum"?' in answer.text.replace("\\", "")


def test_a_missing_field_is_named(served: Endpoint, first: Trained) -> None:
    row = {name: value for name, value in first.rows[0].items() if name != "origin"}
    answer = served.predict(row)
    assert answer.status_code == 422
    assert 'row 0: field "origin" is missing' in answer.json()["error"]["message"]


DEEP = b'{"rows":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
BAD_BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "half a document": (b'{"rows": [{"carrier": "UA"', 400),
    "NaN": (b'{"rows": [{"distance": NaN}]}', 400),
    "Infinity": (b'{"rows": [{"distance": -Infinity}]}', 400),
    "beyond a double": (b'{"distance": 1e999}', 400),
    "bad UTF-8": (b'{"carrier": "\xff\xfe"}', 400),
    "a lone surrogate": (b'{"carrier": "\\ud800"}', 400),
    "deep nesting": (DEEP, 400),
    "too large": (b'{"rows": [' + b" " * 300_000 + b"]}", 413),
    "a number": (b"7", 422),
    "a list": (b"[]", 422),
    "no rows": (b'{"rows": []}', 422),
    "rows that are none": (b'{"rows": [1, 2]}', 422),
    "rows that are no list": (b'{"rows": {"a": 1}}', 422),
    "something beside rows": (b'{"rows": [{}], "model": "x"}', 422),
}


@pytest.mark.parametrize("case", BAD_BODIES)
@pytest.mark.parametrize("path", ["/predict", "/invocations", "/v2/models/delays/infer"])
def test_a_bad_body_is_refused(case: str, path: str, served: Endpoint) -> None:
    body, status = BAD_BODIES[case]
    answer = post(served, path, body)
    assert 400 <= answer.status_code < 500
    if path == "/predict":
        assert answer.status_code == status
    assert answer.json()
    assert "Traceback" not in answer.text


def test_too_many_rows_are_refused_with_the_limit(served: Endpoint, first: Trained) -> None:
    short = {name: first.rows[0][name] for name in ("carrier", "origin", "hour", "distance")}
    answer = served.predict({"rows": [short] * 501})
    assert answer.status_code == 413
    assert "501 rows, at most 500" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": "application/json; charset=latin-1"}, 415),
        ({"content-encoding": "gzip"}, 415),
        ({"host": "evil.example"}, 400),
        ({"origin": "https://evil.example"}, 403),
    ],
)
def test_a_request_of_the_wrong_kind_is_refused(
    headers: dict[str, str], status: int, served: Endpoint
) -> None:
    answer = post(served, "/predict", b"{}", **headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_a_page_of_the_endpoint_itself_may_ask(served: Endpoint, first: Trained) -> None:
    headers = {"origin": f"http://127.0.0.1:{served.port}"}
    assert served.predict(first.rows[0], headers=headers).status_code == 200


def test_unknown_addresses_and_methods_are_told_apart(served: Endpoint) -> None:
    assert HTTP.get(f"{served.url}/nowhere").status_code == 404
    wrong = HTTP.get(f"{served.url}/predict")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert httpx.head(f"{served.url}/health").status_code == 200
    assert HTTP.get(f"{served.url}/v2/models/other").status_code == 404
    assert HTTP.get(f"{served.url}/v2/models/delays/versions/9").status_code == 404


V2: dict[str, Any] = {
    "no inputs": {"inputs": []},
    "no name": {"inputs": [{"shape": [1], "datatype": "FP64", "data": [1]}]},
    "no such type": {"inputs": [{"name": "hour", "shape": [1], "datatype": "X", "data": [1]}]},
    "no shape": {"inputs": [{"name": "hour", "datatype": "INT64", "data": [1]}]},
    "wrong shape": {"inputs": [{"name": "hour", "shape": [2], "datatype": "INT64", "data": [1]}]},
    "huge shape": {
        "inputs": [{"name": "hour", "shape": [2**40], "datatype": "INT64", "data": [1]}]
    },
    "three dimensions": {
        "inputs": [{"name": "hour", "shape": [1, 1, 1], "datatype": "INT64", "data": [1]}]
    },
    "a misspelt input": {
        "inputs": [{"name": "huor", "shape": [1], "datatype": "INT64", "data": [1]}]
    },
    "different rows": {
        "inputs": [
            {"name": "hour", "shape": [1], "datatype": "INT64", "data": [1]},
            {"name": "day", "shape": [2], "datatype": "INT64", "data": [1, 2]},
        ]
    },
}


@pytest.mark.parametrize("case", V2)
def test_bad_tensors_are_refused_in_the_words_of_the_protocol(case: str, served: Endpoint) -> None:
    answer = HTTP.post(f"{served.url}/v2/models/delays/infer", json=V2[case])
    assert answer.status_code == 422
    assert isinstance(answer.json()["error"], str)


MLFLOW: dict[str, Any] = {
    "no known key": {"rows": []},
    "two keys": {"instances": [1], "inputs": [1]},
    "no columns": {"dataframe_split": {"data": [[1]]}},
    "a short row": {"dataframe_split": {"columns": ["hour", "day"], "data": [[1]]}},
    "uneven columns": {"inputs": {"hour": [1, 2], "day": [1]}},
}


@pytest.mark.parametrize("case", MLFLOW)
def test_bad_frames_are_refused_in_the_words_of_mlflow(case: str, served: Endpoint) -> None:
    answer = HTTP.post(f"{served.url}/invocations", json=MLFLOW[case])
    assert answer.status_code in (400, 422)
    assert answer.json()["error_code"] == "BAD_REQUEST"


@pytest.mark.parametrize("text", ["", "hour,day\n", 'hour,day\n"1', "hour,day\n1\n", "\xff"])
def test_bad_csv_is_refused(text: str, served: Endpoint) -> None:
    answer = HTTP.post(
        f"{served.url}/invocations",
        content=text.encode("latin-1"),
        headers={"content-type": "text/csv"},
    )
    assert answer.status_code in (400, 422)
    assert answer.json()["message"]


LABELS: dict[str, Any] = {
    "no label": {"request_id": "a"},
    "a class there is not": {"request_id": "a", "label": "late"},
    "two": {"request_id": "a", "label": 2},
    "no id": {"label": 1},
    "an unknown field": {"request_id": "a", "label": 1, "lable": 0},
    "revision 0": {"request_id": "a", "label": 1, "revision": 0},
    "no time": {"request_id": "a", "label": 1, "event_at": "later"},
    "not a list": {"labels": {}},
    "none": {"labels": []},
    "a number": 7,
}


@pytest.mark.parametrize("case", LABELS)
def test_bad_labels_are_refused(case: str, served: Endpoint) -> None:
    before = len(served.reports("label"))
    answer = HTTP.post(f"{served.url}/feedback", json=LABELS[case])
    assert answer.status_code in (400, 422)
    assert len(served.reports("label")) == before


def raw(served: Endpoint, data: bytes, *, close: bool = False) -> bytes:
    """Send bytes as they are; return everything until the server closes."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(data)
        if close:
            connection.shutdown(socket.SHUT_WR)
        found = b""
        while True:
            try:
                part = connection.recv(65536)
            except ConnectionResetError:
                return found
            if not part:
                return found
            found += part


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 90_000, b"431"),
        (b"GET /\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"400"),
        (b"NONSENSE\r\n\r\n", b"400"),
    ],
)
def test_a_head_beyond_the_limits_is_refused_and_closed(
    head: bytes, status: bytes, served: Endpoint
) -> None:
    assert raw(served, head).startswith(b"HTTP/1.1 " + status)


def test_a_declared_size_beyond_the_limit_is_refused_before_the_body(served: Endpoint) -> None:
    head = (
        b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 99999999\r\n\r\n"
    )
    answer = raw(served, head)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer


def test_refused_requests_are_counted_as_invalid_not_as_errors(
    served: Endpoint, first: Trained
) -> None:
    served.predict({**first.rows[0], "hour": "six"})
    text = HTTP.get(f"{served.url}/metrics").text
    assert 'outcome="invalid"' in text
    assert 'outcome="error"' not in text
    assert json.loads(served.log().splitlines()[-1])["level"] != "error"
