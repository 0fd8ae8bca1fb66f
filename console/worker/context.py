"""What a job is given: its orders, the object store, and the ways to tell how it goes.

Every module named in `console.worker.main.KINDS` gets one as the only argument of its `run`. It is
the only writer of the job's journal. Invariant: a request to stop never tears a report in two; it
takes effect at the next line of Python, or right after the report that is being written.
"""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.errors import DamagedError, from_os_error
from storage.objects import Objects
from storage.records.jobs import Progress
from storage.records.reports import TAGS
from storage.workspace import JobPaths, Workspace

if TYPE_CHECKING:
    from types import FrameType

    from storage.journal import JournalWriter

PROGRESS_EVERY_S = 0.1
"""Reports of progress in between are dropped, unless their text is new."""


class Cancelled(BaseException):
    """Somebody asked the job to stop.

    Not an `Exception`: code that shrugs at errors, ours or a user's, must not swallow it.
    """


@dataclass(slots=True)
class Stopping:
    """Turns SIGTERM into `Cancelled`, raised where it does no harm."""

    is_asked: bool = False
    _held: int = 0
    _is_due: bool = False

    def listen(self) -> None:
        signal.signal(signal.SIGTERM, self._ask)

    def check(self) -> None:
        if self.is_asked:
            raise Cancelled

    @contextlib.contextmanager
    def held_back(self) -> Iterator[None]:
        """Let what stands inside finish before the request to stop takes effect."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._is_due and not self._held:
            self._is_due = False
            raise Cancelled

    def disarm(self) -> None:
        """From now on the job ends by itself; a second request changes nothing."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        already, self.is_asked = self.is_asked, True
        if already:
            return
        if self._held:
            self._is_due = True
        else:
            raise Cancelled


@dataclass(slots=True)
class JobContext:
    """One job, from inside."""

    job_id: int
    kind: str
    created_by: str
    spec: dict[str, Any]
    """Everything the agent decided; JSON values."""
    workspace: Workspace
    objects: Objects
    stopping: Stopping
    _journal: JournalWriter
    _now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _last: Progress = field(default_factory=Progress)
    _last_at: float = float("-inf")

    @property
    def paths(self) -> JobPaths:
        return self.workspace.job(self.job_id)

    @property
    def now(self) -> datetime:
        return self._now()

    def report(self, record: Any) -> None:
        """Journal one record of `storage.records.reports`; the agent applies it exactly once."""
        document = {"t": TAGS[type(record)], "d": record}
        with self.stopping.held_back():
            if not self._journal.append(document):
                self._journal.flush()  # The disk is behind; a result is worth waiting for.
                self._journal.append(document)

    def close(self) -> None:
        """Return when everything that was reported is on the disk."""
        self._journal.close()

    def progress(
        self,
        done: float,
        total: float = 0.0,
        unit: str = "",
        text: str = "",
        *,
        is_logged: bool = True,
    ) -> None:
        """Say how far the job is. Cheap to call often; a new text also goes to the log."""
        self.check_cancelled()
        moment = time.monotonic()
        is_new_text = bool(text) and text != self._last.text
        is_end = bool(total) and done >= total and self._last.done < total
        if not is_new_text and not is_end and moment - self._last_at < PROGRESS_EVERY_S:
            return
        if is_new_text and is_logged:
            self.log(text)
        self._last = Progress(
            done=done, total=total, unit=unit, text=text or self._last.text, at=self.now
        )
        self._last_at = moment
        self.report(self._last)

    def log(self, line: str) -> None:
        """Write a line with the time into the job's log."""
        print(f"{self.now:%H:%M:%S}  {line}", flush=True)

    def check_cancelled(self) -> None:
        """Stop here when somebody asked for it; for long stretches inside of libraries' calls."""
        self.stopping.check()


def open_job(directory: Path, stopping: Stopping) -> JobContext:
    """Read the orders of the job in `directory` and start its journal."""
    from storage.journal import JournalWriter

    paths = JobPaths(directory)
    try:
        spec = json.loads(paths.spec.read_text(encoding="utf-8"))
    except OSError as error:
        raise from_os_error("read", paths.spec, error) from error
    except ValueError as error:
        raise DamagedError(
            f"{paths.spec} is not the order of a job: {error}.",
            hint="Queue the job again: mlops-console job retry",
        ) from error
    workspace = Workspace.find(directory, directory.parent.parent.parent)
    return JobContext(
        job_id=int(spec.pop("id")),
        kind=str(spec.pop("kind")),
        created_by=str(spec.pop("created_by", "")),
        spec=spec,
        workspace=workspace,
        objects=Objects(workspace.objects),
        stopping=stopping,
        _journal=JournalWriter(paths.journal),
    )
