"""The decision threshold: what any value of it would have done, which one is cheapest, how sure.

Everything works from a stored `ScoreGrid`; 10 million scored rows cost no more than a thousand.
"""

from console.rules.thresholds.choice import (
    Optimum,
    Transfer,
    bayes_threshold,
    chosen_thresholds,
    optimum,
    transfer,
)
from console.rules.thresholds.figures import (
    Change,
    Figure,
    Figures,
    change,
    curve,
    figures,
    figures_at,
    figures_by_slice,
)
from console.rules.thresholds.grid import (
    Curves,
    auc,
    curves_of,
    line_of,
    score_grid,
    threshold_of,
)
from console.rules.thresholds.pictures import SeenShare, heaps, seen_shares

__all__ = [
    "Change",
    "Curves",
    "Figure",
    "Figures",
    "Optimum",
    "SeenShare",
    "Transfer",
    "auc",
    "bayes_threshold",
    "change",
    "chosen_thresholds",
    "curve",
    "curves_of",
    "figures",
    "figures_at",
    "figures_by_slice",
    "heaps",
    "line_of",
    "optimum",
    "score_grid",
    "seen_shares",
    "threshold_of",
    "transfer",
]
