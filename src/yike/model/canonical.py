"""The canonical form of a table: what its hash is taken over.

Rows are sorted by key, columns by name, integers are 8-byte little-endian, other figures are rounded to nine significant digits,
geometries to whole millimetres. Two tables that mean the same have the same hash on every platform.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

MILLIMETRES_PER_METRE = 1000.0


def round_significant(values: NDArray[np.float64], digits: int = 9) -> NDArray[np.float64]:
    """Round to significant digits, leaving NaN as one NaN and minus zero as zero."""
    out = np.full(values.shape, np.nan)
    known = np.isfinite(values)
    nonzero = known & (values != 0)
    magnitude = np.floor(np.log10(np.abs(values[nonzero]))).astype(np.int64)
    exponent = (digits - 1) - magnitude
    scale = 10.0 ** np.abs(exponent)
    shifted = np.where(exponent >= 0, values[nonzero] * scale, values[nonzero] / scale)
    rounded = np.rint(shifted)
    out[known] = 0.0
    out[nonzero] = np.where(exponent >= 0, rounded / scale, rounded * scale)
    return out


def _column_bytes(column: pd.Series) -> bytes:
    values = column.to_numpy()
    if isinstance(column.dtype, pd.CategoricalDtype):
        values = column.astype(object).to_numpy()
    if values.dtype == bool:
        return b"b" + values.astype("<i8").tobytes()
    if values.dtype.kind in "iu":
        return b"i" + values.astype("<i8").tobytes()
    if values.dtype.kind == "f":
        return b"f" + round_significant(values.astype(np.float64)).astype("<f8").tobytes()
    return b"s" + b"\x1e".join(_cell_bytes(value) for value in values)


def _cell_bytes(value: object) -> bytes:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return b"\x00"
    if isinstance(value, bytes):
        return value
    return str(value).encode()


def geometry_bytes(geometries: NDArray[np.object_]) -> bytes:
    """Write geometries as integers of millimetres with their ring structure."""
    coordinates, index = shapely.get_coordinates(geometries, return_index=True)
    millimetres = np.rint(coordinates * MILLIMETRES_PER_METRE).astype("<i8")
    kinds = shapely.get_type_id(geometries).astype("<i8")
    parts: list[bytes] = [kinds.tobytes(), index.astype("<i8").tobytes(), millimetres.tobytes(), _ring_bytes(geometries)]
    return b"".join(parts)


def _ring_bytes(geometries: NDArray[np.object_]) -> bytes:
    """Write how many vertices each ring of a polygon and each line of several has: a hole is no second polygon."""
    if (shapely.get_type_id(geometries) <= shapely.GeometryType.LINESTRING).all():
        return b""  # streets: neither rings nor parts, and many
    parts, owner = shapely.get_parts(geometries, return_index=True)
    of_lines = shapely.get_type_id(np.asarray(geometries, object)[owner]) == shapely.GeometryType.MULTILINESTRING
    polygon = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, part = shapely.get_rings(parts[polygon], return_index=True)
    sizes = shapely.get_num_coordinates(rings)
    lines = shapely.get_num_coordinates(parts[of_lines])
    return bytes(np.concatenate([owner[polygon], part, sizes, lines]).astype("<i8").tobytes())


def table_hash(table: pd.DataFrame, *, key: Sequence[str], geometry: str | None = None) -> str:
    """Return the SHA-256 of a table in canonical form.

    ``key`` names the columns that sort the rows; ``geometry`` the column of shapely geometries, if any.
    """
    ordered = table.sort_values(list(key), kind="stable") if key and len(table) else table
    digest = hashlib.sha256()
    digest.update(f"{len(ordered)}".encode())
    for name in sorted(column for column in ordered.columns if column != geometry):
        digest.update(b"\x1d" + name.encode() + b"\x1d")
        digest.update(_column_bytes(ordered[name]))
    if geometry is not None:
        digest.update(b"\x1dgeometry\x1d" + geometry_bytes(ordered[geometry].to_numpy()))
    return digest.hexdigest()


def combined_hash(parts: Mapping[str, str]) -> str:
    """Return one SHA-256 over named hashes, whatever their order."""
    digest = hashlib.sha256()
    for name in sorted(parts):
        digest.update(f"{name}={parts[name]}\n".encode())
    return digest.hexdigest()
