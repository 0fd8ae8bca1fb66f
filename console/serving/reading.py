"""From the bytes of a JSON body to rows, checked against the signature on the way.

Used by the protocols. The usual request is decoded straight into a type made from the signature
(C speed); whatever that refuses goes through `Signature`, which knows the row, the field and the
name that was meant. Invariant: malformed JSON is a `UsageError` (400), well-formed rows that do not
fit are an `InvalidError` (422); no body, however strange, is anything else.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from console.errors import InvalidError, TooLargeError, UsageError
from console.flow.signature import ID_FIELDS, Extra, Signature, case_name, utc

_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_TYPES: Final[dict[str, Any]] = {
    "integer": _Int64,
    "number": float,
    "boolean": bool,
    "string": str,
    "timestamp": datetime,
}
_ID_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one request."""

    values: list[tuple[Any, ...]]
    """In the order of the signature."""
    ids: list[str | None]
    """What the client calls each row."""
    is_single: bool = False
    """One bare object was sent: one bare object is the answer."""


class RowReader:
    """Reads bodies for one signature."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        row = _row_type(signature)
        body = msgspec.defstruct(
            "Body",
            [("rows", list[row])],  # type: ignore[valid-type]  # a type made at run time
            forbid_unknown_fields=True,
        )
        self._batch: msgspec.json.Decoder[Any] = msgspec.json.Decoder(body)
        self._single: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row)
        width = len(signature.names)
        self._values = _getter([f"f{position}" for position in range(width)])
        self._id_names = [name for name in ID_FIELDS if name not in signature.names]
        self._ids = _getter([f"id_{name}" for name in self._id_names])
        self._key = _getter([_key_member(signature, name) for name in signature.row_id])
        self._times = [at for at, field in enumerate(signature.fields) if field.type == "timestamp"]

    def read(self, body: bytes, limit: int, extra: Extra = "refuse") -> Rows:
        """Return the rows of `{"rows": [{…}, …]}` or of one bare `{…}`."""
        is_batch = body.startswith(b'{"rows"') or body.lstrip().startswith(
            (b'{"rows"', b'{ "rows"')
        )
        try:
            if is_batch:
                rows = self._batch.decode(body).rows
                if rows and len(rows) <= limit:
                    return self._typed(rows, is_single=False)
            else:
                return self._typed([self._single.decode(body)], is_single=True)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            pass  # Not the usual request: read it again slowly and say what is wrong, if anything.
        return self._explained(body, limit, extra)

    def rows(
        self, rows: Sequence[Any], extra: Extra = "refuse", *, is_single: bool = False
    ) -> Rows:
        """Return rows that came as plain objects, checked one by one."""
        columns = self.signature.columns(rows, extra)
        values = list(zip(*columns.values(), strict=True)) if columns else [()] * len(rows)
        ids = [self.signature.case_id(row) for row in rows]
        for number, each in enumerate(ids):
            _check_id(each, number)
        return Rows(values, ids, is_single)

    def _typed(self, rows: list[Any], *, is_single: bool) -> Rows:
        values = [self._values(row) for row in rows]
        if self._times:
            values = [self._in_utc(row) for row in values]
        ids = [self._id(row, number) for number, row in enumerate(rows)]
        return Rows(values, ids, is_single)

    def _in_utc(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        made = list(row)
        for position in self._times:
            if made[position] is not None:
                made[position] = utc(made[position])
        return tuple(made)

    def _id(self, row: Any, number: int) -> str | None:
        for value in self._ids(row):
            if value is not None:
                return _check_id(str(value), number)
        key = self._key(row)
        if key and all(value is not None for value in key):
            whole = [utc(value) if isinstance(value, datetime) else value for value in key]
            return _check_id(case_name(whole), number)
        return None

    def _explained(self, body: bytes, limit: int, extra: Extra) -> Rows:
        document = decode_json(body)
        if not isinstance(document, Mapping):
            raise InvalidError(
                'the body is not an object; wanted is {"rows": [{…}, …]} or one row {…}.',
                hint=f"A row has the fields {', '.join(self.signature.names)}.",
            )
        if "rows" in document and "rows" not in self.signature.names:
            rows = document["rows"]
            others = [name for name in document if name != "rows"]
            if others:
                raise InvalidError(
                    f'beside "rows" the body has "{others[0]}"; wanted is only rows.'
                )
            return self.rows(checked_rows(rows, limit), extra)
        return self.rows([document], extra, is_single=True)


def checked_rows(rows: Any, limit: int) -> Sequence[Any]:
    """Return `rows` if it is a list with 1 to `limit` entries."""
    if not isinstance(rows, list):
        raise InvalidError('"rows" is not a list of objects.')
    if not rows:
        raise InvalidError("there are no rows to predict.", hint="Send at least one.")
    check_count(len(rows), limit)
    return rows


def check_count(count: int, limit: int) -> None:
    if count > limit:
        raise TooLargeError(
            f"the request has {count} rows, at most {limit} are taken at once.",
            hint="Send several requests.",
            rows=count,
            limit=limit,
        )


def decode_json(body: bytes) -> Any:
    """Return the document of a body; what is no JSON is a `UsageError`."""
    if not body.strip():
        raise UsageError("the body is empty; wanted is JSON.")
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise UsageError("the body is nested too deeply to be rows.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        said = str(error).removeprefix("JSON is malformed: ")
        raise UsageError(
            f"the body is not JSON: {said}.",
            hint="JSON has no NaN or Infinity: send null for a missing number.",
        ) from None


def _check_id(name: str | None, number: int) -> str | None:
    if name is not None and not 0 < len(name) <= _ID_LENGTH:
        raise InvalidError(
            f"row {number}: its request id has {len(name)} characters; 1 to {_ID_LENGTH} "
            "are taken.",
            row=number,
        )
    return name


def _row_type(signature: Signature) -> Any:
    """A struct with one member per field, called f0, f1 …: a field may be called anything."""
    members: list[Any] = []
    rename: dict[str, str] = {}
    for position, field in enumerate(signature.fields):
        kind = _TYPES[field.type]
        rename[f"f{position}"] = field.name
        if field.is_required:
            members.append((f"f{position}", kind))
        else:
            members.append((f"f{position}", kind | None, None))
    for name in ID_FIELDS:
        if name not in signature.names:
            rename[f"id_{name}"] = name
            members.append((f"id_{name}", str | int | None, None))
    for name in signature.row_id:
        member = _key_member(signature, name)
        if member not in rename:
            rename[member] = name
            members.append((member, str | int | float | bool | None, None))
    return msgspec.defstruct(
        "Row", members, rename=rename, forbid_unknown_fields=True, gc=False, kw_only=True
    )


def _key_member(signature: Signature, name: str) -> str:
    """The struct member that holds a `row_id` column; it may be a field or the id as well."""
    if name in signature.names:
        return f"f{signature.names.index(name)}"
    return f"id_{name}" if name in ID_FIELDS else f"key_{signature.row_id.index(name)}"


def _getter(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function from an object to these attributes as a tuple, however many they are."""
    if not names:
        return lambda _: ()
    if len(names) == 1:
        only = operator.attrgetter(names[0])
        return lambda row: (only(row),)
    return operator.attrgetter(*names)
