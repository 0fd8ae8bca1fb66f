"""What spoils learning, looked for in a delivery: part of a check when somebody asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from console.errors import NotFoundError
from console.worker.data import leakage, learning_checks
from console.worker.data.running import execute
from console.worker.data_jobs.workbench import Workbench
from storage.records.contracts import Contract
from storage.records.results import Result
from storage.sql_text import quote

MOST_CLASSES: Final = 50
"""A label with more values is a quantity, whose classes are not counted."""


def for_learning(bench: Workbench, relation: str, contract: Contract | None) -> tuple[Result, ...]:
    """Repeated rows and dead columns; with a label its balance and leaks; with training data what
    of it is in here again."""
    job, spec = bench.job, bench.job.spec
    label, group, time = spec["label"], spec["group"], spec["time_column"]
    columns = list(learning_checks.types_of(bench.connection, relation))
    _check_known(columns, (label, group))
    keys = tuple(spec["key"]) or (contract.key if contract else ())
    features = [name for name in columns if name not in (label, *keys)]
    job.progress(0, 1, "", "looking for what spoils learning")
    found = [
        *learning_checks.duplicates(bench.connection, relation),
        *learning_checks.dead_columns(bench.connection, relation, keys),
    ]
    if label:
        if _has_classes(bench, relation, label):
            before = _before(bench, label)
            found += learning_checks.class_balance(bench.connection, relation, label, before)
        found += leakage.leakage(bench.connection, relation, label, features)
    if spec["train"]:
        train = bench.source(spec["train"])
        found += learning_checks.contamination(
            bench.connection, train, relation, features, label=label
        )
        if group:
            found.append(learning_checks.group_overlap(bench.connection, train, relation, group))
        if time in columns:
            found.append(learning_checks.time_order(bench.connection, train, relation, time))
    return tuple(found)


def _before(bench: Workbench, label: str) -> str:
    """The version before, to stand after FROM; empty when there is none with such a label."""
    history = bench.job.spec["history"]
    if not history:
        return ""
    manifest = history[0]["manifest"]
    has_label = any(column.name == label for column in bench.manifest(manifest).columns)
    return bench.source(manifest) if has_label else ""


def _check_known(columns: Sequence[str], wanted: Sequence[str]) -> None:
    for name in wanted:
        if name and name not in columns:
            raise NotFoundError(
                f"there is no column {name}.", hint=f"There are {', '.join(columns[:30])}."
            )


def _has_classes(bench: Workbench, relation: str, label: str) -> bool:
    query = f"SELECT count(*) FROM (SELECT DISTINCT {quote(label)} FROM {relation} LIMIT 51)"
    return int(execute(bench.connection, query)[0][0]) <= MOST_CLASSES
