"""Attachment of points to streets: to the nearest segment, *as if* it were split there.

A connection is (segment, fraction of its length from its tail, metres between point and street). It enters a search as two
directed seeds, one at each end of the segment, whose offsets are whole numbers that sum to the segment's weight. A connection may
not cross a barrier; a point without a connection within the limit is unconnected. On a stretch of a street that an edit divided,
the fraction is still that of the whole street, so that both cut into the same whole numbers.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from yike.analysis.routing_graph import IMPASSABLE, RoutingGraph
from yike.model.network import StreetNetwork

_WIDENING = (4.0, 2.0, 1.0)  # a blocked point looks first within a quarter of the limit, then half, then all of it
_CHUNK = 20_000  # places searched at a time by one thread
_STRIP_M = 300.0
_TOUCH_M = 0.001  # a connection that ends this near to a barrier ends on it: feet of perpendiculars are rounded figures
_AREA = 2  # dimensions of a polygon

Geometries = NDArray[np.object_]
IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Attachment:
    """Hold the connections of p points: point i owns rows start[i]:start[i + 1], usually one, none where unconnected.

    segment       (r,) int64 position of the street segment
    fraction      (r,) 0 at the segment's tail, 1 at its head; on a stretch, that of the whole street
    connection_m  (r,) [m] straight between point and street
    """

    start: IndexArray
    segment: IndexArray
    fraction: FloatArray
    connection_m: FloatArray

    @property
    def point_count(self) -> int:
        """Count the points."""
        return len(self.start) - 1

    @property
    def connected(self) -> NDArray[np.bool_]:
        """Return (p,) which points have a connection."""
        return np.diff(self.start) > 0

    @property
    def point(self) -> IndexArray:
        """Return (r,) the point of each connection."""
        return np.repeat(np.arange(self.point_count), np.diff(self.start))

    def take(self, points: IndexArray) -> Attachment:
        """Return the attachment of the chosen points, in their order."""
        counts = np.diff(self.start)[points]
        rows = ranges(self.start[points], counts)
        return Attachment(starts(counts), self.segment[rows], self.fraction[rows], self.connection_m[rows])


def starts(counts: IndexArray) -> IndexArray:
    """Return where each of consecutive runs of these lengths starts, and the end of the last."""
    out = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=out[1:])
    return out


def ranges(first: IndexArray, counts: IndexArray) -> IndexArray:
    """Return first[0] … first[0] + counts[0] - 1, first[1] … as one array."""
    offsets = starts(counts)
    return np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], counts)


def attach(
    network: StreetNetwork,
    xy: FloatArray,
    *,
    limit_m: float,
    barriers: Geometries | None = None,
    usable: NDArray[np.bool_] | None = None,
    threads: int = 2,
) -> Attachment:
    """Connect (p, 2) points [m] to the nearest segment within ``limit_m`` that no barrier cuts off.

    ``usable`` (m,) leaves out segments that the profile cannot travel; bridges and tunnels are always left out. Among equally
    near segments the first is taken. A connection may end on a barrier (a gate in a wall) but not pass through one. The result
    does not depend on the order of the points or the number of threads.
    """
    places = np.asarray(shapely.points(np.asarray(xy, np.float64).reshape(-1, 2)), dtype=object)
    return attach_geometries(network, places, limit_m=limit_m, barriers=barriers, usable=usable, threads=threads)


def attach_geometries(
    network: StreetNetwork,
    places: Geometries,
    *,
    limit_m: float,
    barriers: Geometries | None = None,
    usable: NDArray[np.bool_] | None = None,
    threads: int = 2,
) -> Attachment:
    """Connect (p,) points or outlines to the nearest segment: an outline from the nearest place on its edge."""
    streets = _streets(network, usable)
    walls = None if barriers is None or not len(barriers) else shapely.STRtree(barriers)
    edges = outline_edges(places)
    order = _neighbours_together(edges)
    chunks = np.array_split(order, max(1, len(order) // _CHUNK + 1))

    def run(chunk: IndexArray) -> tuple[IndexArray, IndexArray, FloatArray, FloatArray]:
        row, shape, lines = _nearest(edges[chunk], streets, walls, limit_m=limit_m)
        return chunk[row], streets.segment[shape], fractions(streets.shapes[shape], lines), shapely.length(lines)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        found = list(pool.map(run, chunks))
    place, segment, fraction, metres = (np.concatenate([part[k] for part in found]) for k in range(4))
    back = np.argsort(place, kind="stable")
    counts = np.bincount(place, minlength=len(places)).astype(np.int64)
    return with_stretches(network, Attachment(starts(counts), segment[back], fraction[back], metres[back]))


def with_stretches(network: StreetNetwork, attachment: Attachment) -> Attachment:
    """Give each connection on a street that an edit divided the same connection on the stretches that it lies on.

    The new rows stand at the same place at the same cost; they let the point meet the node where the link begins.
    """
    parts = network.stretches
    if parts is None:
        return attachment
    here, part = pairs_by_value(attachment.segment, parts.whole)
    inside = (parts.begin[part] <= attachment.fraction[here]) & (attachment.fraction[here] <= parts.end[part])
    here, part = here[inside], part[inside]
    row = np.concatenate([np.arange(len(attachment.segment)), here])
    segment = np.concatenate([attachment.segment, parts.segment[part]])
    point = attachment.point[row]
    order = np.lexsort((np.arange(len(row)), point))
    counts = np.bincount(point, minlength=attachment.point_count).astype(np.int64)
    row = row[order]
    return Attachment(starts(counts), segment[order], attachment.fraction[row], attachment.connection_m[row])


def pairs_by_value(first: IndexArray, second: IndexArray) -> tuple[IndexArray, IndexArray]:
    """Return the positions of all pairs of equal values in two arrays."""
    order = np.argsort(second, kind="stable")
    low = np.searchsorted(second[order], first, side="left")
    counts = np.searchsorted(second[order], first, side="right") - low
    return np.repeat(np.arange(len(first)), counts), order[ranges(low, counts)]


@dataclass(frozen=True, eq=False)
class _Streets:
    """Hold the segments that points may attach to, their shapes and a tree over the shapes."""

    segment: IndexArray
    shapes: Geometries
    tree: shapely.STRtree


def _streets(network: StreetNetwork, usable: NDArray[np.bool_] | None) -> _Streets:
    positions, shapes, tree = network.attachable_streets
    if usable is None or usable[positions].all():
        return _Streets(positions, shapes, tree)
    kept = usable[positions]
    return _Streets(positions[kept], shapes[kept], shapely.STRtree(shapes[kept]))


def outline_edges(places: Geometries) -> Geometries:
    """Return points as they are and areas as their edge: seen from inside, every street of a park would lie at distance zero."""
    areas = shapely.get_dimensions(places) == _AREA
    if not areas.any():
        return places
    edges = places.copy()
    edges[areas] = shapely.boundary(places[areas])
    return edges


def _neighbours_together(places: Geometries) -> IndexArray:
    """Order places in strips, so that one search after the other meets the same part of the tree."""
    bounds = shapely.bounds(places)
    return np.lexsort((bounds[:, 0], np.floor(bounds[:, 1] / _STRIP_M)))


def _nearest(
    places: Geometries, streets: _Streets, walls: shapely.STRtree | None, *, limit_m: float
) -> tuple[IndexArray, IndexArray, Geometries]:
    """Return (place, shape, connector) of every place that has a nearest street within the limit, in the order of places."""
    place, shape = streets.tree.query_nearest(places, max_distance=limit_m, all_matches=True)
    first = _first_of_each(place, shape)
    place, shape = place[first], shape[first]
    lines = connectors(places[place], streets.shapes[shape])
    if walls is None:
        return place, shape, lines
    blocked = cut_off(lines, walls)
    other_place, other_shape = _nearest_open(places, place[blocked], streets, walls, limit_m=limit_m)
    place = np.concatenate([place[~blocked], other_place])
    shape = np.concatenate([shape[~blocked], other_shape])
    return place, shape, np.concatenate([lines[~blocked], connectors(places[other_place], streets.shapes[other_shape])])


def connectors(places: Geometries, shapes: Geometries) -> Geometries:
    """Return the shortest line from each place to each street, pairwise."""
    return np.asarray(shapely.shortest_line(places, shapes), dtype=object)


def fractions(shapes: Geometries, lines: Geometries) -> FloatArray:
    """Return where each connector meets its street, 0 at the tail and 1 at the head; 0 on a street without length."""
    at: FloatArray = shapely.line_locate_point(shapes, shapely.get_point(lines, 1), normalized=True)
    return np.clip(np.nan_to_num(at), 0.0, 1.0)


def _first_of_each(place: IndexArray, shape: IndexArray) -> IndexArray:
    """Keep for every place the lowest of its equally near segments."""
    order = np.lexsort((shape, place))
    keep = np.ones(len(order), np.bool_)
    keep[1:] = place[order][1:] != place[order][:-1]
    return order[keep]


def cut_off(lines: Geometries, walls: shapely.STRtree) -> NDArray[np.bool_]:
    """Tell which connectors pass through a barrier; one that begins or ends on it, to a millimetre, does not."""
    blocked = np.zeros(len(lines), np.bool_)
    long_enough = np.flatnonzero(shapely.length(lines) > 2 * _TOUCH_M)
    ends = shapely.get_coordinates(lines[long_enough]).reshape(-1, 2, 2)
    inward = ends[:, ::-1] - ends
    inward *= _TOUCH_M / np.hypot(inward[:, :, 0], inward[:, :, 1])[:, :, None]
    inner = np.asarray(shapely.linestrings(ends + inward), dtype=object)
    blocked[long_enough[walls.query(inner, predicate="crosses")[0]]] = True
    return blocked


def _nearest_open(
    places: Geometries, blocked: IndexArray, streets: _Streets, walls: shapely.STRtree, *, limit_m: float
) -> tuple[IndexArray, IndexArray]:
    """Find for each blocked place the nearest segment that no barrier cuts off, looking ever wider."""
    found_place, found_shape = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    left = blocked
    for part in _WIDENING:
        if not len(left):
            break
        row, shape = streets.tree.query(places[left], predicate="dwithin", distance=limit_m / part)
        lines = connectors(places[left[row]], streets.shapes[shape])
        free = ~cut_off(lines, walls)
        row, shape, metres = row[free], shape[free], shapely.length(lines[free])
        order = np.lexsort((shape, metres, row))
        row, shape = row[order], shape[order]
        keep = np.ones(len(row), np.bool_)
        keep[1:] = row[1:] != row[:-1]
        found_place.append(left[row[keep]])
        found_shape.append(shape[keep])
        left = np.delete(left, row[keep])
    return np.concatenate(found_place), np.concatenate(found_shape)


@dataclass(frozen=True, eq=False)
class Legs:
    """Hold what each connection (r,) costs under a graph, in its whole units; -1 where that way is closed.

    connection          between point and street
    to_head, to_tail    from the point along the segment to its ends: for travel away from the point
    from_tail, from_head  along the segment to the point: for travel towards it
    """

    connection: NDArray[np.int32]
    to_head: NDArray[np.int32]
    to_tail: NDArray[np.int32]
    from_tail: NDArray[np.int32]
    from_head: NDArray[np.int32]


def legs(graph: RoutingGraph, attachment: Attachment) -> Legs:
    """Cut each connection's segment into whole units: the two parts of a direction sum to the segment's weight.

    With w the weight tail to head and f the fraction, tail to point is round(w f) and point to head is w - round(w f); likewise
    with the weight of the other direction. On a stretch that begins at fraction b of a whole street of weight w, tail to point is
    round(w f) - round(w b). A point at the very end of a one-way street stands at the junction and may leave by all its streets.
    """
    segment, fraction = attachment.segment, attachment.fraction
    whole, begin, end = _whole_streets(graph.network, segment)
    ahead, back = graph.forward_weight[segment], graph.backward_weight[segment]
    whole_ahead, whole_back = graph.forward_weight[whole], graph.backward_weight[whole]
    from_tail = (np.rint(whole_ahead * fraction) - np.rint(whole_ahead * begin)).astype(np.int32)
    to_tail = (np.rint(whole_back * fraction) - np.rint(whole_back * begin)).astype(np.int32)
    passable = (ahead >= 0) | (back >= 0)
    at_tail, at_head = passable & (fraction == begin), passable & (fraction == end)

    def leg(units: NDArray[np.int32], weight: NDArray[np.int32], at_end: NDArray[np.bool_]) -> NDArray[np.int32]:
        return np.where(at_end, 0, np.where(weight >= 0, units, IMPASSABLE)).astype(np.int32)

    return Legs(
        connection=np.rint(attachment.connection_m * graph.units_per_m).astype(np.int32),
        to_head=leg(ahead - from_tail, ahead, at_head),
        to_tail=leg(to_tail, back, at_tail),
        from_tail=leg(from_tail, ahead, at_tail),
        from_head=leg(back - to_tail, back, at_head),
    )


def _whole_streets(network: StreetNetwork, segment: IndexArray) -> tuple[IndexArray, FloatArray | float, FloatArray | float]:
    """Return for each segment the whole street that it is a stretch of (mostly itself) and the fractions where it runs."""
    parts = network.stretches
    if parts is None:
        return segment, 0.0, 1.0
    of_part = np.full(network.segment_count, -1)
    of_part[parts.segment] = np.arange(len(parts.segment))
    part = of_part[segment]
    stretch = part >= 0
    return (
        np.where(stretch, parts.whole[part], segment),
        np.where(stretch, parts.begin[part], 0.0),
        np.where(stretch, parts.end[part], 1.0),
    )
