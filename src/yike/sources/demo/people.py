"""Residents and neighbourhoods of the demo district: parcels gathered to units, homes filled with people by age."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from yike.model.tables import AGE_GROUPS
from yike.sources.demo.gaps import ANCHORS
from yike.sources.demo.names import Namer
from yike.sources.demo.plan import Parcel, Plan
from yike.sources.demo.streets import Pieces
from yike.sources.demo.terrain import (
    CANAL_WATER,
    EXPRESSWAY,
    ISLET_RADII,
    LAKE_CENTRE,
    LAKE_RADII,
    RAILWAY,
    RIVER_WATER,
    SUBDISTRICTS,
    U_LINES,
    V_LINES,
    FloatArray,
    Ground,
    Subdistrict,
    densify,
    ellipse,
    subdistrict_at,
)

RESIDENTS = 600_000
ISLET_UNIT = "YJ10-01"
ISLET_RESIDENTS = 240
DISTRICT_NAME = "云津区"
_ISLET_HOMES = 12
_ROUNDS = 14
# Residents of a mean committee by zone and kind: towns are fuller than villages.
_MEAN_RESIDENTS = {
    ("urban", "residents_committee"): 4600.0,
    ("expansion_town", "residents_committee"): 4700.0,
    ("expansion_town", "village_committee"): 1900.0,
    ("remote_town", "residents_committee"): 4000.0,
    ("remote_town", "village_committee"): 2200.0,
}
# Shares of AGE_GROUPS by fabric: old lanes and villages, young new towns.
_AGES = {
    "lanes": (0.012, 0.014, 0.032, 0.016, 0.016, 0.520, 0.310, 0.080),
    "super": (0.020, 0.024, 0.052, 0.024, 0.022, 0.588, 0.220, 0.050),
    "grid": (0.035, 0.042, 0.085, 0.034, 0.026, 0.638, 0.120, 0.020),
    "core": (0.018, 0.020, 0.040, 0.020, 0.020, 0.700, 0.150, 0.032),
    "village": (0.012, 0.014, 0.030, 0.016, 0.014, 0.494, 0.330, 0.090),
}
_VILLAGE = "village_committee"
_TOWN = "residents_committee"

IndexArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """Hold the units table and, for each parcel, the position of its unit (-1 outside the district)."""

    units: pd.DataFrame
    of_parcel: IndexArray


def kind_of(parcel: Parcel) -> str:
    """Return which kind of committee looks after a parcel."""
    return _VILLAGE if parcel.fabric == "village" else _TOWN


def make_neighbourhoods(plan: Plan, pieces: Pieces, ground: Ground, rng: np.random.Generator) -> Neighbourhoods:
    """Gather parcels to units, draw their outlines and set their committees on streets."""
    parcels = plan.parcels
    centres = np.array([parcel.centre for parcel in parcels])
    people = np.array([len(parcel.homes) * parcel.weight for parcel in parcels])
    homes_in = np.array([_home_subdistrict(parcel) for parcel in parcels])
    kinds = np.array([kind_of(parcel) for parcel in parcels])
    of_parcel = np.full(len(parcels), -1, np.int64)
    rows: list[dict[str, object]] = []
    namer = Namer(rng)
    for subdistrict in SUBDISTRICTS:
        for kind, count in ((_TOWN, subdistrict.residents_committees), (_VILLAGE, subdistrict.village_committees)):
            own = np.flatnonzero((homes_in == subdistrict.id) & (kinds == kind))
            if not len(own) or not count:
                continue
            first = len(rows)
            anchors = _anchors(subdistrict, kind, parcels)
            of_parcel[own] = first + _cluster(centres[own], people[own], count, anchors, rng)
            rows += [_unit_row(subdistrict, kind, namer, parcels, of_parcel == first + k) for k in range(count)]
    _join_strays(parcels, people, of_parcel)
    stray = np.flatnonzero((of_parcel < 0) & (homes_in != ""))
    of_parcel[stray] = [_nearest_unit(centres, of_parcel, homes_in, int(k)) for k in stray]
    units = _number(pd.DataFrame(rows))
    units["outline"] = _outlines(plan, ground, of_parcel, len(units))
    units[["centre_x", "centre_y"]] = _committees(units, plan, pieces, ground, of_parcel)
    return Neighbourhoods(_with_islet(units, ground), of_parcel)


def _join_strays(parcels: list[Parcel], people: FloatArray, of_parcel: IndexArray) -> None:
    """Give each part of a unit that lies apart from its main part to a neighbouring unit of the same subdistrict."""
    first, second = _neighbours(parcels)
    homes_in = np.array([_home_subdistrict(parcel) for parcel in parcels])
    kinds = np.array([kind_of(parcel) for parcel in parcels])
    for _ in range(2):
        same = of_parcel[first] == of_parcel[second]
        graph = coo_matrix((np.ones(same.sum()), (first[same], second[same])), shape=(len(parcels), len(parcels)))
        part = connected_components(graph, directed=False)[1]
        load = np.bincount(part, weights=people)
        for unit in range(int(of_parcel.max()) + 1):
            parts = np.unique(part[of_parcel == unit])
            main = parts[np.argmax(load[parts])]
            for stray in parts[parts != main]:
                own = np.flatnonzero(part == stray)
                edge = np.isin(first, own) & (of_parcel[second] != unit) & (homes_in[second] == homes_in[own[0]])
                alike = edge & (kinds[second] == kinds[own[0]])
                choices = of_parcel[second[alike if alike.any() else edge]]
                if len(choices):
                    load_of = np.bincount(of_parcel[of_parcel >= 0], weights=people[of_parcel >= 0])
                    of_parcel[own] = choices[np.argmin(load_of[choices])]


def _neighbours(parcels: list[Parcel]) -> tuple[IndexArray, IndexArray]:
    """Return the pairs of parcels that share an edge, both ways round."""
    boxes = shapely.box(*np.array([(p.u0, p.v0, p.u1, p.v1) for p in parcels]).T)
    first, second = shapely.STRtree(boxes).query(boxes, predicate="touches")
    shared = shapely.length(shapely.intersection(boxes[first], boxes[second])) > 20.0
    return first[shared], second[shared]


def _home_subdistrict(parcel: Parcel) -> str:
    subdistrict = subdistrict_at(*parcel.centre)
    return "" if subdistrict is None else subdistrict.id


def _nearest_unit(centres: FloatArray, of_parcel: IndexArray, homes_in: NDArray[np.str_], k: int) -> int:
    others = np.flatnonzero((of_parcel >= 0) & (homes_in == homes_in[k]))
    return int(of_parcel[others[np.argmin(((centres[others] - centres[k]) ** 2).sum(axis=1))]])


def _anchors(subdistrict: Subdistrict, kind: str, parcels: list[Parcel]) -> list[tuple[float, float]]:
    """Return the planted committees of a subdistrict and kind: they come first among its units."""
    found = []
    for unit_id in sorted(ANCHORS):
        place = ANCHORS[unit_id][0]
        distance = [max(p.u0 - place[0], place[0] - p.u1, p.v0 - place[1], place[1] - p.v1) for p in parcels]
        if unit_id.startswith(subdistrict.id) and kind_of(parcels[int(np.argmin(distance))]) == kind:
            found.append(place)
    return found


def _cluster(
    centres: FloatArray, people: FloatArray, count: int, anchors: list[tuple[float, float]], rng: np.random.Generator
) -> IndexArray:
    """Group parcels (n, 2) into ``count`` compact groups of like population; anchored groups come first.

    Lloyd's rounds from seeds drawn far apart, with distances stretched where a group is too full.
    """
    seeds = [np.array(anchor) for anchor in anchors]
    while len(seeds) < count:
        apart = np.min([((centres - seed) ** 2).sum(axis=1) for seed in seeds], axis=0) if seeds else np.ones(len(centres))
        score = np.cumsum(apart * (people + 1e-3))
        seeds.append(centres[int(np.searchsorted(score, float(rng.random()) * score[-1]))])
    middle = np.array(seeds, dtype=np.float64)
    stretch = np.ones(count)
    group = np.zeros(len(centres), np.int64)
    for _ in range(_ROUNDS):
        square = ((centres[:, None, :] - middle[None, :, :]) ** 2).sum(axis=2) * stretch[None, :]
        group = np.argmin(square, axis=1)
        for k, anchor in enumerate(anchors):
            group[int(np.argmin(((centres - np.array(anchor)) ** 2).sum(axis=1)))] = k
        load = np.bincount(group, weights=people, minlength=count)
        for k in range(len(anchors), count):
            if load[k] > 0:
                own = group == k
                middle[k] = (centres[own] * people[own, None]).sum(axis=0) / load[k]
        stretch *= np.clip(np.sqrt(np.maximum(load, 1.0) * count / max(people.sum(), 1.0)), 0.85, 1.18)
    return _settle_empty(group, people, count)


def _settle_empty(group: IndexArray, people: FloatArray, count: int) -> IndexArray:
    """Give each group without people the fullest parcel of the fullest group."""
    settled = group.copy()
    for k in range(count):
        load = np.bincount(settled, weights=people, minlength=count)
        if load[k] == 0:
            fullest = np.flatnonzero(settled == int(np.argmax(load)))
            settled[fullest[int(np.argmax(people[fullest]))]] = k
    return settled


def _unit_row(
    subdistrict: Subdistrict, kind: str, namer: Namer, parcels: list[Parcel], own: NDArray[np.bool_]
) -> dict[str, object]:
    fabrics = [parcels[k].fabric for k in np.flatnonzero(own) if len(parcels[k].homes)]
    fabric = max(sorted(set(fabrics)), key=fabrics.count) if fabrics else "super"
    name, name_en = namer.village() if kind == _VILLAGE else namer.neighbourhood(fabric)
    return {
        "name": f"{name}委会" if kind == _VILLAGE else name,
        "name_en": f"{name_en} Committee" if kind == _VILLAGE else name_en,
        "kind": kind,
        "subdistrict_id": subdistrict.id,
        "subdistrict": subdistrict.name,
        "subdistrict_en": subdistrict.name_en,
        "district": DISTRICT_NAME,
        "zone": subdistrict.zone,
    }


def _number(units: pd.DataFrame) -> pd.DataFrame:
    """Give units their ids by subdistrict; a planted committee keeps the number that its gap is documented under."""
    ids = [""] * len(units)
    for subdistrict, rows in units.groupby("subdistrict_id", sort=True).groups.items():
        taken = {ISLET_UNIT} if ISLET_UNIT.startswith(str(subdistrict)) else set()
        villages_first = any(not ANCHORS[unit][1] for unit in ANCHORS if unit.startswith(str(subdistrict)))
        order = sorted(rows, key=lambda row: (units["kind"][row] == _TOWN, row)) if villages_first else list(rows)
        free = (f"{subdistrict}-{k:02d}" for k in range(1, 100) if f"{subdistrict}-{k:02d}" not in taken)
        for row in order:
            ids[row] = next(free)
    return units.assign(unit_id=ids)


def _strip_cells() -> list[tuple[float, float, float, float]]:
    """Return the land in strips of water, expressway and rail, cut at the plan's lines."""
    us = np.unique(np.concatenate([U_LINES, RIVER_WATER, [sum(RAILWAY) / 2]]))
    vs = np.unique(np.concatenate([V_LINES, CANAL_WATER, [sum(EXPRESSWAY) / 2]]))
    cells = []
    for u0, u1 in itertools.pairwise(us):
        for v0, v1 in itertools.pairwise(vs):
            u, v = (u0 + u1) / 2, (v0 + v1) / 2
            wet = RIVER_WATER[0] < u < RIVER_WATER[1] or CANAL_WATER[0] < v < CANAL_WATER[1]
            strip = 4150 < u < 4450 or RAILWAY[0] < u < RAILWAY[1] or 2950 < v < 3040 or EXPRESSWAY[0] < v < EXPRESSWAY[1]
            if strip and not wet and subdistrict_at(u, v) is not None:
                cells.append((float(u0), float(u1), float(v0), float(v1)))
    return cells


