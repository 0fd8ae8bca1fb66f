"""The catalog: what every measured number is called, which way is better, how it is written.

The one table that gates, screens, commands and comparisons read; standard library only. A metric
that is not here can still be stored and judged, it is then shown with three decimals and needs its
direction from whoever judges it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from console.errors import InvalidError
from console.text import delta, fixed, general, latency, percent
from storage.records.pipelines import Task
from storage.records.results import Direction

Subject = Literal["binary", "multiclass", "regression", "drift", "data", "serving", "artifact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One measurable thing."""

    name: str
    label: str
    """For screens: `recall`, `AUC`, `calibration slope`."""
    direction: Direction
    """`ge` higher is better, `le` lower is better, `in` best near one value."""
    subjects: tuple[Subject, ...]
    source: str
    """Definition: paper, book or the library function that it equals."""
    unit: str = ""
    """`%` = a ratio 0..1 that is shown as percent, `ms`, `bytes`; empty = a plain number."""
    decimals: int = 3
    low: float | None = 0.0
    """Smallest possible value; None = unbounded."""
    high: float | None = 1.0
    """Largest possible value; None = unbounded."""
    aim: float | None = None
    """The best value of an `in` metric, where it is the same for every model."""

    @property
    def arrow(self) -> str:
        """For a column's head: ↑ higher is better, ↓ lower is better."""
        return {"ge": "↑", "le": "↓", "in": ""}[self.direction]


_LOSS: Final = re.compile(
    r"(?:^|[_./ ])(?:loss|error|err|mae|mse|rmse|mape|perplexity)(?:$|[_./ ])"
)
_M = Metric
_CLASSES: Final[tuple[Subject, ...]] = ("binary", "multiclass")
_BINARY: Final[tuple[Subject, ...]] = ("binary",)
_MANY: Final[tuple[Subject, ...]] = ("multiclass",)
_NUMBER: Final[tuple[Subject, ...]] = ("regression",)

