"""Take typed values out of a table's rows, noting every bad cell with its row before anything is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.model.network import check_metric_crs
from yike.sources.tables import WGS84, find_columns, mapping, plain

REFUSE, DROP = "refuse", "drop"
ON_BAD_ROWS = (REFUSE, DROP)
FAULTS_LISTED_EACH = 10
LON_LIMIT_DEG, LAT_LIMIT_DEG = 180.0, 90.0

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ObjectArray = NDArray[np.object_]
Values = Sequence[object] | NDArray[np.object_] | NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PartRows:
    """Hold the rows that a reader took from a file.

    ``table`` are the good rows in the schema's columns, ``left_out`` the numbers of the rows that were not taken, ``faults``
    what was wrong with them, ``notes`` what was done on the way (see `yike.sources.notes`).
    """

    table: pd.DataFrame
    rows_read: int
    left_out: tuple[int, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class RowChecks:
    """Read one table field by field; bad rows are noted and answered with an empty value, so that all are found.

    ``columns`` says which of the file's columns holds each field.
    """

    file: str
    table: pd.DataFrame
    columns: dict[str, str]
    whole: list[Fault] = field(default_factory=list)
    marks: dict[tuple[str, str], dict[int, Mapping[str, object]]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: pd.DataFrame, subject: str, *, file: str) -> RowChecks:
        """Begin with a table and the subject whose column names apply."""
        return cls(file, table, find_columns([name for name in table.columns if name != "geometry"], subject))

    @property
    def count(self) -> int:
        """Count the rows."""
        return len(self.table)

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        """Return the rows' numbers as a person counts."""
        return np.asarray(self.table.index, np.int64)

    def has(self, name: str) -> bool:
        """Tell whether the table has a column for the field."""
        return name in self.columns

    def mark(self, code: str, name: str, bad: BoolArray, values: Mapping[str, Values] | None = None) -> None:
        """Note the rows where ``bad`` holds; ``values`` gives for each placeholder one value a row of the table."""
        found = self.marks.setdefault((code, self.columns.get(name, name)), {})
        for position in np.flatnonzero(bad).tolist():
            found[position] = {key: _word(column[position]) for key, column in (values or {}).items()}

    def missing(self, name: str, *, subject: str) -> None:
        """Note that the table lacks a column that it must have."""
        known = ", ".join(mapping("columns")[subject][name])
        present = ", ".join(str(column) for column in self.table.columns)
        values = {"known": known, "present": present}
        self.whole.append(Fault("tables.missing_column", self.file, row=1, field=name, values=values))

    def words(self, name: str) -> ObjectArray:
        """Return a field as texts, empty where the cell or the column is."""
        if not self.has(name):
            return np.full(self.count, "", object)
        return np.array([_word(cell) for cell in self.table[self.columns[name]]], object)

    def figures(self, name: str, *, whole: bool = False, filled: bool = False) -> FloatArray:
        """Return a field as figures of zero or more, NaN where empty; ``filled`` fields must not be."""
        if not self.has(name):
            return np.full(self.count, np.nan)
        cells = self.table[self.columns[name]]
        figures = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        empty = np.asarray(pd.isna(cells), bool)
        shown = cells.to_numpy(object)
        wrong = ~np.isfinite(figures) & ~empty
        if whole:
            wrong |= np.isfinite(figures) & (figures != np.rint(figures))
        self.mark("table.not_a_number", name, wrong, {"value": shown})
        self.mark("tables.negative", name, np.isfinite(figures) & (figures < 0), {"value": shown})
        if filled:
            self.mark("table.empty_cell", name, empty)
        return np.where(np.isfinite(figures), figures, np.nan)

    def ids(self, name: str, *, prefix: str) -> ObjectArray:
        """Return the rows' identifiers: the field's cells or, without such a column, ``<prefix>-<row>``."""
        if not self.has(name):
            return np.array([f"{prefix}-{row}" for row in self.row_numbers], object)
        words = self.words(name)
        self.mark("table.empty_cell", name, words == "")
        repeated = pd.Series(words).duplicated().to_numpy() & (words != "")
        self.mark("table.duplicate_id", name, repeated, {"id": words})
        return words

    def places(self, crs: str) -> ObjectArray:
        """Return each row's geometry in the metric system ``crs``, from shapes or from longitude and latitude [degree].

        Marked are rows without a place, out of range, with longitude and latitude swapped, or at 0/0.
        """
        check_metric_crs(crs, "crs")
        if isinstance(self.table, gpd.GeoDataFrame):
            if self.table.crs is None:
                self.whole.append(Fault("tables.no_crs", self.file))
                return np.full(self.count, None, object)
            shapes = np.asarray(shapely.force_2d(np.asarray(self.table.geometry.array, object)), object)
            return self._project_shapes(shapes, str(self.table.crs.to_wkt()), crs)
        self.columns |= find_columns(list(self.table.columns), "place")
        lon_name, lat_name = ("lon", "lat") if self.has("lon") and self.has("lat") else ("x", "y")
        if not (self.has(lon_name) and self.has(lat_name)):
            for name in ("lon", "lat"):
                if not self.has(name):
                    self.missing(name, subject="place")
            return np.full(self.count, None, object)
        return self.places_by_degrees(lon_name, lat_name, crs)

    def places_by_degrees(self, lon: str, lat: str, crs: str) -> ObjectArray:
        """Return points in ``crs`` from the two named fields [degree, WGS 84], None where a row is bad (and marked)."""
        return self._project_degrees(self._degrees(lon), self._degrees(lat), (lon, lat), crs)

    def numbers_of(self, rows: BoolArray) -> tuple[int, ...]:
        """Return the row numbers where ``rows`` holds."""
        return tuple(self.row_numbers[rows].tolist())

    def settle(self, on_bad_rows: str) -> tuple[BoolArray, tuple[Fault, ...]]:
        """Return which rows are good and the faults of the others.

        Raises:
            InputError: a fault concerns the whole table, or a row is bad and ``on_bad_rows`` is "refuse", or no row is good.
        """
        if on_bad_rows not in ON_BAD_ROWS:
            values = {"thing": "on_bad_rows", "name": on_bad_rows, "known": ", ".join(ON_BAD_ROWS)}
            raise InputError([Fault("name.unknown", "on_bad_rows", values=values)])
        faults = tuple(sorted(self._row_faults(), key=lambda fault: fault.row or 0))
        good = np.ones(self.count, bool)
        for positions in self.marks.values():
            good[list(positions)] = False
        if self.whole or (faults and (on_bad_rows == REFUSE or not good.any())):
            raise InputError([*self.whole, *faults])
        return good, faults

    def _row_faults(self) -> list[Fault]:
        faults = []
        for (code, name), found in self.marks.items():
            positions = sorted(found)
            each, rest = positions[:FAULTS_LISTED_EACH], positions[FAULTS_LISTED_EACH:]
            for position in each + rest[:1]:
                row = int(self.row_numbers[position])
                count = len(rest) if position in rest else 1
                faults.append(Fault(code, self.file, row=row, field=name, values=found[position], count=count))
        return faults

    def _degrees(self, name: str) -> FloatArray:
        cells = self.table[self.columns[name]]
        degrees = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        empty = np.asarray(pd.isna(cells), bool)
        self.mark("table.empty_cell", name, empty)
        self.mark("table.not_a_number", name, ~np.isfinite(degrees) & ~empty, {"value": cells.to_numpy(object)})
        return np.where(np.isfinite(degrees), degrees, np.nan)

    def _project_degrees(self, lon: FloatArray, lat: FloatArray, names: tuple[str, str], crs: str) -> ObjectArray:
        known = ~np.isnan(lon) & ~np.isnan(lat)
        values = {"lon": lon, "lat": lat}
        with np.errstate(invalid="ignore"):
            metric = known & ((np.abs(lon) > 2 * LON_LIMIT_DEG) | (np.abs(lat) > 2 * LON_LIMIT_DEG))
            swapped = known & ~metric & (np.abs(lat) > LAT_LIMIT_DEG) & (np.abs(lon) <= LAT_LIMIT_DEG)
            outside = known & ~metric & ~swapped & ((np.abs(lon) > LON_LIMIT_DEG) | (np.abs(lat) > LAT_LIMIT_DEG))
        zero = known & (lon == 0) & (lat == 0)
        self.mark("tables.not_degrees", names[0], metric, values)
        self.mark("tables.swapped", names[1], swapped, values)
        self.mark("tables.out_of_range", names[1], outside, values)
        self.mark("tables.zero_place", names[1], zero)
        good = known & ~metric & ~swapped & ~outside & ~zero
        transformer = pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)
        x, y = transformer.transform(lon[good], lat[good])
        far = np.zeros(self.count, bool)
        far[good] = ~(np.isfinite(x) & np.isfinite(y))
        self.mark("tables.out_of_range", names[1], far, values)
        placed = np.full(self.count, None, object)
        placed[good] = shapely.points(x, y)
        placed[far] = None
        return placed

    def _project_shapes(self, shapes: ObjectArray, source: str, crs: str) -> ObjectArray:
        empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
        self.mark("tables.no_shape", "geometry", empty)
        parsed = pyproj.CRS.from_user_input(source)
        bounds = shapely.bounds(shapes)
        if parsed.is_geographic:
            lon_deg, lat_deg = (np.fmax(np.abs(bounds[:, i]), np.abs(bounds[:, i + 2])) for i in (0, 1))
            swapped = (lat_deg > LAT_LIMIT_DEG) & (lon_deg <= LAT_LIMIT_DEG)
            outside = ((lat_deg > LAT_LIMIT_DEG) | (lon_deg > LON_LIMIT_DEG)) & ~swapped
            values = {"lon": bounds[:, 0], "lat": bounds[:, 1]}
            self.mark("tables.swapped", "geometry", swapped, values)
            self.mark("tables.out_of_range", "geometry", outside, values)
            zero = (bounds == 0).all(axis=1)
            self.mark("tables.zero_place", "geometry", zero)
            empty = empty | swapped | outside | zero
        placed = np.full(len(shapes), None, object)
        placed[~empty] = shapes[~empty]
        if not parsed.equals(pyproj.CRS.from_user_input(crs)):
            placed[~empty] = projected(shapes[~empty], parsed, crs)
        far = ~empty & ~np.isfinite(shapely.bounds(placed)).all(axis=1)
        self.mark("tables.out_of_range", "geometry", far, {"lon": bounds[:, 0], "lat": bounds[:, 1]})
        placed[far] = None
        return placed


