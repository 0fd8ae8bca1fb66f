"""`mlops-console completion SHELL`: completion made from the commands themselves."""

from __future__ import annotations

import importlib

from console.cli.commands import Invocation, argument, command


@command(
    "",
    argument("shell", choices=("bash", "zsh", "fish")),
    examples=(
        'eval "$(mlops-console completion bash)"',
        "mlops-console completion fish > ~/.config/fish/completions/mlops-console.fish",
    ),
)
def completion(invocation: Invocation) -> None:
    """Print a completion script for a shell."""
    words = command_words()
    script = {"bash": _bash, "zsh": _zsh, "fish": _fish}[invocation.arguments.shell](words)
    invocation.output.show(
        {"shell": invocation.arguments.shell, "script": script},
        lambda _: invocation.output.line(script),
    )


def command_words() -> dict[str, dict[str, list[str]]]:
    """Noun -> verb -> options; a noun used alone has the verb `""`."""
    from console.cli import main

    found: dict[str, dict[str, list[str]]] = {}
    for noun, (row, _) in main.NOUNS.items():
        importlib.import_module(f"console.cli.{row}")
        found[noun] = {
            ("" if each.verb == noun else each.verb): [
                name for one in each.arguments for name in one.names if name.startswith("--")
            ]
            for each in main.commands_of_noun(noun)
        }
    return found


def _bash(words: dict[str, dict[str, list[str]]]) -> str:
    cases = []
    for noun, verbs in words.items():
        names = " ".join(verb for verb in verbs if verb)
        for verb, options in verbs.items():
            both = f"{noun} {verb}".strip()
            if options:
                cases.append(f'    "{both}") options="{" ".join(options)}" ;;')
        if names:
            cases.append(f'    "{noun}") verbs="{names}" ;;')
    body = "\n".join(cases)
    return f"""\
_mlops_console() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} noun=${{COMP_WORDS[1]}} verb=${{COMP_WORDS[2]}}
  local verbs="" options=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$current")); return
  fi
  case "$noun" in *) case "$noun" in
{body}
  esac;; esac
  case "$noun $verb" in
{body}
  esac
  if [ "$COMP_CWORD" -eq 2 ] && [ -n "$verbs" ]; then
    COMPREPLY=($(compgen -W "$verbs" -- "$current")); return
  fi
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options --json --help" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}}
complete -o filenames -F _mlops_console mlops-console"""


def _zsh(words: dict[str, dict[str, list[str]]]) -> str:
    return "autoload -U +X bashcompinit && bashcompinit\n" + _bash(words)


def _fish(words: dict[str, dict[str, list[str]]]) -> str:
    lines = ["complete -c mlops-console -f"]
    for noun, verbs in words.items():
        lines.append(f"complete -c mlops-console -n __fish_use_subcommand -a {noun}")
        for verb, options in verbs.items():
            seen = f"__fish_seen_subcommand_from {noun}"
            if verb:
                lines.append(f"complete -c mlops-console -n '{seen}' -a {verb}")
            condition = f"{seen}; and __fish_seen_subcommand_from {verb}" if verb else seen
            lines += [
                f"complete -c mlops-console -n '{condition}' -l {option[2:]}" for option in options
            ]
    return "\n".join(lines)
