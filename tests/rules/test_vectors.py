"""Our numbers against those of independent implementations, vector by vector.

Each vector names the function and version it came from. `CHECKS` computes ours in the shape of
`expected`; `NOT_ASSERTED` says why a vector is no yardstick for us. Together they name every one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from console.rules import estimates, intervals, latency, multiplicity, slo, thresholds
from console.rules.drift import distances
from console.rules.evaluation import (
    calibration,
    compare_binary,
    delong,
    evaluate_binary,
    evaluate_multiclass,
    evaluate_regression,
    multiclass,
    nadeau_bengio,
)
from storage.records.pipelines import Cost

FILE = json.loads((Path(__file__).parent / "stat_vectors.json").read_text())
DATA: dict[str, Any] = FILE["datasets"]
VECTORS: dict[str, Any] = FILE["vectors"]

Check = Callable[[dict[str, Any]], Any]


def by_k_n(function: Callable[[float, float, float], tuple[float, float]]) -> Check:
    return lambda i: [list(function(k, n, i["confidence"])) for k, n in i["k_n"]]


def binary(inputs: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    data = DATA["binary"]
    return np.array(data["y"]), np.array(data[inputs.get("score", "score_a")])


def at_threshold(inputs: dict[str, Any]) -> dict[str, float | None]:
    y, score = binary(inputs)
    values = {r.name: r.value for r in evaluate_binary(y, score, inputs["threshold"])}
    said = score >= inputs["threshold"]
    return values | {
        "tp": int((said & (y == 1)).sum()),
        "fp": int((said & (y == 0)).sum()),
        "fn": int((~said & (y == 1)).sum()),
        "tn": int((~said & (y == 0)).sum()),
    }


def ranking_and_probability(inputs: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    result = {}
    for score in ("score_a", "score_b"):
        values = {r.name: r.value for r in evaluate_binary(*binary({"score": score}))}
        result[score] = values | {"d2_brier": values["brier_skill"]}
    return result


def ece_uniform(inputs: dict[str, Any]) -> dict[str, Any]:
    curve = calibration.reliability(*binary(inputs), bins=inputs["bins"], strategy="uniform")
    return {
        "ece": calibration.ece(curve),
        "mce": calibration.largest_gap(curve),
        "fraction_pos": [b.seen for b in curve],
        "mean_score": [b.mean_score for b in curve],
    }


def slope_and_intercept(inputs: dict[str, Any]) -> dict[str, float]:
    slope, slope_low, _, _ = calibration.slope(*binary(inputs))
    intercept, intercept_low, _, _ = calibration.intercept(*binary(inputs))
    z = intervals.z_value()
    return {
        "slope": slope,
        "slope_se": (slope - slope_low) / z,
        "intercept_in_the_large": intercept,
        "se": (intercept - intercept_low) / z,
    }


def several_classes(inputs: dict[str, Any]) -> dict[str, Any]:
    y, p = np.array(DATA["multiclass"]["y"]), np.array(DATA["multiclass"]["proba"])
    values = {r.name: r.value for r in evaluate_multiclass(y, p, ("0", "1", "2"))}
    return values | {
        "auc_ovr_macro": values["roc_auc"],
        "top2": values["top2_accuracy"],
        "confusion": multiclass.confusion(y, p.argmax(axis=1), 3).tolist(),
    }


def numbers(inputs: dict[str, Any]) -> dict[str, float | None]:
    data = DATA["regression"]
    values = {r.name: r.value for r in evaluate_regression(data["y"], data["pred"])}
    return values | {"pinball_0.9": values["pinball_90"]}


def bootstrap(inputs: dict[str, Any]) -> dict[str, list[float | None]]:
    y, a = binary({"score": "score_a"})
    _, b = binary({"score": "score_b"})
    data = DATA["regression"]
    mae = evaluate_regression(data["y"], data["pred"], names=["mae"])[0]
    brier = compare_binary(y, a, b, against="b", names=["brier"])[0]
    assert mae.ci_method == brier.ci_method == "bootstrap BCa"
    accuracy = evaluate_binary(y, a, names=["accuracy"])[0]
    assert accuracy.ci_method == "wilson"  # within the tolerance of a bootstrap
    return {
        "accuracy_a": [accuracy.ci_low, accuracy.ci_high],
        "mae": [mae.ci_low, mae.ci_high],
        "brier_a_minus_b_paired": [brier.ci_low, brier.ci_high],
    }


def delong_pair(inputs: dict[str, Any]) -> dict[str, Any]:
    y, a = binary({"score": "score_a"})
    pair = delong(y, a, binary({"score": "score_b"})[1])
    return {
        "auc": [pair.new, pair.old],
        "cov": [list(row) for row in pair.covariance],
        "z": pair.z,
        "p_two_sided": pair.p_value,
    }


def cross_validation(inputs: dict[str, Any]) -> dict[str, Any]:
    data = DATA["cv"]
    found = nadeau_bengio(
        np.array(data["b"]) - np.array(data["a"]), 1 / (data["folds"] - 1), inputs["rope"]
    )
    return {
        "mean": found.mean,
        "var": found.variance,
        "df": found.degrees,
        "t": found.t,
        "p_two_sided": found.p_value,
        "p_a_better_rope_b_better": [found.p_worse, found.p_equal, found.p_better],
    }


def both(inputs: dict[str, Any]) -> tuple[list[float], list[float]]:
    data = DATA[inputs["dataset"]] if "dataset" in inputs else inputs
    return data["ref"], data["cur"]


def raw_numbers(inputs: dict[str, Any]) -> dict[str, float]:
    """Every value a cell of its own: what bins approximate."""
    reference, current = (np.array(side) for side in both(inputs))
    cells = np.union1d(reference, current)
    p = np.bincount(np.searchsorted(cells, reference), minlength=cells.size)
    q = np.bincount(np.searchsorted(cells, current), minlength=cells.size)
    gap, _ = distances.ks(p, q)
    w1 = distances.wasserstein(cells, p, cells, q)
    return {
        "ks_d": gap,
        "ks_p_asymp": distances.ks_p_value(gap, current.size, reference.size),
        "w1": w1,
        "w1_over_ref_std_ddof0": w1 / float(reference.std()),
        "w1_norm": w1 / float(reference.std()),
        "kolmogorov_smirnov": gap,
        "wasserstein": w1,
    }


def categories(inputs: dict[str, Any]) -> dict[str, float]:
    table = distances.association(*both(inputs))
    return {
        "chi2": table.chi2,
        "chi2_p": table.chi2_p,
        "p": table.chi2_p,
        "g": table.g,
        "g_p": table.g_p,
        "dof": table.degrees,
        "cramers_v": table.cramers_v,
    }


def threshold_table(inputs: dict[str, Any]) -> list[dict[str, int]]:
    """From the grid. Its lines are 1/4096 apart, so the row counts are those of the line at or
    just above; no score of this data set lies between."""
    curves = thresholds.curves_of(thresholds.score_grid(*binary(inputs)))
    found = [thresholds.figures_at(curves, t, Cost()) for t in inputs["thresholds"]]
    return [{"tn": f.tn, "fp": f.fp, "fn": f.fn, "tp": f.tp} for f in found]


def without_labels(inputs: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Every distinct score a place of its own, taken as calibrated."""
    _, score = binary(inputs)
    calibrated = sorted(set(score.tolist()))
    place = {value: i for i, value in enumerate(calibrated)}
    rows = [
        estimates.ScoredRows(place[value], value >= inputs["threshold"], 1)
        for value in score.tolist()
    ]
    found = {name: estimates.estimate(name, rows, calibrated) for name in estimates.NAMES}
    return {name: {"estimate": e.value} for name, e in found.items() if e is not None}


