"""The filter language: the same words in every list of the console and after `--filter`.

    failed                      a word anywhere, upper or lower case the same
    "out of memory"             words together
    state:failed,lost           the field holds one of these; `*` stands for anything
    auc > 0.7                   = != < <= > >=; numbers may end in k, M or %
    age < 2h                    durations in s, m, h, d
    data = flights@v3 and !note:old or (params.max_depth >= 8)
    has:note                    the field is there

Terms beside each other must all hold. `!` or `not` inverts. A field may be written without its
prefix while that is unique (`max_depth` for `params.max_depth`).

Pure: text and fields in, a predicate or an explained fault out; standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, Literal

from console.errors import UsageError
from console.rules.filter_values import (
    AGO,
    COMPARE,
    Predicate,
    Row,
    as_moment,
    as_number,
    as_seconds,
    holds_one,
    loosely,
    nearest,
)
from console.text import plain_value

Kind = Literal["text", "number", "seconds", "time"]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<quoted>\"(?:[^\"\\]|\\.)*\"?)|(?P<paren>[()])|(?P<op><=|>=|!=|==|[<>=:~])"
    r"|(?P<bang>!)|(?P<word>[^\s()<>=:!~\"]+(?:![^\s()<>=:!~\"]+)*))"
)


@dataclass(frozen=True)  # slots would forbid Field[Row](…)
class Field(Generic[Row]):
    """One thing that can be asked of a row."""

    get: Callable[[Row], Any]
    """Its value; None when the row has none. Text, numbers, aware times, or sequences of text."""
    kind: Kind = "text"
    """`seconds` takes durations; `time` takes dates, or how long ago."""


class FilterFault(UsageError):
    """The text is not a filter; `start` and `end` say where."""

    def __init__(self, message: str, start: int, end: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint, start=start, end=end)
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)  # slots would forbid Term[Row](…)
class Term(Generic[Row]):
    """One of the terms that must all hold, and where it is written."""

    holds: Predicate[Row]
    start: int
    end: int


@dataclass(frozen=True)  # slots would forbid Filter[Row](…)
class Filter(Generic[Row]):
    """A filter that was understood."""

    text: str
    terms: tuple[Term[Row], ...]

    def matches(self, row: Row) -> bool:
        return all(term.holds(row) for term in self.terms)

    def fault(self, rows: Iterable[Row]) -> tuple[int, int] | None:
        """Where the term stands that leaves nothing of `rows`; None while there are hits."""
        left = list(rows)
        for term in self.terms:
            left = [row for row in left if term.holds(row)]
            if not left:
                return term.start, term.end
        return None


def parse(
    text: str,
    fields: Mapping[str, Field[Row]],
    words: Callable[[Row], str] | None = None,
    now: datetime | None = None,
) -> Filter[Row]:
    """Understand a filter, or raise FilterFault with the place, the reason and the nearest field.

    `words` is the text of a row that bare words are looked for in, already lower case; without it
    all text fields are searched. `now` is what "2h ago" counts from.
    """
    try:
        return _Parser(text, fields, words, now or datetime.now(UTC)).parse()
    except FilterFault as fault:
        fault.data["text"] = text
        raise


class _Parser(Generic[Row]):
    """Recursive descent: or, and, not, term."""

    def __init__(
        self,
        text: str,
        fields: Mapping[str, Field[Row]],
        words: Callable[[Row], str] | None,
        now: datetime,
    ) -> None:
        self.text = text
        self.fields = fields
        self.words = words or self._all_text
        self.now = now
        self.tokens = _tokens(text)
        self.at = 0

    def parse(self) -> Filter[Row]:
        terms: list[Term[Row]] = []
        while self.at < len(self.tokens):
            start = self.tokens[self.at].start
            first = self._either() if self._has_or() else self._inverted()
            terms.append(Term(first, start, self.tokens[self.at - 1].end))
            self._skip("and")
        return Filter(self.text, tuple(terms))

    # ------------------------------------------------------------------ grammar

    def _has_or(self) -> bool:
        """An `or` outside of parentheses makes the rest one term."""
        depth = 0
        for token in self.tokens[self.at :]:
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "paren" else 0
            if depth == 0 and _is_word(token, "or"):
                return True
        return False

    def _either(self) -> Predicate[Row]:
        choices = [self._all()]
        while self._skip("or"):
            choices.append(self._all())
        if len(choices) == 1:
            return choices[0]
        return lambda row: any(choice(row) for choice in choices)

    def _all(self) -> Predicate[Row]:
        terms = [self._inverted()]
        while self._peek() and not _is_word(self._peek(), "or") and not self._is_paren(")"):
            self._skip("and")
            terms.append(self._inverted())
        if len(terms) == 1:
            return terms[0]
        return lambda row: all(term(row) for term in terms)

    def _inverted(self) -> Predicate[Row]:
        token = self._next("a word or a field")
        if token.kind == "bang" or (_is_word(token, "not") and self._peek()):
            inner = self._inverted()
            return lambda row: not inner(row)
        if token.kind == "paren" and token.text == "(":
            inner = self._either()
            if not self._is_paren(")"):
                raise FilterFault('a ")" is missing', token.start, len(self.text))
            self.at += 1
            return inner
        if token.kind == "quoted":
            return self._word(_unquoted(token.text))
        if token.kind != "word" or _is_word(token, "or", "and"):
            sides = "before it" if token.kind == "op" else "on both sides"
            raise FilterFault(f'"{token.text}" needs something {sides}', token.start, token.end)
        operator = self._peek()
        if operator is None or operator.kind != "op":
            return self._word(token.text)
        self.at += 1
        return self._term(token, operator)

    def _term(self, name: _Token, operator: _Token) -> Predicate[Row]:
        value = self._peek()
        if value is None or value.kind not in ("word", "quoted"):
            wanted = "a value"
            raise FilterFault(
                f"{name.text} {operator.text} needs {wanted}", name.start, operator.end
            )
        self.at += 1
        wanted_text = _unquoted(value.text) if value.kind == "quoted" else value.text
        # A value may hold the signs of an operator: times, versions, paths.
        while value.kind == "word" and self._is_glued(value):
            value = self._next("a value")
            wanted_text += value.text
        if name.text == "has":
            get = self._field(_Token("word", wanted_text, value.start, value.end)).get
            return lambda row: get(row) is not None
        field = self._field(name)
        if operator.text in (":", "~"):
            return holds_one(field.get, wanted_text.split(","))
        return self._comparison(field, operator, wanted_text, value)

    def _comparison(
        self, field: Field[Row], operator: _Token, wanted: str, at: _Token
    ) -> Predicate[Row]:
        sign = {"==": "="}.get(operator.text, operator.text)
        get, compare = field.get, COMPARE[sign]
        if field.kind == "text":
            return loosely(get, compare, wanted)
        limit: Any = self._limit(field.kind, wanted, at)
        if field.kind == "time" and AGO.match(wanted):
            # "when < 2h" reads as "less than two hours ago", which is later in time.
            compare = COMPARE[{"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(sign, sign)]

        def holds(row: Row) -> bool:
            value = get(row)
            if value is None:
                return False
            try:
                return compare(value, limit)
            except TypeError:
                return False

        return holds

    def _limit(self, kind: Kind, wanted: str, at: _Token) -> Any:
        if kind == "time":
            limit: Any = as_moment(wanted, self.now)
            example = "a date such as 2013-07-01, or how long ago, such as 2h"
        elif kind == "seconds":
            limit = as_seconds(wanted)
            example = "a duration such as 90s, 5m or 2h"
        else:
            limit = as_number(wanted)
            example = "a number"
        if limit is None:
            raise FilterFault(f'"{wanted}" is not {example}', at.start, at.end)
        return limit

    # ------------------------------------------------------------------ fields and words

    def _field(self, name: _Token) -> Field[Row]:
        found = self.fields.get(name.text)
        if found is not None:
            return found
        folded = name.text.casefold()
        same = [n for n in self.fields if n.casefold() == folded]
        ends = same or [n for n in self.fields if n.casefold().endswith("." + folded)]
        if len(ends) == 1:
            return self.fields[ends[0]]
        if ends:
            raise FilterFault(
                f'"{name.text}" could be {" or ".join(sorted(ends)[:4])}', name.start, name.end
            )
        near = nearest(name.text, self.fields)
        hint = f"Did you mean {near}?" if near else f"Fields: {', '.join(sorted(self.fields)[:8])}."
        raise FilterFault(f'there is no field "{name.text}"', name.start, name.end, hint=hint)

    def _word(self, word: str) -> Predicate[Row]:
        folded, words = word.casefold(), self.words
        return lambda row: folded in words(row)

    def _all_text(self, row: Row) -> str:
        return text_of(row, self.fields)

    # ------------------------------------------------------------------ tokens

    def _peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _is_paren(self, text: str) -> bool:
        token = self._peek()
        return token is not None and token.kind == "paren" and token.text == text

    def _is_glued(self, value: _Token) -> bool:
        """Whether the next token touches the value: `12:30`, `a=b`."""
        token = self._peek()
        return token is not None and token.start == value.end and token.kind in ("op", "word")

    def _next(self, wanted: str) -> _Token:
        token = self._peek()
        if token is None:
            end = len(self.text)
            raise FilterFault(f"{wanted} is missing at the end", max(0, end - 1), end)
        self.at += 1
        return token

    def _skip(self, word: str) -> bool:
        token = self._peek()
        if token is not None and _is_word(token, word) and self.at + 1 < len(self.tokens):
            self.at += 1
            return True
        return False


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise FilterFault(f'"{text[at]}" has no meaning here', at, at + 1)
        kind = str(found.lastgroup)
        tokens.append(_Token(kind, found.group(kind), found.start(kind), found.end()))
        at = found.end()
    return tokens


def _is_word(token: _Token | None, *words: str) -> bool:
    return token is not None and token.kind == "word" and token.text.casefold() in words


def _unquoted(text: str) -> str:
    inner = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
    return re.sub(r"\\(.)", r"\1", inner)


def text_of(row: Row, fields: Mapping[str, Field[Row]]) -> str:
    """What bare words are looked for in: the text fields of a row, folded."""
    values = [field.get(row) for field in fields.values() if field.kind == "text"]
    return "\n".join([str(value) for value in values if value is not None]).casefold()


def group_label(row: Row, name: str, field: Field[Row]) -> str:
    """What a group of rows is called that share a field's value: `max_iter 20`, `no model`."""
    value = field.get(row)
    short = name.rpartition(".")[2]
    if value is None:
        return f"no {short}"
    if isinstance(value, datetime):
        return f"{short} {value:%Y-%m-%d}"
    if isinstance(value, tuple):
        return f"{short} {', '.join(map(str, value))}"
    return f"{short} {plain_value(value)}"
