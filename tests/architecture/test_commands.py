"""Every promised command exists, explains itself and shows an example that parses."""

from __future__ import annotations

import shlex

import pytest

from console.cli import main
from console.cli.commands import Command

PROMISED = """
init
data add|list|show|diff|tag|export|gc|verify
contract infer|check|show
pipeline show|check|preview
train
job list|show|logs|cancel|retry|run
run list|show|compare|reproduce
gate check|show
threshold show|set
model list|show|promote|approve|rollback|history|export|import
endpoint start|stop|list|show|traffic
replay
label add
alert list|ack|silence|test
people list|grant|revoke
ledger show|verify
agent status|start|stop|logs
sql
demo
doctor
backup
restore
ci
completion
"""


def every_command() -> list[tuple[str, Command]]:
    return [(noun, each) for noun in main.NOUNS for each in main.commands_of_noun(noun)]


def test_every_promised_command_exists() -> None:
    missing = []
    for line in PROMISED.strip().splitlines():
        noun, _, verbs = line.partition(" ")
        have = {each.verb for each in main.commands_of_noun(noun)}
        missing += [f"{noun} {verb}" for verb in verbs.split("|") if verb and verb not in have]
        if not verbs and not have & {"", noun}:
            missing.append(noun)
    assert missing == []


@pytest.mark.parametrize(
    ("noun", "command"), [pytest.param(n, c, id=f"{n} {c.verb}") for n, c in every_command()]
)
def test_command_explains_itself_and_its_examples_parse(noun: str, command: Command) -> None:
    assert command.summary and command.summary[0].isupper()
    assert command.examples, "an example teaches more than a list of options"
    for example in command.examples:
        line = example
        if line.startswith("eval"):
            line = line.split("$(")[1].rstrip(')"')
        words = shlex.split(line)
        words = words[: next((i for i, word in enumerate(words) if word in (">", "|")), None)]
        assert words[0] == "mlops-console"
        _, rest = main._split_globals(words[1:])
        assert rest[0] == noun
        parsed = main.parse(noun, main.commands_of_noun(noun), rest[1:])
        assert parsed.command_to_run is command


def test_help_of_every_noun_prints_and_fits_the_overview(
    capsys: pytest.CaptureFixture[str],
) -> None:
    overview = main.overview()
    for noun in main.NOUNS:
        assert f"\n  {noun} " in overview
        with pytest.raises(SystemExit) as left:
            main.build_parser(noun, main.commands_of_noun(noun)).parse_args(["--help"])
        assert left.value.code == 0
        assert "usage:" in capsys.readouterr().out
