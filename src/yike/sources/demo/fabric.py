"""What lies inside a block: old lanes, gated compounds, new-town streets, parks, works and villages along creeks."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from yike.sources.demo.blocks import Block
from yike.sources.demo.plan import Parcel, Park, Place, Plan
from yike.sources.demo.terrain import KNOWN, LAKE_CENTRE, LAKE_RADII, FloatArray, ellipse

_LANE_LEAF_M = 92.0
_LOOP_INSET_M = 36.0
_COMMUNITY_PARK_SHARE = 0.105
_LANE_CAMPUS_SHARE = 0.16
_LANE_CAMPUS_LEAST_M = 72.0
_CAMPUS_SHARE = 0.37
_CAMPUS_DEPTH_M = (72.0, 108.0)
_CAMPUS_LONGEST_M = 330.0
_COMPOUND_LEAST_M = 130.0
_CREEK_WAVE_M = 42.0
_CREEK_WAVELENGTH_M = 880.0
_LANE_FROM_CREEK_M = 15.0
_HAMLET_DEPTH_M = 32.0

Rectangle = tuple[float, float, float, float]


def fill_block(plan: Plan, block: Block, rng: np.random.Generator) -> None:
    """Draw what the block's fabric puts into it."""
    _DESIGNS[block.fabric](plan, block, rng)


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(rng.random())


def _split(rect: Rectangle, rng: np.random.Generator, *, most_m: float) -> tuple[Rectangle, Rectangle, Place, Place] | None:
    """Cut a rectangle across its longer side near the middle; None where it is small enough."""
    u0, u1, v0, v1 = rect
    wide, high = u1 - u0, v1 - v0
    if max(wide, high) < most_m:
        return None
    share = _between(rng, 0.38, 0.62)
    if wide >= high:
        u = round(u0 + share * wide, 1)
        return (u0, u, v0, v1), (u, u1, v0, v1), (u, v0), (u, v1)
    v = round(v0 + share * high, 1)
    return (u0, u1, v0, v), (u0, u1, v, v1), (u0, v), (u1, v)


def _house_rows(rect: Rectangle, rng: np.random.Generator, *, gap_u: float, gap_v: float, inset: float) -> FloatArray:
    """Set houses in rows, each a few metres off its place."""
    u0, u1, v0, v1 = rect
    us = np.arange(u0 + inset, u1 - inset + 1, gap_u)
    vs = np.arange(v0 + inset, v1 - inset + 1, gap_v)
    homes = np.stack(np.meshgrid(us, vs, indexing="ij"), axis=-1).reshape(-1, 2)
    return homes + (rng.random(homes.shape) - 0.5) * 6.0


def _lanes(plan: Plan, block: Block, rng: np.random.Generator) -> None:
    """Draw old lanes: an irregular mesh, finer and finer, with blind alleys off it."""
    pending: list[tuple[Rectangle, int]] = [((block.u0, block.u1, block.v0, block.v1), 0)]
    while pending:
        rect, depth = pending.pop()
        cut = _split(rect, rng, most_m=_between(rng, _LANE_LEAF_M, 1.6 * _LANE_LEAF_M))
        roomy = min(rect[1] - rect[0], rect[3] - rect[2]) > _LANE_CAMPUS_LEAST_M
        if cut is None and roomy and float(rng.random()) < _LANE_CAMPUS_SHARE:
            plan.campus(rect, "WESN"[int(rng.integers(0, 4))])
            continue
        if cut is None:
            _blind_alleys(plan, rect, rng)
            homes = _house_rows(rect, rng, gap_u=62.0, gap_v=58.0, inset=24.0)
            plan.parcels.append(Parcel(*rect, "lanes", homes, _between(rng, 0.8, 1.2)))
            continue
        kind = "street" if depth < 2 else "pedestrian" if depth < 4 else "footway"
        oneway = depth < 3 and float(rng.random()) < 0.25
        plan.way(cut[2], cut[3], kind, soft=True, oneway=oneway)
        if depth < 2 and float(rng.random()) < 0.4:
            plan.crossings.extend(cut[2:])
        pending.extend(((cut[0], depth + 1), (cut[1], depth + 1)))


