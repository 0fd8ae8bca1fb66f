"""How a person wants a file to be read. Everything left open is found out from the file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from console.errors import UsageError

NULL_TOKENS: Final = ("NA", "N/A", "-", "")
"""Texts that mean "no value" in a CSV file unless somebody says otherwise."""
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    format: str = ""
    """`csv`, `json`, `jsonl`, `parquet` or `arrow`: also accepts a file whose name or first bytes
    say something else."""
    delimiter: str = ""
    quote: str = ""
    header: bool | None = None
    encoding: str = ""
    """Any name that Python knows: `latin-1`, `utf-16`, `cp1252` …"""
    decimal_mark: str = ""
    """`.` or `,`"""
    null_tokens: tuple[str, ...] | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    """Column name -> DuckDB type; stronger than a contract and than what was found out."""
    max_line_bytes: int = 16 * MIB
    """A longer row is refused: nearly always a quote that was never closed."""
    max_cells: int = 20_000_000_000
    """Rows times columns that a file may unfold into."""
    max_cells_per_byte: int = 100
    """A Parquet or Arrow file of more than 50 M cells that packs them denser than this is refused
    as a bomb; real tables have 1 to 10."""
    sample_bytes: int = 1 * MIB
    """How much of a text file decides delimiter, quote and header."""

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> ReadOptions:
        """Make options from what came over the wire; raises `UsageError` for an unknown name or
        a value that cannot be meant."""
        known = [each.name for each in fields(cls)]
        for name in given:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
                raise UsageError(f"there is no reading option {name!r}.", hint=hint, option=name)
        values = dict(given)
        if isinstance(values.get("null_tokens"), list):
            values["null_tokens"] = tuple(values["null_tokens"])
        if values.get("delimiter") in ("tab", "\\t"):
            values["delimiter"] = "\t"
        for name in ("delimiter", "quote"):
            if len(values.get(name) or "") > 1:
                raise UsageError(f"{name} is one character, not {values[name]!r}.", option=name)
        if values.get("decimal_mark", "") not in ("", ".", ","):
            raise UsageError(
                f"a decimal mark is '.' or ',', not {values['decimal_mark']!r}.",
                option="decimal_mark",
            )
        if values.get("format", "") not in ("", "csv", "json", "jsonl", "parquet", "arrow"):
            raise UsageError(
                f"cannot read the format {values['format']!r}.",
                hint="Known are csv, json, jsonl, parquet and arrow.",
                option="format",
            )
        return cls(**values)
