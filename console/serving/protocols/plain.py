"""Plain JSON: `POST /predict` with `{"rows": [{…}]}` or one bare row, `POST /feedback` for labels.

    curl localhost:8080/predict -H 'Content-Type: application/json' -d '{"carrier": "UA", …}'

A row may bring `request_id` (or `id`); labels refer to it later. `?extra=ignore` lets rows carry
fields the model does not take.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from starlette.responses import Response

from console.errors import InvalidError, UnavailableError, UsageError
from console.flow.signature import Extra
from console.serving.http import Asked, Endpoint, check_json, reply
from console.serving.protocols.answers import documents
from console.serving.reading import check_count, decode_json
from console.serving.service import Service
from storage.errors import StorageError
from storage.records.endpoints import Label
from storage.records.models import ModelManifest

_LABEL_FIELDS: Final = ("request_id", "id", "label", "event_at", "revision", "source")
_REVISIONS: Final = 2**31


class PlainProtocol:
    def __init__(self, service: Service) -> None:
        self._service = service

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint("POST", "/predict", self.predict),
            Endpoint("POST", "/feedback", self.feedback),
        ]

    async def predict(self, asked: Asked) -> Response:
        """Score rows."""
        check_json(asked)
        generation = self._service.current()
        body = await asked.limited_body(generation.limits.body_bytes)
        ignores = b"extra=ignore" in asked.scope["query_string"].split(b"&")
        extra: Extra = "ignore" if ignores else "refuse"
        rows = generation.reader.read(body, generation.limits.rows, extra)
        answer = await self._service.predict(asked, generation, rows)
        made = documents(answer)
        return reply(made[0] if rows.is_single else {"predictions": made})

    async def feedback(self, asked: Asked) -> Response:
        """Keep the truth about earlier requests; answered when it is safe on disk."""
        check_json(asked)
        generation = self._service.current()
        document = decode_json(await asked.limited_body(generation.limits.body_bytes))
        given = document.get("labels") if isinstance(document, Mapping) else None
        if given is None:
            given = [document]
        if not isinstance(given, list) or not given:
            raise InvalidError('"labels" is not a list with at least one label.')
        check_count(len(given), generation.limits.rows)
        manifest = generation.main.model.manifest
        labels = [self._label(each, number, manifest) for number, each in enumerate(given)]
        try:
            await asyncio.to_thread(self._service.telemetry.keep_labels, labels)
        except StorageError as error:
            raise UnavailableError(
                f"the labels cannot be kept: {error.message}", hint=error.hint, retry_after_s=5
            ) from error
        return reply({"accepted": len(labels)})

    def _label(self, given: Any, number: int, manifest: ModelManifest) -> Label:
        if not isinstance(given, Mapping):
            raise InvalidError(
                f'label {number} is not an object such as {{"request_id": "…", "label": 1}}.',
                row=number,
            )
        for name in given:
            if name not in _LABEL_FIELDS:
                raise InvalidError(
                    f'label {number}: there is no field "{str(name)[:60]}".',
                    hint=f"It takes: {', '.join(_LABEL_FIELDS)}.",
                    row=number,
                    field=str(name)[:60],
                )
        name = given.get("request_id", given.get("id"))
        if not isinstance(name, (str, int)) or isinstance(name, bool) or not str(name):
            raise InvalidError(
                f'label {number}: "request_id" is missing: it says which request the label is for.',
                row=number,
                field="request_id",
            )
        revision = given.get("revision", 1)
        if not isinstance(revision, int) or not 1 <= revision < _REVISIONS:
            raise InvalidError(
                f'label {number}: "revision" is not a number from 1 up.',
                row=number,
                field="revision",
            )
        return Label(
            request_id=str(name)[:200],
            endpoint=self._service.name,
            label=label_value(given.get("label"), number, manifest),
            event_at=_moment(given.get("event_at"), number),
            received_at=datetime.now(UTC),
            revision=revision,
            source=str(given.get("source", ""))[:100],
        )


def label_value(given: Any, number: int, manifest: ModelManifest) -> float:
    """Return a label as a number: 1 or 0 for two classes, the position of one of several classes,
    the value for a regression."""
    classes = manifest.classes
    if manifest.task == "regression":
        if isinstance(given, (int, float)) and math.isfinite(given):
            return float(given)
        raise _no_label(given, number, "a number")
    if str(given) in classes and not isinstance(given, bool):
        named = str(given)
    elif isinstance(given, (bool, int, float)) and given in (0, 1) and manifest.task == "binary":
        return float(given)
    else:
        raise _no_label(given, number, f"1, 0 or one of {', '.join(classes)}")
    return (
        float(named == manifest.positive)
        if manifest.task == "binary"
        else float(classes.index(named))
    )


def _no_label(given: Any, number: int, wanted: str) -> InvalidError:
    return InvalidError(
        f'label {number}: "label" is {str(given)[:60]!r}, wanted {wanted}.',
        row=number,
        field="label",
    )


def _moment(given: Any, number: int) -> datetime | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise UsageError(
            f'label {number}: "event_at" is not a time such as 2013-01-01T10:00:00Z.'
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
