"""The table of runs: its order, its groups, its leading metrics, its file."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta

import pytest

from console import tabular
from console.errors import UsageError
from console.rules.filtering import FilterFault, group_label, parse
from console.rules.run_fields import find_field, ordered, run_fields, unmatched
from console.rules.run_table import best_of, file_columns, file_rows, groups, leading_metrics
from storage.records.runs import Run
from tests.rules.test_run_comparison import BASE


def run(number: int, auc: float | None, leaves: int | str | None, **more: object) -> Run:
    metrics = {} if auc is None else {"roc_auc": auc, "artifact_bytes": 10.0}
    params = {} if leaves is None else {"leaves": leaves}
    started = BASE.started_at + timedelta(days=number)
    return replace(BASE, id=number, metrics=metrics, params=params, started_at=started, **more)  # type: ignore[arg-type]


RUNS = [
    run(5, 0.71, 8),
    run(4, None, 8, state="failed"),
    run(3, 0.75, 31),
    run(2, 0.70, 31, tags=("=cmd|' /C calc'!A0",), note="-2+3"),
    run(1, 0.75, "auto", pipeline="other"),
]
FIELDS = run_fields(RUNS)


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        (["roc_auc"], [3, 1, 5, 2, 4]),
        (["-roc_auc"], [2, 5, 3, 1, 4]),
        (["params.leaves", "roc_auc"], [5, 4, 3, 2, 1]),
        (["-params.leaves", "-started"], [1, 3, 2, 5, 4]),
        (["pipeline", "started"], [2, 3, 4, 5, 1]),
        ([], [5, 4, 3, 2, 1]),
    ],
)
def test_several_fields_give_the_order_and_what_lacks_them_comes_last(
    sort: list[str], ids: list[int]
) -> None:
    assert [each.id for each in ordered(RUNS, sort, FIELDS)] == ids


def test_a_field_to_sort_by_that_there_is_not_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="runs cannot be sorted by 'leafs'") as caught:
        ordered(RUNS, ["leafs"], FIELDS)
    assert caught.value.hint == "Did you mean params.leaves?"
    both = run_fields([replace(BASE, params={"alpha": 1}, metrics={"alpha": 1.0})])
    with pytest.raises(UsageError, match=r"metrics\.alpha or params\.alpha"):
        find_field("alpha", both, "runs cannot be sorted by")


def test_groups_keep_the_order_of_their_runs_and_name_the_value() -> None:
    found = groups(RUNS, "params.leaves", FIELDS)
    assert {label: [each.id for each in members] for label, members in found.items()} == {
        "leaves 8": [5, 4], "leaves 31": [3, 2], "leaves auto": [1],
    }  # fmt: skip
    assert group_label(run(9, None, None), "params.leaves", FIELDS["params.leaves"]) == "no leaves"
    assert group_label(RUNS[0], "started", FIELDS["started"]) == "started 2013-04-06"
    best = best_of(found["leaves 31"], "roc_auc")
    assert best is not None and best.id == 3
    assert best_of([RUNS[1]], "roc_auc") is None


def test_metrics_that_most_runs_have_lead_and_declared_ones_come_first() -> None:
    many = [replace(each, metrics=each.metrics | {"recall": 99.0}) for each in RUNS[:1]]
    runs = [*many, *RUNS[1:]]
    assert leading_metrics(runs, at_most=3) == ("roc_auc", "recall")
    assert leading_metrics(runs, ["recall", "f1"], at_most=1) == ("recall",)
    wide = [replace(BASE, metrics={f"m{k}": 1.0 for k in range(300)})]
    assert len(leading_metrics(wide, at_most=8)) == 8
    assert leading_metrics([RUNS[1]], at_most=3) == ()


def test_a_file_has_every_metric_and_parameter_and_no_formula() -> None:
    columns = file_columns(FIELDS, hidden=("metrics.artifact_bytes", "by"))
    assert columns[:7] == [
        "id", "state", "pipeline", "data", "model", "metrics.roc_auc", "params.leaves",
    ]  # fmt: skip
    assert "by" not in columns and "metrics.artifact_bytes" not in columns
    words = tabular.as_csv(columns, file_rows(RUNS, columns, FIELDS))
    rows = list(csv.DictReader(words.splitlines()))
    assert rows[0]["metrics.roc_auc"] == "0.71"
    assert rows[0]["data"] == "flights@v3"
    assert rows[1]["metrics.roc_auc"] == ""
    assert rows[3]["tag"].startswith("'=cmd")
    assert rows[3]["note"] == "'-2+3"


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("state = suceeded and leaves > 3", "none is left by 'state = suceeded'; "
         "did you mean succeeded?"),
        ("data = flights@v33", "none is left by 'data = flights@v33'; did you mean flights@v3?"),
        ("roc_auc > 0.7 and leaves > 90", "none is left by 'leaves > 90'."),
    ],
)  # fmt: skip
def test_a_filter_without_a_hit_names_its_term_and_the_nearest_value(wanted: str, why: str) -> None:
    assert unmatched(wanted, RUNS, FIELDS) == why


def test_a_wrong_filter_carries_its_text_and_place() -> None:
    with pytest.raises(FilterFault) as caught:
        parse("roc_auc > 0.7 and leavs < 3", FIELDS)
    data = caught.value.data
    assert str(data["text"])[data["start"] : data["end"]] == "leavs"
