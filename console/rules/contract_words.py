"""What a rule of a contract says, in few words, for every place that shows one."""

from __future__ import annotations

from console import text
from storage.records.contracts import Rule
from storage.records.results import Result


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


def value_of(result: Result, value: float | None) -> str | None:
    """A value of a result in its unit; None for none."""
    if value is None:
        return None
    if result.unit == "%":
        return text.percent(value)
    return f"{text.general(value)} {result.unit}" if result.unit == "h" else text.general(value)


def allowed(result: Result) -> str | None:
    """The limit of a result: `≤ 2.0 %`, `1000 to 3000`; None for none."""
    if result.threshold is None and result.threshold_high is None:
        return None
    low, high = (value_of(result, each) for each in (result.threshold, result.threshold_high))
    if result.direction == "in":
        return f"{low} to {high}" if low and high else f"≥ {low}" if low else f"≤ {high}"
    return f"{'≥' if result.direction == 'ge' else '≤'} {low}"
