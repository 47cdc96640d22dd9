"""Measurement: what a standard's reach terms need measured, and the measured figures of every centre and resident.

A term is measured by a profile on the streets of a mode, in time or in metres. Units whose terms share profile, mode and
measure are measured together in one run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike.analysis.attachment import Attachment, attach, attach_geometries, ranges, starts
from yike.analysis.routing_graph import METRES, TENTHS, RoutingGraph, routing_graph
from yike.analysis.travel_time import NearestTable, Places, nearest_places
from yike.model.city import City
from yike.model.profile import Profile
from yike.model.requirement import ReachTime
from yike.model.standard import Standard

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
TIME = "time"


@dataclass(frozen=True, order=True)
class Measure:
    """Name how a term is measured: the mode the zone declares, who travels on which network, time or metres."""

    mode: str
    network: str
    profile: str
    quantity: str


@dataclass(frozen=True)
class TermOfUnit:
    """Hold one reach term for one kind of unit: the class, how it is measured and its limit in whole units."""

    class_id: str
    term: str
    measure: Measure
    limit: int


@dataclass(frozen=True, eq=False)
class Run:
    """Hold what one measure gave for the units and residential points that need it.

    unit, demand     (u,), (d,) row positions in the city's tables
    classes          the classes measured, in the order of ``nearest``
    nearest          costs of u centres followed by d residential points
    points           their attachment
    facility         (q,) row position in ``facilities`` of each place
    entrance         (e,) position in `entrance_geometries` of each entrance of ``places``
    """

    measure: Measure
    graph: RoutingGraph
    unit: IndexArray
    demand: IndexArray
    classes: tuple[str, ...]
    nearest: NearestTable
    points: Attachment
    places: Places
    facility: IndexArray
    entrance: IndexArray

    def centres(self) -> slice:
        """Return where the centres stand among the points."""
        return slice(0, len(self.unit))

    def residents(self) -> slice:
        """Return where the residential points stand among the points."""
        return slice(len(self.unit), len(self.unit) + len(self.demand))


@dataclass(frozen=True, eq=False)
class Homes:
    """Hold the residential points of a run that have residents and a connection to its streets.

    unit   (h,) position of the home's unit among the run's units
    point  (h,) position of the home among the run's points
    """

    unit: IndexArray
    point: IndexArray


@dataclass(frozen=True, eq=False)
class _Streets:
    """Hold a network's routing graph and the connections on it that other measures of the same profile share."""

    graph: RoutingGraph
    entrances: Attachment
    entrance_facility: IndexArray


def terms_of_unit(standard: Standard, zone: str, kind: str, profiles: Mapping[str, Profile]) -> list[TermOfUnit]:
    """List the reach terms that a unit of this zone and kind must meet; none where no mode is declared."""
    mode = standard.mode_for(zone, kind)
    if mode is None:
        return []
    terms = []
    for entry in standard.classes:
        for term in standard.reach_terms(entry.id, zone):
            profile = profiles[standard.profile_for(term, mode)]
            if isinstance(term, ReachTime):
                quantity, value = TIME, 60 * (term.minutes.value or 0)
            else:
                quantity, value = METRES, term.metres.value or 0
            measure = Measure(mode, profile.network, profile.id, quantity)
            terms.append(TermOfUnit(entry.id, term.kind, measure, round(value * TENTHS)))
    return terms


