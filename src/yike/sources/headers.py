"""Where a sheet's header stands, of one row or two, and which rows below it are no records."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from yike.errors import Fault, InputError
from yike.sources.cell_values import word_of
from yike.sources.column_words import LEVELS, Vocabulary, plain, split_unit
from yike.sources.notes import note

Cells = Sequence[object]
Knows = Callable[[str], bool]
Merged = Collection[tuple[tuple[int, int], tuple[int, int]]]
ROWS_SEARCHED = 30
_FEWEST_NAMES = 2
_WORDS_SEARCHED = 3
_LONGEST_TOTAL = 24
_NOTE_SHOWN = 60
_FIGURE = re.compile(r"^[+-]?[\d.,]+%?$")


@dataclass(frozen=True)
class Header:
    """Hold the names of a sheet's columns, the positions (from 0) of its header rows, which columns it keeps and notes on it."""

    names: tuple[str, ...]
    rows: tuple[int, ...]
    kept: tuple[int, ...]
    notes: tuple[str, ...] = ()

    @property
    def first_record(self) -> int:
        """Return the position of the first row below the header."""
        return self.rows[-1] + 1


def known_names(words: Vocabulary) -> Knows:
    """Return a test whether a cell is a column name of the mapping, with or without a unit."""
    names = {plain(word) for subject in words["columns"].values() for spellings in subject.values() for word in spellings}
    names |= {plain(word) for spellings in words["groups"].values() for word in spellings}
    units = {plain(unit): 1.0 for kind in words["units"].values() for unit in kind}
    return lambda cell: bool(cell) and (cell in names or cell.startswith("residents_") or split_unit(cell, units)[0] in names)


def find_header(
    rows: Sequence[Cells],
    *,
    file: str,
    knows: Knows,
    merged: Merged = (),
    stated: Sequence[int] | None = None,
) -> Header:
    """Find a sheet's header: among its first rows that with the most known names, else the first that is a row of names.

    ``rows`` are the cells from the sheet's first row on, ``merged`` the corners of merged cells (row and column from 0), and
    ``stated`` the row numbers (from 1) where the user knows better. A header whose gaps are filled by names in the next row is
    one of two levels: its columns are called ``upper / lower``.

    Raises:
        InputError: no row names columns, a column with content has no name, or names stand twice.
    """
    texts = [[word_of(cell) for cell in row] for row in rows[: ROWS_SEARCHED + 2]]
    if stated is not None:
        at = tuple(row - 1 for row in stated)
        if not at or not all(0 <= row < len(texts) and any(texts[row]) for row in at):
            raise InputError([Fault("tables.no_header", file, row=(stated[0] if stated else 1))])
    else:
        first = _header_row(texts, knows)
        if first is None:
            raise InputError([Fault("tables.no_header", file, row=1)])
        at = (first, first + 1) if _two_levels(texts, first, merged, knows) else (first,)
    names = _names(texts, at, merged)
    _refuse_date_names(rows, at, file)
    kept = tuple(i for i, name in enumerate(names) if name or any(i < len(row) and word_of(row[i]) for row in rows[at[-1] + 1 :]))
    _refuse_bad_names([names[i] for i in kept], kept, file=file, row=at[0] + 1)
    above = [" ".join(filter(None, row)) for row in texts[: at[0]]]
    notes = [note("rows_above", count=len(above), words=_shown(" ".join(filter(None, above))))] if any(above) else []
    notes += [note("two_levels", rows=f"{at[0] + 1}, {at[1] + 1}")] if len(at) > 1 else []
    return Header(tuple(names[i] for i in kept), at, kept, tuple(notes))


def _shown(words: str) -> str:
    return words if len(words) <= _NOTE_SHOWN else words[:_NOTE_SHOWN] + "…"


def _header_row(texts: Sequence[Sequence[str]], knows: Knows) -> int | None:
    best, score = None, 1
    for position, row in enumerate(texts[:ROWS_SEARCHED]):
        found = sum(knows(plain(cell)) for cell in row if cell)
        if found > score:
            best, score = position, found
    if best is not None:
        # Of two levels the lower often knows more names; its upper row has the gaps above them.
        upper = texts[best - 1] if best else []
        lower = texts[best]
        filled = [i for i, cell in enumerate(upper) if cell]
        fills_gap = any(not lower[i] for i in filled if i < len(lower)) and not _is_data(upper)
        return best - 1 if best and len(filled) >= _FEWEST_NAMES and fills_gap else best
    for position, row in enumerate(texts[:ROWS_SEARCHED]):
        names = [cell for cell in row if cell]
        if len(names) >= min(_FEWEST_NAMES, max((len(r) for r in texts), default=0)) and names and not _is_data(row):
            return position
        if names and _is_data(row):
            return None
    return None


