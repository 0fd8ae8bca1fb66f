"""Between the agent and a child process: records who the child is, keeps its limits, its end.

Run by file path with a bare interpreter (`python -I -S shim.py ...`), so it imports nothing but a
few standard modules and starts in milliseconds. It outlives the agent; the agent, or the next one,
reads what it wrote:

    identity.json   {"pid", "started", "boot_id", "shim_pid", "shim_started"}  once it runs
    exit.json       {"exit_code", "signal", "max_rss_bytes", "ended_at", "oom_kills", "survivors",
                     "stopped_for", "used"}

The child leads a session of its own, so a signal to its process group reaches all of it and never
the shim. Whatever the child starts stays a descendant of the shim, daemons included, so nothing it
leaves behind is missed. `limits` in the job's spec.json are kept here and not by the agent: they
hold while there is none.

    shim.py DIRECTORY LOG -- COMMAND...
    shim.py --attend PID DIRECTORY          for a child that is there already
"""

import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time

IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOOK_EVERY_S = 0.25
LOOK_SHARE = 50
"""A look that takes a second is followed by so many without one."""
GRACE_S = 5.0
"""Between the request to stop and the end of a job that is over a limit."""
SET_CHILD_SUBREAPER = 36
"""prctl: orphans of the child become children of the shim."""
KEEP_SIZE_AND_PUNCH_HOLE = 0x01 | 0x02
LOG_HEAD_BYTES = 1 << 20
LOG_TAIL_BYTES = 32 << 20
"""A log keeps its first and its last output; what is between is given back to the disk."""
WRITING_BYTES = 4 << 20
"""A job that wrote so much since the last look is one that fills the disk."""
OOM_SCORE = 500
"""The kernel ends a job before the agent, the console or an endpoint."""
RESERVE_BYTES = 4096
EXIT_TRIES = 3600
"""A full disk may be freed within the hour."""


def start_ticks(pid: int) -> int:
    """Start time of a process in clock ticks since boot; with the pid it names it for certain."""
    with open(f"/proc/{pid}/stat", "rb") as handle:
        return int(handle.read().rsplit(b")", 1)[1].split()[19])


def boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as handle:
        return handle.read().strip()


def oom_kills() -> int:
    """How often the kernel killed for memory since boot; 0 where it does not say."""
    try:
        with open("/proc/vmstat", encoding="ascii") as handle:
            for line in handle:
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def write_json(path: str, document: dict[str, object]) -> None:
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as handle:
        json.dump(document, handle)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(temporary, path)


class ExitFile:
    """The child's end, for which there is room on the disk before the child may fill it."""

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, "exit.json")
        self._reserved = f"{self._path}.reserved"
        with open(self._reserved, "wb") as handle:
            handle.write(b" " * RESERVE_BYTES)
            handle.flush()
            os.fsync(handle.fileno())

    def write(self, document: dict[str, object]) -> None:
        """Try until it is written: an end that nobody can read would look like a loss."""
        raw = json.dumps(document).encode()
        for _ in range(EXIT_TRIES):
            try:
                with open(self._reserved, "r+b") as handle:
                    handle.write(raw)
                    handle.truncate()
                    handle.flush()
                    os.fsync(handle.fileno())
                os.replace(self._reserved, self._path)
                return
            except OSError:
                time.sleep(1.0)


def free_bytes(directory: str) -> int:
    disk = os.statvfs(directory)
    return disk.f_bavail * disk.f_frsize


def parents() -> dict[int, int]:
    """Process -> parent of everything that runs and is no zombie."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as handle:
                    fields = handle.read().rsplit(b")", 1)[1].split()
            except OSError:
                continue
            if fields[0] != b"Z":
                found[int(name)] = int(fields[1])
    return found


def descendants() -> list[int]:
    """Everything this shim's child started and that still runs, the child first."""
    by_parent: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        by_parent.setdefault(parent, []).append(pid)
    found, fresh = [], [os.getpid()]
    while fresh:
        fresh = [child for pid in fresh for child in by_parent.get(pid, ())]
        found += fresh
    return found


