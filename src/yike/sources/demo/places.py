"""Facilities, entrances and candidate sites of the demo district."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike.sources.demo import gaps
from yike.sources.demo.catalogue import CANDIDATE_KINDS, COMMITTEE_ROOMS, METRO_STATIONS, RECIPES, Recipe
from yike.sources.demo.hours import ALL_HOURS, NO_HOURS, PATTERNS
from yike.sources.demo.names import Namer
from yike.sources.demo.people import ISLET_UNIT, IndexArray, Neighbourhoods, parcel_at
from yike.sources.demo.plan import Campus, Plan, Way
from yike.sources.demo.streets import Pieces
from yike.sources.demo.terrain import DISTRICT, KNOWN, FloatArray, Ground

SOURCE = "demo"
OUTSIDE = ("区外", "Beyond-Border")
_FRONT_OFFSET_M = 6.0
_SERVED_REST = 0.3  # what remains of a neighbourhood's need after one facility came within its reach
_WALK_CROW_M = 720.0
_CYCLE_CROW_M = 2300.0
_UNKNOWN_HOURS_SHARE = 0.12
_CAMPUS_CLASSES = ("primary_school", "junior_middle_school", "senior_middle_school", "nine_year_school")
_MARGIN_SHARE = 0.12
_BUS_STOP_GAP_M = 420.0
_RIDERS_NEED = 0.5
_BUS_ROAD_SHARE = 0.7


Words = tuple[str, str]  # Chinese, English


@dataclass(frozen=True, eq=False)
class Fronts:
    """Hold n places where a facility may stand.

    xy      (n, 2) [m] beside a street, or the gate of a campus
    fabric  (n,) what the land around is
    unit    (n,) position of the unit, -1 beyond the district's border
    campus  (n,) position of the campus, -1 beside a street
    """

    xy: FloatArray
    fabric: NDArray[np.str_]
    unit: IndexArray
    campus: IndexArray

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Return (n,) which places lie in the district."""
        return self.unit >= 0


@dataclass(eq=False)
class Register:
    """Gather facilities and entrances while they are placed."""

    ground: Ground
    rng: np.random.Generator
    bans: tuple[gaps.Ban, ...]
    rows: list[dict[str, object]] = field(default_factory=list)
    entrances: list[dict[str, object]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    campuses: list[Campus] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)

    def banned(self, class_id: str, xy: FloatArray) -> NDArray[np.bool_]:
        """Return (n,) which of (n, 2) ground places a planted gap keeps free of the class."""
        hits = [ban.hits(xy) for ban in self.bans if class_id in ban.class_ids]
        return np.any(hits, axis=0) if hits else np.zeros(len(xy), np.bool_)

    def unused(self, rows: IndexArray, fronts: Fronts) -> IndexArray:
        """Leave out fronts whose campus has a school already."""
        return np.array([row for row in rows if int(fronts.campus[row]) not in self.taken], np.int64)

    def add(self, recipe: Recipe, xy: FloatArray, *, place: Words, planted: str = "", outline: object = None) -> str | None:
        """Enter a facility at (2,) [m] unless it is banned there; return its id."""
        if not planted and self.banned(recipe.class_id, xy[None, :])[0]:
            return None
        number = self.counts.get(recipe.class_id, 0) + 1
        self.counts[recipe.class_id] = number
        draw = self.rng.random(4)
        facility_id = f"{recipe.class_id}-{planted}" if planted else f"{recipe.class_id}-{number:03d}"
        known = draw[0] >= _UNKNOWN_HOURS_SHARE
        self.rows.append(
            {
                "facility_id": facility_id,
                "class_id": recipe.class_id,
                "name": f"{place[0]}{recipe.label}",
                "name_en": f"{place[1]} {recipe.label_en}",
                "x": float(xy[0]),
                "y": float(xy[1]),
                "floor_area_m2": _within(recipe.floor_m2, draw[1], 10),
                "site_area_m2": np.nan if outline is None else round(float(shapely.area(outline)), 0),
                "seats": _within(recipe.seats, draw[2], 10),
                "beds": _within(recipe.beds, draw[3], 1),
                "open_hours": PATTERNS[recipe.hours] if known else NO_HOURS,
                "unknown_hours": NO_HOURS if known else ALL_HOURS,
                "source": SOURCE,
                "outline": outline,
            }
        )
        return facility_id

    def enter(self, facility_id: str, xy: FloatArray) -> None:
        """Enter mapped entrances (k, 2) of a facility."""
        self.entrances += [
            {"facility_id": facility_id, "x": float(x), "y": float(y), "kind": "entrance"} for x, y in xy
        ]


