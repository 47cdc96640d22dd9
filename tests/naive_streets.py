"""Slow, obvious twins of what is done with streets: a graph that really is split, and connections found by trying all."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from yike.analysis.attachment import Attachment
from yike.analysis.routing_graph import RoutingGraph

Edge = tuple[int, int, int]
Point = tuple[Fraction, Fraction]
Line = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class SplitStreets:
    """A directed graph whose streets are cut at every attached point, and for each point its (node, connection) pairs."""

    n: int
    edges: list[Edge]
    ways_in: list[list[list[tuple[int, int]]]]


def split_streets(graph: RoutingGraph, attachments: Sequence[Attachment]) -> SplitStreets:
    """Cut every street at the places where points of any of the attachments meet it; one place is one node."""
    network = graph.network
    cuts: dict[int, set[float]] = {segment: {0.0, 1.0} for segment in range(network.segment_count)}
    for attachment in attachments:
        for segment, fraction in zip(attachment.segment, attachment.fraction, strict=True):
            cuts[int(segment)].add(float(fraction))
    node_at: dict[tuple[int, float], int] = {}
    n, edges = network.node_count, []
    for segment, fractions in cuts.items():
        ordered = sorted(fractions)
        for fraction in ordered:
            at_end = {0.0: int(network.tail[segment]), 1.0: int(network.head[segment])}.get(fraction)
            node_at[segment, fraction] = n if at_end is None else at_end
            n += at_end is None
        for weight, turned in ((int(graph.forward_weight[segment]), False), (int(graph.backward_weight[segment]), True)):
            for low, high in pairwise(ordered) if weight >= 0 else ():
                ends = node_at[segment, low], node_at[segment, high]
                start, end = ends[::-1] if turned else ends
                edges.append((start, end, round(weight * high) - round(weight * low)))
    ways_in = [
        [
            [
                (node_at[int(a.segment[row]), float(a.fraction[row])], round(float(a.connection_m[row]) * graph.units_per_m))
                for row in range(a.start[point], a.start[point + 1])
            ]
            for point in range(a.point_count)
        ]
        for a in attachments
    ]
    return SplitStreets(n, edges, ways_in)


def heap_times(n: int, edges: Iterable[Edge], seeds: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return the least time of every node that the seeds reach, by the textbook search with a heap."""
    leading: dict[int, list[tuple[int, int]]] = {}
    for start, end, weight in edges:
        leading.setdefault(start, []).append((end, weight))
    times: dict[int, int] = {}
    heap = [(cost, node) for node, cost in seeds]
    heapq.heapify(heap)
    while heap:
        time, node = heapq.heappop(heap)
        if node not in times:
            times[node] = time
            for end, weight in leading.get(node, []):
                heapq.heappush(heap, (time + weight, end))
    return times


def scipy_times(n: int, edges: Sequence[Edge]) -> np.ndarray:
    """Return the (n, n) least times between all nodes by scipy; infinite where there is no way."""
    least: dict[tuple[int, int], int] = {}
    for start, end, weight in edges:
        least[start, end] = min(weight, least.get((start, end), weight))
    starts, ends = [pair[0] for pair in least], [pair[1] for pair in least]
    return dijkstra(csr_matrix((np.array(list(least.values()), float), (starts, ends)), (n, n)))


def times_between(streets: SplitStreets, first: int, second: int, limit: int) -> dict[tuple[int, int], int]:
    """Return {(origin, destination): time} of all pairs within the limit between two of the attachments."""
    found = {}
    for origin, out in enumerate(streets.ways_in[first]):
        times = heap_times(streets.n, streets.edges, out)
        for destination, into in enumerate(streets.ways_in[second]):
            ways = [times[node] + connection for node, connection in into if node in times]
            if ways and min(ways) <= limit:
                found[origin, destination] = min(ways)
    return found


def scipy_times_between(streets: SplitStreets, first: int, second: int, limit: int) -> dict[tuple[int, int], int]:
    """Return the same by scipy's all-pairs times of the split graph."""
    times = scipy_times(streets.n, streets.edges)
    found = {}
    for origin, out in enumerate(streets.ways_in[first]):
        for destination, into in enumerate(streets.ways_in[second]):
            ways = [times[a, b] + c + d for a, c in out for b, d in into]
            if ways and min(ways) <= limit:
                found[origin, destination] = int(min(ways))
    return found


def foot(point: Point, line: Line) -> tuple[Point, Fraction]:
    """Return the nearest place of a straight street to a point and their squared distance, exactly."""
    (ax, ay), (bx, by) = line
    px, py = point
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    share = Fraction(0) if square == 0 else ((px - ax) * dx + (py - ay) * dy) / Fraction(square)
    share = min(max(share, Fraction(0)), Fraction(1))
    x, y = ax + share * dx, ay + share * dy
    return (x, y), (px - x) ** 2 + (py - y) ** 2


def passes_through(point: Point, end: Point, wall: Line) -> bool:
    """Tell whether the straight way between two places meets a straight wall at one place inside both."""
    (ax, ay), (bx, by) = wall
    (px, py), (qx, qy) = point, end
    across = (qx - px) * (by - ay) - (qy - py) * (bx - ax)
    if across == 0:
        return False
    on_way = Fraction((ax - px) * (by - ay) - (ay - py) * (bx - ax)) / across
    on_wall = Fraction((ax - px) * (qy - py) - (ay - py) * (qx - px)) / across
    return 0 < on_way < 1 and 0 < on_wall < 1


def nearest_open_street(
    point: tuple[int, int], streets: Sequence[Line], walls: Sequence[Line], limit: int
) -> tuple[Fraction, set[int]] | None:
    """Return the least squared distance to a street that no wall cuts off and all streets at that distance, or None."""
    place = Fraction(point[0]), Fraction(point[1])
    found: dict[int, Fraction] = {}
    for number, street in enumerate(streets):
        end, square = foot(place, street)
        if square <= limit * limit and not any(passes_through(place, end, wall) for wall in walls):
            found[number] = square
    if not found:
        return None
    least = min(found.values())
    return least, {number for number, square in found.items() if square == least}
