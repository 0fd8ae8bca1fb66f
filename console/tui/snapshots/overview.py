"""What the overview shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from console.client.client import Client
from console.wire import agent as wire
from console.wire.agent import Overview
from console.wire.routes import Nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One reading."""

    overview: Overview
    at: datetime


def load(client: Client) -> Snapshot:
    return Snapshot(overview=client.call(wire.get_overview, Nothing()), at=datetime.now(UTC))
