"""Which models have a decision threshold, and what the others are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.agent.model_lookup import check_has_threshold
from console.errors import ConflictError
from storage.records.models import ModelManifest, ModelVersion
from storage.records.pipelines import Task
from tests.rules.test_run_comparison import BASE

VERSION = ModelVersion(
    model="iris", version=2, digest="d" * 64, metrics={}, gate_counts={},
    created_at=BASE.started_at, created_by="ana",
)  # fmt: skip
MANIFEST = ModelManifest(
    pipeline="iris", pipeline_digest="p", task="binary", estimator="x", estimator_digest="e",
    inputs=(), steps=(), features=(), feature_types=(), target="y", classes=("a", "b"), profile="",
    environment={},
)  # fmt: skip


@pytest.mark.parametrize(
    ("task", "classes", "told"),
    [("multiclass", ("a", "b", "c"), "iris@v2 chooses the most probable of 3 classes"),
     ("regression", (), "iris@v2 predicts a number")],
)  # fmt: skip
def test_a_model_that_says_no_yes_or_no_is_told_so(
    task: Task, classes: tuple[str, ...], told: str
) -> None:
    check_has_threshold(VERSION, MANIFEST)
    with pytest.raises(ConflictError, match=told) as caught:
        check_has_threshold(VERSION, replace(MANIFEST, task=task, classes=classes))
    assert 'task = "binary"' in caught.value.hint
