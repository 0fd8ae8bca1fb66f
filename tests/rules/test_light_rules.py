"""Rules that light processes use load the standard library only, also when they are called."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys

import pytest


def test_light_rules_judge_without_anything_heavy() -> None:
    code = """
import importlib, sys
for name in ("alerts", "estimates", "gates", "intervals", "latency", "lifecycle", "metrics",
             "multiplicity", "readiness", "roles", "saturation", "sequential", "slo", "verdicts"):
    importlib.import_module(f"console.rules.{name}")
from console.rules.intervals import clopper_pearson, poisson_rate, quantile_interval, wilson
from console.rules.verdicts import judge
from storage.records.results import Result
low, high = wilson(606, 1000)
judged = judge(Result(name="recall", value=0.606, n=1000, ci_low=low, ci_high=high,
                      ci_method="wilson", threshold=0.6))
assert judged.p_meet and clopper_pearson(3, 10) and poisson_rate(4, 1.0)
assert quantile_interval([1.0, 2.0, 3.0], 0.5)
heavy = {"numpy", "scipy", "pandas", "sklearn", "duckdb", "pyarrow", "joblib", "msgspec"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "module", ["alerts", "latency", "slo", "thresholds.grid", "thresholds.choice"]
)
def test_examples_in_the_docs_are_true(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"console.rules.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
