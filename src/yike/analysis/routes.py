"""Routes: the way behind one travel time, taken apart into walking, waiting and connecting.

Used to explain a verdict. The search runs only inside the reach of its origin, on the same whole-number weights as the verdict,
so the parts of a route sum to the time that decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from yike import kernels
from yike.analysis.attachment import Attachment, legs, ranges, starts
from yike.analysis.routing_graph import TENTHS, RoutingGraph
from yike.analysis.travel_time import UNREACHED, along_segment, bounded_times, origin_seeds

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
_AT_SEED = -1


@dataclass(frozen=True)
class Route:
    """Hold one way from a point to an entrance; costs in the graph's whole units.

    cost        moving + waiting + connecting
    moving      along streets
    waiting     at crossings and signals
    connecting  between the point and its street and between the street and the entrance
    length_m    [m] of the whole way
    entrance    which connection of the destination it ends at
    line        the way as drawn [m], from the point to the entrance
    """

    cost: int
    moving: int
    waiting: int
    connecting: int
    length_m: float
    entrance: int
    line: shapely.LineString


@dataclass(frozen=True, eq=False)
class _Tree:
    """Hold the shortest-path tree of an origin over the nodes of its reach (ascending)."""

    node: NDArray[np.int32]
    cost: NDArray[np.int32]
    arriving: NDArray[np.int32]
    edge_from: NDArray[np.int32]
    edge_segment: NDArray[np.int32]

    def position(self, node: int) -> int | None:
        """Return where a node stands in the tree, None where it is out of reach."""
        at = int(np.searchsorted(self.node, node))
        return at if at < len(self.node) and self.node[at] == node else None


@dataclass(frozen=True)
class _End:
    """Hold a way's last node (None: along one segment only), the origin row and the destination row."""

    cost: int
    node: int | None
    origin_row: int
    entrance_row: int


def routes_from(
    graph: RoutingGraph,
    origin: Attachment,
    origin_xy: FloatArray,
    destinations: Sequence[Attachment],
    destination_xy: Sequence[FloatArray],
    *,
    limit: int,
) -> list[Route | None]:
    """Find the quickest way from one point to each destination with its entrances; None beyond ``limit``.

    ``origin`` holds one point; each destination one or more entrances with (e, 2) coordinates [m].
    """
    if not origin.connected[0]:
        return [None] * len(destinations)
    tree = _tree(graph, origin, limit=limit)
    found = []
    for attachment, xy in zip(destinations, destination_xy, strict=True):
        end = _best_end(graph, tree, origin, attachment, limit=limit)
        found.append(None if end is None else _route(graph, tree, (origin, origin_xy), (attachment, xy), end))
    return found


def _tree(graph: RoutingGraph, origin: Attachment, *, limit: int) -> _Tree:
    reach = bounded_times(graph, origin, limit=limit, threads=1)
    street = graph.outward
    counts = np.diff(street.start)[reach.node].astype(np.int64)
    rows = ranges(street.start[reach.node].astype(np.int64), counts)
    from_ = np.repeat(np.arange(len(reach.node), dtype=np.int32), counts)
    to = np.searchsorted(reach.node, street.node[rows]).astype(np.int32)
    inside = to < len(reach.node)
    inside[inside] = reach.node[to[inside]] == street.node[rows[inside]]
    rows, from_, to = rows[inside], from_[inside], to[inside]
    start = starts(np.bincount(from_, minlength=len(reach.node)).astype(np.int64)).astype(np.int32)
    node, cost, _ = origin_seeds(graph, origin)
    near = cost <= limit
    times, arriving = np.empty(len(reach.node), np.int32), np.empty(len(reach.node), np.int32)
    seed = np.searchsorted(reach.node, node[near]).astype(np.int32)
    kernels.shortest_tree(start, to, street.weight[rows], seed, cost[near], limit, times, arriving)
    return _Tree(reach.node, times, arriving, from_, street.segment[rows])


def _best_end(graph: RoutingGraph, tree: _Tree, origin: Attachment, destination: Attachment, *, limit: int) -> _End | None:
    part = legs(graph, destination)
    ends = []
    for row, segment in enumerate(destination.segment):
        for node, leg in ((graph.network.tail[segment], part.from_tail[row]), (graph.network.head[segment], part.from_head[row])):
            at = tree.position(int(node))
            if leg >= 0 and at is not None and tree.cost[at] < UNREACHED:
                ends.append(_End(int(tree.cost[at]) + int(leg) + int(part.connection[row]), int(node), 0, row))
    here, there = _shared(origin, destination)
    direct = along_segment(graph, origin, destination, (here, there))
    outset = legs(graph, origin).connection
    for first, row, cost in zip(here, there, direct, strict=True):
        if cost < UNREACHED:
            ends.append(_End(int(cost) + int(outset[first]) + int(part.connection[row]), None, int(first), int(row)))
    ends = [end for end in ends if end.cost <= limit]
    return min(ends, key=lambda end: (end.cost, end.node is not None, end.entrance_row, end.node or 0), default=None)


