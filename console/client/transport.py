"""HTTP over the agent's Unix socket: send bytes, get bytes, from any thread.

Uses the standard library only, because every command of the console pays for what is imported
here. Idle connections are kept; a request that must not happen twice is retried on a fresh
connection only when the caller says that is safe.
"""

from __future__ import annotations

import http.client
import socket
import threading
from pathlib import Path

from console import errors

KEEP_IDLE = 4


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("agent", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Transport:
    """A pool of connections to one socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[_UnixConnection] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        timeout_s: float = 30.0,
        may_repeat: bool = True,
    ) -> tuple[int, bytes]:
        """Return status and body.

        Raises `ConnectionError` when nobody listens or the agent went away in the middle,
        `TimedOutError` after `timeout_s` without an answer.
        """
        kept = self._take()
        if kept is not None:
            try:
                return self._exchange(kept, method, target, body, headers or {}, timeout_s)
            except (ConnectionError, http.client.HTTPException) as error:
                # The agent may have closed an idle connection just now; a fresh one will tell.
                if not may_repeat and not isinstance(error, http.client.RemoteDisconnected):
                    raise ConnectionError(str(error)) from error
        fresh = _UnixConnection(self._path, timeout_s)
        try:
            return self._exchange(fresh, method, target, body, headers or {}, timeout_s)
        except http.client.HTTPException as error:
            raise ConnectionError(f"the agent went away: {error}") from error
        except FileNotFoundError as error:
            raise ConnectionRefusedError(str(error)) from error

    def close(self) -> None:
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()
            self._is_closed = True  # what is still under way in other threads is not kept either

    def _exchange(
        self,
        connection: _UnixConnection,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
        timeout_s: float,
    ) -> tuple[int, bytes]:
        connection.timeout = timeout_s
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except TimeoutError as error:
            connection.close()
            raise errors.TimedOutError(
                f"the agent gave no answer to {method} {target.split('?')[0]} "
                f"within {timeout_s:.0f} s.",
                hint="See what it is busy with: mlops-console agent logs",
            ) from error
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        self._keep(connection)
        return answer.status, content

    def _take(self) -> _UnixConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _keep(self, connection: _UnixConnection) -> None:
        with self._lock:
            if len(self._idle) < KEEP_IDLE and not self._is_closed:
                self._idle.append(connection)
                return
        connection.close()
