"""Files with shapes: GeoPackage, GeoJSON, Shapefile and GeoParquet, whole or refused; encodings of Shapefile attributes."""

from __future__ import annotations

import codecs
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow
import pyarrow.parquet
import pyogrio

from yike.errors import Fault, InputError
from yike.sources.encodings import GB18030, UTF8

_READ_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.GeometryError,
    pyogrio.errors.FeatureError,
    pyarrow.ArrowException,
    OSError,
    ValueError,
    RuntimeError,
)
_SHAPEFILE_PARTS = (".shp", ".shx", ".dbf")
_RECORDS_SNIFFED = 20_000
_LONGEST_CHARACTER_BYTES = 3
_ROWS_MOST = 20_000_000


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet or GeoParquet file.

    Raises:
        InputError: the file is cut short or damaged, or has a column name twice.
    """
    try:
        schema = pyarrow.parquet.read_schema(path)
        rows = pyarrow.parquet.read_metadata(path).num_rows
        repeated = sorted({name for name in schema.names if schema.names.count(name) > 1})
        if repeated:
            raise InputError([Fault("tables.repeated_name", str(path), field=name) for name in repeated])
        if rows > _ROWS_MOST:
            raise InputError([Fault("tables.too_many_cells", str(path), values={"most": _ROWS_MOST})])
        if b"geo" in (schema.metadata or {}):
            frame: pd.DataFrame = gpd.read_parquet(path)
        else:
            frame = pd.read_parquet(path)
    except (*_READ_ERRORS, KeyError, TypeError, AttributeError) as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": one_line(error)})]) from error
    return frame.reset_index(drop=isinstance(frame.index, pd.RangeIndex) or frame.index.name in (None, *frame.columns))


def read_layer(path: Path, *, layer: str | None = None, encoding: str | None = None) -> tuple[pd.DataFrame, str]:
    """Read one layer of a GeoPackage, GeoJSON or Shapefile; returns it with the encoding of its texts.

    Raises:
        InputError: the file is cut short, damaged or lacks a part, the layer is unknown, or there are several.
    """
    if path.suffix.lower() == ".shp":
        encoding = encoding or _shapefile_encoding(path)
    else:
        _refuse_cut_short(path)
        encoding = None
    try:
        names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        if layer is not None and layer not in names:
            values = {"name": layer, "known": ", ".join(names)}
            raise InputError([Fault("tables.unknown_layer", str(path), values=values)])
        if layer is None and len(names) > 1:
            raise InputError([Fault("tables.several_layers", str(path), values={"known": ", ".join(names)})])
        frame: pd.DataFrame = pyogrio.read_dataframe(path, layer=layer, encoding=encoding)
    except (LookupError, UnicodeError) as error:
        raise InputError([Fault("tables.encoding_differs", str(path), values={"encoding": encoding})]) from error
    except _READ_ERRORS as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": one_line(error)})]) from error
    return frame, encoding or UTF8


def _refuse_cut_short(path: Path) -> None:
    """Find files that GDAL would read in part: a GeoPackage shorter than its page count, a GeoJSON without its end."""
    reason = ""
    if path.suffix.lower() == ".gpkg":
        with path.open("rb") as stream:
            head = stream.read(100)
        if not head.startswith(b"SQLite format 3\0") or len(head) < 100:
            reason = "no SQLite header"
        else:
            page_bytes = struct.unpack(">H", head[16:18])[0]
            wanted = (65536 if page_bytes == 1 else page_bytes) * struct.unpack(">I", head[28:32])[0]
            if path.stat().st_size < wanted:
                reason = f"{path.stat().st_size} bytes instead of {wanted}"
    elif path.suffix.lower() in (".geojson", ".json"):
        try:
            content = json.loads(path.read_bytes().decode("utf-8-sig"))
            reason = "" if isinstance(content, dict) and "type" in content else "no GeoJSON object"
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            reason = one_line(error)
    if reason:
        raise InputError([Fault("file.damaged", str(path), values={"reason": reason})])


def _shapefile_encoding(path: Path) -> str | None:
    """Return the encoding of a Shapefile's texts: UTF-8 or GB18030 where all of them fit, else what its .cpg states.

    A .cpg that contradicts the texts is a common slip of conversions; the texts win. Plain ASCII needs none.

    Raises:
        InputError: a part of the Shapefile is missing, or its table is damaged.
    """
    parts = {each.suffix.lower(): each for each in path.parent.glob("*") if each.stem == path.stem}
    missing = [ending for ending in _SHAPEFILE_PARTS if ending not in parts]
    if missing:
        raise InputError([Fault("tables.missing_part", str(path), values={"missing": ", ".join(missing)})])
    _refuse_cut_shape(path)
    cells = [cell for cell in _dbf_texts(parts[".dbf"]) if not cell.isascii()]
    if not cells:
        return None
    for encoding in (UTF8, GB18030):
        if all(_fits(cell, encoding) for cell in cells):
            return encoding
    stated = parts[".cpg"].read_text("ascii", "replace").strip() if ".cpg" in parts else ""
    for name in (stated, f"cp{stated}"):
        try:
            return codecs.lookup(name).name if stated else None
        except LookupError:
            continue
    return None


def _refuse_cut_shape(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(100)
    wanted = struct.unpack(">i", head[24:28])[0] * 2 if len(head) == 100 else 0
    if len(head) < 100 or head[:4] != b"\x00\x00\x27\x0a" or path.stat().st_size < wanted:
        raise InputError(
            [Fault("file.damaged", str(path), values={"reason": f"{path.stat().st_size} bytes instead of {wanted}"})]
        )


def _dbf_texts(path: Path) -> Iterator[bytes]:
    """Yield the column names and text cells of a dBASE table."""
    content = path.read_bytes()
    if len(content) < 32:
        raise InputError([Fault("file.damaged", str(path), values={"reason": f"{len(content)} bytes"})])
    count, head_bytes, record_bytes = struct.unpack("<IHH", content[4:12])
    if len(content) < head_bytes + count * record_bytes or not record_bytes:
        reason = f"{len(content)} bytes instead of {head_bytes + count * record_bytes}"
        raise InputError([Fault("file.damaged", str(path), values={"reason": reason})])
    at, texts = 1, []
    for start in range(32, head_bytes - 32, 32):
        field = content[start : start + 32]
        if field[:1] == b"\r":
            break
        yield field[:11].split(b"\0")[0]
        if field[11:12] == b"C":
            texts.append((at, at + field[16]))
        at += field[16]
    for number in range(min(count, _RECORDS_SNIFFED)):
        start = head_bytes + number * record_bytes
        for first, last in texts:
            yield content[start + first : start + last].rstrip(b" \0")


def _fits(cell: bytes, encoding: str) -> bool:
    """Tell whether a cell is text of the encoding; the field's width may have cut its last character."""
    for cut in range(_LONGEST_CHARACTER_BYTES + 1):
        try:
            cell[: len(cell) - cut].decode(encoding)
        except UnicodeDecodeError:
            continue
        return cut == 0 or not cell[len(cell) - cut :].isascii()
    return False


def one_line(error: BaseException) -> str:
    """Return an error's words in one line without a full stop."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