def measure_city(
    city: City,
    standard: Standard,
    terms: Mapping[tuple[str, str], list[TermOfUnit]],
    *,
    profiles: Mapping[str, Profile],
    horizon_s: float,
    threads: int,
    on_progress: Callable[[str, float], None] | None = None,
) -> list[Run]:
    """Measure every term for every unit; ``terms`` are keyed by (zone, kind). Measures without streets are left out."""
    keys = list(zip(city.units["zone"], city.units["kind"], strict=True))
    unit_of_demand = unit_positions(city)
    needed = sorted({term.measure for found in terms.values() for term in found if term.measure.network in city.networks})
    streets: dict[tuple[str, str], _Streets] = {}
    points: dict[tuple[str, str, bytes], Attachment] = {}
    runs = []
    for number, measure in enumerate(needed):
        of_unit = {key: {term.class_id for term in found if term.measure == measure} for key, found in terms.items()}
        wanted = set().union(*of_unit.values())
        classes = tuple(entry.id for entry in standard.classes if entry.id in wanted)
        unit = np.flatnonzero([bool(of_unit[key]) for key in keys])
        demand = np.flatnonzero(np.isin(unit_of_demand, unit))
        ground = _streets(city, measure, profiles[measure.profile], streets)
        known = (measure.network, measure.profile, unit.tobytes())
        if known not in points:
            points[known] = _attach_points(city, ground.graph, unit, demand)
        places, facility, entrance = _places(city, standard, classes, ground)
        profile = profiles[measure.profile]
        limit = _horizon(measure, profile, horizon_s, terms)

        tell = _progress(on_progress, measure, number, len(needed), len(classes))
        nearest = nearest_places(ground.graph, places, points[known], limit=limit, threads=threads, on_class=tell)
        run = Run(measure, ground.graph, unit, demand, classes, nearest, points[known], places, facility, entrance)
        runs.append(run)
    return runs


def _progress(
    on_progress: Callable[[str, float], None] | None, measure: Measure, number: int, runs: int, classes: int
) -> Callable[[int], None]:
    """Return what to call after each class: it tells the measure and the share done, counting classes as they end."""
    done = [0]

    def tell(_: int) -> None:
        done[0] += 1
        if on_progress is not None:
            on_progress(f"{measure.profile}/{measure.quantity}", (number + done[0] / classes) / runs)

    return tell


def unit_positions(city: City) -> IndexArray:
    """Return (d,) the row of each residential point's unit, -1 where it has none."""
    return np.asarray(pd.Index(city.units["unit_id"]).get_indexer(pd.Index(city.demand["unit_id"])), np.int64)


def residents_outside_units(city: City) -> int:
    """Count the people of residential points that name no unit of the city: no verdict counts them."""
    return int(city.demand["residents"].to_numpy(np.int64)[unit_positions(city) < 0].sum())


def connected_homes(city: City, run: Run) -> Homes:
    """List the homes of a run that can decide a verdict: somebody lives there and streets reach them."""
    position = np.full(len(city.units), -1, np.int64)
    position[run.unit] = np.arange(len(run.unit))
    lived_in = city.demand["residents"].to_numpy(np.int64)[run.demand] > 0
    home = np.flatnonzero(lived_in & run.points.connected[run.residents()])
    return Homes(position[unit_positions(city)[run.demand[home]]], home + len(run.unit))


def worst_homes(run: Run, class_row: int, homes: Homes) -> IndexArray:
    """Return (u,) the point of each unit's home that is served worst, the first of several; -1 where it has no home."""
    cost = run.nearest.cost[class_row, homes.point].astype(np.int64)
    most = np.full(len(run.unit), -1, np.int64)
    np.maximum.at(most, homes.unit, cost)
    hits = np.flatnonzero(cost == most[homes.unit])[::-1]  # the last one written stays, so the first home wins
    worst = np.full(len(run.unit), -1, np.int64)
    worst[homes.unit[hits]] = homes.point[hits]
    return worst


def _horizon(measure: Measure, profile: Profile, horizon_s: float, terms: Mapping[tuple[str, str], list[TermOfUnit]]) -> int:
    """Return how far to search: the horizon, as time or as the metres that the profile covers in it, or the largest limit."""
    reach = horizon_s if measure.quantity == TIME else horizon_s * profile.number("speed_m_s")
    limits = [term.limit for found in terms.values() for term in found if term.measure == measure]
    return max([round(reach * TENTHS), *limits])


