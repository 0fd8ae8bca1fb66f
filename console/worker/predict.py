"""The job `predict`: the scores of a whole data version by one model version, in a file.

Called by `console.worker.main`. The rows pass the model's own inference flow, as requests do, a
batch at a time; no truth is needed. Invariant: the file appears whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from console import text
from console.errors import FailedError
from console.flow import model as flow_model
from console.flow.model import LoadedModel
from console.worker.context import JobContext
from console.worker.data import exporting
from console.worker.data_jobs.workbench import workbench
from storage.sql_text import literal

BATCH_ROWS = 1 << 16


def run(job: JobContext) -> dict[str, Any]:
    """Score every row; returns where the file is and how often the model says yes."""
    spec, path = job.spec, Path(job.spec["path"])
    total = int(spec["rows"])
    exporting.check_target(path, spec["format"], replace=spec["overwrite"])
    loaded = flow_model.load(spec["digest"], job.objects, root=job.workspace.root)
    try:
        with workbench(job) as bench:
            scored = bench.scratch / "scores.parquet"
            source = bench.connection.sql(f"SELECT * FROM {bench.source(spec['manifest'])}")
            reader = source.to_arrow_reader(BATCH_ROWS)
            yes = _write(job, _scored(loaded, reader, spec), scored, total)
            done = exporting.export(
                bench.connection,
                f"read_parquet({literal(str(scored))})",
                path,
                format=spec["format"],
                replace=spec["overwrite"],
            )
    finally:
        loaded.close()
    return {
        "model": spec["name"],
        "data": spec["data_name"],
        "path": done.path,
        "rows": done.rows,
        "bytes": done.bytes,
        "yes": yes,
    }


def _write(job: JobContext, tables: Iterator[pa.Table], path: Path, total: int) -> int | None:
    """Write batch after batch; returns how many decisions were yes, None where there is none."""
    writer: pq.ParquetWriter | None = None
    rows, yes = 0, 0
    has_decision = False
    try:
        for table in tables:
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema, compression="zstd")
                has_decision = "decision" in table.column_names
            writer.write_table(table)
            rows += table.num_rows
            if has_decision:
                yes += int(np.asarray(table.column("decision")).sum())
            job.progress(rows, total, "rows", f"scored {text.counted(rows, 'row')}")
    finally:
        if writer is not None:
            writer.close()
    return yes if has_decision else None


def _scored(
    loaded: LoadedModel, batches: pa.RecordBatchReader, spec: dict[str, Any]
) -> Iterator[pa.Table]:
    """What names a row, its score, and what follows from it."""
    manifest = loaded.manifest
    first = 0
    for rows in _tables(batches):
        scores = loaded.score_table(rows)
        bad = ~np.isfinite(scores if scores.ndim == 1 else scores.sum(axis=1))
        if bad.any():
            row = first + int(np.flatnonzero(bad)[0])
            raise FailedError(f"row {row} of {spec['data_name']}: the model gave no score.")
        named = [name for name in manifest.row_id if name in rows.column_names]
        columns: dict[str, Any] = {name: rows.column(name) for name in named}
        if not named:
            columns["row"] = pa.array(np.arange(first, first + rows.num_rows))
        if manifest.task == "multiclass":
            classes = np.asarray(manifest.classes, dtype=object)
            columns["label"] = pa.array(classes[scores.argmax(axis=1)])
            columns |= {f"p_{name}": scores[:, k] for k, name in enumerate(manifest.classes)}
        elif manifest.task == "binary":
            columns["score"] = scores
            columns["decision"] = scores >= float(spec["threshold"])
        else:
            columns["value"] = scores
        first += rows.num_rows
        yield pa.table(columns)


def _tables(batches: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The batches; one without rows when there are none, so that the file has its columns."""
    is_empty = True
    for batch in batches:
        is_empty = False
        yield pa.Table.from_batches([batch])
    if is_empty:
        yield batches.schema.empty_table()
