"""What a person decides about the drafts of a contract: each is accepted or refused.

The agent calls `chosen` and `rewritten` for `contract accept` and `contract refuse`. Pure text.
Invariant: the text that comes out says exactly what `decided` says, and every line that the
decision is not about stays as it was, comments included; where that cannot be done, it is refused
with the line to change by hand.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import accumulate
from typing import Any, Final

from console.errors import ConflictError, ConsoleError, InvalidError, NotFoundError
from console.rules.contracts import Opened, opened
from console.rules.odcs_lines import Path
from storage.records.contracts import Contract, Rule
from storage.records.results import Severity

DRAFTED: Final[Severity] = "warn"
"""The severity of what was inferred: it stops nothing until somebody decides."""


def chosen(contract: Contract, words: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of the drafts that people mean: rule ids, columns, or patterns such as
    `*.range`; in the order of the contract.

    Raises `NotFoundError` for a word that means nothing, `ConflictError` where nothing is open.
    """
    ids: set[str] = set()
    for word in words:
        meant = [rule for rule in contract.rules if _means(word, rule)]
        if not meant:
            known = [rule.id for rule in contract.rules]
            near = difflib.get_close_matches(word, known, 1)
            hint = f"Did you mean {near[0]}?" if near else ""
            hint = hint or f"See its rules: mlops-console contract show {contract.name}"
            raise NotFoundError(f"the contract of {contract.name} has no rule {word}.", hint=hint)
        drafts = {rule.id for rule in meant if rule.is_open}
        if not drafts:
            subject = f"{word} is" if len(meant) == 1 else f"all rules of {word} are"
            raise ConflictError(
                f"{subject} no draft any more: there is nothing to decide.",
                hint=f"Other changes are made in the file, line {meant[0].line}.",
            )
        ids |= drafts
    return tuple(rule.id for rule in contract.rules if rule.id in ids)


def _means(word: str, rule: Rule) -> bool:
    return word == rule.id or rule.columns == (word,) or fnmatchcase(rule.id, word)


def decided(
    contract: Contract,
    accept: Collection[str] = (),
    refuse: Collection[str] = (),
    severity: Severity | None = None,
) -> Contract:
    """Return the contract after a decision on drafts, by rule id.

    An accepted rule gets `severity`; left open, what was drafted to warn stops from now on. A
    refused one is gone. The contract is active when nothing in it is a draft any more.
    """
    rules = tuple(
        _accepted(rule, severity) if rule.id in accept else rule
        for rule in contract.rules
        if rule.id not in refuse
    )
    untyped = {r.columns[0] for r in contract.rules if r.kind == "type" and r.id in refuse}
    columns = tuple(
        replace(c, logical_type="any", physical_type="") if c.name in untyped else c
        for c in contract.columns
    )
    if any(rule.is_open for rule in rules):
        return replace(contract, columns=columns, rules=rules)
    rules = tuple(replace(rule, status="accepted") for rule in rules)
    status = "active" if contract.status == "draft" else contract.status
    return replace(contract, columns=columns, rules=rules, status=status)


def _accepted(rule: Rule, severity: Severity | None) -> Rule:
    usual = "error" if rule.severity == DRAFTED else rule.severity
    return replace(rule, status="accepted", severity=severity or usual)


def rewritten(
    text: str,
    file: str,
    table: str,
    *,
    accept: Collection[str] = (),
    refuse: Collection[str] = (),
    severity: Severity | None = None,
) -> str:
    """Return the text of the contract file after a decision; ids as `chosen` gives them.

    Raises `InvalidError` with the line where the file is written in a way that is not changed by
    itself.
    """
    found = opened(text, file, table)
    wanted = decided(found.contract, accept, refuse, severity)
    edits = _Edits(text, found)
    rules = {rule.id: rule for rule in found.contract.rules}
    final = {rule.id: rule for rule in wanted.rules}
    for rule_id in accept:
        if rule_id in found.blocks:
            edits.accept(rules[rule_id], final[rule_id])
        elif wanted.status == found.contract.status:
            raise _by_hand(file, rules[rule_id], "is a draft because its file is one")
    for rule_id in refuse:
        if rule_id not in found.blocks:
            raise _by_hand(file, rules[rule_id], "is a constraint of its column")
    edits.remove([rules[rule_id] for rule_id in refuse])
    if wanted.status != found.contract.status:
        edits.replace(found.lines.find(("status",))[1], wanted.status)
    changed = edits.done()
    try:
        held = _same(opened(changed, file, table).contract, wanted)
    except ConsoleError:
        held = False
    if not held:
        first = rules[next(iter((*accept, *refuse)))]
        raise _by_hand(file, first, "stands where it cannot be changed by itself")
    return changed


