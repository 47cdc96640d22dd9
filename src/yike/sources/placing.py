"""Where rows lie: from shapes or columns of coordinates, in any system that the user names, to metres of the city."""

from __future__ import annotations

import numpy as np
import pyproj
import shapely

from yike.errors import Fault
from yike.model.coordinates import WGS84 as WGS84_SYSTEM
from yike.model.coordinates import CoordinateSystem, to_wgs84
from yike.model.network import check_metric_crs
from yike.sources.cell_values import read_figures
from yike.sources.column_words import find_fields
from yike.sources.notes import note
from yike.sources.row_checks import BoolArray, FloatArray, ObjectArray, RowChecks
from yike.sources.tables import WGS84, has_shapes, shapes_of

LON_LIMIT_DEG, LAT_LIMIT_DEG = 180.0, 90.0
# A row counts as swapped where its figures, exchanged, lie this near the known area and as they stand do not.
NEAR_M = 20_000.0


def places(
    checks: RowChecks, crs: str, *, system: CoordinateSystem | None = None, within: shapely.Geometry | None = None
) -> ObjectArray:
    """Return each row's geometry in the metric system ``crs``, from shapes or from columns of coordinates.

    Columns are longitude and latitude in WGS 84 unless ``system`` says otherwise. Shapes are in the system that their file
    states; ``system`` speaks where it states none. Marked are rows without a place, out of range, at 0/0, or with the two figures
    exchanged: that is, beyond 90 degrees of latitude, or far from ``within`` (the known area, in ``crs``) unless exchanged.
    """
    check_metric_crs(crs, "crs")
    if has_shapes(checks.table):
        return _shapes(checks, crs, system, within)
    if not any(checks.has(name) for name in ("lon", "lat", "x", "y")):
        found = find_fields(list(checks.table.columns), "place", words=checks.vocabulary)
        checks.columns |= {name: each.column for name, each in found.items()}
    names = ("lon", "lat") if checks.has("lon") and checks.has("lat") else ("x", "y")
    if not all(checks.has(name) for name in names):
        for name in ("lon", "lat"):
            if not checks.has(name):
                checks.missing(name, subject="place")
        return np.full(checks.count, None, object)
    return places_by_columns(checks, *names, crs=crs, system=system, within=within)


def places_by_columns(
    checks: RowChecks,
    x_name: str,
    y_name: str,
    *,
    crs: str,
    system: CoordinateSystem | None = None,
    within: shapely.Geometry | None = None,
) -> ObjectArray:
    """Return points in ``crs`` from the two named fields, None where a row is bad (and marked)."""
    system = WGS84_SYSTEM if system is None else system
    x, y = _coordinates(checks, x_name), _coordinates(checks, y_name)
    known = ~np.isnan(x) & ~np.isnan(y)
    values = {"lon": x, "lat": y}
    good = known.copy()
    if system.unit == "degree":
        good &= _mark_degrees(checks, x, y, known, (x_name, y_name))
    else:
        good &= ~_marked(checks, "tables.looks_like_degrees", x_name, known & (np.abs(x) <= 180) & (np.abs(y) <= 90), values)
    xy = np.full((checks.count, 2), np.nan)
    xy[good] = _moved(np.column_stack([x, y])[good], system, crs)
    if within is not None:
        good &= ~_mark_exchanged(checks, x, y, xy, good, (system, crs, within), y_name)
    good &= ~_marked(checks, "tables.out_of_range", y_name, good & ~np.isfinite(xy).all(axis=1), values)
    if system != WGS84_SYSTEM:
        checks.notes.append(note("points_in", system=system.id, count=int(good.sum())))
    placed = np.full(checks.count, None, object)
    placed[good] = shapely.points(xy[good])
    return placed


def _coordinates(checks: RowChecks, name: str) -> FloatArray:
    cells = checks.table[checks.columns[name]]
    read = read_figures(cells, words=checks.vocabulary, units={})
    checks.mark("table.empty_cell", name, read.empty | read.unknown)
    checks.mark("table.not_a_number", name, read.wrong, {"value": cells.to_numpy(object)})
    return read.values