def survivors() -> list[dict[str, object]]:
    """Name and pid of processes the child left behind.

    Looks again while somebody is on the way from a parent that ends to this shim.
    """
    pids = descendants()
    for _ in range(3):
        again = descendants()
        if set(again) == set(pids):
            break
        pids = again
    found: list[dict[str, object]] = []
    for pid in pids[:20]:
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as handle:
                found.append({"pid": pid, "name": handle.read().strip()})
        except OSError:
            continue
    return found


def memory_bytes(pids: list[int], *, is_exact: bool) -> int:
    """What processes hold in memory; shared pages count fully unless it is to be exact."""
    total = 0
    for pid in pids:
        try:
            if is_exact:
                with open(f"/proc/{pid}/smaps_rollup", "rb") as handle:
                    line = next(each for each in handle if each.startswith(b"Pss:"))
                    total += int(line.split()[1]) * 1024
            else:
                with open(f"/proc/{pid}/statm", "rb") as handle:
                    total += int(handle.read().split()[1]) * resource.getpagesize()
        except (OSError, StopIteration):
            continue
    return total


def written_bytes(pids: list[int]) -> int:
    """What processes wrote so far, to whatever it was."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/io", "rb") as handle:
                total += int(next(each for each in handle if each.startswith(b"wchar")).split()[1])
        except (OSError, StopIteration):
            continue
    return total


class Keeper:
    """Looks at a running child now and then, and ends it when it is over a limit."""

    def __init__(self, child: int, directory: str) -> None:
        self._child = child
        self._directory = directory
        self._log = os.path.join(directory, "log")
        self._punched = LOG_HEAD_BYTES
        self._written: int | None = None
        self._began = time.monotonic()
        self._term_at: float | None = None
        self.peak_bytes = 0
        self.stopped_for = ""
        self.used = 0.0
        limits = self._limits()
        self._has_limits = bool(limits)
        self._memory_bytes = int(limits.get("memory_bytes", 0))
        self._time_s = float(limits.get("time_s", 0.0))
        self._disk_floor_bytes = int(limits.get("disk_floor_bytes", 0))
        if limits:
            self._prepare()

    def _limits(self) -> "dict[str, float]":
        try:
            with open(os.path.join(self._directory, "spec.json"), encoding="utf-8") as handle:
                return dict(json.load(handle).get("limits", {}))
        except (OSError, ValueError):
            return {}

    def _prepare(self) -> None:
        """One huge request for memory fails inside of the job, where it can be told as an error."""
        try:
            with open(f"/proc/{self._child}/oom_score_adj", "w", encoding="ascii") as handle:
                handle.write(str(OOM_SCORE))
            if self._memory_bytes:
                # Address space that is only reserved counts too, so there is room above.
                most = self._memory_bytes + self._memory_bytes // 2 + (2 << 30)
                resource.prlimit(self._child, resource.RLIMIT_DATA, (most, most))
        except OSError:
            pass  # it has ended already, or the system has no such thing

    def wait(self) -> "tuple[int, resource.struct_rusage]":
        """Return how the child ended, having looked at it as long as it ran."""
        watched = os.pidfd_open(self._child)
        pause = LOOK_EVERY_S
        while not select.select([watched], [], [], pause)[0]:
            began = time.monotonic()
            self._look()
            pause = max(LOOK_EVERY_S, LOOK_SHARE * (time.monotonic() - began))
        os.close(watched)
        _pid, status, usage = os.wait4(self._child, 0)
        return os.waitstatus_to_exitcode(status), usage

    def _look(self) -> None:
        self._bury_orphans()
        self._shorten_log()
        if not self._has_limits:
            return
        if self._term_at is not None:
            if time.monotonic() - self._term_at > GRACE_S:
                self._signal(signal.SIGKILL)
            return
        pids = descendants()
        held = memory_bytes(pids, is_exact=False)
        if held > self.peak_bytes and len(pids) > 1:
            held = memory_bytes(pids, is_exact=True)
        self.peak_bytes = max(self.peak_bytes, held)
        took = time.monotonic() - self._began
        if self._memory_bytes and held > self._memory_bytes:
            self._stop("memory", held, signal.SIGKILL)
        elif self._time_s and took > self._time_s:
            self._stop("time", took, signal.SIGTERM)
        elif self._disk_floor_bytes:
            self._look_at_disk(pids)

    def _look_at_disk(self, pids: "list[int]") -> None:
        free = free_bytes(self._directory)
        if free > 8 * self._disk_floor_bytes:
            self._written = None
            return
        # Near the floor only: who writes is known when it matters.
        written = written_bytes(pids)
        is_writing = self._written is not None and written - self._written > WRITING_BYTES
        self._written = written
        if free < self._disk_floor_bytes and is_writing:
            self._stop("disk", free, signal.SIGTERM)

    def _stop(self, why: str, used: float, number: "signal.Signals") -> None:
        self.stopped_for, self.used = why, used
        self._term_at = time.monotonic()
        self._signal(number)

    def _signal(self, number: "signal.Signals") -> None:
        try:
            os.killpg(self._child, number)
        except ProcessLookupError:
            pass

    def _bury_orphans(self) -> None:
        """What the job abandoned became this shim's; its dead ones must not pile up."""
        try:
            while True:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if found is None or found.si_pid == self._child:
                    return
                os.waitpid(found.si_pid, os.WNOHANG)
        except ChildProcessError:
            return

    def _shorten_log(self) -> None:
        """Give the middle of a long log back to the disk; places in the file stay what they are."""
        try:
            size = os.stat(self._log).st_size
            end = (size - LOG_TAIL_BYTES) // 4096 * 4096
            if end - self._punched < LOG_TAIL_BYTES // 2:
                return
            descriptor = os.open(self._log, os.O_WRONLY)
        except OSError:
            return
        try:
            offset, length = ctypes.c_long(LOG_HEAD_BYTES), ctypes.c_long(end - LOG_HEAD_BYTES)
            LIBC.fallocate(descriptor, KEEP_SIZE_AND_PUNCH_HOLE, offset, length)
            self._punched = end
        finally:
            os.close(descriptor)


