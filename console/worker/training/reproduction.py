"""A run repeated: are the scores the same, and what differs when they are not?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from console import text
from console.rules import metrics as catalog
from console.worker.training.judging import Judged
from console.worker.training.verdict import read_evaluation
from storage.errors import StorageError
from storage.objects import Objects
from storage.records.evaluations import Holdout
from storage.records.runs import Run

CLOSE = 1e-6
"""Scores this near are the same for every purpose; bit-equal ones are said to be."""


def compare(
    record: Run, judged: Judged, original: Mapping[str, Any], objects: Objects
) -> dict[str, Any]:
    """Return what a reader wants to know, as facts and sentences."""
    number = original["run_id"]
    words = [*_scores(judged, original, objects)]
    is_same = bool(words) and words[0].startswith("The scores")
    for name, before in original["metrics"].items():
        now = record.metrics.get(name)
        is_timing = catalog.unit_of(name) == "ms"
        if now is not None and abs(now - before) > CLOSE and not is_timing:
            label = catalog.label_of(name)
            words.append(
                f"{label} {catalog.show(before, name)} → {catalog.show(now, name)} "
                f"({catalog.show(now - before, name, signed=True)})."
            )
    words += _changed("Environment", original["environment"], record.environment)
    words += _changed("Code", original["code"], record.code)
    return {"reproduces": number, "is_same": is_same, "words": words}


def _scores(judged: Judged, original: Mapping[str, Any], objects: Objects) -> list[str]:
    files = original["artifacts"]
    try:
        holdout = msgspec.convert(objects.read_json(files["holdout"]), Holdout)
        before, _ = read_evaluation(holdout, files["evaluation"], objects)
    except (KeyError, StorageError, msgspec.ValidationError):
        return ["Its scores were not kept, so only the metrics can be compared."]
    if holdout.rows_digest != judged.holdout.rows_digest:
        return ["It was judged on other rows: the split or the training flow has changed."]
    rows = text.counted(len(judged.y), "held-out row")
    if np.array_equal(before.scores, judged.scores):
        return [f"The scores of all {rows} are equal, bit by bit."]
    gap = float(np.abs(before.scores - judged.scores).max())
    if gap <= CLOSE:
        return [f"The scores of all {rows} agree to {gap:.1e}."]
    differing = int((np.abs(before.scores - judged.scores) > CLOSE).sum())
    return [f"{text.count(differing)} of {rows} score differently, by up to {gap:.3g}."]


def _changed(what: str, before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    names = [n for n in sorted({*before, *now}) if before.get(n) != now.get(n)]
    if not names:
        return []
    shown = [f"{name} {_short(before.get(name))} → {_short(now.get(name))}" for name in names]
    return [f"{what}: {text.listed(shown)}."]


def _short(value: str | None) -> str:
    if value is None:
        return text.ABSENT
    return value[:12] if len(value) in (40, 64) else value
