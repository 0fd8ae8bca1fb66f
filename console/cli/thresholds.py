"""`mlops-console threshold …`: the score above which a model says yes."""

from __future__ import annotations

from typing import Any

from console import text
from console.cli.commands import Invocation, argument, command
from console.cli.output import Column
from console.cli.references import split_reference
from console.wire import models as wire
from console.wire.models import ModelRef, SetThreshold, ThresholdView
from storage.records.models import ThresholdChange

_VERSION = argument("version", help="MODEL, MODEL@v5 or MODEL@champion")


@command(
    "show",
    _VERSION,
    argument("--at", type=float, action="append", help="also judge this threshold (repeatable)"),
    examples=(
        "mlops-console threshold show delays",
        "mlops-console threshold show delays --at 0.3",
    ),
)
def show(invocation: Invocation) -> None:
    """What thresholds would mean: recall, precision, cost; where the cheapest one lies."""
    name, version = split_reference(invocation.arguments.version, "model")
    view = invocation.client.call(wire.get_threshold, ModelRef(model=name, version=version))
    from console.rules import thresholds  # numpy: only for this command

    candidates = sorted(
        {round(i / 10, 1) for i in range(1, 10)}
        | {view.threshold, *(invocation.arguments.at or ())}
    )
    rows: list[dict[str, Any]] = [
        {"threshold": t, **thresholds.figures(view.grid, t, view.cost)} for t in candidates
    ]
    best = thresholds.optimum(view.grid, view.cost)
    document = {
        "model": view.model,
        "version": view.version,
        "threshold": view.threshold,
        "cheapest": best.threshold,
        "flat_from": best.flat_low,
        "flat_to": best.flat_high,
        "at": rows,
    }
    invocation.output.show(document, lambda _: _print(invocation, view, rows, best))


def _print(invocation: Invocation, view: ThresholdView, rows: list[Any], best: Any) -> None:
    output = invocation.output
    output.heading(f"{view.model}@v{view.version}", f"in force: {view.threshold:.2f}")
    output.table(
        [
            Column("threshold", ">"),
            Column("recall", ">"),
            Column("precision", ">"),
            Column("alerts %", ">"),
            Column("cost / 1 000", ">"),
            Column(""),
        ],
        [
            (
                text.fixed(row["threshold"], 2),
                text.fixed(row["recall"], 3),
                text.fixed(row["precision"], 3),
                text.fixed(100 * row["alert_ratio"], 1),
                text.fixed(row["cost_per_1000"], 1),
                "← now" if row["threshold"] == view.threshold else "",
            )
            for row in rows
        ],
    )
    output.line(
        f"Cheapest at {best.threshold:.2f}; as good from {best.flat_low:.2f} to "
        f"{best.flat_high:.2f}: choose freely there."
    )


@command(
    "set",
    _VERSION,
    argument("value", type=float, help="a score between 0 and 1"),
    argument("--reason", required=True, help="what colleagues will read in the ledger"),
    examples=('mlops-console threshold set delays@v5 0.30 --reason "fewer missed delays"',),
)
def set_threshold(invocation: Invocation) -> None:
    """Move the decision threshold; endpoints follow at once, without reloading the model."""
    name, version = split_reference(invocation.arguments.version, "model")
    request = SetThreshold(
        model=name,
        version=version,
        value=invocation.arguments.value,
        reason=invocation.arguments.reason,
    )
    changed = invocation.client.call(wire.set_threshold, request)

    def people(found: ThresholdChange) -> None:
        was = f", was {found.previous:.2f}" if found.previous is not None else ""
        invocation.output.line(
            f"{found.model}@v{found.version} says yes from {found.value:.2f} on{was}."
        )

    invocation.output.show(changed, people)
