"""Files of other people as tables: CSV, GeoPackage, GeoParquet, Parquet and GeoJSON, with their own columns and words.

A table read here keeps its file's columns. Its index counts rows as a person does: the header is row 1, the first record row 2.
What the columns mean is looked up in ``mappings/columns.yaml``; `yike.sources.row_checks` takes the values out.
"""

from __future__ import annotations

import csv
import io
import json
import struct
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow
import pyarrow.parquet
import pyogrio
import yaml

from yike.errors import Fault, InputError

TABLE_ENDINGS = (".csv", ".gpkg", ".parquet", ".geoparquet", ".geojson", ".json")
LINE_ENDINGS = (".gpkg", ".parquet", ".geoparquet", ".shp", ".geojson", ".json")
POLYGON_ENDINGS = (".gpkg", ".parquet", ".geoparquet", ".shp", ".geojson", ".json")
WORKBOOK_ENDINGS = (".xlsx", ".xls", ".xlsm", ".ods", ".et")
FIRST_RECORD_ROW = 2
WGS84 = "EPSG:4326"
_DELIMITERS = ",;\t"
_SAME_AS_DASH = str.maketrans(dict.fromkeys("- ~–—－\u3000", "_"))
_READ_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyarrow.ArrowException,
    OSError,
    ValueError,
)


def plain(word: object) -> str:
    """Return what two spellings of one column or word share: half width, lower case, blanks and dashes alike."""
    return unicodedata.normalize("NFKC", str(word)).strip().casefold().translate(_SAME_AS_DASH)


@cache
def mapping(section: str) -> Mapping[str, Any]:
    """Return one section of ``mappings/columns.yaml``."""
    content = (files("yike.sources") / "mappings" / "columns.yaml").read_text(encoding="utf-8")
    section_content: Mapping[str, Any] = yaml.safe_load(content)[section]
    return section_content


def find_columns(present: Sequence[object], subject: str) -> dict[str, str]:
    """Return which column of a table holds each field of a subject; fields that the table lacks are left out.

    ``present`` names the table's columns, ``subject`` a part of ``columns`` in the mapping, such as ``facilities``.
    """
    by_spelling: dict[str, str] = {}
    for column in present:
        by_spelling.setdefault(plain(column), str(column))
    found = {}
    for field, spellings in mapping("columns")[subject].items():
        column = next((by_spelling[plain(word)] for word in spellings if plain(word) in by_spelling), None)
        if column is not None:
            found[field] = column
    return found


def words_to_ids(synonyms: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Turn ``id: [words]`` of the mapping into ``word: id`` in plain spelling."""
    return {plain(word): name for name, words in synonyms.items() for word in words}


def read_table(path: Path, *, layer: str | None = None, endings: Sequence[str] = TABLE_ENDINGS) -> pd.DataFrame:
    """Read a file to a table of its own columns, indexed by row number as a person counts.

    CSV must be UTF-8 (a byte order mark is allowed); its cells are texts or None. Files with shapes give a GeoDataFrame in the
    file's own coordinate system. ``layer`` picks one of several layers of a GeoPackage.

    Raises:
        InputError: the file is missing, empty, of another kind, cut short, in another encoding, without rows, with repeated or
            empty column names, with rows of another length than the header (each is named), or has several layers.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if not path.is_file():
        raise InputError([Fault("file.missing", str(path))])
    if ending in WORKBOOK_ENDINGS:
        raise InputError([Fault("tables.workbook", str(path))])
    if ending not in endings:
        values = {"ending": ending or path.name, "known": ", ".join(endings)}
        raise InputError([Fault("file.unknown_kind", str(path), values=values)])
    if path.stat().st_size == 0:
        raise InputError([Fault("tables.empty_file", str(path))])
    if ending == ".csv":
        table = _read_csv(path)
    elif ending in (".parquet", ".geoparquet"):
        table = _read_parquet(path)
    else:
        table = _read_layers(path, layer)
    if not len(table):
        raise InputError([Fault("tables.no_rows", str(path))])
    if ending != ".csv":
        table.index = pd.RangeIndex(FIRST_RECORD_ROW, FIRST_RECORD_ROW + len(table))
    table.index.name = "row"
    return table


def _read_csv(path: Path) -> pd.DataFrame:
    content = _decoded(path)
    header_line = content.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=header_line.count)
    try:
        records = list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": error})]) from error
    if not records or not any(cell.strip() for cell in records[0]):
        raise InputError([Fault("tables.no_header", str(path), row=1)])
    header = [name.strip() for name in records[0]]
    faults = _header_faults(header, str(path))
    rows = [(row, cells) for row, cells in enumerate(records[1:], FIRST_RECORD_ROW) if "".join(cells).strip()]
    ragged = [
        Fault("tables.ragged_row", str(path), row=row, values={"found": len(cells), "wanted": len(header)})
        for row, cells in rows
        if len(cells) != len(header)
    ]
    if faults or ragged:
        raise InputError(faults + ragged)
    data = {name: [cells[i].strip() or None for _, cells in rows] for i, name in enumerate(header)}
    return pd.DataFrame(data, index=pd.Index([row for row, _ in rows], dtype="int64"), dtype=object)


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError([Fault("tables.encoding", str(path), values={"encoding": "UTF-16"})])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        try:
            content.decode("gb18030")
        except UnicodeDecodeError:
            raise InputError([Fault("tables.not_text", str(path), row=row)]) from error
        raise InputError([Fault("tables.encoding", str(path), row=row, values={"encoding": "GB18030"})]) from error


def _header_faults(header: Sequence[str], file: str) -> list[Fault]:
    faults = [
        Fault("tables.unnamed_column", file, row=1, values={"position": position})
        for position, name in enumerate(header, 1)
        if not name
    ]
    seen: dict[str, int] = {}
    for position, name in enumerate(header, 1):
        if name and name in seen:
            values = {"name": name, "first": seen[name], "second": position}
            faults.append(Fault("tables.repeated_column", file, row=1, field=name, values=values))
        seen.setdefault(name, position)
    return faults


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        schema = pyarrow.parquet.read_schema(path)
        repeated = sorted({name for name in schema.names if schema.names.count(name) > 1})
        if repeated:
            raise InputError([Fault("tables.repeated_name", str(path), field=name) for name in repeated])
        if b"geo" in (schema.metadata or {}):
            frame: pd.DataFrame = gpd.read_parquet(path)
        else:
            frame = pd.read_parquet(path)
    except _READ_ERRORS as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": _one_line(error)})]) from error
    return frame.reset_index(drop=isinstance(frame.index, pd.RangeIndex) or frame.index.name in (None, *frame.columns))


def _read_layers(path: Path, layer: str | None) -> pd.DataFrame:
    _refuse_cut_short(path)
    try:
        names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        if layer is not None and layer not in names:
            values = {"name": layer, "known": ", ".join(names)}
            raise InputError([Fault("tables.unknown_layer", str(path), values=values)])
        if layer is None and len(names) > 1:
            raise InputError([Fault("tables.several_layers", str(path), values={"known": ", ".join(names)})])
        frame: pd.DataFrame = pyogrio.read_dataframe(path, layer=layer)
    except _READ_ERRORS as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": _one_line(error)})]) from error
    return frame


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
            json.loads(path.read_bytes().decode("utf-8-sig"))
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            reason = _one_line(error)
    if reason:
        raise InputError([Fault("file.damaged", str(path), values={"reason": reason})])


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