def projected(shapes: ObjectArray, source: str | pyproj.CRS, crs: str) -> ObjectArray:
    """Return shapes in another coordinate system; a place that has none there gets infinite coordinates."""
    transformer = pyproj.Transformer.from_crs(source, crs, always_xy=True)

    def move(xy: FloatArray) -> FloatArray:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return np.asarray(shapely.transform(shapes, move), object)


def _word(cell: object) -> str:
    if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def chosen_words(checks: RowChecks, name: str, choices: Mapping[str, str], *, known: Sequence[str]) -> ObjectArray:
    """Return a field's words as ids by ``choices`` (plain word to id); unknown words are marked."""
    words = checks.words(name)
    ids = np.array([choices.get(plain(word), "") for word in words], object)
    unknown = (ids == "") & (words != "")
    checks.mark("tables.unknown_word", name, unknown, {"value": words, "known": [", ".join(known)] * checks.count})
    return ids


def points_and_outlines(checks: RowChecks, shapes: ObjectArray) -> tuple[FloatArray, ObjectArray]:
    """Return (n, 2) [m] points and (n,) outlines; a polygon's point lies inside it, lines are marked."""
    outlines = np.full(len(shapes), None, object)
    kinds = shapely.get_type_id(shapes)
    polygon = np.isin(kinds, (3, 6))
    outlines[polygon] = [polygons_only(shape) for shape in shapes[polygon]]
    flat = polygon & shapely.is_missing(outlines)
    single = (kinds == 4) & (shapely.get_num_geometries(shapes) == 1)
    wrong = ~shapely.is_missing(shapes) & ~polygon & (kinds != 0) & ~single
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
    parts = [
        part for part in shapely.get_parts(valid) if part.geom_type in ("Polygon", "MultiPolygon") and part.area > 0
    ]
    return shapely.union_all(parts) if parts else None