def _outlines(plan: Plan, ground: Ground, of_parcel: IndexArray, count: int) -> list[shapely.Geometry]:
    """Return each unit's ground outline: its parcels and the strips beside them, sharing every border vertex."""
    parcels = plan.parcels
    own = np.flatnonzero(of_parcel >= 0)
    rects = [(parcels[k].u0, parcels[k].u1, parcels[k].v0, parcels[k].v1) for k in own]
    units = list(of_parcel[own])
    boxes = shapely.box(*np.array(rects)[:, [0, 2, 1, 3]].T)
    homes_in = [subdistrict_at(*parcels[row].centre) for row in own]
    for cell in _strip_cells():
        box = shapely.box(cell[0], cell[2], cell[1], cell[3])
        home = subdistrict_at((cell[0] + cell[1]) / 2, (cell[2] + cell[3]) / 2)
        same = [k for k, other in enumerate(homes_in) if other is home]
        units.append(units[same[int(np.argmin(shapely.distance(boxes[same], shapely.centroid(box))))]])
        rects.append(cell)
    every = shapely.box(*np.array(rects)[:, [0, 2, 1, 3]].T)
    joined = [shapely.union_all(every[np.array(units) == k], grid_size=0.1) for k in range(count)]
    return _bend_partition(joined, ground)


