"""StreetNetwork: the streets of one topology as arrays.

A network is one topology (``walk``, ``walk_step_free``, ``cycle``, ``car``): junctions as nodes, streets between junctions as
segments with their shape. Travel times are not stored: a profile gives each segment its weight
(`yike.analysis.routing_graph`). Metre terms read ``length_dm``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from yike.errors import Fault, InputError, UnknownName
from yike.model.canonical import table_hash
from yike.model.edge_tables import read_edge_tables

MODES = ("walk", "walk_step_free", "cycle", "car")
SEGMENT_KINDS = ("street", "footway", "steps", "crossing", "pedestrian", "cycleway", "path", "service", "link")
DECIMETRES_PER_METRE = 10.0
NOT_GIVEN = -1
_HILBERT_ORDER = 16

IntArray = NDArray[np.int32]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
_Scalar = TypeVar("_Scalar", bound=np.generic)
_TIE_COLUMNS = ("fixed_ds", "forward", "backward", "attachable", "kind", "signal_halves", "crossing_halves")


@dataclass(frozen=True, eq=False)
class Stretches:
    """Hold k segments that stand for a stretch of another one, so that a link may begin in the middle of a street.

    segment     (k,) position of the stretch; nothing attaches to it of itself
    whole       (k,) position of the street it is a stretch of
    begin, end  (k,) where it runs, as fractions of the whole street from its tail
    """

    segment: NDArray[np.int64]
    whole: NDArray[np.int64]
    begin: FloatArray
    end: FloatArray


@dataclass(frozen=True, eq=False)
class StreetNetwork:
    """Hold n nodes and m segments; nodes stand in Hilbert order, segments in node order, so that neighbours lie close in memory.

    node_id         (n,) the caller's or OSM's identifier
    node_xy         (n, 2) [m] in ``crs``
    segment_id      (m,) the caller's or OSM's identifier of the street; not unique
    tail, head      (m,) node positions of each segment's ends
    length_dm       (m,) [dm] length along the shape
    kind            (m,) position in ``SEGMENT_KINDS``
    signal_halves   (m,) half signal waits met along the segment (a crossing split over two segments counts half on each)
    crossing_halves (m,) half waits at marked crossings without a signal
    fixed_ds        (m,) [ds] travel time given by the source instead of length over speed; -1 where not given
    forward, backward (m,) may one travel tail to head, head to tail
    attachable      (m,) may a point attach here (not in a tunnel, not on a bridge)
    shape_start     (m + 1,) where each segment's vertices start in ``shape_xy``
    shape_xy        (k, 2) [m] vertices from tail to head
    stretches       segments added by an edit that are a stretch of another (`yike.analysis.street_edits`); None without an edit
    """

    mode: str
    crs: str
    node_id: NDArray[np.int64]
    node_xy: FloatArray
    segment_id: NDArray[np.int64]
    tail: IntArray
    head: IntArray
    length_dm: IntArray
    kind: NDArray[np.uint8]
    signal_halves: NDArray[np.uint8]
    crossing_halves: NDArray[np.uint8]
    fixed_ds: IntArray
    forward: BoolArray
    backward: BoolArray
    attachable: BoolArray
    shape_start: NDArray[np.int64]
    shape_xy: FloatArray
    stretches: Stretches | None = None

    @property
    def node_count(self) -> int:
        """Count the nodes."""
        return len(self.node_id)

    @property
    def segment_count(self) -> int:
        """Count the segments."""
        return len(self.tail)

    def shapes(self, segments: NDArray[np.int64] | None = None) -> NDArray[np.object_]:
        """Return the segments, all (m,) or those at the chosen positions, as shapely lines."""
        return self._lines if segments is None else self._lines[segments]

    @cached_property
    def _lines(self) -> NDArray[np.object_]:
        counts = np.diff(self.shape_start)
        line = np.repeat(np.arange(len(counts)), counts)
        return np.asarray(shapely.linestrings(self.shape_xy, indices=line), dtype=object)

    @cached_property
    def attachable_streets(self) -> tuple[NDArray[np.int64], NDArray[np.object_], shapely.STRtree]:
        """Return the (a,) segments that a point may attach to, their shapes and a tree over these, built once."""
        open_ = self.attachable & (self.forward | self.backward)
        positions = np.flatnonzero(open_)
        shapes = self.shapes() if open_.all() else self.shapes(positions)
        return positions, shapes, shapely.STRtree(shapes)

    def segment_table(self) -> pd.DataFrame:
        """Return the segments as a table with one row a segment and its shape as ``geometry``."""
        return pd.DataFrame(
            {
                "segment_id": self.segment_id,
                "tail": self.tail,
                "head": self.head,
                "length_dm": self.length_dm,
                "kind": self.kind,
                "signal_halves": self.signal_halves,
                "crossing_halves": self.crossing_halves,
                "fixed_ds": self.fixed_ds,
                "forward": self.forward,
                "backward": self.backward,
                "attachable": self.attachable,
                "geometry": self.shapes(),
            }
        )

    def node_table(self) -> pd.DataFrame:
        """Return the nodes as a table: node_id, x, y."""
        return pd.DataFrame({"node_id": self.node_id, "x": self.node_xy[:, 0], "y": self.node_xy[:, 1]})

    def hash(self) -> str:
        """Return the SHA-256 of the canonical form of nodes and segments."""
        nodes = table_hash(self.node_table(), key=())
        segments = table_hash(self.segment_table(), key=(), geometry="geometry")
        return f"{nodes[:32]}{segments[:32]}"

    @classmethod
    def from_tables(cls, nodes: pd.DataFrame, segments: pd.DataFrame, *, mode: str, crs: str) -> StreetNetwork:
        """Build a network from a node table and a segment table as :meth:`node_table` and :meth:`segment_table` give them.

        ``tail`` and ``head`` are row positions in ``nodes``. Rows may come in any order; the network puts nodes on a Hilbert
        curve and segments in the order of their nodes. Missing optional columns take their plain values: kind ``street``, no
        waits, both directions, attachable.
        """
        order = hilbert_order(nodes[["x", "y"]].to_numpy(np.float64), tie=nodes["node_id"].to_numpy(np.int64))
        position = np.empty(len(order), np.int32)
        position[order] = np.arange(len(order), dtype=np.int32)
        ends = {end: position[segments[end].to_numpy(np.int64)] for end in ("tail", "head")}
        rows = _segment_order(segments, ends["tail"], ends["head"])
        return cls.from_saved(nodes.iloc[order], segments.assign(**ends).iloc[rows], mode=mode, crs=crs)

    @classmethod
    def from_saved(cls, nodes: pd.DataFrame, segments: pd.DataFrame, *, mode: str, crs: str) -> StreetNetwork:
        """Build a network from tables whose rows already stand in the network's order, as a City folder holds them."""
        lines = np.asarray(segments["geometry"].array, dtype=object)
        shape_start, shape_xy = _ragged(lines)

        def column(name: str, dtype: type[_Scalar], default: int | bool) -> NDArray[_Scalar]:
            if name in segments:
                return np.ascontiguousarray(segments[name].to_numpy().astype(dtype))
            return np.full(len(segments), default, dtype)

        network = cls(
            mode=mode,
            crs=crs,
            node_id=np.ascontiguousarray(nodes["node_id"].to_numpy(np.int64)),
            node_xy=np.ascontiguousarray(nodes[["x", "y"]].to_numpy(np.float64)),
            segment_id=column("segment_id", np.int64, 0),
            tail=column("tail", np.int32, 0),
            head=column("head", np.int32, 0),
            length_dm=column("length_dm", np.int32, 0),
            kind=column("kind", np.uint8, 0),
            signal_halves=column("signal_halves", np.uint8, 0),
            crossing_halves=column("crossing_halves", np.uint8, 0),
            fixed_ds=column("fixed_ds", np.int32, NOT_GIVEN),
            forward=column("forward", np.bool_, True),
            backward=column("backward", np.bool_, True),
            attachable=column("attachable", np.bool_, True),
            shape_start=shape_start,
            shape_xy=shape_xy,
        )
        vars(network)["_lines"] = lines  # fills the cached property: they are at hand
        return network

    @classmethod
    def from_edges(cls, nodes: pd.DataFrame, edges: pd.DataFrame, *, crs: str, mode: str = "walk") -> StreetNetwork:
        """Build a network from two tables.

        ``nodes``: ``id`` (whole numbers, kept as ``node_id``; or words, for which ``node_id`` is the row in ``nodes``),
        ``x``, ``y`` [m]. ``edges``: ``source``, ``target`` (node ids), ``length_m`` and optionally ``walk_s`` or ``bike_s``
        [s] (the time of an adult on foot or of a cyclist: used for the modes walk and cycle instead of length over speed),
        ``oneway`` (true, yes or 1: source to target only; false, no, 0 or empty: both ways) and ``geometry`` (a line
        between the two nodes, drawn either way, its ends within 1 m of them; a straight line where empty). ``crs`` must
        count in metres. Raises UnknownName for a mode that does not exist, InputError with every fault: missing columns,
        unknown nodes, impossible figures, lines that end elsewhere.
        """
        if mode not in MODES:
            values = {"thing": "street network", "name": mode, "known": ", ".join(MODES)}
            raise UnknownName([Fault("name.unknown", "edges", field="mode", values=values)])
        check_metric_crs(crs, "crs")
        read = read_edge_tables(nodes, edges, mode=mode)
        stated_ds = np.rint(np.nan_to_num(read.stated_s) * 10)
        segments = pd.DataFrame(
            {
                "segment_id": np.arange(len(edges), dtype=np.int64),
                "tail": read.tail,
                "head": read.head,
                "length_dm": np.rint(read.length_m * DECIMETRES_PER_METRE).astype(np.int32),
                "fixed_ds": np.where(np.isnan(read.stated_s), NOT_GIVEN, stated_ds).astype(np.int32),
                "backward": ~read.oneway,
                "geometry": read.shapes,
            }
        )
        table = pd.DataFrame({"node_id": read.node_id, "x": read.node_xy[:, 0], "y": read.node_xy[:, 1]})
        return cls.from_tables(table, segments, mode=mode, crs=crs)


