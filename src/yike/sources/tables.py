"""Files of other people as tables: CSV, Excel, GeoPackage, GeoParquet, Parquet, GeoJSON and Shapefile, with their own columns.

A table read here keeps its file's columns. Its index counts rows as a person does: a header in the first row is row 1, the first
record row 2. What the columns mean is looked up in ``mappings/columns.yaml``; `yike.sources.row_checks` takes the values out.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.sources.cell_values import word_of
from yike.sources.column_words import (
    Vocabulary,
    find_columns,
    mapping,
    own_words,
    plain,
    words_to_ids,
)
from yike.sources.encodings import UTF8, garbled
from yike.sources.headers import no_record
from yike.sources.layers import read_layer, read_parquet
from yike.sources.notes import note
from yike.sources.text_tables import read_text_table
from yike.sources.workbooks import ENDINGS as WORKBOOK_ENDINGS
from yike.sources.workbooks import SheetTable, read_workbook, sheet_label

TEXT_ENDINGS = (".csv", ".tsv", ".txt")
TABLE_ENDINGS = (
    ".csv",
    ".xlsx",
    ".xls",
    ".gpkg",
    ".parquet",
    ".geoparquet",
    ".geojson",
    ".json",
    ".shp",
    ".tsv",
    ".txt",
    ".xlsm",
)
LINE_ENDINGS = (".gpkg", ".parquet", ".geoparquet", ".shp", ".geojson", ".json")
POLYGON_ENDINGS = (".gpkg", ".parquet", ".geoparquet", ".shp", ".geojson", ".json")
FIRST_RECORD_ROW = 2
WGS84 = "EPSG:4326"
_ROWS_NAMED = 20
_CELLS_SEARCHED = 8
_FEW_CELLS = 2
# What a file holds, by its first bytes, and the endings that go with it.
_CONTENTS = (
    (b"PK\x03\x04", "Excel (.xlsx)", (".xlsx", ".xlsm")),
    (b"\xd0\xcf\x11\xe0", "Excel 97 (.xls)", (".xls", ".xlsx", ".xlsm")),
    (b"PAR1", "Parquet", (".parquet", ".geoparquet")),
    (b"SQLite format 3\0", "GeoPackage", (".gpkg",)),
    (b"%PDF", "PDF", ()),
    (b"\x1f\x8b", "gzip", ()),
    (b"Rar!", "RAR", ()),
    (b"7z\xbc\xaf", "7z", ()),
    (b"\x89PNG", "PNG", ()),
)
_HTML = (b"<html", b"<!doctype html", b"<table", b"<?xml")

ObjectArray = NDArray[np.object_]

__all__ = [
    "FIRST_RECORD_ROW",
    "WGS84",
    "OpenedTable",
    "find_columns",
    "mapping",
    "open_table",
    "plain",
    "read_table",
    "words_to_ids",
]


@dataclass(frozen=True, eq=False)
class OpenedTable:
    """Hold a file's records and how they were found.

    ``frame`` has the file's columns, indexed by row number; ``sheets`` the sheets read and, where they are several, ``sheet_of``
    each row's; ``header_rows`` the header's row numbers (empty where the kind of file has none); ``bad_cells`` the cells (row
    position, column, code, values) that hold an error of a formula; ``notes`` what was left out on the way; ``layer`` and
    ``stated_encoding`` what the caller asked for.
    """

    file: str
    frame: pd.DataFrame
    encoding: str = UTF8
    sheets: tuple[str, ...] = ()
    sheet_of: ObjectArray | None = None
    header_rows: tuple[int, ...] = ()
    bad_cells: tuple[tuple[int, str, str, object], ...] = ()
    notes: tuple[str, ...] = ()
    separator: str = ""
    layer: str | None = None
    stated_encoding: str | None = None

    @property
    def label(self) -> str:
        """Return how errors name the table: the file, and the sheet where there is one."""
        return sheet_label(self.file, self.sheets[0]) if len(self.sheets) == 1 else self.file


def open_table(
    path: Path,
    *,
    layer: str | None = None,
    encoding: str | None = None,
    header_rows: Sequence[int] | None = None,
    words: Vocabulary | None = None,
    endings: Sequence[str] = TABLE_ENDINGS,
) -> OpenedTable:
    """Read a file to a table of its own columns; cells of CSV are texts or None.

    ``layer`` picks the layer of a GeoPackage or the sheet of a workbook (``*``: all sheets, which must have one header),
    ``encoding`` overrules what is found, ``header_rows`` (numbers from 1) what is taken for the header. Rows of totals and
    remarks below a header are left out and noted. Files with shapes give a GeoDataFrame in the file's own coordinate system.

    Raises:
        InputError: the file is missing, empty, too large, of another kind than its ending says, cut short, in another or in
            mixed encodings, without rows, with repeated, empty or garbled column names, with rows of another length than the
            header (each is named), or has several layers or sheets.
    """
    path = Path(path)
    words = words or own_words()
    _refuse_kind(path, endings)
    ending = path.suffix.lower()
    if ending in TEXT_ENDINGS:
        table = _from_text(path, words=words, encoding=encoding, header_rows=header_rows)
    elif ending in WORKBOOK_ENDINGS:
        table = _from_workbook(path, words=words, sheet=layer, header_rows=header_rows)
    elif ending in (".parquet", ".geoparquet"):
        table = OpenedTable(str(path), _numbered(read_parquet(path)))
    else:
        frame, used = read_layer(path, layer=layer, encoding=encoding)
        table = OpenedTable(str(path), _numbered(frame), encoding=used, layer=layer, stated_encoding=encoding)
    if not len(table.frame):
        raise InputError([Fault("tables.no_rows", table.label)])
    wrecks = garbled(map(str, table.frame.columns))
    if wrecks:
        raise InputError(
            [
                Fault("tables.garbled", table.label, field=name, values={"value": name, "origin": origin})
                for name, origin in wrecks.items()
            ]
        )
    return table


def read_table(path: Path, *, layer: str | None = None, endings: Sequence[str] = TABLE_ENDINGS) -> pd.DataFrame:
    """Read a file to a table of its own columns, indexed by row number as a person counts; see `open_table`."""
    return open_table(path, layer=layer, endings=endings).frame


def _refuse_kind(path: Path, endings: Sequence[str]) -> None:
    file, ending = str(path), path.suffix.lower()
    if path.is_dir():
        raise InputError([Fault("tables.folder", file)])
    if not path.is_file():
        raise InputError([Fault("file.missing", file)])
    if ending not in endings:
        values = {"ending": ending or path.name, "known": ", ".join(endings)}
        raise InputError([Fault("file.unknown_kind", file, values=values)])
    if path.stat().st_size == 0:
        raise InputError([Fault("tables.empty_file", file)])
    try:
        with path.open("rb") as stream:
            head = stream.read(512)
    except OSError as error:
        raise InputError([Fault("file.damaged", file, values={"reason": error.strerror or error})]) from error
    found = next(((name, fitting) for mark, name, fitting in _CONTENTS if head.startswith(mark)), None)
    if found is None and ending in (*WORKBOOK_ENDINGS, *TEXT_ENDINGS):
        lowered = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
        if lowered.startswith(_HTML):
            found = ("HTML / XML", ())
        elif ending in WORKBOOK_ENDINGS and b"\0" not in head:
            found = ("text (CSV)", TEXT_ENDINGS)
    if found is not None and ending not in found[1]:
        if found[0].startswith("Excel (") and not zipfile.is_zipfile(path):
            raise InputError([Fault("file.damaged", file, values={"reason": "a zip archive without its end"})])
        raise InputError([Fault("tables.other_content", file, values={"ending": ending, "found": found[0]})])


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    frame.index = pd.RangeIndex(FIRST_RECORD_ROW, FIRST_RECORD_ROW + len(frame), name="row")
    return frame


def _from_text(path: Path, *, words: Vocabulary, encoding: str | None, header_rows: Sequence[int] | None) -> OpenedTable:
    read = read_text_table(path, words=words, encoding=encoding, header_rows=header_rows)
    numbers, rows, notes = _records(read.numbers, read.rows, read.header.kept, words)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(read.header.kept)
    data = {
        name: [str(cell).strip() or None for cell in columns[i]]
        for name, i in zip(read.header.names, read.header.kept, strict=True)
    }
    frame = pd.DataFrame(data, index=pd.Index(numbers, dtype="int64", name="row"), dtype=object)
    header = tuple(row + 1 for row in read.header.rows)
    return OpenedTable(
        str(path),
        frame,
        read.encoding,
        header_rows=header,
        notes=(*read.header.notes, *notes),
        separator=read.delimiter,
        stated_encoding=encoding,
    )


def _from_workbook(path: Path, *, words: Vocabulary, sheet: str | None, header_rows: Sequence[int] | None) -> OpenedTable:
    sheets = read_workbook(path, words=words, sheet=sheet, header_rows=header_rows)
    frames, notes, bad, names = [], [], [], []
    for each in sheets:
        numbers, rows, left_out = _records(each.numbers, each.rows, each.header.kept, words)
        frames.append(_sheet_frame(each, numbers, rows))
        notes += [*each.header.notes, *left_out]
        notes += [note("merged_filled", count=each.filled)] if each.filled else []
        bad += _placed_cells(each, numbers, offset=sum(map(len, frames[:-1])))
        names += [each.sheet] * len(numbers)
    several = len(sheets) > 1
    return OpenedTable(
        str(path),
        pd.concat(frames) if several else frames[0],
        sheets=tuple(each.sheet for each in sheets),
        sheet_of=np.array(names, object) if several else None,
        header_rows=tuple(row + 1 for row in sheets[0].header.rows),
        bad_cells=tuple(bad),
        notes=tuple(notes),
        layer=sheet,
    )


def _sheet_frame(sheet: SheetTable, numbers: Sequence[int], rows: Sequence[Sequence[object]]) -> pd.DataFrame:
    data = {
        name: pd.Series([_cell(row[i]) if i < len(row) else None for row in rows], dtype=object)
        for name, i in zip(sheet.header.names, sheet.header.kept, strict=True)
    }
    return pd.DataFrame(data).set_axis(pd.Index(list(numbers), dtype="int64", name="row"), axis=0)


def _cell(cell: object) -> object:
    return (cell.strip() or None) if isinstance(cell, str) else cell


def _placed_cells(sheet: SheetTable, numbers: Sequence[int], *, offset: int) -> list[tuple[int, str, str, object]]:
    position_of = {number: position for position, number in enumerate(numbers)}
    name_of = dict(zip(sheet.header.kept, sheet.header.names, strict=True))
    return [
        (position_of[bad.row] + offset, name_of[bad.column], bad.code, bad.values)
        for bad in sheet.bad_cells
        if bad.row in position_of and bad.column in name_of
    ]


def _records(
    numbers: Sequence[int], rows: Sequence[Sequence[object]], kept: Sequence[int], words: Vocabulary
) -> tuple[list[int], list[Sequence[object]], tuple[str, ...]]:
    """Leave out rows of totals and remarks; returns the others with their numbers, and notes."""
    totals = {plain(word) for word in words["rows"]["totals"]} | set(words["rows"]["totals"])
    remarks = {plain(word) for word in words["rows"]["remarks"]}
    may_total = re.compile("|".join(r"\s*".join(map(re.escape, word)) for word in totals), re.IGNORECASE).search
    left: dict[str, list[int]] = {"totals": [], "remarks": []}
    kept_numbers, kept_rows = [], []
    first = list(kept[:_CELLS_SEARCHED])
    for number, row in zip(numbers, rows, strict=True):
        cells = [row[i] for i in first if i < len(row)]
        reason = ""
        # Most rows are told to be records by this look alone; a million of them are looked at.
        if cells.count("") + cells.count(None) >= len(cells) - _FEW_CELLS or may_total(" ".join(map(str, cells))):
            reason = no_record([word_of(cell) for cell in cells], totals=totals, remarks=remarks)
        if reason:
            left[reason].append(number)
        else:
            kept_numbers.append(number)
            kept_rows.append(row)
    notes = tuple(
        note(
            f"rows_{reason}",
            count=len(found),
            rows=", ".join(map(str, found[:_ROWS_NAMED])) + ("…" if len(found) > _ROWS_NAMED else ""),
        )
        for reason, found in left.items()
        if found
    )
    return kept_numbers, kept_rows, notes


def shapes_of(table: pd.DataFrame) -> ObjectArray:
    """Return (n,) the shapes of a table that has some."""
    return np.asarray(gpd.GeoDataFrame(table).geometry.array, object)


def has_shapes(table: pd.DataFrame) -> bool:
    """Tell whether a table has shapes of its own."""
    return isinstance(table, gpd.GeoDataFrame)
