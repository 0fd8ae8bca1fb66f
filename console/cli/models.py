"""`mlops-console model …`: versions, promotion and the way back."""

from __future__ import annotations

from pathlib import Path

from console import text
from console.cli.commands import Invocation, argument, command
from console.cli.following import DETACH, follow
from console.cli.output import Column, Output
from console.cli.references import split_reference
from console.cli.run_views import print_measured
from console.wire import models as wire
from console.wire import people as people_wire
from console.wire.models import (
    ExportModel,
    ImportModel,
    MeasureModel,
    ModelDetail,
    ModelName,
    ModelRef,
    PredictModel,
    PromoteModel,
    Promotion,
    RollbackModel,
)
from console.wire.people import Decide
from console.wire.routes import Nothing
from storage.records.models import AliasChange, Model, ModelVersion
from storage.records.people import Approval

_VERSION = argument("version", help="MODEL, MODEL@v5 or MODEL@champion")


@command(
    "list",
    argument("model", nargs="?", help="only the versions of this model"),
    examples=("mlops-console model list", "mlops-console model list delays"),
)
def list_models(invocation: Invocation) -> None:
    """Registered models, or the versions of one."""
    output = invocation.output
    name = invocation.arguments.model
    if name:
        versions = invocation.client.call(wire.list_model_versions, ModelName(model=name))
        output.show(versions, lambda found: _versions(output, found))
        return
    output.show(
        invocation.client.call(wire.list_models, Nothing()), lambda found: _models(output, found)
    )


def _models(output: Output, found: list[Model]) -> None:
    if not found:
        output.line("No model is registered yet. Train one: mlops-console train PIPELINE")
        return
    output.table(
        [Column("model"), Column("versions", ">"), Column("champion"), Column("challenger")],
        [
            (
                each.name,
                each.version_count,
                f"v{each.champion}" if each.champion else None,
                f"v{each.challenger}" if each.challenger else None,
            )
            for each in found
        ],
    )


def _versions(output: Output, found: list[ModelVersion]) -> None:
    output.table(
        [
            Column("version"),
            Column("gates"),
            Column("AUC ↑", ">"),
            Column("threshold", ">"),
            Column("aliases"),
            Column("serves"),
            Column("run", ">"),
            Column("data"),
            Column("when"),
        ],
        [
            (
                f"v{each.version}" + (" ▲ override" if each.is_override else ""),
                each.verdict,
                text.fixed(each.metrics.get("roc_auc"), 3),
                text.fixed(each.threshold, 2),
                each.aliases,
                each.served_by,
                each.run_id,
                [f"{use.dataset}@v{use.version}" for use in each.data],
                f"{each.created_at:%Y-%m-%d %H:%M}",
            )
            for each in found
        ],
    )


@command("show", _VERSION, examples=("mlops-console model show delays@v5",))
def show(invocation: Invocation) -> None:
    """What a version is made of, how it was judged and where it serves."""
    output = invocation.output
    detail = invocation.client.call(wire.get_model, _reference(invocation.arguments.version))

    def people(found: ModelDetail) -> None:
        version, manifest = found.version, found.manifest
        output.heading(version.name, ", ".join(version.aliases))
        output.facts(
            [
                ("gates", output.verdict(version.verdict)),
                ("estimator", manifest.estimator),
                ("run", version.run_id),
                ("data", [f"{use.dataset}@v{use.version}" for use in version.data]),
                ("threshold", text.fixed(version.threshold, 2)),
                ("features", f"{len(manifest.features)}: {', '.join(manifest.features)}"),
                ("inference", [step.name for step in manifest.steps]),
                ("digest", version.digest),
                ("size", text.byte_size(version.bytes)),
                ("serves", version.served_by),
                ("made", f"{version.created_at:%Y-%m-%d %H:%M} UTC by {version.created_by}"),
            ]
        )

    output.show(detail, people)


@command(
    "promote",
    _VERSION,
    argument("--alias", default="champion", help="champion (default), challenger or any name"),
    argument("--reason", default="", help="why; needed with --override"),
    argument("--override", action="store_true", help="against gates that do not pass"),
    examples=(
        "mlops-console model promote delays@v5",
        'mlops-console model promote delays@v5 --override --reason "summer season, watched"',
    ),
)
def promote(invocation: Invocation) -> None:
    """Point an alias at a version whose gates pass; endpoints follow at once."""
    chosen = _reference(invocation.arguments.version)
    request = PromoteModel(
        model=chosen.model,
        version=chosen.version,
        alias=invocation.arguments.alias,
        reason=invocation.arguments.reason,
        override=invocation.arguments.override,
    )
    _tell(invocation, invocation.client.call(wire.promote_model, request))


@command(
    "rollback",
    argument("model"),
    argument("--alias", default="champion"),
    argument("--to", default="", metavar="VERSION", help="default: the version before"),
    argument("--reason", default=""),
    examples=("mlops-console model rollback delays", "mlops-console model rollback delays --to v3"),
)
def rollback(invocation: Invocation) -> None:
    """Point an alias back to the version before; endpoints follow at once."""
    request = RollbackModel(
        model=invocation.arguments.model,
        alias=invocation.arguments.alias,
        version=invocation.arguments.to,
        reason=invocation.arguments.reason,
    )
    _tell(invocation, invocation.client.call(wire.rollback_model, request))


def _tell(invocation: Invocation, promotion: Promotion) -> None:
    invocation.output.show(promotion, lambda found: invocation.output.line(found.message))


