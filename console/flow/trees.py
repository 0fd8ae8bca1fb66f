"""Gradient-boosted trees evaluated over arrays, without scikit-learn's cost per call.

Used by `console.flow.estimator` for `HistGradientBoosting*`. The method is QuickScorer (Lucchese
et al., SIGIR 2015): a test "value > threshold" that holds rules out the leaves on its left, kept
as a bit mask over the leaves of a tree; what is left when all tests have spoken begins with the
leaf that is reached. As a histogram model has at most 255 thresholds a feature, the masks of all
outcomes are computed beforehand: a row costs one table row per feature, not one visit per node.
One row takes about 20 µs for 100 trees where scikit-learn takes 400 µs.

Invariant: the same leaf as scikit-learn for every value, NaN, infinities and unknown categories
included; the sums of leaf values differ at most in rounding.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LEAVES: Final = 64
"""Leaves a tree may have: bits in a mask."""
TABLE_BYTES: Final = 64 * 2**20
_ALL: Final = np.uint64(2**64 - 1)
_ONE: Final = np.uint64(1)
_BLOCK: Final = 256
"""Rows evaluated together: their masks stay in the second-level cache."""


class TooLarge(Exception):
    """The trees do not fit this method; the message says why."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the values of a tree feature come from."""

    column: int
    """Position in the matrix."""
    categories: tuple[float, ...] | None = None
    """Values of a categorical feature in the order of their codes; None for a number."""


@dataclass(frozen=True, slots=True)
class _Feature:
    """The outcomes of one feature: rows `start` … of the mask table, then one for missing."""

    column: int
    start: int
    missing: int
    thresholds: list[float]
    threshold_array: NDArray[np.float64]
    codes: dict[float, int]
    """Value of a category -> row; empty for a number."""
    code_values: NDArray[np.float64]
    code_rows: NDArray[np.intp]


