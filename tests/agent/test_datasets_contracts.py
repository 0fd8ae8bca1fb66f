"""Contracts through a real agent: what they keep out, what they say, what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console import errors
from console.client.client import Client
from console.rules.contracts import parse
from console.wire import datasets as wire
from console.wire import people as people_wire
from console.wire.datasets import CheckContract, CheckOfJob, DatasetName, DecideRules, VersionRef
from console.wire.people import ListLedger
from console.wire.routes import Nothing
from storage.records.checks import CheckReport
from storage.workspace import Workspace
from tests.agent.data_at_work import Data, write_table
from tests.conftest import agent_in

pytestmark = pytest.mark.process

HEAD = """\
apiVersion: v3.2.0
kind: DataContract
id: {name}
version: 1.0.0
status: active
name: {name}
schema:
  - name: {name}
    properties:
"""
KEYED = (
    HEAD
    + """\
      - {{name: id, logicalType: integer, primaryKey: true}}
      - {{name: room, logicalType: string, required: true, relationships: [{{to: rooms.room}}]}}
      - name: heat
        logicalType: number
        logicalTypeOptions: {{minimum: 0, maximum: 100}}
        quality:
          - type: custom
            engine: mlops-console
            implementation: {{rule: range, maxRate: 0.1, targetRate: 0.01}}
    quality:
      - {{type: library, metric: rowCount, mustBeBetween: [5, 1000]}}
"""
)
ROWS = "SELECT i AS id, 'r' || (i % 3) AS room, (i % 100)::DOUBLE AS heat FROM range({}, {}) t(i)"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of one agent whose workspace declares the contracts of all tests here."""
    workspace = Workspace.create(tmp_path_factory.mktemp("contracts"))
    names = ("sensors", "typo", "regex", "trend", "drafted", "latin")
    declared = [f'[datasets.{name}]\ncontract = "{name}.yaml"\n' for name in names]
    workspace.declaration.write_text(
        "\n".join([*declared, '[datasets.gone]\ncontract = "no.yaml"\n'])
    )
    for name in ("sensors", "trend"):
        (workspace.root / f"{name}.yaml").write_text(KEYED.format(name=name))
    (workspace.root / "typo.yaml").write_text(
        HEAD.format(name="typo") + "      - {name: id, logicalTyp: integer}\n"
    )
    (workspace.root / "regex.yaml").write_text(
        HEAD.format(name="regex")
        + "      - name: id\n        logicalType: string\n"
        + "        logicalTypeOptions: {pattern: 'a(?=b)'}\n"
    )
    (workspace.root / "latin.yaml").write_bytes("# Zürich\n".encode("latin-1"))
    with agent_in(workspace, is_warm=True):
        made = Client(workspace, start=False)
        rooms = "SELECT 'r' || i AS room FROM range(3) t(i)"
        Data(made, "rooms").add(write_table(workspace.root / "rooms.csv", rooms))
        yield made
        made.close()


def report_of(client: Client, job_id: int) -> CheckReport:
    found: CheckReport = client.call(wire.get_check, CheckOfJob(id=job_id))
    return found


def names(client: Client) -> list[str]:
    return [each.name for each in client.call(wire.list_datasets, Nothing())]


def test_a_delivery_is_judged_by_itself_and_keys_in_the_whole_table(
    client: Client, tmp_path: Path
) -> None:
    data = Data(client, "sensors")
    data.add(write_table(tmp_path / "one.parquet", ROWS.format(0, 600)))
    job = data.add(write_table(tmp_path / "two.parquet", ROWS.format(600, 1200)), append=True)
    assert job.result["verdict"] == "pass", "600 rows came, although 1,200 are there now"
    again = data.refused(
        write_table(tmp_path / "three.parquet", ROWS.format(1190, 1800)), append=True
    )
    assert again.exit_code == errors.KINDS["refused"].exit_code
    assert "primary key" in again.reason
    report = report_of(client, again.id)
    key = next(each for each in report.results if each.verdict == "fail")
    assert (key.name, key.scope) == ("primary key", "column:id")
    assert key.value == pytest.approx(10 / 1810)
    assert any("id = '1190'" in text for _, text in key.detail)
    assert [version.version for version in data.versions] == [2, 1]
    detail = client.call(wire.get_version, VersionRef(dataset="sensors", version="v2"))
    assert detail.contract.key == ("id",)
    assert len(detail.results) == len(report.results)
    assert client.call(wire.list_datasets, Nothing())[-1].key_columns == ("id",)