def _blind_alleys(plan: Plan, rect: Rectangle, rng: np.random.Generator) -> None:
    u0, u1, v0, v1 = rect
    draw = rng.random(5)
    if draw[0] < 0.55:
        u = round(u0 + (0.35 + 0.3 * float(draw[1])) * (u1 - u0), 1)
        end = round(v0 + (0.5 + 0.25 * float(draw[2])) * (v1 - v0), 1)
        start = v0 if draw[3] < 0.6 else v1
        top = end if start == v0 else round(v1 - (end - v0), 1)
        plan.way((u, start), (u, top), "footway", soft=True)
        if draw[4] < 0.4:
            plan.way((u, top), (round(u0 + 0.85 * (u1 - u0), 1), top), "footway", soft=True)
    elif draw[0] < 0.85:
        v = round(v0 + (0.35 + 0.3 * float(draw[1])) * (v1 - v0), 1)
        start, end = (u0, u0 + 0.65 * (u1 - u0)) if draw[3] < 0.5 else (u1, u1 - 0.65 * (u1 - u0))
        plan.way((start, v), (round(end, 1), v), "footway", soft=True)


def _super(plan: Plan, block: Block, rng: np.random.Generator) -> None:
    """Divide a superblock into two to five walled compounds, parted by a public street or only by their walls."""
    pending: list[tuple[Rectangle, str]] = [((block.u0, block.u1, block.v0, block.v1), "WESN")]
    while pending:
        rect, streets = pending.pop()
        cut = _split(rect, rng, most_m=_between(rng, 300.0, 420.0))
        if cut is None:
            compound(plan, Parcel(*rect, "super", streets=streets), rng, most_gates=3)
            continue
        public = float(rng.random()) < 0.7
        if public:
            plan.way(cut[2], cut[3], "street", oneway=float(rng.random()) < 0.12)
        first, second = ("E", "W") if cut[2][0] == cut[3][0] else ("N", "S")
        pending.append((cut[0], streets if public else streets.replace(first, "")))
        pending.append((cut[1], streets if public else streets.replace(second, "")))


def _grid(plan: Plan, block: Block, rng: np.random.Generator) -> None:
    """Lay a regular grid of streets around walled compounds with more gates, as in a new town."""
    us = _even_cuts(block.u0, block.u1, rng, step_m=250.0)
    vs = _even_cuts(block.v0, block.v1, rng, step_m=240.0)
    _street_grid(plan, us, vs, rng)
    for u0, u1 in itertools.pairwise(us):
        for v0, v1 in itertools.pairwise(vs):
            compound(plan, Parcel(u0, u1, v0, v1, "grid"), rng, most_gates=4)


def _core(plan: Plan, block: Block, rng: np.random.Generator) -> None:
    """Lay small open blocks of shops and offices with passages; few people live here."""
    us = _even_cuts(block.u0, block.u1, rng, step_m=150.0)
    vs = _even_cuts(block.v0, block.v1, rng, step_m=150.0)
    _street_grid(plan, us, vs, rng)
    for u0, u1 in itertools.pairwise(us):
        for v0, v1 in itertools.pairwise(vs):
            u = round((u0 + u1) / 2, 1)
            if float(rng.random()) < 0.7:
                plan.way((u, v0), (u, v1), "pedestrian", cycle=False)
            homes = _house_rows((u0, u1, v0, v1), rng, gap_u=70.0, gap_v=70.0, inset=40.0)
            plan.parcels.append(Parcel(u0, u1, v0, v1, "core", homes, 1.0))


