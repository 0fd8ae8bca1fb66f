"""Metrics of models with their intervals, slices and paired comparisons.

Heavy (numpy): for workers. Labels and scores in, `Result` records out, not judged; gates set the
limits and the one verdict rule judges.
"""

from console.rules.evaluation.binary import evaluate_binary
from console.rules.evaluation.calibration import reliability
from console.rules.evaluation.compare import (
    compare_binary,
    compare_regression,
    difference_word,
)
from console.rules.evaluation.compare_classes import compare_classes, compare_models
from console.rules.evaluation.multiclass import evaluate_multiclass
from console.rules.evaluation.paired import delong, mcnemar, mean_difference, nadeau_bengio
from console.rules.evaluation.regression import evaluate_regression
from console.rules.evaluation.slices import evaluate_slices, slice_groups

__all__ = [
    "compare_binary",
    "compare_classes",
    "compare_models",
    "compare_regression",
    "delong",
    "difference_word",
    "evaluate_binary",
    "evaluate_multiclass",
    "evaluate_regression",
    "evaluate_slices",
    "mcnemar",
    "mean_difference",
    "nadeau_bengio",
    "reliability",
    "slice_groups",
]
