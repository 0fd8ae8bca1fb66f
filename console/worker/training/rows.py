"""From pinned dataset versions to what an estimator is fitted on: features, truth, names of rows.

Invariant: row i of the frame, the truth, the slices and the split column is one case, and
`source[i]` is its row of the input version; features come out of the very steps that serving runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from console import errors, text
from console.errors import InvalidError
from console.flow.apply import Flow, Traced
from console.flow.columns import canonical, field_type
from console.flow.estimator import feature_frame
from console.rules.declared_table import nearest
from console.worker.training.step_cache import StepCache
from storage.chunks import decode, read_sql
from storage.errors import NotFoundError
from storage.objects import Objects
from storage.records.chunks import Manifest
from storage.records.pipelines import Pipeline, Step, Task
from storage.records.runs import DataUse

_FEATURE_TYPES = {
    "integer": "number",
    "number": "number",
    "boolean": "number",
    "string": "category",
}
_SHOWN_VALUES = 6


@dataclass(frozen=True, slots=True)
class Pinned:
    """A dataset version a job was told to read."""

    use: DataUse
    manifest_digest: str
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Cases:
    """Rows of a training flow, ready to be fitted on."""

    frame: Any
    """pandas DataFrame (n, features) as `feature_frame` makes it."""
    features: tuple[str, ...]
    types: tuple[str, ...]
    """`number` or `category`, same length as features."""
    y: NDArray[Any]
    """(n,): 1 = positive, 0 = negative; class position; or the value."""
    classes: tuple[str, ...]
    """As text, in the order of the numbers in y; empty for regression."""
    columns: Mapping[str, pa.ChunkedArray]
    """Everything else that is known of a row (n,): split, slice and id columns."""
    source: NDArray[np.int64] | None
    """(n,): row in `raw`; None when a training step merged rows."""
    raw: pa.Table
    """The input version as it was read."""
    task: Task = "binary"

    def __len__(self) -> int:
        return len(self.y)


def read_pinned(objects: Objects, data: Sequence[Mapping[str, Any]]) -> tuple[Pinned, ...]:
    """Read the manifests of the versions in a spec; the first one is the input."""
    found = []
    for each in data:
        use = DataUse(
            dataset=each["dataset"],
            version=each["version"],
            digest=each["digest"],
            role=each["role"],
        )
        try:
            manifest = decode(objects.read_bytes(each["manifest"]))
        except NotFoundError as error:
            raise _gone(use) from error
        found.append(Pinned(use, each["manifest"], manifest))
    return tuple(sorted(found, key=lambda each: each.use.role != "input"))


def read_table(pinned: Pinned, objects: Objects, *, threads: int, limit: int = 0) -> pa.Table:
    """Read a version into memory, in its order; `limit` 0 = all rows."""
    with duckdb.connect(config={"threads": str(threads)}) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET TimeZone = 'UTC'")
        rows = f"SELECT * FROM {read_sql(pinned.manifest, objects)}"
        try:
            return connection.sql(f"{rows} LIMIT {limit}" if limit else rows).to_arrow_table()
        except duckdb.IOException as error:
            if all(map(objects.has, pinned.manifest.objects)):
                raise
            raise _gone(pinned.use) from error


def _gone(use: DataUse) -> errors.NotFoundError:
    return errors.NotFoundError(
        f"{use.dataset}@v{use.version} cannot be read: its content is not in the workspace any "
        "more.",
        hint=f"Add it again, or take another version: --data {use.dataset}@latest",
        dataset=use.dataset,
    )


def reference_queries(pinned: Sequence[Pinned], objects: Objects) -> dict[str, str]:
    """Return for every reference the query that reads its pinned version."""
    return {
        each.use.dataset: read_sql(each.manifest, objects)
        for each in pinned
        if each.use.role == "reference"
    }


def split_steps(pipeline: Pipeline) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Return the steps that come before the first shared one, and the rest of the training flow."""
    steps = [step for step in pipeline.steps if step.flow != "inference"]
    shared = [number for number, step in enumerate(steps) if step.flow == "both"]
    first = shared[0] if shared else len(steps)
    return tuple(steps[:first]), tuple(steps[first:])


