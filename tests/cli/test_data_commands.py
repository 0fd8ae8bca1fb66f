"""`mlops-console data …` and `contract …` as people and scripts meet them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console import errors
from console.cli.datasets import version_pair
from console.wire.datasets import VersionPair
from storage.workspace import Workspace
from tests.agent.data_at_work import write_table
from tests.conftest import Said, agent_in, run_command

Cli = Callable[..., Said]

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: sensors
version: 1.0.0
status: active
name: sensors
schema:
  - name: sensors
    properties:
      - name: id
        logicalType: integer
        primaryKey: true
      - name: heat
        logicalType: number
        logicalTypeOptions: {minimum: 0, maximum: 100}
"""
ROWS = "SELECT i AS id, (i % 100)::DOUBLE AS heat, 'room ' || (i % 3) AS room FROM range({}) t(i)"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with a running agent, a contract and one dataset, `sensors`, of two versions."""
    made = Workspace.create(tmp_path_factory.mktemp("data"))
    (made.root / "sensors.yaml").write_text(CONTRACT)
    made.declaration.write_text(
        '[datasets.sensors]\nkey = ["id"]\ncontract = "sensors.yaml"\nnote = "three rooms"\n'
    )
    write_table(made.root / "one.parquet", ROWS.format(1000))
    write_table(made.root / "two.csv", ROWS.format(1200))
    with agent_in(made, is_warm=True):
        for file in ("one.parquet", "two.csv"):
            # One of many commands here that is a process, as everywhere outside of tests.
            said = run_command(made, "data", "add", "sensors", file)
            assert said.code == 0, said
        yield made


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        (["t@v1..v3"], "v1", "v3"),
        (["t@v1", "t@v3"], "v1", "v3"),
        (["t@v1", "v3"], "v1", "v3"),
        (["t", "v1", "v3"], "v1", "v3"),
        (["t@v3"], "", "v3"),
        (["t"], "", "latest"),
        (["t@v1.."], "v1", "latest"),
    ],
)
def test_two_versions_can_be_named_in_every_usual_way(
    words: list[str], before: str, after: str
) -> None:
    assert version_pair(words) == VersionPair(dataset="t", before=before, after=after)


def test_versions_of_two_datasets_are_not_compared() -> None:
    with pytest.raises(errors.UsageError, match="only versions of one"):
        version_pair(["a@v1", "b@v2"])


@pytest.mark.process
def test_text_and_json_tell_the_same(stored: Workspace, cli: Cli) -> None:
    listed = json.loads(cli(stored, "data", "list", "--json").out)
    assert [(d["name"], d["latest_version"], d["latest_rows"]) for d in listed] == [
        ("sensors", 2, 1200)
    ]
    table = cli(stored, "data", "list").out.splitlines()
    assert table[0].split()[:3] == ["dataset", "latest", "rows"]
    assert table[1].startswith("sensors  v2      1 200")
    assert table[1].endswith("three rooms")
    versions = json.loads(cli(stored, "data", "list", "sensors", "--json").out)
    assert [v["version"] for v in versions] == [2, 1]
    assert "+200" in cli(stored, "data", "list", "sensors").out


@pytest.mark.process
def test_show_has_columns_shapes_and_the_contract(stored: Workspace, cli: Cli) -> None:
    out = cli(stored, "data", "show", "sensors@v1").out
    assert out.startswith("sensors@v1  1 000 rows, 3 columns")
    assert "from      one.parquet" in out
    assert "contract  ● pass" in out
    heat = next(line for line in out.splitlines() if line.startswith("heat"))
    assert heat.split()[:7] == ["heat", "DOUBLE", "–", "100", "0", "49", "99"]
    assert "█" in heat
    room = next(line for line in out.splitlines() if line.startswith("room"))
    assert "room 0 33 % · room 1 33 % · room 2 33 %" in room


@pytest.mark.process
def test_adding_the_same_twice_says_so_and_succeeds(stored: Workspace, cli: Cli) -> None:
    said = cli(stored, "data", "add", "sensors", "one.parquet")
    assert said.code == 0
    assert "sensors@v1 holds exactly these rows already; nothing was added." in said.out
    assert "sensors@v2 stays the latest" in said.err
    result = json.loads(cli(stored, "data", "add", "sensors", "two.csv", "--json").out)
    assert (result["name"], result["is_new"]) == ("sensors@v2", False)


@pytest.mark.process
def test_rows_are_paged_and_nulls_are_a_dash(stored: Workspace, cli: Cli) -> None:
    said = cli(stored, "data", "rows", "sensors@v1", "--offset", "998", "--limit", "5")
    assert [line.split() for line in said.out.splitlines()] == [
        ["row", "id", "heat", "room"],
        ["999", "998", "98.0", "room", "2"],
        ["1000", "999", "99.0", "room", "0"],
    ]
    first = cli(stored, "data", "rows", "sensors@v1", "--limit", "2")
    assert "go on with --offset 2" in first.err


@pytest.mark.process
@pytest.mark.parametrize(
    ("words", "kind", "sentence", "hint"),
    [
        (["data", "show", "sensor"], "not_found", "no dataset 'sensor'", "Did you mean sensors?"),
        (["data", "show", "sensors@v9"], "not_found", "it has v2, v1", "data list sensors"),
        (["data", "add", "x", "one.parque"], "not_found", "no file one.parque", "one.parquet?"),
        (["data", "add", "x"], "usage", "name files or give a query", "january.parquet"),
        (["data", "diff", "sensors@v1"], "invalid", "no version before it", "Name two versions"),
        (["data", "tag", "sensors", "v7"], "usage", "names a version already", "Take a word"),
        (["data", "export", "sensors", "x.xlsx"], "usage", "which format", "--format"),
        (["contract", "show", "nothing"], "not_found", "no dataset 'nothing'", "data add"),
        (["data", "add", "x", "one.parquet", "--type", "id"], "usage", "names no column", "--type"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_a_way_out(
    stored: Workspace, cli: Cli, words: list[str], kind: str, sentence: str, hint: str
) -> None:
    said = cli(stored, *words)
    assert said.code == errors.KINDS[kind].exit_code, said
    assert said.out == ""
    message, *way_out = said.err.splitlines()
    assert sentence in message
    assert hint in " ".join(way_out)
    document: dict[str, Any] = json.loads(cli(stored, *words, "--json").err.splitlines()[-1])
    assert document["error"] == kind


@pytest.mark.process
def test_a_contract_that_fails_keeps_the_version_out_unless_forced(
    stored: Workspace, cli: Cli, tmp_path: Path
) -> None:
    hot = write_table(tmp_path / "hot.csv", ROWS.format(50).replace("% 100", "* 7"))
    refused = cli(stored, "data", "add", "hot", str(hot))
    assert refused.code == 0, "no contract is declared for this name"
    refused = cli(stored, "data", "add", "sensors", str(hot))
    assert refused.code == errors.KINDS["refused"].exit_code
    assert "range" in refused.out
    assert "heat" in refused.err
    forced = cli(stored, "data", "add", "sensors", str(hot), "--force", "--note", "a heat wave")
    assert forced.code == 0
    assert "contract fail" in forced.out
    version = json.loads(cli(stored, "data", "show", "sensors", "--json").out)["version"]
    assert (version["version"], version["verdict"], version["note"]) == (3, "fail", "a heat wave")
    again = cli(stored, "contract", "check", "sensors@v3")
    assert again.code == errors.KINDS["refused"].exit_code
    assert "row 22 heat = '147.0', id = '21'" in again.out
    assert cli(stored, "contract", "check", "sensors@v1").code == 0


@pytest.mark.process
def test_a_queued_ingest_can_be_left_alone(stored: Workspace, cli: Cli) -> None:
    said = cli(stored, "data", "add", "later", "one.parquet", "--detach")
    assert said.code == 0
    assert said.out.startswith("job ")
    job = said.out.split()[1]
    assert f"mlops-console job logs -f {job}" in said.err


@pytest.mark.process
def test_hostile_text_in_data_never_reaches_the_terminal(
    stored: Workspace, cli: Cli, tmp_path: Path
) -> None:
    evil = tmp_path / "evil.csv"
    evil.write_text('name,"c\x1b[31mred"\n"\x1b]0;owned\x07x",1\n"a\u202eb",2\n')
    assert cli(stored, "data", "add", "evil", str(evil), "--note", "\x1b[2Jgone").code == 0
    for words in (["show", "evil"], ["rows", "evil"], ["list"], ["list", "evil"]):
        said = cli(stored, "data", *words)
        assert said.code == 0
        assert not set("\x1b\x07\u202e") & set(said.out + said.err), words


def test_drafts_are_shown_with_evidence_and_decided_on_one_by_one(
    stored: Workspace, cli: Cli
) -> None:
    write_table(stored.root / "rooms.parquet", "SELECT i AS id, 'x' AS kind FROM range(1500) t(i)")
    place = "contracts/rooms.odcs.yaml"
    said = cli(stored, "contract", "infer", "rooms", "rooms.parquet", "-o", place, cwd=stored.root)
    assert said.code == 0 and "It holds from now on" in said.err, said
    shown = cli(stored, "contract", "show", "rooms")
    assert "Drafts  " in shown.out and "to decide on; they only warn" in shown.out
    assert "1,500 values, all different" in shown.out
    accepted = cli(stored, "contract", "accept", "rooms", "id.unique", "*.type")
    assert accepted.out.splitlines() == [
        f"accepted 3 rules in {place}", "  id.type", "  id.unique", "  kind.type"
    ]  # fmt: skip
    assert "contract show rooms" in accepted.err
    refused = cli(stored, "contract", "refuse", "rooms", "--all", "--json")
    found = json.loads(refused.out)
    assert found["accepted"] == [] and "row_count" in found["refused"]
    assert found["contract"]["status"] == "active"
    nothing = cli(stored, "contract", "accept", "rooms", "id.unique")
    assert nothing.code == errors.KINDS["conflict"].exit_code
    assert "no draft any more" in nothing.err
    unnamed = cli(stored, "contract", "accept", "rooms")
    assert unnamed.code == errors.KINDS["usage"].exit_code and "--all" in unnamed.err
