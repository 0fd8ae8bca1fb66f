"""What people get wrong at the command line: one sentence, the way out, nothing half done."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.errors import KINDS
from storage.workspace import Workspace
from tests.conftest import Said, agent_in, call_command, run_command

pytestmark = pytest.mark.process

DECLARATION = """\
[datasets.customers]

[pipelines.churn]
input = "customers"
target = "churned"
estimator = "sklearn.linear_model.LogisticRegression"
split = { kind = "random", holdout_ratio = 0.2, folds = 2 }
metrics = ["roc_auc"]

[[pipelines.churn.steps]]
name = "features"
flow = "both"
sql = "SELECT plan, age FROM this"

[pipelines.stumbling]
input = "customers"
target = "churned"
estimator = "sklearn.linear_model.LogisticRegression"
split = { kind = "random", holdout_ratio = 0.2, folds = 2 }

[[pipelines.stumbling.steps]]
name = "features"
flow = "both"
function = "stumbling:features"

[endpoints.churn]
model = "churn"
port = PORT
"""


def customers(rows: int = 300) -> str:
    lines = [f"{i % 60 + 20},{'ab'[i % 2]},{int(i % 60 > 30)}" for i in range(rows)]
    return "\n".join(["age,plan,churned", *lines, ""])


@pytest.fixture(scope="module")
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, taken_port: int) -> Iterator[Workspace]:
    """A workspace with customers@v1 and the champion churn@v1; the port to serve it is taken."""
    made = Workspace.create(tmp_path_factory.mktemp("shop"))
    made.declaration.write_text(DECLARATION.replace("PORT", str(taken_port)))
    (made.root / "customers.csv").write_text(customers())
    (made.root / "stumbling.py").write_text(
        "def features(frame):\n    raise ValueError('no such plan: gold')\n"
    )
    with agent_in(made, is_warm=True):
        for words in (
            ("data", "add", "customers", "customers.csv"),
            ("train", "churn"),
            ("model", "promote", "churn", "--override", "--reason", "no gate here"),
        ):
            done = call_command(made, *words)
            assert done.code == 0, done.err
        yield made


def refused(done: Said, kind: str, *wanted: str) -> None:
    assert done.code == KINDS[kind].exit_code, done.err
    assert "Traceback" not in done.err
    for words in wanted:
        assert words in done.err


def test_a_port_that_is_taken_is_named_and_nothing_is_left_to_serve(
    shop: Workspace, taken_port: int
) -> None:
    done = call_command(shop, "endpoint", "start", "churn")
    assert done.code not in (0, KINDS["internal"].exit_code)
    assert str(taken_port) in done.err
    assert "Traceback" not in done.err
    listed = json.loads(call_command(shop, "endpoint", "list", "--json").out)
    assert [each["state"] for each in listed if each["state"] in ("ready", "starting")] == []


def test_a_step_that_raises_ends_the_training_with_its_words_and_makes_no_version(
    shop: Workspace,
) -> None:
    refused(call_command(shop, "train", "stumbling"), "failed", "no such plan: gold", "job logs")
    models = json.loads(call_command(shop, "model", "list", "--json").out)
    assert [each["name"] for each in models if each["version_count"]] == ["churn"]
    assert call_command(shop, "--json", "job", "list", "--state", "active").out.strip() == "[]"


def test_a_second_agent_names_the_first_and_leaves(shop: Workspace) -> None:
    status = json.loads(call_command(shop, "agent", "status", "--json").out)
    second = run_command(shop, module="console.agent.main")
    refused(second, "conflict", str(status["pid"]), "mlops-console agent stop")


def test_a_typo_in_the_declaration_is_named_with_its_place_and_the_nearest_key(
    workspace: Workspace, cli: Callable[..., Said]
) -> None:
    workspace.declaration.write_text('[workspace]\nname = "w"\n\n[pipelins.churn]\ninput = "c"\n')
    refused(cli(workspace, "pipeline", "list"), "invalid", "line 4, column 2", "'pipelines'")
    assert cli(workspace, "data", "list").code == 0
    assert cli(workspace, "agent", "stop").code == 0


def test_columns_that_changed_since_the_version_before_are_told_with_rows(shop: Workspace) -> None:
    lines = customers(299).splitlines()
    lines[6], lines[11] = "n.a.,a,1", "n.a.,b,0"
    (shop.root / "text.csv").write_text("\n".join(lines) + "\n")
    done = call_command(shop, "data", "add", "customers", "text.csv")
    assert done.code == 0
    assert "age was BIGINT in customers@v1 and is VARCHAR now" in done.out
    assert "'n.a.' in rows 6 and 11" in done.out
    (shop.root / "narrow.csv").write_text("age\n20\n30\n")
    done = call_command(shop, "data", "add", "customers", "narrow.csv")
    assert "plan and churned of customers@v2 are not there any more" in done.out


def test_a_model_goes_to_a_file_and_comes_back_proven(shop: Workspace) -> None:
    file = shop.root / "churn.zip"
    assert call_command(shop, "model", "export", "churn@v1", str(file)).code == 0
    refused(call_command(shop, "model", "export", "churn@v1", str(file)), "conflict", "exists")
    refused(call_command(shop, "model", "import", "twin", str(file)), "refused", "--trust")
    refused(call_command(shop, "model", "import", "Twin 2", str(file), "--trust"), "invalid", "a-z")
    done = call_command(shop, "--json", "model", "import", "twin", str(file), "--trust")
    assert done.code == 0, done.err
    assert "sample scores equal" in json.loads(done.out)["self_check"]
    twin = json.loads(call_command(shop, "model", "show", "twin@v1", "--json").out)
    assert twin["manifest"]["is_own"] is False
    assert twin["version"]["run_id"] is None
    entries = json.loads(call_command(shop, "ledger", "show", "--json").out)
    assert any(each["summary"] == "registers twin@v1 from a file" for each in entries)


@pytest.fixture(scope="module")
def whole(shop: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The champion as a file."""
    file = tmp_path_factory.mktemp("file") / "whole.zip"
    assert call_command(shop, "model", "export", "churn@v1", str(file)).code == 0
    return file


