"""What a rule of a contract says, in few words, for every place that shows one."""

from __future__ import annotations

from console import text
from storage.records.contracts import Rule


def says(rule: Rule) -> str:
    """The limits of a rule in a few words.

    >>> says(Rule(id="a", kind="range", minimum="0", maximum="60", is_maximum_exclusive=True))
    'from 0 to below 60'
    """
    if rule.minimum or rule.maximum:
        low = f"{'above' if rule.is_minimum_exclusive else 'from'} {rule.minimum}"
        high = f"{'to below' if rule.is_maximum_exclusive else 'to'} {rule.maximum}"
        return " ".join([low] * bool(rule.minimum) + [high] * bool(rule.maximum))
    if rule.values:
        return ", ".join(rule.values)
    return rule.pattern or rule.expression or rule.reference or rule.name


def tolerance(rule: Rule) -> str | None:
    """The violations that are allowed, None for none."""
    if rule.max_count is not None:
        return text.counted(rule.max_count, "row")
    return text.percent(rule.max_rate) if rule.max_rate else None
