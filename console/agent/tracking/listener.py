"""Where programs report to: HTTP on a loopback port, opened when the first one needs it.

The port is kept in the workspace and taken again by the next agent, so that a program outlives an
agent's restart. Invariant: nobody gets past here without the token of a job that has not ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console import errors
from console.agent.changes import Changes
from console.agent.tracking import mlflow, tokens
from console.clock import Clock
from console.rules import lifecycle
from storage.database import Database
from storage.errors import StorageError
from storage.records.jobs import Job
from storage.tables import jobs
from storage.workspace import Workspace

log = logging.getLogger("console.agent")

HOST = "127.0.0.1"
BODY_LIMIT_BYTES = 8 * 2**20
_CODES = {"not_found": "RESOURCE_DOES_NOT_EXIST", "forbidden": "PERMISSION_DENIED"}


class Listener:
    """The loopback side of one agent."""

    def __init__(
        self, workspace: Workspace, database: Database, changes: Changes, clock: Clock
    ) -> None:
        self._workspace = workspace
        self._database = database
        self._changes = changes
        self._clock = clock
        self._http: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.port = 0

    async def environment(self, job: Job) -> dict[str, str]:
        """What a program of this job is told, so that it can report its metrics."""
        try:
            self.open()
            token = tokens.make(self._workspace, job.id)
        except OSError as error:
            log.warning("job %d cannot report its metrics: %s", job.id, error)
            return {}
        return {
            "MLFLOW_TRACKING_URI": f"http://{HOST}:{self.port}",
            "MLFLOW_TRACKING_TOKEN": token,
        }

    async def resume(self) -> None:
        """Listen where the agent before did when one of its programs still runs."""
        running = await self._database.aread(jobs.list_unfinished_jobs)
        if any(job.kind == "command" and job.state != "queued" for job in running):
            try:
                self.open()
            except OSError as error:
                log.warning("programs cannot report their metrics: %s", error)

    def open(self) -> None:
        """Begin to listen; raises `OSError` when no port can be had."""
        if self._http is not None:
            return
        listening = self._bind()
        self.port = listening.getsockname()[1]
        self._workspace.tracking_port.write_text(str(self.port), encoding="ascii")
        config = uvicorn.Config(
            self._application(),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=20,
            backlog=64,
        )
        self._http = uvicorn.Server(config)
        # Signals are the agent's, not this server's.
        self._http.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        self._task = asyncio.get_running_loop().create_task(self._http.serve(sockets=[listening]))

    async def close(self) -> None:
        if self._http is None or self._task is None:
            return
        self._http.should_exit = self._http.force_exit = True
        await asyncio.gather(self._task, return_exceptions=True)

    def _bind(self) -> socket.socket:
        try:
            before = int(self._workspace.tracking_port.read_text(encoding="ascii"))
        except (OSError, ValueError):
            before = 0
        for port in (before, 0):
            listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listening.bind((HOST, port))
            except OSError:
                listening.close()
                if not port:
                    raise
                continue
            listening.listen(64)
            return listening
        raise OSError("no port is free")

    def _application(self) -> Starlette:
        routes = [Route("/health", _healthy), Route("/version", _healthy)]
        for api in ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow"):
            routes += [
                Route(f"{api}/{path}", self._serving(answer), methods=[method])
                for (method, path), answer in mlflow.ROUTES.items()
            ]
        return Starlette(routes=routes, exception_handlers={404: _unknown, 405: _unknown})

    def _serving(self, answer: mlflow.Answer) -> mlflow.Endpoint:
        async def serve(http: Request) -> Response:
            try:
                job = await self._job(http)
                given = await _given(http)
                tracked = mlflow.Tracked(self._database, job, self._clock.now())
                body, topics = await answer(tracked, given)
            except (errors.ConsoleError, StorageError) as refusal:
                return _refused(refusal.kind, f"{refusal.message} {refusal.hint}".strip())
            self._changes.bump(*topics)
            return JSONResponse(body)

        return serve

    async def _job(self, http: Request) -> Job:
        """The job that reports; raises for anybody else."""
        host = http.headers.get("host", "").rpartition(":")[0]
        if host not in (HOST, "localhost") or "origin" in http.headers:
            raise errors.ForbiddenError("only programs on this machine may report here.")
        kind, _, token = http.headers.get("authorization", "").partition(" ")
        job_id = tokens.job_of(self._workspace, token) if kind.lower() == "bearer" else None
        job = None
        if job_id is not None:
            job = await self._database.aread(lambda c: jobs.get_job(c, job_id))
        if job is None or job.state in lifecycle.FINAL:
            raise errors.ForbiddenError(
                "the token is not that of a running job.",
                hint="Programs started with mlops-console job run find theirs in "
                "MLFLOW_TRACKING_TOKEN.",
            )
        return job


async def _given(http: Request) -> mlflow.Given:
    if http.method == "GET":
        return mlflow.Given(dict(http.query_params))
    parts, size = [], 0
    async for part in http.stream():
        size += len(part)
        if size > BODY_LIMIT_BYTES:
            raise errors.TooLargeError(f"a report may have {BODY_LIMIT_BYTES // 2**20} MiB.")
        parts.append(part)
    return mlflow.Given.of_json(b"".join(parts))


def _refused(kind: str, message: str) -> Response:
    code = _CODES.get(kind, "INVALID_PARAMETER_VALUE")
    return JSONResponse({"error_code": code, "message": message}, errors.KINDS[kind].status)


async def _unknown(http: Request, _error: Exception) -> Response:
    message = f"{http.method} {http.url.path} is not answered here; runs, metrics, params are."
    return JSONResponse({"error_code": "ENDPOINT_NOT_FOUND", "message": message}, 404)


async def _healthy(_http: Request) -> Response:
    return Response("OK", media_type="text/plain")