@pytest.mark.parametrize(
    ("damage", "kind", "words"),
    [
        ("altered", "damaged", "was altered"),
        ("missing", "damaged", "is missing"),
        ("cut", "invalid", "is not a model file"),
        ("other", "invalid", "is not a model file"),
    ],
)
def test_a_model_file_that_is_not_whole_registers_nothing(
    shop: Workspace, whole: Path, tmp_path: Path, damage: str, kind: str, words: str
) -> None:
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(bad, "w") as target:
        for number, name in enumerate(source.namelist()):
            data = source.read(name)
            if number == 2 and damage == "missing":
                continue
            target.writestr(name, data[:-1] + b"?" if number == 2 else data)
    if damage == "cut":
        bad.write_bytes(whole.read_bytes()[:2000])
    elif damage == "other":
        shutil.copy(shop.root / "customers.csv", bad)
    refused(call_command(shop, "model", "import", "bad", str(bad), "--trust"), kind, words)
    refused(call_command(shop, "model", "show", "bad@v1"), "not_found")


def test_taking_a_role_that_nobody_has_changes_nothing(shop: Workspace) -> None:
    assert call_command(shop, "people", "grant", "ben", "viewer").code == 0
    before = call_command(shop, "ledger", "show", "--json").out
    assert call_command(shop, "people", "grant", "ben", "viewer").code == 0
    assert call_command(shop, "people", "revoke", "ben", "devops").code == 0
    assert call_command(shop, "ledger", "show", "--json").out == before


@pytest.mark.parametrize("shell", ["bash"])
def test_the_completion_script_completes(shell: str, tmp_path: Path) -> None:
    script = run_command(None, "completion", shell).out
    (tmp_path / "complete").write_text(script)
    asked = (
        f"source {tmp_path}/complete; COMP_WORDS=(mlops-console mod); COMP_CWORD=1; "
        'COMP_LINE="mlops-console mod"; COMP_POINT=${#COMP_LINE}; '
        '$(complete -p mlops-console | sed "s/.*-F \\([^ ]*\\).*/\\1/") mlops-console mod '
        'mlops-console; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", asked], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.split() == ["model"], done.stderr


@pytest.mark.parametrize("asked", [("--help",), ("-h",), ("help",), ("--json", "--help")])
def test_help_is_given_after_the_global_options_too(
    shop: Workspace, asked: tuple[str, ...]
) -> None:
    done = run_command(shop, *asked)  # with --workspace before it
    assert done.code == 0, done.err
    assert done.out.startswith("usage: mlops-console")
    of_command = call_command(shop, "data", "--help")
    assert "usage: mlops-console data" in of_command.out
