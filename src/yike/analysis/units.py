"""Units: areas of neighbourhood committees grown on the streets where only the committee's point is known.

A place belongs to the committee that its people reach soonest, the lowest id among equals. Residents are assigned by that rule
alone; the outlines drawn from it are for maps, like every polygon here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from yike.analysis.attachment import Attachment, Geometries, attach, starts
from yike.analysis.routing_graph import RoutingGraph, routing_graph
from yike.analysis.travel_time import DEFAULT_THREADS, NO_PLACE, UNREACHED, Places, chosen_profile, nearest_places
from yike.errors import Fault, UnknownName
from yike.model.city import City, Origin

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
_SAMPLE_M = 60.0  # the drawn areas follow streets at this spacing
_BESIDE_STREET_M = 300.0  # and end this far from the nearest street
_DISC_QUARTER = 4  # corners on a quarter of the circle that ends them
_EQUALS = 4  # as many equally near centres are compared
_GROWN = "units_grown"


@dataclass(frozen=True, eq=False)
class _Growth:
    """Hold what grows: the rows of the units without an outline, their centres as places, the streets they grow on."""

    unit: IndexArray
    centre_xy: FloatArray
    places: Places
    graph: RoutingGraph
    threads: int

    def by_time(self, points: Attachment) -> IndexArray:
        """Return (p,) which of the growing units each point reaches soonest, -1 where none."""
        table = nearest_places(self.graph, self.places, points, limit=UNREACHED - 1, threads=self.threads)
        return np.asarray(table.place[0], np.int64)

    def by_flight(self, xy: FloatArray) -> IndexArray:
        """Return (p,) which growing unit's centre lies nearest as the crow flies, the lowest id among equals."""
        near = np.asarray(cKDTree(self.centre_xy).query(xy, k=min(_EQUALS, len(self.unit)))[1]).reshape(len(xy), -1)
        away = np.hypot(*(xy[:, None] - self.centre_xy[near]).transpose(2, 0, 1))
        nearest = away == away.min(axis=1, keepdims=True)
        return np.asarray(np.where(nearest, near, len(self.unit)).min(axis=1), np.int64)


def grow_units(city: City, *, profile: str = "adult", threads: int = DEFAULT_THREADS) -> City:
    """Return the city with an area for each unit that has only a centre, and with a unit for each resident that has none.

    unit(p) = argmin over units u of time(p, centre of u), by ``profile`` along its streets without limit. A residential point
    inside an outline that the source gave belongs to that unit. One that reaches no centre goes to the nearest as the crow flies;
    the provenance tells how many. Drawn areas are Voronoi cells of points along the streets, merged by unit and cut 300 m from
    the streets and at the extent. Raises UnknownName for an unknown profile and where the city lacks its streets.
    """
    growth = _growth(city, profile, threads)
    if not len(growth.unit):
        return city
    unit_of_point, counts = _units_of_demand(city, growth)
    outlines = np.asarray(city.units["outline"].to_numpy(), dtype=object).copy()
    outlines[growth.unit] = _outlines(city, growth)
    note = f"{_GROWN}?profile={profile}&units={len(growth.unit)}" + "".join(f"&{key}={n}" for key, n in counts.items())
    return city.replace(
        units=city.units.assign(outline=outlines),
        demand=city.demand.assign(unit_id=unit_of_point),
        provenance=(*city.provenance, Origin("units", city.title, date=city.data_date, note=note)),
    )


def _growth(city: City, profile: str, threads: int) -> _Growth:
    traveller = chosen_profile(profile)
    if traveller.network not in city.networks:
        values = {"thing": "street network", "name": traveller.network, "known": ", ".join(city.networks)}
        raise UnknownName([Fault("name.unknown", city.title, field="modes", values=values)])
    graph = routing_graph(city.networks[traveller.network], traveller)
    unit = np.flatnonzero([outline is None for outline in city.units["outline"]])
    centre_xy = city.units[["centre_x", "centre_y"]].to_numpy(np.float64)[unit]
    centres = _connected(city, graph, centre_xy, threads)
    places = Places(centres, np.arange(len(unit)), np.zeros(len(unit), np.int64), 1)
    return _Growth(unit, centre_xy, places, graph, threads)


