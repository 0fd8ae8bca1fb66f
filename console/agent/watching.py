"""The agent's eyes: counts what arrived, judges the rules, raises and resolves alerts, tidies up.

One loop beside the supervisor. Invariant: an alert changes only here or by a person's word, and
every change leaves a line in its history; what is measured comes from counts, so looking is cheap
however much traffic there was.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from console import errors
from console.agent import answering, judging
from console.agent.endpoint_view import declared_for
from console.agent.incidents import Incidents
from storage.archive import archive_requests, hot_until, remove_archived
from storage.engine import Limits
from storage.errors import DamagedError, NotFoundError, StorageError
from storage.tables import alerts, endpoints, traffic

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from console.agent.context import Agent
    from storage.records.alerts import AlertRule
    from storage.records.endpoints import Endpoint

log = logging.getLogger("console.agent")

TICK_S: Final = 1.0
QUIET_TICK_S: Final = 2.5
IDLE_TICK_S: Final = 5.0
GATHER_EVERY_S: Final = 60.0
SETTLE_EVERY_S: Final = 2.0
SETTLE_ALL_EVERY_S: Final = 60.0
SETTLE_NEAR: Final = timedelta(hours=2)
LABEL_MOMENT: Final = timedelta(seconds=2)
"""A label told through the agent may be here before its request is read from the journal."""
JUDGE_EVERY_S: Final = 5.0
TIDY_EVERY_S: Final = 600.0
DISK_EVERY_S: Final = 10.0
DISK_WARN_BYTES: Final = 2 * 2**30
SETTLING: Final = timedelta(seconds=20)
FINE: Final = timedelta(hours=2)
MINUTES: Final = timedelta(days=1)
GAUGES: Final = timedelta(days=2)
COUNTS: Final = timedelta(days=366)
OF_PROCESS: Final = ("no-data", "saturation")
"""Kinds that do not depend on requests."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Watching:
    """Looks after everything that passed through the endpoints of one agent."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._incidents = Incidents(agent)
        self._due: dict[str, float] = {}
        self._last_windows: dict[str, datetime | None] = {}
        self._seen_traffic = -1
        self._disk_level = 0
        self._unjudged: dict[str, str] = {}
        """Rule -> why it could not be judged, so that it is said once."""
        self._problem = ""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            pause_s = IDLE_TICK_S
            try:
                if await self.tick():
                    is_quiet = self._agent.changes.revisions["traffic"] == self._seen_traffic
                    pause_s = QUIET_TICK_S if is_quiet else TICK_S
                self._problem = ""
            except StorageError as error:
                # A full disk says so once, not every second.
                if str(error) != self._problem:
                    log.error("watching is held up: %s", error)
                self._problem = str(error)
            except Exception:
                log.exception("the watch could not look this time")
            await asyncio.sleep(pause_s)

    async def tick(self) -> bool:
        """Do what is due; True when something is served."""
        if self._is_due("disk", DISK_EVERY_S):
            self._watch_disk()
        known = await self._agent.read(endpoints.list_endpoints)
        if not known:
            return False
        served = [each for each in known if each.desired == "started"]
        if self._is_due("settle", SETTLE_EVERY_S):
            await self._settle()
        if self._is_due("gather", GATHER_EVERY_S):
            until = _whole(self._agent.clock.now() - SETTLING, 10)
            await self._agent.write(lambda c: traffic.gather_counts(c, until=until))
        if self._is_due("judge", JUDGE_EVERY_S):
            revision = self._agent.changes.revisions["traffic"]
            for endpoint in known:
                await self._follow_declaration(endpoint)
                await self._judge(endpoint, has_traffic=revision != self._seen_traffic)
            self._seen_traffic = revision
            await self._incidents.wake_silenced()
        if self._is_due("tidy", TIDY_EVERY_S):
            await self._tidy()
        return bool(served)

    def _watch_disk(self) -> None:
        """Say when the disk gets full and when it is not any more; the store refuses by itself."""
        free_bytes = self._agent.database.free_bytes
        limits = (Limits().reserve_bytes, DISK_WARN_BYTES)
        level = sum(free_bytes < limit for limit in limits)
        if level == self._disk_level:
            return
        words = ("has room again", "is getting full", "is full: nothing more is written")[level]
        log.log(
            logging.WARNING if level else logging.INFO,
            "the disk of %s %s, %d MiB are free",
            self._agent.workspace.root,
            words,
            free_bytes // 2**20,
        )
        self._disk_level = level
        self._agent.changes.bump("alerts")  # Every screen shows the agent's warnings anew.

    def _is_due(self, what: str, every_s: float) -> bool:
        now = self._agent.clock.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every_s
        return True

    async def _settle(self) -> None:
        """Bring labels and predictions together; far back only now and then, it is dear."""
        waiting = await self._agent.read(traffic.count_waiting_labels)
        if not waiting:
            return
        at = self._agent.clock.now()
        is_far = self._is_due("settle all", SETTLE_ALL_EVERY_S)
        since = EPOCH if is_far else at - SETTLE_NEAR
        began = self._agent.clock.monotonic()
        settled = await self._agent.write(
            lambda c: traffic.settle_labels(c, since=since, until=at - LABEL_MOMENT, at=at)
        )
        took_s = self._agent.clock.monotonic() - began
        # On a store where this is slow it is done less often.
        self._due["settle"] = max(self._due["settle"], began + 20.0 * took_s)
        if settled:
            self._agent.changes.bump("traffic")

    async def _judge(self, endpoint: Endpoint, *, has_traffic: bool) -> None:
        """Take a look at every watched thing of an endpoint; without news only at the process."""
        if endpoint.desired != "started":
            await self._incidents.end(endpoint)
            return
        window = await self._agent.read(lambda c: traffic.get_last_window_at(c, endpoint.name))
        has_new_windows = window != self._last_windows.get(endpoint.name)
        self._last_windows[endpoint.name] = window
        known = await self._agent.read(
            lambda c: alerts.list_alerts(c, state="open", endpoint=endpoint.name, limit=500)
        )
        for rule in judging.rules_for(self._agent, endpoint):
            mine = [each for each in known if each.rule == rule.name]
            has_news = has_new_windows if rule.kind == "drift" else has_traffic
            # Without news nothing can be raised, but what is raised may be over by now.
            if rule.kind not in OF_PROCESS and not has_news and not mine:
                continue
            readings = await self._readings(endpoint, rule)
            raised = await self._incidents.take(endpoint, rule, readings, mine)
            if raised is not None:
                await answering.answer(self._agent, endpoint, rule, raised)

    async def _readings(self, endpoint: Endpoint, rule: AlertRule) -> list[judging.Reading]:
        """What a rule says; one that cannot be judged must not keep the others from it."""
        key = f"{endpoint.name}/{rule.name}"
        try:
            readings = await judging.judge(self._agent, endpoint, rule)
            self._unjudged.pop(key, None)
            return readings
        except (errors.ConsoleError, DamagedError, NotFoundError) as problem:
            if self._unjudged.get(key) != str(problem):
                log.warning("rule %s of %s cannot be judged: %s", rule.name, endpoint.name, problem)
            self._unjudged[key] = str(problem)
            return []

    async def _follow_declaration(self, endpoint: Endpoint) -> None:
        """Declared limits that changed reach the process under the next generation."""
        declared = declared_for(self._agent, endpoint)
        limits, latency = declared.limits, declared.latency_limit_ms
        if (limits, latency) == (endpoint.limits, endpoint.latency_limit_ms):
            return

        def change(connection: DuckDBPyConnection) -> None:
            known = endpoints.get_endpoint(connection, endpoint.name) or endpoint
            endpoints.set_endpoint_limits(
                connection,
                endpoint.name,
                limits=limits,
                latency_limit_ms=latency,
                generation=known.generation + 1,
            )

        await self._agent.write(change, "endpoints")
        await self._agent.endpoint_processes.reconfigure(endpoint.name)

    async def _tidy(self) -> None:
        """Coarser buckets for what is older, nothing for what is past its retention."""
        now = self._agent.clock.now()
        declared = self._agent.declaration_file.last_good
        days = declared.retention_days if declared else 30
        archive_days = declared.archive_days if declared else 365
        raw = hot_until(now, days)
        directory = self._agent.workspace.archive

        def change(connection: DuckDBPyConnection) -> int:
            traffic.gather_counts(connection, until=_whole(now - FINE, 600))
            traffic.coarsen_counts(
                connection,
                minutes_before=_whole(now - FINE, 600),
                hours_before=_whole(now - MINUTES, 3600),
            )
            moved = archive_requests(connection, directory, raw)
            traffic.delete_before(connection, raw=raw, gauges=now - GAUGES, counts=now - COUNTS)
            return moved

        moved = await self._agent.write(change)
        if moved:
            log.info("%d requests older than %d days moved to %s", moved, days, directory)
        if archive_days > 0:
            before = (now - timedelta(days=max(archive_days, days))).date()
            for path in await asyncio.to_thread(remove_archived, directory, before):
                log.info("%s is past its %d days and was removed", path.name, archive_days)


def _whole(at: datetime, width_s: int) -> datetime:
    """The last full bucket's end at or before a moment."""
    seconds = int((at - EPOCH).total_seconds())
    return EPOCH + timedelta(seconds=seconds // width_s * width_s)
