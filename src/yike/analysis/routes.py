"""Routes: the way behind one travel time, taken apart into walking, waiting and connecting.

Used to explain a verdict. The search runs only inside the reach of its origin, on the same whole-number weights as the verdict,
so the parts of a route sum to the time that decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from yike import kernels
from yike.analysis.attachment import Attachment, Legs, legs, ranges, starts
from yike.analysis.routing_graph import TENTHS, RoutingGraph
from yike.analysis.travel_time import UNREACHED, along_segment, bounded_times, origin_seeds

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
_WHOLE = ((0.0, 1.0), (1.0, 0.0))


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
class _Spot:
    """Hold a point or the entrances of a place: their connections, what these cost, and where they are [m]."""

    attachment: Attachment
    legs: Legs
    xy: FloatArray


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
    """Hold how a way ends: its cost, the last node (None: along one segment only), the rows of origin and destination."""

    cost: int
    node: int | None
    at_tail: bool
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
    first = _Spot(origin, legs(graph, origin), np.atleast_2d(origin_xy))
    found = []
    for last in _spots(graph, destinations, destination_xy):
        end = _best_end(graph, tree, first, last, limit=limit)
        found.append(None if end is None else _route(graph, tree, first, last, end))
    return found


def _spots(graph: RoutingGraph, destinations: Sequence[Attachment], xy: Sequence[FloatArray]) -> Iterator[_Spot]:
    """Yield each destination with the costs of its connections, which are worked out for all together."""
    if not destinations:
        return
    parts = [(each.segment, each.fraction, each.connection_m) for each in destinations]
    segment, fraction, connection_m = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    rows = starts(np.array([len(each.segment) for each in destinations]))
    costs = legs(graph, Attachment(np.array([0, rows[-1]]), segment, fraction, connection_m))
    for number, (destination, spot) in enumerate(zip(destinations, xy, strict=True)):
        here = slice(rows[number], rows[number + 1])
        own = Legs(
            costs.connection[here], costs.to_head[here], costs.to_tail[here], costs.from_tail[here], costs.from_head[here]
        )
        yield _Spot(destination, own, np.atleast_2d(spot))


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


def _best_end(graph: RoutingGraph, tree: _Tree, first: _Spot, last: _Spot, *, limit: int) -> _End | None:
    """Choose the cheapest end; among equal ones the way along one segment, then the first entrance, its tail before its head."""
    network, part = graph.network, last.legs
    ends = []
    for row, segment in enumerate(last.attachment.segment):
        both = ((network.tail[segment], part.from_tail[row], True), (network.head[segment], part.from_head[row], False))
        for node, leg, at_tail in both:
            at = tree.position(int(node))
            if leg >= 0 and at is not None and tree.cost[at] < UNREACHED:
                cost = int(tree.cost[at]) + int(leg) + int(part.connection[row])
                ends.append(_End(cost, int(node), at_tail, 0, row))
    here, there = np.nonzero(first.attachment.segment[:, None] == last.attachment.segment[None, :])
    if len(here):
        direct = along_segment(graph, first.attachment, last.attachment, (here, there))
        total = direct + first.legs.connection[here] + part.connection[there]
        ways = zip(total[direct < UNREACHED], here[direct < UNREACHED], there[direct < UNREACHED], strict=True)
        ends += [_End(int(cost), None, False, int(outset), int(row)) for cost, outset, row in ways]
    near = [end for end in ends if end.cost <= limit]
    return min(near, key=lambda end: (end.cost, end.node is not None, end.entrance_row, not end.at_tail), default=None)


def _route(graph: RoutingGraph, tree: _Tree, first: _Spot, last: _Spot, end: _End) -> Route:
    between: list[tuple[int, bool]] = []
    into = int(last.attachment.segment[end.entrance_row])
    door = float(last.attachment.fraction[end.entrance_row])
    if end.node is None:
        row = end.origin_row
        pieces = [_piece(graph, into, float(first.attachment.fraction[row]), door)]
    else:
        between, node = _chain(graph, tree, end.node)
        row, fraction = _outset(graph, first, node)
        out = _piece(graph, int(first.attachment.segment[row]), float(first.attachment.fraction[row]), fraction)
        pieces = [out, _piece(graph, into, 0.0 if end.at_tail else 1.0, door)]
    segments = np.array([segment for segment, _ in between], np.int64)
    connecting = int(first.legs.connection[row] + last.legs.connection[end.entrance_row])
    waiting = sum(round(float(graph.waiting[segment]) * abs(to - from_)) for segment, from_, to, _ in pieces)
    waiting = min(waiting + int(graph.waiting[segments].sum()), end.cost - connecting)
    metres = sum(float(graph.network.length_dm[segment]) * abs(to - from_) for segment, from_, to, _ in pieces)
    metres = (metres + float(graph.network.length_dm[segments].sum(dtype=np.int64))) / TENTHS
    metres += float(first.attachment.connection_m[row] + last.attachment.connection_m[end.entrance_row])
    spot = last.xy[last.attachment.point[end.entrance_row]]
    lines = [pieces[0][3], _vertices(graph, segments, between), *(line for *_, line in pieces[1:])]
    return Route(
        cost=end.cost,
        moving=end.cost - connecting - waiting,
        waiting=waiting,
        connecting=connecting,
        length_m=metres,
        entrance=end.entrance_row,
        line=shapely.LineString(np.concatenate([first.xy[:1], *lines, spot[None, :]])),
    )


_Piece = tuple[int, float, float, FloatArray]


def _chain(graph: RoutingGraph, tree: _Tree, node: int) -> tuple[list[tuple[int, bool]], int]:
    """Follow the tree back from a node; return the whole segments in order, whether each runs ahead, and the first node."""
    at = tree.position(node)
    chain: list[tuple[int, bool]] = []
    while at is not None and (edge := int(tree.arriving[at])) >= 0:
        segment, at = int(tree.edge_segment[edge]), int(tree.edge_from[edge])
        node = int(tree.node[at])
        chain.append((segment, int(graph.network.tail[segment]) == node))
    return chain[::-1], node


def _vertices(graph: RoutingGraph, segments: IndexArray, chain: Sequence[tuple[int, bool]]) -> FloatArray:
    """Return the vertices of whole segments one after the other, each in the direction of travel."""
    low, high = graph.network.shape_start[segments], graph.network.shape_start[segments + 1]
    ahead = np.array([each for _, each in chain], np.bool_)
    step = ranges(np.zeros(len(segments), np.int64), high - low)
    sign, begin = np.repeat(np.where(ahead, 1, -1), high - low), np.repeat(np.where(ahead, low, high - 1), high - low)
    return graph.network.shape_xy[begin + sign * step]


def _outset(graph: RoutingGraph, first: _Spot, node: int) -> tuple[int, float]:
    """Return the connection by which the way reaches its first node cheapest, and which end of its segment that is."""
    part, ways = first.legs, []
    for row, segment in enumerate(first.attachment.segment):
        if graph.network.head[segment] == node and part.to_head[row] >= 0:
            ways.append((int(part.connection[row] + part.to_head[row]), row, 1.0))
        if graph.network.tail[segment] == node and part.to_tail[row] >= 0:
            ways.append((int(part.connection[row] + part.to_tail[row]), row, 0.0))
    _, row, fraction = min(ways)
    return row, fraction


def _piece(graph: RoutingGraph, segment: int, from_: float, to: float) -> _Piece:
    """Return the part of a segment between two fractions with its vertices in the direction of travel."""
    network = graph.network
    vertices = network.shape_xy[network.shape_start[segment] : network.shape_start[segment + 1]]
    if (from_, to) in _WHOLE:
        return int(segment), from_, to, vertices if from_ <= to else vertices[::-1]
    low, high = min(from_, to), max(from_, to)
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(vertices, axis=0).T))])
    along = run / run[-1] if run[-1] > 0 else np.linspace(0.0, 1.0, len(run))
    inner = vertices[(along > low) & (along < high)]
    ends = np.stack([np.interp([low, high], along, vertices[:, axis]) for axis in (0, 1)], axis=1)
    line = np.concatenate([ends[:1], inner, ends[1:]])
    return int(segment), float(from_), float(to), line if from_ <= to else line[::-1]
