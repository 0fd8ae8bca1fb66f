"""People: roles, requests that wait for a yes, the ledger with its seal and commands."""

from __future__ import annotations

from dataclasses import replace

from console.tui.areas.base import Choice
from storage.records.people import LedgerCheck
from tests.tui.areas.invented import (
    ANA,
    APPROVAL,
    BEN,
    LEDGER,
    answer,
    people_empty,
    people_snapshot,
)
from tests.tui.areas.shown import seen


async def test_people_requests_and_ledger_stand_under_each_other() -> None:
    async with seen("people", people_snapshot(), answer) as it:
        screen = await it.text()
        assert "ana you" in screen and "owner" in it.row(screen, "ana you")
        assert "data-engineer" in it.row(screen, "ben")
        assert "Waits for a yes 1" in screen and "asked by ben" in screen
        assert "● chain is whole" in screen and "3 entries, newest first" in screen
        assert "adds flights@v7" in it.row(screen, "411", "ben")


async def test_a_broken_chain_is_said_in_red() -> None:
    broken = LedgerCheck(entries=3, is_intact=False, first_bad_seq=411, reason="entry 411 differs")
    async with seen("people", people_snapshot(), lambda what, _: broken) as it:
        assert "✗ entry 411 differs" in await it.text()


async def test_enter_on_an_entry_shows_command_reason_and_seal() -> None:
    async with seen("people", people_snapshot(approvals=()), answer) as it:
        screen = await it.press("tab", "enter")
        assert "Entry 412" in screen and "mlops-console endpoint traffic delays" in screen
        assert "aaaaaaaaaaaa → bbbbbbbbbbbb" in screen and "better" in screen
        assert "Entry 412" not in await it.press("escape")


async def test_saying_yes_asks_first_and_posts_the_decision() -> None:
    async with seen("people", people_snapshot(), answer) as it:
        await it.press("tab", "enter")
        action, arguments = it.app.acts[0]
        assert action == "decide_approval"
        assert (arguments["id"], arguments["approve"]) == (3, True)
        assert dict(arguments["ask"].facts)["needs"] == "the role devops"
        it.app.area.choose(Choice(id="reject", label=""))
        await it.text()
        assert it.app.acts[1][1]["approve"] is False


async def test_nobody_decides_on_an_own_request() -> None:
    own = (replace(APPROVAL, requested_by="ana"),)
    async with seen("people", people_snapshot(approvals=own), answer) as it:
        why = {each.id: each.why_not for each in it.app.area.actions()}
        assert why["approve"] == "you asked for it yourself"


async def test_only_the_owner_grants_roles() -> None:
    async with seen("people", people_snapshot(me=BEN), answer) as it:
        why = {each.id: each.why_not for each in it.app.area.actions()}
        assert why["grant_role"] == "only the owner grants roles"
    async with seen("people", people_snapshot(), answer) as it:
        it.app.area.choose(Choice(id="grant_role", label=""))
        await it.text()
        action, arguments = it.app.acts[0]
        assert action == "grant_role"
        assert [field.id for field in arguments["ask"].fields] == ["name", "role"]


async def test_the_chain_can_be_walked_again() -> None:
    async with seen("people", people_snapshot(), answer) as it:
        it.app.area.choose(Choice(id="verify", label=""))
        await it.text()
        assert [what for what, _ in it.app.wants] == ["check", "check"]


async def test_the_ledger_is_filtered_by_field() -> None:
    async with seen("people", people_snapshot(), answer) as it:
        screen = await it.press("tab", "tab", "slash", *"who:cleo", "enter")
        assert "sets the threshold" in screen and "adds flights@v7" not in screen
        assert "1 of 3" in screen


async def test_an_empty_ledger_says_what_will_stand_there() -> None:
    async with seen("people", people_empty(), answer) as it:
        assert "Nothing was changed yet." in await it.text()


async def test_foreign_text_is_shown_not_obeyed() -> None:
    evil = "\x1b[31m[u]x\u202e"
    ledger = (replace(LEDGER[0], actor=evil, summary=evil, subject=evil),)
    snapshot = people_snapshot(people=(replace(ANA, name=evil),), ledger=ledger)
    async with seen("people", snapshot, answer, (160, 45)) as it:
        screen = await it.text()
        assert "[u]x" in screen and "\x1b" not in screen and "\u202e" not in screen
