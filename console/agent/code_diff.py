"""What two runs were made with: data versions, the declared pipeline, the code, as text.

The declaration is the one that each job was given; the code is what git knows of both commits,
besides the uncommitted changes that were kept with each run.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console import repository, text
from storage.errors import StorageError
from storage.objects import Objects
from storage.records.runs import Run, RunDiff

LIMIT = 200_000
"""Characters of a diff; more is cut and says so."""


@dataclass(frozen=True, slots=True)
class Side:
    """One run and the pipeline its job was given."""

    run: Run
    pipeline: Mapping[str, Any]


def diff(root: Path, objects: Objects, before: Side, after: Side) -> RunDiff:
    """Return what differs; empty texts where nothing does."""
    notes: list[str] = []
    code = _code(root, before.run, after.run, notes)
    return RunDiff(
        before=before.run.id,
        after=after.run.id,
        data=_data(before.run, after.run),
        declaration=_declaration(before, after),
        code=_cut(code, notes),
        uncommitted=_cut(_uncommitted(objects, before.run, after.run, notes), notes),
        notes=tuple(notes),
    )


def kept_changes(objects: Objects, run: Run) -> str:
    """The uncommitted changes kept with a run; empty when there were none, or they are lost."""
    digest = run.code.get("diff", "")
    if not digest:
        return ""
    try:
        return objects.read_bytes(digest).decode(errors="replace")
    except StorageError:
        return ""


def _data(before: Run, after: Run) -> tuple[tuple[str, int, int], ...]:
    uses = [{use.dataset: use.version for use in run.data} for run in (before, after)]
    names = dict.fromkeys([*uses[0], *uses[1]])
    pairs = ((name, uses[0].get(name, 0), uses[1].get(name, 0)) for name in names)
    return tuple(pair for pair in pairs if pair[1] != pair[2])


def _declaration(before: Side, after: Side) -> str:
    sides = [_lines(each.pipeline) for each in (before, after)]
    names = [f"run {each.run.id}: pipeline {each.run.pipeline}" for each in (before, after)]
    return _unified(sides[0], sides[1], names[0], names[1])


def _lines(document: Mapping[str, Any], prefix: str = "") -> list[str]:
    """`split.kind = "time"`, a line for every value; text of several lines stays so."""
    found: list[str] = []
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            found += _lines(value, f"{prefix}{name}.")
        elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            for place, each in enumerate(value):
                label = each.get("name", place) if isinstance(each, Mapping) else place
                found += _lines(each, f"{prefix}{name}.{label}.")
        elif isinstance(value, str) and "\n" in value.strip():
            found += [f"{prefix}{name} =", *(f"    {line}" for line in value.strip().splitlines())]
        else:
            found.append(f"{prefix}{name} = {json.dumps(value, ensure_ascii=False)}")
    return found


def _code(root: Path, before: Run, after: Run, notes: list[str]) -> str:
    commits = before.code.get("commit", ""), after.code.get("commit", "")
    for run, commit in zip((before, after), commits, strict=True):
        if not commit:
            notes.append(f"run {run.id} was not made in a git repository: its code is not known")
    if not all(commits) or commits[0] == commits[1]:
        return ""
    found = repository.between(root, *commits)
    if found is None:
        notes.append(f"git does not know {commits[0][:12]} or {commits[1][:12]} here any more")
    return found or ""


def _uncommitted(objects: Objects, before: Run, after: Run, notes: list[str]) -> str:
    for run in (before, after):
        digest = run.code.get("diff", "")
        if digest and not objects.has(digest):
            notes.append(f"the uncommitted changes of run {run.id} are lost")
    sides = [kept_changes(objects, run).splitlines() for run in (before, after)]
    names = [f"run {run.id}: uncommitted changes" for run in (before, after)]
    return _unified(sides[0], sides[1], names[0], names[1])


def _unified(before: list[str], after: list[str], name: str, other: str) -> str:
    return "\n".join(difflib.unified_diff(before, after, name, other, lineterm="", n=2))


def _cut(words: str, notes: list[str]) -> str:
    if len(words) <= LIMIT:
        return words
    notes.append(f"only the first {text.count(LIMIT)} characters of {text.count(len(words))}")
    return words[:LIMIT]