def _industry(plan: Plan, block: Block, rng: np.random.Generator) -> None:
    """Wall works in: nobody lives here."""
    us = _even_cuts(block.u0, block.u1, rng, step_m=330.0)
    vs = [block.v0, block.v1]
    _street_grid(plan, us, vs, rng)
    for u0, u1 in itertools.pairwise(us):
        parcel = Parcel(u0, u1, block.v0, block.v1, "industry")
        middle = round((block.v0 + block.v1) / 2, 1)
        plan.walled(parcel, [("W", middle)])
        plan.way((u0, middle), (round(u0 + 0.7 * (u1 - u0), 1), middle), "service")
        plan.parcels.append(parcel)


def _even_cuts(low: float, high: float, rng: np.random.Generator, *, step_m: float) -> list[float]:
    count = max(1, round((high - low) / step_m))
    inner = [low + (high - low) * (k + _between(rng, -0.07, 0.07)) / count for k in range(1, count)]
    return [low, *(round(cut, 1) for cut in inner), high]


def _street_grid(plan: Plan, us: list[float], vs: list[float], rng: np.random.Generator) -> None:
    for u in us[1:-1]:
        for v0, v1 in itertools.pairwise(vs):
            plan.way((u, v0), (u, v1), "street")
    for v in vs[1:-1]:
        for u0, u1 in itertools.pairwise(us):
            plan.way((u0, v), (u1, v), "street")
    for u in us[1:-1]:
        for v in (vs[0], vs[-1]):
            if float(rng.random()) < 0.35:
                plan.crossings.append((u, v))


def compound(plan: Plan, parcel: Parcel, rng: np.random.Generator, *, most_gates: int) -> None:
    """Wall a compound in and lay its ways: a loop, ways between the rows of houses, and one to ``most_gates`` gates.

    Now and then the land becomes a community park instead.
    """
    if parcel.streets == "WESN" and float(rng.random()) < _COMMUNITY_PARK_SHARE:
        _community_park(plan, parcel, rng)
        return
    parcel = _cut_campus(plan, parcel, rng)
    sides = [side for side in "WESN" if side in parcel.streets]
    wanted = 1 + int(rng.integers(0, most_gates))
    order = np.argsort(rng.random(len(sides)), kind="stable")
    gates = []
    for k in order[:wanted]:
        low, high = (parcel.v0, parcel.v1) if sides[k] in "WE" else (parcel.u0, parcel.u1)
        gates.append((sides[k], round(low + _between(rng, 0.35, 0.65) * (high - low), 1)))
    lay_compound(plan, parcel, gates)
    rect = (parcel.u0, parcel.u1, parcel.v0, parcel.v1)
    parcel.homes = _house_rows(rect, rng, gap_u=97.0, gap_v=74.0, inset=26.0)
    parcel.weight = _between(rng, 0.75, 1.3)
    plan.parcels.append(parcel)


def _cut_campus(plan: Plan, parcel: Parcel, rng: np.random.Generator) -> Parcel:
    """Now and then give a strip along one street to a school and return what is left of the parcel."""
    draw = rng.random(3)
    side = parcel.streets[int(draw[1] * len(parcel.streets))]
    across, along = (parcel.width_m, parcel.height_m) if side in "WE" else (parcel.height_m, parcel.width_m)
    deep = round(_CAMPUS_DEPTH_M[0] + (_CAMPUS_DEPTH_M[1] - _CAMPUS_DEPTH_M[0]) * float(draw[2]), 1)
    too_small = across < deep + _COMPOUND_LEAST_M or along > _CAMPUS_LONGEST_M or len(parcel.streets) < 2
    if draw[0] > _CAMPUS_SHARE or too_small:
        return parcel
    u0, u1, v0, v1 = parcel.u0, parcel.u1, parcel.v0, parcel.v1
    cuts = {
        "W": ((u0, u0 + deep, v0, v1), (u0 + deep, u1, v0, v1)),
        "E": ((u1 - deep, u1, v0, v1), (u0, u1 - deep, v0, v1)),
        "S": ((u0, u1, v0, v0 + deep), (u0, u1, v0 + deep, v1)),
        "N": ((u0, u1, v1 - deep, v1), (u0, u1, v0, v1 - deep)),
    }
    campus, rest = ((round(a, 1), round(b, 1), round(c, 1), round(d, 1)) for a, b, c, d in cuts[side])
    plan.campus(campus, side)
    return Parcel(*rest, parcel.fabric, streets=parcel.streets.replace(side, ""))


