"""All runs in memory, so that a list or a filter does not read the store's text again.

One per agent. It fetches only what changed since it looked last; equal environments and data uses
are kept once, so ten thousand runs stay small. Invariant: after `refresh` it says what the store
says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from console.rules.filtering import Field, parse
from console.rules.run_fields import in_reading_order, ordered, run_fields
from storage.records.runs import Run
from storage.tables import runs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Value = TypeVar("Value")


class RunIndex:
    """The runs by number, newest last."""

    def __init__(self) -> None:
        self._revision = 0
        self._runs: dict[int, Run] = {}
        self._kept: dict[str, Any] = {}
        self._fields: dict[str, Field[Run]] | None = None

    def refresh(self, connection: DuckDBPyConnection) -> None:
        """Fetch what changed. Cheap when nothing did."""
        revision = runs.last_run_revision(connection)
        if revision == self._revision:
            return
        self.keep(runs.list_changed_runs(connection, self._revision))
        self._revision = revision

    def keep(self, changed: Iterable[Run]) -> None:
        """Take runs that are new or have changed."""
        for run in changed:
            self._runs[run.id] = replace(
                run,
                environment=self._once(run.environment),
                code=self._once(run.code),
                data=self._once(run.data),
                metrics=in_reading_order(run.metrics),
            )
        self._fields = None

    def find(
        self,
        *,
        pipeline: str = "",
        filter_text: str = "",
        sort: Sequence[str] = (),
        before: int = 0,
        limit: int = 500,
        candidates: bool = False,
        metrics_at_most: int = 0,
        metrics: Collection[str] = (),
    ) -> list[Run]:
        """Return runs newest first, or in the order of the fields of `sort`.

        With `metrics_at_most` they carry no more than so many metrics, the first in reading order,
        and those that `metrics` names besides.

        Raises `FilterFault` with the place of a mistake, `UsageError` for a field to sort by that
        there is not.
        """
        candidates = candidates or "parent" in filter_text
        holds = parse(filter_text, self.fields).matches if filter_text.strip() else None
        found = []
        for number in sorted(self._runs, reverse=True):
            run = self._runs[number]
            if (pipeline and run.pipeline != pipeline) or (before and number >= before):
                continue
            if run.parent_id is not None and not candidates:
                continue
            if holds is None or holds(run):
                found.append(run)
                if len(found) >= limit and not sort:
                    break
        if sort:
            found = ordered(found, sort, self.fields)[:limit]
        if metrics_at_most:
            found = [_with_few(run, metrics_at_most, metrics) for run in found]
        return found

    @property
    def fields(self) -> dict[str, Field[Run]]:
        """What can be asked of the runs."""
        if self._fields is None:
            self._fields = run_fields(self._runs.values())
        return self._fields

    def has_pipeline(self, name: str) -> bool:
        return any(run.pipeline == name for run in self._runs.values())

    def _once(self, value: Value) -> Value:
        """Return the value that was kept first among equals."""
        return cast(Value, self._kept.setdefault(repr(value), value))


def _with_few(run: Run, at_most: int, others: Collection[str]) -> Run:
    """The run with its first metrics, and the others that are asked for."""
    if len(run.metrics) <= at_most:
        return run
    kept = dict(islice(run.metrics.items(), at_most))
    kept |= {name: run.metrics[name] for name in others if name in run.metrics}
    return replace(run, metrics=kept)
