"""Jobs: what runs and when it ends, runs against the baseline, side by side, one run, the log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.tui.areas.jobs.log import LogView
from console.tui.areas.jobs.log_pane import LogPane
from console.tui.snapshots.jobs import load
from storage.workspace import Workspace
from tests.tui.areas.invented_runs import (
    JOBS,
    NOW,
    RUNS,
    ago,
    answer,
    chunk,
    empty,
    job,
    snapshot,
)
from tests.tui.areas.shown import seen
from tests.tui.reading import ink_of

WIDE = (160, 45)


async def test_the_queue_says_how_far_what_runs_is_and_when_it_ends() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.text()
        row = it.row(screen, "118", "train delays")
        assert "► running" in row and "62 %" in row and "fold 3 of 5" in row
        assert row.endswith("4 m left")
        assert "after 118" in it.row(screen, "120", "◌ queued")
        assert "2 run" not in screen and "1 runs, 1 waits" in screen
        assert "3 ended, 1 badly" in screen


async def test_every_run_stands_beside_the_champion() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.text()
        assert "Runs delays · 6" in screen
        head = it.row(screen, "AUC ↑")
        assert "Δ104" in head and "recall ↑" in head
        row = it.row(screen, "117", "● done", "0.744")
        assert "0.744 +0.012" in row and "0.606 −0.019" in row
        assert "base" in it.row(screen, "★", "104")
        assert "6 runs · ★ 104 is the baseline" in screen


async def test_a_difference_on_the_same_rows_is_ink_and_on_others_grey() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        same, other = ink_of(it.app, "+0.001"), ink_of(it.app, "+0.012")
        assert same[0] != other[0]


async def test_b_pins_another_baseline_and_again_gives_it_back() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.press("j", "b")
        assert "★ 117 is the baseline" in screen and "Δ117" in screen
        assert "−0.012" in it.row(screen, "104", "v4")
        screen = await it.press("b")
        assert "★ 104 is the baseline" in screen


async def test_a_run_that_measured_nothing_cannot_be_the_baseline() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.press("j", "j", "j", "b")
        assert "run 115 measured nothing" in screen
        assert "Δ104" in screen


async def test_without_a_champion_a_run_is_held_against_the_good_one_before_it() -> None:
    async with seen("jobs", replace(snapshot(), champions=()), answer) as it:
        screen = await it.press("j", "j", "c")
        assert ("compare", {"ids": (109, 116)}) in it.app.wants
        assert "★ 109 baseline" in screen


async def test_declared_metrics_come_first_whatever_order_runs_were_stored_in() -> None:
    async with seen("jobs", replace(snapshot(), metrics=("recall", "roc_auc")), answer) as it:
        head = it.row(await it.text(), "AUC ↑")
        assert head.index("recall") < head.index("AUC")


async def test_a_filter_is_counted_in_the_heading() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.press("slash", *"roc_auc", "space", "greater_than_sign", "space", *"0.74")
        assert "2 of 6" in screen
        screen = await it.press("enter")
        assert "Runs delays · 2 of 6" in screen and "104 ● done" not in screen


async def test_the_order_is_said() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        assert "newest first" in await it.text()
        screen = await it.press("s")
        assert "Sort by" in screen
        it.app.frame.app.pop_screen()
        it.app.area.table.order_by("metrics.roc_auc")  # type: ignore[union-attr]
        screen = await it.text()
        assert "sorted by AUC ↑" in screen
        rows = [row for row in screen.splitlines() if "● done" in row and "v" in row]
        assert [row.split()[0] for row in rows if "0.7" in row][:2] == ["117", "116"]


async def test_enter_opens_a_run_with_intervals_curve_and_what_it_was_made_from() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.press("j", "enter")
        assert ("run", {"id": 117, "base": 104}) in it.app.wants
        assert "Run 117 delays  ● done" in screen and "delays@v5" in screen
        row = it.row(screen, "AUC ↑")
        assert "0.744" in row and "0.738 to 0.750" in row and "+0.012" in row
        assert "against ★ 104" in screen
        assert "Learning curve log loss" in screen and "valid 0.567" in screen
        assert "Queue" not in screen
        screen = await it.press("tab", "tab")
        assert "0.06   was 0.1" in it.row(screen, "learning_rate")
        assert "v7   was v5" in it.row(screen, "data flights")
        screen = await it.press("tab", "tab")
        assert "carrier=MQ" in screen and "2 400 rows" in screen
        assert screen.index("carrier=MQ") < screen.index("carrier=UA")
        screen = await it.press("tab")
        assert "dep_hour" in screen and "0.0810" in screen
        screen = await it.press("escape")
        assert "Queue" in screen and "Measured" not in screen


async def test_a_failed_run_says_why_first() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.press("j", "j", "j", "enter")
        assert "What stopped it" in screen
        assert "column visib is missing; step features reads it" in screen
        assert "It measured nothing." in screen and "Learning curve" not in screen


async def test_compare_shows_what_differs_in_bold_with_words_of_the_measured_difference() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.press("j", "space", "space", "c")
        assert ("compare", {"ids": (104, 117, 116)}) in it.app.wants
        head = it.row(screen, "★ 104", "117", "116")
        assert head.index("117") < head.index("116")
        assert "● better" in it.row(screen, "AUC ↑") and "✗ worse" in it.row(screen, "log loss ↓")
        assert it.row(screen, "class_weight").split() == [
            "class_weight", "balanced", "balanced", "absent",
        ]  # fmt: skip
        assert it.row(screen, "early_stopping").split()[1:4] == ["true", "true", "false"]
        assert "= all rows" in screen and "follow" not in screen
        assert "seed" not in screen and "equal rows hidden, = shows them" in screen
        assert ink_of(it.app, "0.06")[2] and not ink_of(it.app, "balanced")[2]


async def test_equal_rows_come_and_go_with_the_equals_sign() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        assert "seed" not in await it.press("j", "c")
        screen = await it.press("equals_sign")
        assert it.row(screen, "max_depth").split() == ["max_depth", "6", "6"]
        assert "shown, = hides them" in screen
        assert "max_depth" not in await it.press("equals_sign")


async def test_b_in_a_comparison_holds_all_against_the_next_run() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        await it.press("j", "space", "space", "c")
        screen = await it.press("b")
        assert "★ 117 baseline" in screen
        assert it.app.wants[-1] == ("compare", {"ids": (117, 116, 104)})


async def test_runs_judged_on_other_rows_are_not_called_better_or_worse() -> None:
    def other_rows(what: str, arguments: dict[str, Any]) -> Any:
        found = answer(what, arguments)
        if what != "compare":
            return found
        metrics = tuple(
            replace(each, words=("base", "not comparable"), ci_low=(), ci_high=())
            for each in found.comparison.metrics
        )
        apart = ("", "they were not judged on the same rows")
        return replace(found, comparison=replace(found.comparison, metrics=metrics, apart=apart))

    async with seen("jobs", snapshot(), other_rows) as it:
        screen = await it.press("j", "c")
        assert "≠ rows" in it.row(screen, "AUC ↑")
        assert "differences mean nothing" in screen and "● better" not in screen


async def test_wide_terminals_hold_the_cursor_against_the_baseline() -> None:
    async with seen("jobs", snapshot(), answer, size=WIDE) as it:
        screen = await it.press("j")
        assert "Compare 2 runs" in screen and "★ 104 baseline" in screen
        assert "Run 117 differs from run 104" in screen
        assert "AUC by fold" in screen and "fold 1" in screen
        assert "Run 118 train delays · fold 3 of 5" in screen and "4 m left" in screen
        assert "round 100  valid log loss 0.573" in screen
        await it.press("j")
        assert ("compare", {"ids": (104, 116)}) in it.app.wants


async def test_a_comparison_of_fewer_runs_follows_one_of_more() -> None:
    async with seen("jobs", snapshot(), answer, size=WIDE) as it:
        await it.press("j", "space", "space")
        assert "Compare 3 runs" in await it.text()
        screen = await it.press("k", "space")
        assert "Compare 2 runs" in screen


async def test_a_log_is_followed_to_its_end_and_held_with_f() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.press("f")
        assert (
            "Log ► running  train delays · job 118" in screen
            and "fold 3 of 5, 27 118 rows" in screen
        )
        assert "follows, f holds it" in screen and "Runs" not in screen
        assert "filter" not in screen
        pane = it.app.area.query_one(LogPane)
        more = "".join(f"09:40:{n:02d}  round {n}\n" for n in range(40))
        text = "09:38:36  fold 2 of 5  AUC 0.738\n" + more
        pane.view.open(118)
        pane.view.take(chunk(text, 0))
        assert "round 39" in await it.text()
        assert "held, f follows" in await it.press("f")
        pane.view.take(chunk(text + "09:41:00  the end\n", 0))
        assert "the end" not in await it.text()
        assert "the end" in await it.press("f")
        assert "Queue" in await it.press("escape")


async def test_enter_on_a_job_opens_its_log() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        await it.press("shift+tab", "j", "j", "j")
        screen = await it.press("enter")
        assert "✗ failed" in screen and "column visib is missing" in screen
        assert "3 lines, ended" in screen


async def test_nothing_yet_says_what_belongs_here_and_how() -> None:
    async with seen("jobs", empty(), answer) as it:
        screen = await it.text()
        assert "No run yet." in screen and "mlops-console train PIPELINE" in screen
        assert "Nothing waits." in screen and "nothing runs" in screen


async def test_an_error_keeps_the_rows() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        it.app.area.show_error("the agent cannot read the runs.", "Press r to try again.")
        screen = await it.text()
        assert "✗ the agent cannot read the runs." in screen and "117 ● done" in screen


async def test_an_error_before_anything_was_read_stands_where_the_runs_would_be() -> None:
    async with seen("jobs", None, answer) as it:
        it.app.area.show_loading()
        assert "·" in it.row(await it.text(), "    ·")
        it.app.area.show_error("the agent cannot read the runs.", "Press r to try again.")
        screen = await it.text()
        assert screen.index("run state") < screen.index("✗ the agent cannot read the runs.")
        assert "Press r to try again." in screen


async def test_a_small_terminal_keeps_how_far_and_how_long() -> None:
    async with seen("jobs", snapshot(), answer, size=(60, 16)) as it:
        row = it.row(await it.text(), "118", "train delays")
        assert "62 %" in row and row.endswith("4 m left")


async def test_a_jump_that_comes_before_the_snapshot_opens_when_it_is_here() -> None:
    async with seen("jobs", None, answer) as it:
        it.app.area.reveal("run", "104")
        screen = await it.show(snapshot())
        assert "Run 104 delays" in screen
    async with seen("jobs", snapshot(), answer) as it:
        it.app.area.reveal("job", "114")
        assert "data add flights · job 114" in await it.text()


async def test_actions_stop_repeat_and_note_with_their_commands() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        found = {choice.id: choice for choice in it.app.area.actions()}
        assert found["cancel_job"].command == "mlops-console job cancel 118"
        assert found["cancel_job"].is_destructive
        assert found["reproduce_run"].why_not == "it still runs"
        it.app.area.choose(found["cancel_job"])
        await it.text()
        action, arguments = it.app.acts[-1]
        assert action == "cancel_job" and arguments["id"] == 118
        assert "Stop job 118" in arguments["ask"].sentence
        await it.press("j")
        found = {choice.id: choice for choice in it.app.area.actions()}
        assert "cancel_job" not in found and not found["reproduce_run"].why_not
        it.app.area.choose(found["reproduce_run"])
        await it.text()
        assert it.app.acts[-1] == ("reproduce_run", {"id": 117})


async def test_a_waiting_job_gets_another_place_and_a_program_its_limits() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        await it.press("shift+tab", "j", "x", "q")
        await it.press("end", "backspace", "5", "escape", "y")
        assert it.app.acts == [("set_job", {"id": 120, "priority": 5, "after": (118,)})]
        await it.press("x", "p", *"make", "tab", "tab", *"4gb", "tab", *"2w", "escape")
        screen = await it.press("y")
        assert "write it as 90s, 30m, 6h or 7d" in screen and len(it.app.acts) == 1
        await it.press("n")
        await it.press("x", "p", *"make", "tab", "tab", *"4gb", "tab", *"2h", "escape", "y")
        limits = {"memory_bytes": 4_000_000_000, "time_s": 7200.0}
        assert it.app.acts[-1] == ("start_command", {"command": ("make",), "title": "", **limits})


async def test_a_running_job_says_what_it_takes_of_the_machine() -> None:
    async with seen("jobs", snapshot(), answer, size=WIDE) as it:
        assert "1.9 cores · 412.0 MB" in await it.text()


async def test_training_again_sends_only_the_parameters_that_were_changed() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.press("j", "x", "t")
        assert "Train delays again with other parameters" in screen and "0.06" in screen
        await it.press("end", "backspace", "8")
        await it.press("escape", "y")
        assert it.app.acts == [("retry_job", {"id": 117, "params": {"max_depth": 8}})]


async def test_a_parameter_that_cannot_be_meant_is_refused() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        screen = await it.press("j", "x", "t", "end", "x", "escape", "y")
        assert "a number such as 6" in screen and not it.app.acts


async def test_a_program_becomes_a_job_word_by_word() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        await it.press("x", "p", *"echo", "space", "quotation_mark", *"a", "space", *"b")
        await it.press("quotation_mark", "escape", "y")
        assert it.app.acts == [("start_command", {"command": ("echo", "a b"), "title": ""})]


async def test_the_command_that_shows_the_same_can_be_copied() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        await it.press("j", "c")
        copies = {choice.id: choice.detail for choice in it.app.area.copies()}
        assert copies["command"] == "mlops-console run compare 104 117"


async def test_marks_and_cursor_stay_when_a_newer_snapshot_comes() -> None:
    async with seen("jobs", snapshot(), answer) as it:
        await it.press("j", "space")
        newer = replace(snapshot(), runs=(replace(RUNS[0], id=119, job_id=119), *RUNS))
        screen = await it.show(newer)
        assert "■" in it.row(screen, "117", "0.744") and "1 marked" in screen
        assert it.app.area.table.cursor_key == "116"  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 36), (160, 45)])
async def test_every_screen_opens_at_every_size(size: tuple[int, int]) -> None:
    async with seen("jobs", snapshot(), answer, size=size) as it:
        assert "118" in await it.text()
        assert "0.744" in await it.press("j", "enter")
        assert "Compare" in await it.press("escape", "c")
        assert "fold 3 of 5" in await it.press("escape", "k", "f")


# ---------------------------------------------------------------------- without a screen


def test_a_log_takes_every_byte_once() -> None:
    view = LogView()
    assert view.take(chunk("one\ntwo\nthr", 0))
    assert view.take(chunk("one\ntwo\nthree\n", 4))
    assert not view.take(chunk("one\ntwo\nthree\n", 4))
    assert view.text() == "one\ntwo\nthree"
    assert view.end == 14


def test_a_log_that_begins_in_the_middle_begins_with_a_whole_line() -> None:
    view = LogView()
    view.take(replace(chunk("half a line\nwhole\n", 0), start=1000, end=1018, size=1018))
    assert view.text() == "whole" and view.skipped_bytes == 1000


def test_a_line_written_over_shows_its_last_state() -> None:
    view = LogView()
    view.take(chunk("10 %\r50 %\r100 %\n\x1b[31mred\x1b[0m\n", 0))
    assert view.text().splitlines()[0] == "100 %"
    assert "\x1b" not in view.text()


def test_time_left_is_not_told_before_anything_is_done() -> None:
    from console.tui.areas.jobs import queue

    assert queue.left_words(JOBS[0], NOW) == "4 m left"
    young = replace(JOBS[0], progress=replace(JOBS[0].progress, done=0.001))
    assert queue.left_words(young, NOW) == "6 m 36 s"
    waiting = job(130, "export", "export", "queued", priority=1, created_at=ago(minutes=1))
    assert queue.left_words(waiting, NOW) == ""


class RunsOnly:
    """Answers like the agent of a workspace with many runs, and counts what it sends."""

    def __init__(self, root: Path, count: int) -> None:
        self.workspace = Workspace(root)
        self.runs = [replace(RUNS[1], id=n, job_id=n) for n in range(count, 0, -1)]
        self.sent = 0

    def call(self, route: Any, request: Any) -> Any:
        if route.name != "list_runs":
            return []
        found = [run for run in self.runs if not request.before or run.id < request.before]
        self.sent += len(found[: request.limit])
        return found[: request.limit]


def test_thousands_of_runs_are_not_sent_again_for_every_step_of_a_job(tmp_path: Path) -> None:
    client: Any = RunsOnly(tmp_path, 3000)
    assert [run.id for run in load(client).runs] == list(range(3000, 0, -1))
    client.sent = 0
    client.runs[0] = replace(client.runs[0], note="the newest are always read")
    again = load(client)
    assert len(again.runs) == 3000 and again.runs[0].note and client.sent == 500
    client.runs.insert(0, replace(RUNS[1], id=3001, job_id=3001))
    assert [run.id for run in load(client).runs] == list(range(3001, 0, -1))
