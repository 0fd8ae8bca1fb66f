"""Drafts are accepted and refused in the file itself, and nothing else in it changes."""

from __future__ import annotations

import difflib
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.errors import ConflictError, InvalidError, NotFoundError
from console.rules.contract_decisions import chosen, rewritten
from console.rules.contracts import parse
from console.worker.data.inferring import draft
from storage.records.contracts import Contract, Rule

SAMPLE = Path(__file__).parents[2] / "sample_data"


@pytest.fixture(scope="module")
def drafted() -> str:
    with duckdb.connect() as connection:
        return draft(connection, f"read_parquet('{SAMPLE}/planes.parquet')", "planes").text


def decide(
    text: str, accept: tuple[str, ...] = (), refuse: tuple[str, ...] = ()
) -> tuple[str, Contract]:
    changed = rewritten(text, "p.yaml", "planes", accept=accept, refuse=refuse)
    return changed, parse(changed, "p.yaml", "planes")


def rules(contract: Contract) -> dict[str, Rule]:
    return {rule.id: rule for rule in contract.rules}


def test_an_accepted_rule_stops_from_now_on_and_keeps_its_evidence(drafted: str) -> None:
    changed, contract = decide(drafted, accept=("tailnum.unique",))
    rule = rules(contract)["tailnum.unique"]
    assert (rule.status, rule.severity) == ("accepted", "error")
    assert rule.description == "3,322 values, all different"
    assert contract.status == "draft", "the others are still open"
    moved = [
        line
        for line in difflib.unified_diff(drafted.splitlines(), changed.splitlines(), n=0)
        if line[0] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert sorted(line.replace(" ", "") for line in moved) == [
        "+severity:error", "+status:accepted", "-severity:warn", "-status:draft",
    ]  # fmt: skip


def test_a_refused_rule_is_gone_with_what_only_it_needed(drafted: str) -> None:
    ids = [rule.id for rule in parse(drafted, "p", "planes").rules if rule.columns == ("year",)]
    changed, contract = decide(drafted, refuse=tuple(ids))
    assert not any(rule.columns == ("year",) for rule in contract.rules)
    year = next(column for column in contract.columns if column.name == "year")
    assert year.logical_type == "any", "a refused type is no type"
    assert len(changed) < len(drafted)


def test_the_last_decision_ends_the_draft(drafted: str) -> None:
    every = chosen(parse(drafted, "p", "planes"), ["*"])
    half, contract = decide(drafted, accept=every[:5], refuse=every[5:])
    assert contract.status == "active"
    assert {rule.status for rule in contract.rules} == {"accepted"}
    with pytest.raises(ConflictError, match="no draft any more"):
        chosen(parse(half, "p", "planes"), [every[0]])


def test_words_mean_rules_columns_and_patterns(drafted: str) -> None:
    contract = parse(drafted, "p", "planes")
    assert chosen(contract, ["year.range"]) == ("year.range",)
    assert chosen(contract, ["seats"]) == ("seats.type", "seats.required", "seats.range")
    assert set(chosen(contract, ["*.type"])) == {f"{c.name}.type" for c in contract.columns}
    with pytest.raises(NotFoundError, match=r"no rule year\.rnge") as refused:
        chosen(contract, ["year.rnge"])
    assert refused.value.hint == "Did you mean year.range?"


BY_HAND = """\
# agreed with the airport
apiVersion: v3.2.0
kind: DataContract
id: t
version: 1.0.0
status: draft
schema:
  - name: t
    properties:
      - name: a   # the first
        logicalType: integer
        required: true
        quality:
          # why: it is a count
          - {type: custom, engine: mlops-console, implementation: {rule: range, minimum: 0}}
          - type: custom
            engine: mlops-console
            severity: critical
            implementation: {rule: multiple, minimum: 2, status: draft}   # even

          # of the next column
      - name: b
"""


def test_what_people_wrote_keeps_its_comments_and_its_severity() -> None:
    accepted = rewritten(BY_HAND, "t.yaml", "t", accept=("a.range", "a.multiple"))
    found = rules(parse(accepted, "t.yaml"))
    assert (found["a.range"].status, found["a.range"].severity) == ("accepted", "error")
    assert (found["a.multiple"].status, found["a.multiple"].severity) == ("accepted", "critical")
    refused = rewritten(BY_HAND, "t.yaml", "t", refuse=("a.multiple",))
    for text in (accepted, refused):
        assert [line for line in BY_HAND.splitlines() if line.lstrip().startswith("#")] == [
            line for line in text.splitlines() if line.lstrip().startswith("#")
        ]
    emptied = rewritten(BY_HAND, "t.yaml", "t", refuse=("a.multiple", "a.range"))
    assert "quality" not in emptied


def test_what_cannot_be_changed_by_itself_names_its_line() -> None:
    with pytest.raises(InvalidError, match=r"t.yaml, line 10: a.required is a constraint"):
        rewritten(BY_HAND, "t.yaml", "t", refuse=("a.required",))
    with pytest.raises(InvalidError, match=r"line 10: a.type is a draft because its file is one"):
        rewritten(BY_HAND, "t.yaml", "t", accept=("a.type",))
    every = chosen(parse(BY_HAND, "t.yaml"), ["*"])
    whole = parse(rewritten(BY_HAND, "t.yaml", "t", accept=every), "t.yaml")
    assert whole.status == "active"
    block = "{type: custom, engine: mlops-console, implementation: {rule: range, minimum: 0}}"
    other = block.replace("range, minimum: 0", "multiple, minimum: 2")
    start, _, _ = BY_HAND.partition("        quality:")
    flow = f"{start}        quality: [{block}, {other}]\n"
    with pytest.raises(InvalidError, match=r"a.range stands where it cannot be changed"):
        rewritten(flow, "t.yaml", "t", refuse=("a.range",))


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_decisions_one_after_the_other_say_what_was_decided(
    data: st.DataObject, drafted: str
) -> None:
    text = drafted
    for _ in range(3):
        contract = parse(text, "p.yaml", "planes")
        still = [rule.id for rule in contract.rules if rule.is_open]
        fates = data.draw(
            st.lists(st.sampled_from("arrkkk"), min_size=len(still), max_size=len(still))
        )
        accept = tuple(i for i, fate in zip(still, fates, strict=True) if fate == "a")
        refuse = tuple(i for i, fate in zip(still, fates, strict=True) if fate == "r")
        if not accept and not refuse:
            continue
        text, after = decide(text, accept, refuse)  # checks by itself that the text says it
        left = [rule.id for rule in after.rules if rule.is_open]
        assert left == [i for i in still if i not in (*accept, *refuse)]