def lay_compound(plan: Plan, parcel: Parcel, gates: list[tuple[str, float]]) -> None:
    """Draw wall, loop, row ways and gate ways of a compound."""
    plan.walled(parcel, gates)
    u0, u1 = parcel.u0 + _LOOP_INSET_M, parcel.u1 - _LOOP_INSET_M
    v0, v1 = parcel.v0 + _LOOP_INSET_M, parcel.v1 - _LOOP_INSET_M
    for a, b in (((u0, v0), (u1, v0)), ((u1, v0), (u1, v1)), ((u1, v1), (u0, v1)), ((u0, v1), (u0, v0))):
        plan.way(a, b, "service")
    rows = max(0, round((v1 - v0) / 78.0) - 1)
    levels = [v0, *(round(v0 + (v1 - v0) * (k + 1) / (rows + 1), 1) for k in range(rows)), v1]
    spine = round((u0 + u1) / 2, 1)
    for low, high in itertools.pairwise(levels):
        plan.way((spine, low), (spine, high), "footway")
    for level in levels[1:-1]:
        plan.way((u0, level), (spine, level), "footway")
        plan.way((spine, level), (u1, level), "footway")
    reach = {"S": (parcel.v0, v0), "N": (parcel.v1, v1), "W": (parcel.u0, u0), "E": (parcel.u1, u1)}
    for side, place in gates:
        outside, inside = reach[side]
        a, b = ((place, outside), (place, inside)) if side in "SN" else ((outside, place), (inside, place))
        plan.way(a, b, "service")


def _one_gate(plan: Plan, block: Block, rng: np.random.Generator) -> None:
    """Lay one compound as large as its block with a single gate in the south (a planted gap)."""
    parcel = Parcel(block.u0, block.u1, block.v0, block.v1, "super")
    lay_compound(plan, parcel, [("S", round((block.u0 + block.u1) / 2, 1))])
    rect = (parcel.u0, parcel.u1, parcel.v0, parcel.v1)
    parcel.homes = _house_rows(rect, rng, gap_u=97.0, gap_v=74.0, inset=26.0)
    parcel.weight = 1.0
    plan.parcels.append(parcel)


def _park(plan: Plan, block: Block, rng: np.random.Generator) -> None:
    """Lay out a large park with entrances on all four sides."""
    u0, u1, v0, v1 = block.u0, block.u1, block.v0, block.v1
    u, v = round(_between(rng, u0 + 200, u1 - 200), 1), round(_between(rng, v0 + 200, v1 - 200), 1)
    gates = [(u, v0), (u1, v), (u, v1), (u0, v)]
    _park_paths(plan, block, gates)
    entrances = tuple(_step_inside(block, gate) for gate in gates)
    plan.parks.append(Park(u0 + 14, u1 - 14, v0 + 14, v1 - 14, "comprehensive_park", entrances))
    plan.parcels.append(Parcel(u0, u1, v0, v1, "park"))


def _community_park(plan: Plan, parcel: Parcel, rng: np.random.Generator) -> None:
    u, v = (round(coordinate, 1) for coordinate in parcel.centre)
    gates = [(u, parcel.v0), (parcel.u1, v), (u, parcel.v1), (parcel.u0, v)]
    gates = [gates[k] for k in sorted(np.argsort(rng.random(4), kind="stable")[: 2 + int(rng.integers(0, 3))])]
    _park_paths(plan, parcel, gates)
    entrances = tuple(_step_inside(parcel, gate) for gate in gates)
    rect = (parcel.u0 + 14, parcel.u1 - 14, parcel.v0 + 14, parcel.v1 - 14)
    plan.parks.append(Park(*rect, "community_park", entrances))
    plan.parcels.append(Parcel(parcel.u0, parcel.u1, parcel.v0, parcel.v1, "park"))