def _marked(checks: RowChecks, code: str, name: str, rows: BoolArray, values: dict[str, FloatArray]) -> BoolArray:
    checks.mark(code, name, rows, values)
    return rows


def _mark_degrees(checks: RowChecks, lon: FloatArray, lat: FloatArray, known: BoolArray, names: tuple[str, str]) -> BoolArray:
    """Mark rows whose figures are no place on the earth; returns the others."""
    values = {"lon": lon, "lat": lat}
    with np.errstate(invalid="ignore"):
        metric = known & ((np.abs(lon) > 2 * LON_LIMIT_DEG) | (np.abs(lat) > 2 * LON_LIMIT_DEG))
        swapped = known & ~metric & (np.abs(lat) > LAT_LIMIT_DEG) & (np.abs(lon) <= LAT_LIMIT_DEG)
        outside = known & ~metric & ~swapped & ((np.abs(lon) > LON_LIMIT_DEG) | (np.abs(lat) > LAT_LIMIT_DEG))
    zero = known & (lon == 0) & (lat == 0)
    checks.mark("tables.not_degrees", names[0], metric, values)
    checks.mark("tables.swapped", names[1], swapped, values)
    checks.mark("tables.out_of_range", names[1], outside, values)
    checks.mark("tables.zero_place", names[1], zero)
    return np.asarray(~(metric | swapped | outside | zero), bool)


def _moved(xy: FloatArray, system: CoordinateSystem, crs: str) -> FloatArray:
    """Return (n, 2) places of a system in ``crs`` [m]; a place that has none there gets figures that are not finite."""
    lonlat = xy if system == WGS84_SYSTEM else to_wgs84(xy, system)
    transformer = pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)
    return np.column_stack(transformer.transform(lonlat[:, 0], lonlat[:, 1]))


def _mark_exchanged(
    checks: RowChecks,
    x: FloatArray,
    y: FloatArray,
    xy: FloatArray,
    rows: BoolArray,
    frame: tuple[CoordinateSystem, str, shapely.Geometry],
    name: str,
) -> BoolArray:
    """Mark the rows far from the known area that would lie in it with their figures exchanged."""
    system, crs, within = frame
    left, low, right, high = within.bounds
    near = shapely.box(left - NEAR_M, low - NEAR_M, right + NEAR_M, high + NEAR_M)
    far = rows & ~shapely.intersects_xy(near, np.nan_to_num(xy[:, 0]), np.nan_to_num(xy[:, 1]))
    exchanged = np.zeros(len(rows), bool)
    if far.any():
        other = np.nan_to_num(_moved(np.column_stack([y, x])[far], system, crs), posinf=0.0, neginf=0.0)
        exchanged[far] = shapely.intersects_xy(near, other[:, 0], other[:, 1])
    return _marked(checks, "tables.exchanged", name, exchanged, {"lon": x, "lat": y})


def _shapes(checks: RowChecks, crs: str, system: CoordinateSystem | None, within: shapely.Geometry | None) -> ObjectArray:
    stated: pyproj.CRS | None = getattr(checks.table, "crs", None)
    shapes = np.asarray(shapely.force_2d(shapes_of(checks.table)), object)
    if stated is None and system is None:
        checks.whole.append(Fault("tables.no_crs", checks.file))
        return np.full(checks.count, None, object)
    broken = np.zeros(len(shapes), bool)
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    broken[index[~np.isfinite(coordinates).all(axis=1)]] = True
    checks.mark("tables.not_finite", "geometry", broken)
    shapes = shapes.copy()
    shapes[broken] = None
    if stated is None or (system is not None and system.shift):
        shifted = system if system is not None else WGS84_SYSTEM
        present = ~shapely.is_missing(shapes)
        shapes[present] = shapely.transform(shapes[present], lambda xy: to_wgs84(xy, shifted))
        checks.notes.append(note("points_in", system=shifted.id, count=int(present.sum())))
        return _project_shapes(checks, shapes, WGS84, crs, broken)
    return _project_shapes(checks, shapes, str(stated.to_wkt()), crs, broken)


