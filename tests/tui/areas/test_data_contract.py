"""The contract on the screen: drafts first, with their evidence, accepted and refused from `x`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from console.tui.snapshots.data import Agreed
from storage.records.checks import CheckReport
from storage.records.contracts import Contract, ContractColumn, Rule
from storage.records.results import Result
from tests.tui.areas.invented import JOB, answer, data_empty, data_snapshot
from tests.tui.areas.shown import Answer, Seen, seen

WIDE = (160, 45)
RULES = (
    Rule(id="humid.range", kind="range", columns=("humid",), minimum="0", maximum="100",
         description="Per cent."),
    Rule(id="pressure.required", kind="required", columns=("pressure",), status="draft",
         severity="warn", max_rate=0.12, description="1,612 of 15,242 are null (10.6 %)"),
    Rule(id="origin.categories", kind="categories", columns=("origin",), status="draft",
         severity="warn", values=("EWR", "JFK", "LGA"), description="3 values in 15,242 rows"),
    Rule(id="fields", kind="fields", status="draft"),
)  # fmt: skip
CONTRACT = Contract(
    id="weather", name="weather", version="1.0.0", api_version="v3.2.0", status="draft",
    columns=(ContractColumn(name="humid", logical_type="number"),), rules=RULES,
)  # fmt: skip
FOUND = Result(
    name="range", scope="column:humid", value=0.002, n=15242, unit="%", threshold=0.0,
    direction="le", verdict="fail", reason="30 of 15 242 rows are out of the range",
    detail=(("rule", "humid.range"), ("change", "+0.1 %"), ("row 208", "humid = 131")),
)  # fmt: skip


def saying(agreed: Agreed) -> Answer:
    def said(what: str, arguments: dict[str, Any]) -> Any:
        return agreed if what == "contract" else answer(what, arguments)

    return said


def snapshot() -> Any:
    shown = data_snapshot()
    assert shown.detail is not None
    return replace(shown, detail=replace(shown.detail, results=(FOUND,)))


DRAFTED = saying(Agreed(dataset="weather", contract=CONTRACT))


async def test_drafts_come_first_with_their_evidence_and_results_stand_beside_the_rules() -> None:
    async with seen("data", snapshot(), DRAFTED, WIDE) as it:
        screen = await it.press("a")
        assert it.app.wants[-1] == ("contract", {"dataset": "weather", "job": 0})
        assert "Contract of weather 4 rules · draft" in screen
        sections = [screen.index(name) for name in ("Broken", "Drafts to decide on", "Agreed")]
        assert sections == sorted(sections)
        assert it.row(screen, "pressure required").endswith("1,612 of 15,242 are null (10.6 %)")
        assert "12.0 %" in it.row(screen, "pressure required")
        assert "EWR, JFK, LGA" in it.row(screen, "origin categories")
        assert "✗" in it.row(screen, "humid range")
        assert "0.20 %" in it.row(screen, "humid range")
        assert "2 drafts to decide on · x accepts or refuses" in screen
        assert "30 of 15 242 rows are out of the range" in screen
        assert "row 208 humid = 131" in screen and "change +0.1 %" in screen
        assert "Moved since" in await it.press("escape")


async def test_marked_drafts_are_accepted_together_and_said_before() -> None:
    async with seen("data", snapshot(), DRAFTED, WIDE) as it:
        screen = await it.press("a", "j", "space", "space", "x")
        assert "accept 2 drafts" in screen and "mlops-console contract accept wea" in screen
        await it.press("a")
        question = asked(it)
        assert question.sentence == "Accept pressure.required and origin.categories?"
        assert ("changes", "data that breaks it is refused from now on") in question.facts
        assert it.app.acts[-1][1] | {"ask": None} == {
            "dataset": "weather", "accept": ["pressure.required", "origin.categories"],
            "severity": "", "ask": None,
        }  # fmt: skip


async def test_one_draft_is_accepted_to_warn_or_refused_and_what_is_agreed_is_not() -> None:
    async with seen("data", snapshot(), DRAFTED, WIDE) as it:
        await it.press("a", "j", "x", "w")
        assert it.app.acts[-1][1]["severity"] == "warn"
        assert it.app.acts[-1][1]["accept"] == ["pressure.required"]
        await it.press("j", "x", "r")
        assert it.app.acts[-1][1]["refuse"] == ["origin.categories"]
        await it.press("x", "l")
        assert it.app.acts[-1][1]["accept"] == ["pressure.required", "origin.categories"]
        screen = await it.press("end", "x")
        assert "the cursor is on no draft" in screen


async def test_without_a_contract_one_is_drafted_and_a_broken_one_is_told() -> None:
    async with seen("data", snapshot(), saying(Agreed(dataset="weather")), (80, 24)) as it:
        screen = await it.press("a")
        assert "No contract yet." in screen and "contract infer weather" in screen
        await it.press("x", "i")
        assert it.app.acts[-1] == (
            "check_contract",
            {"dataset": "weather", "version": "3", "infer": True, "keep": True},
        )
    why = "w.yaml, line 9: humid has the unknown logicalType 'nuber'. Known are number."
    broken = saying(Agreed(dataset="weather", why_not=why))
    async with seen("data", snapshot(), broken, (80, 24)) as it:
        screen = await it.press("a")
        assert "The contract cannot be read." in screen and "line 9: humid" in screen


REPORT = CheckReport(
    dataset="weather", subject="july.csv", rows=15242, verdict="fail", results=(FOUND,),
    contract=CONTRACT,
)  # fmt: skip
REFUSED = replace(
    JOB, id=56, kind="ingest", state="failed", result={"check": "a1"}, spec={"dataset": "weather"},
    reason="cannot add july.csv to weather: its contract fails in 1 of 4 rules: humid range: 30 of "
    "15 242 rows are out of the range. Correct the data.",
)  # fmt: skip


async def test_a_refused_delivery_is_told_beside_the_versions_and_a_shows_why() -> None:
    agreed = Agreed(dataset="weather", contract=CONTRACT, report=REPORT)
    for size in (WIDE, (80, 24)):
        shown = replace(data_snapshot(), refused=REFUSED)
        async with seen("data", shown, saying(agreed), size) as it:
            words = " ".join((await it.text()).split())
            assert "✗ cannot add july.csv to weather:" in words and "a shows why" in words
            screen = await it.press("a")
            assert it.app.wants[-1] == ("contract", {"dataset": "weather", "job": 56})
            assert "✗ july.csv was refused" in screen and "Broken" in screen
            assert "30 of 15 242 rows are out of the range" in screen
            assert "1 rule broken · nothing of it was stored" in screen


async def test_enter_on_a_result_opens_the_contract_at_its_rule() -> None:
    async with seen("data", snapshot(), DRAFTED, WIDE) as it:
        it.app.area.query_one("#rules").focus()
        screen = await it.press("enter")
        assert "30 of 15 242 rows are out of the range" in screen
        await it.press("escape", "escape")


async def test_the_contract_fits_a_small_terminal_and_needs_a_dataset() -> None:
    async with seen("data", snapshot(), DRAFTED, (80, 24)) as it:
        screen = await it.press("a", "j")
        assert "pressure required" in screen and "evidence 1,612 of" in screen
        assert max(map(len, screen.splitlines())) <= 80
    async with seen("data", data_empty(), DRAFTED, (80, 24)) as it:
        assert "Contract of" not in await it.press("a")


def asked(it: Seen) -> Any:
    return it.app.acts[-1][1]["ask"]
