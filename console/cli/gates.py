"""`mlops-console gate …`: the validation thresholds of a model version."""

from __future__ import annotations

from console import text
from console.cli.commands import Invocation, argument, command
from console.cli.following import DETACH, follow
from console.cli.output import Column, Output
from console.cli.references import split_reference
from console.rules import gates, metrics
from console.wire import models as wire
from console.wire.models import ModelRef
from storage.records.models import GateReport
from storage.records.results import Result

_VERSION = argument("version", help="MODEL, MODEL@v5 or MODEL@champion")


@command("show", _VERSION, examples=("mlops-console gate show delays@v5",))
def show(invocation: Invocation) -> int:
    """Every gate with its estimate, interval, margin and verdict, worst first."""
    name, version = split_reference(invocation.arguments.version, "model")
    report = invocation.client.call(wire.get_gates, ModelRef(model=name, version=version))
    invocation.output.show(report, lambda found: print_gates(invocation.output, found))
    return 0


@command(
    "check",
    _VERSION,
    DETACH,
    examples=("mlops-console gate check delays@v5",),
)
def check(invocation: Invocation) -> int:
    """Judge a version again, against the champion of now; exit 7 when it may not be promoted."""
    name, version = split_reference(invocation.arguments.version, "model")
    reference = ModelRef(model=name, version=version)
    if follow(invocation, invocation.client.call(wire.check_gates, reference)) is None:
        return 0
    report = invocation.client.call(wire.get_gates, reference)
    invocation.output.show(report, lambda found: print_gates(invocation.output, found))
    return 0 if report.verdict in ("pass", "warn") else 7


def print_gates(output: Output, report: GateReport) -> None:
    """The gates of a version as a table, then why in words."""
    name = f"{report.model}@v{report.version}"
    if not report.results:
        output.line(f"{name} was not judged. Judge it: mlops-console gate check {name}")
        return
    output.heading(name, f"{report.verdict} · judged on {report.judged_on}")
    output.table(
        [
            Column("gate"),
            Column("must", ">"),
            Column("want", ">"),
            Column("got", ">"),
            Column("95 % interval", ">"),
            Column("P", ">"),
            Column("verdict", colour=lambda cell: _colour(cell)),
        ],
        [_row(each) for each in report.results],
    )
    for each in report.results:
        if each.verdict not in ("pass", "skipped"):
            output.line(f"{output.verdict(each.verdict)}  {text.clean(each.name)}: {each.reason}")


def _row(result: Result) -> tuple[object, ...]:
    decimals = metrics.decimals_of(gates.metric_of(result))
    sign = {"ge": "≥", "le": "≤", "in": ""}[result.direction]
    must = f"{sign} {text.fixed(result.threshold, decimals)}".strip()
    if result.direction == "in":
        high = text.fixed(result.threshold_high, decimals)
        must = f"{text.fixed(result.threshold, decimals)}…{high}"
    is_slice, slice_ = result.scope.startswith("slice:"), result.scope.removeprefix("slice:")
    name = f"{result.name}, {slice_}" if is_slice and slice_ not in result.name else result.name
    return (
        name,
        must,
        text.fixed(result.target, decimals),
        text.fixed(result.value, decimals),
        text.interval(result.ci_low, result.ci_high, decimals),
        text.fixed(result.p_meet, 2),
        result.verdict,
    )


def _colour(verdict: str) -> str:
    return {"pass": "ok", "warn": "warn", "fail": "fail", "inconclusive": "info"}.get(
        verdict.strip(), "quiet"
    )