def _is_data(row: Sequence[str]) -> bool:
    return any(_FIGURE.match(cell) for cell in row)


def _two_levels(texts: Sequence[Sequence[str]], first: int, merged: Merged, knows: Knows) -> bool:
    """Tell whether the row below the header fills its gaps with names, while cells that span both rows leave it empty."""
    if first + 1 >= len(texts):
        return False
    upper, lower = texts[first], texts[first + 1]
    width = max(len(upper), len(lower))
    up = [*upper, *[""] * (width - len(upper))]
    low = [*lower, *[""] * (width - len(lower))]
    if not any(low) or _is_data(low):
        return False
    gaps = [i for i in range(width) if not up[i] and low[i]]
    wide = any(start[0] == first and end[0] == first and end[1] > start[1] for start, end in merged)
    known = any(knows(plain(cell)) for cell in low if cell)
    return bool(gaps) and bool(up[0] or gaps[0] > 0) and (wide or known or any(up[i] and not low[i] for i in range(width)))


def _names(texts: Sequence[Sequence[str]], at: Sequence[int], merged: Merged) -> list[str]:
    """Name the columns by one header row, or by two whose upper names reach over the gaps to their right."""
    width = max(len(texts[row]) for row in at)
    levels = [[" ".join(cell.split()) for cell in [*texts[row], *[""] * (width - len(texts[row]))]] for row in at]
    if len(levels) == 1:
        return levels[0]
    upper, lower = levels[0][:], levels[-1]
    for i in range(1, width):
        if not upper[i] and lower[i]:
            upper[i] = upper[i - 1]
    return [_joined(high, low) for high, low in zip(upper, lower, strict=True)]


def _joined(upper: str, lower: str) -> str:
    return f"{upper}{LEVELS}{lower}" if upper and lower and upper != lower else upper or lower


def _refuse_date_names(rows: Sequence[Cells], at: Sequence[int], file: str) -> None:
    """Find column names that a spreadsheet turned into dates: 3-5 (years of age) becomes the fifth of March."""
    dates = [(row, cell) for row in at for cell in rows[row] if hasattr(cell, "isoformat")]
    if dates:
        raise InputError(
            [Fault("tables.date_as_name", file, row=row + 1, values={"value": word_of(cell)}) for row, cell in dates]
        )


def _refuse_bad_names(names: Sequence[str], positions: Sequence[int], *, file: str, row: int) -> None:
    faults = [
        Fault("tables.unnamed_column", file, row=row, values={"position": position + 1})
        for position, name in zip(positions, names, strict=True)
        if not name
    ]
    seen: dict[str, int] = {}
    for position, name in zip(positions, names, strict=True):
        if name and name in seen:
            values = {"name": name, "first": seen[name] + 1, "second": position + 1}
            faults.append(Fault("tables.repeated_column", file, row=row, field=name, values=values))
        seen.setdefault(name, position)
    if faults:
        raise InputError(faults)


def no_record(row: Sequence[str], *, totals: Collection[str], remarks: Collection[str]) -> str:
    """Tell why a row of texts is no record: ``totals`` (合计 and the like), ``remarks`` (a lone 注: …), else an empty text."""
    filled = [cell for cell in row if cell]
    if not filled:
        return ""
    for cell in filled[:_WORDS_SEARCHED]:
        if len(cell) <= _LONGEST_TOTAL and is_total(cell, totals):
            return "totals"
    lone = plain(filled[0])
    if len(filled) <= _FEWEST_NAMES and len(row) > _FEWEST_NAMES and any(lone.startswith(word) for word in remarks):
        return "remarks"
    return ""


def is_total(cell: str, totals: Collection[str]) -> bool:
    """Tell whether a cell names a total: the word itself, blanks inside (合 计), a place before (浦东新区合计), a colon after."""
    word = plain(cell).replace("_", "").rstrip(":")
    if any(c.isascii() and c.isalpha() for c in word):
        return plain(cell).rstrip(":").replace("_", " ") in totals or word in totals
    return any(word.endswith(total) for total in totals if not total.isascii())
