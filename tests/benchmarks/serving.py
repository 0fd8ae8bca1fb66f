"""Serving, side by side in one run: `python -m tests.benchmarks.serving [seconds]`.

Rows a second and latencies of our endpoint, of a bare ASGI echo (what HTTP allows) and of the
pipeline asked in process over a DataFrame (what scikit-learn takes), for 1, 16 and 64 clients and
for batches of 1,000 rows; then the share of the SQL steps. The client is a process of its own that
writes prepared bytes, so it costs as little as Python can.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import joblib
import msgspec
import psutil
import uvloop

from console.flow.estimator import feature_frame
from console.flow.model import load
from storage.objects import Objects
from storage.records.endpoints import EndpointLimits
from storage.workspace import Workspace
from tests.serving.process import Endpoint, free_port, route, wait_for
from tests.serving.trained import Trained, train_delays, train_plain

ECHO = """
import msgspec
decode, encode = msgspec.json.decode, msgspec.json.encode

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    answer = encode(decode(body) if body else {})
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": answer})
"""


class _Client(asyncio.Protocol):
    """One keep-alive connection that sends the next request when an answer is whole."""

    def __init__(self, bodies: list[bytes], port: int, until: float, times: list[float]) -> None:
        self._requests = [
            b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (port, len(body), body)
            for body in bodies
        ]
        self._until = until
        self._times = times
        self._count = 0
        self._buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        self._sent = time.perf_counter()
        if self._sent > self._until:
            self._transport.close()
            if not self.done.done():
                self.done.set_result(None)
            return
        self._transport.write(self._requests[self._count % len(self._requests)])
        self._count += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        if not self._buffer.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(self._buffer[:300].decode()))
            self._transport.close()
            return
        at = self._buffer.find(b"content-length: ") + 16
        length = int(self._buffer[at : self._buffer.find(b"\r\n", at)])
        if len(self._buffer) >= head + 4 + length:
            self._buffer = b""
            self._times.append(time.perf_counter() - self._sent)
            self._next()


def _drive(port: int, bodies: list[bytes], clients: int, seconds: float, out: Any) -> None:
    async def run() -> list[float]:
        times: list[float] = []
        until = time.perf_counter() + seconds
        made = [
            await asyncio.get_running_loop().create_connection(
                lambda: _Client(bodies, port, until, times), "127.0.0.1", port
            )
            for _ in range(clients)
        ]
        await asyncio.gather(*[protocol.done for _, protocol in made])
        return times

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        out.put(runner.run(run()))


def measure(
    name: str, pid: int, port: int, bodies: list[bytes], clients: int, seconds: float, rows: int = 1
) -> None:
    """Print requests a second, latencies and what the server's CPU spent on a request.

    The first half second is warming up. On a busy machine only the CPU figure can be compared.
    """
    context = multiprocessing.get_context("spawn")
    server = psutil.Process(pid)
    for length in (0.5, seconds):
        out = context.Queue()
        driver = context.Process(target=_drive, args=(port, bodies, clients, length, out))
        before = sum(server.cpu_times()[:2])
        driver.start()
        times = sorted(out.get(timeout=length + 60))
        cpu_s = sum(server.cpu_times()[:2]) - before
        driver.join()
    rate = len(times) / seconds
    quantile = statistics.quantiles(times, n=100) if len(times) > 1 else [times[0]] * 99
    print(
        f"{name:26} {clients:3} clients {rate:8.0f} requests/s {rate * rows:9.0f} rows/s "
        f"p50 {quantile[49] * 1000:6.2f} p99 {quantile[98] * 1000:7.2f} ms "
        f"CPU {cpu_s / len(times) * 1e6:6.0f} us"
    )


def in_process(name: str, workspace: Workspace, trained: Trained, rows: int) -> None:
    """The pipeline over a DataFrame, and our way, without HTTP."""
    objects = Objects(workspace.objects)
    pipeline = joblib.load(objects.path(trained.manifest.estimator_digest))
    names, types = trained.manifest.features, trained.manifest.feature_types
    model = load(trained.digest, objects, root=workspace.root)
    columns = model.signature.columns(trained.rows[:rows])
    features = model.features(columns)
    frame = feature_frame(features, names, types)
    ways = {
        "scikit-learn over a DataFrame": lambda: pipeline.predict_proba(frame),
        f"ours ({model.predictor.way}), features": lambda: model.predictor.scores(features, rows),
        "ours, steps and features": lambda: model.predict(columns, rows),
    }
    for way, call in ways.items():
        times = []
        for _ in range(30):
            started = time.perf_counter()
            call()
            times.append(time.perf_counter() - started)
        print(
            f"{name}, in process, {rows:5} rows: {way:36} {statistics.median(times) * 1000:8.3f} ms"
        )


def echo(seconds: float, bodies: list[bytes], batch: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "echo.py").write_text(ECHO)
        port = free_port()
        process = subprocess.Popen(
            [
                sys.executable, "-m", "uvicorn", "echo:app", "--port", str(port),
                "--log-level", "error", "--no-access-log",
            ],
            cwd=directory,
        )  # fmt: skip
        try:
            wait_for(lambda: _answers(port), "the echo")
            for clients in (1, 16, 64):
                measure("bare ASGI echo", process.pid, port, bodies, clients, seconds)
            measure("bare ASGI echo, 1,000 rows", process.pid, port, [batch], 4, seconds, 1000)
        finally:
            process.terminate()
            process.wait()


def _answers(port: int) -> bool:
    try:
        return httpx.post(f"http://127.0.0.1:{port}/predict", json={}).status_code == 200
    except httpx.HTTPError:
        return False


def endpoint(name: str, workspace: Workspace, trained: Trained, seconds: float) -> None:
    bodies = [msgspec.json.encode(row) for row in trained.rows[:200]]
    thousand = (trained.rows * 4)[:1000]
    batch = msgspec.json.encode({"rows": thousand})
    limits = EndpointLimits(timeout_s=10.0, in_flight=128)
    served = Endpoint(workspace, name, route(1, trained.digest), limits=limits)
    try:
        started = time.perf_counter()
        served.start()
        assert served.process is not None
        pid = served.process.pid
        print(f"{name}: ready after {time.perf_counter() - started:.2f} s")
        for clients in (1, 16, 64):
            measure(name, pid, served.port, bodies, clients, seconds)
        measure(f"{name}, 1,000 rows", pid, served.port, [batch], 4, seconds, 1000)
        text = httpx.get(f"{served.url}/metrics").text
        for line in text.splitlines():
            if line.startswith(
                ("process_resident", "mlops_batches", "mlops_rows", "mlops_telemetry")
            ):
                print(f"   {line}")
    finally:
        served.end()


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as directory:
        workspace = Workspace.create(Path(directory))
        plain, delays = train_plain(workspace), train_delays(workspace)
        for rows in (1, 64, 1000):
            in_process("plain", workspace, plain, rows)
        for rows in (1, 64, 300):
            in_process("delays", workspace, delays, rows)
        bodies = [msgspec.json.encode(row) for row in plain.rows[:200]]
        echo(seconds, bodies, msgspec.json.encode({"rows": plain.rows[:1000]}))
        endpoint("plain", workspace, plain, seconds)
        endpoint("delays", workspace, delays, seconds)


if __name__ == "__main__":
    main()
