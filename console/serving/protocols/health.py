"""`GET /health`: what this process serves and how well, for people and for the agent's adoption."""

from __future__ import annotations

import os
from typing import Any

from starlette.responses import Response

from console.serving.http import Asked, Endpoint, reply
from console.serving.routing import ServedRoute
from console.serving.service import Service


class HealthProtocol:
    def __init__(self, service: Service) -> None:
        self._service = service

    def endpoints(self) -> list[Endpoint]:
        return [Endpoint("GET", "/health", self.health, is_open=True)]

    async def health(self, _: Asked) -> Response:
        """The state; 503 unless it would predict."""
        service, generation = self._service, self._service.generation
        state = "ready" if service.is_ready else "starting"
        if service.is_draining:
            state = "draining"
        document: dict[str, Any] = {"state": state, "endpoint": service.name, "pid": os.getpid()}
        if generation is not None:
            load = service.load()
            document |= {
                "model": generation.config.model,
                "generation": generation.config.generation,
                "routes": [_route(each) for each in (*generation.answering, *generation.shadows)],
                "in_flight": load.in_flight,
                "in_flight_limit": load.limit,
                "telemetry_dropped": service.telemetry.dropped_count,
            }
        return reply(document, 200 if service.is_ready else 503)


def _route(served: ServedRoute) -> dict[str, Any]:
    model = served.model
    made = {
        "version": served.version,
        "name": served.route.name,
        "weight": served.route.weight,
        "threshold": served.route.threshold,
        "is_shadow": served.route.is_shadow,
        "self_check": model.self_check,
        "way": model.predictor.way,
    }
    return made | {"why_not_compiled": model.predictor.reason} if model.predictor.reason else made
