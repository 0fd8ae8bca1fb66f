"""What `mlops.toml` declares, read and checked: datasets, pipelines, gates, endpoints, people.

Values in, values out: the text and a function that reads the files it names, so the agent, a
worker and `mlops-console ci` all see the same. Invariant: a `Declaration` holds together; every
name it uses exists, and every digest is over the text that was read.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from console.errors import InvalidError
from console.rules import search_space
from console.rules.declared_table import FILE, Table, nearest
from console.rules.roles import ROLES
from console.rules.toml_positions import positions
from storage.records.alerts import AlertRule
from storage.records.declared import (
    Declaration,
    DeclaredDataset,
    DeclaredEndpoint,
    DeclaredPerson,
)
from storage.records.gates import Gate
from storage.records.pipelines import Pipeline, Search, Split, Step

ReadText = Callable[[str], str]
"""Text of a file named in the declaration, relative to the workspace; raises `InvalidError`."""

_AT = re.compile(r"^(.*?)\s*\(at (line \d+, column \d+|end of document)\)$", re.DOTALL)
_TOP = ("workspace", "datasets", "pipelines", "gates", "endpoints", "people")


def parse(text: str, read_text: ReadText, *, default_name: str) -> Declaration:
    """Read a declaration; an empty text declares nothing and is fine.

    Raises `InvalidError` with line, column and the nearest valid word.
    """
    top = Table(_load(text), (), positions(text))
    top.refuse_unknown(_TOP)
    seen: list[str] = []

    def reading(name: str) -> str:
        content = read_text(name)
        seen.append(content)
        return content

    datasets = {
        name: table.read(DeclaredDataset, name=name)
        for name, table in top.named("datasets", "dataset")
    }
    pipelines = {
        name: _pipeline(name, table, datasets, reading)
        for name, table in top.named("pipelines", "pipeline")
    }
    declaration = top.table("workspace").read(
        Declaration,
        skip=("digest",),
        datasets=datasets,
        pipelines=pipelines,
        gates=_gates(top),
        endpoints={
            name: _endpoint(name, table) for name, table in top.named("endpoints", "endpoint")
        },
        people=_people(top),
        **({} if "name" in top.table("workspace").values else {"name": default_name}),
    )
    limits = declaration.limits
    if limits.memory_gb < 0 or limits.minutes < 0:
        top.table("workspace").fail("a limit of a job is negative.", key="limits")
    return replace(declaration, digest=_digest([text, *seen]))


def step_digest(step: Step) -> str:
    """Return the identity of a step: sha256 over its flow, its text and its source."""
    parts = (step.flow, step.sql or step.function, step.source)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def pipeline_digest(pipeline: Pipeline) -> str:
    """Return the identity of a declared pipeline: sha256 over everything that shapes a model."""
    document = asdict(replace(pipeline, digest="", search=None, backend=""))
    return _digest([json.dumps(document, sort_keys=True)])


def _load(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _AT.match(str(error))
        said, where = (match[1], f" {match[2]}") if match else (str(error), "")
        raise InvalidError(
            f"{FILE}{where}: {said[:1].lower()}{said[1:]}.",
            hint="Text needs quotes, and a list is written [1, 2].",
        ) from None


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _pipeline(
    name: str, table: Table, datasets: dict[str, DeclaredDataset], read_text: ReadText
) -> Pipeline:
    step_tables = table.tables("steps")
    steps = tuple(_step(each, read_text) for each in step_tables)
    pipeline = table.read(Pipeline, name=name, steps=steps, skip=("digest",), also=("steps",))
    for key, used in (("input", (pipeline.input,)), ("references", pipeline.references)):
        for dataset in used:
            if dataset not in datasets:
                table.fail(
                    f"pipeline {name} reads the dataset {dataset!r}, which is not declared.",
                    key=key,
                    hint=nearest(dataset, list(datasets), "Declared are")
                    if datasets
                    else f"Add a table [datasets.{dataset}].",
                )
    if re.fullmatch(r"[A-Za-z_]\w*(\.\w+)*[.:][A-Za-z_]\w*", pipeline.estimator) is None:
        table.fail(
            f"{pipeline.estimator!r} does not name an estimator.",
            key="estimator",
            hint="Write a class as package.module.Class, a factory of your own as module:function.",
        )
    _check_names(step_tables)
    if pipeline.backend and re.fullmatch(r"dask://[^/:]+:\d+", pipeline.backend) is None:
        table.fail(
            f"{pipeline.backend!r} is no place where fits can run.",
            key="backend",
            hint='Write backend = "dask://host:8786", or leave it out for this machine.',
        )
    _check_range(table, "threshold", pipeline.threshold, 0.0, 1.0)
    _check_split(table.table("split"), pipeline.split)
    if pipeline.search is not None:
        _check_search(table.table("search"), pipeline.search)
    return replace(pipeline, digest=pipeline_digest(pipeline))


def _step(table: Table, read_text: ReadText) -> Step:
    step = table.read(Step, skip=("source", "digest"))
    if bool(step.sql) == bool(step.function):
        table.fail(
            f"step {step.name!r} needs either sql or function.",
            key="function" if step.function else "name",
            hint='For example: sql = "sql/features.sql"',
        )
    source = ""
    if step.function:
        module, _, function = step.function.partition(":")
        if not function:
            table.fail(
                f"{step.function!r} does not name a function.",
                key="function",
                hint="Write module:function; the module is a file of the workspace.",
            )
        source = read_text(module.replace(".", "/") + ".py")
    elif step.sql.endswith(".sql") and not re.search(r"\s", step.sql):
        source = step.sql
        step = replace(step, sql=read_text(source))
    step = replace(step, source=source)
    return replace(step, digest=step_digest(step))


def _check_split(table: Table, split: Split) -> None:
    if split.kind in ("time", "group") and not split.column:
        table.fail(
            f"a split by {split.kind} needs the column to split by.",
            key="kind",
            hint='For example: column = "time_hour"',
        )
    _check_range(table, "holdout_ratio", split.holdout_ratio, 0.0, 0.9)
    if split.folds < 0 or split.folds == 1 or split.folds > 50:
        table.fail(f"{split.folds} folds cannot be made.", key="folds", hint="0, or 2 to 50.")


def _check_search(table: Table, search: Search) -> None:
    for name, given in search.space.items():
        try:
            search_space.dimension(name, given)
        except InvalidError as error:
            table.table("space").fail(error.message, key=name, hint=error.hint)
    if search.trials < 1:
        table.fail(f"{search.trials} trials are none.", key="trials")


def _gates(top: Table) -> dict[str, tuple[Gate, ...]]:
    outer = top.table("gates")
    found: dict[str, tuple[Gate, ...]] = {}
    for model in outer.values:
        tables = outer.tables(model)
        for table in tables:
            table.values.setdefault("name", _gate_name(table.values))
        gates = tuple(each.read(Gate) for each in tables)
        _check_names(tables)
        for table, gate in zip(tables, gates, strict=True):
            _check_gate(table, gate)
        found[model] = gates
    return found


def _gate_name(values: Mapping[str, Any]) -> str:
    """What a gate without a name is called: its metric, and the slice it looks at."""
    slice_name = values.get("slice")
    return (
        f"{values.get('metric', '')}, {slice_name}" if slice_name else str(values.get("metric", ""))
    )


def _check_gate(table: Table, gate: Gate) -> None:
    needs_limit = gate.kind in ("metric", "calibration", "latency")
    if needs_limit and gate.must is None:
        table.fail(f"gate {gate.name!r} has no 'must'.", hint="Add the limit: must = …")
    if gate.kind == "calibration" and gate.must_high is None:
        table.fail(
            f"gate {gate.name!r} is a range and has no 'must_high'.", hint="Add must_high = …"
        )
    if not 0.5 <= gate.confidence < 1:
        _check_range(table, "confidence", gate.confidence, 0.5, 0.9999)
    if gate.margin < 0:
        table.fail(f"a margin of {gate.margin:g} is negative.", key="margin")


def _endpoint(name: str, table: Table) -> DeclaredEndpoint:
    tables = table.tables("alerts")
    rules = tuple(each.read(AlertRule, endpoint=name) for each in tables)
    _check_names(tables)
    endpoint = table.read(DeclaredEndpoint, name=name, rules=rules, also=("alerts",))
    _check_range(table, "port", endpoint.port, 0, 65535)
    _check_range(table, "latency_slo", endpoint.latency_slo, 0.0, 1.0)
    _check_range(table, "error_slo", endpoint.error_slo, 0.0, 1.0)
    return endpoint


def _people(top: Table) -> tuple[DeclaredPerson, ...]:
    outer = top.table("people")
    found = []
    for name, given in outer.values.items():
        listed = [given] if isinstance(given, str) else given
        if not isinstance(listed, list) or not all(isinstance(role, str) for role in listed):
            outer.fail(
                f"the roles of {name} are not a list of names.",
                key=name,
                hint=f'For example: {name} = ["data-scientist"]',
            )
        for role in listed:
            if role not in ROLES:
                outer.fail(
                    f"{name} is given the role {role!r}, which does not exist.",
                    key=name,
                    hint=nearest(role, ROLES, "Roles are"),
                )
        found.append(DeclaredPerson(name=name, roles=tuple(listed)))
    return tuple(found)


def _check_names(tables: list[Table]) -> None:
    """Each of a list needs a name of its own; points at the one that repeats another's."""
    seen = set()
    for table in tables:
        name = table.values["name"]
        if name in seen:
            table.fail(f"{table.name} is the second one called {name!r}.", key="name")
        seen.add(name)


def _check_range(table: Table, key: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        table.fail(
            f"{table.name}.{key} is {value:g}.", key=key, hint=f"It can be {low:g} to {high:g}."
        )
