"""Data versions through a real agent and real workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console import errors
from console.client.client import Client
from console.wire import datasets as wire
from console.wire import people as people_wire
from console.wire.datasets import (
    DatasetName,
    ExportData,
    SetVersionTag,
    VersionPair,
    VersionRef,
)
from console.wire.people import ListLedger
from console.wire.routes import Nothing
from storage.records.jobs import Job
from storage.records.people import LedgerEntry
from storage.workspace import Workspace
from tests.agent.data_at_work import Data, write_table
from tests.conftest import agent_in

pytestmark = pytest.mark.process

NUMBERS = "SELECT i AS id, i * 0.5 AS half, 'n' || (i % 7) AS name FROM range({}, {}) t(i)"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of one real agent for all tests here; each has a dataset of its own."""
    workspace = Workspace.create(tmp_path_factory.mktemp("datasets"))
    with agent_in(workspace, is_warm=True):
        client = Client(workspace, start=False)
        yield client
        client.close()


@pytest.fixture
def data(shared: Client) -> Data:
    existing = shared.call(wire.list_datasets, Nothing())
    return Data(shared, f"t{len(existing)}")


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return write_table(tmp_path / "first.parquet", NUMBERS.format(0, 20_000))


def ledger(client: Client) -> list[LedgerEntry]:
    found: list[LedgerEntry] = client.call(people_wire.list_ledger, ListLedger())
    return found


def test_a_file_becomes_a_version_with_schema_profile_source_and_ledger_entry(
    data: Data, first: Path
) -> None:
    job = data.add(first, note="the first numbers", tag="start")
    assert (job.result["name"], job.result["is_new"]) == (f"{data.name}@v1", True)
    detail = data.client.call(wire.get_version, VersionRef(dataset=data.name))
    version = detail.version
    assert (version.version, version.parent, version.rows) == (1, None, 20_000)
    assert [(c.name, c.type) for c in version.columns] == [
        ("id", "BIGINT"),
        ("half", "DECIMAL(21,1)"),
        ("name", "VARCHAR"),
    ]
    assert version.tags == ("start",)
    assert version.note == "the first numbers"
    assert version.source == "first.parquet"
    assert version.source_facts["format"] == "parquet"
    assert version.added_bytes == version.bytes > 0
    assert version.job_id == job.id
    names = {column.name: column for column in detail.profile.columns}
    assert names["id"].max == 19_999
    assert names["name"].distinct_count == 7
    summaries = {each.name: each for each in data.client.call(wire.list_datasets, Nothing())}
    summary = summaries[data.name]
    assert (summary.latest_version, summary.rows_history) == (1, (20_000,))
    entries = {entry.action: entry for entry in ledger(data.client)}
    assert entries["data.add"].subject == f"{data.name}@v1"
    assert entries["data.add"].actor == version.created_by
    assert entries["data.add"].command == f"mlops-console data add {data.name} {first}"
    assert entries["data.tag"].summary == f"tags {data.name}@v1 as start"


def test_the_same_content_is_the_same_version_whatever_the_file(
    data: Data, first: Path, tmp_path: Path
) -> None:
    data.add(first)
    as_csv = write_table(tmp_path / "again.csv", f"SELECT * FROM '{first}'")
    types = {"half": "DECIMAL(21,1)"}
    job = data.add(as_csv, options={"types": types})
    assert job.result["is_new"] is False
    assert job.result["name"] == f"{data.name}@v1"
    assert "holds exactly these rows already" in job.result["message"]
    assert [each.version for each in data.versions] == [1]


def test_appended_rows_share_the_chunks_of_the_version_before(data: Data, tmp_path: Path) -> None:
    # Three chunks, of which two stay as they are.
    data.add(write_table(tmp_path / "long.parquet", NUMBERS.format(0, 200_000)))
    more = write_table(tmp_path / "more.parquet", NUMBERS.format(200_000, 202_000))
    job = data.add(more, append=True)
    assert (job.result["rows"], job.result["parent_rows"]) == (202_000, 200_000)
    newest, oldest = data.versions
    assert newest.parent == 1
    assert newest.added_bytes < newest.bytes * 0.6
    assert data.rows("v2", offset=201_999, limit=5) == [("201999", "100999.5", "n0")]
    assert data.rows("v1", offset=199_999, limit=5) == [("199999", "99999.5", "n2")]
    everything = write_table(tmp_path / "all.parquet", NUMBERS.format(0, 202_000))
    assert data.add(everything).result["name"] == f"{data.name}@v2", (
        "appending gives the same content"
    )
    assert oldest.rows == 200_000