def _bend_partition(shapes: list[shapely.Geometry], ground: Ground) -> list[shapely.Geometry]:
    """Bend plan shapes onto the ground through one set of border lines, so that neighbours share each vertex."""
    lines = shapely.get_parts(shapely.union_all(shapely.boundary(np.array(shapes, dtype=object))))
    lines = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines)))
    plan_lines = [shapely.LineString(densify(_one_way(shapely.get_coordinates(line)), step_m=40.0)) for line in lines]
    faces = shapely.get_parts(shapely.polygonize(plan_lines))
    owner = np.full(len(faces), -1)
    tree = shapely.STRtree(shapes)
    inner, unit = tree.query(shapely.point_on_surface(faces), predicate="within")
    owner[inner] = unit
    bent = shapely.transform(faces, ground.xy)
    return [shapely.make_valid(shapely.union_all(bent[owner == k])) for k in range(len(shapes))]


def _one_way(line: FloatArray) -> FloatArray:
    """Turn a line so that its lesser end comes first: both neighbours then cut it at the same places."""
    return line if tuple(line[0]) <= tuple(line[-1]) else line[::-1]


def _committees(
    units: pd.DataFrame, plan: Plan, pieces: Pieces, ground: Ground, of_parcel: IndexArray
) -> FloatArray:
    """Set each committee on the middle of the street nearest its people's centre, or where it is planted."""
    parcels = plan.parcels
    usable = np.array([way.open_ and way.cycle and not way.arterial for way in plan.ways])[pieces.way]
    candidates = np.flatnonzero(usable)
    parcel = parcel_at(plan, pieces.middle_uv[candidates])
    unit = np.where(parcel >= 0, of_parcel[parcel], -1)
    places = np.empty((len(units), 2))
    for k, unit_id in enumerate(units["unit_id"]):
        if unit_id in ANCHORS and ANCHORS[unit_id][1]:
            places[k] = ground.xy(np.array([ANCHORS[unit_id][0]]))[0]
            continue
        homes = np.vstack([parcels[row].homes for row in np.flatnonzero(of_parcel == k)])
        own = candidates[unit == k]
        away = ((pieces.middle_uv[own] - homes.mean(axis=0)) ** 2).sum(axis=1)
        middle = shapely.line_interpolate_point(pieces.shapes[own[int(np.argmin(away))]], 0.5, normalized=True)
        places[k] = np.round([middle.x, middle.y], 1)
    return places


