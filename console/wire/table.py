"""The whole API of the agent in one tuple."""

from __future__ import annotations

from typing import Any

from console.wire import agent, alerts, datasets, endpoints, jobs, models, people, pipelines, runs
from console.wire.routes import Route

ALL: tuple[Route[Any, Any], ...] = (
    *agent.ROUTES,
    *people.ROUTES,
    *datasets.ROUTES,
    *pipelines.ROUTES,
    *jobs.ROUTES,
    *runs.ROUTES,
    *models.ROUTES,
    *endpoints.ROUTES,
    *alerts.ROUTES,
)
BY_NAME: dict[str, Route[Any, Any]] = {route.name: route for route in ALL}
