"""Which rows judge and which rows train, without a leak between them.

Invariant: no row is in the holdout and in training; rows of one moment (time) or of one group
(group) are never on both sides; by time, training rows are never later than those that judge them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from console import text
from console.errors import InvalidError
from storage.records.pipelines import Pipeline, Split

Rows = NDArray[np.int64]
MIN_ROWS = 10
"""Fewer rows on any side are refused: nothing measured on them would mean anything."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Row numbers of every part."""

    train: Rows
    holdout: Rows
    folds: tuple[tuple[Rows, Rows], ...]
    """(fit, judge) inside the training rows."""
    description: str
    """What the holdout is, for people."""


def split_rows(
    pipeline: Pipeline, y: NDArray[Any], column: pa.ChunkedArray | None, seed: int
) -> Parts:
    """Split `len(y)` rows as declared; `column` holds the times or groups."""
    split = pipeline.split
    if split.kind == "time":
        parts = _by_time(split, _ordered(split, column))
    elif split.kind == "group":
        parts = _by_group(split, _codes(column), seed)
    else:
        is_stratified = split.kind == "stratified" and pipeline.task != "regression"
        parts = _at_random(split, y, seed, is_stratified=is_stratified)
    _check(pipeline, y, parts)
    return parts


def _by_time(split: Split, times: NDArray[Any]) -> Parts:
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    trained = 1 - split.holdout_ratio
    shares = [trained * (fold + 1) / (split.folds + 1) for fold in range(split.folds)]
    bounds = [_cut(ordered, share) for share in (*shares, trained)]
    folds = tuple((order[:start], order[start:stop]) for start, stop in itertools.pairwise(bounds))
    held = order[bounds[-1] :]
    words = f"{_day(times[held[0]])} to {_day(times[held[-1]])}" if len(held) else "nothing"
    return Parts(np.sort(order[: bounds[-1]]), np.sort(held), folds, words)


def _cut(ordered: NDArray[Any], share: float) -> int:
    """The position of a cut at about `share`, moved so that equal times stay together."""
    wanted = int(len(ordered) * share)
    if wanted >= len(ordered):
        return len(ordered)
    return int(np.searchsorted(ordered, ordered[wanted], side="left"))


def _by_group(split: Split, groups: NDArray[np.int64], seed: int) -> Parts:
    from sklearn.model_selection import GroupKFold

    sizes = np.bincount(groups)
    drawn = np.random.default_rng(seed).permutation(len(sizes))
    taken = np.cumsum(sizes[drawn]) <= max(1, int(len(groups) * split.holdout_ratio))
    is_held = np.isin(groups, drawn[taken])
    train, held = np.flatnonzero(~is_held), np.flatnonzero(is_held)
    folds: tuple[tuple[Rows, Rows], ...] = ()
    if split.folds:
        if len(np.unique(groups[train])) < split.folds:
            raise InvalidError(
                f"{split.folds} folds need as many groups of {split.column!r}; the training rows "
                f"have {len(np.unique(groups[train]))}.",
                hint="Declare fewer folds.",
            )
        made = GroupKFold(split.folds).split(train, groups=groups[train])
        folds = tuple((train[fit], train[judge]) for fit, judge in made)
    words = f"{text.count(int(taken.sum()))} of {text.count(len(sizes))} groups of {split.column}"
    return Parts(train, held, folds, f"{words}, drawn with seed {seed}")


def _at_random(split: Split, y: NDArray[Any], seed: int, *, is_stratified: bool) -> Parts:
    from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

    if is_stratified and np.bincount(y).min() < max(2, split.folds + 1):
        raise InvalidError(
            f"the rarest class has {int(np.bincount(y).min())} rows, too few to be in every part.",
            hint='Declare fewer folds, or kind = "random".',
        )
    train, held = train_test_split(
        np.arange(len(y)),
        test_size=split.holdout_ratio,
        random_state=seed,
        stratify=y if is_stratified else None,
    )
    train, held = np.sort(train), np.sort(held)
    folds: tuple[tuple[Rows, Rows], ...] = ()
    if split.folds:
        maker = StratifiedKFold if is_stratified else KFold
        made = maker(split.folds, shuffle=True, random_state=seed).split(train, y[train])
        folds = tuple((train[fit], train[judge]) for fit, judge in made)
    kind = "stratified rows" if is_stratified else "rows"
    words = f"{text.percent(split.holdout_ratio, 0)} of the {kind}, drawn with seed {seed}"
    return Parts(train, held, folds, words)


def _ordered(split: Split, column: pa.ChunkedArray | None) -> NDArray[Any]:
    assert column is not None  # the declaration asks for it
    if column.null_count:
        raise InvalidError(
            f"the time {split.column!r} is missing in {text.count(column.null_count)} rows.",
            hint="Leave such rows out in a training step, or split another way.",
        )
    if pa.types.is_string(column.type):
        return np.asarray(column.to_pylist())
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _codes(column: pa.ChunkedArray | None) -> NDArray[np.int64]:
    assert column is not None  # the declaration asks for it
    values = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return np.asarray(values.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def _day(moment: Any) -> str:
    if isinstance(moment, np.datetime64):
        known: datetime = moment.astype("datetime64[s]").item()
        return f"{known:%Y-%m-%d}"
    return str(moment)


def _check(pipeline: Pipeline, y: NDArray[Any], parts: Parts) -> None:
    named = [("the holdout", parts.holdout), ("training", parts.train)]
    for number, (fit, judge) in enumerate(parts.folds, 1):
        named += [(f"fold {number}", judge), (f"the training rows of fold {number}", fit)]
    for name, rows in named:
        if len(rows) < MIN_ROWS:
            raise InvalidError(
                f"{name} would have {text.counted(len(rows), 'row')} of {text.count(len(y))}; at "
                f"least {MIN_ROWS} are needed.",
                hint="Change holdout_ratio or folds, or bring more data.",
            )
        if pipeline.task == "regression":
            continue
        if len(np.unique(y[rows])) < 2:
            raise InvalidError(
                f"all {text.counted(len(rows), 'row')} of {name} have the same "
                f"{pipeline.target!r}.",
                hint='Change holdout_ratio or folds, or split with kind = "stratified".',
            )
