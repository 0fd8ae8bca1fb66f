"""The serving process: reads its configuration, loads and proves the models, listens, answers.

    python -m console.serving.main --workspace ROOT --endpoint NAME
    python -m console.serving.main --workspace-config ROOT/.mlops/endpoints/NAME/config.json

Started by the agent, but needs nobody: it watches its file, writes its journal and goes on alone.
SIGTERM lets it finish what is in flight. Invariant: it listens before it loads, so that a port in
use is said at once, and answers predictions only with models that gave their recorded scores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import gc
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Generator, Sequence
from pathlib import Path
from typing import Final

import uvicorn
import uvloop
from starlette.applications import Starlette

from console.errors import KINDS, ConsoleError, UnavailableError
from console.serving.app import Door, build
from console.serving.config import Keys, Place, check_exposure, read_config, read_keys
from console.serving.counters import Counters
from console.serving.gauges import Gauges, Load
from console.serving.limits import LimitedProtocol
from console.serving.service import Service
from console.serving.swapping import Loaded, Swapper, load_generation
from console.serving.telemetry import Telemetry, prefer_event_loop
from storage.errors import StorageError
from storage.journal import JournalWriter
from storage.records.endpoints import EndpointConfig

log = logging.getLogger("console.serving")

KEEP_ALIVE_S: Final = 60
CONNECTIONS: Final = 4096
_LAG_S: Final = 0.1
_AFTER_TIMEOUT_S: Final = 5


class Process:
    """What lives as long as the process: journal, service, watcher, server."""

    def __init__(self, place: Place, config: EndpointConfig, keys: Keys) -> None:
        self._place = place
        self._config = config
        self._door = Door(config.host, keys)
        self._counters = Counters()
        self._journal = JournalWriter(place.paths.journal)
        self._telemetry = Telemetry(
            config.name,
            self._journal,
            self._counters,
            Gauges(config.name, place.paths.journal),
            self._load,
        )
        self._service: Service | None = None
        self._server: _Server | None = None

    def run(self, listener: socket.socket, started: float) -> None:
        """Load the models, then answer until told to stop."""
        self._telemetry.start()
        try:
            self._tell("starting", 0, "", "")
            _import_for_good()
            loaded = load_generation(self._place, self._config, {})
            log.info("ready to answer after %.2f s", time.monotonic() - started)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve(listener, loaded))
        except (ConsoleError, StorageError) as error:
            self._tell("failed", 0, str(error), "")
            raise
        finally:
            self._telemetry.close()
            gc.unfreeze()  # Else DuckDB's binding complains of leaks when the process ends.

    async def _serve(self, listener: socket.socket, loaded: Loaded) -> None:
        loop = asyncio.get_running_loop()
        service = Service(self._config.name, loop, self._telemetry, self._counters)
        self._service = service

        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            swapper = Swapper(self._place, service, self._door, loaded, self._tell)
            tasks = [loop.create_task(swapper.run()), loop.create_task(self._watch_loop())]
            yield
            for task in tasks:
                task.cancel()
            service.close()

        self._server = _Server(
            uvicorn.Config(
                build(service, self._door, lifespan),
                http=LimitedProtocol,
                ws="none",
                lifespan="on",
                loop="none",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=int(self._config.limits.timeout_s) + _AFTER_TIMEOUT_S,
                limit_concurrency=CONNECTIONS,
                backlog=2048,
            )
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._drain)
        await self._server.serve(sockets=[listener])

    def _drain(self) -> None:
        """Answer what is in flight, take nothing new; asked a second time, leave at once."""
        if self._service is None or self._server is None:
            return
        if self._service.is_draining:
            self._server.force_exit = True
            return
        self._service.is_draining = True
        log.info("draining")
        generation = self._service.generation
        self._tell("draining", generation.config.generation if generation else 0, "", "")
        self._server.should_exit = True

    def _load(self) -> Load:
        return Load(0, 1) if self._service is None else self._service.load()

    def _tell(self, state: str, generation: int, reason: str, self_check: str) -> None:
        self._telemetry.status(state, generation, reason, self_check)

    async def _watch_loop(self) -> None:
        """Look at the load, and how late the loop wakes up: what any request waits besides."""
        while True:
            expected = time.perf_counter() + _LAG_S
            await asyncio.sleep(_LAG_S)
            self._counters.lag_ms.append(max(0.0, time.perf_counter() - expected) * 1000)
            self._counters.in_flight.append(self._load().in_flight)


def _import_for_good() -> None:
    """Import what every estimator needs and take it from the garbage collector.

    A full collection walks through 140,000 objects of libraries otherwise and stops the loop for
    50 ms and more. Before the models: those are to be given back when a swap replaces them.
    """
    import sklearn  # noqa: F401

    gc.collect()
    gc.freeze()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: it would end the process by the signal it received."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def listen(config: EndpointConfig) -> socket.socket:
    """Return a listening socket; raises `UnavailableError` in one sentence when it cannot be."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((config.host, config.port))
        made.listen(2048)
    except OSError as error:
        made.close()
        raise UnavailableError(
            f"cannot serve {config.name} on {config.host}:{config.port}: {_why(error)}.",
            hint=f"Choose another port: mlops-console endpoint start {config.name} --port 0",
            host=config.host,
            port=config.port,
        ) from error
    made.setblocking(False)
    return made


def _why(error: OSError) -> str:
    known = {
        errno.EADDRINUSE: "the port is in use by another process",
        errno.EACCES: "ports below 1024 need more rights",
        errno.EADDRNOTAVAIL: "the machine has no such address",
    }
    return known.get(error.errno or 0, (error.strerror or str(error)).lower())


class _JsonLines(logging.Formatter):
    """One JSON document a line; a traceback is one field of it."""

    def format(self, record: logging.LogRecord) -> str:
        document = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            document["traceback"] = self.formatException(record.exc_info)
        return json.dumps(document, ensure_ascii=False)


def _log_to_stdout() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


def _parse(argv: Sequence[str] | None) -> Place:
    parser = argparse.ArgumentParser(prog="console.serving.main", description="Serve an endpoint.")
    parser.add_argument("--workspace", type=Path, help="the workspace directory")
    parser.add_argument("--endpoint", help="name of the endpoint")
    parser.add_argument("--workspace-config", type=Path, help="its config.json, instead of both")
    given = parser.parse_args(argv)
    if given.workspace_config is not None:
        return Place.of_config(given.workspace_config)
    if given.workspace is None or given.endpoint is None:
        parser.error("--workspace and --endpoint, or --workspace-config are needed")
    return Place.of(given.workspace, given.endpoint)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop; return the exit code."""
    started = time.monotonic()
    os.umask(0o077)
    _log_to_stdout()
    prefer_event_loop()
    try:
        place = _parse(argv)
        config = read_config(place.paths.config)
        keys = read_keys(place.keys)
        check_exposure(config, keys)
        process = Process(place, config, keys)
        with listen(config) as listener:
            process.run(listener, started)
    except (ConsoleError, StorageError) as error:
        log.error("%s", error)
        return KINDS[error.kind].exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
