"""The ML test score: 28 tests decided from recorded evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.rules import readiness as rules
from console.rules.readiness import Evidence

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TRAINED = NOW - timedelta(days=20)


def run(days: float, *, passed: bool = True, **others: Any) -> Evidence:
    return Evidence(at=NOW - timedelta(days=days), passed=passed, is_automated=True, **others)


def word(days: float) -> Evidence:
    return Evidence(at=NOW - timedelta(days=days), passed=True, is_automated=False, text="ana")


def test_there_are_seven_tests_in_each_of_four_sections() -> None:
    assert len(rules.TESTS) == 28
    for section in rules.SECTIONS:
        assert sum(test.section == section for test in rules.TESTS.values()) == 7
    for test in rules.TESTS.values():
        assert test.title and test.evidence and test.effort in (1, 2, 3)


@pytest.mark.parametrize(
    ("test", "evidence", "points", "reason"),
    [
        ("M5", [run(1)], 1.0, "passed"),
        ("M5", [run(5), run(1, passed=False)], 0.0, "the last run failed"),
        ("M5", [run(1, passed=False), word(1)], 0.0, "the last run failed"),
        ("M5", [run(1, passed=False, is_waived=True)], 1.0, "waived"),
        ("M5", [run(1, is_partial=True)], 0.5, "passed as far as it goes"),
        ("M5", [run(30)], 0.5, "the last run is stale"),
        ("M5", [word(10)], 0.5, "attested: ana"),
        ("M5", [word(181)], 0.0, "the attestation expired: ana"),
        ("M5", [], 0.0, "nothing recorded; needs the baseline gate, paired"),
        ("N5", [run(0.5)], 1.0, "passed"),
        ("N5", [run(2)], 0.5, "the last run is stale"),
    ],
)
def test_a_point_needs_a_fresh_automated_run_that_passed(
    test: str, evidence: list[Evidence], points: float, reason: str
) -> None:
    found = rules.score_test(rules.TESTS[test], evidence, now=NOW, trained_at=TRAINED)
    assert (found.points, found.reason) == (points, reason)


def test_ninety_days_are_the_limit_when_nothing_was_trained_since() -> None:
    test = rules.TESTS["M5"]
    assert rules.score_test(test, [run(89)], now=NOW, trained_at=None).points == 1.0
    assert rules.score_test(test, [run(91)], now=NOW, trained_at=None).points == 0.5


def test_the_score_is_the_weakest_section() -> None:
    evidence = {test: [run(0.1)] for test in rules.TESTS}
    full = rules.readiness(evidence, now=NOW, trained_at=TRAINED)
    assert (full.score, full.meaning) == (7.0, "exceptional")
    assert full.next_steps == ()
    for test in ("I1", "I2", "I7"):
        evidence[test] = []
    evidence["I4"] = [word(3)]
    found = rules.readiness(evidence, now=NOW, trained_at=TRAINED)
    assert found.weakest == "infra"
    assert found.score == 3.5
    assert found.sections["data"] == 7.0
    assert found.meaning.startswith("strong testing")
    # One command each, the one with half a point already first.
    assert [step.test.id for step in found.next_steps] == ["I4", "I1", "I7"]


def test_without_any_evidence_it_is_a_research_project() -> None:
    found = rules.readiness({}, now=NOW, trained_at=None)
    assert found.score == 0.0
    assert found.meaning == "more a research project than a production system"
    assert len(found.next_steps) == 3


@pytest.mark.parametrize(
    ("score", "start"),
    [(1, "not totally"), (2, "a first"), (3, "reasonably"), (5, "strong"), (5.5, "exc")],
)
def test_every_score_has_its_meaning(score: float, start: str) -> None:
    assert rules.meaning(score).startswith(start)
