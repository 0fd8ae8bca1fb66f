"""The pane with the log of one job, which says what is to be read next."""

from __future__ import annotations

from textual.message import Message

from console import text
from console.tui.areas.jobs.log import LogView
from console.tui.areas.jobs.usage import Usage
from console.tui.ink import Line, Part
from console.tui.signs import said
from console.tui.snapshots.jobs import JobLog
from console.tui.widgets.pane import Pane
from storage.records.jobs import Job

TAIL_BYTES = 65_536
"""So much of a log is read at first, from its end."""
LOOK_EVERY_S = 1.0
"""Between two looks at the log of a job that prints without telling how far it is."""


class LogPane(Pane):
    """What a job printed."""

    DEFAULT_CSS = """
    LogPane LogView { height: 1fr; }
    """

    class Wanted(Message):
        """This stretch of a log has to be read."""

        def __init__(self, job_id: int, start: int) -> None:
            super().__init__()
            self.job_id = job_id
            self.start = start

    def __init__(self) -> None:
        self.view = LogView(id="log")
        super().__init__(
            "Log", self.view, id="log-pane", help="What the job printed; f stays at its end."
        )
        self._is_waiting = False
        self.usage = Usage()

    def open(self, id: int, job: Job | None) -> None:
        """Show the log of this job."""
        if self.view.job_id != id:
            self.view.open(id)
            self.post_message(self.Wanted(id, -TAIL_BYTES))
        self.read_on(job)

    def take(self, found: JobLog, job: Job | None) -> None:
        """A stretch came; one of another job is left aside."""
        if found.id != self.view.job_id:
            return
        if self.view.take(found.chunk) and not self.view.is_final:
            self.post_message(self.Wanted(found.id, self.view.end))
        self.read_on(job)

    def read_on(self, job: Job | None) -> None:
        """Look again in a while, when there may be more then."""
        self._show_heading(job)
        if self.view.end >= 0 and not self.view.is_final and not self._is_waiting:
            self._is_waiting = True
            self.set_timer(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        self._is_waiting = False
        if self.view.job_id and not self.view.is_final:
            self.post_message(self.Wanted(self.view.job_id, self.view.end))

    def toggle(self) -> None:
        """Hold the log where it is, or follow it again."""
        self.view.follow(not self.view.is_following)
        self.title(right=self.words)

    @property
    def words(self) -> str:
        """Whether it is at its end."""
        if self.view.is_final:
            return f"{text.counted(self.view.line_count, 'line')}, ended"
        return "follows, f holds it" if self.view.is_following else "held, f follows"

    def _show_heading(self, job: Job | None) -> None:
        facts: Part = f"job {self.view.job_id}" if self.view.job_id else ""
        right: Part = self.words if self.view.job_id else ""
        if job is not None:
            facts = said(job.state) + Line((f"  {job.title} · job {job.id}", "quiet"))
            # What it takes of the machine says more than that its log is followed.
            right = (self.view.is_following and self.usage.words(job)) or right
        self.title(facts=facts, right=right)
