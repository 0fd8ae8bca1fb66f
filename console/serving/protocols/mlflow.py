"""What MLflow's scoring server speaks: `POST /invocations`, `GET /ping`, `GET /version`.

Bodies: `dataframe_split`, `dataframe_records`, `instances`, `inputs` as JSON, or CSV. Columns the
model does not take are passed over, as MLflow does; a misspelt one is refused. Predictions come
back as records.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import PlainTextResponse, Response

from console import __version__
from console.errors import ConsoleError, InvalidError, UnavailableError, UsageError
from console.flow.signature import Signature
from console.serving.http import Asked, Endpoint, Refusal, check_json, reply
from console.serving.protocols.answers import documents
from console.serving.reading import Rows, check_count, checked_rows, decode_json
from console.serving.routing import Generation
from console.serving.service import Service

_FORMATS: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
_CODES: Final = {404: "ENDPOINT_NOT_FOUND", 503: "TEMPORARILY_UNAVAILABLE", 504: "TIMEOUT"}
_NULLS: Final = frozenset({"", "NA", "NaN", "nan", "null", "NULL", "None"})


def failure(error: ConsoleError) -> Any:
    default = "BAD_REQUEST" if error.status < 500 else "INTERNAL_ERROR"
    return {"error_code": _CODES.get(error.status, default), "message": str(error)}


class MlflowProtocol:
    def __init__(self, service: Service) -> None:
        self._service = service

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint("POST", "/invocations", self.invocations, failure),
            Endpoint("GET", "/ping", self.ping, failure, is_open=True),
            Endpoint("GET", "/version", self.version, failure, is_open=True),
        ]

    async def ping(self, _: Asked) -> Response:
        if not self._service.is_ready:
            raise UnavailableError("not ready to predict.", retry_after_s=1)
        return PlainTextResponse("\n")

    async def version(self, _: Asked) -> Response:
        return PlainTextResponse(__version__)

    async def invocations(self, asked: Asked) -> Response:
        generation = self._service.current()
        media = asked.declared_type()
        if media in ("text/csv", "application/csv"):
            body = await asked.limited_body(generation.limits.body_bytes)
            rows = _csv_rows(body, generation)
        else:
            if media not in ("", "application/json"):
                raise Refusal(
                    415,
                    f'the body is declared as "{media[:60]}"; taken are application/json and '
                    "text/csv.",
                )
            check_json(asked)
            rows = _json_rows(await asked.limited_body(generation.limits.body_bytes), generation)
        answer = await self._service.predict(asked, generation, rows)
        return reply({"predictions": documents(answer)})


def _json_rows(body: bytes, generation: Generation) -> Rows:
    document = decode_json(body)
    found = [name for name in _FORMATS if isinstance(document, Mapping) and name in document]
    if len(found) != 1:
        raise UsageError(
            f"the body has {' and '.join(found) or 'none'} of the keys {', '.join(_FORMATS)}; one "
            "is wanted."
        )
    given, limit = document[found[0]], generation.limits.rows
    rows: Sequence[Any]
    if found[0] == "dataframe_split":
        rows = _split(given, limit)
    elif found[0] == "inputs" and isinstance(given, Mapping):
        rows = _columns(given, limit)
    else:
        rows = checked_rows(given, limit)
        if not isinstance(rows[0], Mapping):
            rows = _by_position(rows, generation.signature)
    return generation.reader.rows(rows, "ignore")


def _split(given: Any, limit: int) -> list[dict[str, Any]]:
    if not isinstance(given, Mapping) or not isinstance(given.get("columns"), list):
        raise InvalidError('"dataframe_split" is not an object with "columns" and "data".')
    columns, data = [str(name) for name in given["columns"]], given.get("data")
    return [
        dict(zip(columns, row, strict=True))
        for row in _checked_widths(checked_rows(data, limit), columns)
    ]


def _columns(given: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
    if not given:
        raise InvalidError('"inputs" has no columns.')
    first = next(iter(given.values()))
    if not isinstance(first, list):
        return [dict(given)]
    for name, values in given.items():
        if not isinstance(values, list) or len(values) != len(first):
            raise InvalidError(
                f'"inputs": column "{str(name)[:60]}" is not a list of {len(first)} values as the '
                "first column is.",
                field=str(name)[:60],
            )
    check_count(len(first), limit)
    return [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]


def _by_position(rows: Sequence[Any], signature: Signature) -> list[dict[str, Any]]:
    lists = [row if isinstance(row, list) else [row] for row in rows]
    names = list(signature.names)
    return [dict(zip(names, row, strict=True)) for row in _checked_widths(lists, names)]


def _checked_widths(rows: Sequence[Any], names: Sequence[str]) -> Sequence[Any]:
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            count = len(row) if isinstance(row, list) else 1
            raise InvalidError(
                f"row {number} has {count} values for {len(names)} columns.", row=number
            )
    return rows


def _csv_rows(body: bytes, generation: Generation) -> Rows:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"the CSV is not UTF-8: byte {error.start} cannot be read.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = [line for line in reader if line]
    except csv.Error as error:
        raise UsageError(f"line {reader.line_num} of the CSV cannot be read: {error}.") from None
    if len(lines) < 2:
        raise InvalidError("the CSV has no rows below its header.", hint="Send at least one.")
    header, data = lines[0], lines[1:]
    check_count(len(data), generation.limits.rows)
    kinds = {field.name: field.type for field in generation.signature.fields}
    rows = []
    for number, line in enumerate(data):
        if len(line) != len(header):
            raise InvalidError(
                f"row {number} has {len(line)} values for {len(header)} columns.", row=number
            )
        values = zip(header, line, strict=True)
        rows.append({name: _typed(text, kinds.get(name, "string")) for name, text in values})
    return generation.reader.rows(rows, "ignore")


def _typed(text: str, kind: str) -> Any:
    """A CSV value as JSON would bring it; what does not fit stays text and is refused later."""
    if kind != "string" and text.strip() in _NULLS:
        return None
    if kind == "string":
        return text or None
    if kind == "boolean":
        return {"true": True, "false": False, "1": True, "0": False}.get(text.lower(), text)
    if kind in ("integer", "number"):
        try:
            return int(text) if kind == "integer" else float(text)
        except ValueError:
            return text
    return text
