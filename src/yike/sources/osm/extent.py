"""The sea and the extent of what an OpenStreetMap file knows."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from yike.model.network import StreetNetwork
from yike.sources.osm.places import Geometries, to_crs
from yike.sources.osm.reading import OsmData

# Concavity of the hull around the streets: 0 follows every bay, 1 is the convex hull.
HULL_RATIO = 0.3
# Places known around the outermost streets.
HULL_MARGIN_M = 50.0
# A box that the streets fill to this share was cut out as a box; a lesser share means it only bounds some other shape.
FILLED_SHARE = 0.95
_SIMPLE_M = 10.0
_BESIDE_M = 0.05
_STEP_M = 0.01


def known_extent(data: OsmData, network: StreetNetwork) -> tuple[shapely.Geometry, str]:
    """Return the area within which the file is taken to be complete, in the network's coordinates, and how it was found.

    The bounding box stated by the file, where the concave hull of the streets fills ``FILLED_SHARE`` of it on land; else
    that hull together with the sea, in which nothing is missing.
    """
    hull = shapely.concave_hull(shapely.multipoints(network.node_xy), ratio=HULL_RATIO)
    hull = shapely.simplify(shapely.buffer(hull, HULL_MARGIN_M), _SIMPLE_M)
    box = stated_box(data, network.crs)
    if box is None:
        return hull, "extent: concave hull of the streets; the file states no box"
    water = sea(data, box, crs=network.crs)
    known = shapely.intersection(hull if water is None else shapely.union(hull, water), box)
    if known.area >= FILLED_SHARE * box.area:
        return box, "extent: bounding box stated by the file"
    with_sea = "" if water is None else " and the sea"
    return known, f"extent: concave hull of the streets{with_sea}; they do not fill the box that the file states"


def stated_box(data: OsmData, crs: str) -> shapely.Polygon | None:
    """Return the bounding box of the file's header as a polygon in ``crs``, or None."""
    if data.box is None:
        return None
    west, south, east, north = data.box
    corners = shapely.segmentize(shapely.box(west, south, east, north), max(east - west, north - south) / 16)
    return to_crs(np.array([corners], dtype=object), crs)[0]


def sea(data: OsmData, window: shapely.Polygon, *, crs: str) -> shapely.Geometry | None:
    """Return the sea inside a window, or None without a coast line.

    Coast lines run with the land on their left. They are merged, their loose ends led straight to the nearest edge of the
    window, and of the parts into which they cut it those on the right of their longest coast are water.
    """
    coast = [shapely.LineString(way.lonlat) for way in data.ways if way.tags.get("natural") == "coastline"]
    if not coast:
        return None
    lines = to_crs(np.array(coast, dtype=object), crs)
    lines = shapely.get_parts(shapely.line_merge(shapely.union_all(lines), directed=True))
    edge = shapely.boundary(window)
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    ends = ends[np.tile(~shapely.is_ring(lines), 2) & shapely.covers(window, ends)]
    leads = _past_their_end(shapely.shortest_line(ends, edge))
    parts = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.union_all([edge, *lines, *leads]))))
    inside = parts[shapely.covers(window, shapely.point_on_surface(parts))]
    water = [part for part in inside if _right_of_coast(part, lines)]
    return shapely.union_all(water) if water else None


def _past_their_end(leads: Geometries) -> Geometries:
    """Lengthen straight lines a little, so that they cut the edge that they were led to in spite of rounding."""
    xy = shapely.get_coordinates(leads).reshape(-1, 2, 2)
    reach = np.hypot(*(xy[:, 1] - xy[:, 0]).T)
    xy[:, 1] += (xy[:, 1] - xy[:, 0]) * (_BESIDE_M / np.maximum(reach, _BESIDE_M))[:, None]
    return np.asarray(shapely.linestrings(xy), dtype=object)


def _right_of_coast(part: shapely.Polygon, lines: Geometries) -> bool:
    """Tell whether a part lies on the right of the longest coast that bounds it."""
    shared = shapely.intersection(shapely.boundary(part), lines)
    longest = int(np.argmax(shapely.length(shared)))
    if shapely.length(shared[longest]) == 0:
        return False
    pieces = shapely.get_parts(shared[longest])
    middle = shapely.line_interpolate_point(pieces[int(np.argmax(shapely.length(pieces)))], 0.5, normalized=True)
    along = float(shapely.line_locate_point(lines[longest], middle))
    steps: NDArray[np.object_] = shapely.line_interpolate_point(lines[longest], [max(along - _STEP_M, 0.0), along + _STEP_M])
    ahead = np.array([steps[1].x - steps[0].x, steps[1].y - steps[0].y])
    right = np.array([ahead[1], -ahead[0]]) / float(np.hypot(*ahead))
    return bool(shapely.intersects(part, shapely.Point(middle.x + right[0] * _BESIDE_M, middle.y + right[1] * _BESIDE_M)))
