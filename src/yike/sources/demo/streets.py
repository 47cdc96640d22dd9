"""From the plan's ways to street networks: junctions found, ways bent onto the ground, lengths and waits counted."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from yike.model.network import DECIMETRES_PER_METRE, SEGMENT_KINDS, StreetNetwork
from yike.sources.demo.plan import Place, Plan, Way
from yike.sources.demo.terrain import CRS, RIVER, FloatArray, Ground

_GRAINS_PER_METRE = 10
_SOFT_SHIFT_M = 6.5
_VERTEX_GAP_M = 55.0
PROMENADE_INSET_M = 22.0
PROMENADE_V = (3040.0, 9150.0)

IndexArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pieces:
    """Hold the ways cut at every junction: m pieces between n nodes.

    node_uv  (n, 2) plan places; node_xy (n, 2) ground places [m]
    tail, head  (m,) node positions
    way  (m,) the plan's way of each piece
    shapes  (m,) ground shapes
    """

    node_uv: FloatArray
    node_xy: FloatArray
    tail: IndexArray
    head: IndexArray
    way: IndexArray
    shapes: NDArray[np.object_]

    @property
    def middle_uv(self) -> FloatArray:
        """Return (m, 2) the plan places of the pieces' middles."""
        return (self.node_uv[self.tail] + self.node_uv[self.head]) / 2


def draw_promenades(plan: Plan) -> None:
    """Draw footways on both banks, joined to the bank roads now and then: nobody rides and nobody waits there."""
    low, high = PROMENADE_V
    for bank, inward in ((RIVER[0], 1.0), (RIVER[1], -1.0)):
        u = bank + inward * PROMENADE_INSET_M
        stops = [low + 40 + 235 * k for k in range(int((high - low - 80) / 235) + 1)]
        for a, b in itertools.pairwise(stops):
            plan.way((u, a), (u, b), "footway", cycle=False)
        for stop in stops:
            plan.way((bank, stop), (u, stop), "footway", cycle=False)


def cut_ways(plan: Plan, ground: Ground, rng: np.random.Generator) -> Pieces:
    """Cut straight ways where another way's end lies on them, and bend the pieces onto the ground.

    Only an end that lies exactly on a way makes a junction; ways that merely cross (a promenade under a bridge) do not meet.
    """
    ends = np.array([[way.a, way.b] for way in plan.ways])
    grains = np.rint(ends * _GRAINS_PER_METRE).astype(np.int64)
    nodes, inverse = np.unique(grains.reshape(-1, 2), axis=0, return_inverse=True)
    tail_of, head_of = inverse.reshape(-1, 2).T
    on_v = {int(v): np.flatnonzero(nodes[:, 1] == v) for v in np.unique(grains[_level(grains), 0, 1])}
    on_u = {int(u): np.flatnonzero(nodes[:, 0] == u) for u in np.unique(grains[_upright(grains), 0, 0])}
    chains = [
        _chain(nodes, int(a), int(b), on_u=on_u, on_v=on_v) for a, b in zip(tail_of, head_of, strict=True)
    ]
    way = np.repeat(np.arange(len(chains)), [len(chain) - 1 for chain in chains])
    tail = np.concatenate([chain[:-1] for chain in chains])
    head = np.concatenate([chain[1:] for chain in chains])
    tail, head, way = _without_doubles(tail, head, way)
    node_uv = nodes / _GRAINS_PER_METRE
    shift = _soft_shift(plan.ways, tail, head, way, len(nodes), rng)
    node_xy = np.round(ground.xy(node_uv + shift), 1)
    shapes = _shapes(node_uv + shift, node_xy, tail, head, ground)
    return Pieces(node_uv, node_xy, tail, head, way, shapes)


def keep_main_part(pieces: Pieces) -> Pieces:
    """Leave out ways that nobody can walk to from the rest."""
    count = len(pieces.node_uv)
    graph = coo_matrix((np.ones(len(pieces.tail)), (pieces.tail, pieces.head)), shape=(count, count))
    part = connected_components(graph, directed=False)[1]
    kept = part[pieces.tail] == int(np.argmax(np.bincount(part)))
    return replace(
        pieces, tail=pieces.tail[kept], head=pieces.head[kept], way=pieces.way[kept], shapes=pieces.shapes[kept]
    )


def _level(grains: IndexArray) -> NDArray[np.bool_]:
    return np.asarray(grains[:, 0, 1] == grains[:, 1, 1])


def _upright(grains: IndexArray) -> NDArray[np.bool_]:
    return np.asarray(grains[:, 0, 0] == grains[:, 1, 0])


def _chain(
    nodes: IndexArray, a: int, b: int, *, on_u: dict[int, IndexArray], on_v: dict[int, IndexArray]
) -> IndexArray:
    """Return the nodes met from a to b, both included."""
    if nodes[a, 1] == nodes[b, 1]:
        line, axis = on_v[int(nodes[a, 1])], 0
    elif nodes[a, 0] == nodes[b, 0]:
        line, axis = on_u[int(nodes[a, 0])], 1
    else:
        return np.array([a, b])
    low, high = sorted((int(nodes[a, axis]), int(nodes[b, axis])))
    between: IndexArray = line[(nodes[line, axis] >= low) & (nodes[line, axis] <= high)]
    between = between[np.argsort(nodes[between, axis], kind="stable")]
    return between if between[0] == a else between[::-1]


