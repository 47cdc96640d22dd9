"""Where walkers and cyclists wait: half waits at crossings and signals.

A wait is counted in halves, so that one which is cut by a node is still one wait for those who pass and half a wait for
those who turn off on the carriageway.

1. A way that is a crossing carries one wait (two halves) of its kind: that of its own tags, else that of a crossing node on
   it, else a marked crossing. Cut by the carriageway's node, its first and its last piece carry half each. An end that is
   itself the crossing node in the carriageway carries none: the wait's other half lies on the way that goes on.
2. A crossing node where ways for walkers meet a carriageway without a way of kind 1: half a wait at each end of a walkers'
   way there. Who walks along the carriageway past it does not wait.
3. A signal where carriageways meet (three ends or more) and no walkers' way: half a wait at each end of a carriageway there.
   A signal at the stop line, at most ``stop_line_m`` before such a junction, is the junction's. The inside of a wide junction
   (``junction_inside_m``) carries none, so that its several signals are one wait.

Crossings mapped as unmarked or informal cost no wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyproj

from yike.sources.osm.reading import OsmNode, OsmWay
from yike.sources.osm.rules import mapping
from yike.sources.osm.street_rules import (
    CROSSING_MARKED,
    CROSSING_NONE,
    CROSSING_SIGNAL,
    crossing_type,
    has_signal,
    is_crossing_node,
    is_crossing_way,
    is_road,
    traffic_directions,
)

_JUNCTION_ENDS = 3
_ELLIPSOID = pyproj.Geod(ellps="WGS84")
WAIT = {CROSSING_NONE: 0, CROSSING_SIGNAL: 1, CROSSING_MARKED: 2}


@dataclass(frozen=True)
class WaitNodes:
    """Hold the OSM nodes where one waits: all crossing nodes by type (rule 1), those of rule 2 by type, those of rule 3."""

    crossing: Mapping[int, str]
    meeting: Mapping[int, str]
    junction: frozenset[int]


def wait_nodes(nodes: tuple[OsmNode, ...], ways: tuple[OsmWay, ...]) -> WaitNodes:
    """Find the nodes where rules 1, 2 and 3 apply, whatever the mode.

    ``ways`` are all ways of the file: a carriageway that walkers may not use is crossed all the same.
    """
    crossing = {node.id: crossing_type(node.tags) or CROSSING_MARKED for node in nodes if is_crossing_node(node.tags)}
    signals = {node.id for node in nodes if has_signal(node.tags)}
    on_crossing_way = {ref for way in ways if is_crossing_way(way.tags) for ref in way.refs.tolist()}
    roads = [way for way in ways if is_road(way.tags)]
    road_ends: dict[int, int] = {}
    for way in roads:
        refs = way.refs.tolist()
        for ref in refs[1:-1]:
            road_ends[ref] = road_ends.get(ref, 0) + 2
        for ref in (refs[0], refs[-1]):
            road_ends[ref] = road_ends.get(ref, 0) + 1
    meeting = {ref: kind for ref, kind in crossing.items() if ref in road_ends and ref not in on_crossing_way}
    junctions = {ref for ref, ends in road_ends.items() if ends >= _JUNCTION_ENDS}
    beside = {ref for way in roads for ref in _beyond_stop_lines(way, signals, junctions)}
    return WaitNodes(crossing, meeting, frozenset((signals & junctions) | beside))


def _beyond_stop_lines(way: OsmWay, signals: set[int], junctions: set[int]) -> list[int]:
    """Return the junctions on a carriageway whose stop line carries a signal: the next node that is a junction, if near enough.

    On a one-way street it looks ahead only.
    """
    refs = way.refs.tolist()
    places = [row for row, ref in enumerate(refs) if ref in signals and ref not in junctions]
    found: list[int] = []
    if not places:
        return found
    lon, lat = way.lonlat.T
    steps = np.asarray(_ELLIPSOID.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2])
    along_m = np.concatenate([[0.0], np.cumsum(steps)])
    crossings = [row for row, ref in enumerate(refs) if ref in junctions]
    forward, backward = traffic_directions(way.tags)
    for place in places:
        ahead = next((row for row in crossings if row > place), None)
        behind = next((row for row in reversed(crossings) if row < place), None)
        for row, seen in ((ahead, forward), (behind, backward)):
            if seen and row is not None and abs(along_m[row] - along_m[place]) <= mapping("osm-streets")["stop_line_m"]:
                found.append(refs[row])
    return found


def crossing_way_type(way: OsmWay, crossing: Mapping[int, str]) -> str:
    """Return the type of a crossing way (rule 1): its tags, else the nodes on it (a signal before a marking), else marked."""
    own = crossing_type(way.tags)
    if own is not None:
        return own
    found = {crossing[ref] for ref in way.refs.tolist() if ref in crossing}
    for kind in (CROSSING_SIGNAL, CROSSING_MARKED, CROSSING_NONE):
        if kind in found:
            return kind
    return CROSSING_MARKED


def crossing_way_halves(way: OsmWay, crossing: Mapping[int, str]) -> tuple[int, int]:
    """Return the halves at the ends of a crossing way (rule 1): none at an end that is a crossing node itself."""
    return int(int(way.refs[0]) not in crossing), int(int(way.refs[-1]) not in crossing)
