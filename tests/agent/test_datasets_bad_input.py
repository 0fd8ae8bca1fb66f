"""Every kind of bad file: one sentence with the way out, no traceback, nothing stored."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console import errors
from console.client.client import Client
from console.wire import datasets as wire
from console.wire.routes import Nothing
from storage.objects import Objects
from storage.records.jobs import Job
from storage.workspace import Workspace
from tests.agent.data_at_work import Data, write_table
from tests.conftest import agent_in

pytestmark = pytest.mark.process

Maker = Callable[[Path], object]


def text(content: str | bytes) -> Maker:
    def write(path: Path) -> None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def truncated_parquet(path: Path) -> None:
    whole = write_table(
        path.with_name("whole.parquet"), "SELECT i, md5(i::VARCHAR) FROM range(999) t(i)"
    )
    path.write_bytes(whole.read_bytes()[:-100])
    whole.unlink()


def link_out(path: Path) -> None:
    path.symlink_to("/etc/hostname")


CASES: dict[str, tuple[str, Maker, str]] = {
    "page": ("page.csv", text("<!DOCTYPE html><html><h1>502</h1></html>"), "HTML"),
    "empty": ("empty.csv", text(""), "is empty (0 bytes)"),
    "truncated": ("cut.parquet", truncated_parquet, "truncated"),
    "fifo": ("pipe.csv", lambda path: os.mkfifo(path), "a named pipe"),
    "link": ("link.csv", link_out, "link that leads out of its directory"),
    "directory": ("nothing", lambda path: path.mkdir(), "directory without files"),
    "binary": ("binary.csv", text(b"a,b\n1,2\n\x00\x00\x01"), "NUL"),
    "wrong-name": ("really.parquet", text("a,b\n1,2\n3,4\n"), "--format csv"),
    "open-quote": ("quote.csv", text('a,b\n1,"x\n' + "2,y\n" * 50), "quote"),
    "ragged": ("ragged.csv", text("a,b\n" + "1,2\n" * 500 + "1,2,3\n"), "line 502"),
    "broken-gzip": ("x.csv.gz", text(gzip.compress(b"a,b\n1,2\n" * 9)[:-9]), "gz"),
    "broken-json": ("x.json", text('[{"a": 1}, {"a": '), "json"),
    "pdf": ("x.csv", text(b"%PDF-1.7 not a table"), "PDF"),
    "zip": ("x.xlsx", text(b"PK\x03\x04" + b"\0" * 60), "zip"),
}  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of one agent for all bad files."""
    workspace = Workspace.create(tmp_path_factory.mktemp("bad"))
    with agent_in(workspace, is_warm=True):
        made = Client(workspace, start=False)
        yield made
        made.close()


@pytest.fixture(scope="module")
def ended(client: Client, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    """The job of every case, all queued at once."""
    directory = tmp_path_factory.mktemp("files")
    jobs = {}
    for case, (name, make, _) in CASES.items():
        path = directory / case / name
        path.parent.mkdir()
        make(path)
        jobs[case] = Data(client, case).start(path)
    return {case: Data(client).end(job, timeout_s=120) for case, job in jobs.items()}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_is_one_sentence_and_the_way_out(ended: dict[str, Job], case: str) -> None:
    job, wanted = ended[case], CASES[case][2]
    assert job.state == "failed", job.result
    assert wanted.lower() in job.reason.lower()
    assert "Traceback" not in job.reason
    assert "\n" not in job.reason
    assert len(job.reason) < 400
    assert job.exit_code != 70, "not a defect of ours"


def test_nothing_of_a_bad_file_is_stored(ended: dict[str, Job], client: Client) -> None:
    assert len(ended) == len(CASES)
    assert client.call(wire.list_datasets, Nothing()) == []
    assert list(Objects(client.workspace.objects)) == []


def test_what_is_only_odd_is_read_with_a_note(client: Client, tmp_path: Path) -> None:
    odd = {
        "bom": b"\xef\xbb\xbfid,name\n1,a\n",
        "crlf": b"id,name\r\n1,a\r\n",
        "latin": "id,name\n1,Zoë\n".encode("latin-1"),
        "utf16": "id,name\n1,Zoë\n".encode("utf-16"),
        "doubled": b"id,id\n1,2\n",
        "unnamed": b"id,\n1,2\n",
        "header": b"id,name\n",
        "huge": b"id,name\n1e400,a\n",
    }
    jobs = {}
    for name, content in odd.items():
        path = tmp_path / f"{name}.csv"
        path.write_bytes(content)
        jobs[name] = Data(client, f"odd-{name}").start(path)
    results = {name: Data(client).end(job) for name, job in jobs.items()}
    assert {name: job.state for name, job in results.items()} == dict.fromkeys(odd, "succeeded")
    assert Data(client, "odd-bom").versions[0].columns[0].name == "id"
    assert Data(client, "odd-latin").rows() == [("1", "Zoë")]
    assert Data(client, "odd-utf16").rows() == [("1", "Zoë")]
    assert any("repeats the name id" in note for note in results["doubled"].result["notes"])
    assert any("has no name" in note for note in results["unnamed"].result["notes"])
    assert results["header"].result["rows"] == 0
    assert Data(client, "odd-huge").rows() == [("1e400", "a")], "too large for a number: a text"


def test_what_cannot_fit_on_the_disk_is_not_begun(client: Client, tmp_path: Path) -> None:
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as file:
        file.truncate(1 << 43)  # 8 TiB that take no room
    for source in (huge, tmp_path):
        with pytest.raises(errors.UnavailableError, match=r"it may need 8\.8 TB on the disk"):
            Data(client, "huge").start(source)


def test_a_job_that_reads_foreign_data_has_limits(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "small.csv"
    path.write_text("id,name\n1,a\n")
    limits = Data(client, "limited").add(path).spec["limits"]
    assert limits["memory_bytes"] >= 2 << 30
    assert limits["time_s"] >= 1800


def test_a_key_that_repeats_or_is_no_column_is_refused_and_by_force_a_note(
    client: Client, tmp_path: Path
) -> None:
    path, better = tmp_path / "k.csv", tmp_path / "better.csv"
    path.write_text("id,day,x\n1,1,2\n1,2,3\n2,1,4\n")
    better.write_text("id,day,x\n1,1,2\n1,2,5\n3,3,3\n")
    data = Data(client, "keyed")
    wanted = "id is no key: 1 row repeats an earlier one, 2 rows have id = 1"
    assert wanted in data.refused(path, key=("id",)).reason
    assert (
        "the key idd is no column of it. Did you mean id?"
        in data.refused(path, key=("idd",)).reason
    )
    assert data.add(path, key=("id", "day")).result["notes"] == []

    # The key is remembered until somebody names another one or its columns are gone.
    data.add(better)
    assert keys_of(client)["keyed"] == ("id", "day")
    more = tmp_path / "more.csv"
    more.write_text("id,day,x\n3,3,9\n")
    assert "id and day are no key" in data.refused(more, append=True).reason
    forced = data.add(more, append=True, force=True)
    assert "id and day are no key" in forced.result["notes"][0]
    gone = tmp_path / "gone.csv"
    gone.write_text("number,x\n1,2\n")
    data.add(gone)
    assert keys_of(client)["keyed"] == ()
    data.add(gone, key=("number",))
    assert keys_of(client)["keyed"] == ("number",), "the rows are known, the key is new"


def keys_of(client: Client) -> dict[str, tuple[str, ...]]:
    return {each.name: each.key_columns for each in client.call(wire.list_datasets, Nothing())}