def test_a_file_is_not_appended_twice_unless_forced(
    data: Data, first: Path, tmp_path: Path
) -> None:
    data.add(first)
    more = write_table(tmp_path / "more.parquet", NUMBERS.format(0, 10))
    data.add(more, append=True)
    for again in (more, first):
        job = data.add(again, append=True)
        assert job.result["is_new"] is False
        assert f"{again.name} is in {data.name}@v" in job.result["message"]
    assert data.add(more, append=True, force=True).result["name"] == f"{data.name}@v3"
    assert data.versions[0].rows == 20_020


def test_an_older_content_comes_back_as_the_latest_only_when_forced(
    data: Data, first: Path, tmp_path: Path
) -> None:
    data.add(first)
    other = write_table(tmp_path / "other.parquet", NUMBERS.format(0, 10))
    data.add(other)
    known = data.add(first, tag="the-old-one")
    assert known.result["name"] == f"{data.name}@v1"
    assert known.result["hint"].startswith(f"{data.name}@v2 stays the latest")
    assert data.version("the-old-one").version == 1
    assert data.add(first, force=True).result["name"] == f"{data.name}@v3"
    newest, _, oldest = data.versions
    assert newest.digest == oldest.digest
    assert newest.added_bytes == 0
    assert data.version(newest.digest[:8]).version == 3


def test_a_version_is_found_by_number_tag_and_digest(data: Data, first: Path) -> None:
    data.add(first)
    client = data.client
    digest = data.versions[0].digest
    client.call(wire.set_version_tag, SetVersionTag(dataset=data.name, version="1", tag="good"))
    for reference in ("1", "v1", "latest", "good", digest, digest[:6]):
        assert data.version(reference).version == 1
    with pytest.raises(errors.NotFoundError, match=f"{data.name} has no version 'v2'; it has v1"):
        data.version("v2")
    wrong = f"{data.name}x"
    with pytest.raises(errors.NotFoundError, match=f"there is no dataset '{wrong}'") as caught:
        client.call(wire.list_versions, DatasetName(dataset=wrong))
    assert caught.value.hint == f"Did you mean {data.name}?"


def test_tags_move_notes_change_and_the_ledger_tells_both(
    data: Data, first: Path, tmp_path: Path
) -> None:
    data.add(first)
    data.add(write_table(tmp_path / "other.parquet", NUMBERS.format(0, 10)))
    client = data.client

    def tag(version: str, name: str, **more: object) -> tuple[str, ...]:
        request = SetVersionTag(dataset=data.name, version=version, tag=name, **more)  # type: ignore[arg-type]
        tags: tuple[str, ...] = client.call(wire.set_version_tag, request).tags
        return tags

    assert tag("v1", "good") == ("good",)
    assert tag("v2", "good") == ("good",)
    assert data.version("v1").tags == ()
    assert ledger(client)[0].summary == f"tags {data.name}@v2 as good, which was v1 before"
    assert tag("v2", "", note="ten rows") == ("good",)
    assert data.version("good").note == "ten rows"
    assert tag("v2", "good", remove=True) == ()
    with pytest.raises(
        errors.NotFoundError, match=f"{data.name}@v2 has no tag 'good'; its tags: none"
    ):
        tag("v2", "good", remove=True)
    for word in ("v7", "12", "latest"):
        with pytest.raises(errors.UsageError, match="names a version already"):
            tag("v1", word)
    with pytest.raises(errors.ConsoleError, match="tag 'a b' is not allowed"):
        tag("v1", "a b")


def test_a_file_that_cannot_be_read_leaves_nothing(data: Data, tmp_path: Path) -> None:
    page = tmp_path / "page.csv"
    page.write_text("<!DOCTYPE html><html><body>502 Bad Gateway</body></html>")
    job = data.refused(page)
    assert "HTML" in job.reason
    assert job.exit_code == errors.KINDS["invalid"].exit_code
    assert data.name not in [d.name for d in data.client.call(wire.list_datasets, Nothing())]
    with pytest.raises(errors.NotFoundError):
        _ = data.versions


def test_appended_columns_must_be_those_of_the_version(
    data: Data, first: Path, tmp_path: Path
) -> None:
    data.add(first)
    odd = write_table(tmp_path / "odd.parquet", "SELECT 1::BIGINT AS id, 2.0 AS halves")
    job = data.refused(odd, append=True)
    assert "lacks half, name" in job.reason
    assert "adds halves" in job.reason
    assert [each.version for each in data.versions] == [1]


def test_a_query_makes_a_version_of_what_is_stored(data: Data, first: Path) -> None:
    data.add(first)
    names = Data(data.client, "names")
    query = f'SELECT name, count(*) AS n FROM "{data.name}@v1" GROUP BY name ORDER BY name'
    names.add(sql=query)
    assert names.rows()[0] == ("n0", "2858")
    assert names.versions[0].source.startswith("SELECT name, count(*)")
    job = names.refused(sql="SELECT * FROM nowhere")
    assert "nowhere" in job.reason
    job = names.refused(sql="SELECT * FROM read_text('/etc/passwd')")
    assert "passwd" in job.reason or "external" in job.reason.lower()


