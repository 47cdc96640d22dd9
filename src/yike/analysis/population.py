"""Population: whole people spread over places without losing one, and people grown older by cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.model.city import City
from yike.model.network import SEGMENT_KINDS, StreetNetwork, hilbert_order
from yike.model.tables import DEMAND, FORECASTS

RESIDENTIAL_KINDS = ("street", "footway", "pedestrian")
STREET_PIECE_M = 50.0
FAULTS_LISTED = 20
# The golden section's fraction: multiples of it fill the unit interval evenly, however many are taken (Weyl 1916).
_GOLDEN = 0.6180339887498949
_GROUP_PREFIX = "residents_"

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
ObjectArray = NDArray[np.object_]


@dataclass(frozen=True)
class AgeBand:
    """Name a population group by its ages: ``first`` to ``last`` in full years, both included; ``last`` None: and older."""

    group: str
    first: int
    last: int | None


AGE_BANDS = (
    AgeBand("age_0_2", 0, 2),
    AgeBand("age_3_5", 3, 5),
    AgeBand("age_6_11", 6, 11),
    AgeBand("age_12_14", 12, 14),
    AgeBand("age_15_17", 15, 17),
    AgeBand("age_18_59", 18, 59),
    AgeBand("age_60_79", 60, 79),
    AgeBand("age_80_up", 80, None),
)


def largest_remainder(shares: FloatArray, *, total: int, ties: IntArray | None = None) -> IntArray:
    """Return whole numbers that sum to ``total``, each the floor or the ceiling of its (n,) share of it.

    The floors are given first, then one each to the largest remainders (Hamilton's method); equal remainders in row order, or in
    the order of the (n,) ranks ``ties``. Shares that already sum to the total are taken as they are, others are scaled to it.
    """
    given = float(shares.sum())
    if not len(shares) or given <= 0:
        return np.zeros(len(shares), np.int64)
    scaled = shares if round(given) == total else shares * (total / given)
    floors = np.floor(scaled)
    left = total - int(floors.sum())
    rank = np.arange(len(shares)) if ties is None else ties
    order = np.lexsort((rank, floors - scaled))
    whole = floors.astype(np.int64)
    whole[order[:left]] += 1
    return whole


def spread_people(people: IntArray, weights: FloatArray, *, ties: IntArray | None = None) -> IntArray:
    """Spread (g,) whole people over n places by (n,) weights: (n, g), every group complete, no cell negative.

    The places' residents are the largest-remainder shares of all people, so a heavier place never gets fewer. Within them the
    groups are dealt out in the order of (k + 1/2)/T over the k-th person of a group of T (Webster's divisor sequence): every run
    of it holds each group in its share of the whole, so the odd people of all groups do not fall on one place.
    """
    total, weight = int(people.sum()), float(weights.sum())
    residents = largest_remainder(weights * (total / weight) if weight > 0 else weights, total=total, ties=ties)
    group = np.repeat(np.arange(len(people)), people)
    first = np.repeat(np.cumsum(people) - people, people)
    turn = (np.arange(len(group)) - first + 0.5) / np.repeat(np.maximum(people, 1), people)
    dealt = group[np.lexsort((group, turn))]
    place = np.repeat(np.arange(len(weights)), residents)
    cells = np.bincount(place * max(1, len(people)) + dealt, minlength=len(weights) * len(people))
    return np.asarray(cells, np.int64).reshape(len(weights), len(people))


def strewn_ranks(xy: FloatArray) -> IntArray:
    """Return (n,) ranks that order (n, 2) places so that any first few of them lie spread over the whole area.

    Places are numbered along a Hilbert curve; number k gets the fractional part of k times the golden section, and ranks follow
    these. The ranks do not depend on the order of rows, but where places coincide.
    """
    number = np.empty(len(xy), np.int64)
    number[hilbert_order(xy, tie=np.lexsort((xy[:, 1], xy[:, 0])).argsort())] = np.arange(len(xy))
    return np.argsort(np.argsort((number * _GOLDEN) % 1.0, kind="stable"), kind="stable")


def spread_totals(totals: pd.DataFrame, places: pd.DataFrame, *, groups: Sequence[str] = (), file: str = "") -> pd.DataFrame:
    """Spread each area's people over its places by weight, nobody lost: rows of the table `demand`, one a place with people.

    ``totals`` has one row an area: ``area_id`` and whole ``residents`` or ``residents_<group>`` of each of the ``groups``.
    ``places`` has ``place_id``, ``area_id``, ``x``, ``y`` [m] and ``weight`` (0 or more, of any unit). An area's residents are
    shared by largest remainder, equal remainders strewn over the area; its groups by `spread_people`. The result does not depend
    on the order of either table.

    Raises:
        InputError: an area stands twice, people or weights are negative, or an area with people has no place with a weight; each
            is named.
    """
    columns = [_GROUP_PREFIX + group for group in groups] or ["residents"]
    totals = totals.sort_values("area_id", kind="stable")
    places = places.sort_values(["area_id", "place_id"], kind="stable")
    people = totals[columns].to_numpy(np.int64)
    _refuse_totals(totals, people, places, file=file)
    xy, weights = places[["x", "y"]].to_numpy(np.float64), places["weight"].to_numpy(np.float64)
    owners = places["area_id"].to_numpy(object)
    area_ids = totals["area_id"].to_numpy(object)
    first, end = np.searchsorted(owners, area_ids, side="left"), np.searchsorted(owners, area_ids, side="right")
    shares = np.zeros((len(places), len(columns)), np.int64)
    for area in np.flatnonzero(people.any(axis=1)):
        own = slice(int(first[area]), int(end[area]))
        shares[own] = spread_people(people[area], weights[own], ties=strewn_ranks(xy[own]))
    kept = shares.any(axis=1)
    rows = pd.DataFrame({"demand_id": places["place_id"], "x": xy[:, 0], "y": xy[:, 1], "unit_id": owners})[kept]
    rows[columns] = shares[kept]
    return DEMAND.conform(rows.assign(residents=shares[kept].sum(axis=1)), file=file)


def _refuse_totals(totals: pd.DataFrame, people: IntArray, places: pd.DataFrame, *, file: str) -> None:
    weights = places["weight"].to_numpy(np.float64)
    area_ids = totals["area_id"].to_numpy(object)
    held = places["weight"].groupby(places["area_id"]).sum()
    weighed = held.reindex(area_ids).fillna(0.0).to_numpy() > 0
    faults = _area_faults("population.area_twice", area_ids[totals["area_id"].duplicated().to_numpy()], people=None, file=file)
    faults += _area_faults("population.negative_people", area_ids[(people < 0).any(axis=1)], people=None, file=file)
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        values = {"place": places["place_id"].to_numpy(object)[bad][0], "value": weights[bad][0]}
        faults.append(Fault("population.bad_weight", file, field="weight", values=values, count=int(bad.sum())))
    stranded = people.any(axis=1) & ~weighed
    faults += _area_faults("population.no_place", area_ids[stranded], people=people[stranded].sum(axis=1), file=file)
    if faults:
        raise InputError(faults)


def _area_faults(code: str, area_ids: ObjectArray, *, people: IntArray | None, file: str) -> list[Fault]:
    """Name the first areas that share a fault; the last one named says how many more there are."""
    faults = []
    for number, area in enumerate(area_ids[:FAULTS_LISTED]):
        rest = len(area_ids) - number if number == FAULTS_LISTED - 1 else 1
        values = {"area": area} | ({} if people is None else {"people": int(people[number])})
        faults.append(Fault(code, file, field="area_id", values=values, count=rest))
    return faults


def places_in_areas(places: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """Return the places that lie in an area, with its ``area_id``; on a border, the area with the first id is taken.

    ``places`` has ``x``, ``y`` [m]; ``areas`` has ``area_id`` and ``outline`` (None: an area that holds no place).
    """
    drawn = areas[~shapely.is_missing(areas["outline"].to_numpy(object))].sort_values("area_id", kind="stable")
    points = shapely.points(places["x"].to_numpy(np.float64), places["y"].to_numpy(np.float64))
    place, area = shapely.STRtree(drawn["outline"].to_numpy(object)).query(points, predicate="intersects")
    first = np.full(len(places), len(drawn), np.int64)
    np.minimum.at(first, place, area)
    inside = first < len(drawn)
    found = places[inside].copy()
    found["area_id"] = drawn["area_id"].to_numpy(object)[first[inside]]
    return found


def street_places(network: StreetNetwork, *, kinds: Sequence[str] = RESIDENTIAL_KINDS) -> pd.DataFrame:
    """Return places along the streets people live on: place_id, x, y [m] and weight [m of street].

    Each segment of the ``kinds`` that a point may attach to is cut into equal pieces of at most 50 m; a place stands in the
    middle of each and weighs its length. A street on a border so divides between the areas it runs through.
    """
    chosen = np.flatnonzero(np.isin(network.kind, [SEGMENT_KINDS.index(kind) for kind in kinds]) & network.attachable)
    lines = network.shapes(chosen)
    length_m = shapely.length(lines)
    pieces = np.maximum(1, np.ceil(length_m / STREET_PIECE_M)).astype(np.int64)
    line = np.repeat(np.arange(len(chosen)), pieces)
    number = np.arange(len(line)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    middles = shapely.line_interpolate_point(lines[line], (number + 0.5) / pieces[line], normalized=True)
    return pd.DataFrame(
        {
            "place_id": [f"street-{segment}-{piece}" for segment, piece in zip(chosen[line], number, strict=True)],
            "x": shapely.get_x(middles),
            "y": shapely.get_y(middles),
            "weight": (length_m / pieces)[line],
        }
    )


def building_places(buildings: pd.DataFrame, *, floors_by_kind: Mapping[str, float]) -> pd.DataFrame:
    """Return one place a building: place_id, x, y [m] inside it and weight [m² of floor] = footprint area × floors.

    ``buildings`` has ``building_id``, ``kind``, ``floors`` (NaN: unknown) and ``outline``. Where floors are unknown those of the
    building's kind stand in; a kind that ``floors_by_kind`` does not name counts one floor.
    """
    outlines = buildings["outline"].to_numpy(object)
    inside = shapely.point_on_surface(outlines)
    assumed = buildings["kind"].map(dict(floors_by_kind)).astype(np.float64).fillna(1.0).to_numpy()
    floors = np.where(buildings["floors"].isna(), assumed, buildings["floors"].to_numpy(np.float64))
    return pd.DataFrame(
        {
            "place_id": buildings["building_id"].to_numpy(object),
            "x": shapely.get_x(inside),
            "y": shapely.get_y(inside),
            "weight": shapely.area(outlines) * floors,
        }
    )


def forecast_rows(city: City, totals: pd.DataFrame, *, year: int, file: str = "") -> pd.DataFrame:
    """Spread a later year's people of each neighbourhood as its people live today: rows of the table `forecasts`.

    ``totals`` is as in `spread_totals`, its areas units of the city, with the city's groups. Every point of a named neighbourhood
    gets a row, whoever lives there then.

    Raises:
        InputError: as `spread_totals`; a neighbourhood where nobody lives today has no place for people.
    """
    homes = city.demand.loc[city.demand["unit_id"].isin(totals["area_id"]), ["demand_id", "unit_id", "x", "y", "residents"]]
    places = homes.rename(columns={"demand_id": "place_id", "unit_id": "area_id", "residents": "weight"})
    spread = spread_totals(totals, places, groups=city.groups, file=file).set_index("demand_id")
    columns = ["residents", *(_GROUP_PREFIX + group for group in city.groups)]
    rows = spread[columns].reindex(homes["demand_id"]).fillna(0).astype(np.int64).reset_index()
    return FORECASTS.conform(rows.assign(year=year), file=file)


def forecast_city(city: City, year: int) -> City:
    """Return the city as it is forecast for a year: people of that year at the points that have a forecast for it.

    Points without one keep today's people; facilities, streets and everything else stay as they are.

    Raises:
        InputError: the city has no forecast for the year.
    """
    rows = city.forecasts[city.forecasts["year"] == year]
    if not len(rows):
        known = ", ".join(map(str, sorted(city.forecasts["year"].unique()))) or "–"
        raise InputError([Fault("forecast.unknown_year", city.title, field="year", values={"year": year, "known": known})])
    columns = ["residents", *(_GROUP_PREFIX + group for group in city.groups)]
    demand = city.demand.set_index("demand_id")
    later = rows.set_index("demand_id")[columns]
    later = later[later.index.isin(demand.index)]
    demand.loc[later.index, columns] = later
    return city.replace(demand=demand.reset_index())


def age_forward(
    people: FloatArray,
    *,
    years: int,
    bands: Sequence[AgeBand] = AGE_BANDS,
    births: FloatArray | None = None,
    survival: Mapping[str, float] | None = None,
) -> FloatArray:
    """Return (n, b) expected people by age band after some years, from (n, b) people now: cohorts grow older where they live.

    A band's people are taken as spread evenly over its years of age; each year of age moves up by ``years``, the last band takes
    up all who reach it. ``survival`` is the share of a band's people who live through one year there (left out: 1); ``births``
    (n, years) the children born in each coming year who live to its end. Without births the bands that hold children not yet born
    are NaN: nothing is made up. Nobody moves house. Status: an unverified extrapolation, our own; not a demographic projection.

    Raises:
        InputError: years or births are out of range, or the bands do not follow on one another from age 0.
    """
    _refuse_ageing(people, years=years, bands=bands, births=births)
    span = max(band.first for band in bands) + 1
    lives = np.ones(span)
    by_age = np.zeros((len(people), span))
    owner = np.zeros(span, np.int64)
    for number, band in enumerate(bands):
        ages = slice(band.first, span if band.last is None else band.last + 1)
        by_age[:, ages] = people[:, [number]] / (ages.stop - ages.start)
        lives[ages] = (survival or {}).get(band.group, 1.0)
        owner[ages] = number
    for year in range(years):
        grown = by_age * lives
        by_age = np.roll(grown, 1, axis=1)
        by_age[:, -1] += grown[:, -1]
        by_age[:, 0] = np.nan if births is None else births[:, year]
    after = np.zeros_like(people, np.float64)
    np.add.at(after.T, owner, by_age.T)
    return after


def _refuse_ageing(people: FloatArray, *, years: int, bands: Sequence[AgeBand], births: FloatArray | None) -> None:
    faults = []
    if years < 0:
        faults.append(Fault("population.years", "age_forward", field="years", values={"value": years}))
    if births is not None and births.shape != (len(people), years):
        values = {"found": str(births.shape), "wanted": str((len(people), years))}
        faults.append(Fault("population.births", "age_forward", field="births", values=values))
    follows = [0, *(band.last + 1 for band in bands[:-1] if band.last is not None)]
    if [band.first for band in bands] != follows or people.shape[1:] != (len(bands),):
        named = ", ".join(band.group for band in bands)
        faults.append(Fault("population.bands", "age_forward", field="bands", values={"bands": named}))
    if faults:
        raise InputError(faults)
