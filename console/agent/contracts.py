"""The contract files that `mlops.toml` names, and what is kept of a check.

A contract file is copied into the object store when it is going to be used: what was agreed at
that moment stays readable, whatever becomes of the file.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from console import errors
from storage.records.checks import CheckReport
from storage.records.contracts import Contract

if TYPE_CHECKING:
    from console.agent.context import Call
    from storage.objects import Objects

LIMIT_BYTES = 8 * 2**20


def keep(call: Call, name: str) -> dict[str, Any]:
    """Copy the file into the object store; returns what a worker needs to read it."""
    content = _read(call.root, name)
    decode(content, name)
    return {"object": call.agent.objects.put_bytes(content), "path": name}


async def declared(call: Call, dataset: str, name: str) -> Contract:
    """The contract as its file says now; raises `InvalidError` with the line that does not hold."""

    def parse() -> Contract:
        from console.rules import contracts  # and the package of the standard behind it

        return contracts.parse(decode(_read(call.root, name), name), name, dataset)

    return await asyncio.to_thread(parse)


def decode(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise errors.InvalidError(
            f"the contract {name} is not UTF-8: line {line} has the byte "
            f"0x{content[error.start]:02x}.",
            hint="Save it as UTF-8.",
        ) from error


def kept(objects: Objects, digest: str) -> Contract:
    """A contract as it was when something was checked against it."""
    return msgspec.convert(objects.read_json(digest), Contract)


def read_report(objects: Objects, digest: str) -> CheckReport:
    return msgspec.convert(objects.read_json(digest), CheckReport)


def _read(root: Path, name: str) -> bytes:
    path = root / name
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except FileNotFoundError:
        raise errors.NotFoundError(
            f"there is no contract file {path}.",
            hint="Correct the name in mlops.toml, or draft one: mlops-console contract infer NAME",
        ) from None
    except OSError as error:
        raise errors.UnavailableError(f"cannot read {path}: {error.strerror}.") from error
    if len(content) > LIMIT_BYTES:
        raise errors.TooLargeError(f"{path} is larger than {LIMIT_BYTES >> 20} MiB.")
    return content
