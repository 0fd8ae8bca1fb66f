"""The filter language finds what it says, and explains at once what it does not understand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.rules.filter_values import nearest
from console.rules.filtering import Field, FilterFault, parse

NOW = datetime(2013, 7, 31, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    id: str
    state: str
    auc: float | None
    took_s: float
    at: datetime
    note: str | None = None
    params: dict[str, object] = field(default_factory=dict)


DROP: dict[str, object] = {"drop": True}
RUNS = [
    Run("104", "done", 0.732, 118, NOW - timedelta(days=30), "champion, old", {"max_depth": 6}),
    Run("115", "failed", None, 12, NOW - timedelta(hours=3), "out of memory", {"max_depth": 6}),
    Run("116", "done", 0.741, 158, NOW - timedelta(hours=2), None, {"max_depth": 8}),
    Run("117", "done", 0.744, 161, NOW - timedelta(minutes=30), None, {"max_depth": 6} | DROP),
]
FIELDS = {
    "id": Field[Run](lambda r: r.id),
    "state": Field[Run](lambda r: r.state),
    "metrics.auc": Field[Run](lambda r: r.auc, "number"),
    "took": Field[Run](lambda r: r.took_s, "seconds"),
    "when": Field[Run](lambda r: r.at, "time"),
    "note": Field[Run](lambda r: r.note),
    "params.max_depth": Field[Run](lambda r: r.params.get("max_depth")),
    "params.drop": Field[Run](lambda r: r.params.get("drop")),
}


def found(text: str) -> list[str]:
    wanted = parse(text, FIELDS, now=NOW)
    return [run.id for run in RUNS if wanted.matches(run)]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ["104", "115", "116", "117"]),
        ("FAILED", ["115"]),
        ("!failed", ["104", "116", "117"]),
        ("not failed", ["104", "116", "117"]),
        ('"out of memory"', ["115"]),
        ("state:failed,done", ["104", "115", "116", "117"]),
        ("state:f*", ["115"]),
        ("metrics.auc > 0.74", ["116", "117"]),
        ("auc>0.74", ["116", "117"]),
        ("auc >= 74.1%", ["116", "117"]),
        ("!auc>0.74", ["104", "115"]),
        ("took < 1m", ["115"]),
        ("took>=2m took<160", ["116"]),
        ("when < 2h30m", None),
        ("when < 150m", ["116", "117"]),
        ("when > 2013-07-31", ["115", "116", "117"]),
        ("max_depth = 8", ["116"]),
        ("params.max_depth < 8 and auc > 0.735", ["117"]),
        ("max_depth = 8 or state = failed", ["115", "116"]),
        ("(max_depth = 8 or state = failed) and has:auc", ["116"]),
        ("has:note", ["104", "115"]),
        ("!has:note", ["116", "117"]),
        ("drop = true", ["117"]),
        ("drop:true", ["117"]),
        ("state != done", ["115"]),
        ("note:champion", ["104"]),
    ],
)
def test_a_filter_finds_what_it_says(text: str, ids: list[str] | None) -> None:
    if ids is None:
        with pytest.raises(FilterFault, match="is not a date"):
            found(text)
    else:
        assert found(text) == ids


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("acu > 0.7", 'there is no field "acu"', (0, 3)),
        ("state:done auc > x", '"x" is not a number', (17, 18)),
        ("auc >", "auc > needs a value", (0, 5)),
        ("(state:done", 'a ")" is missing', (0, 11)),
        ("> 3", '">" needs something before it', (0, 1)),
        ("took > soon", '"soon" is not a duration', (7, 11)),
        ("state:done or", '"or" needs something on both sides', (11, 13)),
    ],
)
def test_a_fault_says_where_and_why(text: str, message: str, place: tuple[int, int] | None) -> None:
    with pytest.raises(FilterFault) as caught:
        found(text)
    assert message in caught.value.message
    assert (caught.value.start, caught.value.end) == place


def test_a_typo_names_the_nearest_field() -> None:
    with pytest.raises(FilterFault) as caught:
        found("max_deph = 8")
    assert caught.value.hint == "Did you mean params.max_depth?"
    assert nearest("STATE", FIELDS) == "state"
    assert nearest("zzz", FIELDS) == ""


def test_a_short_name_that_two_fields_have_is_asked_back() -> None:
    fields = {
        "params.lr": Field[Run](lambda r: 1),
        "metrics.lr": Field[Run](lambda r: 1),
    }
    with pytest.raises(FilterFault, match=r"could be metrics\.lr or params\.lr"):
        parse("lr > 0.01", fields)


def test_the_term_that_leaves_nothing_is_pointed_at() -> None:
    text = "state:done auc > 0.9 max_depth = 6"
    start, end = parse(text, FIELDS).fault(RUNS) or (0, 0)
    assert text[start:end] == "auc > 0.9"
    assert parse("state:done", FIELDS).fault(RUNS) is None


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_an_explained_fault(text: str) -> None:
    try:
        wanted = parse(text, FIELDS, now=NOW)
    except FilterFault as fault:
        assert 0 <= fault.start <= fault.end <= len(text)
        assert fault.message
    else:
        assert all(isinstance(wanted.matches(run), bool) for run in RUNS)