def test_requests_that_cannot_be_meant_are_refused_at_once(data: Data, first: Path) -> None:
    client = data.client
    with pytest.raises(errors.UsageError, match="name files or give a query"):
        data.start()
    with pytest.raises(errors.UsageError, match="name files or give a query"):
        data.start(first, sql="SELECT 1")
    with pytest.raises(errors.ConsoleError, match="dataset name 'My Data' is not"):
        Data(client, "My Data").start(first)
    with pytest.raises(errors.UsageError, match="is not absolute"):
        data.start(Path("relative.csv"))
    with pytest.raises(errors.UsageError, match="names a version already"):
        data.start(first, tag="latest")


def test_an_exported_version_comes_back_as_the_same_version(
    data: Data, first: Path, tmp_path: Path
) -> None:
    data.add(first)

    def export(path: Path, **more: bool) -> Job:
        request = ExportData(dataset=data.name, path=str(path), **more)
        job: Job = data.client.call(wire.export_data, request)
        return data.end(job)

    for name in ("out.parquet", "out.arrow", "out.csv.gz"):
        target = tmp_path / name
        done = export(target)
        assert done.state == "succeeded", done.reason
        assert done.result["rows"] == 20_000
        again = data.add(target, options={"types": {"half": "DECIMAL(21,1)"}})
        assert again.result["is_new"] is False, name
    with pytest.raises(errors.ConflictError, match="it exists"):
        export(tmp_path / "out.parquet")
    with pytest.raises(errors.NotFoundError, match="there is no directory"):
        export(tmp_path / "nowhere" / "out.parquet")
    with pytest.raises(errors.UsageError, match="does not say which format"):
        export(tmp_path / "out.xlsx")
    assert export(tmp_path / "out.parquet", overwrite=True).state == "succeeded"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "first.parquet",
        "out.arrow",
        "out.csv.gz",
        "out.parquet",
    ]


def test_a_diff_is_computed_once_and_kept_under_its_two_contents(
    data: Data, first: Path, tmp_path: Path
) -> None:
    data.add(first, key=("id",))
    changed = "SELECT id, half + (id % 1000 = 0)::INT AS half, name FROM '{}' WHERE id > 9"
    data.add(write_table(tmp_path / "second.parquet", changed.format(first)), key=("id",))
    pair = VersionPair(dataset=data.name, before="v1", after="v2")
    asked = data.client.call(wire.get_diff, pair)
    assert asked.diff is None
    assert data.client.call(wire.get_diff, pair).job.id == asked.job.id, "it runs already"
    ended = data.end(asked.job)
    assert ended.result["rows_changed"] == 19
    diff = data.client.call(wire.get_diff, pair).diff
    assert (diff.rows_added, diff.rows_removed, diff.rows_changed) == (0, 10, 19)
    assert (diff.before, diff.after) == (f"{data.name}@v1", f"{data.name}@v2")
    assert diff.key == ("id",)
    assert {d.column: d.cells_changed for d in diff.differences} == {
        "id": 0,
        "half": 19,
        "name": 0,
    }
    same = VersionPair(dataset=data.name, before="v2", after="v2")
    answer = data.client.call(wire.get_diff, same)
    assert answer.job is None or data.end(answer.job).state == "succeeded"
    assert data.client.call(wire.get_diff, same).diff.is_equal
    data.add(first, key=("id",), force=True)
    known = VersionPair(dataset=data.name, before="v3", after="v2")
    again = data.client.call(wire.get_diff, known)
    assert again.diff is not None, "v3 has the content of v1"
    assert again.diff.before == f"{data.name}@v3"


def test_drift_comes_from_profiles_and_names_what_moved(
    data: Data, first: Path, tmp_path: Path
) -> None:
    data.add(first)
    moved = f"SELECT id, half * 3 AS half, name FROM '{first}'"
    data.add(write_table(tmp_path / "second.parquet", moved))
    report = data.client.call(wire.get_drift, VersionPair(dataset=data.name))
    assert (report.before, report.after) == (f"{data.name}@v1", f"{data.name}@v2")
    verdicts = {column.column: column.verdict for column in report.columns}
    assert verdicts["half"] == "fail"
    assert verdicts["name"] == "pass"
    only = VersionPair(dataset=data.name, after="v1")
    with pytest.raises(errors.InvalidError, match="there is no version before it"):
        data.client.call(wire.get_drift, only)
