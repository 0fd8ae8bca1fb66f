"""A console of invented numbers, put together from the widgets as the real one is.

It proves that the building blocks reach the look, and it is what the tests of frame and widgets
open. `python -m tests.tui.demo.app` shows it. Nothing in the program imports this.
"""

from __future__ import annotations

from textual.screen import Screen

from console.tui.areas.base import Area, AreaEntry
from console.tui.frame import Frame
from console.tui.frame_rows import Status
from console.tui.host import Host
from console.tui.terminal import survey
from tests.tui.demo.gates import Gates
from tests.tui.demo.overview import Overview
from tests.tui.demo.serving import Serving
from tests.tui.demo.threshold import Threshold

STATUS = Status(
    store="flights-nyc",
    place="~/flights",
    modes=("demo data",),
    people=3,
    live="live",
    live_age_s=1,
    fails=2,
    warnings=1,
    actor="ana",
    role="data scientist",
    clock="09:41:07",
)


def entry(digit: int, title: str, purpose: str, area: type[Area], short: str = "") -> AreaEntry:
    return AreaEntry(
        id=title.lower(),
        digit=str(digit),
        title=title,
        short=short or title,
        load=lambda: area,
        purpose=purpose,
    )


ENTRIES = (
    entry(1, "Overview", "what needs you", Overview),
    entry(2, "Data", "versions, profiles, diffs", Gates),
    entry(3, "Jobs", "queue, runs, compare", Gates),
    entry(4, "Models", "gates, thresholds", Gates),
    entry(5, "Serving", "latency, errors, drift", Serving),
    entry(6, "Pipelines", "steps and their state", Threshold, "Pipes"),
    entry(7, "Alerts", "what fires, and why", Gates),
    entry(8, "People", "who may what", Gates),
)


class Demo(Host):
    """A console of invented numbers."""

    first = ""

    def get_default_screen(self) -> Screen[None]:
        frame = Frame(ENTRIES, self.first)
        frame.status = STATUS
        return frame

    @property
    def frame(self) -> Frame:
        frame = self.screen_stack[0]
        assert isinstance(frame, Frame)
        return frame

    def on_frame_leave_wanted(self) -> None:
        self.exit(0)


if __name__ == "__main__":
    Demo(survey()).run()