def log_buckets(inputs: dict[str, Any]) -> dict[str, list[float | None]]:
    counts: dict[int, int] = {}
    for value in DATA["latency_ms"]:
        bucket = latency.bucket_of(value)
        counts[bucket] = counts.get(bucket, 0) + 1
    return {"0.01": [latency.quantile_ms(counts, q) for q in inputs["q"]]}


def error_budget(inputs: dict[str, Any]) -> dict[str, float | None]:
    bad, total = inputs["total"] - inputs["good"], inputs["total"]
    rate = slo.burn_rate(bad, total, inputs["slo"])
    used = [rule.rate * rule.long_s / 3600 / (24 * slo.PERIOD_DAYS) for rule in slo.BURN_RULES]
    return {
        "error_rate": bad / total,
        "burn_rate": rate,
        "hours_to_exhaust_30d_budget": slo.hours_to_exhaust(rate),
        "budget_share_used_by_14.4x_1h": used[0],
        "by_6x_6h": used[1],
        "by_1x_72h": used[2],
    }


def apdex(inputs: dict[str, Any]) -> dict[str, float | None]:
    values, limit = DATA["latency_ms"], inputs["T_ms"]
    fast = sum(value <= limit for value in values)
    tolerable = sum(limit < value <= 4 * limit for value in values)
    return {"apdex": slo.apdex(fast, tolerable, len(values))}