def _without_doubles(tail: IndexArray, head: IndexArray, way: IndexArray) -> tuple[IndexArray, IndexArray, IndexArray]:
    """Keep the first of pieces that join the same two nodes."""
    pairs = np.column_stack([np.minimum(tail, head), np.maximum(tail, head)])
    keep = np.sort(np.unique(pairs, axis=0, return_index=True)[1])
    return tail[keep], head[keep], way[keep]


def _soft_shift(
    ways: list[Way], tail: IndexArray, head: IndexArray, way: IndexArray, count: int, rng: np.random.Generator
) -> FloatArray:
    """Move nodes of which every way is soft; the others keep their place."""
    soft = np.array([entry.soft for entry in ways])[way]
    firm = np.zeros(count, np.bool_)
    firm[tail[~soft]] = True
    firm[head[~soft]] = True
    shift = (rng.random((count, 2)) * 2 - 1) * _SOFT_SHIFT_M
    shift[firm] = 0.0
    return shift


def _shapes(
    uv: FloatArray, xy: FloatArray, tail: IndexArray, head: IndexArray, ground: Ground
) -> NDArray[np.object_]:
    """Return each piece as a line that follows the bent ground between its exact ends."""
    span = uv[head] - uv[tail]
    inner = np.floor(np.sqrt((span**2).sum(axis=1)) / _VERTEX_GAP_M).astype(np.int64)
    owner = np.repeat(np.arange(len(tail)), inner)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(inner) - inner, inner) + 1
    share = rank / (inner[owner] + 1)
    middle_xy = ground.xy(uv[tail][owner] + span[owner] * share[:, None])
    piece = np.concatenate([np.arange(len(tail)), owner, np.arange(len(tail))])
    order = np.concatenate([np.zeros(len(tail)), rank, inner + 1.0])
    vertices = np.vstack([xy[tail], middle_xy, xy[head]])
    rows = np.lexsort((order, piece))
    return np.asarray(shapely.linestrings(vertices[rows], indices=piece[rows]), dtype=object)


def _waits(pieces: Pieces, places: list[Place]) -> NDArray[np.uint8]:
    """Count for each piece how many of its ends are among the places: each end is half a wait."""
    grains = {(round(u * _GRAINS_PER_METRE), round(v * _GRAINS_PER_METRE)) for u, v in places}
    nodes = np.rint(pieces.node_uv * _GRAINS_PER_METRE).astype(np.int64)
    waits = np.array([(int(u), int(v)) in grains for u, v in nodes])
    return (waits[pieces.tail].astype(np.uint8) + waits[pieces.head].astype(np.uint8)).astype(np.uint8)


def make_networks(plan: Plan, pieces: Pieces) -> dict[str, StreetNetwork]:
    """Build the walking and the cycling network: steps, footbridges, promenades and park paths are for walkers only."""
    ways = plan.ways
    kind = np.array([SEGMENT_KINDS.index(way.kind) for way in ways], np.uint8)[pieces.way]
    length_m = _lengths_m(pieces.shapes)
    crossing_places = [place for place in plan.crossings if place not in set(plan.signals)]
    segments = pd.DataFrame(
        {
            "segment_id": np.arange(len(pieces.tail), dtype=np.int64) + 1,
            "tail": pieces.tail,
            "head": pieces.head,
            "length_dm": np.maximum(np.rint(length_m * DECIMETRES_PER_METRE), 1).astype(np.int32),
            "kind": kind,
            "signal_halves": _waits(pieces, plan.signals),
            "crossing_halves": _waits(pieces, crossing_places),
            "attachable": np.array([way.open_ for way in ways])[pieces.way],
            "oneway": np.array([way.oneway for way in ways])[pieces.way],
            "cycle": np.array([way.cycle for way in ways])[pieces.way],
            "geometry": pieces.shapes,
        }
    )
    walk = segments.assign(forward=True, backward=True)
    cycle = segments[segments["cycle"]].assign(forward=True, backward=lambda table: ~table["oneway"])
    return {"walk": _network(pieces, walk, mode="walk"), "cycle": _network(pieces, cycle, mode="cycle")}


def _lengths_m(shapes: NDArray[np.object_]) -> FloatArray:
    vertices, owner = shapely.get_coordinates(shapes, return_index=True)
    same = owner[1:] == owner[:-1]
    steps = np.sqrt(((vertices[1:] - vertices[:-1]) ** 2).sum(axis=1))
    return np.bincount(owner[1:][same], weights=steps[same], minlength=len(shapes)).astype(np.float64)


def _network(pieces: Pieces, segments: pd.DataFrame, *, mode: str) -> StreetNetwork:
    """Keep the largest connected part, number its nodes anew and build the network."""
    tail, head = segments["tail"].to_numpy(), segments["head"].to_numpy()
    count = len(pieces.node_uv)
    graph = coo_matrix((np.ones(len(tail)), (tail, head)), shape=(count, count))
    part = connected_components(graph, directed=False)[1]
    main = int(np.argmax(np.bincount(part)))
    kept = segments[part[tail] == main]
    used = np.flatnonzero(part == main)
    position = np.full(count, -1, np.int64)
    position[used] = np.arange(len(used))
    nodes = pd.DataFrame({"node_id": used + 1, "x": pieces.node_xy[used, 0], "y": pieces.node_xy[used, 1]})
    renumbered = kept.assign(tail=position[kept["tail"].to_numpy()], head=position[kept["head"].to_numpy()])
    return StreetNetwork.from_tables(
        nodes, renumbered.drop(columns=["oneway", "cycle"]), mode=mode, crs=CRS
    )