def _project_shapes(checks: RowChecks, shapes: ObjectArray, source: str, crs: str, broken: BoolArray) -> ObjectArray:
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    checks.mark("tables.no_shape", "geometry", empty & ~broken)
    parsed = pyproj.CRS.from_user_input(source)
    bounds = shapely.bounds(shapes)
    if parsed.is_geographic:
        lon_deg, lat_deg = (np.fmax(np.abs(bounds[:, i]), np.abs(bounds[:, i + 2])) for i in (0, 1))
        swapped = (lat_deg > LAT_LIMIT_DEG) & (lon_deg <= LAT_LIMIT_DEG)
        outside = ((lat_deg > LAT_LIMIT_DEG) | (lon_deg > LON_LIMIT_DEG)) & ~swapped
        values = {"lon": bounds[:, 0], "lat": bounds[:, 1]}
        checks.mark("tables.swapped", "geometry", swapped, values)
        checks.mark("tables.out_of_range", "geometry", outside, values)
        zero = (bounds == 0).all(axis=1)
        checks.mark("tables.zero_place", "geometry", zero)
        empty = empty | swapped | outside | zero
    placed = np.full(len(shapes), None, object)
    placed[~empty] = shapes[~empty]
    if not parsed.equals(pyproj.CRS.from_user_input(crs)):
        placed[~empty] = projected(shapes[~empty], parsed, crs)
    far = ~empty & ~np.isfinite(shapely.bounds(placed)).all(axis=1)
    checks.mark("tables.out_of_range", "geometry", far, {"lon": bounds[:, 0], "lat": bounds[:, 1]})
    placed[far] = None
    return placed


def projected(shapes: ObjectArray, source: str | pyproj.CRS, crs: str) -> ObjectArray:
    """Return shapes in another coordinate system; a place that has none there gets infinite coordinates."""
    transformer = pyproj.Transformer.from_crs(source, crs, always_xy=True)

    def move(xy: FloatArray) -> FloatArray:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return np.asarray(shapely.transform(shapes, move), object)


def points_and_outlines(checks: RowChecks, shapes: ObjectArray) -> tuple[FloatArray, ObjectArray]:
    """Return (n, 2) [m] points and (n,) outlines; a polygon's point lies inside it, lines are marked."""
    outlines = np.full(len(shapes), None, object)
    kinds = shapely.get_type_id(shapes)
    polygon = np.isin(kinds, (3, 6))
    outlines[polygon] = [polygons_only(shape) for shape in shapes[polygon]]
    flat = polygon & shapely.is_missing(outlines)
    single = (kinds == 4) & (shapely.get_num_geometries(shapes) == 1)
    wrong = ~shapely.is_missing(shapes) & ~polygon & (kinds != 0) & ~single
    if (wrong | flat).any():
        kind_names = np.array([getattr(shape, "geom_type", "") for shape in shapes], object)
        checks.mark("tables.wrong_shape", "geometry", wrong | flat, {"kind": kind_names})
    points = shapes.copy()
    points[polygon] = shapely.point_on_surface(outlines[polygon])
    points[single] = shapely.get_geometry(shapes[single], 0)
    points[wrong] = None
    return np.column_stack([shapely.get_x(points), shapely.get_y(points)]), outlines


def polygons_only(shape: shapely.Geometry) -> shapely.Polygon | shapely.MultiPolygon | None:
    """Return a shape as a valid polygon or multipolygon, without stray lines; None where no area is left."""
    valid = shape if shape.is_valid else shapely.make_valid(shape)
    if valid.geom_type in ("Polygon", "MultiPolygon"):
        return valid if valid.area > 0 else None
    parts = [part for part in shapely.get_parts(valid) if part.geom_type in ("Polygon", "MultiPolygon") and part.area > 0]
    return shapely.union_all(parts) if parts else None