def _within(span: tuple[int, int] | None, draw: float, step: int) -> float:
    if span is None or span[1] == 0:
        return np.nan
    return float(span[0] + int((span[1] - span[0]) * draw) // step * step)


def make_fronts(plan: Plan, pieces: Pieces, neighbourhoods: Neighbourhoods, ground: Ground) -> Fronts:
    """Return places at both sides of public streets, on land where people live."""
    ways = plan.ways
    usable = np.array([_is_public(way) for way in ways])[pieces.way]
    a, b = pieces.node_uv[pieces.tail[usable]], pieces.node_uv[pieces.head[usable]]
    length = np.sqrt(((b - a) ** 2).sum(axis=1))
    normal = np.column_stack([a[:, 1] - b[:, 1], b[:, 0] - a[:, 0]]) / length[:, None]
    places = []
    for share in (0.3, 0.7):
        for side in (1.0, -1.0):
            places.append(a + (b - a) * share + normal * side * _FRONT_OFFSET_M)
    uv = np.vstack(places)
    parcel = parcel_at(plan, uv)
    fabric = np.array([entry.fabric for entry in plan.parcels])[parcel]
    lived = (parcel >= 0) & np.isin(fabric, ["lanes", "super", "grid", "core", "village"])
    country_road = np.tile(np.array([way.arterial for way in ways])[pieces.way[usable]], 4)
    lived &= ~(country_road & (fabric == "village"))  # village shops stand in the village
    lived &= (uv[:, 0] > KNOWN[0] + 60) & (uv[:, 0] < KNOWN[1] - 10)
    unit = neighbourhoods.of_parcel[parcel]
    return Fronts(ground.xy(uv[lived]), fabric[lived], unit[lived], np.full(int(lived.sum()), -1))


def make_campus_fronts(plan: Plan, neighbourhoods: Neighbourhoods, ground: Ground) -> Fronts:
    """Return the gates of the land set aside for schools."""
    parcels = [campus.parcel for campus in plan.campuses]
    gates = ground.xy(np.array([campus.gate for campus in plan.campuses]))
    fabric = np.full(len(parcels), "campus")
    return Fronts(gates, fabric, neighbourhoods.of_parcel[parcels], np.arange(len(parcels)))


def _is_public(way: Way) -> bool:
    """Tell whether shops may face a way: not on bridges, park paths or the ways inside walls."""
    return way.open_ and way.cycle and (way.kind in ("street", "pedestrian") or way.soft)


def make_facilities(
    plan: Plan,
    pieces: Pieces,
    neighbourhoods: Neighbourhoods,
    ground: Ground,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Place the facilities of all 37 classes; return facilities and entrances."""
    units = neighbourhoods.units
    places = units[["centre_x", "centre_y"]].to_numpy(np.float64)
    centres = {str(unit_id): place for unit_id, place in zip(units["unit_id"], places, strict=True)}
    one_gate = ground.xy(np.array([gaps.ONE_GATE]))[0]
    register = Register(ground, rng, gaps.bans(centres, one_gate=one_gate))
    fronts = make_fronts(plan, pieces, neighbourhoods, ground)
    gates = make_campus_fronts(plan, neighbourhoods, ground)
    register.campuses = plan.campuses
    recipes = {recipe.class_id: recipe for recipe in RECIPES}
    _plant(register, recipes, plan, pieces, ground)
    namer = Namer(rng)
    _parks(register, recipes, plan, units, namer)
    _metro(register, recipes["metro_station"], namer)
    _bus_stops(register, recipes["bus_route"], plan, units)
    _committee_rooms(register, recipes, units)
    need = _need(plan, neighbourhoods)
    streets, campuses = (fronts, _reach(fronts, units)), (gates, _reach(gates, units))
    for recipe in RECIPES:
        _spread(register, recipe, *(campuses if recipe.class_id in _CAMPUS_CLASSES else streets), need, units)
    return pd.DataFrame(register.rows), pd.DataFrame(register.entrances)


def _need(plan: Plan, neighbourhoods: Neighbourhoods) -> FloatArray:
    """Return (units,) how many homes, by weight, each neighbourhood has; those who ride are served more easily."""
    homes = np.array([len(parcel.homes) * parcel.weight for parcel in plan.parcels])
    own = neighbourhoods.of_parcel >= 0
    need = np.bincount(neighbourhoods.of_parcel[own], weights=homes[own], minlength=len(neighbourhoods.units))
    return np.where(_rides(neighbourhoods.units), _RIDERS_NEED * need, need)


def _rides(units: pd.DataFrame) -> NDArray[np.bool_]:
    """Return (units,) whether reach is judged by bicycle, as zones and kinds of committee say."""
    village = units["kind"] == "village_committee"
    return ((units["zone"] == "remote_town") | ((units["zone"] == "expansion_town") & village)).to_numpy(np.bool_)


def place_words(units: pd.DataFrame) -> list[Words]:
    """Return what each unit's place is called without its committee."""
    return [
        (
            str(zh).removesuffix("居委会").removesuffix("村委会"),
            str(en).removesuffix(" Committee").removesuffix(" Village"),
        )
        for zh, en in zip(units["name"], units["name_en"], strict=True)
    ]


def _nearest_words(units: pd.DataFrame) -> Callable[[FloatArray], Words]:
    """Return the finder of what the nearest committee's place is called."""
    centres, words = units[["centre_x", "centre_y"]].to_numpy(np.float64), place_words(units)
    return lambda xy: words[int(np.argmin(((centres - xy) ** 2).sum(axis=1)))]


def _reach(fronts: Fronts, units: pd.DataFrame) -> NDArray[np.bool_]:
    """Return (fronts, units) whether a committee is likely to reach a front by its mode."""
    centre = units[["centre_x", "centre_y"]].to_numpy(np.float64)
    limit = np.where(_rides(units), _CYCLE_CROW_M, _WALK_CROW_M)
    square = ((fronts.xy[:, None, :] - centre[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(square < limit[None, :] ** 2)


def _spread(
    register: Register,
    recipe: Recipe,
    fronts: Fronts,
    reach: NDArray[np.bool_],
    need: FloatArray,
    units: pd.DataFrame,
) -> None:
    """Place a class one by one, each time at the best of ``skill`` random fronts: the one that serves most unmet need."""
    rng = register.rng
    free = ~register.banned(recipe.class_id, fronts.xy)
    allowed, margin = np.flatnonzero(fronts.inside & free), np.flatnonzero(~fronts.inside & free)
    words = place_words(units)
    rest = _unserved(register, recipe, need, units)
    for _ in range(recipe.count):
        drawn = register.unused(allowed[(rng.random(recipe.skill) * len(allowed)).astype(np.int64)], fronts)
        if not len(drawn):
            continue
        # A planner's best guess is not the best place: each guess is off by up to a quarter.
        score = np.round((reach[drawn] @ rest) * (1 - 0.25 * rng.random(len(drawn))), 3)
        chosen = int(drawn[np.argmax(score)])
        rest[reach[chosen]] *= _SERVED_REST
        _build(register, recipe, fronts, chosen, words[fronts.unit[chosen]])
    for _ in range(int(np.ceil(_MARGIN_SHARE * recipe.count))):
        for front in register.unused(margin[[int(rng.random() * len(margin))]], fronts):
            _build(register, recipe, fronts, int(front), OUTSIDE)


def _unserved(register: Register, recipe: Recipe, need: FloatArray, units: pd.DataFrame) -> FloatArray:
    """Return what need remains where planted facilities and committees' rooms serve already."""
    rest = need.copy()
    centres = units[["centre_x", "centre_y"]].to_numpy(np.float64)
    for row in register.rows:
        if row["class_id"] == recipe.class_id:
            rest[((centres - np.array([row["x"], row["y"]])) ** 2).sum(axis=1) < _WALK_CROW_M**2] *= _SERVED_REST
    return rest


def _build(register: Register, recipe: Recipe, fronts: Fronts, front: int, place: Words) -> None:
    """Set a facility at a front; a school takes the whole campus behind its gate."""
    number = int(fronts.campus[front])
    if number < 0:
        register.add(recipe, fronts.xy[front], place=place)
        return
    campus = register.campuses[number]
    outline = register.ground.rectangle(campus.u0, campus.u1, campus.v0, campus.v1)
    middle = register.ground.xy(np.array([[(campus.u0 + campus.u1) / 2, (campus.v0 + campus.v1) / 2]]))[0]
    facility_id = register.add(recipe, middle, place=place, outline=outline)
    if facility_id is not None:
        register.taken.add(number)
        register.enter(facility_id, fronts.xy[[front]])


def _plant(
    register: Register, recipes: dict[str, Recipe], plan: Plan, pieces: Pieces, ground: Ground
) -> None:
    """Build the facilities that planted gaps are about."""
    u0, u1, v0, v1 = gaps.SCHOOL_ACROSS_RIVER
    outline = ground.rectangle(u0, u1, v0, v1)
    middle = ground.xy(np.array([[(u0 + u1) / 2, (v0 + v1) / 2]]))[0]
    riverside = ("古渡滨江", "Gudu Riverside")
    school = register.add(recipes["primary_school"], middle, place=riverside, planted="across-river", outline=outline)
    register.enter(str(school), ground.xy(np.array([gaps.SCHOOL_GATE])))
    for class_id, place, name, key in (
        ("wet_market", gaps.MARKET_AT_WALL, ("听荷北", "North Tinghe"), "at-wall"),
        ("kindergarten", gaps.KINDERGARTEN_BEHIND_EXPRESSWAY, ("云桥北", "North Yunqiao"), "behind-expressway"),
        ("district_medical_center", gaps.HOSPITAL_BEYOND_BORDER, OUTSIDE, "beyond-border"),
    ):
        register.add(recipes[class_id], ground.xy(np.array([place]))[0], place=name, planted=key)
    spot = along_promenade(plan, pieces, gaps.ANCHORS["YJ05-02"][0], gaps.PROMENADE_TARGET_M)
    register.add(recipes["elderly_daycare"], spot, place=("滨江", "Riverside"), planted="at-the-limit")


def along_promenade(plan: Plan, pieces: Pieces, start: tuple[float, float], metres: float) -> FloatArray:
    """Return the ground place that lies ``metres`` north of a promenade's node along its shape."""
    del plan
    on_line = (pieces.node_uv[pieces.tail, 0] == start[0]) & (pieces.node_uv[pieces.head, 0] == start[0])
    on_line &= pieces.middle_uv[:, 1] > start[1]
    order = np.flatnonzero(on_line)[np.argsort(pieces.middle_uv[on_line, 1], kind="stable")]
    left = metres
    for piece in order:
        shape = pieces.shapes[piece]
        if pieces.node_uv[pieces.tail[piece], 1] > pieces.node_uv[pieces.head[piece], 1]:
            shape = shapely.reverse(shape)
        if shape.length >= left:
            point = shape.interpolate(left)
            return np.array([point.x, point.y])
        left -= shape.length
    return np.asarray(pieces.node_xy[pieces.head[order[-1]]])


def _parks(register: Register, recipes: dict[str, Recipe], plan: Plan, units: pd.DataFrame, namer: Namer) -> None:
    ground, nearest = register.ground, _nearest_words(units)
    for park in plan.parks:
        middle = ground.xy(np.array([[(park.u0 + park.u1) / 2, (park.v0 + park.v1) / 2]]))[0]
        facility_id = register.add(
            recipes[park.class_id],
            middle,
            place=namer.stem() if park.class_id == "comprehensive_park" else nearest(middle),
            planted=park.key.replace("_", "-"),
            outline=ground.rectangle(park.u0, park.u1, park.v0, park.v1),
        )
        if facility_id is not None:
            register.enter(facility_id, ground.xy(np.array(park.entrances)))


def _metro(register: Register, recipe: Recipe, namer: Namer) -> None:
    for place in METRO_STATIONS:
        xy = register.ground.xy(np.array([[place[0] + 5.0, place[1] + 5.0]]))[0]
        register.add(recipe, xy, place=namer.stem())


def _bus_stops(register: Register, recipe: Recipe, plan: Plan, units: pd.DataFrame) -> None:
    """Set stops along most arterials: bus lines are measured at their stops."""
    nearest = _nearest_words(units)
    for way in plan.ways:
        if not (way.arterial and way.open_):
            continue
        a, b = np.array(way.a), np.array(way.b)
        length = float(np.sqrt(((b - a) ** 2).sum()))
        served = float(register.rng.random()) < _BUS_ROAD_SHARE
        near = DISTRICT[0] - 800 < way.a[0] < DISTRICT[1] and DISTRICT[2] - 800 < way.a[1] < DISTRICT[3] + 800
        if length < 200 or not served or not near:
            continue
        count = max(1, round(length / _BUS_STOP_GAP_M))
        for xy in register.ground.xy(a + (b - a) * ((np.arange(count) + 0.5) / count)[:, None]):
            register.add(recipe, xy, place=nearest(xy))


def _committee_rooms(register: Register, recipes: dict[str, Recipe], units: pd.DataFrame) -> None:
    """Several facilities share a committee's house."""
    for row, place in zip(units.itertuples(), place_words(units), strict=True):
        if row.unit_id == ISLET_UNIT:
            continue
        for class_id, in_villages, in_towns in COMMITTEE_ROOMS:
            share = in_villages if row.kind == "village_committee" else in_towns
            if float(register.rng.random()) < share:
                register.add(recipes[class_id], np.array([row.centre_x, row.centre_y]), place=place)


def make_candidates(fronts: Fronts, units: pd.DataFrame, *, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return candidate sites: what could become a facility, how large, by which pathway, at what cost."""
    rows = []
    words = place_words(units)
    usable = np.flatnonzero(fronts.inside)
    for number in range(1, count + 1):
        front = int(usable[int(rng.random() * len(usable))])
        rural = fronts.fabric[front] == "village"
        kinds = [kind for kind in CANDIDATE_KINDS if (kind[2] == "village_collective") <= rural]
        label, label_en, owner, pathway, span, cost = kinds[int(rng.integers(0, len(kinds)))]
        area = float(span[0] + int((span[1] - span[0]) * float(rng.random())) // 10 * 10)
        place = words[fronts.unit[front]]
        rows.append(
            {
                "candidate_id": f"C{number:03d}",
                "name": f"{place[0]}{label}",
                "name_en": f"{place[1]}: {label_en}",
                "x": fronts.xy[front, 0],
                "y": fronts.xy[front, 1],
                "floor_area_m2": area,
                "cost_yuan": round(area * cost * (0.85 + 0.3 * float(rng.random())), -3),
                "pathway": pathway,
                "owner": owner,
            }
        )
    return pd.DataFrame(rows)