class Forest:
    """Fitted trees as mask tables. `slots` has one entry per feature the trees were grown on."""

    def __init__(self, estimator: Any, slots: Sequence[Slot]) -> None:
        groups = estimator._predictors
        trees = [tree.nodes for group in groups for tree in group]
        bitsets = [tree.raw_left_cat_bitsets for group in groups for tree in group]
        known, positions = estimator._bin_mapper.make_known_categories_bitsets()
        self.outputs: int = estimator.n_trees_per_iteration_
        """Columns of `raw`: 1, or one per class."""
        self._baseline = np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(-1)
        self._values, masks = _leaves(trees)
        self._base = np.arange(len(trees), dtype=np.intp) * LEAVES
        tables: list[NDArray[np.uint64]] = []
        self._features: list[_Feature] = []
        rows = 0
        for position, slot in enumerate(slots):
            tests = _tests(trees, bitsets, masks, position)
            if not tests:
                continue
            if slot.categories is None:
                table, thresholds = _number_table(tests, len(trees))
                known_set: dict[float, int] = {}
            else:
                code_count = len(slot.categories)
                seen = known[positions[position]]
                table = _category_table(tests, len(trees), code_count, seen)
                thresholds = []
                known_set = {value: rows + code for code, value in enumerate(slot.categories)}
            ordered = sorted(known_set)
            self._features.append(
                _Feature(
                    column=slot.column,
                    start=rows,
                    missing=rows + len(table) - 1,
                    thresholds=thresholds,
                    threshold_array=np.asarray(thresholds),
                    codes=known_set,
                    code_values=np.asarray(ordered),
                    code_rows=np.asarray([known_set[value] for value in ordered], dtype=np.intp),
                )
            )
            tables.append(table)
            rows += len(table)
            if rows * len(trees) * 8 > TABLE_BYTES:
                raise TooLarge(
                    f"{len(trees)} trees need more than {TABLE_BYTES >> 20} MiB of masks"
                )
        if not tables:
            tables = [np.full((1, len(trees)), _ALL)]
            self._features = [
                _Feature(0, 0, 0, [], np.empty(0), {}, np.empty(0), np.empty(0, dtype=np.intp))
            ]
        self._table = np.concatenate(tables)

    def raw(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw predictions (n_rows, outputs) for a float matrix with NaN for missing."""
        n = len(matrix)
        if n <= 8:
            rows = np.array([self._rows_of_one(row) for row in matrix.tolist()], dtype=np.intp)
            masks = np.bitwise_and.reduce(self._table[rows], axis=1)
            return self._sums(masks.reshape(n, -1))
        rows = self._rows_of_many(matrix)
        raw = np.empty((n, self.outputs))
        room = np.empty((_BLOCK, self._table.shape[1]), dtype=np.uint64)
        for start in range(0, n, _BLOCK):
            block = rows[:, start : start + _BLOCK]
            taken = room[: block.shape[1]]
            masks = self._table.take(block[0], axis=0)
            for outcome in block[1:]:
                self._table.take(outcome, axis=0, out=taken, mode="clip")
                masks &= taken
            raw[start : start + _BLOCK] = self._sums(masks)
        return raw

    def _sums(self, masks: NDArray[np.uint64]) -> NDArray[np.float64]:
        leaf = np.bitwise_count(~masks & (masks - _ONE))
        values = self._values.take(leaf + self._base)
        if self.outputs == 1:
            total: NDArray[np.float64] = values.sum(axis=1, keepdims=True)
        else:
            total = values.reshape(len(values), -1, self.outputs).sum(axis=1)
        return total + self._baseline

    def _rows_of_one(self, row: list[float]) -> list[int]:
        found = []
        for feature in self._features:
            value = row[feature.column]
            if feature.codes:
                found.append(feature.codes.get(value, feature.missing))
            elif value != value:
                found.append(feature.missing)
            else:
                found.append(feature.start + bisect_left(feature.thresholds, value))
        return found

    def _rows_of_many(self, matrix: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the table rows (features, n_rows)."""
        columns = np.ascontiguousarray(matrix.T)
        rows = np.empty((len(self._features), len(matrix)), dtype=np.intp)
        for position, feature in enumerate(self._features):
            values = columns[feature.column]
            if feature.codes:
                at = feature.code_values.searchsorted(values)
                at[at == len(feature.code_values)] = 0
                is_known = feature.code_values[at] == values
                rows[position] = np.where(is_known, feature.code_rows[at], feature.missing)
            else:
                at = feature.threshold_array.searchsorted(values)
                at[np.isnan(values)] = len(feature.thresholds) + 1
                rows[position] = feature.start + at
        return rows


@dataclass(frozen=True, slots=True)
class _Test:
    """One inner node: what it rules out when its answer is "right"."""

    tree: int
    threshold: float
    missing_goes_left: bool
    left_bits: NDArray[np.uint32] | None
    """Categories that go left, 256 bits; None for a number."""
    mask: np.uint64


def _leaves(trees: Sequence[Any]) -> tuple[NDArray[np.float64], list[dict[int, np.uint64]]]:
    """Number the leaves of each tree from left to right; return their values and node masks."""
    values = np.zeros((len(trees), LEAVES))
    masks: list[dict[int, np.uint64]] = []
    for tree, nodes in enumerate(trees):
        found: list[float] = []
        of_node: dict[int, np.uint64] = {}
        _number_leaves(nodes, found, of_node)
        if len(found) > LEAVES:
            raise TooLarge(f"a tree has {len(found)} leaves, at most {LEAVES} fit a mask")
        values[tree, : len(found)] = found
        masks.append(of_node)
    return values, masks


def _number_leaves(nodes: Any, found: list[float], of_node: dict[int, np.uint64]) -> None:
    """Walk a tree left to right without recursion: a chain may be as deep as it has leaves."""
    first_leaf: dict[int, int] = {}
    stack: list[tuple[int, bool]] = [(0, False)]
    while stack:
        position, left_is_done = stack.pop()
        node = nodes[position]
        if node["is_leaf"]:
            found.append(float(node["value"]))
        elif left_is_done:
            start, end = first_leaf[position], len(found)
            left = ((1 << (end - start)) - 1) << start
            of_node[position] = np.uint64((2**64 - 1) & ~left)
            stack.append((int(node["right"]), False))
        else:
            first_leaf[position] = len(found)
            stack.append((position, True))
            stack.append((int(node["left"]), False))


def _tests(
    trees: Sequence[Any], bitsets: Sequence[Any], masks: list[dict[int, np.uint64]], feature: int
) -> list[_Test]:
    tests = []
    for tree, nodes in enumerate(trees):
        for position in np.flatnonzero((nodes["is_leaf"] == 0) & (nodes["feature_idx"] == feature)):
            node = nodes[position]
            left_bits = bitsets[tree][node["bitset_idx"]] if node["is_categorical"] else None
            tests.append(
                _Test(
                    tree=tree,
                    threshold=float(node["num_threshold"]),
                    missing_goes_left=bool(node["missing_go_to_left"]),
                    left_bits=left_bits,
                    mask=masks[tree][int(position)],
                )
            )
    return tests


def _number_table(
    tests: Sequence[_Test], tree_count: int
) -> tuple[NDArray[np.uint64], list[float]]:
    """Row r: outcomes when r thresholds are smaller than the value; the last row: NaN."""
    thresholds = sorted({test.threshold for test in tests})
    rank = {threshold: position for position, threshold in enumerate(thresholds)}
    table = np.full((len(thresholds) + 2, tree_count), _ALL)
    for test in tests:
        table[rank[test.threshold] + 1, test.tree] &= test.mask
        if not test.missing_goes_left:
            table[-1, test.tree] &= test.mask
    table[:-1] = np.bitwise_and.accumulate(table[:-1], axis=0)
    return table, thresholds


def _category_table(
    tests: Sequence[_Test], tree_count: int, code_count: int, known: NDArray[np.uint32]
) -> NDArray[np.uint64]:
    """Row c: outcomes for the category with code c; the last row: missing or never seen."""
    table = np.full((code_count + 1, tree_count), _ALL)
    for test in tests:
        for code in range(code_count + 1):
            is_missing = code == code_count or not (_bit(known, code) or _left(test, code))
            goes_left = test.missing_goes_left if is_missing else _left(test, code)
            if not goes_left:
                table[code, test.tree] &= test.mask
    return table


def _left(test: _Test, code: int) -> bool:
    return test.left_bits is not None and _bit(test.left_bits, code)


def _bit(bits: NDArray[np.uint32], position: int) -> bool:
    return bool((int(bits[position // 32]) >> (position % 32)) & 1)
