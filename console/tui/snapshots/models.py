"""What the models area shows: registered models, versions of one, gates of one version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from console import errors
from console.client.client import Client
from console.wire import models as wire
from console.wire.models import ModelDetail, ModelName, ModelRef, ThresholdView
from console.wire.routes import Nothing
from storage.records.models import AliasChange, Model, ModelVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One reading."""

    models: tuple[Model, ...]
    versions: tuple[ModelVersion, ...]
    """Of the chosen model, newest first."""
    detail: ModelDetail | None
    """Of the chosen version."""
    history: tuple[AliasChange, ...]
    at: datetime


def load(client: Client, *, model: str = "", version: str = "") -> Snapshot:
    """`model` empty = the first one, `version` empty = the newest."""
    known = client.call(wire.list_models, Nothing())
    names = [each.name for each in known]
    chosen = model if model in names else (names[0] if names else "")
    versions: list[ModelVersion] = []
    history: list[AliasChange] = []
    detail = None
    if chosen and any(each.name == chosen and each.version_count for each in known):
        versions = client.call(wire.list_model_versions, ModelName(model=chosen))
        history = client.call(wire.list_alias_changes, ModelName(model=chosen))
        reference = ModelRef(model=chosen, version=version or "latest")
        try:
            detail = client.call(wire.get_model, reference)
        except errors.NotFoundError:
            detail = client.call(wire.get_model, ModelRef(model=chosen))
    return Snapshot(
        models=tuple(known),
        versions=tuple(versions),
        detail=detail,
        history=tuple(history),
        at=datetime.now(UTC),
    )


def load_threshold(client: Client, *, model: str, version: str) -> ThresholdView:
    """Scores of both classes on a grid, for the inspector."""
    return client.call(wire.get_threshold, ModelRef(model=model, version=version))
