"""Travel times: nearest of each class everywhere, and the bounded table from many places.

Everything runs on a `RoutingGraph` in whole units (deciseconds, or decimetres for metre terms). Points enter and leave the search
through their attachments; two points on one segment also meet directly along it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from yike import kernels
from yike.analysis.attachment import Attachment, attach, legs, outline_edges, pairs_by_value, ranges, starts
from yike.analysis.routing_graph import TENTHS, RoutingGraph, routing_graph
from yike.errors import Fault, InputError, UnknownName
from yike.model.edge_tables import figures, missing_columns, note_rows
from yike.model.network import StreetNetwork
from yike.model.profile import Profile, load_profiles

UNREACHED = int(kernels.UNREACHED)
NO_PLACE = -1
DEFAULT_THREADS = 2
_UNREACHED_KEY = np.int64(UNREACHED) << 32
_LABEL_MASK = np.int64((1 << 32) - 1)

IntArray = NDArray[np.int32]
IndexArray = NDArray[np.int64]
Barriers: TypeAlias = NDArray[np.object_] | Sequence[BaseGeometry] | pd.DataFrame


@dataclass(frozen=True, eq=False)
class Places:
    """Hold the entrances of places by class.

    attachment  of e entrances
    owner       (e,) the place of each entrance, 0 … q - 1
    class_no    (q,) the class of each place, 0 … class_count - 1
    """

    attachment: Attachment
    owner: IndexArray
    class_no: IndexArray
    class_count: int


@dataclass(frozen=True, eq=False)
class NearestTable:
    """Hold the nearest place of each class for each of p points.

    cost   (class_count, p) whole units; UNREACHED beyond the limit
    place  (class_count, p) the nearest place; among equally near ones the lowest number; -1 where unreached
    """

    cost: IntArray
    place: IntArray


def nearest_places(
    graph: RoutingGraph,
    places: Places,
    points: Attachment,
    *,
    limit: int,
    threads: int = DEFAULT_THREADS,
    on_class: Callable[[int], None] | None = None,
) -> NearestTable:
    """Find for every point the nearest place of every class, travelling from point to place.

    cost = connection + way along the streets + connection. ``limit`` in the graph's units, included. Classes run in parallel; the
    result does not depend on it.
    """
    node, cost, entrance = place_seeds(graph, places.attachment)
    owner = places.owner[entrance]
    class_of_seed = places.class_no[owner]
    out_legs = legs(graph, points)
    direct = _direct_keys(graph, points, places, limit=limit)
    shape = (places.class_count, points.point_count)
    table = NearestTable(np.full(shape, UNREACHED, np.int32), np.full(shape, NO_PLACE, np.int32))
    street = graph.inward
    tail = graph.network.tail[points.segment]
    head = graph.network.head[points.segment]
    inward = (street.start, street.node, street.weight)

    def run(number: int) -> None:
        chosen = class_of_seed == number
        keys = np.empty(graph.network.node_count, np.int64)
        kernels.nearest_seeds(*inward, node[chosen], cost[chosen], owner[chosen].astype(np.int32), limit, keys)
        rows = np.minimum(_via(keys, head, out_legs.to_head), _via(keys, tail, out_legs.to_tail))
        rows = np.minimum(rows, direct.get(number, _UNREACHED_KEY)) + (out_legs.connection.astype(np.int64) << 32)
        best = _least_of_each(rows, points)
        reached = (best >> 32) <= limit
        table.cost[number, reached] = (best[reached] >> 32).astype(np.int32)
        table.place[number, reached] = (best[reached] & _LABEL_MASK).astype(np.int32)
        if on_class is not None:
            on_class(number)

    in_parallel(run, range(places.class_count), threads=threads)
    return table


def in_parallel(run: Callable[[int], None], numbers: Sequence[int], *, threads: int) -> None:
    """Call ``run`` with each number on so many threads; the first error is raised."""
    if threads <= 1:
        for number in numbers:
            run(number)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(run, numbers):
            pass


def place_seeds(graph: RoutingGraph, attachment: Attachment) -> tuple[IntArray, IntArray, IndexArray]:
    """Return (node, cost, point) of the seeds for a search *towards* the points, run on the inward edges."""
    part = legs(graph, attachment)
    return _seeds(graph, attachment, part.connection, part.from_tail, part.from_head)


def origin_seeds(graph: RoutingGraph, attachment: Attachment) -> tuple[IntArray, IntArray, IndexArray]:
    """Return (node, cost, point) of the seeds for a search *away from* the points, run on the outward edges."""
    part = legs(graph, attachment)
    return _seeds(graph, attachment, part.connection, part.to_tail, part.to_head)


def _seeds(
    graph: RoutingGraph, attachment: Attachment, connection: IntArray, at_tail: IntArray, at_head: IntArray
) -> tuple[IntArray, IntArray, IndexArray]:
    node = np.stack([graph.network.tail[attachment.segment], graph.network.head[attachment.segment]], axis=1).ravel()
    cost = np.stack([at_tail, at_head], axis=1)
    open_ = (cost >= 0).ravel()
    total = (cost + connection[:, None]).ravel()
    point = np.repeat(attachment.point, 2)
    return node[open_], total[open_].astype(np.int32), point[open_]


def _via(keys: IndexArray, node: IntArray, leg: IntArray) -> IndexArray:
    """Return the key at a node plus the leg to it, unreached where the leg is closed."""
    at_node = keys[node]
    return np.where((leg >= 0) & (at_node < _UNREACHED_KEY), at_node + (leg.astype(np.int64) << 32), _UNREACHED_KEY)


def _least_of_each(rows: IndexArray, points: Attachment) -> IndexArray:
    best = np.full(points.point_count, _UNREACHED_KEY)
    connected = points.connected
    if connected.any():
        best[connected] = np.minimum.reduceat(rows, points.start[:-1][connected])
    return best


def along_segment(graph: RoutingGraph, points: Attachment, places: Attachment, rows: tuple[IndexArray, IndexArray]) -> IndexArray:
    """Return the cost between connections on one segment without passing its ends; UNREACHED where that way is closed."""
    here, there = rows
    out, into = legs(graph, points), legs(graph, places)
    ahead = points.fraction[here] <= places.fraction[there]
    behind = points.fraction[here] >= places.fraction[there]
    forward = into.from_tail[there].astype(np.int64) - (graph.forward_weight[points.segment[here]] - out.to_head[here])
    backward = out.to_tail[here].astype(np.int64) - (graph.backward_weight[places.segment[there]] - into.from_head[there])
    forward = np.where(ahead & (out.to_head[here] >= 0), forward, UNREACHED)
    backward = np.where(behind & (out.to_tail[here] >= 0), backward, UNREACHED)
    return np.minimum(forward, backward)


def _direct_keys(graph: RoutingGraph, points: Attachment, places: Places, *, limit: int) -> dict[int, IndexArray]:
    """Return, for each class that shares a segment with a point, the least direct key of each connection row."""
    here, there = pairs_by_value(points.segment, places.attachment.segment)
    if not len(here):
        return {}
    entrance = places.attachment
    cost = along_segment(graph, points, entrance, (here, there)) + legs(graph, entrance).connection[there]
    owner = places.owner[entrance.point[there]]
    keep = cost <= limit
    keys = (cost[keep].astype(np.int64) << 32) | owner[keep]
    number, here = places.class_no[owner[keep]], here[keep]
    found: dict[int, IndexArray] = {}
    for value in np.unique(number):
        rows = np.full(len(points.segment), _UNREACHED_KEY)
        np.minimum.at(rows, here[number == value], keys[number == value])
        found[int(value)] = rows
    return found


@dataclass(frozen=True, eq=False)
class BoundedTable:
    """Hold for each of s sources the nodes within its limit: source i owns start[i]:start[i + 1], nodes ascending."""

    start: IndexArray
    node: IntArray
    cost: IntArray


def bounded_times(
    graph: RoutingGraph,
    sources: Attachment,
    *,
    limit: int,
    towards: bool = False,
    threads: int = DEFAULT_THREADS,
) -> BoundedTable:
    """Find every node within ``limit`` of each source, from it or, with ``towards``, to it (one column per place)."""
    node, cost, point = (place_seeds if towards else origin_seeds)(graph, sources)
    street = graph.inward if towards else graph.outward
    first_node = np.full(sources.point_count, graph.network.node_count, np.int64)
    np.minimum.at(first_node, point, node)
    order = np.argsort(first_node, kind="stable")  # neighbours one after the other, so that their streets stay in the cache
    counts = np.bincount(point, minlength=sources.point_count)
    seed_rows = ranges(starts(counts)[:-1][order], counts[order])
    node, cost = node[seed_rows], cost[seed_rows]
    seed_start = starts(counts[order])
    pieces = np.linspace(0, len(order), max(1, threads) + 1).astype(np.int64)
    results: dict[int, tuple[IndexArray, IntArray, IntArray]] = {}

    def run(piece: int) -> None:
        low, high = pieces[piece], pieces[piece + 1]
        own = seed_start[low : high + 1]
        results[piece] = kernels.bounded_reach(
            street.start,
            street.node,
            street.weight,
            own - own[0],
            node[own[0] : own[-1]],
            cost[own[0] : own[-1]],
            limit,
        )

    in_parallel(run, range(len(pieces) - 1), threads=threads)
    return _in_source_order([results[piece] for piece in range(len(pieces) - 1)], order)


def _in_source_order(results: list[tuple[IndexArray, IntArray, IntArray]], order: IndexArray) -> BoundedTable:
    counts = np.concatenate([np.diff(start) for start, _, _ in results])
    node = np.concatenate([found for _, found, _ in results])
    cost = np.concatenate([found for _, _, found in results])
    if np.array_equal(order, np.arange(len(order))):
        return BoundedTable(starts(counts), node, cost)
    position = np.argsort(order, kind="stable")
    rows = ranges(starts(counts)[:-1][position], counts[position])
    return BoundedTable(starts(counts[position]), node[rows], cost[rows])


def point_to_point(
    graph: RoutingGraph, origins: Attachment, destinations: Attachment, *, limit: int, threads: int = DEFAULT_THREADS
) -> tuple[IndexArray, IndexArray, IntArray]:
    """Return (origin, destination, cost) of all pairs within ``limit``, sorted by origin and destination."""
    table = bounded_times(graph, origins, limit=limit, threads=threads)
    node, cost, point = place_seeds(graph, destinations)
    order = np.argsort(node, kind="stable")
    node, cost, point = node[order], cost[order], point[order]
    origin = np.repeat(np.arange(origins.point_count), np.diff(table.start))
    low = np.searchsorted(node, table.node, side="left")
    counts = np.searchsorted(node, table.node, side="right") - low
    rows = ranges(low, counts)
    total = np.repeat(table.cost.astype(np.int64), counts) + cost[rows]
    from_, to = np.repeat(origin, counts), point[rows]
    here, there = pairs_by_value(origins.segment, destinations.segment)
    direct = (
        along_segment(graph, origins, destinations, (here, there))
        + legs(graph, origins).connection[here]
        + legs(graph, destinations).connection[there]
    )
    from_ = np.concatenate([from_, origins.point[here]])
    to = np.concatenate([to, destinations.point[there]])
    total = np.concatenate([total, direct])
    keep = total <= limit
    from_, to, total = from_[keep], to[keep], total[keep]
    order = np.lexsort((total, to, from_))
    from_, to, total = from_[order], to[order], total[order]
    first = np.ones(len(from_), np.bool_)
    first[1:] = (from_[1:] != from_[:-1]) | (to[1:] != to[:-1])
    return from_[first], to[first], total[first].astype(np.int32)


def nearest_times(
    network: StreetNetwork,
    points: pd.DataFrame,
    *,
    by: str,
    limit_s: float,
    profile: str = "adult",
    barriers: Barriers | None = None,
    threads: int = 2,
) -> pd.DataFrame:
    """Return for every node the seconds to the nearest point of each class.

    ``points``: columns ``x``, ``y`` [m] and the class column ``by``. ``barriers``: lines in the network's system, or a table with
    such a ``geometry`` column (`City.barriers`), that no connection between a point and its street may cross. The result has one
    row a node (index ``node_id``, the network's order) and one column of seconds [s] a class, empty where none is within
    ``limit_s``. Raises UnknownName for an unknown profile, InputError where the network is not the profile's and with every fault
    of the tables and the limit.
    """
    graph = routing_graph(network, chosen_profile(profile))
    faults: list[Fault] = []
    limit, walls = _limit(limit_s, faults), _walls(barriers, faults)
    (xy,) = _coordinates({"points": points}, faults, by=by)
    classes = sorted(points[by].unique(), key=str)
    attachment = attach(network, xy, limit_m=graph.connection_limit_m, barriers=walls, usable=graph.passable)
    node, cost, entrance = place_seeds(graph, attachment)
    number = points[by].map({name: number for number, name in enumerate(classes)}).to_numpy(np.int64)[entrance]
    seconds = np.empty((len(classes), network.node_count))
    street = graph.inward

    def run(class_no: int) -> None:
        chosen = number == class_no
        out = np.empty(network.node_count, np.int32)
        kernels.nearest_times(street.start, street.node, street.weight, node[chosen], cost[chosen], limit, out)
        seconds[class_no] = np.where(out < UNREACHED, out / TENTHS, np.nan)

    in_parallel(run, range(len(classes)), threads=threads)
    return pd.DataFrame(seconds.T, index=pd.Index(network.node_id, name="node_id"), columns=pd.Index(classes, name=by))


def travel_times(
    network: StreetNetwork,
    origins: pd.DataFrame,
    destinations: pd.DataFrame,
    *,
    limit_s: float,
    profile: str = "adult",
    barriers: Barriers | None = None,
    threads: int = 2,
) -> pd.DataFrame:
    """Return the sparse table of seconds between two tables of points with columns ``x``, ``y`` [m].

    ``barriers`` as for `nearest_times`. One row a pair within ``limit_s``: ``origin``, ``destination`` (labels of the tables'
    indexes) and ``time_s`` [s]. Raises UnknownName for an unknown profile, InputError where the network is not the profile's and
    with every fault of the tables and the limit.
    """
    graph = routing_graph(network, chosen_profile(profile))
    faults: list[Fault] = []
    limit, walls = _limit(limit_s, faults), _walls(barriers, faults)
    first, second = (
        attach(network, xy, limit_m=graph.connection_limit_m, barriers=walls, usable=graph.passable)
        for xy in _coordinates({"origins": origins, "destinations": destinations}, faults)
    )
    from_, to, cost = point_to_point(graph, first, second, limit=limit, threads=threads)
    return pd.DataFrame(
        {
            "origin": origins.index.to_numpy()[from_],
            "destination": destinations.index.to_numpy()[to],
            "time_s": cost / TENTHS,
        }
    )


def chosen_profile(name: str) -> Profile:
    """Return a travel profile of the package by its id, or raise UnknownName."""
    profiles = load_profiles()
    if name not in profiles:
        values = {"thing": "profile", "name": name, "known": ", ".join(sorted(profiles))}
        raise UnknownName([Fault("name.unknown", "profiles.yaml", field="profile", values=values)])
    return profiles[name]


def _limit(limit_s: float, faults: list[Fault]) -> int:
    """Return the limit in deciseconds."""
    if np.issubdtype(np.asarray(limit_s).dtype, np.number) and 0 <= float(limit_s) * TENTHS < UNREACHED:
        return int(np.floor(limit_s * TENTHS))
    values = {"value": limit_s, "most": UNREACHED // TENTHS}
    faults.append(Fault("limit.out_of_range", "limit_s", values=values))
    return 0


def _walls(barriers: Barriers | None, faults: list[Fault]) -> NDArray[np.object_] | None:
    """Return barriers as shapely lines; an area stands for its edge."""
    if isinstance(barriers, pd.DataFrame):
        missing = missing_columns(barriers, ("geometry",), "barriers")
        faults += missing
        barriers = None if missing else barriers["geometry"].to_numpy(object)
    if barriers is None:
        return None
    shapes = np.empty(len(barriers), object)
    shapes[:] = list(barriers)
    shapes[~np.asarray(shapely.is_geometry(shapes), np.bool_)] = None
    bad = np.asarray(shapely.get_dimensions(shapes) < 1, np.bool_)
    note_rows(faults, bad, "barriers.not_a_line", "barriers", "geometry")
    return None if bad.any() else outline_edges(shapes)


def _coordinates(tables: Mapping[str, pd.DataFrame], faults: list[Fault], by: str | None = None) -> list[NDArray[np.float64]]:
    """Return (p, 2) coordinates of each table, or raise all faults: those known before, and those of the tables."""
    wanted = ("x", "y") if by is None else ("x", "y", by)
    found = []
    for name, table in tables.items():
        missing = missing_columns(table, wanted, name)
        faults += missing
        if not missing:
            found.append(np.stack([figures(table, axis, name, faults) for axis in ("x", "y")], axis=1))
            if by is not None:
                empty = table[by].isna() | (table[by].astype(object).map(str).str.strip() == "")
                note_rows(faults, empty.to_numpy(np.bool_), "table.empty_cell", name, by)
    if faults:
        raise InputError(faults)
    return found
