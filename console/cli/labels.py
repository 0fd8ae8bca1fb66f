"""`mlops-console label add`: what became of earlier requests."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from console import errors, text
from console.cli.commands import Invocation, argument, command
from console.wire import endpoints as wire
from console.wire.endpoints import AddLabels
from storage.records.endpoints import Label

AT_ONCE = 5000
_TRUE = {"1", "true", "yes", "t", "y"}
_FALSE = {"0", "false", "no", "f", "n"}


@command(
    "add",
    argument("endpoint", help="name of the endpoint"),
    argument("labels", nargs="*", metavar="REQUEST=LABEL", help="2013/6/24/UA/1545/EWR=1"),
    argument("--file", "-f", type=Path, help="CSV or JSON lines with request_id and label"),
    argument("--revision", type=int, default=1, help="higher replaces what was told before"),
    argument("--source", default="", help="who says so"),
    examples=(
        "mlops-console label add delays r-17=1 r-18=0",
        "mlops-console label add delays --file truth.csv --source billing",
    ),
)
def add(invocation: Invocation) -> None:
    """Tell what became of earlier requests; accuracy follows."""
    given = invocation.arguments
    pairs = [_pair(words) for words in given.labels]
    if given.file is not None:
        pairs += _read(given.file)
    if not pairs:
        raise errors.UsageError(
            "no label was given.",
            hint="Write them as REQUEST=LABEL, or name a file: --file truth.csv",
        )
    now = datetime.now(UTC)
    told = 0
    for start in range(0, len(pairs), AT_ONCE):
        labels = tuple(
            Label(
                request_id=request_id,
                endpoint=given.endpoint,
                label=label,
                received_at=now,
                revision=given.revision,
                source=given.source,
            )
            for request_id, label in pairs[start : start + AT_ONCE]
        )
        invocation.client.call(wire.add_labels, AddLabels(endpoint=given.endpoint, labels=labels))
        told += len(labels)
    invocation.output.show(
        {"endpoint": given.endpoint, "labels": told},
        lambda _: invocation.output.line(f"{text.counted(told, 'label')} for {given.endpoint}"),
    )


def _pair(words: str) -> tuple[str, float]:
    request_id, sign, label = words.rpartition("=")
    if not sign or not request_id:
        raise errors.UsageError(
            f"{words!r} is not a label.", hint="Write it as REQUEST=LABEL, e.g. r-17=1"
        )
    return request_id, _value(label, f"of {request_id}")


def _value(words: Any, where: str) -> float:
    shown = str(words).strip().lower()
    if shown in _TRUE or shown in _FALSE:
        return float(shown in _TRUE)
    try:
        return float(shown)
    except ValueError:
        raise errors.InvalidError(
            f"the label {words!r} {where} is neither yes or no nor a number."
        ) from None


def _read(path: Path) -> list[tuple[str, float]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _json_lines(file) if path.suffix in (".jsonl", ".ndjson") else _csv(path, file)
            found = []
            for number, row in rows:
                where = f"in line {number} of {path}"
                request_id, label = row.get("request_id"), row.get("label")
                if request_id in (None, "") or label in (None, ""):
                    raise errors.InvalidError(
                        f"request_id or label is missing {where}.",
                        hint="A label file has the columns request_id and label.",
                    )
                found.append((str(request_id), _value(label, where)))
            return found
    except FileNotFoundError:
        raise errors.NotFoundError(f"there is no file {path}.") from None
    except (OSError, UnicodeError, csv.Error) as error:
        raise errors.InvalidError(f"cannot read {path}: {error}.") from error


def _csv(path: Path, file: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(file)
    names = reader.fieldnames or []
    if not {"request_id", "label"} <= set(names):
        raise errors.InvalidError(
            f"{path} has the columns {text.listed(names) or 'none'}, wanted are request_id and "
            "label.",
        )
    for row in reader:
        yield reader.line_num, row


def _json_lines(file: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise errors.InvalidError(f"line {number} is not JSON: {error}.") from error
        if not isinstance(row, dict):
            raise errors.InvalidError(f"line {number} is not a JSON object.")
        yield number, row
