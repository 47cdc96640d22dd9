"""Neighbourhoods of OpenStreetMap: its named places as committees, most of them points without an area."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike.model.tables import UNITS
from yike.sources.osm.places import Geometries, to_crs
from yike.sources.osm.reading import NEIGHBOURHOODS, read_objects
from yike.sources.osm.rules import Tags

Bools = NDArray[np.bool_]

# OpenStreetMap knows no committees; that a village has a village committee and a part of a town residents' committees is read
# into it. A city, a town or a borough holds many neighbourhoods, a locality no people: neither is one.
KIND_OF_PLACE = {
    "suburb": "residents_committee",
    "quarter": "residents_committee",
    "neighbourhood": "residents_committee",
    "village": "village_committee",
    "hamlet": "village_committee",
}


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """Hold the rows of the table `units`, the date of the file, and how many places were left out or gave up their outline."""

    units: pd.DataFrame
    sha256: str
    date: str
    places: int
    unnamed: int
    outside: int
    outlines_given_up: int


def read_neighbourhoods(path: Path, *, crs: str, extent: shapely.Polygon | shapely.MultiPolygon | None = None) -> Neighbourhoods:
    """Read the places of ``KIND_OF_PLACE`` in an OSM file as neighbourhoods, in the metric system ``crs``.

    A node is a committee without an area. A closed way or multipolygon keeps its outline; its centre is the node of its name
    inside it (which is then no unit of its own), else a point inside. An outline that holds further neighbourhoods bounds more
    than one: it is given up and the place stays as a point. Without a name, or outside ``extent``, a place is left out.

    Raises:
        InputError: the file is missing, damaged or of another kind.
    """
    data = read_objects(path, subject=NEIGHBOURHOODS)
    found: list[tuple[str, Tags, shapely.Geometry]] = []
    found += [(f"n{node.id}", node.tags, shapely.Point(node.lon, node.lat)) for node in data.nodes]
    found += [(area.id, area.tags, area.shape) for area in data.areas]
    places = [(name, tags, shape) for name, tags, shape in found if tags.get("place") in KIND_OF_PLACE]
    named = [place for place in places if _name(place[1])]
    shapes = np.empty(len(named), object)
    shapes[:] = [shape for _, _, shape in named]
    shapes = to_crs(shapes, crs)
    points = shapely.point_on_surface(shapes)
    inside = np.ones(len(named), bool) if extent is None else shapely.intersects(extent, points)
    names = [_name(tags) for _, tags, _ in named]
    points, own, drawn = _centres(shapes, points, names)
    rows = pd.DataFrame(
        {
            "unit_id": [f"osm:{name}" for name, _, _ in named],
            "name": names,
            "name_en": [tags.get("name:en", "") for _, tags, _ in named],
            "kind": [KIND_OF_PLACE[tags["place"]] for _, tags, _ in named],
            "centre_x": shapely.get_x(points),
            "centre_y": shapely.get_y(points),
            "outline": [shape if kept else None for shape, kept in zip(shapes, drawn, strict=True)],
            "source": path.name,
        }
    )
    kept = inside & ~own
    given_up = int((kept & ~drawn & (shapely.get_dimensions(shapes) == 2)).sum())
    units = UNITS.conform(rows[kept], file=str(path))
    outside = int((~inside).sum())
    return Neighbourhoods(units, data.sha256, data.date[:10], len(places), len(places) - len(named), outside, given_up)


def _name(tags: Tags) -> str:
    return tags.get("name:zh") or tags.get("name", "")


def _centres(shapes: Geometries, points: Geometries, names: list[str]) -> tuple[Geometries, Bools, Bools]:
    """Return each place's centre, which nodes are the centre of an area, and which areas keep their outline."""
    points = points.copy()
    area = shapely.get_dimensions(shapes) == 2
    areas, nodes = np.flatnonzero(area), np.flatnonzero(~area)
    own = np.zeros(len(shapes), bool)
    drawn = area.copy()
    node, holder = shapely.STRtree(shapes[areas]).query(points[nodes], predicate="intersects")
    for at, around in zip(nodes[node], areas[holder], strict=True):
        if names[at] == names[around]:
            own[at] = True
            points[around] = points[at]
        else:
            drawn[around] = False
    inner, outer = shapely.STRtree(shapes[areas]).query(points[areas], predicate="intersects")
    drawn[areas[outer[inner != outer]]] = False
    return points, own, drawn
