"""Streets of OpenStreetMap: pieces of ways joined to segments between junctions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from yike.errors import Fault, InputError, UnknownName
from yike.model.network import DECIMETRES_PER_METRE, StreetNetwork, check_metric_crs
from yike.sources.osm.pieces import Bools, Floats, Ints, Pieces, Points, UsedWay, cut_pieces, lay_out, used_ways
from yike.sources.osm.reading import OsmData
from yike.sources.osm.rules import mapping
from yike.sources.osm.waits import WAIT, WaitNodes, wait_nodes

MODES = ("walk", "walk_step_free", "cycle")
_MOST_HALVES = 255
_NORTH, _SOUTH = 32600, 32700


def street_network(data: OsmData, *, mode: str, crs: str | None = None) -> StreetNetwork:
    """Build the street network of a mode (walk, walk_step_free, cycle).

    Nodes are junctions, ends, and places where one waits; streets that only touch in the drawing are not joined. Chains of
    one kind, with the same directions and attachability, are one segment with the id of its first way. Rings become two
    segments. Lengths are geodesic. ``crs`` is metric; by default the UTM zone of the streets' centre. Raises InputError
    where no way serves the mode, UnknownName for another mode.
    """
    if mode not in MODES:
        raise UnknownName([Fault("name.unknown", data.file, values={"thing": "mode", "name": mode, "known": ", ".join(MODES)})])
    used = used_ways(data, mode)
    if not used:
        raise InputError([Fault("osm.no_streets", data.file, values={"mode": mode, "ways": len(data.ways)})])
    crs = crs or utm_zone(data)
    check_metric_crs(crs, "crs")
    points = lay_out(used, crs)
    waits = wait_nodes(data.nodes, data.ways)
    pieces, node_id = cut_pieces(used, points, data=data, mode=mode, waits=waits)
    pieces = _wait_at_ends(pieces, node_id, waits)
    chains = _chains(pieces, fixed=_waiting(pieces, node_id, waits))
    segments = _segments(chains, pieces, points, used=used)
    segments += _second_halves(segments)
    return _network(segments, node_id, points, waits=waits, mode=mode, crs=crs)


def utm_zone(data: OsmData) -> str:
    """Return the UTM zone (EPSG code) of the middle of the box around all ways of the file."""
    lonlat = np.concatenate([way.lonlat for way in data.ways])
    lon, lat = (lonlat.min(axis=0) + lonlat.max(axis=0)) / 2
    zone = min(int((lon + 180) // 6) + 1, 60)
    return f"EPSG:{(_NORTH if lat >= 0 else _SOUTH) + zone}"


def _wait_at_ends(pieces: Pieces, node_id: Ints, waits: WaitNodes) -> Pieces:
    """Add half a wait at each end of a walkers' way on a crossing node without a crossing way (rule 2 of waits)."""
    halves = pieces.waits.copy()
    for ends in (pieces.tail, pieces.head):
        for row in np.flatnonzero(~pieces.road & np.isin(node_id[ends], list(waits.meeting))):
            halves[row, WAIT[waits.meeting[int(node_id[ends[row]])]]] += 1
    return Pieces(**{**vars(pieces), "waits": halves})


def _waiting(pieces: Pieces, node_id: Ints, waits: WaitNodes) -> Bools:
    """Tell at which nodes somebody waits: signal junctions, and crossings where a walkers' way ends."""
    walked = np.zeros(len(node_id), bool)
    walked[pieces.tail[~pieces.road]] = True
    walked[pieces.head[~pieces.road]] = True
    return np.isin(node_id, list(waits.junction)) | (walked & np.isin(node_id, list(waits.meeting)))


Chain = list[tuple[int, bool]]