def parcel_at(plan: Plan, uv: FloatArray) -> IndexArray:
    """Return the parcel that holds each plan place (n, 2); -1 where none does."""
    boxes = np.array([(p.u0, p.v0, p.u1, p.v1) for p in plan.parcels])
    place, parcel = shapely.STRtree(shapely.box(*boxes.T)).query(shapely.points(uv), predicate="intersects")
    found = np.full(len(uv), -1, np.int64)
    order = np.lexsort((-parcel, place))
    found[place[order]] = parcel[order]
    return found


def _with_islet(units: pd.DataFrame, ground: Ground) -> pd.DataFrame:
    lake = ground.polygon(ellipse(LAKE_CENTRE, LAKE_RADII))
    islet = ground.polygon(ellipse(LAKE_CENTRE, ISLET_RADII))
    units["outline"] = [shapely.normalize(shapely.difference(outline, lake)) for outline in units["outline"]]
    town = next(entry for entry in SUBDISTRICTS if entry.id == ISLET_UNIT[:4])
    centre = ground.xy(np.array([LAKE_CENTRE]))[0]
    row = {
        "unit_id": ISLET_UNIT,
        "name": "镜心洲村委会",
        "name_en": "Jingxinzhou Village Committee",
        "kind": _VILLAGE,
        "subdistrict_id": town.id,
        "subdistrict": town.name,
        "subdistrict_en": town.name_en,
        "district": DISTRICT_NAME,
        "zone": town.zone,
        "outline": shapely.normalize(islet),
        "centre_x": centre[0],
        "centre_y": centre[1],
    }
    return pd.concat([units, pd.DataFrame([row])], ignore_index=True)


