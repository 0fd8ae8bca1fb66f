"""Connections that send nothing, or slowly, are told so and closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from console.errors import ConsoleError
from console.serving import http, limits
from console.serving.http import Asked, reply_to
from tests.serving.process import free_port


async def _body(asked: Any) -> Response:
    request = Asked(asked.scope, asked.receive)
    try:
        return PlainTextResponse(str(len(await request.limited_body(1000))))
    except ConsoleError as error:
        return reply_to(error)


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server whose patience is a twentieth of a second."""
    monkeypatch.setattr(limits, "HEAD_S", 0.05)
    monkeypatch.setattr(http, "BODY_S", 0.05)
    port = free_port()
    config = uvicorn.Config(
        Starlette(routes=[Route("/", _body, methods=["POST"])]),
        port=port,
        http=limits.LimitedProtocol,
        log_config=None,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment, method-assign]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.001)
    yield port
    server.should_exit = True
    await task


async def send(port: int, *parts: bytes) -> bytes:
    """Send the parts, then wait for the server to close."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    found = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return found


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n"


async def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    assert await send(port) == b""


async def test_half_a_head_is_answered_408(port: int) -> None:
    answer = await send(port, HEAD % 3)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"the headers did not arrive" in answer


async def test_half_a_body_is_answered_408_and_closed(port: int) -> None:
    answer = await send(port, HEAD % 300 + b"\r\n" + b"x" * 100)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"the body did not arrive" in answer


async def test_a_chunked_body_without_end_is_answered_413_and_closed(port: int) -> None:
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await send(port, chunked, b"3e8\r\n" + b"x" * 1000 + b"\r\n", b"1\r\nx\r\n")
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_connection_may_be_used_again_and_again(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for size in (3, 0, 700):
        writer.write(HEAD % size + b"\r\n" + b"x" * size)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(len(str(size))) == str(size).encode()
    writer.close()


async def test_a_large_head_in_a_second_request_is_answered_431(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD % 1 + b"\r\nx")
    await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(1) == b"1"
    writer.write(HEAD % 1 + b"X: " + b"a" * 40_000 + b"\r\n\r\nx")
    assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 431")
    writer.close()
