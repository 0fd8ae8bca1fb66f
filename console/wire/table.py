"""The whole API of the agent in one tuple."""

from __future__ import annotations

from typing import Any

from console.wire import (
    agent,
    alerts,
    datasets,
    endpoints,
    jobs,
    models,
    people,
    pipelines,
    runs,
    workspaces,
)
from console.wire.routes import Route

ROWS = {
    "agent": agent.ROUTES,
    "people": people.ROUTES,
    "datasets": datasets.ROUTES,
    "pipelines": pipelines.ROUTES,
    "jobs": jobs.ROUTES,
    "runs": runs.ROUTES,
    "models": models.ROUTES,
    "endpoints": endpoints.ROUTES,
    "alerts": alerts.ROUTES,
    "workspaces": workspaces.ROUTES,
}
ALL: tuple[Route[Any, Any], ...] = tuple(route for routes in ROWS.values() for route in routes)
BY_NAME: dict[str, Route[Any, Any]] = {route.name: route for route in ALL}
ROW_OF: dict[str, str] = {route.name: row for row, routes in ROWS.items() for route in routes}
"""Route -> the row (file name) its handler stands in."""