def make_cases(
    pipeline: Pipeline,
    raw: pa.Table,
    references: Mapping[str, str],
    *,
    root: Path,
    temp: Path | None = None,
    threads: int = 1,
    say: Callable[[str], None] = lambda _words: None,
    cache: StepCache | None = None,
) -> Cases:
    """Run the training flow over the input rows, or take what `cache` has of it.

    Raises `InvalidError` for rows without truth.
    """
    before, after = split_steps(pipeline)

    def run(steps: Sequence[Step], table: pa.Table, earlier: Sequence[Step]) -> Traced:
        if not steps:
            return Traced(table, np.arange(table.num_rows))
        names = text.listed([step.name for step in steps])
        kept = cache.get([*earlier, *steps]) if cache else None
        if kept is not None:
            say(f"{names}: not run again, same code and same data as before")
            return kept
        say(f"running {names}")
        started = time.perf_counter()
        flow = Flow(steps, references, root=root, temp=temp, threads=threads)
        try:
            made = flow.trace(table, "training")
        finally:
            flow.close()
        if cache:
            cache.put([*earlier, *steps], made, time.perf_counter() - started)
        return made

    raw = canonical(raw)
    labelled = run(before, raw, ())
    made = run(after, labelled.table, before)
    if made.table.num_rows == 0:
        raise InvalidError(
            f"the training flow of {pipeline.name} leaves none of "
            f"{text.counted(raw.num_rows, 'row')}.",
            hint=f"Look where they go: mlops-console pipeline preview {pipeline.name}",
        )
    return _cases(pipeline, raw, labelled, made)


def _cases(pipeline: Pipeline, raw: pa.Table, labelled: Traced, made: Traced) -> Cases:
    wanted = {pipeline.split.column, *pipeline.slices, *pipeline.row_id} - {""}
    columns = {name: _column(name, labelled, made, pipeline) for name in sorted(wanted)}
    y, classes = truth(pipeline, _column(pipeline.target, labelled, made, pipeline))
    names, types = feature_columns(pipeline, made.table)
    arrays = {
        name: _values(made.table.column(name), kind)
        for name, kind in zip(names, types, strict=True)
    }
    source = None
    if labelled.rows is not None and made.rows is not None:
        source = labelled.rows[made.rows]
    return Cases(
        frame=feature_frame(arrays, names, types),
        features=names,
        types=types,
        y=y,
        classes=classes,
        columns=columns,
        source=source,
        raw=raw,
        task=pipeline.task,
    )