def _streets(city: City, measure: Measure, profile: Profile, known: dict[tuple[str, str], _Streets]) -> _Streets:
    """Weigh the streets for a measure; connections of entrances are the same for time and metres, so they are kept."""
    network = city.networks[measure.network]
    graph = routing_graph(network, profile, measure=METRES if measure.quantity == METRES else None)
    key = (measure.network, measure.profile)
    if key in known:
        return _Streets(graph, known[key].entrances, known[key].entrance_facility)
    attachment, facility = _attach_facilities(city, graph)
    known[key] = _Streets(graph, attachment, facility)
    return known[key]


def _attach_points(city: City, graph: RoutingGraph, unit: IndexArray, demand: IndexArray) -> Attachment:
    centres = city.units[["centre_x", "centre_y"]].to_numpy(np.float64)[unit]
    homes = city.demand[["x", "y"]].to_numpy(np.float64)[demand]
    return attach(
        graph.network,
        np.concatenate([centres, homes]),
        limit_m=graph.connection_limit_m,
        barriers=barrier_lines(city),
        usable=graph.passable,
    )


def barrier_lines(city: City) -> NDArray[np.object_]:
    """Return the city's barriers as shapely lines."""
    return np.asarray(city.barriers["geometry"].to_numpy(), dtype=object)


def _attach_facilities(city: City, graph: RoutingGraph) -> tuple[Attachment, IndexArray]:
    """Connect every facility: at its entrances, else where its outline is nearest to a street, else at its point."""
    places, facility = entrance_geometries(city)
    attachment = attach_geometries(
        graph.network,
        places,
        limit_m=graph.connection_limit_m,
        barriers=barrier_lines(city),
        usable=graph.passable,
    )
    return attachment, facility


def entrance_geometries(city: City) -> tuple[NDArray[np.object_], IndexArray]:
    """Return where each facility is entered, and the facility's row: mapped entrances, else its outline, else its point."""
    rows = pd.Index(city.facilities["facility_id"])
    of_entrance = np.asarray(rows.get_indexer(pd.Index(city.entrances["facility_id"])), np.int64)
    mapped = np.flatnonzero(of_entrance >= 0)
    with_entrance = np.zeros(len(rows), np.bool_)
    with_entrance[of_entrance[mapped]] = True
    bare = np.flatnonzero(~with_entrance)
    doors = shapely.points(city.entrances[["x", "y"]].to_numpy(np.float64)[mapped])
    outlines = city.facilities["outline"].to_numpy()[bare]
    at_point = shapely.points(city.facilities[["x", "y"]].to_numpy(np.float64)[bare])
    # An outline is entered from its edge: seen from inside, every street in a park would lie at distance zero.
    edges = shapely.boundary(np.asarray([None if outline is None else outline for outline in outlines], dtype=object))
    has_edge = np.asarray([edge is not None and not edge.is_empty for edge in edges], np.bool_)
    spots = np.where(has_edge, edges, at_point) if len(bare) else np.empty(0, object)
    geometries = np.concatenate([np.asarray(doors, object), np.asarray(spots, object)])
    return geometries, np.concatenate([of_entrance[mapped], bare])


def _places(city: City, standard: Standard, classes: tuple[str, ...], ground: _Streets) -> tuple[Places, IndexArray, IndexArray]:
    """List the places of each class with their entrances; a facility that meets two classes is two places."""
    class_of_facility = city.facilities["class_id"].to_numpy()
    order = np.argsort(ground.entrance_facility, kind="stable")
    counts = np.bincount(ground.entrance_facility, minlength=len(class_of_facility))
    first = starts(counts)[:-1]
    facility, class_no = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for number, class_id in enumerate(classes):
        meets = (class_id, *standard.class_(class_id).also_met_by)
        rows = np.flatnonzero(np.isin(class_of_facility, meets))
        facility.append(rows)
        class_no.append(np.full(len(rows), number))
    facilities = np.concatenate(facility)
    entrances = order[ranges(first[facilities], counts[facilities])]
    owner = np.repeat(np.arange(len(facilities)), counts[facilities])
    places = Places(ground.entrances.take(entrances), owner, np.concatenate(class_no), len(classes))
    return places, facilities, entrances