def make_demand(
    plan: Plan,
    neighbourhoods: Neighbourhoods,
    ground: Ground,
    rng: np.random.Generator,
    *,
    campuses: Sequence[shapely.Polygon],
) -> pd.DataFrame:
    """Return the homes with their residents by age: `RESIDENTS` people in all, to the last one; nobody lives on ``campuses``."""
    units = neighbourhoods.units
    rows = [k for k in np.flatnonzero(neighbourhoods.of_parcel >= 0) if len(plan.parcels[k].homes)]
    uv = np.vstack([plan.parcels[k].homes for k in rows])
    parcel = np.repeat(rows, [len(plan.parcels[k].homes) for k in rows])
    xy = ground.xy(uv)
    taken = np.zeros(len(uv), np.bool_)
    taken[shapely.STRtree(campuses).query(shapely.points(xy), predicate="intersects")[0]] = True
    xy, parcel = xy[~taken], parcel[~taken]
    unit = neighbourhoods.of_parcel[parcel]
    fabric = np.array([plan.parcels[k].fabric for k in parcel])
    weight = np.array([plan.parcels[k].weight for k in parcel]) * (0.6 + 0.8 * rng.random(len(parcel)))
    weight = _to_committee_means(weight, unit, units)
    residents = _whole(weight, RESIDENTS - ISLET_RESIDENTS)
    inside = residents > 0
    islet = ellipse(LAKE_CENTRE, (0.6 * ISLET_RADII[0], 0.6 * ISLET_RADII[1]), corners=_ISLET_HOMES)[:-1]
    places = np.vstack([xy[inside], ground.xy(islet)])
    counts = np.concatenate([residents[inside], np.full(_ISLET_HOMES, ISLET_RESIDENTS // _ISLET_HOMES)])
    fabrics = np.concatenate([fabric[inside], np.full(_ISLET_HOMES, "village")])
    unit_ids = np.concatenate([units["unit_id"].to_numpy()[unit[inside]], np.full(_ISLET_HOMES, ISLET_UNIT)])
    table = pd.DataFrame(
        {
            "demand_id": [f"H{k:05d}" for k in range(1, len(counts) + 1)],
            "x": places[:, 0],
            "y": places[:, 1],
            "unit_id": unit_ids,
            "residents": counts,
        }
    )
    ages = _by_age(counts, fabrics, rng)
    return table.assign(**{f"residents_{group}": ages[:, k] for k, group in enumerate(AGE_GROUPS)})


def _to_committee_means(weight: FloatArray, unit: IndexArray, units: pd.DataFrame) -> FloatArray:
    """Scale weights so that the committees of one subdistrict and kind have their mean number of residents."""
    scaled = weight.copy()
    settled = units.iloc[:-1]
    keys = list(zip(settled["subdistrict_id"], settled["zone"], settled["kind"], strict=True))
    for key in sorted(set(keys)):
        rows = [row for row, other in enumerate(keys) if other == key]
        own = np.isin(unit, rows)
        scaled[own] *= _MEAN_RESIDENTS[key[1:]] * len(rows) / scaled[own].sum()
    return scaled


def _whole(weight: FloatArray, total: int) -> IndexArray:
    """Share a whole number out by weight: largest remainders first, ties by position."""
    exact = np.round(weight / weight.sum() * total, 6)
    whole: IndexArray = np.floor(exact).astype(np.int64)
    rest = total - int(whole.sum())
    whole[np.argsort(-(exact - whole), kind="stable")[:rest]] += 1
    return whole


def _by_age(counts: IndexArray, fabrics: NDArray[np.str_], rng: np.random.Generator) -> IndexArray:
    """Split (n,) residents into (n, groups) so that each row sums exactly: cut points share one random offset a row."""
    edges = np.cumsum(np.array([_AGES[fabric] for fabric in fabrics]), axis=1)
    edges[:, -1] = 1.0
    offset = np.floor(rng.random(len(counts)) * 1024) / 1024
    cuts = np.floor(np.round(counts[:, None] * edges + offset[:, None], 6)).astype(np.int64)
    ages: IndexArray = np.diff(cuts, axis=1, prepend=0)
    return ages