CHECKS: dict[str, Check] = {
    "live.cbpe": without_labels,
    "live.ddsketch": log_buckets,
    "live.burn_rate": error_budget,
    "live.apdex": apdex,
    "binary.threshold_table": threshold_table,
    "drift.psi_cat": lambda i: distances.psi(*both(i), pseudo_count=0),
    "drift.psi_cat.evidently": lambda i: distances.psi(*both(i), pseudo_count=0),
    "drift.psi_cat_smoothed": lambda i: distances.psi(*both(i), pseudo_count=i["pseudo_count"]),
    "drift.psi_noise_floor95": lambda i: [
        [distances.psi_by_chance(b, n, i["n_ref"]) for n in i["n_cur"]] for b in i["bins"]
    ],
    "drift.js_distance": lambda i: {
        "base2": distances.js_distance(*both(i)),
        "natural": distances.js_distance(*both(i)) * math.sqrt(math.log(2)),
    },
    "drift.js_cat.evidently": lambda i: distances.js_distance(*both(i)) * math.sqrt(math.log(2)),
    "drift.total_variation_linf_hellinger": lambda i: {
        "tv": distances.total_variation(*both(i)),
        "linf": distances.largest_share_move(*both(i)),
        "hellinger": distances.hellinger(*both(i)),
    },
    "drift.chi2_g_cramer": categories,
    "drift.chi2_new_category": categories,
    "drift.ks_w1_energy.drift_num": raw_numbers,
    "drift.num.evidently": raw_numbers,
    "drift.num.nannyml": raw_numbers,
    "binary.at_threshold": at_threshold,
    "binary.ranking_proba": ranking_and_probability,
    "binary.ece_uniform10": ece_uniform,
    "binary.calibration_slope_intercept": slope_and_intercept,
    "multiclass.all": several_classes,
    "regression.all": numbers,
    "ci.bootstrap_bca": bootstrap,
    "paired.delong": delong_pair,
    "paired.nadeau_bengio_rope": cross_validation,
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

PARTLY: dict[str, tuple[str, ...]] = {
    # Members of `expected` that the product does not compute.
    "binary.at_threshold": ("f2", "kappa", "jaccard"),
    "regression.all": ("max_error", "explained_variance"),
    "live.ddsketch": ("0.02",),  # the product keeps one accuracy, 1 %
    "drift.ks_w1_energy.drift_num": ("energy", "mannwhitney_auc"),  # need raw rows, not profiles
    # The other tool's own bins (Sturges on pooled data) and exact p for small samples.
    "drift.num.evidently": ("psi_sturges_pooled", "ks_p"),
    # The other tool's own bins (Doane's rule and one for what is left).
    "drift.num.nannyml": ("jensen_shannon", "hellinger"),
}

LOOSER: dict[str, float] = {
    # The reference ranks in single precision. Its AUCs agree to 1e-7, but z and p are built on
    # their difference, which is a hundred times smaller.
    "paired.delong": 2e-4,
}

NOT_ASSERTED: dict[str, str] = {
    "live.adwin_pagehinkley": (
        "behaviour of another tool's detectors; ours, a CUSUM, finds the same change at 1 014 and "
        "nothing before (test_live.py)"
    ),
    "live.latency_exact": (
        "quantiles of raw rows; buckets are within 1 % of them (test_live.py), equal to the "
        "sketch library digit by digit (live.ddsketch)"
    ),
    "drift.mmd2_rbf_sigma1": "a kernel distance of raw rows; drift here works from profiles alone",
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
    expected = vector["expected"]
    if name == "live.cbpe":  # the other tool's errors are of the reference, its AP's are random
        expected = {key: {"estimate": value["estimate"]} for key, value in expected.items()}
    expected = (
        {key: value for key, value in expected.items() if key not in PARTLY[name]}
        if name in PARTLY
        else expected
    )
    assert_close(ours, expected, LOOSER.get(name, vector["rtol"]), vector["atol"], name)


def test_every_vector_is_asserted_or_has_its_reason() -> None:
    assert set(CHECKS) | set(NOT_ASSERTED) == set(VECTORS)
    assert not set(CHECKS) & set(NOT_ASSERTED)
    for name, members in PARTLY.items():
        assert set(members) < set(VECTORS[name]["expected"]), "the rest of it is asserted"