def feature_columns(pipeline: Pipeline, table: pa.Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names and types of the features: what the last step selects, but not the truth.

    Without shared steps the input's own columns are the features, except those that name a case or
    order it.
    """
    left_out = {pipeline.target}
    if not any(step.flow == "both" for step in pipeline.steps):
        left_out |= {*pipeline.row_id, pipeline.split.column}
    names: list[str] = []
    types: list[str] = []
    for field in table.schema:
        if field.name in left_out:
            continue
        kind = field_type(field.type)
        if kind not in _FEATURE_TYPES:
            if field.name == pipeline.split.column:
                continue
            raise InvalidError(
                f'the steps of {pipeline.name} make the column "{field.name}" of type '
                f"{field.type}, which cannot be a feature.",
                hint="A feature is a number, true or false, or text: take the hour or the weekday "
                "out of a time, or leave the column out.",
                column=field.name,
            )
        names.append(field.name)
        types.append(_FEATURE_TYPES[kind])
    if not names:
        raise InvalidError(
            f"the steps of {pipeline.name} make no column to learn from.",
            hint="Select the features in the last step.",
        )
    return tuple(names), tuple(types)


def truth(pipeline: Pipeline, column: pa.ChunkedArray) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return the truth as numbers and the classes they stand for."""
    name, n = pipeline.target, len(column)
    missing = column.null_count
    if pa.types.is_floating(column.type):
        missing = int(np.isnan(column.to_numpy(zero_copy_only=False)).sum())  # null is NaN here
    if missing:
        raise InvalidError(
            f"the truth {name!r} is missing in {text.count(missing)} of "
            f"{text.counted(n, 'row')} of the training flow.",
            hint=f"Leave such rows out in a training step: WHERE {name} IS NOT NULL",
            column=name,
        )
    if pipeline.task == "regression":
        return _numbers(name, column), ()
    # A column of a million rows has a handful of classes: only those become text.
    encoded = column.combine_chunks().dictionary_encode()
    values = [_as_text(value, pipeline.positive) for value in encoded.dictionary.to_pylist()]
    classes, places = np.unique(values, return_inverse=True)
    codes = places[encoded.indices.to_numpy()]
    names = [str(each) for each in classes]
    if len(names) == 1:
        raise InvalidError(
            f"the truth {name!r} is {names[0]!r} in all {text.counted(n, 'row')}: with one class "
            "there is nothing to learn.",
            hint="Look at the step that makes it, or take other data.",
            column=name,
        )
    if pipeline.task == "multiclass":
        return codes.astype(np.int64), tuple(names)
    shown = ", ".join(names[:_SHOWN_VALUES]) + (", …" if len(names) > _SHOWN_VALUES else "")
    if len(names) > 2:
        raise InvalidError(
            f"the truth {name!r} has {len(names)} values ({shown}), but the task is binary.",
            hint='Make it yes or no in a step, or declare task = "multiclass" or "regression".',
            column=name,
        )
    if pipeline.positive not in names:
        raise InvalidError(
            f"the class that counts as yes is {pipeline.positive!r}, but {name!r} is {shown}.",
            hint=nearest(pipeline.positive, names, "positive can be"),
            column=name,
        )
    negative = next(each for each in names if each != pipeline.positive)
    is_positive = codes == names.index(pipeline.positive)
    return is_positive.astype(np.int64), (negative, pipeline.positive)


def _column(name: str, labelled: Traced, made: Traced, pipeline: Pipeline) -> pa.ChunkedArray:
    """A column of the finished rows, or of the rows they came from."""
    if name in made.table.column_names:
        return made.table.column(name)
    if name in labelled.table.column_names and made.rows is not None:
        return labelled.table.column(name).take(pa.array(made.rows))
    known = [*made.table.column_names, *labelled.table.column_names]
    what = "the truth" if name == pipeline.target else "the column"
    raise InvalidError(
        f"the training flow of {pipeline.name} does not make {what} {name!r}.",
        hint=nearest(name, list(dict.fromkeys(known)), "It makes"),
        column=name,
    )


def _values(column: pa.ChunkedArray, kind: str) -> Any:
    if kind == "number":
        return column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return column.to_pylist()


def _numbers(name: str, column: pa.ChunkedArray) -> NDArray[np.float64]:
    try:
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid as error:
        raise InvalidError(
            f"the truth {name!r} is {column.type}, but a regression needs numbers.",
            hint='Is the task "binary" or "multiclass"?',
            column=name,
        ) from error
    if not np.isfinite(values).all():
        raise InvalidError(
            f"the truth {name!r} is infinite in {int((~np.isfinite(values)).sum())} rows.",
            hint="Leave such rows out in a training step.",
            column=name,
        )
    return np.asarray(values, dtype=np.float64)


def _as_text(value: Any, positive: str) -> str:
    """A class as text: 1.0 is `1`, and true is `1` when the declaration speaks of 1 and 0."""
    if isinstance(value, bool):
        return str(int(value)) if positive in ("0", "1") else str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
