"""Data versions: bring in, list, look into, compare, tag, keep clean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from console.wire.routes import ANYONE, DATA, OPERATE, Nothing, Route
from storage.records.checks import CheckReport
from storage.records.contracts import Contract
from storage.records.datasets import Dataset, DatasetVersion
from storage.records.diffs import DatasetDiff
from storage.records.drift import DriftReport
from storage.records.jobs import Job
from storage.records.profiles import Profile
from storage.records.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetName:
    dataset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRef:
    """`version`: `3`, `v3`, `latest`, a tag or a digest prefix of at least 6 characters."""

    dataset: str
    version: str = "latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPair:
    dataset: str
    before: str = ""
    """Empty: the parent of `after`."""
    after: str = "latest"
    is_delivery: bool = False
    """Drift of only the rows that came with `after`, not of the table they became part of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddData:
    dataset: str
    files: tuple[str, ...] = ()
    """Absolute paths; directories and globs are expanded by the worker."""
    sql: str = ""
    """Instead of files: a DuckDB query, run in the worker."""
    append: bool = False
    """Rows are added to the latest version instead of replacing it."""
    note: str = ""
    tag: str = ""
    key: tuple[str, ...] = ()
    """Overrides the declared key."""
    options: dict[str, Any] = field(default_factory=dict)
    """How to read: delimiter, encoding, null_tokens, decimal_mark, header."""
    force: bool = False
    """Store the version although its contract fails; the verdict stays on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDetail:
    version: DatasetVersion
    profile: Profile
    results: tuple[Result, ...]
    """Contract results, worst first."""
    contract: Contract | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVersionTag:
    dataset: str
    version: str
    tag: str
    note: str = ""
    remove: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GetRows:
    dataset: str
    version: str = "latest"
    offset: int = 0
    limit: int = 200
    """At most 1,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A page of a table; every cell as text, None for null."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    offset: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffAnswer:
    """The diff when it is known, else the job that computes it."""

    diff: DatasetDiff | None = None
    job: Job | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckContract:
    dataset: str
    version: str = ""
    files: tuple[str, ...] = ()
    """Instead of a version: files that are not stored."""
    contract: str = ""
    """Path of a contract file; empty = the declared one."""
    options: dict[str, Any] = field(default_factory=dict)
    """How to read the files, as for adding them."""
    infer: bool = False
    """Draft a contract from the data instead of checking one."""
    keep: bool = False
    """With `infer`: write the draft where the contract of the dataset is looked for."""
    learning: bool = False
    """Also look for what spoils learning; then no contract is needed."""
    label: str = ""
    """Column that is to be predicted."""
    train: str = ""
    """Version of the dataset that is trained on: what is checked must not be in it."""
    group: str = ""
    """Column whose values (customer, aircraft …) must not be on both sides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOfJob:
    """`id` of an ingest or check job."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideRules:
    """What becomes of drafts, by rule ids, columns, or patterns such as `*.range`."""

    dataset: str
    accept: tuple[str, ...] = ()
    refuse: tuple[str, ...] = ()
    severity: str = ""
    """Of the accepted ones; empty = what was drafted to warn becomes an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The contract as its file says now, and the rules that were meant."""

    contract: Contract
    accepted: tuple[str, ...]
    refused: tuple[str, ...]
    path: str
    """The file that was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportData:
    dataset: str
    version: str = "latest"
    path: str
    format: str = ""
    """`parquet`, `csv`, `arrow`; empty = from the name."""
    raw: bool = False
    """CSV cells that look like formulas are written as they are."""
    overwrite: bool = False
    """Replace the file when there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectGarbage:
    dry_run: bool = True
    keep_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    objects: int
    bytes: int
    kept_objects: int
    """Referred to, or too young to tell."""
    removed: bool
    names: tuple[str, ...] = ()
    """The first 20 digests."""


list_datasets = Route(
    "list_datasets", "GET", "/v1/datasets", ANYONE, Nothing, list[Dataset],
    "All datasets with their latest version, contract verdict and size.",
)  # fmt: skip
list_versions = Route(
    "list_versions", "GET", "/v1/datasets/{dataset}/versions", ANYONE, DatasetName,
    list[DatasetVersion], "Every version of a dataset, newest first, and what uses it.",
)  # fmt: skip
get_version = Route(
    "get_version", "GET", "/v1/datasets/{dataset}/versions/{version}", ANYONE, VersionRef,
    VersionDetail, "One version with its profile and contract results.",
)  # fmt: skip
list_rows = Route(
    "list_rows", "GET", "/v1/datasets/{dataset}/versions/{version}/rows", ANYONE, GetRows, Rows,
    "A page of the rows of a version.",
)  # fmt: skip
add_data = Route(
    "add_data", "POST", "/v1/datasets/{dataset}/versions", DATA, AddData, Job,
    "Read files into a new version of a dataset, checked against its contract.",
)  # fmt: skip
set_version_tag = Route(
    "set_version_tag", "POST", "/v1/datasets/{dataset}/versions/{version}/tag", DATA,
    SetVersionTag, DatasetVersion, "Name a version, or note something about it.",
)  # fmt: skip
get_diff = Route(
    "get_diff", "POST", "/v1/datasets/{dataset}/diff", ANYONE, VersionPair, DiffAnswer,
    "What changed between two versions; starts the computation when it is not known yet.",
)  # fmt: skip
get_drift = Route(
    "get_drift", "GET", "/v1/datasets/{dataset}/drift", ANYONE, VersionPair, DriftReport,
    "Which columns moved between two versions, by how much, and whether it is more than noise.",
)  # fmt: skip
check_contract = Route(
    "check_contract", "POST", "/v1/datasets/{dataset}/check", DATA, CheckContract, Job,
    "Check a version or files against a contract, or draft one.",
)  # fmt: skip
get_check = Route(
    "get_check", "GET", "/v1/jobs/{id}/check", ANYONE, CheckOfJob, CheckReport,
    "What a check or a refused ingest found, or the contract that was drafted.",
)  # fmt: skip
get_contract = Route(
    "get_contract", "GET", "/v1/datasets/{dataset}/contract", ANYONE, DatasetName, Contract,
    "The declared contract of a dataset.",
)  # fmt: skip
decide_rules = Route(
    "decide_rules", "POST", "/v1/datasets/{dataset}/contract/decisions", DATA, DecideRules, Decided,
    "Accept or refuse drafted rules: the contract file is changed and the ledger says why.",
)  # fmt: skip
export_data = Route(
    "export_data", "POST", "/v1/datasets/{dataset}/export", DATA, ExportData, Job,
    "Write a version to a file.",
)  # fmt: skip
verify_data = Route(
    "verify_data", "POST", "/v1/datasets/{dataset}/verify", ANYONE, VersionRef, Job,
    "Read every chunk of a version again and compare its digest.",
)  # fmt: skip
collect_garbage = Route(
    "collect_garbage", "POST", "/v1/objects/gc", OPERATE, CollectGarbage, Garbage,
    "Remove stored files that nothing refers to any more.",
)  # fmt: skip
ROUTES = (
    list_datasets, list_versions, get_version, list_rows, add_data, set_version_tag, get_diff,
    get_drift, check_contract, get_check, get_contract, decide_rules,
    export_data, verify_data, collect_garbage,
)  # fmt: skip
