"""Is a port free, which one is, and who has it: asked before a serving process is started."""

from __future__ import annotations

import errno
import socket

import psutil

from console import errors


def free_port(host: str) -> int:
    """A port nobody listens on at this moment."""
    with socket.create_server((host, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def why_taken(host: str, port: int) -> str:
    """Why a server cannot listen there, as the end of a sentence; empty when it can."""
    try:
        with socket.create_server((host, port), reuse_port=False):
            return ""
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"port {port} on {host} is in use{_by_whom(port)}"
        if error.errno == errno.EACCES:
            return f"port {port} needs rights this user does not have"
        if error.errno == errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine"
        return f"{host}:{port} cannot be used ({error.strerror})"
    except (OverflowError, UnicodeError) as error:
        return f"{host}:{port} is not an address ({error})"


def check_free(endpoint: str, host: str, port: int) -> None:
    taken = why_taken(host, port)
    if taken:
        raise errors.UnavailableError(
            f"cannot start endpoint {endpoint}: {taken}.",
            hint=f"Choose another: mlops-console endpoint start {endpoint} --port 0 (any free one)",
            host=host,
            port=port,
        )


def _by_whom(port: int) -> str:
    """` by python (pid 123)` when the system tells."""
    try:
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr.port == port and each.pid:
                return f" by {psutil.Process(each.pid).name()} (pid {each.pid})"
    except (psutil.Error, OSError):
        pass  # The system keeps it to itself; that it is taken is known anyway.
    return ""