def _connected(city: City, graph: RoutingGraph, xy: FloatArray, threads: int) -> Attachment:
    barriers = np.asarray(city.barriers["geometry"].to_numpy(), dtype=object)
    limit_m = graph.connection_limit_m
    return attach(graph.network, xy, limit_m=limit_m, barriers=barriers, usable=graph.passable, threads=threads)


def _units_of_demand(city: City, growth: _Growth) -> tuple[NDArray[np.object_], dict[str, int]]:
    """Return each residential point's unit id, with the number of points assigned and of those that no street brought there."""
    unit_ids = city.units["unit_id"].to_numpy(object)
    of_point = city.demand["unit_id"].to_numpy(object).copy()
    free = np.flatnonzero(of_point == "")
    xy = city.demand[["x", "y"]].to_numpy(np.float64)[free]
    given = _inside_given(city, xy)
    of_point[free[given >= 0]] = unit_ids[given[given >= 0]]
    free, xy = free[given < 0], xy[given < 0]
    row = growth.by_time(_connected(city, growth.graph, xy, growth.threads))
    lost = row == NO_PLACE
    if lost.any():
        row[lost] = growth.by_flight(xy[lost])
    of_point[free] = unit_ids[growth.unit[row]]
    return of_point, {"points": len(free), "unconnected": int(lost.sum())}


def _inside_given(city: City, xy: FloatArray) -> IndexArray:
    """Return (p,) the row of the unit whose given outline holds each point, the first among several, -1 outside all."""
    outlines = np.asarray(city.units["outline"].to_numpy(), dtype=object)
    point, unit = shapely.STRtree(outlines).query(shapely.points(xy), predicate="intersects")
    first = np.full(len(xy), len(outlines), np.int64)
    np.minimum.at(first, point, unit)
    return np.where(first < len(outlines), first, -1)


def _outlines(city: City, growth: _Growth) -> Geometries:
    """Return (k,) the drawn area of each growing unit; None where no street is nearest to it."""
    xy, along = _samples(growth.graph)
    row = growth.by_time(along)
    lost = row == NO_PLACE
    if lost.any():
        row[lost] = growth.by_flight(xy[lost])
    cells = _cells(xy)
    out = np.full(len(growth.unit), None, object)
    order = np.argsort(row, kind="stable")
    found, first = np.unique(row[order], return_index=True)
    for unit, members in zip(found, np.split(order, first[1:]), strict=True):
        out[unit] = shapely.union_all(cells[members])
    if city.extent is not None:
        out = shapely.intersection(out, city.extent)
    given = [outline for outline in city.units["outline"] if outline is not None]
    if given:
        out = shapely.difference(out, shapely.union_all(given))
    return np.array([_areas_only(area) for area in out], dtype=object)


def _areas_only(area: shapely.Geometry | None) -> shapely.Geometry | None:
    if area is None or area.is_empty:
        return None
    parts = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon"]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts) if parts else None


def _samples(graph: RoutingGraph) -> tuple[FloatArray, Attachment]:
    """Return points along every passable street on the ground, ends included, and where they lie on it; no place stands twice."""
    network = graph.network
    segment = np.flatnonzero(graph.passable & network.attachable)
    pieces = np.maximum(1, np.ceil(network.length_dm[segment] / 10 / _SAMPLE_M).astype(np.int64))
    owner = np.repeat(np.arange(len(segment)), pieces + 1)
    step = np.arange(len(owner)) - np.repeat(starts(pieces + 1)[:-1], pieces + 1)
    fraction = step / pieces[owner]
    shapes = network.shapes(segment)[owner]
    xy = shapely.get_coordinates(shapely.line_interpolate_point(shapes, fraction, normalized=True))
    _, kept = np.unique(np.round(xy, 3), axis=0, return_index=True)
    kept.sort()
    rows = Attachment(np.arange(len(kept) + 1), segment[owner[kept]], fraction[kept], np.zeros(len(kept)))
    return xy[kept], rows


def _cells(xy: FloatArray) -> Geometries:
    """Return (p,) the Voronoi cell of each point, cut to a disc around it: so no cell leaves the neighbourhood of streets."""
    discs = shapely.buffer(shapely.points(xy), _BESIDE_STREET_M, quad_segs=_DISC_QUARTER)
    around = shapely.box(*shapely.total_bounds(discs))
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(xy), extend_to=around))
    own = cells[shapely.STRtree(cells).nearest(shapely.points(xy))]
    return np.asarray(shapely.intersection(own, discs), dtype=object)
