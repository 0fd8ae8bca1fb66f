"""What `/` can ask of the rows of the data area's tables."""

from __future__ import annotations

from console.rules.filtering import Field
from console.tui.areas.data.difference import Told
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.drift import ColumnDrift
from storage.records.profiles import ColumnProfile
from storage.records.results import Result

VERSION_FIELDS: dict[str, Field[DatasetVersion]] = {
    "version": Field(lambda each: each.version, "number"),
    "rows": Field(lambda each: each.rows, "number"),
    "verdict": Field(lambda each: each.verdict),
    "note": Field(lambda each: each.note),
    "tag": Field(lambda each: each.tags),
    "used": Field(lambda each: each.used_by),
}
COLUMN_FIELDS: dict[str, Field[ColumnProfile]] = {
    "name": Field(lambda each: each.name),
    "type": Field(lambda each: each.type),
    "nulls": Field(lambda each: each.null_count, "number"),
    "distinct": Field(lambda each: each.distinct_count, "number"),
}
MOVED_FIELDS: dict[str, Field[ColumnDrift]] = {
    "column": Field(lambda each: each.column),
    "verdict": Field(lambda each: each.verdict),
    "psi": Field(lambda each: each.primary.value, "number"),
}
DATASET_FIELDS: dict[str, Field[Dataset]] = {
    "name": Field(lambda each: each.name),
    "rows": Field(lambda each: each.latest_rows, "number"),
    "verdict": Field(lambda each: each.verdict),
}
RULE_FIELDS: dict[str, Field[Result]] = {
    "rule": Field(lambda each: each.name),
    "scope": Field(lambda each: each.scope),
    "verdict": Field(lambda each: each.verdict),
}
TOLD_FIELDS: dict[str, Field[Told]] = {
    "kind": Field(lambda each: each.section),
    "name": Field(lambda each: each.name),
    "words": Field(lambda each: each.words),
}