def _by_hand(file: str, rule: Rule, why: str) -> InvalidError:
    return InvalidError(
        f"{file}, line {rule.line}: {rule.id} {why}.",
        hint="Decide on it in the file.",
        file=file,
        line=rule.line,
    )


def _same(one: Contract, other: Contract) -> bool:
    plain = [
        replace(each, digest="", unchecked=(), rules=tuple(replace(r, line=0) for r in each.rules))
        for each in (one, other)
    ]
    return plain[0] == plain[1]


class _Edits:
    """Changes to a document, gathered first: places are those of the text as it was."""

    def __init__(self, text: str, found: Opened) -> None:
        self._text = text
        self._found = found
        self._lines = text.splitlines(keepends=True)
        self._starts = list(accumulate(map(len, self._lines), initial=0))
        self._changes: list[tuple[int, int, str]] = []
        self._removed: set[int] = set()

    def done(self) -> str:
        text = self._text
        for start, end, words in sorted(self._changes, reverse=True):
            text = text[:start] + words + text[end:]
        return text

    def replace(self, node: Any, words: str) -> None:
        self._changes.append((node.start_mark.index, node.end_mark.index, words))

    def accept(self, before: Rule, after: Rule) -> None:
        path = self._found.blocks[before.id]
        _, block = self._found.lines.find(path)
        _, body = self._found.lines.find((*path, "implementation"))
        values = {key.value: value for key, value in (*block.value, *_pairs(body))}
        for name, old, new in (
            ("status", before.status, after.status),
            ("severity", before.severity, after.severity),
        ):
            if name in values and old != new:
                self.replace(values[name], new)
            elif old != new and _pairs(body):
                self._insert(body, f"{name}: {new}")

    def _insert(self, mapping: Any, words: str) -> None:
        first = mapping.value[0][0].start_mark
        gap = ", " if mapping.flow_style else "\n" + " " * first.column
        self._changes.append((first.index, first.index, words + gap))

    def remove(self, rules: Sequence[Rule]) -> None:
        """Take out whole blocks, with the word `quality` where none is left under it."""
        lists: dict[Path, set[int]] = {}
        for rule in rules:
            *above, number = self._found.blocks[rule.id]
            lists.setdefault(tuple(above), set()).add(int(number))
            if rule.kind == "type":
                self._remove_keys(self._found.columns[rule.columns[0]], _TYPE_KEYS)
        for path, numbers in lists.items():
            key, items = self._found.lines.find(path)
            if len(numbers) == len(items.value):
                self._cut(key.start_mark.line, items)
                continue
            for number in numbers:
                self._cut(items.value[number].start_mark.line, items.value[number])

    def _remove_keys(self, path: Path, names: Collection[str]) -> None:
        _, mapping = self._found.lines.find(path)
        for key, value in mapping.value:
            if key.value in names:
                self._cut(key.start_mark.line, value)

    def _cut(self, first: int, node: Any) -> None:
        """Take out the lines from `first` to the end of `node`; comments after it stay."""
        mark = node.end_mark
        is_next = not self._line(mark.line)[: mark.column].strip()
        last = mark.line if is_next else mark.line + 1
        while last > first + 1 and _is_blank(self._line(last - 1)):
            last -= 1
        fresh = [number for number in range(first, last) if number not in self._removed]
        self._removed.update(fresh)
        for number in fresh:
            self._changes.append((self._starts[number], self._starts[number + 1], ""))

    def _line(self, number: int) -> str:
        return self._lines[number] if number < len(self._lines) else ""


_TYPE_KEYS: Final = ("logicalType", "physicalType")


def _pairs(node: Any) -> list[tuple[Any, Any]]:
    return node.value if node.id == "mapping" else []


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")
