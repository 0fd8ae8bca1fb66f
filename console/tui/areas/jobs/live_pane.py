"""The curve of the run that is being trained; of the one at the cursor while none is."""

from __future__ import annotations

from datetime import datetime

from console import text
from console.rules import pace
from console.tui.areas.jobs import detail
from console.tui.ink import Part
from console.tui.signs import said
from console.tui.widgets.linechart import LineChart
from console.tui.widgets.pane import Pane
from storage.records.jobs import Job
from storage.records.runs import Run, RunDetail


class LivePane(Pane):
    """How a run learns."""

    DEFAULT_CSS = """
    LivePane LineChart { height: 8; }
    """

    def __init__(self) -> None:
        self._chart = LineChart()
        super().__init__("Run", self._chart, is_stop=False, id="live-pane")
        self._run_id = 0
        self._was_running = False
        self._seen_at: datetime | None = None

    def show(self, run: Run | None, job: Job | None, now: datetime) -> bool:
        """Say which run it is; True when its curve has to be read."""
        if run is None:
            self._run_id = 0
            self._chart.data = None
            self.title("Run", facts="", right="")
            return False
        right: Part = said(run.state, text.duration(run.duration_s) if run.duration_s else None)
        facts = run.pipeline
        if job is not None and pace.is_active(job):
            ran = text.duration(pace.duration_s(job, now))
            left = pace.left_s(job, now)
            words = ran if left is None else f"{ran}, {text.age(left, short=True)} left"
            right = said("running", words)
            facts = f"{job.title} · {job.progress.text}" if job.progress.text else job.title
        self.title(f"Run {run.id}", facts=facts, right=right)
        # While it trains the curve grows; the last points come with its end.
        is_new = run.id != self._run_id or (self._was_running and now != self._seen_at)
        self._run_id, self._was_running = run.id, run.state == "running"
        self._seen_at = now
        return is_new

    def show_curve(self, found: RunDetail) -> None:
        """The answer; one for another run is left aside."""
        if found.run.id == self._run_id:
            nothing = detail.NO_CURVE_YET if found.run.state == "running" else detail.NO_CURVE
            self._chart.data = detail.learning_curve(found) or nothing
