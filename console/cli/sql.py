"""`mlops-console sql QUERY`: ask the data versions and the records of the workspace.

The query runs in this process, in a database in memory with the caller's own rights. It sees every
dataset as a view (`flights` is the latest version, `"flights@v3"` that one) and the records as
tables (`runs`, `jobs`, `models`, `endpoints`, `alerts`, `ledger`). The store's file stays closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import errors
from console.cli.commands import Invocation, argument, command
from console.cli.output import Column
from console.wire import alerts, datasets, endpoints, jobs, models, people, runs
from console.wire.alerts import ListAlerts
from console.wire.datasets import DatasetName
from console.wire.jobs import ListJobs
from console.wire.people import ListLedger
from console.wire.routes import Nothing
from console.wire.runs import ListRuns

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@command(
    "",
    argument("query", help="one SELECT"),
    argument("--limit", type=int, default=100, help="rows shown (default 100)"),
    examples=(
        'mlops-console sql "SELECT origin, count(*) FROM flights GROUP BY origin"',
        "mlops-console sql 'SELECT count(*) FROM \"flights@v1\"' --json",
    ),
)
def sql(invocation: Invocation) -> None:
    """Ask the store's data with SQL."""
    import duckdb

    connection = duckdb.connect(":memory:", config={"memory_limit": "2GB", "threads": 2})
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    _attach_datasets(invocation, connection)
    _attach_records(invocation, connection)
    _lock(invocation, connection)
    try:
        found = connection.execute(invocation.arguments.query)
        names = [each[0] for each in found.description or ()]
        rows = found.fetchmany(invocation.arguments.limit + 1)
    except duckdb.Error as error:
        said = str(error).strip().splitlines()[0]
        raise errors.InvalidError(
            f"the query cannot be run: {said}",
            hint='What there is: mlops-console sql "SELECT table_name FROM duckdb_tables() '
            'UNION SELECT view_name FROM duckdb_views() WHERE NOT internal"',
        ) from None
    has_more = len(rows) > invocation.arguments.limit
    rows = rows[: invocation.arguments.limit]
    document = [dict(zip(names, map(_plain, row), strict=True)) for row in rows]
    invocation.output.show(document, lambda _: _print(invocation, names, rows, has_more))


def _print(invocation: Invocation, names: list[str], rows: list[Any], has_more: bool) -> None:
    numeric = [
        all(isinstance(row[i], (int, float, type(None))) for row in rows) for i in range(len(names))
    ]
    columns = [Column(name, ">" if numeric[i] else "<") for i, name in enumerate(names)]
    invocation.output.table(columns, rows)
    if has_more:
        invocation.output.note(f"the first {len(rows)} rows; --limit shows more")


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)


def _attach_datasets(invocation: Invocation, connection: DuckDBPyConnection) -> None:
    import msgspec

    from storage import chunks
    from storage.objects import Objects
    from storage.records.chunks import Manifest

    objects = Objects(invocation.workspace.objects)
    for dataset in invocation.client.call(datasets.list_datasets, Nothing()):
        versions = invocation.client.call(datasets.list_versions, DatasetName(dataset=dataset.name))
        for version in versions:
            manifest = msgspec.convert(objects.read_json(version.manifest), Manifest)
            source = chunks.read_sql(manifest, objects)
            names = [version.name] + ([dataset.name] if version is versions[0] else [])
            for name in names:
                quoted = '"' + name.replace('"', '""') + '"'
                connection.execute(f"CREATE VIEW {quoted} AS SELECT * FROM {source}")


def _attach_records(invocation: Invocation, connection: DuckDBPyConnection) -> None:
    import msgspec
    import pyarrow as pa

    client = invocation.client
    found: dict[str, Any] = {
        "runs": client.call(runs.list_runs, ListRuns(limit=1000)),
        "jobs": client.call(jobs.list_jobs, ListJobs(limit=1000)),
        "models": client.call(models.list_models, Nothing()),
        "endpoints": [view.endpoint for view in client.call(endpoints.list_endpoints, Nothing())],
        "alerts": client.call(alerts.list_alerts, ListAlerts(limit=1000)),
        "ledger": client.call(people.list_ledger, ListLedger(limit=1000)),
    }
    for name, records in found.items():
        documents = [
            {
                field: value
                if isinstance(value, (int, float, bool, type(None)))
                else value
                if isinstance(value, str)
                else msgspec.json.encode(value).decode()
                for field, value in msgspec.to_builtins(record).items()
            }
            for record in records
        ]
        if documents:
            connection.register("incoming", pa.Table.from_pylist(documents))
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
            connection.unregister("incoming")


def _lock(invocation: Invocation, connection: DuckDBPyConnection) -> None:
    """From here on the query can read the workspace's objects and nothing else."""
    directory = str(invocation.workspace.objects).replace("'", "''")
    connection.execute(f"SET allowed_directories = ['{directory}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
