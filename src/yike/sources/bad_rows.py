"""The side file of bad rows: what an import left out, with what is wrong, to be corrected and imported on its own."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from yike.sources.reading_plan import ReadingPlan
from yike.sources.row_checks import ROW_COLUMN, SHEET_COLUMN, RowChecks
from yike.sources.tables import OpenedTable, has_shapes, open_table

MARK = ".bad-rows"
COUNT_SEPARATOR = "#"
FAULT_COLUMN = "yike_fault"
_OWN_COLUMNS = (ROW_COLUMN, SHEET_COLUMN, FAULT_COLUMN)


def source_name(path: Path) -> str:
    """Return the name of the file that rows come from: for a side file ``a.csv.bad-rows.csv`` the name ``a.csv``."""
    stem = path.name.rpartition(".")[0]
    return stem.removesuffix(MARK) if stem.endswith(MARK) else path.name


def source_label(path: Path, *, column: str | None = None) -> str:
    """Return how the City names where rows come from; corrected bad rows stand beside the others of their file.

    ``column`` is a column of counts: its facilities are a source of their own.
    """
    name = source_name(path)
    of_column = "" if column is None else f"{COUNT_SEPARATOR}{column}"
    return f"{name}{of_column}{'' if name == path.name else MARK}"


def labels_replaced_by(label: str) -> tuple[str, ...]:
    """Return the labels of rows that an import replaces: a file's own, and its corrected bad rows."""
    return (label,) if label.endswith(MARK) else (label, f"{label}{MARK}")


def open_for(path: Path, plan: ReadingPlan) -> OpenedTable:
    """Read a file as its plan says; a side file has one sheet and one header row, whatever its source had.

    Raises:
        InputError: as `open_table` does.
    """
    if source_name(path) != path.name:
        return open_table(path, words=plan.vocabulary)
    return open_table(path, layer=plan.layer, encoding=plan.encoding, header_rows=plan.header_rows, words=plan.vocabulary)


def side_path(source: Path, *, city: Path) -> Path:
    """Return where the bad rows of a file are written: beside the city's folder."""
    return Path(city).parent / f"{source_name(source)}{MARK}"


def write_bad_rows(checks: RowChecks, source: Path, *, city: Path, lang: str = "en") -> Path | None:
    """Write the bad rows with their row, sheet and faults; returns the file, None (and no file) where no row is bad.

    Tables become CSV in UTF-8 with a mark, as spreadsheets want it; tables with shapes a GeoPackage.
    """
    by_row = checks.faults_by_row()
    shapes = has_shapes(checks.table)
    path = side_path(source, city=city)
    path = path.with_name(path.name + (".gpkg" if shapes else ".csv"))
    if not by_row:
        return None
    positions = np.array(list(by_row), np.int64)
    table = checks.table.iloc[positions].copy()
    table = table.drop(columns=[name for name in _OWN_COLUMNS if name in table])
    table[ROW_COLUMN] = checks.row_numbers[positions]
    if checks.sheet_of is not None:
        table[SHEET_COLUMN] = checks.sheet_of[positions]
    table[FAULT_COLUMN] = [" ".join(fault.words(lang) for fault in faults) for faults in by_row.values()]
    draft = path.with_name(f".{path.name}.draft{path.suffix}")
    if shapes:
        draft.unlink(missing_ok=True)
        gpd.GeoDataFrame(table).to_file(draft, driver="GPKG")
    else:
        pd.DataFrame(table).to_csv(draft, index=False, encoding="utf-8-sig")
    draft.replace(path)
    return path
