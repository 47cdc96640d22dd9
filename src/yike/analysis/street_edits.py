"""Street edits: links added and streets closed without disturbing anything else.

Adding never renumbers: nodes and segments keep their positions, new ones stand behind them. A link that begins in the middle of a
street meets it at a new node, which stretches running beside the street join to its ends; the street itself stays, so no existing
way changes. A point never leaves its street because of a link: it keeps its connections and may gain one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from yike.analysis.attachment import (
    Attachment,
    Geometries,
    attach_geometries,
    connectors,
    cut_off,
    fractions,
    outline_edges,
    starts,
    with_stretches,
)
from yike.errors import Fault, InputError
from yike.model.network import DECIMETRES_PER_METRE, NOT_GIVEN, SEGMENT_KINDS, StreetNetwork, Stretches

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
_COLUMNS = ("segment_id", "tail", "head", "length_dm", "kind", "signal_halves", "crossing_halves", "fixed_ds")
_FLAGS = ("forward", "backward", "attachable")


@dataclass(frozen=True)
class StreetPlace:
    """Name a place on a street: the position of its segment and the fraction of its length from the tail (0 and 1 are nodes)."""

    segment: int
    fraction: float


@dataclass(frozen=True)
class Link:
    """Hold one new link between two places on streets: a street, a gate, a crossing, a footbridge.

    length_m         [m] along the link; None: the length of its shape
    shape            the link as a line from begin to end; None: straight
    signal_halves, crossing_halves  half waits met along it, as in `StreetNetwork`
    attachable       may points connect to it (not on a bridge or in a tunnel)
    """

    link_id: int
    begin: StreetPlace
    end: StreetPlace
    length_m: float | None = None
    kind: str = "link"
    signal_halves: int = 0
    crossing_halves: int = 0
    oneway: bool = False
    attachable: bool = True
    shape: shapely.LineString | None = None


def street_place(network: StreetNetwork, xy: FloatArray, *, limit_m: float) -> list[StreetPlace | None]:
    """Name the place on the streets nearest to each (p, 2) point [m]; None beyond the limit."""
    found = attach_geometries(network, np.asarray(shapely.points(xy), dtype=object), limit_m=limit_m)
    return [
        StreetPlace(int(found.segment[row]), float(found.fraction[row])) if connected else None
        for row, connected in zip(found.start[:-1], found.connected, strict=True)
    ]


def add_links(network: StreetNetwork, links: Sequence[Link]) -> StreetNetwork:
    """Return the network with links added behind what it has: first the stretches that they need, then the links in their order.

    Raises InputError naming each link that begins or ends nowhere, has a negative length or an unknown kind.
    """
    _check_links(network, links)
    if not links:
        return network
    places = [_whole_place(network, end) for link in links for end in (link.begin, link.end)]
    node_at, new_xy = _nodes_at(network, places)
    stretches = _missing_stretches(network, node_at)
    added = [_stretch_row(network, node_at, *run) for run in stretches]
    ends = [node_at[place] for place in places]
    node_xy = np.concatenate([network.node_xy, new_xy])
    added += [_link_row(link, node_xy, *pair) for link, *pair in zip(links, ends[::2], ends[1::2], strict=True)]
    return _appended(network, new_xy, added, stretches)


def close_segments(network: StreetNetwork, segments: Iterable[int]) -> StreetNetwork:
    """Return the network with these segments closed in both directions, together with their stretches; all numbers stay."""
    closed = np.zeros(network.segment_count, np.bool_)
    closed[np.asarray([_whole_place(network, StreetPlace(int(s), 0.0))[0] for s in segments], np.int64)] = True
    if network.stretches is not None:
        closed[network.stretches.segment] |= closed[network.stretches.whole]
    return replace(network, forward=network.forward & ~closed, backward=network.backward & ~closed)


def extend_attachment(
    attachment: Attachment,
    network: StreetNetwork,
    places: Geometries,
    *,
    new_segments: IndexArray,
    limit_m: float,
    barriers: Geometries | None = None,
) -> Attachment:
    """Keep every connection of (p,) places and add one to each new segment that lies nearer than a place's own street.

    ``network`` is the edited one, ``new_segments`` the positions of its links. A place without a connection gains one to each new
    segment within ``limit_m`` that no barrier cuts off. A connection on a street that a link divided is repeated on its
    stretches.
    """
    kept = with_stretches(network, attachment)
    segments = np.asarray(new_segments, np.int64)
    segments = segments[network.attachable[segments] & (network.forward | network.backward)[segments]]
    shapes = network.shapes(segments)
    edges = outline_edges(places)
    place, shape = shapely.STRtree(shapes).query(edges, predicate="dwithin", distance=limit_m)
    lines = connectors(edges[place], shapes[shape])
    metres = np.asarray(shapely.length(lines), np.float64)
    own = np.full(attachment.point_count, np.inf)
    own[attachment.connected] = attachment.connection_m[attachment.start[:-1][attachment.connected]]
    gained = metres < own[place]
    if barriers is not None and len(barriers):
        gained &= ~cut_off(lines, shapely.STRtree(barriers))
    place, shape, metres = place[gained], shape[gained], metres[gained]
    at = fractions(shapes[shape], lines[gained])
    return _first_of_each_pair(
        np.concatenate([kept.point, place]),
        np.concatenate([kept.segment, segments[shape]]),
        np.concatenate([kept.fraction, at]),
        np.concatenate([kept.connection_m, metres]),
        point_count=attachment.point_count,
    )


def reattach_closed(
    attachment: Attachment,
    network: StreetNetwork,
    places: Geometries,
    *,
    limit_m: float,
    barriers: Geometries | None = None,
    usable: NDArray[np.bool_] | None = None,
) -> Attachment:
    """Connect anew only the places whose own street, that of their first connection, is closed; the rest keep theirs.

    Connections gained on links that are closed are dropped.
    """
    open_ = (network.forward | network.backward)[attachment.segment]
    connected = np.flatnonzero(attachment.connected)
    lost = connected[~open_[attachment.start[:-1][connected]]]
    fresh = attach_geometries(network, places[lost], limit_m=limit_m, barriers=barriers, usable=usable)
    return _first_of_each_pair(
        np.concatenate([lost[fresh.point], attachment.point[open_]]),
        np.concatenate([fresh.segment, attachment.segment[open_]]),
        np.concatenate([fresh.fraction, attachment.fraction[open_]]),
        np.concatenate([fresh.connection_m, attachment.connection_m[open_]]),
        point_count=attachment.point_count,
    )


def _first_of_each_pair(
    point: IndexArray, segment: IndexArray, fraction: FloatArray, metres: FloatArray, *, point_count: int
) -> Attachment:
    """Gather rows by point, keeping their order within it and the first connection to each segment."""
    order = np.lexsort((np.arange(len(point)), segment, point))
    repeated = np.zeros(len(point), np.bool_)
    same = (point[order][1:] == point[order][:-1]) & (segment[order][1:] == segment[order][:-1])
    repeated[order[1:][same]] = True
    rows = np.flatnonzero(~repeated)
    rows = rows[np.argsort(point[rows], kind="stable")]
    counts = np.bincount(point[rows], minlength=point_count).astype(np.int64)
    return Attachment(starts(counts), segment[rows], fraction[rows], metres[rows])


def _check_links(network: StreetNetwork, links: Sequence[Link]) -> None:
    faults = []
    for row, link in enumerate(links, start=1):
        for name, end in (("begin", link.begin), ("end", link.end)):
            if not 0 <= end.segment < network.segment_count:
                faults.append(Fault("edits.unknown_segment", "links", row, name, {"segment": end.segment}))
            if not 0 <= end.fraction <= 1:
                faults.append(Fault("edits.bad_fraction", "links", row, name, {"fraction": end.fraction}))
        if link.length_m is not None and not link.length_m >= 0:
            faults.append(Fault("edges.negative", "links", row, "length_m", {"value": link.length_m}))
        if link.kind not in SEGMENT_KINDS:
            values = {"kind": link.kind, "known": ", ".join(SEGMENT_KINDS)}
            faults.append(Fault("edits.unknown_kind", "links", row, "kind", values))
    if faults:
        raise InputError(faults)


def _whole_place(network: StreetNetwork, place: StreetPlace) -> tuple[int, float]:
    """Return the place on the whole street: fractions of a stretch already are those of its whole."""
    parts = network.stretches
    if parts is not None:
        found = np.flatnonzero(parts.segment == place.segment)
        if len(found):
            return int(parts.whole[found[0]]), place.fraction
    return place.segment, place.fraction


def _nodes_at(network: StreetNetwork, places: Sequence[tuple[int, float]]) -> tuple[dict[tuple[int, float], int], FloatArray]:
    """Return the node at each place, with every cut that the touched streets have, and the coordinates of the new nodes."""
    node_at: dict[tuple[int, float], int] = {}
    for segment in {segment for segment, _ in places}:
        node_at[segment, 0.0] = int(network.tail[segment])
        node_at[segment, 1.0] = int(network.head[segment])
        for part, begin, end in _stretches_of(network, segment):
            node_at[segment, begin] = int(network.tail[part])
            node_at[segment, end] = int(network.head[part])
    new = [place for place in dict.fromkeys(places) if place not in node_at]
    shapes = network.shapes(np.array([segment for segment, _ in new], np.int64))
    points = shapely.line_interpolate_point(shapes, [fraction for _, fraction in new], normalized=True)
    for number, place in enumerate(new):
        node_at[place] = network.node_count + number
    return node_at, shapely.get_coordinates(points).reshape(-1, 2)


def _stretches_of(network: StreetNetwork, segment: int) -> list[tuple[int, float, float]]:
    parts = network.stretches
    if parts is None:
        return []
    rows = np.flatnonzero(parts.whole == segment)
    return [(int(parts.segment[row]), float(parts.begin[row]), float(parts.end[row])) for row in rows]


def _missing_stretches(network: StreetNetwork, node_at: dict[tuple[int, float], int]) -> list[tuple[int, float, float]]:
    """Return (street, begin, end) of the stretches between neighbouring cuts that the network does not have yet."""
    cuts: dict[int, list[float]] = {}
    for segment, fraction in sorted(node_at):
        cuts.setdefault(segment, []).append(fraction)
    missing = []
    for segment, ordered in cuts.items():
        known = {(begin, end) for _, begin, end in _stretches_of(network, segment)}
        runs = pairwise(ordered) if len(ordered) > 2 else ()
        missing += [(segment, begin, end) for begin, end in runs if (begin, end) not in known]
    return missing


def _stretch_row(
    network: StreetNetwork, node_at: dict[tuple[int, float], int], segment: int, begin: float, end: float
) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(network, name)[segment] for name in (*_COLUMNS, *_FLAGS)}
    length = int(network.length_dm[segment])
    stretch = substring(network.shapes(np.array([segment]))[0], begin, end, normalized=True)
    return row | {
        "tail": node_at[segment, begin],
        "head": node_at[segment, end],
        "length_dm": round(length * end) - round(length * begin),
        "attachable": False,
        "shape": shapely.get_coordinates(stretch if stretch.length else shapely.LineString([stretch.coords[0]] * 2)),
    }


def _link_row(link: Link, node_xy: FloatArray, tail: int, head: int) -> dict[str, object]:
    shape = node_xy[[tail, head]] if link.shape is None else shapely.get_coordinates(link.shape)
    length_m = float(np.hypot(*np.diff(shape, axis=0).T).sum()) if link.length_m is None else link.length_m
    return {
        "segment_id": link.link_id,
        "tail": tail,
        "head": head,
        "length_dm": round(length_m * DECIMETRES_PER_METRE),
        "kind": SEGMENT_KINDS.index(link.kind),
        "signal_halves": link.signal_halves,
        "crossing_halves": link.crossing_halves,
        "fixed_ds": NOT_GIVEN,
        "forward": True,
        "backward": not link.oneway,
        "attachable": link.attachable,
        "shape": shape,
    }


def _appended(
    network: StreetNetwork,
    new_xy: FloatArray,
    added: Sequence[dict[str, object]],
    runs: Sequence[tuple[int, float, float]],
) -> StreetNetwork:
    columns = {}
    for name in (*_COLUMNS, *_FLAGS):
        old = getattr(network, name)
        columns[name] = np.concatenate([old, np.asarray([row[name] for row in added]).astype(old.dtype)])
    shapes = [np.asarray(row["shape"], np.float64) for row in added]
    ends = network.shape_start[-1] + np.cumsum([len(shape) for shape in shapes])
    first_id = int(network.node_id.max()) + 1
    return replace(
        network,
        node_id=np.concatenate([network.node_id, first_id + np.arange(len(new_xy), dtype=np.int64)]),
        node_xy=np.ascontiguousarray(np.concatenate([network.node_xy, new_xy])),
        shape_start=np.concatenate([network.shape_start, ends]).astype(np.int64),
        shape_xy=np.concatenate([network.shape_xy, *shapes]),
        stretches=_with_runs(network, runs),
        **columns,  # type: ignore[arg-type]
    )


def _with_runs(network: StreetNetwork, runs: Sequence[tuple[int, float, float]]) -> Stretches | None:
    if not runs:
        return network.stretches
    segment = network.segment_count + np.arange(len(runs), dtype=np.int64)
    whole = np.array([run[0] for run in runs], np.int64)
    begin, end = (np.array([run[k] for run in runs], np.float64) for k in (1, 2))
    old = network.stretches
    if old is None:
        return Stretches(segment, whole, begin, end)
    return Stretches(
        np.concatenate([old.segment, segment]),
        np.concatenate([old.whole, whole]),
        np.concatenate([old.begin, begin]),
        np.concatenate([old.end, end]),
    )
