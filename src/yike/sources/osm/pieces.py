"""Ways cut at junctions: the pieces from which streets are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
from numpy.typing import NDArray

from yike.model.network import SEGMENT_KINDS
from yike.sources.osm.reading import OsmData, OsmWay
from yike.sources.osm.street_rules import StreetUse, blocks, highway_rule, is_crossing_way, street_use
from yike.sources.osm.waits import WAIT, WaitNodes, crossing_way_halves, crossing_way_type

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
UsedWay = tuple[OsmWay, StreetUse]


@dataclass(frozen=True)
class Points:
    """Hold the vertices of all used ways one after the other.

    node (k,) position in ``ref``; xy (k, 2) [m]; along_m (k,) geodesic metres since the first vertex of all; run (k,) which
    way; ref (n,) OSM ids of the nodes, ascending.
    """

    node: Ints
    xy: Floats
    along_m: Floats
    run: Ints
    ref: Ints


@dataclass(frozen=True)
class Pieces:
    """Hold p pieces of ways between junctions.

    first, last (p,) positions of their end vertices in ``Points``; tail, head (p,) their nodes; way (p,) position in the
    used ways; kind, forward, backward, attachable, road (p,) from the way; waits (p, 3) halves of each kind of wait (columns
    as ``WAIT``).
    """

    first: Ints
    last: Ints
    tail: Ints
    head: Ints
    way: Ints
    kind: Ints
    forward: Bools
    backward: Bools
    attachable: Bools
    road: Bools
    waits: Ints


def used_ways(data: OsmData, mode: str) -> list[UsedWay]:
    """Return the ways that a mode uses, with their use; rings of walkable multipolygons come last."""
    used: list[UsedWay] = []
    for way in (*data.ways, *data.walkable_rings):
        if highway_rule(way.tags) is not None:
            use = street_use(way.tags, mode)
            if use is not None:
                used.append((way, use))
    return used


def lay_out(used: Sequence[UsedWay], crs: str) -> Points:
    """Put the vertices of the ways into arrays, projected to ``crs``, with geodesic lengths on the WGS 84 ellipsoid."""
    lonlat = np.concatenate([way.lonlat for way, _ in used])
    sizes = np.array([len(way.refs) for way, _ in used])
    ref, node = np.unique(np.concatenate([way.refs for way, _ in used]), return_inverse=True)
    transformer = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    xy = np.stack(transformer.transform(lonlat[:, 0], lonlat[:, 1]), axis=1)
    geod = pyproj.Geod(ellps="WGS84")
    steps = np.asarray(geod.inv(lonlat[:-1, 0], lonlat[:-1, 1], lonlat[1:, 0], lonlat[1:, 1])[2])
    run = np.repeat(np.arange(len(used)), sizes)
    steps[run[1:] != run[:-1]] = 0.0
    return Points(node, xy, np.concatenate([[0.0], np.cumsum(steps)]), run, ref)


def cut_pieces(used: Sequence[UsedWay], points: Points, *, data: OsmData, mode: str, waits: WaitNodes) -> tuple[Pieces, Ints]:
    """Cut the ways at their ends, at nodes of two ways, at waits and at blocking nodes.

    Returns the pieces and the OSM id of each node. A blocking node stops the street: each piece that ends there gets an end
    of its own, the first keeps the id and the others get new negative ones. Pieces drawn twice (outlines that two squares
    share) are kept once.
    """
    blocking = np.isin(points.ref, [node.id for node in data.nodes if blocks(node.tags, mode)])
    waiting = np.isin(points.ref, [*waits.meeting, *waits.junction])
    ends = np.ones(len(points.run), bool)
    ends[1:-1] = (points.run[1:-1] != points.run[:-2]) | (points.run[1:-1] != points.run[2:])
    cut_node = (np.bincount(points.node, minlength=len(points.ref)) > 1) | blocking | waiting
    cut = np.flatnonzero(cut_node[points.node] | ends)
    same = points.run[cut[1:]] == points.run[cut[:-1]]
    first, last = cut[:-1][same], cut[1:][same]
    pieces = _drop_doubles(_describe(used, points, first, last, waits), points)
    return _split_blocked(pieces, points, blocking)


def _describe(used: Sequence[UsedWay], points: Points, first: Ints, last: Ints, waits: WaitNodes) -> Pieces:
    way = points.run[first]
    uses = [use for _, use in used]
    kind = np.array([SEGMENT_KINDS.index(use.kind) for use in uses])
    halves = np.zeros((len(used), 2), np.int64)
    wait = np.zeros(len(used), np.int64)
    for position, (item, _) in enumerate(used):
        if is_crossing_way(item.tags):
            halves[position] = crossing_way_halves(item, waits.crossing)
            wait[position] = WAIT[crossing_way_type(item, waits.crossing)]
    starts = np.searchsorted(points.run, np.arange(len(used)))
    stops = np.append(starts[1:], len(points.run)) - 1
    carried = (first == starts[way]) * halves[way, 0] + (last == stops[way]) * halves[way, 1]
    table = np.zeros((len(way), len(WAIT)), np.int64)
    table[np.arange(len(way)), wait[way]] = carried
    return Pieces(
        first=first,
        last=last,
        tail=points.node[first],
        head=points.node[last],
        way=way,
        kind=kind[way],
        forward=np.array([use.forward for use in uses])[way],
        backward=np.array([use.backward for use in uses])[way],
        attachable=np.array([use.attachable for use in uses])[way],
        road=np.array([use.road for use in uses])[way],
        waits=table,
    )


def _drop_doubles(pieces: Pieces, points: Points) -> Pieces:
    seen: set[tuple[object, ...]] = set()
    keep = np.ones(len(pieces.first), bool)
    for row in range(len(pieces.first)):
        nodes = points.node[pieces.first[row] : pieces.last[row] + 1]
        along = nodes if nodes[0] < nodes[-1] or (nodes[0] == nodes[-1] and nodes[1] <= nodes[-2]) else nodes[::-1]
        ways = (pieces.forward[row], pieces.backward[row]) if along is nodes else (pieces.backward[row], pieces.forward[row])
        key = (along.tobytes(), pieces.kind[row], *ways)
        keep[row] = key not in seen
        seen.add(key)
    return Pieces(**{name: column[keep] for name, column in vars(pieces).items()})


def _split_blocked(pieces: Pieces, points: Points, blocking: Bools) -> tuple[Pieces, Ints]:
    tail, head = pieces.tail.copy(), pieces.head.copy()
    ids = points.ref.tolist()
    taken: set[int] = set()
    fresh = min(0, int(points.ref.min()))
    for row in np.flatnonzero(blocking[tail] | blocking[head]):
        for column in (tail, head):
            node = int(column[row])
            if blocking[node] and node in taken:
                fresh -= 1
                column[row] = len(ids)
                ids.append(fresh)
            elif blocking[node]:
                taken.add(node)
    return Pieces(**{**vars(pieces), "tail": tail, "head": head}), np.array(ids, np.int64)
