"""Our numbers against those of independent implementations, vector by vector.

Each vector names the function and version it came from. `CHECKS` computes ours in the shape of
`expected`; `NOT_ASSERTED` says why a vector is no yardstick for us. Together they name every one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.rules import intervals, multiplicity

FILE = json.loads((Path(__file__).parent / "stat_vectors.json").read_text())
DATA: dict[str, Any] = FILE["datasets"]
VECTORS: dict[str, Any] = FILE["vectors"]

Check = Callable[[dict[str, Any]], Any]


def by_k_n(function: Callable[[float, float, float], tuple[float, float]]) -> Check:
    return lambda i: [list(function(k, n, i["confidence"])) for k, n in i["k_n"]]


CHECKS: dict[str, Check] = {
    "prop.wilson": by_k_n(intervals.wilson),
    "prop.clopper_pearson": by_k_n(intervals.clopper_pearson),
    "prop.jeffreys": by_k_n(intervals.jeffreys),
    "prop.prob_meets_threshold": lambda i: [
        intervals.probability_at_least(i["k"], i["n"], t) for t in i["thresholds"]
    ],
    "power.n_for_ci_halfwidth": lambda i: intervals.rows_for_half_width(
        i["p"], i["half_width"], 1 - i["alpha"]
    ),
    "power.n_two_proportions": lambda i: intervals.rows_for_two_proportions(
        i["p1"], i["p2"], 1 - i["alpha"], i["power"]
    ),
    "rate.poisson_two_sample": lambda i: {
        "p": intervals.poisson_two_sample(i["count1"], i["exp1"], i["count2"], i["exp2"])
    },
    "multiplicity.bh": lambda i: multiplicity.benjamini_hochberg(i["p"]),
    "multiplicity.by": lambda i: multiplicity.benjamini_yekutieli(i["p"]),
}

NOT_ASSERTED: dict[str, str] = {
    "prop.noninferiority_score": (
        "the reference's cubic uses the old side's events where Miettinen and Nurminen have its "
        "rows, so its restricted proportions are not the most likely ones; ours are "
        "(test_intervals.py), and z agrees within 0.2 %"
    ),
}


def assert_close(ours: Any, expected: Any, rtol: float, atol: float, where: str) -> None:
    if isinstance(expected, dict):
        missing = set(expected) - set(ours)
        assert not missing, f"{where} lacks {missing}"
        for key in expected:
            assert_close(ours[key], expected[key], rtol, atol, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(ours) == len(expected), where
        for index, (mine, theirs) in enumerate(zip(ours, expected, strict=True)):
            assert_close(mine, theirs, rtol, atol, f"{where}[{index}]")
    else:
        assert abs(float(ours) - float(expected)) <= atol + rtol * abs(float(expected)), (
            f"{where}: {ours!r} instead of {expected!r}"
        )


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_ours_equals_the_independent_value(name: str) -> None:
    vector = VECTORS[name]
    ours = CHECKS[name](vector["inputs"])
    assert_close(ours, vector["expected"], vector["rtol"], vector["atol"], name)