def _closed_park(plan: Plan, block: Block, rng: np.random.Generator) -> None:
    """Fence a park in whose only entrance lies in the east (a planted gap)."""
    del rng
    v = round((block.v0 + block.v1) / 2, 1)
    _park_paths(plan, block, [(block.u1, v)])
    parcel = Parcel(block.u0, block.u1, block.v0, block.v1, "park")
    plan.walled(parcel, [("E", v)])
    rect = (block.u0 + 14, block.u1 - 14, block.v0 + 14, block.v1 - 14)
    plan.parks.append(Park(*rect, "community_park", (_step_inside(block, (block.u1, v)),), key="far_entrance"))
    plan.parcels.append(parcel)


def _step_inside(block: Block | Parcel, gate: Place) -> Place:
    u = min(max(gate[0], block.u0 + 14), block.u1 - 14)
    return u, min(max(gate[1], block.v0 + 14), block.v1 - 14)


def _park_paths(plan: Plan, block: Block | Parcel, gates: list[Place]) -> None:
    """Draw a ring path, lobed like a lawn, with a way to each gate."""
    centre = block.centre
    radii = (0.32 * (block.u1 - block.u0), 0.32 * (block.v1 - block.v0))
    ring = np.round(ellipse(centre, radii, corners=16), 1)
    plan.path(ring, "path", cycle=False)
    for gate in gates:
        nearest = ring[int(np.argmin(((ring - np.array(gate)) ** 2).sum(axis=1)))]
        plan.way((float(nearest[0]), float(nearest[1])), gate, "path", cycle=False)


def _lake(plan: Plan, block: Block, rng: np.random.Generator) -> None:
    """Lead a path round the lake; the islet in it has no street (a planted gap: ferries are no streets)."""
    del rng
    shore = np.round(ellipse(LAKE_CENTRE, (LAKE_RADII[0] + 40, LAKE_RADII[1] + 40), corners=32), 1)
    plan.path(shore, "path")
    for k, gate in ((0, (block.u1, LAKE_CENTRE[1])), (16, (block.u0, LAKE_CENTRE[1])), (24, (LAKE_CENTRE[0], block.v0))):
        plan.way((float(shore[k, 0]), float(shore[k, 1])), gate, "path")
    homes = shore[9:15] + np.array([18.0, 18.0])
    plan.parcels.append(Parcel(block.u0, block.u1, block.v0, block.v1, "village", homes, 0.2))


def creek_v(u: FloatArray, middle: float) -> FloatArray:
    """Return where a creek along v = ``middle`` runs at each u."""
    return np.asarray(middle + _CREEK_WAVE_M * np.sin(2 * np.pi * u / _CREEK_WAVELENGTH_M + middle / 500.0))


