"""Street centrelines from GeoParquet, GeoPackage, Shapefile or GeoJSON as a StreetNetwork.

Lines meet where their ends lie within 0.1 m of each other, and nowhere else: a line that crosses another without a shared end
passes over or under it. Whoever wants a junction must end the lines there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from yike.analysis.quality import largest_component_share
from yike.errors import Fault, InputError
from yike.model.network import DECIMETRES_PER_METRE, MODES, SEGMENT_KINDS, StreetNetwork, check_metric_crs
from yike.sources.notes import note
from yike.sources.placing import projected
from yike.sources.row_checks import REFUSE, BoolArray, FloatArray, ObjectArray, RowChecks
from yike.sources.tables import LINE_ENDINGS, WGS84, find_columns, mapping, plain, read_table

JOIN_TOLERANCE_M = 0.1
_LINE, _MULTI_LINE = 1, 5

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StreetLines:
    """Hold the networks made from a file of lines, by mode, the faults of rows left out and notes on the way."""

    networks: dict[str, StreetNetwork]
    rows_read: int
    left_out: tuple[int, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]


class _Streets(NamedTuple):
    """Hold k single lines in ``crs``: shape, length [m], row position in the file and row number."""

    crs: str
    shapes: ObjectArray
    length_m: FloatArray
    row: IntArray


def read_lines(
    path: Path,
    *,
    mode: str = "walk",
    crs: str | None = None,
    class_column: str | None = None,
    layer: str | None = None,
) -> StreetNetwork:
    """Read street lines to the network of one mode.

    A class column (``highway``, ``class``, … or ``class_column``) leaves out what the mode may not use; bridge, tunnel and layer
    columns bar attachments; one-way columns bind bicycles and cars. Where the file states its coordinate system, ``crs`` names
    the metric system to project to (default: its own, or the UTM zone where it is not metric); where it states none, ``crs``
    says what it is in. Lengths of geographic coordinates are geodesic.

    Raises:
        InputError: the file cannot be read, states no coordinate system and none is given, has rows that are no lines, or
            has no street for the mode.
    """
    return read_street_lines(path, modes=(mode,), crs=crs, class_column=class_column, layer=layer).networks[mode]


def read_street_lines(
    path: Path,
    *,
    modes: Sequence[str] = ("walk", "cycle"),
    crs: str | None = None,
    class_column: str | None = None,
    layer: str | None = None,
    into: str | None = None,
    on_bad_rows: str = REFUSE,
) -> StreetLines:
    """Read street lines to networks of several modes, as `read_lines` does.

    ``into`` is the metric system of the result, whatever the file states; with ``on_bad_rows`` "drop" rows without a line are
    left out.
    """
    path = Path(path)
    for mode in modes:
        if mode not in MODES:
            values = {"thing": "mode", "name": mode, "known": ", ".join(MODES)}
            raise InputError([Fault("name.unknown", "mode", values=values)])
    table = read_table(path, layer=layer, endings=LINE_ENDINGS)
    if not isinstance(table, gpd.GeoDataFrame):
        raise InputError([Fault("lines.no_geometry", str(path))])
    columns = _street_columns(table, class_column, path)
    checks = RowChecks(str(path), table, dict(columns))
    _check_shapes(checks)
    good, faults = checks.settle(on_bad_rows)
    streets = _placed(table[good], crs, path, into=into)
    fields = pd.DataFrame(table)[good]
    networks, shares = {}, {}
    for mode in modes:
        networks[mode] = _network(streets, fields, columns, mode=mode, path=path)
        shares[mode] = largest_component_share(networks[mode])
    notes = [note("ends_joined", tolerance_m=JOIN_TOLERANCE_M)]
    notes += [note("largest_component", mode=mode, percent=f"{share * 100:.2f}") for mode, share in shares.items()]
    return StreetLines(networks, len(table), checks.numbers_of(~good), faults, tuple(notes))


def _street_columns(table: pd.DataFrame, class_column: str | None, path: Path) -> dict[str, str]:
    columns = find_columns([name for name in table.columns if name != "geometry"], "streets")
    if class_column is not None:
        if class_column not in table.columns:
            present = ", ".join(map(str, table.columns))
            raise InputError(
                [Fault("table.missing_column", str(path), field=class_column, values={"present": present})]
            )
        columns["class"] = class_column
    return columns


def _check_shapes(checks: RowChecks) -> None:
    shapes = np.asarray(checks.table.geometry.array, object)
    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    kinds = shapely.get_type_id(shapes)
    names = np.array([getattr(shape, "geom_type", "") for shape in shapes], object)
    checks.mark("tables.no_shape", "geometry", absent)
    checks.mark("lines.not_a_line", "geometry", ~absent & ~np.isin(kinds, (_LINE, _MULTI_LINE)), {"kind": names})
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    broken = np.zeros(len(shapes), bool)
    broken[index[~np.isfinite(coordinates).all(axis=1)]] = True
    checks.mark("lines.not_finite", "geometry", broken)


def _placed(table: gpd.GeoDataFrame, crs: str | None, path: Path, *, into: str | None) -> _Streets:
    """Split multi-lines, project and measure; lines without length are left out."""
    declared, target = table.crs, into or crs
    if declared is None:
        if crs is None:
            raise InputError([Fault("lines.no_crs", str(path))])
        try:
            declared, target = pyproj.CRS.from_user_input(crs), into
        except pyproj.exceptions.CRSError as error:
            raise InputError([Fault("crs.unknown", str(path), field="crs", values={"crs": crs})]) from error
    parts, row = shapely.get_parts(np.asarray(table.geometry.array, object), return_index=True)
    parts = np.asarray(shapely.force_2d(parts), object)
    metric = declared.is_projected and declared.axis_info[0].unit_name in ("metre", "meter")
    length_m = shapely.length(parts)
    if not metric:
        parts = parts if declared.equals(WGS84) else projected(parts, declared, WGS84)
        _check_degrees(parts, path)
        length_m = _geodesic_lengths(parts)
        declared = pyproj.CRS(WGS84)
    if target is None:
        target = _name(declared) if metric else _utm_zone(parts)
    check_metric_crs(target, str(path))
    if not declared.equals(pyproj.CRS(target)):
        parts = projected(parts, declared, target)
    real = length_m > 0
    return _Streets(target, parts[real], length_m[real], np.asarray(row, np.int64)[real])


def _check_degrees(parts: ObjectArray, path: Path) -> None:
    bounds = shapely.total_bounds(parts)
    if not (np.isfinite(bounds).all() and abs(bounds[[0, 2]]).max() <= 180 and abs(bounds[[1, 3]]).max() <= 90):
        shown = ", ".join(f"{figure:.6g}" for figure in bounds)
        raise InputError([Fault("lines.not_degrees", str(path), values={"bounds": shown})])


def _geodesic_lengths(parts: ObjectArray) -> FloatArray:
    """Return (k,) [m] lengths on the WGS 84 ellipsoid of lines in degrees."""
    coordinates, index = shapely.get_coordinates(parts, return_index=True)
    same = index[1:] == index[:-1]
    start, end = coordinates[:-1][same], coordinates[1:][same]
    metres = pyproj.Geod(ellps="WGS84").inv(start[:, 0], start[:, 1], end[:, 0], end[:, 1])[2]
    return np.asarray(np.bincount(index[1:][same], weights=metres, minlength=len(parts)), np.float64)


def _utm_zone(parts: ObjectArray) -> str:
    return _name(gpd.GeoSeries(parts, crs=WGS84).estimate_utm_crs())


def _name(crs: pyproj.CRS) -> str:
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.to_wkt())


def _network(
    streets: _Streets, table: pd.DataFrame, columns: dict[str, str], *, mode: str, path: Path
) -> StreetNetwork:
    classes = _class_words(table, columns)
    closed = set(map(plain, mapping("streets")["closed_to"][mode]))
    open_rows = np.array([not (words and all(word in closed for word in words)) for words in classes], bool)
    kept = open_rows[streets.row]
    if not kept.any():
        raise InputError([Fault("lines.none_left", str(path), values={"mode": mode})])
    shapes, length_m, row = streets.shapes[kept], streets.length_m[kept], streets.row[kept]
    nodes_xy, ends = join_ends(shapes)
    real = (ends[:, 0] != ends[:, 1]) | (length_m > JOIN_TOLERANCE_M)
    forward, backward = _directions(table, columns, mode=mode)
    segments = pd.DataFrame(
        {
            "segment_id": _segment_ids(table, columns)[row],
            "tail": ends[:, 0],
            "head": ends[:, 1],
            "length_dm": np.maximum(1, np.rint(length_m * DECIMETRES_PER_METRE)).astype(np.int32),
            "kind": _kinds(classes)[row],
            "forward": forward[row],
            "backward": backward[row],
            "attachable": _attachable(table, columns)[row],
            "geometry": _moved_ends(shapes, nodes_xy[ends]),
        }
    )[real]
    nodes = pd.DataFrame({"node_id": np.arange(len(nodes_xy)), "x": nodes_xy[:, 0], "y": nodes_xy[:, 1]})
    return StreetNetwork.from_tables(nodes, segments, mode=mode, crs=streets.crs)


def join_ends(shapes: ObjectArray) -> tuple[FloatArray, IntArray]:
    """Join the ends of k lines that lie within 0.1 m: return (n, 2) node places [m] and (k, 2) node positions of start and end.

    Chains of such ends become one node, placed at its westernmost (then southernmost) end, whatever the order of lines.
    """
    ends = shapely.get_coordinates(
        np.column_stack([shapely.get_point(shapes, 0), shapely.get_point(shapes, -1)]).ravel()
    )
    places, place_of_end = np.unique(ends, axis=0, return_inverse=True)
    pairs = cKDTree(places).query_pairs(JOIN_TOLERANCE_M, output_type="ndarray")
    labels = _components(pairs[:, 0], pairs[:, 1], len(places))
    _, first, node_of_place = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first)
    position = np.empty(len(order), np.int64)
    position[order] = np.arange(len(order))
    nodes = places[first[order]]
    return nodes, position[node_of_place[place_of_end.ravel()]].reshape(-1, 2)


def _components(tail: NDArray[np.integer], head: NDArray[np.integer], count: int) -> IntArray:
    links = coo_matrix((np.ones(len(tail), np.int8), (tail, head)), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def _moved_ends(shapes: ObjectArray, ends_xy: FloatArray) -> ObjectArray:
    """Return the lines with first and last vertex exactly at their nodes."""
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    coordinates[starts] = ends_xy[:, 0]
    coordinates[np.append(starts[1:], len(index)) - 1] = ends_xy[:, 1]
    return np.asarray(shapely.linestrings(coordinates, indices=index), object)


def _words(table: pd.DataFrame, columns: dict[str, str], name: str) -> ObjectArray:
    if name not in columns:
        return np.full(len(table), "", object)
    return np.array(["" if _absent(cell) else plain(cell) for cell in table[columns[name]]], object)


def _absent(cell: object) -> bool:
    return cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell))


def _class_words(table: pd.DataFrame, columns: dict[str, str]) -> list[tuple[str, ...]]:
    """Return each row's street classes; merged streets of other tools write several as a list."""
    return [tuple(part for part in _parts(word) if part) for word in _words(table, columns, "class")]


