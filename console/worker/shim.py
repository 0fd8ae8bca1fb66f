"""Between the agent and a child process: records who the child is and how it ended.

Run by file path with a bare interpreter (`python -I -S shim.py ...`), so it imports nothing but a
few standard modules and starts in milliseconds. It outlives the agent; the agent, or the next one,
reads what it wrote:

    identity.json   {"pid", "started", "boot_id", "shim_pid"}   once the child runs
    exit.json       {"exit_code", "signal", "max_rss_bytes", "ended_at", "oom_kills", "survivors"}

The child leads a session of its own, so a signal to its process group reaches all of it and never
the shim. With `--attend` the child runs already: a worker that the nursery forked, which turned
itself into this shim afterwards.

    shim.py DIRECTORY LOG -- COMMAND...
    shim.py --attend PID DIRECTORY
"""

import json
import os
import signal
import subprocess
import sys
import time

IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


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


def survivors(session: int, mark: bytes) -> list[dict[str, object]]:
    """Processes the child left behind: of its session, or carrying its mark in the environment."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as handle:
                fields = handle.read().rsplit(b")", 1)[1].split()
            if fields[0] == b"Z":
                continue
            belongs = int(fields[3]) == session
            if not belongs and mark:
                with open(f"/proc/{name}/environ", "rb") as handle:
                    belongs = mark in handle.read().split(b"\0")
            if belongs:
                with open(f"/proc/{name}/comm", encoding="utf-8", errors="replace") as handle:
                    found.append({"pid": int(name), "name": handle.read().strip()})
        except OSError:
            continue
    return found[:20]


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
    """Record the child, wait for it, record its end."""
    write_json(
        os.path.join(directory, "identity.json"),
        {
            "pid": child,
            "started": start_ticks(child),
            "boot_id": boot_id(),
            "shim_pid": os.getpid(),
        },
    )
    _pid, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    mark = b"MLOPS_JOB_DIRECTORY=" + os.fsencode(directory)
    write_json(
        os.path.join(directory, "exit.json"),
        {
            "exit_code": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "max_rss_bytes": usage.ru_maxrss * 1024,
            "ended_at": time.time(),
            "oom_kills": oom_kills() - before_oom,
            "survivors": survivors(child, mark),
        },
    )


def refuse_to_start(directory: str, log: str, error: OSError) -> None:
    """The program could not be started at all: say so where its output would be."""
    with open(log, "a", encoding="utf-8") as handle:
        handle.write(f"cannot start {error.filename}: {error.strerror}\n")
    write_json(
        os.path.join(directory, "exit.json"),
        {"exit_code": 127, "signal": None, "max_rss_bytes": 0, "ended_at": time.time(),
         "oom_kills": 0, "survivors": []},
    )  # fmt: skip


def main(arguments: list[str]) -> None:
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
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
