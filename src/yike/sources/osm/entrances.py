"""Entrances of places with extent: mapped gates and doors on the outline, else where streets meet it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from yike.model.network import StreetNetwork
from yike.model.tables import TABLES
from yike.sources.osm.places import Geometries, to_crs
from yike.sources.osm.reading import OsmData, OsmNode
from yike.sources.outline_entrances import find_outline_entrances

# A gate is drawn on the outline or on the fence just beside it.
GATE_REACH_M = 2.0
# A station's exits lie at the ends of its platforms and across the streets around it.
STATION_REACH_M = 300.0
_GATES = ("gate", "entrance", "swing_gate", "sliding_gate", "kissing_gate", "turnstile", "full-height_turnstile", "stile")
_NOT_FOR_VISITORS = ("no", "exit", "emergency", "service", "garage")
_STATION_CLASS = "metro_station"


def entrances(data: OsmData, facilities: pd.DataFrame, network: StreetNetwork) -> pd.DataFrame:
    """Return the entrances of the facilities that have an outline, and of metro stations.

    First choice are nodes with ``entrance`` or a gate within ``GATE_REACH_M`` of the outline (kind ``entrance``); without
    any, the places where the outline crosses or touches a street of ``network`` (kind ``outline``, one for each metre
    square). A facility with neither has no row: it is then reached from the street nearest to its outline. Locked, private
    and emergency doors do not count. Station exits (``railway=subway_entrance``) belong to the nearest metro station within
    ``STATION_REACH_M``.
    """
    parts = [_station_exits(data, facilities, network.crs)]
    has_outline = ~facilities["outline"].isna().to_numpy()
    rows = np.flatnonzero(has_outline)
    outlines = facilities["outline"].to_numpy(object)[rows]
    edges = shapely.boundary(outlines)
    gates = to_crs(_points([node for node in data.nodes if is_entrance(node)]), network.crs)
    gate, edge = shapely.STRtree(edges).query(gates, predicate="dwithin", distance=GATE_REACH_M) if len(rows) else _nothing()
    parts.append(_table(facilities, rows[edge], shapely.get_coordinates(gates)[gate], "entrance"))
    without = np.ones(len(rows), bool)
    without[edge] = False
    without[np.isin(facilities["facility_id"].to_numpy(object)[rows], parts[0]["facility_id"].to_numpy(object))] = False
    parts.append(find_outline_entrances(facilities.iloc[rows[without]], network))
    table = pd.concat(parts, ignore_index=True)
    table = table.drop_duplicates(["facility_id", "x", "y"])
    return TABLES["entrances"].conform(table, file=data.file)


def is_entrance(node: OsmNode) -> bool:
    """Tell whether visitors enter at a node: a mapped entrance or a gate, not locked, not private, not for emergencies."""
    tags = node.tags
    if tags.get("locked") == "yes" or tags.get("foot", tags.get("access")) in ("no", "private"):
        return False
    if "entrance" in tags:
        return tags["entrance"] not in _NOT_FOR_VISITORS
    return tags.get("barrier") in _GATES


def _station_exits(data: OsmData, facilities: pd.DataFrame, crs: str) -> pd.DataFrame:
    exits = to_crs(_points([node for node in data.nodes if node.tags.get("railway") == "subway_entrance"]), crs)
    stations = np.flatnonzero(facilities["class_id"].to_numpy(object) == _STATION_CLASS)
    if not len(exits) or not len(stations):
        return _table(facilities, np.empty(0, np.int64), np.empty((0, 2)), "entrance")
    xy = shapely.get_coordinates(exits)
    metres, nearest = cKDTree(facilities[["x", "y"]].to_numpy(np.float64)[stations]).query(xy)
    near = metres <= STATION_REACH_M
    return _table(facilities, stations[nearest[near]], xy[near], "entrance")


def _table(facilities: pd.DataFrame, rows: NDArray[np.int64], xy: NDArray[np.float64], kind: str) -> pd.DataFrame:
    ids = facilities["facility_id"].to_numpy(object)[rows]
    return pd.DataFrame({"facility_id": ids, "x": xy[:, 0], "y": xy[:, 1], "kind": np.full(len(rows), kind, dtype=object)})


def _points(nodes: list[OsmNode]) -> Geometries:
    points = np.empty(len(nodes), object)
    points[:] = [shapely.Point(node.lon, node.lat) for node in nodes]
    return points


def _nothing() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.empty(0, np.int64), np.empty(0, np.int64)