def test_results_tell_the_trend_since_the_version_before(client: Client, tmp_path: Path) -> None:
    data = Data(client, "trend")
    data.add(write_table(tmp_path / "one.parquet", ROWS.format(0, 500)))
    warmer = ROWS.format(500, 1000).replace("(i % 100)::DOUBLE", "(i % 104)::DOUBLE")
    job = data.add(write_table(tmp_path / "two.parquet", warmer), append=True)
    assert job.result["verdict"] == "warn"
    results = client.call(wire.get_version, VersionRef(dataset="trend")).results
    heat = next(each for each in results if each.scope == "column:heat" and each.name == "range")
    assert heat.verdict == "warn"
    assert heat.previous == 0.0
    assert heat.value is not None
    assert 0.01 < heat.value < 0.1
    assert "change" in dict(heat.detail)


def test_a_foreign_key_is_looked_for_in_the_latest_version_of_the_other_dataset(
    client: Client, tmp_path: Path
) -> None:
    strangers = ROWS.format(0, 50).replace("% 3", "% 5")
    file = write_table(tmp_path / "strangers.csv", strangers)
    request = CheckContract(dataset="sensors", files=(str(file),), options={})
    ended = Data(client).end(client.call(wire.check_contract, request))
    report = report_of(client, ended.id)
    assert report.verdict == "fail"
    failed = next(each for each in report.results if each.name == "reference")
    assert failed.value == pytest.approx(0.4)
    assert report.subject == "strangers.csv"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("typo", "typo.yaml, line 10: "),
        ("regex", "regex.yaml, line 12: "),
    ],
)
def test_a_contract_that_cannot_be_checked_is_refused_with_its_line(
    client: Client, tmp_path: Path, name: str, sentence: str
) -> None:
    job = Data(client, name).refused(write_table(tmp_path / "one.csv", ROWS.format(0, 9)))
    assert sentence in job.reason
    assert name not in names(client)
    with pytest.raises(errors.InvalidError, match=sentence):
        client.call(wire.get_contract, DatasetName(dataset=name))


def test_a_contract_file_that_is_not_there_or_not_text_is_told_at_once(
    client: Client, tmp_path: Path
) -> None:
    file = write_table(tmp_path / "one.csv", ROWS.format(0, 9))
    with pytest.raises(errors.NotFoundError, match=r"there is no contract file .*no\.yaml"):
        Data(client, "gone").start(file)
    with pytest.raises(errors.InvalidError, match="not UTF-8: line 1 has the byte 0xfc"):
        Data(client, "latin").start(file)
    request = CheckContract(dataset="rooms", options={})
    with pytest.raises(errors.NotFoundError, match=r"rooms has no contract .* no contracts/rooms"):
        client.call(wire.check_contract, request)


def test_a_draft_is_a_contract_that_its_data_meets(client: Client, tmp_path: Path) -> None:
    file = write_table(tmp_path / "one.parquet", ROWS.format(0, 2000))
    request = CheckContract(dataset="drafted", files=(str(file),), options={}, infer=True)
    ended = Data(client).end(client.call(wire.check_contract, request))
    assert ended.state == "succeeded", ended.reason
    report = report_of(client, ended.id)
    drafted = parse(report.draft, "draft.yaml")
    assert [column.name for column in drafted.columns] == ["id", "room", "heat"]
    assert all(rule.status == "draft" for rule in drafted.rules)
    path = client.workspace.root / "drafted.yaml"
    path.write_text(report.draft)
    job = Data(client, "drafted").add(file)
    assert job.result["verdict"] == "pass"
    assert client.call(wire.get_contract, DatasetName(dataset="drafted")).status == "draft"


