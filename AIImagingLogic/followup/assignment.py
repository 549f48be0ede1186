"""Which finding goes with which at least cost in all, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

# Dearer than any real choice, yet finite: the solver refuses infinite rows.
_NEVER = 1e6


@dataclass(frozen=True)
class Assignment:
    """The pairs and those left alone, each with its confidence (0..1).

    Attributes
    ----------
    pairs : (row, column) to confidence
    alone_rows, alone_columns : row or column to confidence
    """

    pairs: dict[tuple[int, int], float]
    alone_rows: dict[int, float]
    alone_columns: dict[int, float]


def assign(cost: NDArray[np.float64], alone: float, with_confidence: bool = True) -> Assignment:
    """Return the assignment of rows to columns that costs least in all.

    Parameters
    ----------
    cost : (rows, columns), without unit; differences of cost are taken for differences of log likelihood
    alone : what it costs to leave a row or column alone
    with_confidence : False leaves every confidence at 1 and is quicker

    Notes
    -----
    The confidence of a choice is 1 / (1 + exp(-d)), where d is how much dearer the best assignment without it is.

    References
    ----------
    Kuhn HW. The Hungarian method for the assignment problem. Naval Research Logistics Quarterly 1955.
    """
    rows, columns = cost.shape
    padded = _padded(cost, alone)
    chosen = [(int(i), int(j)) for i, j in zip(*linear_sum_assignment(padded))]
    least = float(sum(padded[i, j] for i, j in chosen))

    def confidence(i: int, j: int) -> float:
        if not with_confidence:
            return 1.0
        without = padded.copy()
        without[i, j] = _NEVER
        dearer = float(without[linear_sum_assignment(without)].sum()) - least
        return 1 / (1 + math.exp(-min(dearer, 50.0)))

    pairs = {(i, j): confidence(i, j) for i, j in chosen if i < rows and j < columns}
    alone_rows = {i: confidence(i, j) for i, j in chosen if i < rows and j >= columns}
    alone_columns = {j: confidence(i, j) for i, j in chosen if i >= rows and j < columns}
    return Assignment(pairs, alone_rows, alone_columns)


def _padded(cost: NDArray[np.float64], alone: float) -> NDArray[np.float64]:
    """Return the square cost in which every finding has a partner of its own that stands for 'alone'."""
    rows, columns = cost.shape
    padded = np.full((rows + columns, rows + columns), _NEVER)
    padded[:rows, :columns] = np.minimum(cost, _NEVER)
    padded[np.arange(rows), columns + np.arange(rows)] = alone
    padded[rows + np.arange(columns), np.arange(columns)] = alone
    padded[rows:, columns:] = 0.0
    return padded
