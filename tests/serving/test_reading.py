"""The quick reader and the explaining one agree on every row that is right."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import ConsoleError, InvalidError, UsageError
from console.flow.signature import Signature
from console.serving.reading import RowReader
from storage.records.models import SignatureField as Field

SIGNATURE = Signature(
    (
        Field(name="hour of day", type="integer", is_required=True),
        Field(name="f0", type="number"),
        Field(name="class", type="string"),
        Field(name="is_night", type="boolean"),
        Field(name="at", type="timestamp"),
    ),
    row_id=("class", "hour of day", "leg"),
)
READER = RowReader(SIGNATURE)

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(lambda t: t.isoformat() + "Z")
ROWS = st.fixed_dictionaries(
    {"hour of day": st.integers(-(2**63), 2**63 - 1)},
    optional={
        "f0": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
        "class": st.none() | st.text(max_size=20),
        "is_night": st.none() | st.booleans(),
        "at": st.none() | TIMES,
        "request_id": st.none() | st.text("abc7-é", min_size=1, max_size=9) | st.integers(0, 99),
        "id": st.none() | st.integers(0, 99),
        "leg": st.none() | st.integers(0, 99),
    },
)


@given(st.lists(ROWS, min_size=1, max_size=5))
def test_both_readers_give_the_same_values_and_ids(rows: list[dict[str, Any]]) -> None:
    quick = READER.read(msgspec.json.encode({"rows": rows}), 10)
    slow = READER.rows(msgspec.json.decode(msgspec.json.encode(rows)))
    assert quick.values == slow.values
    assert quick.ids == slow.ids
    one = READER.read(msgspec.json.encode(rows[0]), 10)
    assert (one.values, one.ids, one.is_single) == (slow.values[:1], slow.ids[:1], True)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_body_is_more_than_refused(body: bytes) -> None:
    try:
        READER.read(body, 10)
    except (InvalidError, UsageError):
        pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*SIGNATURE.names, "rows", "id", "x"]), JSON))
def test_no_document_is_more_than_refused(document: dict[str, Any]) -> None:
    try:
        found = READER.read(msgspec.json.encode(document), 10)
    except ConsoleError:
        return
    assert all(len(row) == len(SIGNATURE.names) for row in found.values)


def test_a_whole_float_is_taken_for_a_whole_number() -> None:
    found = READER.read(b'{"hour of day": 5.0}', 10)
    assert found.values == [(5, None, None, None, None)]


def test_times_arrive_in_utc_without_a_zone() -> None:
    body = b'{"hour of day": 5, "at": "2013-01-01T05:15:00-05:00"}'
    assert READER.read(body, 10).values[0][4] == datetime(2013, 1, 1, 10, 15)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"class": "UA", "hour of day": 5, "leg": 2}, "UA/5/2"),
        ({"class": "UA", "hour of day": 5, "leg": 2, "id": "mine"}, "mine"),
        ({"class": "UA", "hour of day": 5}, None),
        ({"request_id": 7, "id": 8, "hour of day": 5}, "7"),
    ],
)
def test_a_row_is_called_by_its_id_or_its_key(row: dict[str, Any], name: str | None) -> None:
    assert READER.read(msgspec.json.encode(row), 10).ids == [name]


def test_a_field_may_be_called_like_the_wrapper_or_the_id() -> None:
    fields = (Field(name="rows", type="integer"), Field(name="id", type="string"))
    reader = RowReader(Signature(fields))
    found = reader.read(b'{"rows": 3, "id": "x", "request_id": "r"}', 10)
    assert (found.values, found.ids) == ([(3, "x")], ["r"])


def test_a_batch_over_the_limit_is_refused_by_both_readers() -> None:
    good = msgspec.json.encode({"rows": [{"hour of day": 1}] * 11})
    with pytest.raises(ConsoleError, match="11 rows, at most 10"):
        READER.read(good, 10)
