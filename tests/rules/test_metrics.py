"""The catalog of metrics: complete entries, and one way to write a value."""

from __future__ import annotations

import pytest

from console.errors import InvalidError
from console.rules import metrics


@pytest.mark.parametrize("metric", metrics.CATALOG.values(), ids=lambda m: m.name)
def test_every_entry_is_complete(metric: metrics.Metric) -> None:
    assert metric.name.islower()
    assert metric.label
    assert metric.source
    assert metric.subjects
    assert metric.unit in ("", "%", "ms", "bytes", "σ")
    assert metric.arrow == {"ge": "↑", "le": "↓", "in": ""}[metric.direction]
    if metric.low is not None and metric.high is not None:
        assert metric.low < metric.high


def test_names_and_labels_are_unique() -> None:
    assert len(metrics.CATALOG) == len(metrics._ENTRIES)
    labels = [m.label for m in metrics.CATALOG.values()]
    assert len(set(labels)) == len(labels)


def test_the_defaults_of_a_task_are_in_the_catalog_and_belong_to_it() -> None:
    for task, names in metrics.DEFAULTS.items():
        for name in names:
            assert task in metrics.find(name).subjects


def test_an_unknown_metric_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidError) as refused:
        metrics.find("rocauc")
    assert "roc_auc" in refused.value.hint
    assert metrics.label_of("my_metric") == "my metric"
    assert metrics.direction_of("my_metric", "le") == "le"


@pytest.mark.parametrize(
    ("value", "name", "options", "text"),
    [
        (0.6058, "recall", {}, "0.606"),
        (0.41, "psi", {}, "0.41"),
        (0.029, "error_ratio", {}, "2.9 %"),
        (0.0, "null_rate", {}, "0 %"),
        (186.4, "p99_ms", {}, "186 ms"),
        (6.44, "row_p95_ms", {}, "6.4 ms"),
        (-0.019, "recall", {"signed": True}, "−0.019"),
        (0.012, "recall", {"signed": True}, "+0.012"),
        (0.02, "error_ratio", {"signed": True}, "+2.0 %"),
        (1e-6, "refit_difference", {}, "1e−06"),
        (None, "recall", {}, "–"),
        (float("nan"), "recall", {}, "–"),
    ],
)
def test_a_value_is_written_one_way(
    value: float | None, name: str, options: dict[str, bool], text: str
) -> None:
    assert metrics.show(value, name, **options) == text  # type: ignore[arg-type]  # keyword table


def test_better_follows_the_direction() -> None:
    assert metrics.is_better("recall", 0.7, 0.6)
    assert metrics.is_better("log_loss", 0.3, 0.4)
    assert not metrics.is_better("calibration_slope", 1.0, 0.7)
