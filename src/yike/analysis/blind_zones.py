"""Blind zones (盲区): where residents live out of reach of a class, as connected patches of cells."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from yike.analysis.measurement import Run, TermOfUnit
from yike.analysis.travel_time import DEFAULT_THREADS
from yike.model.city import City
from yike.model.diagnosis import BLIND_ZONE_TABLE

CELL_M = 200.0
MOST_ZONES = 50
MOST_CELLS_DRAWN = 2000
_TOUCHING = ((0, 1), (1, -1), (1, 0), (1, 1))  # the other four neighbours are the same pairs seen from the other side


def blind_zones(
    city: City, runs: list[Run], terms: dict[tuple[str, str], list[TermOfUnit]], *, threads: int = DEFAULT_THREADS
) -> pd.DataFrame:
    """Group the residential points beyond a class's limit into patches of 200 m cells that touch.

    The strictest limit of the unit counts. Unconnected points are not blind but unknown, and left out; so are classes without an
    inventory. At most the 50 patches with most residents are kept for each class (`yike.model.diagnosis.BLIND_ZONE_TABLE`).
    """
    missed = uncovered_demand(city, runs, terms)
    blind = [(class_id, rows) for class_id, rows in sorted(missed.items()) if len(rows)]
    with ThreadPoolExecutor(max(1, threads)) as pool:
        pieces = list(pool.map(lambda item: _patches(city, *item), blind))
    return pd.concat(pieces, ignore_index=True) if pieces else BLIND_ZONE_TABLE.empty()


def uncovered_demand(city: City, runs: list[Run], terms: dict[tuple[str, str], list[TermOfUnit]]) -> dict[str, NDArray[np.int64]]:
    """Return for each class with an inventory the rows of ``demand`` that are connected and beyond its limit."""
    keys = np.empty(len(city.units), dtype=object)
    keys[:] = list(zip(city.units["zone"], city.units["kind"], strict=True))
    unit_row = pd.Index(city.units["unit_id"]).get_indexer(pd.Index(city.demand["unit_id"]))
    missed: dict[str, NDArray[np.bool_]] = {}
    for run in runs:
        connected = run.points.connected[run.residents()]
        for key, listed in terms.items():
            here = np.fromiter((found == key for found in keys), np.bool_, len(keys))
            of_key = connected & here[unit_row[run.demand]]
            for term in listed:
                if term.measure == run.measure and term.class_id in city.inventories:
                    cost = run.nearest.cost[run.classes.index(term.class_id), run.residents()]
                    beyond = missed.setdefault(term.class_id, np.zeros(len(city.demand), np.bool_))
                    beyond[run.demand[of_key & (cost > term.limit)]] = True
    return {class_id: np.flatnonzero(beyond) for class_id, beyond in missed.items()}


def _patches(city: City, class_id: str, rows: NDArray[np.int64]) -> pd.DataFrame:
    people = city.demand["residents"].to_numpy()[rows]
    rows, people = rows[people > 0], people[people > 0]
    xy = city.demand[["x", "y"]].to_numpy(np.float64)[rows]
    if not len(rows):
        return BLIND_ZONE_TABLE.empty()
    cells, cell_of_point = _cells(xy)
    count, patch_of_cell = _label(cells)
    label = patch_of_cell[cell_of_point]
    residents = np.bincount(label, weights=people, minlength=count).astype(np.int64)
    largest = np.lexsort((np.arange(count), -residents))[:MOST_ZONES]
    unit, units = pd.factorize(city.demand["unit_id"].to_numpy()[rows])
    by_patch = np.argsort(label, kind="stable")
    first = np.searchsorted(label[by_patch], np.arange(count + 1))
    pieces = []
    for number, patch in enumerate(largest, start=1):
        here = by_patch[first[patch] : first[patch + 1]]
        pieces.append(
            {
                "class_id": class_id,
                "zone_no": number,
                "residents": int(residents[patch]),
                "points": len(here),
                "unit_ids": ",".join(sorted(name for name in units[np.bincount(unit[here], minlength=len(units)) > 0] if name)),
                "x": float(np.average(xy[here, 0], weights=people[here])),
                "y": float(np.average(xy[here, 1], weights=people[here])),
                "outline": _outline(cells[patch_of_cell == patch]),
            }
        )
    return pd.DataFrame(pieces)


def _cells(xy: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sorted cells (c, 2) that hold a point, and the position of each point's cell."""
    column, row = np.floor(xy / CELL_M).astype(np.int64).T
    height = int(np.ptp(row)) + 1
    code = (column - column.min()) * height + row - row.min()  # one number a cell: quicker to sort than pairs
    codes, cell_of_point = np.unique(code, return_inverse=True)
    return np.stack([codes // height + column.min(), codes % height + row.min()], axis=1), cell_of_point


def _label(cells: NDArray[np.int64]) -> tuple[int, NDArray[np.int32]]:
    """Return how many patches (c, 2) sorted cells form, touching by side or corner, and the patch of each."""
    low = cells.min(axis=0) - 1
    width = int(cells[:, 1].max() - low[1]) + 2
    code = (cells - low) @ np.array([width, 1])
    first, second = [], []
    for step in _TOUCHING:
        at = np.searchsorted(code, code + step[0] * width + step[1])
        met = np.flatnonzero(at < len(code))
        met = met[code[at[met]] == code[met] + step[0] * width + step[1]]
        first.append(met)
        second.append(at[met])
    ends = np.concatenate(first), np.concatenate(second)
    links = coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(len(code), len(code)))
    count, patch = connected_components(links, directed=False)
    return int(count), patch


def _outline(cells: NDArray[np.int64]) -> shapely.Geometry:
    """Return the outline of a patch, on coarser cells where it has more than `MOST_CELLS_DRAWN`: it is for eyes only."""
    size = 1
    while len(cells) > MOST_CELLS_DRAWN:
        size *= 2
        cells, _ = _cells(np.asarray((cells // 2 + 0.5) * CELL_M, np.float64))
    low, side = cells * (size * CELL_M), size * CELL_M
    return shapely.coverage_union_all(shapely.box(low[:, 0], low[:, 1], low[:, 0] + side, low[:, 1] + side)).normalize()
