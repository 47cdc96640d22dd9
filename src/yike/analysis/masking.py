"""Masking of small counts: a published table from which no count of few people can be read or worked out.

A table of counts with its sums is a graph: rows and columns are nodes, each masked cell an edge between its row and its column,
and the sums are one row and one column more. A masked cell can be worked out exactly when no cycle of masked cells runs through
it along which one person more and one person less in turn leave every cell with somebody (Gusfield 1988, doi:10.1137/0217034).
Cells are masked until each lies on such a cycle; then two tables at least, with different values in it, fit what is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from yike.errors import Fault, InputError

DEFAULT_MINIMUM = 5
# A masked sum costs a reader more than a masked cell; a masked sum of everything most.
_SUM_COST, _GRAND_COST = 50.0, 1e5
_FREE = 1e-9
_NAME = "mask_small_cells"

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class MaskedCounts:
    """Hold a table fit to be published: masked counts are empty (NA), and only these sums may stand beside it.

    table       the rows with their counts; ``total`` is the last count column where the caller named it
    totals      the sum of each count column, the row sums' included
    small       how many cells were masked because they count few people
    secondary   how many more were masked so that those cannot be worked out
    """

    table: pd.DataFrame
    totals: pd.Series
    small: int
    secondary: int


def mask_small_cells(
    table: pd.DataFrame, columns: Sequence[str], *, minimum: int = DEFAULT_MINIMUM, total: str | None = None
) -> MaskedCounts:
    """Mask counts of 1 to ``minimum`` - 1 people and as many others as keep them from being worked out.

    ``columns`` count people that add up along a row (age groups), ``total`` names the column of the row's sum, which is checked;
    without it readers are taken to know the sums all the same, and a row sum that had to be masked is told by no one. Readers may
    know the kept sums, that counts are whole, and that a masked cell counts somebody. Other tables over the same people must
    not be published beside this one unless they are masked together with it.

    Raises:
        InputError: counts are missing, negative or no whole numbers, ``total`` is not the row's sum, or ``minimum`` is below 1.
    """
    counts = _counts(table, columns, minimum=minimum, total=total)
    whole = np.pad(counts, ((0, 1), (0, 1)))
    whole[:-1, -1], whole[-1, :-1], whole[-1, -1] = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
    small = (whole > 0) & (whole < minimum)
    masked = protected(whole, small)
    published = table.copy()
    names = [*columns, *([total] if total is not None else [])]
    for number, name in enumerate(names):
        position = number if number < len(columns) else -1
        published[name] = pd.array(whole[:-1, position], dtype="Int64")
        published.loc[masked[:-1, position], name] = pd.NA
    sums = pd.Series(pd.array(whole[-1], dtype="Int64"), index=[*columns, total or "total"])
    sums[masked[-1]] = pd.NA
    return MaskedCounts(published, sums, int(small.sum()), int(masked.sum() - small.sum()))


def _counts(table: pd.DataFrame, columns: Sequence[str], *, minimum: int, total: str | None) -> IntArray:
    faults = []
    if minimum < 1:
        faults.append(Fault("masking.minimum", _NAME, field="minimum", values={"value": minimum}))
    figures = table[[*columns, *([total] if total is not None else [])]].to_numpy(np.float64, na_value=np.nan)
    bad = ~(np.isfinite(figures) & (figures >= 0) & (figures == np.rint(figures)))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        where = {"row": int(row) + 2, "field": [*columns, total][column], "count": int(bad.sum())}
        faults.append(Fault("masking.not_counts", _NAME, values={"value": figures[row, column]}, **where))
    elif total is not None and (figures[:, :-1].sum(axis=1) != figures[:, -1]).any():
        differs = figures[:, :-1].sum(axis=1) != figures[:, -1]
        row = int(np.flatnonzero(differs)[0])
        values = {"sum": int(figures[row, :-1].sum()), "total": int(figures[row, -1])}
        faults.append(Fault("masking.total", _NAME, row=row + 2, field=total, values=values, count=int(differs.sum())))
    if faults:
        raise InputError(faults)
    return figures[:, : len(columns)].astype(np.int64)


def protected(whole: IntArray, small: BoolArray) -> BoolArray:
    """Return which cells of an (r + 1, c + 1) table with its sums to mask, the (r + 1, c + 1) ``small`` ones included.

    Rows whose small cell stands alone first lose their next smallest; then every cell that is still exposed is closed into a
    cycle by the cheapest cells with people. Such a cycle always exists: over the sums of its row, its column and everything.
    """
    masked = small.copy()
    for row in np.flatnonzero(masked[:-1].sum(axis=1) == 1):
        others = np.flatnonzero((whole[row, :-1] > 0) & ~masked[row, :-1])
        if len(others) and not masked[row, -1]:
            shared = masked[:, others].any(axis=0)
            masked[row, others[np.lexsort((others, whole[row, others], ~shared))[0]]] = True
    while len(open_cells := exposed(whole, masked)):
        for row, column in open_cells.tolist():
            for cell in _detour(whole, masked, row=row, column=column):
                masked[cell] = True
    return masked


def exposed(whole: IntArray, masked: BoolArray) -> IntArray:
    """Return (k, 2) row and column of the masked cells that have only one value that fits what is published.

    Along a cycle of masked cells one person is added and taken away in turn. A cell of one person cannot lose it, because cells
    of nobody are never masked, so its edge runs one way. A cell is free if its edge joins nodes of one strongly connected
    component and is no bridge in it (Gusfield 1988).
    """
    arcs = _arcs(whole, masked)
    component = connected_components(arcs, directed=True, connection="strong")[1]
    rows = masked.shape[0]
    joined = component[:rows, None] == component[None, rows:]
    between = np.argwhere(masked & ~joined)
    return np.concatenate([between, bridges(masked & joined)])


def _arcs(whole: IntArray, usable: BoolArray, cost: NDArray[np.float64] | None = None) -> csr_array:
    """Return the arcs of usable cells between r + 1 rows and c + 1 columns, of unit cost unless told.

    Row to column adds a person to a cell and column to row takes one away; for the sums of rows and of columns, which stand on
    the other side of their equation, it is the reverse.
    """
    rows, columns = whole.shape
    reverse = np.zeros_like(usable)
    reverse[:-1, -1] = reverse[-1, :-1] = True
    loses = usable & (whole > 1)
    there, back = np.nonzero(np.where(reverse, loses, usable)), np.nonzero(np.where(reverse, usable, loses))
    price = np.ones(whole.shape) if cost is None else cost
    tail, head = np.concatenate([there[0], rows + back[1]]), np.concatenate([rows + there[1], back[0]])
    return csr_array((np.concatenate([price[there], price[back]]), (tail, head)), shape=(rows + columns, rows + columns))


def _detour(whole: IntArray, masked: BoolArray, *, row: int, column: int) -> list[tuple[int, int]]:
    """Return the cells that close the cheapest cycle through a cell, in either direction; masked cells cost next to nothing."""
    rows = len(whole)
    cost = 1.0 + np.log1p(whole.astype(np.float64))
    cost[-1, :] *= _SUM_COST
    cost[:, -1] *= _SUM_COST
    cost[-1, -1] = _GRAND_COST
    cost[masked] = _FREE
    usable = whole > 0
    usable[row, column] = False
    arcs = _arcs(whole, usable, cost)
    gains = (row < rows - 1) == (column < whole.shape[1] - 1)
    ways = []
    # A cell that gains runs from row to column, so the rest of its cycle runs from column to row; one that loses the reverse.
    several = bool(whole[row, column] > 1)
    for start, end, allowed in ((rows + column, row, gains or several), (row, rows + column, not gains or several)):
        if allowed:
            length, before = dijkstra(arcs, indices=start, return_predecessors=True)
            ways.append((length[end], start, end, before))
    _, start, end, before = min(ways, key=lambda way: (way[0], way[1]))
    path = [end]
    while path[-1] != start:
        path.append(int(before[path[-1]]))
    return [(min(pair), max(pair) - rows) for pair in pairwise(path)]


def bridges(masked: BoolArray) -> IntArray:
    """Return (k, 2) row and column of the masked cells that lie on no cycle of masked cells.

    A depth-first search numbers rows and columns; an edge down to a node from which nothing older can be reached by another edge
    is a bridge (Tarjan 1974, doi:10.1016/0020-0190(74)90003-9).
    """
    rows, columns = masked.shape
    ends = [np.flatnonzero(line) + rows for line in masked] + [np.flatnonzero(line) for line in masked.T]
    number = np.full(rows + columns, -1, np.int64)
    lowest = np.zeros(rows + columns, np.int64)
    found: list[tuple[int, int]] = []
    count = 0
    for start in range(rows):
        if number[start] >= 0 or not len(ends[start]):
            continue
        number[start] = lowest[start] = count
        count += 1
        stack = [(start, -1, iter(ends[start].tolist()))]
        while stack:
            node, parent, rest = stack[-1]
            below = next(rest, None)
            if below is None:
                stack.pop()
                if stack:
                    lowest[parent] = min(lowest[parent], lowest[node])
                    if lowest[node] > number[parent]:
                        found.append((min(node, parent), max(node, parent) - rows))
            elif number[below] < 0:
                number[below] = lowest[below] = count
                count += 1
                stack.append((below, node, iter(ends[below].tolist())))
            elif below != parent:
                lowest[node] = min(lowest[node], number[below])
    return np.array(sorted(found), np.int64).reshape(-1, 2)
