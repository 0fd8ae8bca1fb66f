"""Workers that begin at once: a process that has imported everything and forks one for each job.

    python -m console.worker.nursery          one line on stdin for each job: DIRECTORY <tab> LOG

pandas, scikit-learn and the rest cost seconds of CPU to import; here they are paid once, not once a
job. `ready` on stdout says that it is done; the agent starts workers by itself until then. When
stdin closes (the agent left or died) the nursery leaves; its workers go on.

Forking is safe here for one reason: nothing but imports has happened. There is no connection, no
thread of Python's and no pool of a library yet, so there is nothing that a child could get half of.
Invariant: a worker made here cannot be told from one started afresh: it leads a session of its own
below a shim that records who it is and how it ended.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
import threading
import warnings

from console.worker import main as worker
from console.worker import shim

IMPORTS = (
    # The dear ones by themselves: in between it is seen whether anybody still wants this.
    "numpy",
    "duckdb",
    "pyarrow.parquet",
    "pandas",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.base",
    "sklearn.ensemble",
    "sklearn.compose",
    "sklearn.isotonic",
    "sklearn.model_selection",
    "joblib",
    "console.worker.train",
    *sorted(set(worker.KINDS.values())),
)
READY = b"ready\n"


def main() -> int:
    agent = os.getppid()
    for name in IMPORTS:
        if os.getppid() != agent:
            return 0
        importlib.import_module(name)
    if threading.active_count() > 1:
        print("a library starts threads when it is imported: workers start cold", file=sys.stderr)
        return 1
    gc.collect()
    gc.freeze()  # children share these pages as long as nobody writes to them
    signal.signal(signal.SIGCHLD, _bury)
    os.write(1, READY)
    for line in sys.stdin.buffer:
        directory, _, log = (os.fsdecode(part) for part in line.rstrip(b"\n").partition(b"\t"))
        try:
            is_worker = _fork_worker(directory, log)
        except OSError as error:
            shim.refuse_to_start(directory, log, error)
            continue
        if is_worker:
            return worker.main([directory])
    return 0


def _fork_worker(directory: str, log: str) -> bool:
    """Fork a shim and below it a worker; True in the worker, False here. The shim never returns."""
    if _fork():
        return False
    # From here on in the child, which becomes the shim.
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for number in shim.IGNORED:
            signal.signal(number, signal.SIG_IGN)
        pid = _fork()
        if pid:
            # A bare interpreter keeps watch: it needs a thirtieth of the memory.
            watch = [sys.executable, "-I", "-S", shim.__file__, "--attend", str(pid), directory]
            _redirect(os.devnull)
            os.execv(sys.executable, watch)
    except OSError as error:
        shim.refuse_to_start(directory, log, error)
        os._exit(1)
    os.setsid()
    shim.heed_signals()
    _redirect(log)
    # The old one may hold the next job's line.
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    os.environ["MLOPS_JOB_DIRECTORY"] = directory
    _forget_randomness()
    return True


def _bury(*_: object) -> None:
    """Shims that have ended wait for nothing but this."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _fork() -> int:
    with warnings.catch_warnings():
        # Allocators keep a thread of their own, made for being forked; Python warns of it all the
        # same.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _redirect(output: str) -> None:
    """Nothing on stdin; what is printed goes to the end of a file."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    os.close(nothing)


def _forget_randomness() -> None:
    """Unseeded draws must differ between jobs; Python's own generator sees to that by itself."""
    import numpy as np

    np.random.seed()


if __name__ == "__main__":
    leaving = worker.Leaving()
    leaving.exit_code = main()
