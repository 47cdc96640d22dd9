"""Circles (生活圈): what is reached from an origin within minutes, as length of street and as an outline to look at.

Whether a place is covered is decided on the graph, never by these outlines. An outline is drawn around the reached stretches of
street only: a strip on both sides, so that a river or a walled block between reached streets stays open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import contourpy
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike import kernels
from yike.analysis.attachment import Attachment, attach, legs, ranges, starts
from yike.analysis.measurement import barrier_lines
from yike.analysis.routing_graph import TENTHS, RoutingGraph, routing_graph
from yike.analysis.travel_time import DEFAULT_THREADS, UNREACHED, BoundedTable, bounded_times, chosen_profile, in_parallel
from yike.errors import Fault, InputError, UnknownName
from yike.model.city import City

DEFAULT_MINUTES = (5.0, 10.0, 15.0)
CELL_M = 25.0
STRIP_M = 75.0  # drawn on each side of a reached street: closes a block of 150 m, leaves a wider river open
_NO_MASK = np.zeros((), np.bool_)
_DIAGONAL = 2.0**0.5
_SIMPLIFIED_CELLS = 0.2
_BLOCK = 2048  # origins held in memory at a time

IntArray = NDArray[np.int32]
IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
_Rings = tuple[FloatArray, IndexArray, IndexArray]  # vertices, where each ring starts, where each polygon's rings start


@dataclass(frozen=True, eq=False)
class _OwnStreets:
    """Hold for each of p points how far its search runs before it meets a junction.

    row_start        (p + 1,) point i is attached to the rows row_start[i]:row_start[i + 1], usually one
    segment, fraction, connection  (r,) the street, where on it, and the cost to get there
    piece_start      (p + 1,) point i owns pieces[piece_start[i]:piece_start[i + 1]]
    pieces           (k, 6) x0, y0, cost0, x1, y1, cost1 along the street's shape, and from the point to the street
    """

    row_start: IndexArray
    segment: IndexArray
    fraction: FloatArray
    connection: IndexArray
    piece_start: IndexArray
    pieces: FloatArray


def circles(
    city: City,
    *,
    profile: str = "adult",
    minutes: Sequence[float] = DEFAULT_MINUTES,
    units: Sequence[str] | None = None,
    threads: int = DEFAULT_THREADS,
) -> pd.DataFrame:
    """Return what is reached from the centre of each unit within each of ``minutes``, limits included.

    ``units`` are the unit_ids wanted, by default all. One row a unit and limit: ``unit_id``, ``minutes``, ``area_km2`` of the
    outline, ``reached_m`` of street (a street counts by the share within the limit, whichever end it is entered by), ``geometry``
    in the city's system, to look at only. An unconnected centre has neither outline nor figures. Raises InputError where the city
    has no units, lacks the profile's streets or a limit is not positive, UnknownName for an unknown profile or unit.
    """
    traveller = chosen_profile(profile)
    rows = _rows(city, units, minutes, network=traveller.network)
    graph = routing_graph(city.networks[traveller.network], traveller)
    xy = city.units[["centre_x", "centre_y"]].to_numpy(np.float64)[rows]
    points = attach(
        graph.network, xy, limit_m=graph.connection_limit_m, barriers=barrier_lines(city), usable=graph.passable, threads=threads
    )
    limits = np.array([int(np.floor(60 * TENTHS * value)) for value in minutes], np.int64)
    outlines = np.full((len(rows), len(limits)), None, dtype=object)
    lengths = np.full((len(rows), len(limits)), np.nan)
    for block in _blocks(len(rows), _BLOCK):
        here, origins = points.take(block), xy[block]
        table = bounded_times(graph, here, limit=int(limits.max()), threads=threads)
        own = _own_streets(graph, here, origins)
        outlines[block] = _outlines(graph, table, own, limits, cell_m=CELL_M, threads=threads)
        lengths[block] = _reached_lengths(graph, table, own, limits)
    lengths[~points.connected] = np.nan
    shapes = outlines.ravel()
    return pd.DataFrame(
        {
            "unit_id": np.repeat(city.units["unit_id"].to_numpy()[rows], len(limits)),
            "minutes": np.tile(np.asarray(minutes, np.float64), len(rows)),
            "area_km2": shapely.area(shapes) / 1e6,
            "reached_m": lengths.ravel(),
            "geometry": shapes,
        }
    )


def reach_outlines(
    graph: RoutingGraph,
    points: Attachment,
    *,
    limits: Sequence[int],
    xy: FloatArray | None = None,
    cell_m: float = CELL_M,
    threads: int = DEFAULT_THREADS,
) -> NDArray[np.object_]:
    """Draw around what each of p points reaches within each of ``limits`` [the graph's units]: (p, limits) shapely multipolygons.

    One search serves all limits of a point. ``xy`` (p, 2) [m] are the points themselves; with them the way to the street is drawn
    too. The outline holds every spot whose distance [m] to some reached stretch is at most min(75 m, the rest of the limit at the
    profile's speed), to within a cell of ``cell_m``; holes are kept. A point without connection, or with a limit that ends before
    the street, has None. The result does not depend on ``threads``.
    """
    wanted = np.asarray(limits, np.int64)
    outlines = np.full((points.point_count, len(wanted)), None, dtype=object)
    for block in _blocks(points.point_count, _BLOCK):
        here = points.take(block)
        table = bounded_times(graph, here, limit=int(wanted.max()), threads=threads)
        own = _own_streets(graph, here, None if xy is None else np.asarray(xy, np.float64)[block])
        outlines[block] = _outlines(graph, table, own, wanted, cell_m=cell_m, threads=threads)
    return outlines


def _rows(city: City, units: Sequence[str] | None, minutes: Sequence[float], *, network: str) -> IndexArray:
    """Return the rows of the wanted units, or raise what is wrong with city, limits and names."""
    faults = []
    if not len(city.units):
        faults.append(Fault("diagnosis.no_units", city.title))
    if network not in city.networks:
        faults.append(Fault("circles.no_streets", city.title, values={"mode": network}))
    if not len(minutes) or not all(0 < value <= 360 for value in minutes):
        faults.append(Fault("circles.minutes", "circles", field="minutes", values={"value": ", ".join(map(str, minutes)) or "—"}))
    if faults:
        raise InputError(faults)
    if units is None:
        return np.arange(len(city.units))
    rows = np.asarray(pd.Index(city.units["unit_id"]).get_indexer(pd.Index(list(units), dtype=object)), np.int64)
    if (rows < 0).any():
        some = ", ".join(city.units["unit_id"].iloc[:10])
        unknown = [list(units)[place] for place in np.flatnonzero(rows < 0)]
        raise UnknownName(
            [Fault("name.unknown", city.title, values={"thing": "unit", "name": name, "known": some}) for name in unknown]
        )
    return rows


def _blocks(count: int, size: int) -> Iterator[IndexArray]:
    for low in range(0, count, size):
        yield np.arange(low, min(low + size, count))


def _own_streets(graph: RoutingGraph, points: Attachment, xy: FloatArray | None) -> _OwnStreets:
    """Cut each point's own streets at the point: the parts ahead and behind along the shape, each where one may travel it."""
    network = graph.network
    parts = network.stretches
    # A stretch stands for a part of a street that the point is attached to anyway.
    rows = np.arange(len(points.segment)) if parts is None else np.flatnonzero(~np.isin(points.segment, parts.segment))
    point, segment, fraction = points.point[rows], points.segment[rows], points.fraction[rows]
    connection = legs(graph, points).connection[rows].astype(np.int64)
    steps = network.shape_start[segment + 1] - network.shape_start[segment] - 1
    row = np.repeat(np.arange(len(rows)), steps)
    vertex = ranges(network.shape_start[segment], steps)
    a, b = network.shape_xy[vertex], network.shape_xy[vertex + 1]
    begin, end = _shares(np.hypot(*(b - a).T), row)
    cut = np.clip(fraction[row], begin, end)
    at_cut = a + _ratio(cut - begin, end - begin)[:, None] * (b - a)
    pieces, owner = [], []
    for weight, far, far_xy in ((graph.forward_weight, end, b), (graph.backward_weight, begin, a)):
        units = weight[segment][row]
        near_cost, far_cost = (connection[row] + units * np.abs(share - fraction[row]) for share in (cut, far))
        kept = (units >= 0) & (cut != far)
        pieces.append(np.column_stack([at_cut, near_cost, far_xy, far_cost])[kept])
        owner.append(point[row[kept]])
    if xy is not None:
        _, meets = np.unique(row[(begin <= fraction[row]) & (fraction[row] <= end)], return_index=True)
        on_street = at_cut[(begin <= fraction[row]) & (fraction[row] <= end)][meets]
        pieces.append(np.column_stack([xy[point], np.zeros(len(rows)), on_street, connection]))
        owner.append(point)
    order = np.argsort(np.concatenate(owner), kind="stable")
    return _OwnStreets(
        row_start=_starts_of(point, points.point_count),
        segment=segment,
        fraction=fraction,
        connection=connection,
        piece_start=_starts_of(np.concatenate(owner), points.point_count),
        pieces=np.concatenate(pieces)[order],
    )


def _starts_of(owner: IndexArray, count: int) -> IndexArray:
    return starts(np.bincount(owner, minlength=count).astype(np.int64))


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _shares(length: FloatArray, row: IndexArray) -> tuple[FloatArray, FloatArray]:
    """Return where each step of a shape begins and ends, as fractions of its street; ``row`` numbers the streets."""
    total = np.asarray(np.bincount(row, weights=length)[row], np.float64)
    after = np.cumsum(length)
    first = np.flatnonzero(np.diff(row, prepend=-1))
    offset = np.repeat(after[first] - length[first], np.diff(first, append=len(row)))
    end = np.clip(_ratio(after - offset, total), 0.0, 1.0)
    last = np.flatnonzero(np.diff(row, append=-1))
    end[last] = 1.0
    begin = np.roll(end, 1)
    begin[first] = 0.0
    return begin, end


def _outlines(
    graph: RoutingGraph, table: BoundedTable, own: _OwnStreets, limits: IndexArray, *, cell_m: float, threads: int
) -> NDArray[np.object_]:
    """Draw every point of a bounded table for every limit; each thread takes a run of points."""
    count = len(table.start) - 1
    out = np.full((count, len(limits)), None, dtype=object)
    strip_units = graph.units_per_m * STRIP_M

    def run(points: IndexArray) -> None:
        scratch = np.full(graph.network.node_count, UNREACHED, np.int32)
        drawn: list[_Rings] = []
        places: list[tuple[int, int]] = []
        for point in points:
            rows = slice(table.start[point], table.start[point + 1])
            first = own.pieces[own.piece_start[point] : own.piece_start[point + 1]]
            for number, limit in enumerate(limits):
                pieces = _reached_pieces(graph, table.node[rows], table.cost[rows], first, int(limit), scratch)
                if len(pieces):
                    drawn.append(_contour(pieces, limit - strip_units, graph.units_per_m, cell_m=cell_m))
                    places.append((point, number))
        if drawn:
            shapes = shapely.simplify(_multipolygons(drawn), _SIMPLIFIED_CELLS * cell_m, preserve_topology=False)
            single = np.flatnonzero(shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON)
            shapes[single] = shapely.multipolygons(shapes[single], indices=np.arange(len(single)))
            out[tuple(np.array(places).T)] = shapes

    parts = np.array_split(np.arange(count), max(1, threads))
    in_parallel(lambda number: run(parts[number]), range(len(parts)), threads=threads)
    return out


def _reached_pieces(
    graph: RoutingGraph, node: IntArray, cost: IntArray, first: FloatArray, limit: int, scratch: IntArray
) -> FloatArray:
    """Return the stretches of street within the limit, beginning with those between the point and its first junctions."""
    within = cost <= limit
    street = graph.outward
    pieces = kernels.reached_segments(
        street.start, street.node, street.weight, graph.network.node_xy, node[within], cost[within], limit, scratch
    )
    own = first[first[:, 2] <= limit]
    share = np.where(own[:, 5] > limit, _ratio(limit - own[:, 2], own[:, 5] - own[:, 2]), 1.0)
    clipped = np.concatenate([own[:, :3], own[:, :3] + share[:, None] * (own[:, 3:] - own[:, :3])], axis=1)
    return np.concatenate([clipped, pieces])


def _contour(pieces: FloatArray, slack: float, units_per_m: float, *, cell_m: float) -> _Rings:
    """Draw a strip on both sides of stretches of street: 75 m, narrowing to the diagonal of a cell where the limit is used up.

    ``slack`` is the cost up to which a stretch carries its full strip. The costs are lowered by it, kept between zero and what
    leaves a diagonal, and spread to a lattice at the speed across open ground; the contour at the cost of a full strip is the
    outline. A diagonal holds all four corners of every cell that a stretch passes, so that no reached street lies outside.
    """
    ends = pieces[:, [0, 1, 3, 4]].reshape(-1, 2)
    margin = int(np.ceil(STRIP_M / cell_m)) + 1
    low = np.floor(ends.min(axis=0) / cell_m).astype(np.int64) - margin
    high = np.ceil(ends.max(axis=0) / cell_m).astype(np.int64) + margin
    narrowest = units_per_m * (STRIP_M - _DIAGONAL * cell_m)
    pieces = _cut_at(_cut_at(pieces, slack), slack + narrowest)
    pieces[:, [2, 5]] = np.clip(pieces[:, [2, 5]] - slack, 0.0, narrowest)
    grid = np.empty((high[1] - low[1] + 1, high[0] - low[0] + 1), np.float32)
    kernels.reach_grid(pieces, float(low[0] * cell_m), float(low[1] * cell_m), cell_m, units_per_m, grid)
    x, y = np.meshgrid(np.arange(low[0], high[0] + 1) * cell_m, np.arange(low[1], high[1] + 1) * cell_m)
    # The class itself: the function in front of it takes longer to check its arguments than the contour takes.
    contours = contourpy.SerialContourGenerator(
        x,
        y,
        grid.astype(np.float64),
        _NO_MASK,
        corner_mask=False,
        line_type=contourpy.LineType.Separate,
        fill_type=contourpy.FillType.ChunkCombinedOffsetOffset,
        quad_as_tri=False,
        z_interp=contourpy.ZInterp.Linear,
    )
    found: Any = contours.filled(-1.0, units_per_m * STRIP_M)
    (vertices,), (rings,), (polygons,) = found
    return vertices, rings, polygons


def _cut_at(pieces: FloatArray, cost: float) -> FloatArray:
    """Cut the stretches along which a cost is passed into what comes before and after."""
    passing = (pieces[:, 2] < cost) & (cost < pieces[:, 5])
    first, second = pieces[passing], pieces[passing]
    share = _ratio(cost - first[:, 2], first[:, 5] - first[:, 2])[:, None]
    middle = first[:, :3] + share * (first[:, 3:] - first[:, :3])
    first[:, 3:], second[:, :3] = middle, middle
    return np.concatenate([pieces[~passing], first, second])


def _multipolygons(drawn: list[_Rings]) -> NDArray[np.object_]:
    """Join outlines given as vertices, ring starts and polygon starts into one array of multipolygons."""
    ring_counts = np.array([len(rings) - 1 for _, rings, _ in drawn])
    polygon_counts = np.array([len(polygons) - 1 for _, _, polygons in drawn])
    vertex_counts = np.array([len(vertices) for vertices, _, _ in drawn])
    before = starts(vertex_counts), starts(ring_counts)
    rings = [rings[:-1] + first for (_, rings, _), first in zip(drawn, before[0], strict=False)]
    polygons = [polygons[:-1] + first for (_, _, polygons), first in zip(drawn, before[1], strict=False)]
    offsets = (
        np.concatenate([*rings, before[0][-1:]]),
        np.concatenate([*polygons, before[1][-1:]]),
        starts(polygon_counts),
    )
    vertices = np.concatenate([vertices for vertices, _, _ in drawn])
    return np.asarray(shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, vertices, offsets), dtype=object)


def _reached_lengths(graph: RoutingGraph, table: BoundedTable, own: _OwnStreets, limits: IndexArray) -> FloatArray:
    """Return (points, limits) [m] of street within each limit: of every street the share that is within it from either end."""
    network, street = graph.network, graph.outward
    length_m = network.length_dm / TENTHS
    share = np.zeros(network.segment_count)
    out = np.zeros((len(table.start) - 1, len(limits)))
    for point in range(len(out)):
        rows = slice(table.start[point], table.start[point + 1])
        node, cost = table.node[rows].astype(np.int64), table.cost[rows]
        counts = (street.start[node + 1] - street.start[node]).astype(np.int64)
        edge = ranges(street.start[node].astype(np.int64), counts)
        segment, weight = street.segment[edge], street.weight[edge]
        ahead = network.tail[segment] == np.repeat(node, counts)
        begins = np.repeat(cost, counts)
        for number, limit in enumerate(limits):
            part = np.clip(np.where(weight > 0, (limit - begins) / np.maximum(weight, 1), 1.0), 0.0, 1.0)
            part[begins > limit] = 0.0
            out[point, number] = _own_length(graph, own, point, int(limit), (segment, part, ahead))
            # Each direction meets a street once at most, so that both may be added into one array and taken out again.
            share[segment[ahead]] = part[ahead]
            share[segment[~ahead]] += part[~ahead]
            for way in (segment[ahead], segment[~ahead]):
                out[point, number] += np.minimum(share[way], 1.0) @ length_m[way]
                share[way] = 0.0
    return out


def _own_length(
    graph: RoutingGraph, own: _OwnStreets, point: int, limit: int, reached: tuple[IntArray, FloatArray, NDArray[np.bool_]]
) -> float:
    """Return the metres of a point's own streets that are reached from the point and not from either end."""
    segment, part, ahead = reached
    metres = 0.0
    for row in range(own.row_start[point], own.row_start[point + 1]):
        here, at, rest = own.segment[row], own.fraction[row], limit - own.connection[row]
        if rest < 0:
            continue
        from_tail = float(part[(segment == here) & ahead].sum())
        from_head = float(part[(segment == here) & ~ahead].sum())
        covered = 0.0
        for room, weight, near_end, far_end in (
            (at, graph.backward_weight[here], from_tail, from_head - (1 - at)),
            (1 - at, graph.forward_weight[here], from_head, from_tail - at),
        ):
            gone = 0.0 if weight < 0 else room if weight == 0 else min(room, rest / weight)
            covered += min(room, min(near_end, room) + max(gone, min(far_end, room)))
        metres += (covered - min(1.0, from_tail + from_head)) * float(graph.network.length_dm[here]) / TENTHS
    return metres