def _chains(pieces: Pieces, *, fixed: Bools) -> list[Chain]:
    """Join pieces at nodes where exactly two meet and nothing changes; each chain lists (piece, reversed)."""
    partner = _partners(pieces, fixed=fixed)
    done = np.zeros(len(pieces.first), bool)
    chains: list[Chain] = []
    # Chains with an end come first, then what is left: rings in which every node joins two equal pieces.
    starts = [end for end in range(2 * len(done)) if partner[end] < 0] + list(range(0, 2 * len(done), 2))
    for start in starts:
        chain: Chain = []
        end = start
        while end >= 0 and not done[end // 2]:
            piece, backwards = divmod(end, 2)
            done[piece] = True
            chain.append((piece, bool(backwards)))
            end = int(partner[end ^ 1])
        if chain:
            chains.append(chain)
    return chains


def _partners(pieces: Pieces, *, fixed: Bools) -> Ints:
    """Return for each end (2 × piece + 1 at the head) the end it is joined to, or -1."""
    nodes = np.stack([pieces.tail, pieces.head], axis=1).ravel()
    leave = np.stack([pieces.backward, pieces.forward], axis=1).ravel()
    enter = np.stack([pieces.forward, pieces.backward], axis=1).ravel()
    order = np.argsort(nodes, kind="stable")
    degree = np.bincount(nodes, minlength=len(fixed))
    first = order[(np.cumsum(degree) - degree)[(degree == 2) & ~fixed]]
    second = order[(np.cumsum(degree) - degree)[(degree == 2) & ~fixed] + 1]
    one, other = first // 2, second // 2
    equal = (one != other) & (pieces.kind[one] == pieces.kind[other]) & (pieces.attachable[one] == pieces.attachable[other])
    equal &= (leave[first] == enter[second]) & (enter[first] == leave[second]) & (pieces.road[one] == pieces.road[other])
    partner = np.full(len(nodes), -1, np.int64)
    partner[first[equal]], partner[second[equal]] = second[equal], first[equal]
    return partner


@dataclass
class _Segment:
    """Hold one segment while it is made: vertices as positions in Points, metres along them, and the attributes of its pieces."""

    vertices: Ints
    along_m: Floats
    tail: int
    head: int
    way_id: int
    kind: int
    forward: bool
    backward: bool
    attachable: bool
    road: bool
    waits: Ints


def _segments(chains: Sequence[Chain], pieces: Pieces, points: Points, *, used: Sequence[UsedWay]) -> list[_Segment]:
    return [_segment(chain, pieces, points, used) for chain in chains]


def _segment(chain: Chain, pieces: Pieces, points: Points, used: Sequence[UsedWay]) -> _Segment:
    vertices: list[Ints] = []
    along: list[Floats] = []
    total = 0.0
    for number, (piece, backwards) in enumerate(chain):
        part = np.arange(pieces.first[piece], pieces.last[piece] + 1)
        metres = points.along_m[part] - points.along_m[part[0]]
        if backwards:
            part, metres = part[::-1], (metres[-1] - metres)[::-1]
        vertices.append(part[number > 0 :])
        along.append(metres[number > 0 :] + total)
        total += float(metres[-1])
    (first, turned), (last, last_turned) = chain[0], chain[-1]
    rows = [piece for piece, _ in chain]
    segment = _Segment(
        vertices=np.concatenate(vertices),
        along_m=np.concatenate(along),
        tail=int(pieces.head[first] if turned else pieces.tail[first]),
        head=int(pieces.tail[last] if last_turned else pieces.head[last]),
        way_id=min(used[way][0].id for way in pieces.way[rows]),
        kind=int(pieces.kind[first]),
        forward=bool(pieces.backward[first] if turned else pieces.forward[first]),
        backward=bool(pieces.forward[first] if turned else pieces.backward[first]),
        attachable=bool(pieces.attachable[first]),
        road=bool(pieces.road[first]),
        waits=pieces.waits[rows].sum(axis=0),
    )
    return _turn(segment) if segment.backward and not segment.forward else segment


def _turn(segment: _Segment) -> _Segment:
    """Turn a one-way segment so that it runs from tail to head."""
    segment.vertices = segment.vertices[::-1]
    segment.along_m = (segment.along_m[-1] - segment.along_m)[::-1]
    segment.tail, segment.head = segment.head, segment.tail
    segment.forward, segment.backward = segment.backward, segment.forward
    return segment


def _second_halves(segments: list[_Segment]) -> list[_Segment]:
    """Cut each ring at the vertex nearest to its middle, shorten it to its first half and return the second halves.

    The new node's index is written as minus one minus the vertex; `_network` gives it a place.
    """
    second: list[_Segment] = []
    for segment in segments:
        if segment.tail != segment.head:
            continue
        middle = int(np.argmin(np.abs(segment.along_m[1:-1] - segment.along_m[-1] / 2))) + 1
        node = -1 - int(segment.vertices[middle])
        rest = _Segment(**vars(segment))
        rest.vertices, rest.along_m = segment.vertices[middle:], segment.along_m[middle:] - segment.along_m[middle]
        rest.tail, rest.waits = node, segment.waits // 2
        segment.vertices, segment.along_m = segment.vertices[: middle + 1], segment.along_m[: middle + 1]
        segment.head, segment.waits = node, segment.waits - rest.waits
        second.append(rest)
    return second


def _network(segments: list[_Segment], node_id: Ints, points: Points, *, waits: WaitNodes, mode: str, crs: str) -> StreetNetwork:
    ids = node_id.tolist()
    xy = np.full((len(ids), 2), np.nan)
    for segment in segments:
        for end, vertex in (("tail", segment.vertices[0]), ("head", segment.vertices[-1])):
            if getattr(segment, end) < 0:
                setattr(segment, end, int(points.node[-1 - getattr(segment, end)]))
            xy[getattr(segment, end)] = points.xy[vertex]
    tail = np.array([segment.tail for segment in segments])
    head = np.array([segment.head for segment in segments])
    known = np.unique(np.concatenate([tail, head]))
    length_m = np.array([segment.along_m[-1] for segment in segments])
    road = np.array([segment.road for segment in segments])
    halves = np.stack([segment.waits for segment in segments])
    signals = halves[:, WAIT["signal"]] + _junction_halves(tail, head, road=road, length_m=length_m, node_id=node_id, waits=waits)
    tail, head = np.searchsorted(known, tail), np.searchsorted(known, head)
    vertices = np.concatenate([segment.vertices for segment in segments])
    counts = [len(segment.vertices) for segment in segments]
    attachable = np.array([segment.attachable for segment in segments])
    table = pd.DataFrame(
        {
            "segment_id": [segment.way_id for segment in segments],
            "tail": tail,
            "head": head,
            "length_dm": np.maximum(1, np.rint(length_m * DECIMETRES_PER_METRE)).astype(np.int64),
            "kind": [segment.kind for segment in segments],
            "signal_halves": np.minimum(signals, _MOST_HALVES),
            "crossing_halves": np.minimum(halves[:, WAIT["crossing"]], _MOST_HALVES),
            "forward": [segment.forward for segment in segments],
            "backward": [segment.backward for segment in segments],
            "attachable": attachable & ~_islands(tail, head, length_m),
            "geometry": shapely.linestrings(points.xy[vertices], indices=np.repeat(np.arange(len(counts)), counts)),
        }
    )
    nodes = pd.DataFrame({"node_id": np.array(ids)[known], "x": xy[known, 0], "y": xy[known, 1]})
    return StreetNetwork.from_tables(nodes, table, mode=mode, crs=crs)


def _junction_halves(tail: Ints, head: Ints, *, road: Bools, length_m: Floats, node_id: Ints, waits: WaitNodes) -> Ints:
    """Return half a signal wait for each end of a carriageway at a signal junction without walkers' ways (rule 3 of waits)."""
    signal = np.isin(node_id, list(waits.junction))
    signal[tail[~road]] = False
    signal[head[~road]] = False
    inside = signal[tail] & signal[head] & (length_m <= mapping("osm-streets")["junction_inside_m"])
    return np.where(road & ~inside, signal[tail].astype(np.int64) + signal[head], 0)


def _islands(tail: Ints, head: Ints, length_m: Floats) -> Bools:
    """Tell which segments belong to a left-over of drawing: a short piece joined to nothing, and not the longest of all."""
    count = int(max(tail.max(), head.max())) + 1
    _, label = connected_components(coo_array((np.ones(len(tail)), (tail, head)), shape=(count, count)), directed=False)
    total = np.bincount(label[tail], weights=length_m, minlength=label.max() + 1)
    island = total < mapping("osm-streets")["island_m"]
    island[np.argmax(total)] = False
    return np.asarray(island[label[tail]])
