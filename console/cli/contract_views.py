"""What a contract said, as text for people and as files for a build server."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from console import text
from console.cli.dataset_views import verdict_colour
from console.cli.output import Column, Output
from console.rules.contract_words import allowed, says, tolerance, value_of
from console.rules.verdicts import stops
from storage.records.checks import CheckReport
from storage.records.contracts import Contract, Rule
from storage.records.results import Result

_BAD = ("fail", "error")
_EXAMPLES = 5
_NOT_SHOWN = ("rule", "dimension", "basis")


def print_report(
    output: Output, report: CheckReport, *, failed_only: bool = False, everything: bool = False
) -> None:
    """The results, worst first, then why in words with the first rows and values.

    Rules that nothing violates are counted, not listed, unless `everything` is asked for.
    """
    shown = [
        each
        for each in report.results
        if everything or (each.verdict in _BAD if failed_only else not _is_clean(each))
    ]
    name = report.contract.name if report.contract else report.dataset
    output.heading(f"{name}: {text.clean(report.subject)}", text.counted(report.rows, "row"))
    output.line(f"{output.verdict(report.verdict)}  {_counts(report.results)}")
    if shown:
        output.line()
        print_results(output, shown)
    for each in shown:
        if each.verdict in ("pass", "skipped") and not _is_unusual(each):
            continue
        output.line()
        output.line(
            f"{output.verdict(each.verdict)}  {text.clean(_subject(each))}: "
            f"{text.clean(each.reason)}"
        )
        _details(output, each)
    hidden = len(report.results) - len(shown)
    if hidden and not failed_only:
        output.note(f"{text.counted(hidden, 'rule')} that nothing violates: see them with --all")


def _details(output: Output, result: Result) -> None:
    examples = []
    for label, value in result.detail:
        if label.startswith("row "):
            examples.append(f"{label} {text.cut(text.clean(value), 100)}")
        elif label not in _NOT_SHOWN:
            output.line(f"    {text.clean(label)}: {text.cut(text.clean(value), 110)}")
    if not examples:
        return
    line = " · ".join(examples[:_EXAMPLES])
    lines = [line] if text.cells(line) <= 110 else examples[:_EXAMPLES]
    for each in lines:
        output.line(f"    {each}")
    if len(examples) > _EXAMPLES:
        output.line(f"    … {len(examples) - _EXAMPLES} more with --json")


def _is_unusual(result: Result) -> bool:
    """Whether it holds and still is not what it was in the versions before."""
    return "this one is" in dict(result.detail).get("usual", "")


def _is_clean(result: Result) -> bool:
    is_zero = result.verdict == "pass" and not result.value and result.direction == "le"
    return is_zero and not _is_unusual(result)


def print_results(output: Output, results: Sequence[Result]) -> None:
    output.table(
        [
            Column("rule"),
            Column("on"),
            Column("found", ">"),
            Column("95 % interval", ">"),
            Column("allowed", ">"),
            Column("before", ">"),
            Column("rows", ">"),
            Column("severity"),
            Column("verdict", colour=verdict_colour),
        ],
        [
            (
                text.cut(text.clean(each.name), 32),
                text.cut(text.clean(each.scope.removeprefix("column:")), 24) or None,
                value_of(each, each.value),
                _interval(each),
                allowed(each),
                value_of(each, each.previous),
                text.count(each.n),
                each.severity,
                each.verdict,
            )
            for each in results
        ],
    )


def _subject(result: Result) -> str:
    return f"{result.name} {result.scope.removeprefix('column:')}".strip()


def _interval(result: Result) -> str | None:
    if not result.value or result.ci_low is None or result.ci_high is None:
        return None
    return f"{value_of(result, result.ci_low)} to {value_of(result, result.ci_high)}"


def _counts(results: Sequence[Result]) -> str:
    order = ("fail", "error", "warn", "inconclusive", "pass", "skipped")
    found = {word: sum(each.verdict == word for each in results) for word in order}
    words = [f"{count} {word}" for word, count in found.items() if count]
    return ", ".join(words) or "nothing was checked"


def print_contract(output: Output, contract: Contract) -> None:
    """Columns with their types, then the rules as people say them."""
    facts = [f"version {contract.version}" if contract.version else "", contract.status]
    output.heading(contract.name or contract.id, " · ".join(filter(None, facts)))
    if contract.description:
        output.line(text.clean(contract.description.strip()))
    output.line()
    output.table(
        [Column("column"), Column("type"), Column("key"), Column("required"), Column("meaning")],
        [
            (
                each.name,
                each.physical_type or each.logical_type,
                each.key_position or None,
                "yes" if each.is_required else None,
                text.cut(text.clean(each.description), 60) or None,
            )
            for each in contract.columns
        ],
    )
    agreed = [rule for rule in contract.rules if not rule.is_open and not _is_told(rule)]
    drafts = [rule for rule in contract.rules if rule.is_open]
    if agreed:
        output.line()
        _print_agreed(output, agreed)
    if drafts:
        output.line()
        output.heading("Drafts", f"{len(drafts)} to decide on; they only warn")
        _print_drafts(output, drafts)
        output.note(f"Agree to one: mlops-console contract accept {contract.name} {drafts[0].id}")
        output.note(f"Drop one:     mlops-console contract refuse {contract.name} {drafts[0].id}")
    for sentence in contract.unchecked:
        output.note(f"not checked here: {text.clean(sentence)}")


def _print_agreed(output: Output, rules: Sequence[Rule]) -> None:
    output.table(
        [
            Column("rule"),
            Column("kind"),
            Column("on"),
            Column("says"),
            Column("allowed", ">"),
            Column("severity"),
        ],
        [
            (
                text.cut(text.clean(rule.id), 40),
                rule.kind,
                text.cut(text.clean(", ".join(rule.columns)), 28) or None,
                text.cut(text.clean(says(rule)), 60) or None,
                tolerance(rule),
                rule.severity,
            )
            for rule in rules
        ],
    )


def _print_drafts(output: Output, rules: Sequence[Rule]) -> None:
    output.table(
        [Column("rule"), Column("says"), Column("allowed", ">"), Column("evidence")],
        [
            (
                text.cut(text.clean(rule.id), 40),
                text.cut(text.clean(says(rule)), 44) or None,
                tolerance(rule),
                text.cut(text.clean(rule.description), 60) or None,
            )
            for rule in rules
        ],
    )


def _is_told(rule: Rule) -> bool:
    """Whether the table of columns says it already."""
    is_plain = not rule.max_rate and rule.max_count is None and rule.status == "accepted"
    return rule.kind in ("type", "required") and is_plain and rule.severity == "error"


def junit(report: CheckReport) -> str:
    """The results as JUnit XML, one test case a rule, for a build server."""
    failed = sum(stops(each) for each in report.results)
    skipped = sum(each.verdict == "skipped" for each in report.results)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuite name={quoteattr(_xml(f'contract {report.dataset}'))} "
        f'tests="{len(report.results)}" failures="{failed}" skipped="{skipped}" errors="0">',
    ]
    for each in report.results:
        name = quoteattr(_xml(_subject(each)))
        lines.append(f"  <testcase classname={quoteattr(_xml(report.subject))} name={name}>")
        if stops(each):
            why = "\n".join([each.reason, *(f"{label}: {value}" for label, value in each.detail)])
            lines.append(f"    <failure message={quoteattr(_xml(each.reason))}>")
            lines.append(f"{escape(_xml(why))}</failure>")
        elif each.verdict == "skipped":
            lines.append("    <skipped/>")
        elif each.verdict != "pass":
            lines.append(f"    <system-out>{escape(_xml(each.reason))}</system-out>")
        lines.append("  </testcase>")
    return "\n".join([*lines, "</testsuite>", ""])


def _xml(words: str) -> str:
    """XML 1.0 has no control characters, not even escaped ones."""
    return text.clean(words)


def markdown(report: CheckReport) -> str:
    """The results as a Markdown table, for a pull request."""
    lines = [
        f"### Contract of {_md(report.dataset)}: {report.verdict}",
        "",
        f"{_md(report.subject)}, {text.counted(report.rows, 'row')}, {_counts(report.results)}",
        "",
        "| rule | on | found | 95 % | allowed | before | rows | severity | verdict | why |",
        "|---|---|---:|---:|---:|---:|---:|---|---|---|",
    ]
    for each in report.results:
        cells = [
            each.name,
            each.scope.removeprefix("column:"),
            value_of(each, each.value) or "",
            _interval(each) or "",
            allowed(each) or "",
            value_of(each, each.previous) or "",
            text.count(each.n),
            each.severity,
            each.verdict,
            "" if each.verdict == "pass" else each.reason,
        ]
        lines.append("| " + " | ".join(map(_md, cells)) + " |")
    return "\n".join([*lines, ""])


def _md(words: str) -> str:
    cleaned = text.clean(words)
    for sign in ("\\", "|", "`", "*", "_", "<"):
        cleaned = cleaned.replace(sign, "\\" + sign)
    return cleaned