def _shared(origin: Attachment, destination: Attachment) -> tuple[IndexArray, IndexArray]:
    same = origin.segment[:, None] == destination.segment[None, :]
    here, there = np.nonzero(same)
    return here, there


def _route(
    graph: RoutingGraph,
    tree: _Tree,
    origin: tuple[Attachment, FloatArray],
    destination: tuple[Attachment, FloatArray],
    end: _End,
) -> Route:
    first, first_xy = origin
    last, last_xy = destination
    if end.node is None:
        outset_row, pieces = (
            end.origin_row,
            [_piece(graph, first.segment[end.origin_row], first.fraction[end.origin_row], last.fraction[end.entrance_row])],
        )
    else:
        outset_row, pieces = _pieces_through(graph, tree, first, last, end)
    connecting = int(legs(graph, first).connection[outset_row] + legs(graph, last).connection[end.entrance_row])
    waiting = sum(int(np.rint(graph.waiting[segment] * abs(to - from_))) for segment, from_, to, _ in pieces)
    waiting = min(waiting, end.cost - connecting)
    lines = (
        [np.atleast_2d(first_xy)[:1]]
        + [line for *_, line in pieces]
        + [np.atleast_2d(last_xy)[last.point[end.entrance_row]][None, :]]
    )
    metres = sum(graph.network.length_dm[segment] * abs(to - from_) for segment, from_, to, _ in pieces) / TENTHS
    metres += float(first.connection_m[outset_row] + last.connection_m[end.entrance_row])
    return Route(
        cost=end.cost,
        moving=end.cost - connecting - waiting,
        waiting=waiting,
        connecting=connecting,
        length_m=float(metres),
        entrance=int(end.entrance_row),
        line=shapely.LineString(np.concatenate(lines)),
    )


_Piece = tuple[int, float, float, FloatArray]


def _pieces_through(
    graph: RoutingGraph, tree: _Tree, origin: Attachment, destination: Attachment, end: _End
) -> tuple[int, list[_Piece]]:
    network = graph.network
    last_node = _AT_SEED if end.node is None else end.node
    at = tree.position(last_node)
    chain: list[_Piece] = []
    while at is not None and tree.arriving[at] >= 0:
        edge = int(tree.arriving[at])
        segment = int(tree.edge_segment[edge])
        before = int(tree.edge_from[edge])
        forward = network.tail[segment] == tree.node[before]
        chain.append(_piece(graph, segment, 0.0 if forward else 1.0, 1.0 if forward else 0.0))
        at = before
    chain.reverse()
    start_node = int(tree.node[at]) if at is not None else last_node
    row, fraction_at_start = _outset(graph, origin, start_node)
    out = _piece(graph, origin.segment[row], origin.fraction[row], fraction_at_start)
    into_segment = destination.segment[end.entrance_row]
    arrives_at_tail = _arrives_at_tail(graph, destination, end)
    into = _piece(graph, into_segment, 0.0 if arrives_at_tail else 1.0, destination.fraction[end.entrance_row])
    return row, [out, *chain, into]


def _outset(graph: RoutingGraph, origin: Attachment, node: int) -> tuple[int, float]:
    part = legs(graph, origin)
    ways = []
    for row, segment in enumerate(origin.segment):
        if graph.network.head[segment] == node and part.to_head[row] >= 0:
            ways.append((int(part.connection[row] + part.to_head[row]), row, 1.0))
        if graph.network.tail[segment] == node and part.to_tail[row] >= 0:
            ways.append((int(part.connection[row] + part.to_tail[row]), row, 0.0))
    _, row, fraction = min(ways)
    return row, fraction


def _arrives_at_tail(graph: RoutingGraph, destination: Attachment, end: _End) -> bool:
    segment = destination.segment[end.entrance_row]
    part = legs(graph, destination)
    at_tail = graph.network.tail[segment] == end.node and part.from_tail[end.entrance_row] >= 0
    at_head = graph.network.head[segment] == end.node and part.from_head[end.entrance_row] >= 0
    if at_tail and at_head:
        return bool(part.from_tail[end.entrance_row] <= part.from_head[end.entrance_row])
    return bool(at_tail)


def _piece(graph: RoutingGraph, segment: int, from_: float, to: float) -> _Piece:
    """Return the part of a segment between two fractions with its vertices in the direction of travel."""
    network = graph.network
    vertices = network.shape_xy[network.shape_start[segment] : network.shape_start[segment + 1]]
    low, high = min(from_, to), max(from_, to)
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(vertices, axis=0).T))])
    along = run / run[-1] if run[-1] > 0 else np.linspace(0.0, 1.0, len(run))
    inner = vertices[(along > low) & (along < high)]
    ends = np.stack([np.interp([low, high], along, vertices[:, axis]) for axis in (0, 1)], axis=1)
    line = np.concatenate([ends[:1], inner, ends[1:]])
    return int(segment), float(from_), float(to), line if from_ <= to else line[::-1]
