"""The streets that a quiet base map keeps: long continuous lines, found by following each street straight on at junctions."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from yike.model.network import SEGMENT_KINDS, StreetNetwork

_DRAWN_KINDS = tuple(SEGMENT_KINDS.index(kind) for kind in ("street", "pedestrian"))
_WIDEST_TURN_RAD = np.deg2rad(35.0)
_MOST_ARMS = 8
_LEAST_STREETS = 0.05


def street_strokes(
    network: StreetNetwork, *, window: tuple[float, float, float, float], shortest_m: float
) -> NDArray[np.object_]:
    """Return the strokes of a window as lines, longest first.

    ``window``: left, bottom, right, top [m]. A stroke joins two segments at a junction when each is the straightest continuation
    of the other and the turn is below 35°: the usual way to generalise a street map. Strokes under ``shortest_m`` are left out.
    """
    left, bottom, right, top = window
    rows = np.flatnonzero(np.isin(network.kind, _DRAWN_KINDS) & (network.tail != network.head))
    if len(rows) < _LEAST_STREETS * network.segment_count:
        rows = np.flatnonzero(network.tail != network.head)
    middle = (network.node_xy[network.tail[rows]] + network.node_xy[network.head[rows]]) / 2
    reach = shortest_m
    inside = (
        (middle[:, 0] > left - reach)
        & (middle[:, 0] < right + reach)
        & (middle[:, 1] > bottom - reach)
        & (middle[:, 1] < top + reach)
    )
    rows = rows[inside]
    if not len(rows):
        return np.empty(0, object)
    label = _stroke_labels(network, rows)
    length_m = np.bincount(label, weights=network.length_dm[rows] / 10.0)
    order = np.argsort(-length_m, kind="stable")
    order = order[length_m[order] >= shortest_m]
    place = np.full(len(length_m), -1)
    place[order] = np.arange(len(order))
    kept = np.flatnonzero(place[label] >= 0)
    if not len(kept):
        return np.empty(0, object)
    kept = kept[np.argsort(place[label[kept]], kind="stable")]
    lines = _shapes(network, rows[kept])
    merged = shapely.line_merge(shapely.multilinestrings(lines, indices=place[label[kept]]))
    return np.asarray(shapely.clip_by_rect(merged, left, bottom, right, top), dtype=object)


def _stroke_labels(network: StreetNetwork, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the stroke of each segment."""
    count = len(rows)
    start, stop = network.shape_start[rows], network.shape_start[rows + 1]
    xy = network.shape_xy
    away = np.concatenate([xy[start + 1] - xy[start], xy[stop - 2] - xy[stop - 1]])
    bearing = np.arctan2(away[:, 1], away[:, 0])
    node = np.concatenate([network.tail[rows], network.head[rows]])
    order = np.argsort(node, kind="stable")
    node, bearing = node[order], bearing[order]
    best = np.full(2 * count, np.inf)
    partner = np.full(2 * count, -1)
    for shift in range(1, _MOST_ARMS):
        one = np.flatnonzero(node[:-shift] == node[shift:])
        other = one + shift
        between = np.abs(bearing[one] - bearing[other])
        turn = np.abs(np.pi - np.minimum(between, 2 * np.pi - between))
        for here, there in ((one, other), (other, one)):
            better = turn < best[here]
            best[here[better]] = turn[better]
            partner[here[better]] = there[better]
    ends = np.flatnonzero((partner >= 0) & (best < _WIDEST_TURN_RAD))
    ends = ends[partner[partner[ends]] == ends]
    segment = order % count
    links = sparse.coo_array((np.ones(len(ends)), (segment[ends], segment[partner[ends]])), shape=(count, count))
    return np.asarray(csgraph.connected_components(links, directed=False)[1])


def _shapes(network: StreetNetwork, rows: NDArray[np.int64]) -> NDArray[np.object_]:
    counts = network.shape_start[rows + 1] - network.shape_start[rows]
    vertex = np.repeat(network.shape_start[rows] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    vertex = vertex + np.arange(int(counts.sum()))
    return np.asarray(
        shapely.linestrings(network.shape_xy[vertex], indices=np.repeat(np.arange(len(rows)), counts)), dtype=object
    )
