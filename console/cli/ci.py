"""`mlops-console ci`: the training flow without a terminal, with an exit code a pipeline can use.

check (contracts of the data) -> train -> gate. Each result becomes a JUnit test case and a row of a
Markdown summary, so an ordinary CI shows them where it shows tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from console import errors
from console.cli.commands import Invocation, argument, command
from console.cli.following import follow
from console.wire import datasets as dataset_wire
from console.wire import models as model_wire
from console.wire import pipelines as pipeline_wire
from console.wire import runs as run_wire
from console.wire.datasets import VersionRef
from console.wire.models import ModelRef
from console.wire.routes import Nothing
from console.wire.runs import StartTraining
from storage.records.jobs import Job
from storage.records.pipelines import Pipeline
from storage.records.results import Result

REFUSED = errors.KINDS["refused"].exit_code
_STOPS = frozenset({"fail", "error", "inconclusive"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the report."""

    suite: str
    """`check flights@v3`, `train delays`, `gate delays@v5`."""
    name: str
    verdict: str
    reason: str = ""

    @property
    def stops(self) -> bool:
        return self.verdict in _STOPS


@command(
    "",
    argument("pipeline", nargs="?", help="default: every declared pipeline"),
    argument("--junit", metavar="FILE", help="write JUnit XML"),
    argument("--markdown", metavar="FILE", help="write a Markdown summary"),
    argument("--seed", type=int),
    examples=("mlops-console ci delays --junit report.xml --markdown summary.md",),
)
def ci(invocation: Invocation) -> int:
    """Check the data, train and judge the model; exit 7 when something stands against it."""
    cases: list[Case] = []
    for pipeline in _pipelines(invocation):
        cases += _check(invocation, pipeline)
        if any(case.stops for case in cases):
            continue
        cases += _train_and_judge(invocation, pipeline)
    _write(invocation, cases)
    output = invocation.output

    def people(found: list[Case]) -> None:
        for case in found:
            reason = f": {case.reason}" if case.reason and case.verdict != "pass" else ""
            output.line(f"{output.verdict(case.verdict)}  {case.suite}  {case.name}{reason}")

    output.show(cases, people)
    return REFUSED if any(case.stops for case in cases) else 0


def _pipelines(invocation: Invocation) -> list[Pipeline]:
    declared = [
        view.pipeline for view in invocation.client.call(pipeline_wire.list_pipelines, Nothing())
    ]
    wanted = invocation.arguments.pipeline
    chosen = [each for each in declared if wanted in (None, each.name)]
    if not chosen:
        raise errors.NotFoundError(
            f"mlops.toml declares no pipeline{f' {wanted!r}' if wanted else ''}.",
            hint="See: mlops-console pipeline show",
        )
    return chosen


def _check(invocation: Invocation, pipeline: Pipeline) -> list[Case]:
    cases = []
    for dataset in (pipeline.input, *pipeline.references):
        reference = VersionRef(dataset=dataset)
        detail = invocation.client.call(dataset_wire.get_version, reference)
        suite = f"check {detail.version.name}"
        if not detail.results:
            cases.append(Case(suite=suite, name="contract", verdict="skipped"))
        cases += [_case(suite, result) for result in detail.results]
    return cases


def _train_and_judge(invocation: Invocation, pipeline: Pipeline) -> list[Case]:
    suite = f"train {pipeline.name}"
    request = StartTraining(
        pipeline=pipeline.name, params={}, data={}, seed=invocation.arguments.seed
    )
    try:
        job = follow(invocation, invocation.client.call(run_wire.start_training, request))
    except errors.ConsoleError as refusal:
        return [Case(suite=suite, name="training", verdict="error", reason=str(refusal))]
    if job is None:
        return []
    trained = Case(suite=suite, name=f"run {job.id}", verdict="pass")
    return [trained, *_judge(invocation, pipeline, job)]


def _judge(invocation: Invocation, pipeline: Pipeline, job: Job) -> list[Case]:
    model = str(job.result.get("model") or pipeline.name).split("@", maxsplit=1)[0]
    report = invocation.client.call(model_wire.get_gates, ModelRef(model=model))
    suite = f"gate {report.model}@v{report.version}"
    if not report.results:
        return [Case(suite=suite, name="gates", verdict="skipped", reason="none are declared")]
    return [_case(suite, result) for result in report.results]


def _case(suite: str, result: Result) -> Case:
    scope = f" {result.scope}" if result.scope else ""
    return Case(
        suite=suite, name=f"{result.name}{scope}", verdict=result.verdict, reason=result.reason
    )


def _write(invocation: Invocation, cases: list[Case]) -> None:
    for path, write in (
        (invocation.arguments.junit, junit),
        (invocation.arguments.markdown, markdown),
    ):
        if not path:
            continue
        try:
            Path(path).write_text(write(cases), encoding="utf-8")
        except OSError as error:
            raise errors.UnavailableError(f"cannot write {path}: {error.strerror}.") from error


def junit(cases: list[Case]) -> str:
    """JUnit XML: one suite per step, one case per result."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for suite in dict.fromkeys(case.suite for case in cases):
        inside = [case for case in cases if case.suite == suite]
        failures = sum(case.stops for case in inside)
        lines.append(
            f'<testsuite name={quoteattr(suite)} tests="{len(inside)}" failures="{failures}">'
        )
        for case in inside:
            lines.append(f"<testcase classname={quoteattr(suite)} name={quoteattr(case.name)}>")
            if case.stops:
                lines.append(
                    f"<failure type={quoteattr(case.verdict)}>{escape(case.reason)}</failure>"
                )
            elif case.verdict == "skipped":
                lines.append("<skipped/>")
            elif case.verdict == "warn":
                lines.append(f"<system-out>{escape(case.reason)}</system-out>")
            lines.append("</testcase>")
        lines.append("</testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def markdown(cases: list[Case]) -> str:
    """A table for a pull request."""
    stops = sum(case.stops for case in cases)
    head = f"{stops} of {len(cases)} results stand against it." if stops else "Nothing against it."
    rows = ["", "| step | result | verdict | reason |", "|---|---|---|---|"]
    for case in cases:
        reason = case.reason.replace("|", "\\|").replace("\n", " ")
        rows.append(f"| {case.suite} | {case.name} | {case.verdict} | {reason} |")
    return "\n".join([f"**mlops-console** {head}", *rows, ""])
