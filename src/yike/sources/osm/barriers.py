"""Barriers of OpenStreetMap (lines that a connection may not cross) and the background of maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike.model.tables import TABLES
from yike.sources.osm.entrances import is_entrance
from yike.sources.osm.places import Geometries, to_crs
from yike.sources.osm.reading import OsmArea, OsmData, OsmWay
from yike.sources.osm.rules import Tags, at_grade, is_tunnel, mapping, says_yes
from yike.sources.osm.street_rules import street_use

_COAST_ID = "osm:coast"


def barriers(data: OsmData, *, crs: str) -> pd.DataFrame:
    """Return the lines that a connection between a point and a street may not cross, in ``crs`` [m].

    water: edges of water areas, rivers, canals, wide streams, coasts. rail: tracks on the ground. motorway: motorways and
    trunk roads on the ground that walkers may not use. wall: walls and fences of some length, open for ``opening_m`` at
    gates and entrances. What runs in a tunnel or a culvert, on a bridge or on another layer is none; seasonal water is none.
    Streets themselves are never cut.
    """
    rules = mapping("osm-barriers")
    found: list[tuple[str, str, shapely.Geometry]] = []
    for area in _matching(data.areas, rules["water_areas"]):
        if not _seasonal(area.tags) and not is_tunnel(area.tags):
            found.append((f"osm:{area.id}", "water", shapely.boundary(area.shape)))
    for name, way in _named_runs(data.ways):
        kind = _line_kind(way.tags)
        if kind is not None:
            found.append((f"osm:{name}", kind, shapely.LineString(way.lonlat)))
    kinds = np.array([kind for _, kind, _ in found], dtype=object)
    shapes = to_crs(_column([shape for _, _, shape in found]), crs)
    keep = _large_enough(kinds, shapes, areas=np.array(["." not in name for name, _, _ in found], bool))
    shapes[kinds == "wall"] = _with_openings(shapes[kinds == "wall"], data, crs)
    keep &= ~shapely.is_empty(shapes)
    names = np.array([name for name, _, _ in found], dtype=object)
    table = pd.DataFrame({"barrier_id": names[keep], "kind": kinds[keep], "geometry": shapes[keep]})
    return TABLES["barriers"].conform(table, file=data.file)


def _named_runs(ways: Sequence[OsmWay]) -> Iterator[tuple[str, OsmWay]]:
    """Name each run of a way ``w<id>.<number>``: numbered from 1, more than one only where nodes are missing."""
    number: Counter[int] = Counter()
    for way in ways:
        number[way.id] += 1
        yield f"w{way.id}.{number[way.id]}", way


def _line_kind(tags: Tags) -> str | None:
    """Return the kind of barrier that a way is, or None."""
    rules = mapping("osm-barriers")
    if _is_water_line(tags):
        return "water"
    if tags.get("railway") in rules["rail_lines"] and at_grade(tags) and not says_yes(tags, "covered"):
        return "rail"
    if tags.get("highway") in rules["motorway_lines"] and at_grade(tags) and street_use(tags, "walk") is None:
        return "motorway"
    if tags.get("barrier") in rules["wall_lines"] and at_grade(tags):
        return "wall"
    return None


def _is_water_line(tags: Tags) -> bool:
    rules = mapping("osm-barriers")
    if tags.get("natural") == rules["coast"]:
        return True
    if says_yes(tags, "tunnel") or says_yes(tags, "covered") or tags.get("location") == "underground" or _seasonal(tags):
        return False
    wide = _metres(tags.get("width")) >= rules["least_stream_m"]
    waterway = tags.get("waterway")
    return waterway in rules["water_lines"] or (waterway in rules["stream_lines"] and wide)


def _seasonal(tags: Tags) -> bool:
    return says_yes(tags, "intermittent") or says_yes(tags, "seasonal")


def _metres(width: str | None) -> float:
    """Read a width in metres; 0 where none is given or it is no number."""
    try:
        return float((width or "0").removesuffix("m").strip())
    except ValueError:
        return 0.0


def _large_enough(kinds: NDArray[np.object_], shapes: Geometries, *, areas: NDArray[np.bool_]) -> NDArray[np.bool_]:
    rules = mapping("osm-barriers")
    span_m = np.zeros(len(shapes))
    if len(shapes):
        box = shapely.bounds(shapes)
        span_m = np.hypot(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1])
    short = np.where(kinds == "wall", shapely.length(shapes) < rules["least_wall_m"], areas & (span_m < rules["least_span_m"]))
    return np.asarray(~short.astype(bool))


def _with_openings(walls: Geometries, data: OsmData, crs: str) -> Geometries:
    """Cut openings into walls at gates and entrances."""
    gates = to_crs(_column([shapely.Point(node.lon, node.lat) for node in data.nodes if is_entrance(node)]), crs)
    if not len(gates) or not len(walls):
        return walls
    reach = mapping("osm-barriers")["opening_m"] / 2
    gate, wall = shapely.STRtree(walls).query(gates, predicate="dwithin", distance=reach)
    holes = shapely.buffer(gates, reach)
    opened = walls.copy()
    for row in np.unique(wall):
        opened[row] = shapely.difference(walls[row], shapely.union_all(holes[gate[wall == row]]))
    return opened


def context(data: OsmData, *, crs: str, sea: shapely.Geometry | None = None) -> pd.DataFrame:
    """Return what is drawn behind the data, in ``crs`` [m]: water and green as polygons, rail and motorways as lines.

    Rivers without an area are as wide as their ``width`` says. ``sea`` is the water beyond the coast, or None.
    """
    rules = mapping("osm-barriers")
    found: list[tuple[str, str, Tags, shapely.Geometry]] = []
    found += [(area.id, "water", area.tags, area.shape) for area in _matching(data.areas, rules["water_areas"])]
    found += [(area.id, "green", area.tags, area.shape) for area in _matching(data.areas, rules["green_areas"])]
    lines = [(name, way, _drawn_kind(way.tags)) for name, way in _named_runs(data.ways)]
    found += [(name, kind, way.tags, shapely.LineString(way.lonlat)) for name, way, kind in lines if kind]
    shapes = to_crs(_column([shape for _, _, _, shape in found]), crs)
    kinds = np.array([kind for _, kind, _, _ in found], dtype=object)
    river = (kinds == "water") & (shapely.get_dimensions(shapes) == 1)
    half_m = np.array([(_metres(tags.get("width")) or rules["default_river_m"]) / 2 for _, _, tags, _ in found])
    shapes[river] = shapely.buffer(shapes[river], half_m[river], quad_segs=2, cap_style="flat")
    least = np.where(kinds == "green", rules["least_green_m2"], rules["least_water_m2"])
    keep = np.isin(kinds, ("rail", "motorway")) | (shapely.area(shapes) >= least)
    table = pd.DataFrame(
        {
            "context_id": [f"osm:{name}:{kind}" for name, kind, _, _ in found],
            "kind": kinds,
            "name": [tags.get("name:zh") or tags.get("name", "") for _, _, tags, _ in found],
            "geometry": shapes,
        }
    )[keep]
    if sea is not None:
        row = pd.DataFrame({"context_id": [_COAST_ID], "kind": ["water"], "name": [""], "geometry": _column([sea])})
        table = pd.concat([table, row], ignore_index=True)
    return TABLES["context"].conform(table, file=data.file)


def _drawn_kind(tags: Tags) -> str | None:
    rules = mapping("osm-barriers")
    if tags.get("waterway") in rules["water_lines"] and not says_yes(tags, "tunnel"):
        return "water"
    if tags.get("railway") in rules["rail_lines"] and not is_tunnel(tags):
        return "rail"
    if tags.get("highway") in rules["motorway_lines"] and not is_tunnel(tags):
        return "motorway"
    return None


def _matching(areas: Sequence[OsmArea], conditions: Iterable[dict[str, list[str]]]) -> list[OsmArea]:
    wanted = list(conditions)
    return [
        area for area in areas if any(area.tags.get(key) in values for condition in wanted for key, values in condition.items())
    ]


def _column(shapes: Sequence[shapely.Geometry]) -> Geometries:
    column = np.empty(len(shapes), object)
    column[:] = shapes
    return column
