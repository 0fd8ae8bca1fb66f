"""A real serving process on a free loopback port, and a small client for it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import msgspec

from storage.durable import replace_file
from storage.journal import pending
from storage.records.endpoints import EndpointConfig, Route
from storage.records.reports import REPORTS
from storage.workspace import EndpointPaths, Workspace
from tests.http import HTTP

DEADLINE_S = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def route(version: int, digest: str, weight: float = 1.0, **more: Any) -> Route:
    known: dict[str, Any] = {"threshold": 0.5, "name": "champion"}
    return Route(version=version, digest=digest, weight=weight, **(known | more))


def wait_for(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Return the first true answer of `condition`; fail when it takes too long."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {deadline_s} s")


class Endpoint:
    """One endpoint: its files, its process, its reports."""

    def __init__(self, workspace: Workspace, name: str, *routes: Route, **config: Any) -> None:
        self.workspace = workspace
        self.paths: EndpointPaths = workspace.endpoint(name)
        self.paths.directory.mkdir(parents=True, exist_ok=True)
        config.setdefault("port", free_port())
        self.config = EndpointConfig(name=name, model="delays", routes=routes, **config)
        self.port = self.config.port
        self.process: subprocess.Popen[bytes] | None = None
        self.write(self.config)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write(self, config: EndpointConfig) -> None:
        self.config = config
        replace_file(self.paths.config, msgspec.json.encode(config))

    def change(self, **changes: Any) -> None:
        """Replace the configuration by the next generation with these changes."""
        generation = self.config.generation + 1
        self.write(replace(self.config, generation=generation, **changes))

    def start(self, *, wait: bool = True) -> Endpoint:
        log = self.paths.log.open("ab")
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "console.serving.main",
                "--workspace", str(self.workspace.root), "--endpoint", self.config.name,
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.workspace.root,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )  # fmt: skip
        log.close()
        if wait:
            wait_for(self.is_ready, f"a ready endpoint ({self.log()[-2000:]})")
        return self

    def is_ready(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"the process ended: {self.log()[-3000:]}")
        try:
            return HTTP.get(f"{self.url}/health", timeout=30).status_code == 200
        except httpx.HTTPError:
            return False

    def health(self) -> dict[str, Any]:
        document: dict[str, Any] = HTTP.get(f"{self.url}/health", timeout=30).json()
        return document

    def generation(self) -> int:
        return int(self.health()["generation"])

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=DEADLINE_S)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=DEADLINE_S)

    def log(self) -> str:
        return self.paths.log.read_text() if self.paths.log.exists() else ""

    def log_messages(self) -> list[str]:
        return [json.loads(line)["message"] for line in self.log().splitlines()]

    def reports(self, tag: str) -> list[Any]:
        """What is in the journal under a tag, as the agent would read it."""
        documents = [doc for batch in pending(self.paths.journal, {}) for doc in batch.docs]
        return [
            msgspec.convert(doc["d"], REPORTS[tag], strict=True)
            for doc in documents
            if doc["t"] == tag
        ]

    def predict(self, body: Any, **more: Any) -> httpx.Response:
        return HTTP.post(f"{self.url}/predict", json=body, timeout=30, **more)


def journal_files(path: Path) -> list[Path]:
    return sorted(path.glob("*.journal"))
