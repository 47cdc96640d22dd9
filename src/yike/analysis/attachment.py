"""Attachment of points to streets: to the nearest segment, *as if* it were split there.

A connection is (segment, fraction of its length from its tail, metres between point and street). It enters a search as two directed
seeds, one at each end of the segment, whose offsets are whole numbers that sum to the segment's weight. A connection may not cross a
barrier; a point without a connection within the limit is unconnected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from yike.analysis.routing_graph import RoutingGraph
from yike.model.network import StreetNetwork

_WIDENING = (4.0, 2.0, 1.0)  # a blocked point looks first within a quarter of the limit, then half, then all of it

Geometries = NDArray[np.object_]
IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Attachment:
    """Hold the connections of p points: point i owns rows start[i]:start[i + 1], usually one, none where unconnected.

    segment       (r,) int64 position of the street segment
    fraction      (r,) 0 at the segment's tail, 1 at its head
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
) -> Attachment:
    """Connect (p, 2) points [m] to the nearest segment within ``limit_m`` that no barrier cuts off.

    ``usable`` (m,) leaves out segments that the profile cannot travel; bridges and tunnels are always left out. Among equally near
    segments the first is taken. A connection may end on a barrier (a gate in a wall) but not pass through one.
    """
    return attach_geometries(
        network, np.asarray(shapely.points(xy), dtype=object), limit_m=limit_m, barriers=barriers, usable=usable
    )


def attach_geometries(
    network: StreetNetwork,
    places: Geometries,
    *,
    limit_m: float,
    barriers: Geometries | None = None,
    usable: NDArray[np.bool_] | None = None,
) -> Attachment:
    """Connect (p,) points or outlines to the nearest segment: an outline from the nearest place on its edge."""
    open_ = network.attachable & (network.forward | network.backward)
    if usable is not None:
        open_ = open_ & usable
    candidates = np.flatnonzero(open_)
    shapes = network.shapes()[candidates]
    tree = shapely.STRtree(shapes)
    place, shape = tree.query_nearest(places, max_distance=limit_m, all_matches=True)
    first = _first_of_each(place, shape)
    place, shape = place[first], shape[first]
    lines = connectors(places[place], shapes[shape])
    if barriers is not None and len(barriers):
        walls = shapely.STRtree(barriers)
        blocked = _cut_off(lines, walls)
        again = _nearest_open(places, place[blocked], shapes, tree, walls, limit_m=limit_m)
        place = np.concatenate([place[~blocked], again[0]])
        shape = np.concatenate([shape[~blocked], again[1]])
        order = np.argsort(place, kind="stable")
        place, shape = place[order], shape[order]
        lines = connectors(places[place], shapes[shape])
    on_street = shapely.get_point(lines, 1)
    return Attachment(
        start=starts(np.bincount(place, minlength=len(places)).astype(np.int64)),
        segment=candidates[shape],
        fraction=np.clip(shapely.line_locate_point(shapes[shape], on_street, normalized=True), 0.0, 1.0),
        connection_m=np.asarray(shapely.length(lines), np.float64),
    )


def connectors(places: Geometries, shapes: Geometries) -> Geometries:
    """Return the shortest line from each place to each street, pairwise."""
    return np.asarray(shapely.shortest_line(places, shapes), dtype=object)


def _first_of_each(place: IndexArray, shape: IndexArray) -> IndexArray:
    """Keep for every place the lowest of its equally near segments."""
    order = np.lexsort((shape, place))
    keep = np.ones(len(order), np.bool_)
    keep[1:] = place[order][1:] != place[order][:-1]
    return order[keep]


def _cut_off(lines: Geometries, walls: shapely.STRtree) -> NDArray[np.bool_]:
    blocked = np.zeros(len(lines), np.bool_)
    blocked[walls.query(lines, predicate="crosses")[0]] = True
    return blocked


def _nearest_open(
    places: Geometries,
    blocked: IndexArray,
    shapes: Geometries,
    tree: shapely.STRtree,
    walls: shapely.STRtree,
    *,
    limit_m: float,
) -> tuple[IndexArray, IndexArray]:
    """Find for each blocked place the nearest segment that no barrier cuts off, looking ever wider."""
    found_place, found_shape = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    left = blocked
    for part in _WIDENING:
        if not len(left):
            break
        row, shape = tree.query(places[left], predicate="dwithin", distance=limit_m / part)
        lines = connectors(places[left[row]], shapes[shape])
        free = ~_cut_off(lines, walls)
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

    With w the weight tail to head and f the fraction, tail to point is round(w f) and point to head is w - round(w f); likewise with
    the weight of the other direction.
    """
    ahead = graph.forward_weight[attachment.segment]
    back = graph.backward_weight[attachment.segment]
    from_tail = np.rint(ahead * attachment.fraction).astype(np.int32)
    to_tail = np.rint(back * attachment.fraction).astype(np.int32)
    return Legs(
        connection=np.rint(attachment.connection_m * graph.units_per_m).astype(np.int32),
        to_head=np.where(ahead >= 0, ahead - from_tail, -1).astype(np.int32),
        to_tail=np.where(back >= 0, to_tail, -1).astype(np.int32),
        from_tail=np.where(ahead >= 0, from_tail, -1).astype(np.int32),
        from_head=np.where(back >= 0, back - to_tail, -1).astype(np.int32),
    )