def _village(plan: Plan, block: Block, rng: np.random.Generator) -> None:
    """Lead a creek through fields: lanes beside it, houses in clusters along lanes and spurs, tracks to the roads."""
    middle = (block.v0 + block.v1) / 2
    count = max(4, round((block.u1 - block.u0) / 95.0))
    us = np.round(np.linspace(block.u0, block.u1, count + 1), 1)
    creek_u = np.linspace(block.u0, block.u1, 6 * count + 1)
    plan.creeks.append(np.column_stack([creek_u, creek_v(creek_u, middle)]))
    north = np.column_stack([us, np.round(creek_v(us, middle) + _LANE_FROM_CREEK_M, 1)])
    south = np.column_stack([us, np.round(creek_v(us, middle) - _LANE_FROM_CREEK_M, 1)])
    plan.path(north, "street")
    clusters = _clusters(count, rng)
    homes = [np.empty((0, 2))]
    for first, last in clusters:
        plan.path(south[first : last + 1], "service")
        shore = [[0.0, _HAMLET_DEPTH_M]]
        plan.hamlets.append(np.vstack([north[first : last + 1] + shore, south[first : last + 1][::-1] - shore]))
        for k in {first, (first + last) // 2, last}:
            plan.way(_place(south[k]), _place(north[k]), "service", open_=False)
        homes += [_along(north[first : last + 1], 14.0), _along(south[first : last + 1], -14.0)]
        for k in range(first, last + 1):
            homes.append(_spur(plan, north[k], 1.0, block, rng))
            homes.append(_spur(plan, south[k], -1.0, block, rng))
    _tracks(plan, block, north, south, clusters, rng)
    _village_parcels(plan, block, np.vstack(homes) if block.inside else np.empty((0, 2)), rng)


def _clusters(count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    if count < 9:
        return [(1, max(2, count - 2 - int(rng.integers(0, 2))))]
    middle = count // 2 + int(rng.integers(-1, 2))
    return [(1, middle - 2), (middle + 1, count - 1)]


def _place(row: FloatArray) -> Place:
    return float(row[0]), float(row[1])


def _along(line: FloatArray, offset: float) -> FloatArray:
    """Return houses beside a lane, two on each piece."""
    thirds = [line[:-1] + (line[1:] - line[:-1]) * share for share in (0.28, 0.72)]
    homes: FloatArray = np.vstack(thirds) + np.array([0.0, offset])
    return homes


def _spur(plan: Plan, start: FloatArray, side: float, block: Block, rng: np.random.Generator) -> FloatArray:
    if float(rng.random()) < 0.35:
        return np.empty((0, 2))
    room = min(block.v1 - start[1], start[1] - block.v0) - 60.0
    length = min(_between(rng, 60.0, 190.0), max(room, 30.0))
    end = (float(start[0] + _between(rng, -12.0, 12.0)), float(start[1] + side * length))
    plan.way(_place(start), end, "path")
    steps = np.arange(35.0, length + 1, 38.0)
    spots = start + np.column_stack([(end[0] - start[0]) * steps / length, side * steps])
    homes: FloatArray = np.vstack([spots + np.array([13.0, 0.0]), spots - np.array([13.0, 0.0])])
    return homes


def _tracks(
    plan: Plan,
    block: Block,
    north: FloatArray,
    south: FloatArray,
    clusters: list[tuple[int, int]],
    rng: np.random.Generator,
) -> None:
    """Lead tracks from the village lanes to the roads north and south of the fields."""
    for first, last in clusters:
        k = first + int(rng.integers(0, last - first + 1))
        if block.v1 < KNOWN[3]:
            plan.way(_place(north[k]), (float(north[k, 0]), block.v1), "path")
        k = first + int(rng.integers(0, last - first + 1))
        if block.v0 > KNOWN[2]:
            plan.way(_place(south[k]), (float(south[k, 0]), block.v0), "path")


def _village_parcels(plan: Plan, block: Block, homes: FloatArray, rng: np.random.Generator) -> None:
    middle = round((block.u0 + block.u1) / 2, 1)
    edges = [block.u0, middle, block.u1] if block.u1 - block.u0 > 900 else [block.u0, block.u1]
    for u0, u1 in itertools.pairwise(edges):
        own = homes[(homes[:, 0] >= u0) & (homes[:, 0] < u1)]
        plan.parcels.append(Parcel(u0, u1, block.v0, block.v1, "village", own, _between(rng, 0.25, 0.38)))


_DESIGNS: dict[str, Callable[[Plan, Block, np.random.Generator], None]] = {
    "lanes": _lanes,
    "super": _super,
    "grid": _grid,
    "core": _core,
    "industry": _industry,
    "park": _park,
    "closed_park": _closed_park,
    "one_gate": _one_gate,
    "lake": _lake,
    "village": _village,
}
