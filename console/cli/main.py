"""The command line: finds the command by its words, imports only its row, runs it.

    mlops-console [--workspace W] [--json] NOUN VERB ...

Invariant: whatever goes wrong becomes one sentence and the exit code of its kind.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from console import __version__, errors
from console.cli.commands import Command, Invocation, commands_of
from console.cli.output import Output
from storage.errors import StorageError

NOUNS: dict[str, tuple[str, str]] = {
    "init": ("workspaces", "make a directory a workspace"),
    "status": ("status", "what needs you and how every stage stands, as text"),
    "data": ("datasets", "data versions: add, list, show, diff, drift, tag, export, gc, verify"),
    "contract": ("contracts", "what data must look like: infer, accept, refuse, check, show"),
    "pipeline": ("pipelines", "declared flows: show, check, preview"),
    "train": ("train", "train a pipeline's model"),
    "job": ("jobs", "running work: list, show, logs, cancel, retry, run"),
    "run": ("runs", "trainings: list, show, compare, diff, file, view, reproduce"),
    "model": (
        "models",
        "versions: list, show, evaluate, predict, promote, approve, rollback",
    ),
    "gate": ("gates", "validation thresholds: check, show"),
    "threshold": ("thresholds", "the decision threshold: show, set"),
    "endpoint": ("endpoints", "serving: start, stop, list, show, traffic"),
    "replay": ("replay", "send a data version to an endpoint as real requests"),
    "label": ("labels", "tell what became of earlier requests"),
    "alert": ("alerts", "list, show, ack, silence, test"),
    "people": ("people", "who may do what: list, grant, revoke"),
    "ledger": ("ledger", "everything that was changed: show, verify"),
    "agent": ("agent", "the process that owns the store: status, start, stop, logs"),
    "sql": ("sql", "ask the store's data with SQL"),
    "demo": ("demo", "a year of New York flights, trained, served and drifting"),
    "ci": ("ci", "check, train and judge without a terminal"),
    "doctor": ("doctor", "what is wrong with this workspace, and the way out"),
    "backup": ("workspaces", "copy the whole workspace state"),
    "restore": ("workspaces", "bring a backup back"),
    "config": ("config", "settings: show where each value comes from"),
    "completion": ("completion", "shell completion for bash, zsh or fish"),
}
"""Noun -> row module in console/cli and what it is for; several nouns may share a row."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise errors.UsageError(
            f"{self.prog}: {message}.", hint=f"See the arguments: {self.prog} --help"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    output = Output(as_json="--json" in _before_separator(words))
    try:
        return _dispatch(words, output)
    except (errors.ConsoleError, StorageError) as refusal:
        output.refusal(refusal.kind, refusal.message, refusal.hint, refusal.data)
        return errors.KINDS[refusal.kind].exit_code
    except BrokenPipeError:
        # The reader has gone (`| head`); nothing more can be said to anybody.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - closed with the process
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception:
        place = keep_traceback()
        output.refusal(
            "internal",
            "the command stopped on a defect of mlops-console.",
            f"What happened is in {place}.",
            {},
        )
        return errors.KINDS["internal"].exit_code


def keep_traceback() -> Path:
    """Write the traceback being handled where a maintainer can be sent it from."""
    import tempfile
    import traceback

    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    place = Path(base).expanduser() / "mlops-console" / "defect.log"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(traceback.format_exc(), encoding="utf-8")
    except OSError:
        with tempfile.NamedTemporaryFile("w", delete=False, suffix="-defect.log") as spare:
            spare.write(traceback.format_exc())
        place = Path(spare.name)
    return place


def _dispatch(words: list[str], output: Output) -> int:
    globals_, rest = _split_globals(words)
    if globals_.version:
        output.line(f"mlops-console {__version__}")
        return 0
    if not rest or globals_.help:
        output.line(overview())
        return 0
    noun = rest[0]
    if noun not in NOUNS:
        near = get_close_matches(noun, NOUNS, n=1)
        hint = f"Did you mean: mlops-console {near[0]}" if near else "See: mlops-console --help"
        raise errors.UsageError(f"there is no command {noun!r}.", hint=hint)
    arguments = parse(noun, commands_of_noun(noun), rest[1:])
    output.quiet = globals_.quiet
    invocation = Invocation(arguments, output, globals_.workspace)
    try:
        return arguments.command_to_run.run(invocation) or 0
    finally:
        invocation.close()