_ENTRIES: Final = (
    # ---- decisions at a threshold
    _M(name="accuracy", label="accuracy", direction="ge", subjects=_CLASSES,
       source="sklearn.metrics.accuracy_score"),
    _M(name="precision", label="precision", direction="ge", subjects=_CLASSES,
       source="sklearn.metrics.precision_score"),
    _M(name="recall", label="recall", direction="ge", subjects=_CLASSES,
       source="sklearn.metrics.recall_score"),
    _M(name="specificity", label="specificity", direction="ge", subjects=_BINARY,
       source="recall of the negative class"),
    _M(name="npv", label="NPV", direction="ge", subjects=_BINARY,
       source="precision of the negative class"),
    _M(name="f1", label="F1", direction="ge", subjects=_BINARY,
       source="sklearn.metrics.f1_score"),
    _M(name="mcc", label="MCC", direction="ge", subjects=_CLASSES, low=-1.0,
       source="sklearn.metrics.matthews_corrcoef; Gorodkin 2004 for many classes"),
    _M(name="balanced_accuracy", label="balanced accuracy", direction="ge", subjects=_CLASSES,
       source="sklearn.metrics.balanced_accuracy_score"),
    _M(name="cost", label="cost per 1 000", direction="le", subjects=_BINARY, decimals=1,
       low=None, high=None, source="Elkan, The foundations of cost-sensitive learning, 2001"),
    _M(name="positive_ratio", label="said yes", direction="in", subjects=("binary", "serving"),
       unit="%", source="share of decisions that are yes"),
    _M(name="base_rate", label="base rate", direction="in", subjects=_BINARY, unit="%",
       source="share of the positive class"),
    # ---- ranking
    _M(name="roc_auc", label="AUC", direction="ge", subjects=_CLASSES,
       source="DeLong, DeLong and Clarke-Pearson 1988; many classes: mean of one against rest"),
    _M(name="average_precision", label="average precision", direction="ge", subjects=_BINARY,
       source="sklearn.metrics.average_precision_score"),
    # ---- probabilities
    _M(name="log_loss", label="log loss", direction="le", subjects=_CLASSES, high=None,
       source="sklearn.metrics.log_loss on scores within 1e-15 of 0 and 1"),
    _M(name="brier", label="Brier", direction="le", subjects=_CLASSES, high=2.0,
       source="Brier 1950; many classes: the sum over classes, 0..2"),
    _M(name="brier_skill", label="Brier skill", direction="ge", subjects=_BINARY, low=None,
       source="sklearn.metrics.d2_brier_score"),
    _M(name="ece", label="ECE", direction="le", subjects=_BINARY,
       source="Naeini et al. 2015, 15 bins of equal count"),
    _M(name="calibration_slope", label="calibration slope", direction="in", subjects=_BINARY,
       decimals=2, low=None, high=None, aim=1.0,
       source="Cox 1958: logistic regression on logit(score)"),
    _M(name="calibration_intercept", label="calibration intercept", direction="in",
       subjects=_BINARY, decimals=2, low=None, high=None, aim=0.0,
       source="Cox 1958: calibration in the large, logit(score) as offset"),
    # ---- many classes
    _M(name="macro_f1", label="macro F1", direction="ge", subjects=_MANY,
       source="sklearn.metrics.f1_score(average='macro')"),
    _M(name="weighted_f1", label="weighted F1", direction="ge", subjects=_MANY,
       source="sklearn.metrics.f1_score(average='weighted')"),
    _M(name="top2_accuracy", label="top-2 accuracy", direction="ge", subjects=_MANY,
       source="sklearn.metrics.top_k_accuracy_score(k=2)"),
    # ---- numbers
    _M(name="mae", label="MAE", direction="le", subjects=_NUMBER, high=None,
       source="sklearn.metrics.mean_absolute_error"),
    _M(name="rmse", label="RMSE", direction="le", subjects=_NUMBER, high=None,
       source="sklearn.metrics.root_mean_squared_error"),
    _M(name="median_ae", label="median error", direction="le", subjects=_NUMBER, high=None,
       source="sklearn.metrics.median_absolute_error"),
    _M(name="r2", label="R²", direction="ge", subjects=_NUMBER, low=None,
       source="sklearn.metrics.r2_score"),
    _M(name="mape", label="MAPE", direction="le", subjects=_NUMBER, unit="%", high=None,
       source="sklearn.metrics.mean_absolute_percentage_error; only without zeros"),
    _M(name="pinball_90", label="pinball 0.9", direction="le", subjects=_NUMBER, high=None,
       source="sklearn.metrics.mean_pinball_loss(alpha=0.9)"),
    _M(name="bias", label="bias", direction="in", subjects=_NUMBER, low=None, high=None, aim=0.0,
       source="mean of prediction − truth"),
    # ---- drift
    _M(name="psi", label="PSI", direction="le", subjects=("drift",), decimals=2, high=None,
       source="Jeffreys divergence of binned shares; Yurdakul and Naranjo 2020"),
    _M(name="js_distance", label="JS distance", direction="le", subjects=("drift",), decimals=2,
       source="Endres and Schindelin 2003, base 2"),
    _M(name="ks", label="KS", direction="le", subjects=("drift",), decimals=2,
       source="Kolmogorov and Smirnov; interval by Massart 1990"),
    _M(name="wasserstein", label="distance", direction="le", subjects=("drift",), decimals=2,
       unit="σ", high=None, source="first Wasserstein distance / (IQR / 1.349) of the reference"),
    _M(name="cramers_v", label="Cramér's V", direction="le", subjects=("drift",), decimals=2,
       source="Cramér 1946"),
    _M(name="total_variation", label="total variation", direction="le", subjects=("drift",),
       decimals=2, source="half the sum of absolute differences of shares"),
    _M(name="hellinger", label="Hellinger", direction="le", subjects=("drift",), decimals=2,
       source="Hellinger 1909"),
    _M(name="rate_difference", label="share moved", direction="le", subjects=("drift",),
       unit="%", source="absolute difference of two shares; Newcombe 1998, method 10"),
    _M(name="missing_difference", label="missing moved", direction="le", subjects=("drift",),
       unit="%", low=-1.0, source="difference of missing shares; Newcombe 1998, method 10"),
    _M(name="outside_share", label="outside the known range", direction="le",
       subjects=("drift",), unit="%", source="share of rows below the least or above the greatest "
       "value of the reference; Wilson 1927"),
    _M(name="new_share", label="new categories", direction="le", subjects=("drift",), unit="%",
       source="share of rows whose category the reference never had; Wilson 1927"),
    # ---- data
    _M(name="null_rate", label="null", direction="le", subjects=("data",), unit="%",
       source="share of nulls"),
    _M(name="violation_rate", label="violations", direction="le", subjects=("data",), unit="%",
       source="share of rows that break a rule"),
    _M(name="contamination_rate", label="test rows seen in training", direction="le",
       subjects=("data",), unit="%", source="equal feature rows in training and test"),
    # ---- serving
    _M(name="p50_ms", label="p50", direction="le", subjects=("serving",), unit="ms", high=None,
       decimals=1, source="Masson, Rim and Lee, DDSketch, 2019"),
    _M(name="p95_ms", label="p95", direction="le", subjects=("serving",), unit="ms", high=None,
       decimals=1, source="Masson, Rim and Lee, DDSketch, 2019"),
    _M(name="p99_ms", label="p99", direction="le", subjects=("serving",), unit="ms", high=None,
       decimals=1, source="Masson, Rim and Lee, DDSketch, 2019"),
    _M(name="error_ratio", label="errors", direction="le", subjects=("serving",), unit="%",
       source="server errors and timeouts / requests"),
    _M(name="invalid_ratio", label="invalid input", direction="le", subjects=("serving",),
       unit="%", source="requests refused by the signature / requests"),
    _M(name="availability", label="availability", direction="ge", subjects=("serving",),
       unit="%", source="1 − error ratio"),
    _M(name="burn_rate", label="budget burn", direction="le", subjects=("serving",), high=None,
       decimals=1, source="Beyer et al., The Site Reliability Workbook, chapter 5"),
    _M(name="saturation", label="saturation", direction="le", subjects=("serving",), high=None,
       decimals=2, source="Beyer et al., Site Reliability Engineering, chapter 6"),
    _M(name="apdex", label="Apdex", direction="ge", subjects=("serving",), decimals=2,
       source="Apdex Alliance 2007"),
    _M(name="label_coverage", label="labelled", direction="ge", subjects=("serving",), unit="%",
       source="predictions with a label / predictions"),
    # ---- the model as a thing
    _M(name="row_p95_ms", label="p95 one row", direction="le", subjects=("artifact",),
       unit="ms", high=None, decimals=1, source="order statistics of single-row calls"),
    _M(name="artifact_bytes", label="size", direction="le", subjects=("artifact",),
       unit="bytes", high=None, decimals=0, source="bytes of the stored estimator"),
    _M(name="refit_difference", label="refit equal", direction="le", subjects=("artifact",),
       high=None, source="largest difference of scores after fitting again"),
    _M(name="package_difference", label="package equal", direction="le",
       subjects=("artifact",), high=None,
       source="largest difference of scores between training and the packaged model"),
)  # fmt: skip