def test_drafted_rules_are_decided_on_in_their_file_and_in_the_ledger(
    client: Client, tmp_path: Path
) -> None:
    good = write_table(tmp_path / "good.parquet", ROWS.format(0, 2000))
    data = Data(client, "decided")
    data.add(good)
    asked = CheckContract(dataset="decided", version="v1", options={}, infer=True, keep=True)
    ended = data.end(client.call(wire.check_contract, asked))
    assert ended.state == "succeeded", ended.reason
    path = client.workspace.root / "contracts/decided.odcs.yaml"
    assert "contract accept decided RULE" in path.read_text()
    with pytest.raises(errors.ConflictError, match="decided has a contract, contracts/decided"):
        client.call(wire.check_contract, asked)

    # While it is a draft nothing is refused; what is agreed stops.
    odd = write_table(tmp_path / "odd.parquet", ROWS.format(5000, 7000))
    assert data.add(odd).result["verdict"] == "warn"
    request = DecideRules(dataset="decided", accept=("id.range",), refuse=("room",))
    found = client.call(wire.decide_rules, request)
    assert found.accepted == ("id.range",)
    assert all(rule.startswith("room.") for rule in found.refused)
    odd = write_table(tmp_path / "odder.parquet", ROWS.format(6000, 8000))
    assert "id range" in data.refused(odd).reason
    entries = client.call(people_wire.list_ledger, ListLedger(limit=3))[1:]
    assert {each.action for each in entries} == {"contract.accept", "contract.refuse"}
    assert all(each.subject == "decided" for each in entries)

    for wrong, kind in (
        (DecideRules(dataset="decided", accept=("id.rnge",)), errors.NotFoundError),
        (DecideRules(dataset="decided", accept=("id.range",)), errors.ConflictError),
        (DecideRules(dataset="decided", accept=("heat",), refuse=("heat",)), errors.UsageError),
        (DecideRules(dataset="decided", accept=("heat",), severity="huge"), errors.UsageError),
        (DecideRules(dataset="decided"), errors.UsageError),
        (DecideRules(dataset="rooms", accept=("heat",)), errors.NotFoundError),
    ):
        with pytest.raises(kind):
            client.call(wire.decide_rules, wrong)


def test_what_spoils_learning_is_found_without_a_contract(client: Client, tmp_path: Path) -> None:
    rows = (
        "SELECT i AS id, i % 7 AS a, (i % 2)::DOUBLE * 3 AS leak, 5 AS same, i % 2 AS label "
        "FROM range({}, {}) t(i)"
    )
    data = Data(client, "lessons")
    data.add(write_table(tmp_path / "train.parquet", rows.format(0, 3000)), key=("id",))
    data.add(write_table(tmp_path / "test.parquet", rows.format(2900, 3500)), key=("id",))
    request = CheckContract(
        dataset="lessons", version="v2", options={}, learning=True, label="label", train="v1"
    )
    report = report_of(client, Data(client).end(client.call(wire.check_contract, request)).id)
    found = {(each.name, each.scope): each for each in report.results}
    assert found["contamination", ""].value == 1.0
    assert found["contamination", ""].verdict == "fail"
    assert found["dead column", "column:same"].verdict == "warn"
    leaks = [each for each in report.results if each.scope == "column:leak"]
    assert leaks[0].verdict == "fail"
    assert report.verdict == "fail"
    assert report.contract is None
    wrong = CheckContract(dataset="lessons", options={}, learning=True, label="nothing")
    ended = Data(client).end(client.call(wire.check_contract, wrong))
    assert "there is no column nothing" in ended.reason
