"""The areas of the console and what each of them needs: the one place a new area is entered.

Modules are named, not imported: an area and its snapshot are loaded when it is first opened.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from console.tui.areas.base import Area, AreaEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an area's snapshots come from."""

    row: str
    """Module in `console/tui/snapshots`."""
    topics: frozenset[str]
    """Topics of the agent whose change makes the picture old."""
    live_s: float = 0.0
    """Also read again this often while shown and something is served; 0 = only on change."""

    def loader(self, what: str) -> Callable[..., Any]:
        """`load` for the snapshot itself, `load_<what>` for a part of it."""
        module = importlib.import_module(f"console.tui.snapshots.{self.row}")
        found: Callable[..., Any] = getattr(module, "load" if what == "main" else f"load_{what}")
        return found


def _area(row: str, name: str) -> Callable[[], type[Area]]:
    def load() -> type[Area]:
        found: type[Area] = getattr(importlib.import_module(f"console.tui.areas.{row}"), name)
        return found

    return load


def _entry(id: str, digit: str, title: str, name: str, purpose: str, short: str = "") -> AreaEntry:
    return AreaEntry(
        id=id,
        digit=digit,
        title=title,
        short=short or title,
        load=_area(id, name),
        purpose=purpose,
    )


ENTRIES: tuple[AreaEntry, ...] = (
    _entry("overview", "1", "Overview", "OverviewArea", "what needs you and how everything stands"),
    _entry("data", "2", "Data", "DataArea", "data versions, contracts, diffs, drift"),
    _entry("jobs", "3", "Jobs", "JobsArea", "the queue, runs, logs, comparisons"),
    _entry("models", "4", "Models", "ModelsArea", "versions, gates, thresholds, promotion"),
    _entry("serving", "5", "Serving", "ServingArea", "rate, errors, latency, saturation, accuracy"),
    _entry("pipelines", "6", "Pipelines", "PipelinesArea", "the declared flows", short="Pipes"),
    _entry("alerts", "7", "Alerts", "AlertsArea", "what fired, why, and what would help"),
    _entry("people", "8", "People", "PeopleArea", "roles, approvals, the ledger"),
)

SOURCES: dict[str, Source] = {
    "overview": Source(
        row="overview",
        topics=frozenset({"datasets", "jobs", "runs", "models", "endpoints", "alerts", "people"}),
        live_s=2.0,
    ),
    "data": Source(row="data", topics=frozenset({"datasets", "runs", "models"})),
    "jobs": Source(row="jobs", topics=frozenset({"jobs", "runs", "pipelines"})),
    "models": Source(row="models", topics=frozenset({"models", "runs", "people"})),
    "serving": Source(
        row="serving", topics=frozenset({"endpoints", "models", "alerts"}), live_s=1.0
    ),
    "pipelines": Source(
        row="pipelines", topics=frozenset({"pipelines", "runs", "jobs", "datasets", "models"})
    ),
    "alerts": Source(row="alerts", topics=frozenset({"alerts"})),
    "people": Source(row="people", topics=frozenset({"people", "ledger"})),
}

PLACES: dict[str, str] = {
    "alert": "alerts",
    "approval": "people",
    "data": "data",
    "dataset": "data",
    "drift": "serving",
    "endpoint": "serving",
    "gate": "models",
    "job": "jobs",
    "model": "models",
    "pipeline": "pipelines",
    "run": "jobs",
    "threshold": "models",
}
"""First word of a reference, `alert:56`, `data:flights@v3` -> the area that shows it."""
