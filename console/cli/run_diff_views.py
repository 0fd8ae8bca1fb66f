"""What two runs were made with as text for people."""

from __future__ import annotations

from console import text
from console.cli.output import Output
from storage.records.runs import RunDiff

_COLOURS = {"+": "ok", "-": "fail", "@": "quiet"}


def print_run_diff(output: Output, found: RunDiff) -> None:
    """Data versions with the command that compares them, then the diffs."""
    output.heading(f"run {found.before} → run {found.after}")
    for dataset, before, after in found.data:
        output.line(f"{text.clean(dataset)}  {_version(before)} → {_version(after)}")
        if before and after:
            words = f"  rows: mlops-console data diff {dataset}@v{before}..v{after}"
            output.line(output.paint(words, "quiet"))
    for words in (found.declaration, found.code, found.uncommitted):
        if words:
            output.line()
            print_patch(output, words)
    for note in found.notes:
        output.line(text.clean(note))
    if not (found.data or found.declaration or found.code or found.uncommitted or found.notes):
        output.line("Data, declaration and code are equal; parameters and seed: run compare.")


def print_patch(output: Output, words: str) -> None:
    """A unified diff with its lines in their colours."""
    for line in text.clean_lines(words):
        output.line(
            output.paint(line, _COLOURS.get(line[:1], "")) if line[:1] in _COLOURS else line
        )


def _version(number: int) -> str:
    return f"v{number}" if number else text.ABSENT
