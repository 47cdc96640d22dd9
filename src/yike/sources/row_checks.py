"""Take typed values out of a table's rows, noting every bad cell with its row before anything is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.sources.cell_values import CHINESE, SEPARATED, mended_codes, read_figures, rounded_numbers, word_of, words_of
from yike.sources.column_words import FoundColumn, Vocabulary, find_fields, own_words, plain, units_of
from yike.sources.encodings import garbled
from yike.sources.notes import note
from yike.sources.reading_plan import ReadingPlan
from yike.sources.tables import OpenedTable, has_shapes
from yike.sources.workbooks import sheet_label

REFUSE, DROP, REPORT = "refuse", "drop", "report"
ON_BAD_ROWS = (REFUSE, DROP)
FAULTS_LISTED_EACH = 10
ROW_COLUMN, SHEET_COLUMN = "yike_row", "yike_sheet"

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ObjectArray = NDArray[np.object_]
Values = Sequence[object] | NDArray[np.object_] | NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PartRows:
    """Hold the rows that a reader took from a file.

    ``table`` are the good rows in the schema's columns, ``left_out`` the numbers of the rows that were bad, ``set_aside`` of
    those left out for what they say (closed, of no class), ``faults`` what was wrong with the bad ones, ``notes`` what was done
    on the way (see `yike.sources.notes`), ``checks`` the table as it was read.
    """

    table: pd.DataFrame
    rows_read: int
    left_out: tuple[int, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    set_aside: tuple[int, ...] = ()
    checks: RowChecks | None = None


@dataclass
class RowChecks:
    """Read one table field by field; bad rows are noted and answered with an empty value, so that all are found.

    ``columns`` says which of the file's columns holds each field, ``factors`` the size of the unit that a column's header states,
    ``vocabulary`` the words in force, ``sheet_of`` each row's sheet where there are several. ``aside`` holds the positions of
    rows that are left out for what they say, by reason.
    """

    file: str
    table: pd.DataFrame
    columns: dict[str, str]
    whole: list[Fault] = field(default_factory=list)
    marks: dict[tuple[str, str], dict[int, Mapping[str, object]]] = field(default_factory=dict)
    factors: dict[str, FoundColumn] = field(default_factory=dict)
    vocabulary: Vocabulary = field(default_factory=own_words)
    sheet_of: ObjectArray | None = None
    bad_cells: tuple[tuple[int, str, str, object], ...] = ()
    aside: dict[str, set[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    opened: OpenedTable | None = None

    @classmethod
    def of(cls, opened: OpenedTable, subject: str, *, plan: ReadingPlan) -> RowChecks:
        """Begin with a table and the subject whose column names apply; what the plan says of columns goes first.

        Raises:
            InputError: the plan names a column that the table has not.
        """
        present = [str(name) for name in opened.frame.columns if name != "geometry" or not has_shapes(opened.frame)]
        words = plan.vocabulary
        found = plan.columns_in(present, file=opened.label)
        if found is None:
            found = find_fields(present, subject, words=words)
        columns = {name: each.column for name, each in found.items()}
        units = {name: each for name, each in found.items() if each.unit}
        new = plan.new_columns(present)
        return cls(
            opened.label, opened.frame, columns, vocabulary=words, factors=units,
            sheet_of=opened.sheet_of, bad_cells=opened.bad_cells, opened=opened,
            notes=[*opened.notes, *([note("columns_new", columns=", ".join(new))] if new else [])],
        )  # fmt: skip

    @property
    def count(self) -> int:
        """Count the rows."""
        return len(self.table)

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        """Return the rows' numbers as a person counts."""
        return np.asarray(self.table.index, np.int64)

    def has(self, name: str) -> bool:
        """Tell whether the table has a column for the field."""
        return name in self.columns

    def mark(self, code: str, name: str, bad: BoolArray, values: Mapping[str, Values] | None = None) -> None:
        """Note the rows where ``bad`` holds; ``values`` gives for each placeholder one value a row of the table."""
        found = self.marks.setdefault((code, self.columns.get(name, name)), {})
        for position in np.flatnonzero(bad).tolist():
            found[position] = {key: word_of(column[position]) for key, column in (values or {}).items()}

    def set_aside(self, reason: str, rows: BoolArray) -> None:
        """Leave out the rows where ``rows`` holds for what they say; the first reason (a note with its values) counts."""
        found = set(np.flatnonzero(rows).tolist()).difference(*self.aside.values())
        if found:
            self.aside.setdefault(reason, set()).update(found)

    def missing(self, name: str, *, subject: str) -> None:
        """Note that the table lacks a column that it must have."""
        known = ", ".join(map(str, self.vocabulary["columns"][subject][name]))
        present = ", ".join(str(column) for column in self.table.columns)
        values = {"known": known, "present": present}
        self.whole.append(Fault("tables.missing_column", self.file, row=1, field=name, values=values))

    def words(self, name: str) -> ObjectArray:
        """Return a field as texts, empty where the cell or the column is, or where a word such as 不详 says that nobody knows.

        Marked are texts that were once read in a wrong encoding.
        """
        if not self.has(name):
            return np.full(self.count, "", object)
        words = words_of(self.table[self.columns[name]], missing=self.vocabulary["missing"]["words"])
        wrecks = garbled(set(words.tolist()))
        if wrecks:
            origins = [wrecks.get(word, "") for word in words]
            self.mark("tables.garbled", name, np.array([bool(origin) for origin in origins]), {"value": words, "origin": origins})
        return words

    def figures(self, name: str, *, whole: bool = False, filled: bool = False) -> FloatArray:
        """Return a field as figures of zero or more in our unit, NaN where empty or unknown; ``filled`` fields must not be."""
        if not self.has(name):
            return np.full(self.count, np.nan)
        cells = self.table[self.columns[name]]
        header = self.factors.get(name)
        units = units_of(name, self.vocabulary)
        read = read_figures(cells, words=self.vocabulary, units=units, factor=header.factor if header else 1.0)
        shown = cells.to_numpy(object)
        figures = read.values
        self.mark("tables.date_for_number", name, read.dates, {"value": shown})
        wrong = read.wrong & ~read.dates
        if whole:
            wrong |= np.isfinite(figures) & (np.abs(figures - np.rint(figures)) > 1e-6)
            figures = np.where(np.isfinite(figures) & ~wrong, np.rint(figures), figures)
        self.mark("table.not_a_number", name, wrong, {"value": shown})
        self.mark("tables.negative", name, np.isfinite(figures) & (figures < 0), {"value": shown})
        if filled:
            self.mark("table.empty_cell", name, read.empty)
            self.mark("tables.unknown_figure", name, read.unknown, {"value": shown})
        self._note_conversions(name, read.conversions, unknown=0 if filled else int(read.unknown.sum()))
        return np.where(np.isfinite(figures), figures, np.nan)

    def _note_conversions(self, name: str, conversions: Counter[str], *, unknown: int) -> None:
        column = self.columns[name]
        header = self.factors.get(name)
        if header is not None and header.factor != 1.0:
            self.notes.append(note("unit_of_column", column=column, unit=header.unit, factor=f"{header.factor:.10g}"))
        for way, count in sorted(conversions.items()):
            code = {SEPARATED: "figures_separated", CHINESE: "figures_chinese"}.get(way, "figures_unit")
            self.notes.append(note(code, column=column, count=count, unit=way))
        if unknown:
            self.notes.append(note("figures_unknown", column=column, count=unknown))

    def codes(self, name: str) -> ObjectArray:
        """Return a field of codes as texts; marked are those that a spreadsheet has rounded (3.1E+11, over 15 digits)."""
        words, mangled = mended_codes(self.words(name))
        if self.has(name):
            mangled |= rounded_numbers(self.table[self.columns[name]])
        self.mark("tables.code_rounded", name, mangled, {"value": words})
        return words

    def ids(self, name: str, *, prefix: str) -> ObjectArray:
        """Return the rows' identifiers: the field's cells or, without such a column, ``<prefix>-<row>``."""
        if not self.has(name):
            return self._row_ids(prefix)
        words = self.codes(name)
        self.mark("table.empty_cell", name, words == "")
        repeated = pd.Series(words).duplicated().to_numpy() & (words != "")
        self.mark("table.duplicate_id", name, repeated, {"id": words})
        return words

    def _row_ids(self, prefix: str) -> ObjectArray:
        numbers: Sequence[object] = self.row_numbers.tolist()
        sheets: Sequence[object] = [] if self.sheet_of is None else self.sheet_of.tolist()
        if ROW_COLUMN in self.table:
            # Rows of a side file of bad rows keep the names that they would have had in their own file.
            numbers = [word_of(cell) for cell in self.table[ROW_COLUMN]]
            if self.table.get(SHEET_COLUMN) is not None and self.table[SHEET_COLUMN].notna().all():
                sheets = [word_of(cell) for cell in self.table[SHEET_COLUMN]]
        if sheets:
            return np.array([f"{prefix}-{sheet}-{row}" for sheet, row in zip(sheets, numbers, strict=True)], object)
        return np.array([f"{prefix}-{row}" for row in numbers], object)

    def numbers_of(self, rows: BoolArray) -> tuple[int, ...]:
        """Return the row numbers where ``rows`` holds."""
        return tuple(self.row_numbers[rows].tolist())

    def settle(self, on_bad_rows: str) -> tuple[BoolArray, tuple[Fault, ...]]:
        """Return which rows are good and the faults of the others; rows set aside are neither good nor at fault.

        With "report" nothing is raised: faults of the whole table come with the others, and then no row is good.

        Raises:
            InputError: a fault concerns the whole table, or a row is bad and ``on_bad_rows`` is "refuse", or no row is good.
        """
        if on_bad_rows not in (*ON_BAD_ROWS, REPORT):
            values = {"thing": "on_bad_rows", "name": on_bad_rows, "known": ", ".join(ON_BAD_ROWS)}
            raise InputError([Fault("name.unknown", "on_bad_rows", values=values)])
        self._mark_bad_cells()
        for rows in self.aside.values():
            for found in self.marks.values():
                for position in rows & found.keys():
                    del found[position]
        faults = tuple(sorted(self._row_faults(), key=lambda fault: fault.row or 0))
        good = ~self.is_aside
        for positions in self.marks.values():
            good[list(positions)] = False
        if on_bad_rows == REPORT:
            return good & (not self.whole), (*self.whole, *faults)
        if self.whole or (faults and (on_bad_rows == REFUSE or not good.any())):
            raise InputError([*self.whole, *faults])
        return good, faults

    @property
    def is_aside(self) -> BoolArray:
        """Tell which rows are left out for what they say."""
        aside = np.zeros(self.count, bool)
        for rows in self.aside.values():
            aside[list(rows)] = True
        return aside

    def rows(self, table: pd.DataFrame, good: BoolArray, faults: Sequence[Fault], notes: Sequence[str] = ()) -> PartRows:
        """Return the good rows with what was left out and noted on the way."""
        aside = self.is_aside
        told = [f"{reason}&{self._told(found)}" for reason, found in sorted(self.aside.items())]
        return PartRows(
            table,
            self.count,
            self.numbers_of(~good & ~aside),
            tuple(faults),
            (*self.notes, *told, *notes),
            self.numbers_of(aside),
            self,
        )

    def _told(self, found: set[int]) -> str:
        numbers = self.row_numbers[sorted(found)].tolist()
        named = ", ".join(map(str, numbers[:FAULTS_LISTED_EACH])) + ("…" if len(numbers) > FAULTS_LISTED_EACH else "")
        return note("", count=len(numbers), rows=named)[1:]

    def _mark_bad_cells(self) -> None:
        used = set(self.columns.values())
        for position, column, code, values in self.bad_cells:
            if column in used and isinstance(values, Mapping):
                self.marks.setdefault((code, column), {})[position] = values

    def _row_faults(self) -> list[Fault]:
        faults = []
        for (code, name), found in self.marks.items():
            positions = sorted(found)
            each, rest = positions[:FAULTS_LISTED_EACH], positions[FAULTS_LISTED_EACH:]
            for position in each + rest[:1]:
                count = len(rest) if position in rest else 1
                faults.append(self._fault(code, name, position, count=count))
        return faults

    def _fault(self, code: str, name: str, position: int, *, count: int = 1) -> Fault:
        file = self.file if self.sheet_of is None else sheet_label(self.file, self.sheet_of[position])
        row = int(self.row_numbers[position])
        return Fault(code, file, row=row, field=name, values=self.marks[code, name][position], count=count)

    def faults_by_row(self) -> dict[int, list[Fault]]:
        """Return every fault of every bad row, by position."""
        by_row: dict[int, list[Fault]] = {}
        for (code, name), found in self.marks.items():
            for position in found:
                by_row.setdefault(position, []).append(self._fault(code, name, position))
        return dict(sorted(by_row.items()))


def chosen_words(checks: RowChecks, name: str, choices: Mapping[str, str], *, known: Sequence[str]) -> ObjectArray:
    """Return a field's words as ids by ``choices`` (plain word to id); unknown words are marked."""
    words = checks.words(name)
    ids = np.array([choices.get(plain(word), "") for word in words], object)
    unknown = (ids == "") & (words != "")
    checks.mark("tables.unknown_word", name, unknown, {"value": words, "known": [", ".join(known)] * checks.count})
    return ids