LIBC = ctypes.CDLL(None, use_errno=True)


def heed_signals() -> None:
    """What this process ignores, its child would ignore too: a program could not be stopped."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_DFL)


def spawn(command: list[str], log: str) -> int:
    with open(log, "ab", buffering=0) as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=heed_signals,
        )
    child.returncode = 0  # `attend` waits for it, not Popen
    return child.pid


def attend(child: int, directory: str, before_oom: int) -> None:
    """Record the child, keep it within its limits, wait for it, record its end."""
    try:
        exit_file = ExitFile(directory)
        write_json(
            os.path.join(directory, "identity.json"),
            {
                "pid": child,
                "started": start_ticks(child),
                "boot_id": boot_id(),
                "shim_pid": os.getpid(),
                "shim_started": start_ticks(os.getpid()),
            },
        )
    except OSError:
        # A job whose end cannot be recorded must not run.
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return
    keeper = Keeper(child, directory)
    code, usage = keeper.wait()
    exit_file.write(
        {
            "exit_code": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "max_rss_bytes": max(usage.ru_maxrss * 1024, keeper.peak_bytes),
            "ended_at": time.time(),
            "oom_kills": oom_kills() - before_oom,
            "survivors": survivors(),
            "stopped_for": keeper.stopped_for,
            "used": keeper.used,
            "disk_free_bytes": free_bytes(directory),
        }
    )


def refuse_to_start(directory: str, log: str, error: OSError) -> None:
    """The program could not be started at all: say so where its output would be."""
    with open(log, "a", encoding="utf-8") as handle:
        handle.write(f"cannot start {error.filename}: {error.strerror}\n")
    ExitFile(directory).write(
        {"exit_code": 127, "signal": None, "max_rss_bytes": 0, "ended_at": time.time(),
         "oom_kills": 0, "survivors": [], "stopped_for": "start",
         "used": 0, "said": f"{error.filename}: {error.strerror}"}
    )  # fmt: skip


def main(arguments: list[str]) -> None:
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    LIBC.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before_oom = oom_kills()
    if arguments[0] == "--attend":
        attend(int(arguments[1]), arguments[2], before_oom)
        return
    directory, log, _, *command = arguments
    os.environ["MLOPS_JOB_DIRECTORY"] = directory
    try:
        child = spawn(command, log)
    except OSError as error:
        refuse_to_start(directory, log, error)
        return
    attend(child, directory, before_oom)


if __name__ == "__main__":
    main(sys.argv[1:])