def commands_of_noun(noun: str) -> list[Command]:
    module = importlib.import_module(f"console.cli.{NOUNS[noun][0]}")
    found = commands_of(module)
    shared = [other for other, (row, _) in NOUNS.items() if row == NOUNS[noun][0]]
    if len(shared) > 1:
        return [each for each in found if each.verb == noun]
    return found


def parse(noun: str, commands: list[Command], words: list[str]) -> argparse.Namespace:
    """Parse the words after a noun; options and names may stand in any order.

    A sub-parser would take `data add NAME --append FILE` for a name without files, so the verb is
    found first and its own parser reads the rest.
    """
    by_verb = {each.verb: each for each in commands}
    if len(commands) == 1 and commands[0].verb in ("", noun):
        command, rest = commands[0], words
    elif words and words[0] in by_verb:
        command, rest = by_verb[words[0]], words[1:]
    else:
        return build_parser(noun, commands).parse_args(words)
    parser = _fill(_Parser(prog=_program(noun, command), **_texts(command)), command)
    # After `--` nothing is an option; mixed parsing would forget that.
    return parser.parse_args(rest) if "--" in rest else parser.parse_intermixed_args(rest)


def _program(noun: str, command: Command) -> str:
    verb = "" if command.verb in ("", noun) else f" {command.verb}"
    return f"mlops-console {noun}{verb}"


def build_parser(noun: str, commands: list[Command]) -> argparse.ArgumentParser:
    """The parser of one noun: its verbs as sub-commands, or the noun itself when it has none."""
    program = f"mlops-console {noun}"
    if len(commands) == 1 and commands[0].verb in ("", noun):
        return _fill(_Parser(prog=program, **_texts(commands[0])), commands[0])
    parser = _Parser(prog=program, description=NOUNS[noun][1])
    verbs = parser.add_subparsers(
        metavar="VERB", required=True, parser_class=_Parser, title="verbs"
    )
    for command in commands:
        sub = verbs.add_parser(
            command.verb, help=command.summary, prog=f"{program} {command.verb}", **_texts(command)
        )
        _fill(sub, command)
    return parser


def _texts(command: Command) -> dict[str, Any]:
    examples = "\n".join(f"  {each}" for each in command.examples)
    return {
        "description": f"{command.summary}\n\n{command.description}".strip(),
        "epilog": f"examples:\n{examples}" if examples else None,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def _fill(parser: argparse.ArgumentParser, command: Command) -> argparse.ArgumentParser:
    for each in command.arguments:
        parser.add_argument(*each.names, **each.options)
    parser.set_defaults(command_to_run=command)
    return parser


def _before_separator(words: list[str]) -> list[str]:
    return words[: words.index("--")] if "--" in words else words


def _split_globals(words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Take the global options out, wherever they stand before a `--`."""
    parser = _Parser(prog="mlops-console", add_help=False, allow_abbrev=False)
    parser.add_argument("--workspace", "-W")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quiet", "-q", action="store_true")
    ours = _before_separator(words)
    known, rest = parser.parse_known_args(ours)
    # --help and --version belong to the command when there is one.
    known.help = rest[:1] in (["--help"], ["-h"], ["help"])
    known.version = rest[:1] == ["--version"]
    known.workspace = known.workspace or os.environ.get("MLOPS_WORKSPACE") or None
    return known, [word for word in rest if not known.help] + words[len(ours) :]


def overview() -> str:
    """The text of `mlops-console --help`."""
    width = max(map(len, NOUNS))
    nouns = "\n".join(f"  {noun:<{width}}  {what}" for noun, (_, what) in NOUNS.items())
    codes = ", ".join(f"{kind.exit_code} {name}" for name, kind in errors.KINDS.items())
    return f"""\
usage: mlops-console [--workspace DIR] [--json] [--quiet] [COMMAND ...]

From a data file to a monitored model in production and back, in one terminal.
Without a command the console opens.

commands:
{nouns}

options:
  --workspace, -W DIR  the workspace (default: found upwards from here; MLOPS_WORKSPACE)
  --json               one JSON document on stdout instead of text
  --quiet, -q          no talk on stderr
  --version            print the version
  --help               this text; `mlops-console COMMAND --help` for one command

examples:
  mlops-console demo
  mlops-console init flights.parquet
  mlops-console data add flights flights-2013-*.parquet
  mlops-console train delays
  mlops-console gate show delays

exit codes: 0 done, {codes}"""
