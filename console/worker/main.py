"""A worker: does one job and ends.

    python -m console.worker.main JOB_DIRECTORY

or forked from `console.worker.nursery`, which has done the imports before.

It needs nobody while it works: orders are in the job's directory, results go to its journal and to
the object store. Invariant: the last report is a `JobEnd`, and the exit code is that of the error
table. The traceback of a failure goes to the job's log and nowhere else.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import sys
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from console import errors
from console.worker.context import Cancelled, JobContext, Stopping, open_job
from storage.errors import StorageError, from_os_error
from storage.records.reports import JobEnd

if TYPE_CHECKING:
    from types import ModuleType

KINDS: dict[str, str] = {
    "ingest": "console.worker.data_jobs.ingest",
    "check": "console.worker.data_jobs.check",
    "diff": "console.worker.data_jobs.diff",
    "export": "console.worker.data_jobs.export",
    "verify": "console.worker.data_jobs.verify",
    "export-model": "console.worker.model_files",
    "import-model": "console.worker.model_files",
    "train": "console.worker.train",
    "search": "console.worker.search",
    "evaluate": "console.worker.evaluate",
    "measure": "console.worker.measure",
    "predict": "console.worker.predict",
    "preview": "console.worker.preview",
    "replay": "console.worker.replay",
}
"""Kind of job -> module whose `run(job: JobContext) -> dict[str, Any]` does it."""

STOPPED_EXIT_CODE = 143
"""128 + SIGTERM, as a shell reports it."""


def main(argv: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    stopping = Stopping()
    # One request to stop can come at any moment from here on, imports included.
    stopping.listen()
    try:
        directory = Path(arguments[0])
        _use_workspace(directory)
        return work(directory, stopping)
    except Cancelled:
        return STOPPED_EXIT_CODE


def work(directory: Path, stopping: Stopping) -> int:
    """Do the job in `directory`; returns the exit code."""
    try:
        job = open_job(directory, stopping)
    except (errors.ConsoleError, StorageError) as refusal:
        print(refusal, file=sys.stderr, flush=True)
        return errors.KINDS[refusal.kind].exit_code
    end, exit_code = _do(job)
    stopping.disarm()
    job.log("done" if end.ok else f"{end.reason} {end.hint}".strip())
    try:
        job.report(end)
        job.close()
    except StorageError as refusal:
        print(refusal, file=sys.stderr, flush=True)
        return exit_code or errors.KINDS[refusal.kind].exit_code
    return exit_code


def _do(job: JobContext) -> tuple[JobEnd, int]:
    try:
        job.check_cancelled()
        result = _module(job.kind).run(job)
    except Cancelled:
        return _stopped()
    except BaseException as error:
        if job.stopping.is_asked:
            # A library wrapped the request, or its helper processes got the same signal.
            return _stopped()
        traceback.print_exc()
        refusal = refusal_of(error, job)
        end = JobEnd(
            ok=False,
            reason=refusal.message,
            hint=refusal.hint,
            kind=refusal.kind,
            result=refusal.data,
        )
        return end, errors.KINDS[refusal.kind].exit_code
    return JobEnd(ok=True, result=result), 0


def _stopped() -> tuple[JobEnd, int]:
    end = JobEnd(ok=False, reason="stopped before it had finished.", kind="failed", result={})
    return end, STOPPED_EXIT_CODE


def _module(kind: str) -> ModuleType:
    name = KINDS.get(kind)
    if name is None:
        raise errors.ConsoleError(f"no worker knows jobs of the kind {kind!r}.")
    return importlib.import_module(name)


def refusal_of(error: BaseException, job: JobContext) -> errors.ConsoleError | StorageError:
    """Say in one sentence why the job ended; the traceback is in its log."""
    see_log = f"The whole story: mlops-console job logs {job.job_id}"
    if isinstance(error, (errors.ConsoleError, StorageError)):
        return error
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":
        return errors.FailedError(
            "the job ran out of memory.", hint="Use fewer rows or columns, or a larger machine."
        )
    if isinstance(error, OSError) and error.errno is not None:
        path = error.filename
        path = os.fsdecode(path) if isinstance(path, (str, bytes)) else str(job.paths.directory)
        return from_os_error("use", Path(path), error)
    if isinstance(error, SystemExit):
        return errors.FailedError(f"the code called exit({error.code!r}).", hint=see_log)
    said = str(error).strip().split("\n", 1)[0]
    return errors.FailedError(
        f"it ended with {type(error).__name__}: {said or 'no message'}", hint=see_log
    )


def _use_workspace(directory: Path) -> None:
    """Let people's modules be imported from the workspace, after everything that is installed."""
    root = str(directory.parent.parent.parent)
    sys.path[:] = [entry for entry in sys.path if entry not in ("", root)] + [root]
    warnings.simplefilter("default")
    with contextlib.suppress(AttributeError):
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


class Leaving:
    """Ends the process right after the last exit handler.

    Taking hundreds of modules down one by one costs tenths of a second and has nothing to give
    back. Made before anything else registers an exit handler, so that its own comes last.
    """

    def __init__(self) -> None:
        self.exit_code = errors.KINDS["internal"].exit_code
        atexit.register(self._leave)

    def _leave(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(self.exit_code)


if __name__ == "__main__":
    leaving = Leaving()
    leaving.exit_code = main()