CATALOG: Final[dict[str, Metric]] = {metric.name: metric for metric in _ENTRIES}

DEFAULTS: Final[dict[Task, tuple[str, ...]]] = {
    "binary": ("roc_auc", "average_precision", "recall", "precision", "f1", "log_loss", "ece"),
    "multiclass": ("accuracy", "macro_f1", "roc_auc", "log_loss"),
    "regression": ("mae", "rmse", "r2", "bias"),
}
"""What a pipeline reports first when it names no metrics; the first one leads."""


def find(name: str) -> Metric:
    """The entry of `name`, or a refusal that lists what there is."""
    metric = CATALOG.get(name)
    if metric is None:
        raise InvalidError(
            f"there is no metric {name}.",
            hint=f"Known ones: {', '.join(sorted(CATALOG))}.",
            metric=name,
        )
    return metric


def for_subject(subject: Subject) -> tuple[Metric, ...]:
    """Entries about `subject` in the order of the catalog."""
    return tuple(metric for metric in CATALOG.values() if subject in metric.subjects)


def direction_of(name: str, default: Direction = "ge") -> Direction:
    """Which side is better; of names outside the catalog losses and errors are known by name."""
    if name in CATALOG:
        return CATALOG[name].direction
    return "le" if _LOSS.search(name.lower()) else default


def label_of(name: str) -> str:
    """The label, or the name itself with spaces for a metric outside the catalog."""
    return CATALOG[name].label if name in CATALOG else name.replace("_", " ")


def unit_of(name: str) -> str:
    return CATALOG[name].unit if name in CATALOG else ""


def decimals_of(name: str) -> int:
    return CATALOG[name].decimals if name in CATALOG else 3


def is_better(name: str, value: float, other: float) -> bool:
    """True when `value` is better than `other`; for `in` metrics nothing is better."""
    direction = direction_of(name)
    return (value > other) if direction == "ge" else (direction == "le" and value < other)


def show(
    value: float | None,
    name: str,
    *,
    unit: str | None = None,
    decimals: int | None = None,
    signed: bool = False,
) -> str:
    """`value` as screens and sentences write it: `0.606`, `2.9 %`, `186 ms`, `+0.012` when signed.

    `unit` overrides the catalog's. A value too small for its decimals is written out (`1e-06`).
    None and NaN are `–`, exactly zero is `0`.
    """
    unit = unit_of(name) if unit is None else unit
    places = decimals_of(name) if decimals is None else decimals
    if value is None or value != value:
        return fixed(None)
    if value == 0:
        return f"0 {unit}" if unit else "0"
    if unit == "%":
        text = percent(value, None if decimals is None else max(0, decimals - 2))
        return f"+{text}" if signed and value > 0 else text
    if unit == "ms":
        text = latency(value) if decimals is None else fixed(value, places)
        return f"+{text} ms" if signed and value > 0 else f"{text} ms"
    if unit == "rows" and decimals is None:
        places = 0
    if 0 < abs(value) < 0.5 * 10**-places:
        text = general(value, 1)
        text = f"+{text}" if signed and value > 0 else text
        return f"{text} {unit}" if unit else text
    text = delta(value, places) if signed else fixed(value, places)
    return f"{text} {unit}" if unit else text