def check_metric_crs(crs: str, file: str) -> pyproj.CRS:
    """Return the coordinate system, or raise InputError where it is unknown or does not count in metres."""
    try:
        parsed = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise InputError([Fault("crs.unknown", file, field="crs", values={"crs": crs})]) from error
    if not parsed.is_projected or parsed.axis_info[0].unit_name not in ("metre", "meter"):
        raise InputError([Fault("crs.not_metric", file, field="crs", values={"crs": crs})])
    return parsed


def hilbert_order(xy: FloatArray, *, tie: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the order of (n, 2) points along a Hilbert curve; points of one cell are ordered by ``tie``."""
    if not len(xy):
        return np.empty(0, np.int64)
    span = float(np.ptp(xy, axis=0).max()) or 1.0
    cells = ((xy - xy.min(axis=0)) / span * ((1 << _HILBERT_ORDER) - 1)).astype(np.int64)
    return np.lexsort((tie, _hilbert_index(cells[:, 0], cells[:, 1])))


def _hilbert_index(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
    x, y = x.copy(), y.copy()
    index = np.zeros(len(x), np.int64)
    side = 1 << (_HILBERT_ORDER - 1)
    while side:
        right = (x & side) > 0
        upper = (y & side) > 0
        index += side * side * ((3 * right.astype(np.int64)) ^ upper.astype(np.int64))
        flip = ~upper & right
        x[flip], y[flip] = (side - 1) - (x[flip] & (side - 1)), (side - 1) - (y[flip] & (side - 1))
        swap = ~upper
        x[swap], y[swap] = y[swap].copy(), x[swap].copy()
        side >>= 1
    return index


def _segment_order(segments: pd.DataFrame, tail: IntArray, head: IntArray) -> NDArray[np.int64]:
    """Return the order of segments by their nodes, then by what they are, so that numbers do not depend on the order of rows.

    Only segments between the same two nodes are compared by their other columns and shapes; ``segment_id`` decides last, between
    segments that are alike in everything a search can see.
    """
    order = np.lexsort((segments["segment_id"].to_numpy(np.int64), head, tail))
    same = (tail[order][1:] == tail[order][:-1]) & (head[order][1:] == head[order][:-1])
    parallel = np.zeros(len(order), np.bool_)
    parallel[1:] |= same
    parallel[:-1] |= same
    tied = order[parallel]
    if len(tied):
        table = segments.iloc[tied]
        shapes = shapely.to_wkb(np.asarray(table["geometry"].array, dtype=object), byte_order=1)
        columns = [table[name].to_numpy() for name in _TIE_COLUMNS if name in table]
        length = table["length_dm"].to_numpy()
        _, shape_rank = np.unique(np.asarray(shapes, dtype=object), return_inverse=True)
        ids = table["segment_id"].to_numpy(np.int64)
        order[parallel] = tied[np.lexsort((ids, shape_rank, *columns, length, head[tied], tail[tied]))]
    return order


def _ragged(shapes: NDArray[np.object_]) -> tuple[NDArray[np.int64], FloatArray]:
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    counts = np.bincount(index, minlength=len(shapes)) if len(index) else np.zeros(len(shapes), np.int64)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), coordinates