def _parts(word: str) -> list[str]:
    return [part.strip("'\"_ ") for part in word.strip("[]()").replace(";", ",").split(",")]


def _kinds(classes: Sequence[tuple[str, ...]]) -> NDArray[np.uint8]:
    by_word = {
        plain(word): SEGMENT_KINDS.index(kind) for kind, words in mapping("streets")["kinds"].items() for word in words
    }
    return np.array([by_word.get(words[0], 0) if words else 0 for words in classes], np.uint8)


def _directions(table: pd.DataFrame, columns: dict[str, str], *, mode: str) -> tuple[BoolArray, BoolArray]:
    rules = mapping("streets")
    words = _words(table, columns, "oneway")
    if mode not in rules["oneway_binds"]:
        return np.ones(len(table), bool), np.ones(len(table), bool)
    letters = rules["letters"]
    if (words == letters["both"]).any():
        return words != letters["against"], words != letters["along"]
    along, against = (
        np.isin(words, list(map(plain, rules["along"]))),
        np.isin(words, list(map(plain, rules["against"]))),
    )
    return ~against, ~along


def _attachable(table: pd.DataFrame, columns: dict[str, str]) -> BoolArray:
    absent = list(map(plain, mapping("streets")["absent"]))
    raised = np.zeros(len(table), bool)
    for name in ("bridge", "tunnel", "layer"):
        raised |= ~np.isin(_words(table, columns, name), absent)
    return ~raised


def _segment_ids(table: pd.DataFrame, columns: dict[str, str]) -> IntArray:
    """Return the caller's whole-number ids, else row numbers."""
    if "segment_id" in columns:
        ids = pd.to_numeric(table[columns["segment_id"]], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        if np.isfinite(ids).all() and (ids == np.rint(ids)).all():
            return ids.astype(np.int64)
    return np.asarray(table.index, np.int64)
