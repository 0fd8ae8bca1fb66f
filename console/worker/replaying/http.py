"""A lean HTTP/1.1 client for one host: keep-alive, one request at a time on a connection.

The replay must not be what is measured: this costs about a tenth of a millisecond a request.
Speaks to serving processes of this project only.
"""

from __future__ import annotations

import asyncio

HEAD_LIMIT_BYTES = 64 * 1024


class Connection:
    """One connection, opened when first needed and again after it broke."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._host = host
        self._port = port
        self._timeout_s = timeout_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return status and body. Raises `OSError` or `TimeoutError` when there is no answer."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._exchange(path, body)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, path: str, body: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                self._host, self._port, limit=HEAD_LIMIT_BYTES
            )
        reader, writer = self._streams
        writer.write(
            b"POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n"
            % (path.encode(), self._host.encode(), self._port, len(body))
            + body
        )
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.split(b"\r\n")
            status = int(lines[0].split(b" ", 2)[1])
            length, is_last = 0, False
            for line in lines[1:]:
                name, _, value = line.partition(b":")
                name = name.lower()
                if name == b"content-length":
                    length = int(value)
                elif name == b"connection":
                    is_last = value.strip().lower() == b"close"
            content = await reader.readexactly(length) if length else b""
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            raise ConnectionError(f"the answer broke off: {error}") from error
        if is_last:
            self.close()
        return status, content