@command(
    "approve",
    argument("id", nargs="?", type=int, help="number of the request; without it: what waits"),
    argument("--reject", action="store_true"),
    argument("--reason", default=""),
    examples=("mlops-console model approve", "mlops-console model approve 3"),
)
def approve(invocation: Invocation) -> None:
    """Give the second yes that a promotion in a team workspace needs."""
    output = invocation.output
    if invocation.arguments.id is None:
        waiting = invocation.client.call(people_wire.list_approvals, Nothing())
        output.show(waiting, lambda found: _approvals(output, found))
        return
    request = Decide(
        id=invocation.arguments.id,
        approve=not invocation.arguments.reject,
        reason=invocation.arguments.reason,
    )
    decided = invocation.client.call(people_wire.decide_approval, request)
    output.show(
        decided,
        lambda found: output.line(
            f"approval {found.id} of {found.subject} is {found.state}"
            + (
                "; it happens when the request is made again: "
                f"mlops-console model promote {found.subject.split(' ')[0]}"
                if found.state == "approved"
                else ""
            )
        ),
    )


def _approvals(output: Output, found: list[Approval]) -> None:
    if not found:
        output.line("Nothing waits for a yes.")
        return
    output.table(
        [Column("id", ">"), Column("what"), Column("asked by"), Column("needs"), Column("state")],
        [(a.id, a.subject, a.requested_by, a.needs_role, a.state) for a in found],
    )


@command("history", argument("model"), examples=("mlops-console model history delays",))
def history(invocation: Invocation) -> None:
    """Which version every alias pointed to, when, by whom and why."""
    output = invocation.output

    def people(found: list[AliasChange]) -> None:
        output.table(
            [
                Column("when"),
                Column("alias"),
                Column("version"),
                Column("was"),
                Column("by"),
                Column("how"),
                Column("reason"),
            ],
            [
                (
                    f"{each.at:%Y-%m-%d %H:%M:%S}",
                    each.alias,
                    f"v{each.version}" if each.version else None,
                    f"v{each.previous}" if each.previous else None,
                    each.by,
                    _how(each),
                    each.reason or None,
                )
                for each in found
            ],
        )

    model = ModelName(model=invocation.arguments.model)
    output.show(invocation.client.call(wire.list_alias_changes, model), people)


def _how(change: AliasChange) -> str:
    if change.is_rollback:
        return "rollback"
    return "override" if change.is_override else "promotion"


_DATA = argument(
    "--data", default="", metavar="NAME@VERSION",
    help="whose rows; the latest version of what it was trained on by default",
)  # fmt: skip


@command(
    "evaluate",
    _VERSION,
    _DATA,
    DETACH,
    examples=("mlops-console model evaluate delays@champion --data flights@v4",),
)
def evaluate(invocation: Invocation) -> None:
    """Measure a version on the rows of a data version, through its own flow."""
    chosen = _reference(invocation.arguments.version)
    request = MeasureModel(
        model=chosen.model, version=chosen.version, data=invocation.arguments.data
    )
    job = follow(invocation, invocation.client.call(wire.measure_model, request))
    if job is not None:
        invocation.output.show(job.result, lambda found: print_measured(invocation.output, found))


@command(
    "predict",
    _VERSION,
    argument("path", help="file to write: .parquet, .csv or .arrow"),
    _DATA,
    argument("--format", default="", help="parquet, csv or arrow; by the name by default"),
    argument("--overwrite", action="store_true", help="replace the file when it is there"),
    DETACH,
    examples=("mlops-console model predict delays@champion scores.parquet --data flights@v4",),
)
def predict(invocation: Invocation) -> None:
    """Write the score of every row of a data version to a file; no truth is needed."""
    given = invocation.arguments
    chosen = _reference(given.version)
    request = PredictModel(
        model=chosen.model,
        version=chosen.version,
        data=given.data,
        path=str(Path(given.path).absolute()),
        format=given.format,
        overwrite=given.overwrite,
    )
    job = follow(invocation, invocation.client.call(wire.predict_model, request))
    if job is None:
        return
    made = job.result
    yes = ""
    if made["yes"] is not None and made["rows"]:
        yes = f", yes for {text.percent(made['yes'] / made['rows'], 1)}"
    invocation.output.show(
        made,
        lambda found: invocation.output.line(
            f"wrote {found['path']}: {text.counted(found['rows'], 'row')} of {found['data']} by "
            f"{found['model']}{yes}"
        ),
    )


@command(
    "export",
    _VERSION,
    argument("path", help="file to write, .mlmodel.zip"),
    DETACH,
    examples=("mlops-console model export delays@v5 delays-v5.mlmodel.zip",),
)
def export(invocation: Invocation) -> None:
    """Write a version with its flow and references into one file."""
    chosen = _reference(invocation.arguments.version)
    path = str(Path(invocation.arguments.path).absolute())
    request = ExportModel(model=chosen.model, version=chosen.version, path=path)
    job = follow(invocation, invocation.client.call(wire.export_model, request))
    if job is not None:
        invocation.output.show(job.result, lambda _: invocation.output.line(f"wrote {path}"))


@command(
    "import",
    argument("model"),
    argument("path"),
    argument("--trust", action="store_true", help="you know who made the file"),
    DETACH,
    examples=("mlops-console model import delays delays-v5.mlmodel.zip --trust",),
)
def import_model(invocation: Invocation) -> None:
    """Register a version from a file; loading it runs its code, so it asks for trust."""
    request = ImportModel(
        model=invocation.arguments.model,
        path=str(Path(invocation.arguments.path).absolute()),
        trust=invocation.arguments.trust,
    )
    job = follow(invocation, invocation.client.call(wire.import_model, request))
    if job is not None:
        invocation.output.show(
            job.result, lambda _: invocation.output.line(f"registered {job.result['model']}")
        )


def _reference(words: str) -> ModelRef:
    name, version = split_reference(words, "model")
    return ModelRef(model=name, version=version)
