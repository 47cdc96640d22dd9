"""Edge tables: read a caller's nodes and edges into plain arrays, and name every fault of the two tables at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike.errors import Fault, InputError

NODES, EDGES = "nodes", "edges"
LARGEST_TENTHS = 2**30 - 1  # lengths [dm] and times [ds] stay below what a search calls unreached
END_TOLERANCE_M = 1.0
STATED_TIMES = {"walk": "walk_s", "walk_step_free": "walk_s", "cycle": "bike_s"}
_YES_OR_NO = {"true": True, "yes": True, "1": True, "1.0": True, "false": False, "no": False, "0": False, "0.0": False, "": False}
_HEADER_ROWS = 2  # the header of a table is row 1

IndexArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Geometries = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class EdgeTables:
    """Hold n nodes and m edges as the two tables give them.

    node_id    (n,) the caller's whole numbers, or the row where ids are words
    node_xy    (n, 2) [m]
    tail, head (m,) rows of the nodes at the ends
    length_m   (m,) [m]
    stated_s   (m,) [s] the time that the table states for the mode; nan where it states none
    oneway     (m,) from tail to head only
    shapes     (m,) lines from tail to head
    """

    node_id: IndexArray
    node_xy: FloatArray
    tail: IndexArray
    head: IndexArray
    length_m: FloatArray
    stated_s: FloatArray
    oneway: BoolArray
    shapes: Geometries


def read_edge_tables(nodes: pd.DataFrame, edges: pd.DataFrame, *, mode: str) -> EdgeTables:
    """Read the two tables of :meth:`yike.model.network.StreetNetwork.from_edges`, or raise InputError with all their faults."""
    faults = missing_columns(nodes, ("id", "x", "y"), NODES) + missing_columns(edges, ("source", "target", "length_m"), EDGES)
    if faults:
        raise InputError(faults)
    node_id = _node_numbers(nodes["id"], faults)
    node_xy = np.stack([figures(nodes, axis, NODES, faults) for axis in ("x", "y")], axis=1)
    tail, head = (_rows_of(edges[end], nodes["id"], end, faults) for end in ("source", "target"))
    length_m = _measured(edges, "length_m", faults, required=True)
    times = {column: _measured(edges, column, faults) for column in ("walk_s", "bike_s") if column in edges}
    oneway = _yes_or_no(edges["oneway"], "oneway", faults) if "oneway" in edges else np.zeros(len(edges), np.bool_)
    drawn = _drawn(edges["geometry"], faults) if "geometry" in edges else np.full(len(edges), None, object)
    places = np.vstack([node_xy, np.full((1, 2), np.nan)])  # the last stands for a node that is not there
    shapes = _from_tail_to_head(drawn, places[tail], places[head], faults)
    if faults:
        raise InputError(faults)
    stated_s = times.get(STATED_TIMES.get(mode, ""), np.full(len(edges), np.nan))
    return EdgeTables(node_id, node_xy, tail, head, length_m, stated_s, oneway, shapes)


def missing_columns(table: pd.DataFrame, wanted: Sequence[str], name: str) -> list[Fault]:
    """Return a fault for each wanted column that the table lacks."""
    return [
        Fault("table.missing_column", name, field=column, values={"present": ", ".join(map(str, table.columns))})
        for column in wanted
        if column not in table
    ]


def note_rows(
    faults: list[Fault], bad: BoolArray, code: str, name: str, field: str, *, values: pd.Series | None = None, **words: object
) -> None:
    """Add one fault for the rows that are bad, if any: it names the first and counts them all; ``values`` shows its value."""
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        shown = {} if values is None else {"value": values.iloc[row]}
        faults.append(Fault(code, name, row=row + _HEADER_ROWS, field=field, values=shown | words, count=int(bad.sum())))


def figures(table: pd.DataFrame, column: str, name: str, faults: list[Fault], *, required: bool = True) -> FloatArray:
    """Return a column as finite numbers, nan where empty; words, infinities and, where required, empty cells are faults."""
    values = table[column]
    empty = values.isna().to_numpy(np.bool_)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    note_rows(faults, ~empty & ~np.isfinite(numbers), "table.not_a_number", name, column, values=values)
    if required:
        note_rows(faults, empty, "table.empty_cell", name, column)
    return numbers


def _measured(edges: pd.DataFrame, column: str, faults: list[Fault], *, required: bool = False) -> FloatArray:
    numbers = figures(edges, column, EDGES, faults, required=required)
    note_rows(faults, numbers < 0, "edges.negative", EDGES, column, values=edges[column])
    too_large = np.isfinite(numbers) & (numbers * 10 > LARGEST_TENTHS)
    note_rows(faults, too_large, "edges.too_large", EDGES, column, values=edges[column], most=LARGEST_TENTHS // 10)
    return numbers


def _node_numbers(ids: pd.Series, faults: list[Fault]) -> IndexArray:
    """Return whole numbers as they are; where any id is a word, the row of each node."""
    empty = ids.isna().to_numpy(np.bool_)
    note_rows(faults, empty, "table.empty_cell", NODES, "id")
    twice = ids.duplicated().to_numpy(np.bool_) & ~empty
    if twice.any():
        note_rows(faults, twice, "table.duplicate_id", NODES, "id", id=ids.iloc[int(np.flatnonzero(twice)[0])])
    ids = pd.Series(ids.to_numpy())  # categories become what they stand for
    kind = pd.api.types.infer_dtype(ids, skipna=True)
    if kind == "integer" and not empty.any() and ids.max() < 2**63:
        return ids.to_numpy(np.int64)
    if kind in ("integer", "floating", "mixed-integer-float"):
        numbers = ids.to_numpy(np.float64, na_value=np.nan)
        broken = ~empty & ~((np.rint(numbers) == numbers) & (np.abs(numbers) < 2.0**63))
        note_rows(faults, broken, "table.not_a_number", NODES, "id", values=ids)
        return np.where(broken | empty, 0, np.nan_to_num(numbers)).astype(np.int64)
    return np.arange(len(ids), dtype=np.int64)


def _rows_of(ends: pd.Series, ids: pd.Series, field: str, faults: list[Fault]) -> IndexArray:
    """Return the node row of each end, -1 where no node has that id."""
    first = ~ids.duplicated().to_numpy(np.bool_)
    known = pd.Index(ids[first].to_numpy(object), dtype=object)
    rows = np.append(np.flatnonzero(first), -1)[known.get_indexer(pd.Index(ends.to_numpy(object), dtype=object))]
    unknown = (rows < 0) | ends.isna().to_numpy(np.bool_)
    if unknown.any():
        note_rows(faults, unknown, "edges.unknown_node", EDGES, field, id=ends.iloc[int(np.flatnonzero(unknown)[0])])
    return np.asarray(np.where(unknown, -1, rows), np.int64)


def _yes_or_no(values: pd.Series, field: str, faults: list[Fault]) -> BoolArray:
    """Return truth values, or numbers and words that stand for them, as booleans; an empty cell is no."""
    if values.dtype == np.bool_:
        return values.to_numpy(np.bool_)
    words = [_YES_OR_NO.get(str(value).strip().lower()) for value in values.astype(object).where(values.notna(), "")]
    unclear = np.array([word is None for word in words], np.bool_)
    note_rows(faults, unclear, "edges.not_yes_or_no", EDGES, field, values=values)
    return np.array([bool(word) for word in words], np.bool_)


def _drawn(values: pd.Series, faults: list[Fault]) -> Geometries:
    """Return the lines of a column, None where there is none."""
    drawn: Geometries = np.array(values.array, dtype=object)
    kinds = [type(value).__name__ for value in drawn]
    missing = values.isna().to_numpy(np.bool_)
    drawn[~np.asarray(shapely.is_geometry(drawn), np.bool_)] = None
    line = shapely.get_type_id(drawn) == shapely.GeometryType.LINESTRING
    empty = missing | (line & shapely.is_empty(drawn))
    xy, row = shapely.get_coordinates(drawn, return_index=True)
    line[row[~np.isfinite(xy).all(axis=1)]] = False
    bad = ~empty & ~line
    if bad.any():
        note_rows(faults, bad, "edges.not_a_line", EDGES, "geometry", kind=kinds[int(np.flatnonzero(bad)[0])])
    drawn[empty | bad] = None
    return drawn


def _from_tail_to_head(drawn: Geometries, tail: FloatArray, head: FloatArray, faults: list[Fault]) -> Geometries:
    """Turn lines that were drawn from head to tail, draw a straight one where there is none; refuse those that end elsewhere.

    Ends that are not known are nan and leave the line as it is: they are faults of their own.
    """
    known = np.isfinite(tail).all(axis=1) & np.isfinite(head).all(axis=1)
    given = known & ~np.asarray(shapely.is_missing(drawn), np.bool_)
    first, last = (shapely.get_coordinates(shapely.get_point(drawn[given], end)) for end in (0, -1))
    tail_there, head_there = tail[given], head[given]

    def fits(begin: FloatArray, end: FloatArray) -> BoolArray:
        gaps = np.maximum(np.hypot(*(begin - tail_there).T), np.hypot(*(end - head_there).T))
        return np.asarray(gaps <= END_TOLERANCE_M, np.bool_)

    along, against = fits(first, last), fits(last, first)
    elsewhere, turned = np.zeros(len(drawn), np.bool_), np.zeros(len(drawn), np.bool_)
    elsewhere[given], turned[given] = ~along & ~against, ~along & against
    note_rows(faults, elsewhere, "edges.ends_elsewhere", EDGES, "geometry", most=f"{END_TOLERANCE_M:g}")
    shapes = drawn.copy()
    shapes[turned] = shapely.reverse(drawn[turned])
    straight = known & ~given
    if straight.any():
        shapes[straight] = shapely.linestrings(np.stack([tail[straight], head[straight]], axis=1))
    return shapes
