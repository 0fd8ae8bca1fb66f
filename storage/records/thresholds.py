"""Scores of an evaluation on a fine grid, by class: what every decision threshold would have done.

A row of score s lies in bin floor(s · 4096), so that `score >= j / 4096` holds exactly for the rows
of the bins j and above: multiplying by a power of two loses nothing in binary floating point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GridScale = Literal["probability", "log_odds"]

GRID_BINS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class GridPart:
    """The counts of one slice or fold."""

    name: str
    """`origin=LGA`, `fold:2`."""
    positives: tuple[int, ...]
    """Rows of the positive class per bin; length of the grid's own."""
    negatives: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreGrid:
    """How the scores of both classes lie. A row counts as yes when its score is ≥ the threshold."""

    scale: GridScale = "probability"
    """`log_odds`: bin floor((ln(s / (1 − s)) + 16) · 128), for rare positives."""
    positives: tuple[int, ...]
    """Rows of the positive class per bin; length 4097, the last bin holds score 1 exactly."""
    negatives: tuple[int, ...]
    slices: tuple[GridPart, ...] = ()
    folds: tuple[GridPart, ...] = ()
    """Disjoint parts of the same rows; used to see whether a choice carries over to other rows."""
    skipped_count: int = 0
    """Rows left out because the score was not in 0..1 or the label missing."""
