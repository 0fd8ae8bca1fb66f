"""The table of runs: each metric beside its distance to the baseline.

Pure: runs in, columns out. Which way is better, how a number is written: the metric catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from console import text
from console.rules import metrics as catalog
from console.rules.run_fields import sortable
from console.rules.run_table import leading_metrics
from console.tui.ink import Line, Part
from console.tui.signs import said
from console.tui.widgets.table_layout import Column
from storage.records.runs import Run

METRICS_AT_MOST = 8
EXTRA = METRICS_AT_MOST
"""The place of a metric that does not lead."""


def metric_names(runs: Sequence[Run], declared: Sequence[str] = ()) -> tuple[str, ...]:
    """The metrics that have a column from the start."""
    return leading_metrics(runs, declared, at_most=METRICS_AT_MOST)


def champion_run(runs: Sequence[Run], champions: Sequence[str]) -> Run | None:
    """The newest run that became a champion: what a run is held against by default."""
    return next((run for run in runs if run.model and run.model in champions), None)


def earlier_run(runs: Sequence[Run], run: Run) -> Run | None:
    """The good run of the same pipeline before this one: what it is held against without a
    baseline."""
    return next(
        (
            each
            for each in runs
            if each.id < run.id and each.pipeline == run.pipeline and each.metrics
        ),
        None,
    )


def delta(run: Run, base: Run | None, name: str) -> float | None:
    """value − baseline; None where there is nothing to compare with."""
    if base is None or run.pipeline != base.pipeline:
        return None
    value, other = run.metrics.get(name), base.metrics.get(name)
    return None if value is None or other is None else value - other


def is_same_rows(run: Run, base: Run) -> bool:
    """Whether both were judged on the same rows, as far as a list can know."""
    return run.pipeline == base.pipeline and run.holdout == base.holdout and run.data == base.data


def number(value: float | None, name: str, *, signed: bool = False) -> str:
    """A metric for a column: the catalog's decimals for every row, the unit being in the head."""
    if value is None or value != value:
        return text.MISSING
    unit, places = catalog.unit_of(name), catalog.decimals_of(name)
    if unit == "bytes":
        return ("+" if signed and value > 0 else "") + text.byte_size(value)
    if unit == "%":
        value, places = 100 * value, 1
    return text.delta(value, places) if signed else text.fixed(value, places)


def head(name: str) -> str:
    """`AUC ↑`, `ECE ↓`, `p95 one row ms ↓`."""
    metric = catalog.CATALOG.get(name)
    if metric is None:
        return catalog.label_of(name)
    parts = (metric.label, "" if metric.unit == "bytes" else metric.unit, metric.arrow)
    return " ".join(part for part in parts if part)


def version_of(run: Run) -> str:
    """The version of its input: `v7`."""
    use = next((use for use in run.data if use.role == "input"), None)
    return f"v{use.version}" if use else text.MISSING


def columns(
    runs: Sequence[Run],
    base: Run | None,
    now: Callable[[], datetime],
    declared: Sequence[str] = (),
    *,
    metrics: Sequence[str] = (),
    params: Sequence[str] = (),
) -> list[Column[Run]]:
    """The columns for these runs: a pair for every leading metric, pipelines only where there are
    two. Other `metrics` and `params` get columns that are put away until somebody takes them."""
    found: list[Column[Run]] = [
        Column(key="id", head="run", align="right", is_pinned=True, is_name=True,
               cell=lambda run: str(run.id), sort=lambda run: run.id, first_descending=True,
               meaning="the number of the training; open it for all it measured"),
        Column(key="state", head="state", is_pinned=True, gap=1, cell=lambda run: said(run.state),
               sort=lambda run: run.state, width=11),
    ]  # fmt: skip
    if len({run.pipeline for run in runs}) > 1:
        found.append(
            Column(key="pipeline", head="pipeline", rank=45, least=8,
                   cell=lambda run: run.pipeline, sort=lambda run: run.pipeline)
        )  # fmt: skip
    found += [
        Column(key="model", head="model", gap=1, rank=55, width=6, cell=_model,
               sort=lambda run: run.model or None, meaning="the version it was registered as"),
        Column(key="data", head="data", gap=1, rank=52, width=5, cell=version_of, sort=version_of,
               meaning="the version of its input"),
    ]  # fmt: skip
    leading = metric_names(runs, declared)
    for place, name in enumerate(leading):
        found += _pair(name, base, place)
    found += [each for name in metrics if name not in leading for each in _pair(name, base, EXTRA)]
    found += [_param(name) for name in params]
    found += [
        Column(key="duration", head="took s", align="right", rank=65, cell=_took, ink="quiet",
               sort=lambda run: run.duration_s),
        Column(key="by", head="by", rank=90, least=6, cell=lambda run: run.created_by, ink="quiet",
               sort=lambda run: run.created_by),
        Column(key="note", head="note", rank=95, least=8, ink="quiet",
               cell=lambda run: run.note or " ".join(run.tags), sort=lambda run: run.note or None),
        Column(key="started", head="when", align="right", rank=20, ink="quiet",
               cell=lambda run: text.clock(run.started_at, now(), seconds=False),
               sort=lambda run: run.started_at, first_descending=True),
    ]  # fmt: skip
    return found


def _pair(name: str, base: Run | None, place: int) -> list[Column[Run]]:
    """A metric and its distance to the baseline. The first two stay longest."""
    direction = catalog.direction_of(name)

    def value(run: Run) -> Part:
        return Line((number(run.metrics.get(name), name), "ink"))

    def distance(run: Run) -> Part:
        if base is not None and run.id == base.id:
            return Line(("base", "quiet"))
        found = delta(run, base, name)
        if found is None:
            return Line((text.MISSING if run.metrics else "", "quiet"))
        ink = "ink" if base is not None and is_same_rows(run, base) else "quiet"
        return Line((number(found, name, signed=True), ink))

    def sorts(run: Run) -> Any:
        return run.metrics.get(name)

    label = catalog.label_of(name)
    columns = [
        Column(key=f"metrics.{name}", head=head(name), align="right", cell=value, sort=sorts, gap=2,
               is_extra=place == EXTRA,
               rank=10 if place == 0 else 58 + 2 * place, first_descending=direction == "ge",
               meaning=f"{label} on the held-out rows; {_better(direction)}"),
    ]  # fmt: skip
    if base is not None:
        columns.append(
            Column(key=f"Δ{name}", head=f"Δ{base.id}", align="right", cell=distance, gap=1,
                   is_extra=place == EXTRA,
                   rank=15 if place == 0 else 59 + 2 * place,
                   sort=lambda run: delta(run, base, name), first_descending=direction == "ge",
                   meaning="distance to the baseline; grey where other rows judged it")
        )  # fmt: skip
    return columns


def _param(name: str) -> Column[Run]:
    """A parameter of the estimator."""
    return Column(
        key=f"params.{name}", head=name, least=6, rank=50, is_extra=True, ink="quiet",
        cell=lambda run: text.plain_value(run.params[name]) if name in run.params else text.ABSENT,
        sort=lambda run: sortable(run.params.get(name)),
        meaning="a parameter of the estimator",
    )  # fmt: skip


def _better(direction: str) -> str:
    return {"ge": "higher is better", "le": "lower is better"}.get(
        direction, "near its aim is best"
    )


def _model(run: Run) -> str:
    return f"v{run.model.rpartition('@v')[2]}" if run.model else text.MISSING


def _took(run: Run) -> str:
    took = run.duration_s
    return text.fixed(took, 0 if took is not None and took >= 9.95 else 1)
