"""Facilities of OpenStreetMap: points and outlines by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from yike.model.tables import TABLES
from yike.sources.osm.classes import classes_of, folded, may_be_place, place_keys
from yike.sources.osm.reading import OsmData
from yike.sources.osm.rules import Tags

Geometries = NDArray[np.object_]


@dataclass(frozen=True)
class Places:
    """Hold the facilities table and what was set aside: places without class, counted by their tag, and doubles."""

    facilities: pd.DataFrame
    without_class: Mapping[str, int]
    doubles: int

    @property
    def note(self) -> str:
        """Say in one line what was set aside."""
        unclear = self.without_class.get("amenity=school", 0)
        sizes = self.without_class.get("leisure=park", 0)
        return (
            f"{len(self.facilities)} rows; {self.doubles} points inside the outline of the same place dropped; "
            f"{unclear} schools of unknown stage and {sizes} parks too small or of unknown size have no class"
        )


def facilities(data: OsmData, *, crs: str) -> Places:
    """Return the facilities of the classes of `mappings/osm-places.yaml`, coordinates in ``crs`` [m].

    One row for each object and class, ``facility_id`` like ``osm:w123:kindergarten``. Areas keep their outline, its area as
    ``site_area_m2`` and a point inside it as x, y; open ways stand at their middle. ``opening_hours_text`` keeps the tag as
    it is. A point inside the outline of the same class, with the same name or none, is dropped.
    """
    ids, tags, shapes = _candidates(data)
    shapes = to_crs(shapes, crs)
    area = np.where(shapely.get_dimensions(shapes) == 2, shapely.area(shapes), np.nan)
    points = _inner_points(shapes)
    rows: list[dict[str, object]] = []
    without: Counter[str] = Counter()
    for position, (name, own) in enumerate(zip(ids, tags, strict=True)):
        area_m2 = None if np.isnan(area[position]) else float(area[position])
        found = classes_of(own, area_m2=area_m2)
        if not found:
            without.update(f"{key}={own[key]}" for key in place_keys() if key in own)
        for class_id in found:
            rows.append(
                {
                    "facility_id": f"osm:{name}:{class_id}",
                    "class_id": class_id,
                    "name": own.get("name:zh") or own.get("name", ""),
                    "x": points[position, 0],
                    "y": points[position, 1],
                    "site_area_m2": area[position],
                    "source": data.file,
                    "outline": shapes[position] if area_m2 is not None else None,
                    "opening_hours_text": own.get("opening_hours", ""),
                }
            )
    table = pd.DataFrame(rows) if rows else TABLES["facilities"].empty().assign(opening_hours_text=pd.Series([], dtype=object))
    table = TABLES["facilities"].conform(table, file=data.file)
    double = _doubles(table)
    return Places(table[~double].reset_index(drop=True), dict(without), int(double.sum()))


def _candidates(data: OsmData) -> tuple[list[str], list[Tags], Geometries]:
    """Collect points, open ways and areas that carry a key of a rule; a closed way counts as its area."""
    outlined = {area.id for area in data.areas}
    found: list[tuple[str, Tags, shapely.Geometry]] = []
    found += [(f"n{node.id}", node.tags, shapely.Point(node.lon, node.lat)) for node in data.nodes if may_be_place(node.tags)]
    seen: set[str] = set()
    for way in data.ways:
        name = f"w{way.id}"
        if name not in outlined and name not in seen and may_be_place(way.tags):
            seen.add(name)
            found.append((name, way.tags, shapely.LineString(way.lonlat)))
    found += [(area.id, area.tags, area.shape) for area in data.areas if may_be_place(area.tags)]
    shapes = np.empty(len(found), object)
    shapes[:] = [shape for _, _, shape in found]
    return [name for name, _, _ in found], [tags for _, tags, _ in found], shapes


def _inner_points(shapes: Geometries) -> NDArray[np.float64]:
    """Return (n, 2) a point inside each area, the middle of each line, each point itself."""
    points = shapely.point_on_surface(shapes)
    line = shapely.get_dimensions(shapes) == 1
    points[line] = shapely.line_interpolate_point(shapes[line], 0.5, normalized=True)
    return np.stack([shapely.get_x(points), shapely.get_y(points)], axis=1)


def to_crs(shapes: Geometries, crs: str) -> Geometries:
    """Project geometries from longitude and latitude to ``crs``; areas of one part become plain polygons."""
    transformer = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    projected = shapely.transform(shapes, lambda xy: np.stack(transformer.transform(xy[:, 0], xy[:, 1]), axis=1))
    single = (shapely.get_type_id(projected) == shapely.GeometryType.MULTIPOLYGON) & (shapely.get_num_geometries(projected) == 1)
    projected[single] = shapely.get_geometry(projected[single], 0)
    return np.asarray(projected, dtype=object)


def _doubles(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which points lie inside an outline of their class whose name is theirs, or where either has no name."""
    double = np.zeros(len(table), bool)
    outline = table["outline"].to_numpy(object)
    areas = np.flatnonzero(~pd.isna(outline))
    spots = np.flatnonzero(pd.isna(outline))
    if not len(areas) or not len(spots):
        return double
    points = shapely.points(table["x"].to_numpy()[spots], table["y"].to_numpy()[spots])
    spot, area = shapely.STRtree(outline[areas]).query(points, predicate="intersects")
    spot, area = spots[spot], areas[area]
    class_id = table["class_id"].to_numpy()
    names = np.array([folded(name).strip() for name in table["name"]], dtype=object)
    same = (names[spot] == names[area]) | (names[spot] == "") | (names[area] == "")
    double[spot[same & (class_id[spot] == class_id[area])]] = True
    return double
