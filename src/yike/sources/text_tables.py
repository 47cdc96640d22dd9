"""CSV: separators, quotation marks, notes above the header, and rows of another length than it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yike.errors import Fault, InputError
from yike.sources.column_words import Vocabulary
from yike.sources.encodings import decoded, file_bytes
from yike.sources.headers import Header, find_header, known_names

DELIMITERS = ",;\t|"
COLUMNS_MOST = 2_000
CELLS_MOST = 100_000_000
TEXT_BYTES_MOST = 2**31
CELL_CHARACTERS_MOST = 1_000_000
_SNIFFED_CHARACTERS = 20_000


@dataclass(frozen=True)
class TextTable:
    """Hold the records of a CSV below its header: row numbers (the file's first is 1) and cells, blank rows left out."""

    header: Header
    numbers: list[int]
    rows: list[Sequence[object]]
    encoding: str
    delimiter: str


def read_text_table(
    path: Path, *, words: Vocabulary, encoding: str | None = None, header_rows: Sequence[int] | None = None
) -> TextTable:
    """Read a CSV.

    Raises:
        InputError: it is too large, of another or of mixed encodings, badly quoted, without header, or its rows are of another
            length than the header (each is named).
    """
    file = str(path)
    if path.stat().st_size > TEXT_BYTES_MOST:
        raise InputError([Fault("tables.too_large", file, values={"found": path.stat().st_size, "most": TEXT_BYTES_MOST})])
    text, used = decoded(file_bytes(path), file=file, encoding=encoding)
    delimiter = _delimiter(text)
    _refuse_wide(text, delimiter, file)
    csv.field_size_limit(CELL_CHARACTERS_MOST)
    try:
        records: list[Sequence[object]] = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InputError([Fault("file.damaged", file, values={"reason": error})]) from error
    header = find_header(records, file=file, knows=known_names(words), stated=header_rows)
    numbers, rows = [], []
    for number, cells in enumerate(records[header.first_record :], header.first_record + 1):
        if any(cells) and "".join(map(str, cells)).strip():
            numbers.append(number)
            rows.append(cells)
    if len(rows) * max(1, len(header.names)) > CELLS_MOST:
        raise InputError([Fault("tables.too_many_cells", file, values={"most": CELLS_MOST})])
    _refuse_ragged(numbers, rows, width=len(records[header.rows[-1]]), file=file)
    return TextTable(header, numbers, rows, used, delimiter)


def _delimiter(text: str) -> str:
    """Return the separator that the first lines hold most often."""
    lines = text[:_SNIFFED_CHARACTERS].splitlines()[:20]
    counts = {delimiter: max((line.count(delimiter) for line in lines), default=0) for delimiter in DELIMITERS}
    first = lines[0] if lines else ""
    best = max(DELIMITERS, key=lambda delimiter: (first.count(delimiter), counts[delimiter]))
    return best if first.count(best) else max(DELIMITERS, key=lambda delimiter: counts[delimiter])


def _refuse_wide(text: str, delimiter: str, file: str) -> None:
    """Refuse a first line of more columns than any table has, before it becomes millions of cells."""
    end = text.find("\n")
    count = text.count(delimiter, 0, end if end >= 0 else len(text)) + 1
    if count > COLUMNS_MOST:
        raise InputError([Fault("tables.too_many_columns", file, row=1, values={"found": count, "most": COLUMNS_MOST})])


def _refuse_ragged(numbers: Sequence[int], rows: Sequence[Sequence[object]], *, width: int, file: str) -> None:
    listed = 10
    bad = [
        (number, len(cells))
        for number, cells in zip(numbers, rows, strict=True)
        if len(cells) != width and any(cells[width:] or (len(cells) < width,))
    ]
    faults = [
        Fault("tables.ragged_row", file, row=number, values={"found": found, "wanted": width}) for number, found in bad[:listed]
    ]
    if len(bad) > listed:
        number, found = bad[listed]
        values = {"found": found, "wanted": width}
        faults.append(Fault("tables.ragged_row", file, row=number, values=values, count=len(bad) - listed))
    if faults:
        raise InputError(faults)
