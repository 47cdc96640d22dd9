"""Blind zones (盲区): where residents live out of reach of a class, as connected patches of cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from yike.analysis.measurement import Run, TermOfUnit
from yike.model.city import City
from yike.model.diagnosis import BLIND_ZONE_TABLE

CELL_M = 200.0
MOST_ZONES = 50
_EIGHT_NEIGHBOURS = np.ones((3, 3))


def blind_zones(city: City, runs: list[Run], terms: dict[tuple[str, str], list[TermOfUnit]]) -> pd.DataFrame:
    """Group the residential points beyond a class's limit into patches of 200 m cells that touch.

    The strictest limit of the unit counts. Unconnected points are not blind but unknown, and left out; so are classes without an
    inventory. At most the 50 patches with most residents are kept for each class (`yike.model.diagnosis.BLIND_ZONE_TABLE`).
    """
    missed = uncovered_demand(city, runs, terms)
    pieces = [_patches(city, class_id, rows) for class_id, rows in sorted(missed.items()) if len(rows)]
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
    cell = np.floor(xy / CELL_M).astype(np.int64)
    corner = cell.min(axis=0)
    grid = np.zeros(np.ptp(cell, axis=0) + 1, np.bool_)
    grid[tuple((cell - corner).T)] = True
    labels, count = ndimage.label(grid, structure=_EIGHT_NEIGHBOURS)
    label = labels[tuple((cell - corner).T)]
    residents = np.bincount(label, weights=people, minlength=count + 1).astype(np.int64)
    largest = np.lexsort((np.arange(1, count + 1), -residents[1:]))[:MOST_ZONES] + 1
    unit, units = pd.factorize(city.demand["unit_id"].to_numpy()[rows])
    by_patch = np.argsort(label, kind="stable")
    first = np.searchsorted(label[by_patch], np.arange(count + 2))
    boxes = ndimage.find_objects(labels)
    pieces = []
    for number, patch in enumerate(largest, start=1):
        here, box = by_patch[first[patch] : first[patch + 1]], boxes[patch - 1]
        cells = np.argwhere(labels[box] == patch) + corner + [side.start for side in box]
        pieces.append(
            {
                "class_id": class_id,
                "zone_no": number,
                "residents": int(residents[patch]),
                "points": len(here),
                "unit_ids": ",".join(sorted(name for name in units[np.bincount(unit[here], minlength=len(units)) > 0] if name)),
                "x": float(np.average(xy[here, 0], weights=people[here])),
                "y": float(np.average(xy[here, 1], weights=people[here])),
                "outline": _cells_outline(cells),
            }
        )
    return pd.DataFrame(pieces)


def _cells_outline(cells: NDArray[np.int64]) -> shapely.Geometry:
    low = cells * CELL_M
    return shapely.coverage_union_all(shapely.box(low[:, 0], low[:, 1], low[:, 0] + CELL_M, low[:, 1] + CELL_M)).normalize()
