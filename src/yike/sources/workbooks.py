"""Excel workbooks: sheets, merged cells, errors of formulas, and files that only look like one."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from yike.errors import Fault, InputError
from yike.sources.column_words import Vocabulary
from yike.sources.headers import Header, find_header, known_names
from yike.sources.text_tables import CELLS_MOST, COLUMNS_MOST

ENDINGS = (".xlsx", ".xlsm", ".xls")
ALL_SHEETS = "*"
UNPACKED_BYTES_MOST = 2**30
PACKED_TIMES_MOST = 300
_SMALL_BYTES = 10_000_000
_CELL = re.compile(rb"<c\s([^>]*?)(?:/>|>(.*?)</c>)", re.DOTALL)
_PLACE = re.compile(rb'\br="([A-Z]+)(\d+)"')
_VALUE = re.compile(rb"<v>([^<]+)</v>")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class BadCell(NamedTuple):
    """Name a cell with an error of a formula, or a formula without value: row number (from 1), column (from 0), code, values."""

    row: int
    column: int
    code: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class SheetTable:
    """Hold the records of one sheet below its header: row numbers (the sheet's first is 1) and cells, blank rows left out.

    ``filled`` counts the cells that repeat what stands once in a merged cell over several rows.
    """

    sheet: str
    header: Header
    numbers: list[int]
    rows: list[list[object]]
    bad_cells: tuple[BadCell, ...] = ()
    filled: int = 0


def read_workbook(
    path: Path, *, words: Vocabulary, sheet: str | None = None, header_rows: Sequence[int] | None = None
) -> list[SheetTable]:
    """Read one sheet of a workbook, or with ``*`` every sheet that has rows; all must then have one header.

    Without a name the only visible sheet with content is read. Figures of formulas are those that the file has stored.

    Raises:
        InputError: the workbook is damaged, protected by a password, or would unpack to more than fits; the sheet is unknown,
            there are several or none; headers differ.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    file = str(path)
    _refuse_bomb(path)
    try:
        workbook = CalamineWorkbook.from_path(path)
        names = _chosen(workbook, sheet, file)
        raw = {name: _cells(workbook.get_sheet_by_name(name), file) for name in names}
    except InputError:
        raise
    except (CalamineError, OSError, ValueError, OverflowError) as error:
        raise InputError([_damaged(path, error)]) from error
    except BaseException as error:
        # The reader's panics are no Exception of Python's; nothing else from it may pass for one.
        if type(error).__name__ != "PanicException":
            raise
        raise InputError([_damaged(path, error)]) from error
    tables = [_table(name, cells, merged, words, path, header_rows) for name, (cells, merged) in raw.items()]
    _refuse_other_headers(tables, file)
    return tables


def sheet_label(file: str, sheet: str) -> str:
    """Return how an error names a sheet of a file."""
    return f"{file} [{sheet}]"


def _damaged(path: Path, error: BaseException) -> Fault:
    words = " ".join(str(error).split())
    if "password" in words.lower() or _has_encrypted_package(path):
        return Fault("tables.password", str(path))
    return Fault("file.damaged", str(path), values={"reason": words.rstrip(".") or type(error).__name__})


def _has_encrypted_package(path: Path) -> bool:
    return "EncryptedPackage".encode("utf-16-le") in path.read_bytes()


def _refuse_bomb(path: Path) -> None:
    """Refuse a packed workbook that would unpack to more than 1 GB, or to hundreds of times its size."""
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as package:
            unpacked = sum(entry.file_size for entry in package.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError([Fault("file.damaged", str(path), values={"reason": error})]) from error
    packed = path.stat().st_size
    if unpacked > UNPACKED_BYTES_MOST or (unpacked > _SMALL_BYTES and unpacked > PACKED_TIMES_MOST * packed):
        values = {"packed": packed, "unpacked": unpacked}
        raise InputError([Fault("tables.unpacks_too_large", str(path), values=values)])


def _chosen(workbook: Any, sheet: str | None, file: str) -> list[str]:
    names = list(workbook.sheet_names)
    if sheet is not None and sheet != ALL_SHEETS:
        if sheet not in names:
            raise InputError([Fault("tables.unknown_sheet", file, values={"name": sheet, "known": ", ".join(names)})])
        return [sheet]
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    seen = (SheetVisibleEnum.Visible, SheetTypeEnum.WorkSheet)
    visible = [each.name for each in workbook.sheets_metadata if (each.visible, each.typ) == seen]
    filled = [name for name in visible if workbook.get_sheet_by_name(name).height > 0]
    if not filled:
        raise InputError([Fault("tables.no_rows", file)])
    if sheet is None and len(filled) > 1:
        raise InputError([Fault("tables.several_sheets", file, values={"known": ", ".join(filled)})])
    return filled


def _cells(sheet: Any, file: str) -> tuple[list[list[object]], Sequence[Any]]:
    height, width = sheet.total_height, sheet.total_width
    label = sheet_label(file, sheet.name)
    if width > COLUMNS_MOST:
        raise InputError([Fault("tables.too_many_columns", label, row=1, values={"found": width, "most": COLUMNS_MOST})])
    if height * width > CELLS_MOST:
        raise InputError([Fault("tables.too_many_cells", label, values={"most": CELLS_MOST})])
    return sheet.to_python(skip_empty_area=False), sheet.merged_cell_ranges or ()


def _table(
    name: str, cells: list[list[object]], merged: Sequence[Any], words: Vocabulary, path: Path, header_rows: Sequence[int] | None
) -> SheetTable:
    label = sheet_label(str(path), name)
    if not cells:
        raise InputError([Fault("tables.no_rows", label)])
    header = find_header(cells, file=label, knows=known_names(words), merged=merged, stated=header_rows)
    filled = _fill_merged(cells, merged, first=header.first_record)
    records = [
        (number, row)
        for number, row in enumerate(cells[header.first_record :], header.first_record + 1)
        if any(cell != "" and cell is not None and str(cell).strip() for cell in row)
    ]
    bad = tuple(_bad_cells(path, name))
    return SheetTable(name, header, [number for number, _ in records], [row for _, row in records], bad, filled)


def _fill_merged(cells: list[list[object]], merged: Sequence[Any], *, first: int) -> int:
    """Repeat the value of a merged cell below the header in every row that it spans; return how many cells were filled."""
    filled = 0
    for (top, left), (bottom, right) in merged:
        if top < first or bottom == top or left != right:
            continue
        for row in range(top + 1, min(bottom + 1, len(cells))):
            if left < len(cells[row]) and cells[row][left] in ("", None):
                cells[row][left] = cells[top][left]
                filled += 1
    return filled


def _refuse_other_headers(tables: Sequence[SheetTable], file: str) -> None:
    first = tables[0]
    faults = [
        Fault("tables.other_header", sheet_label(file, table.sheet), row=table.header.rows[0] + 1, values={"first": first.sheet})
        for table in tables[1:]
        if table.header.names != first.header.names
    ]
    if faults:
        raise InputError(faults)


def _bad_cells(path: Path, sheet: str) -> Iterator[BadCell]:
    """Find the cells of an .xlsx sheet that hold an error, or a formula of which no program has stored the value."""
    if not zipfile.is_zipfile(path):
        return
    for attributes, content in _CELL.findall(_sheet_xml(path, sheet)):
        error = b't="e"' in attributes
        stored = _VALUE.search(content)
        place = _PLACE.search(attributes)
        if place is None or not (error or (b"<f" in content and not stored and b"<is>" not in content)):
            continue
        values = {"value": stored[1].decode("utf-8", "replace") if stored else "–", "cell": (place[1] + place[2]).decode()}
        code = "tables.formula_error" if error else "tables.formula_without_value"
        yield BadCell(int(place[2]), _column_number(place[1]), code, values)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def _sheet_xml(path: Path, sheet: str) -> bytes:
    """Return the XML of a sheet, found through the workbook's relations; empty where the package is built in another way."""
    try:
        with zipfile.ZipFile(path) as package:
            book = ElementTree.fromstring(package.read("xl/workbook.xml"))
            relations = ElementTree.fromstring(package.read("xl/_rels/workbook.xml.rels"))
            targets = {each.get("Id"): each.get("Target", "") for each in relations}
            relation = next(
                each.get(_RELATION) for each in book.iter() if each.tag.endswith("}sheet") and each.get("name") == sheet
            )
            target = targets.get(relation, "")
            return package.read(target.lstrip("/") if target.startswith("/") else f"xl/{target}")
    except (KeyError, StopIteration, ElementTree.ParseError, zipfile.BadZipFile, OSError):
        return b""
