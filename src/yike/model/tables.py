"""Table schemas of a City: every column with its type, unit and meaning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from yike.errors import Fault, InputError

WEEK_HOURS = 168
AGE_GROUPS = ("age_0_2", "age_3_5", "age_6_11", "age_12_14", "age_15_17", "age_18_59", "age_60_79", "age_80_up")
PATHWAYS = ("reuse_stock", "mixed_use", "new_build")
UNIT_KINDS = ("residents_committee", "village_committee")


@dataclass(frozen=True)
class Column:
    """Describe one column: its dtype (``str``, ``i8``, ``f8``, ``bool``, ``geometry``), unit and whether it may be left out."""

    name: str
    dtype: str
    unit: str = ""
    required: bool = True
    nullable: bool = False


@dataclass(frozen=True)
class TableSchema:
    """Describe one table: its columns, the columns that sort and identify its rows, and its geometry column."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    geometry: str | None = None

    def empty(self) -> pd.DataFrame:
        """Return the table without rows."""
        kinds = {"str": object, "geometry": object, "i8": np.int64, "f8": np.float64, "bool": np.bool_}
        return pd.DataFrame({column.name: pd.Series([], dtype=kinds[column.dtype]) for column in self.columns})

    def conform(self, table: pd.DataFrame, *, file: str) -> pd.DataFrame:
        """Return the table with the schema's columns, types and row order; further columns stay at the end.

        Missing optional columns are added empty. Raises InputError naming each missing column, empty cell of a column that must
        be filled, cell that is no number, and key that stands twice.
        """
        faults = [
            Fault("table.missing_column", file, field=column.name, values={"present": ", ".join(map(str, table.columns))})
            for column in self.columns
            if column.required and column.name not in table
        ]
        if faults:
            raise InputError(faults)
        data = {}
        for column in self.columns:
            if column.name in table:
                data[column.name], found = _typed(table[column.name], column, file=file)
                faults += found
            else:
                data[column.name] = _blank(column, len(table), table.index)
        if faults:
            raise InputError(faults)
        rest = {name: table[name] for name in table.columns if name not in data}
        out = pd.DataFrame({**data, **rest})
        double = out.duplicated(list(self.key))
        if double.any():
            row = int(np.flatnonzero(double)[0])
            values = {"id": " / ".join(str(out[name].iloc[row]) for name in self.key)}
            raise InputError(
                [Fault("table.duplicate_id", file, row=row + 2, field=self.key[0], values=values, count=int(double.sum()))]
            )
        return out.sort_values(list(self.key), kind="stable").reset_index(drop=True)


def _typed(series: pd.Series, column: Column, *, file: str) -> tuple[pd.Series, list[Fault]]:
    empty = series.isna()
    typed: pd.Series
    faults: list[Fault] = []
    if column.dtype in ("i8", "f8"):
        figures = pd.to_numeric(series, errors="coerce").astype(np.float64)
        bad = figures.isna() & ~empty
        if column.dtype == "i8":
            bad |= figures.notna() & (figures != np.rint(figures))
        faults += _first_fault("table.not_a_number", file, column, bad, series)
        empty = empty | (column.dtype == "i8" and figures.isna())
        typed = figures if column.dtype == "f8" else figures.fillna(0).astype(np.int64)
    elif column.dtype == "bool":
        typed = series.fillna(False).astype(bool)
    elif column.dtype == "str":
        typed = series.astype(object).where(~empty, "")
        typed = typed.map(str).astype(object)
    else:
        typed = series.astype(object).where(~empty, None)
    if not column.nullable:
        faults += _first_fault("table.empty_cell", file, column, empty, series)
    return typed, faults


def _first_fault(code: str, file: str, column: Column, bad: pd.Series, series: pd.Series) -> list[Fault]:
    if not bad.any():
        return []
    row = int(np.flatnonzero(bad.to_numpy())[0])
    values = {"value": series.iloc[row]}
    return [Fault(code, file, row=row + 2, field=column.name, values=values, count=int(bad.sum()))]


def _blank(column: Column, count: int, index: pd.Index) -> pd.Series:
    fill: dict[str, object] = {"str": "", "geometry": None, "i8": 0, "f8": np.nan, "bool": False}
    kinds = {"str": object, "geometry": object, "i8": np.int64, "f8": np.float64, "bool": np.bool_}
    return pd.Series([fill[column.dtype]] * count, index=index, dtype=kinds[column.dtype])


FACILITIES = TableSchema(
    "facilities",
    (
        Column("facility_id", "str"),
        Column("class_id", "str"),
        Column("name", "str", nullable=True),
        Column("x", "f8", "m"),
        Column("y", "f8", "m"),
        Column("floor_area_m2", "f8", "m²", required=False, nullable=True),
        Column("site_area_m2", "f8", "m²", required=False, nullable=True),
        Column("beds", "f8", "beds", required=False, nullable=True),
        Column("seats", "f8", "seats", required=False, nullable=True),
        Column("open_hours", "str", "168 bits as 42 hexadecimal digits, Monday 00:00 first", required=False, nullable=True),
        Column("unknown_hours", "str", "168 bits as 42 hexadecimal digits", required=False, nullable=True),
        Column("source", "str", required=False, nullable=True),
        Column("outline", "geometry", required=False, nullable=True),
    ),
    key=("facility_id",),
    geometry="outline",
)
ENTRANCES = TableSchema(
    "entrances",
    (
        Column("facility_id", "str"),
        Column("x", "f8", "m"),
        Column("y", "f8", "m"),
        Column("kind", "str", "entrance (mapped), outline (where the outline meets a street)"),
    ),
    key=("facility_id", "x", "y"),
)
DEMAND = TableSchema(
    "demand",
    (
        Column("demand_id", "str"),
        Column("x", "f8", "m"),
        Column("y", "f8", "m"),
        Column("unit_id", "str", required=False, nullable=True),
        Column("residents", "i8", "people"),
    ),
    key=("demand_id",),
)
UNITS = TableSchema(
    "units",
    (
        Column("unit_id", "str"),
        Column("name", "str"),
        Column("name_en", "str", required=False, nullable=True),
        Column("kind", "str", "residents_committee (居委) or village_committee (村委)", required=False, nullable=True),
        Column("subdistrict_id", "str", required=False, nullable=True),
        Column("subdistrict", "str", required=False, nullable=True),
        Column("subdistrict_en", "str", required=False, nullable=True),
        Column("district", "str", required=False, nullable=True),
        Column("zone", "str", "a zone id of the standard", required=False, nullable=True),
        Column("centre_x", "f8", "m"),
        Column("centre_y", "f8", "m"),
        Column("outline", "geometry", required=False, nullable=True),
    ),
    key=("unit_id",),
    geometry="outline",
)
CANDIDATES = TableSchema(
    "candidates",
    (
        Column("candidate_id", "str"),
        Column("name", "str", nullable=True),
        Column("x", "f8", "m"),
        Column("y", "f8", "m"),
        Column("floor_area_m2", "f8", "m²", required=False, nullable=True),
        Column("cost_yuan", "f8", "yuan", required=False, nullable=True),
        Column("pathway", "str", "one of PATHWAYS: 盘活存量, 复合利用, 规划完善", required=False, nullable=True),
        Column("owner", "str", required=False, nullable=True),
    ),
    key=("candidate_id",),
)
BARRIERS = TableSchema(
    "barriers",
    (Column("barrier_id", "str"), Column("kind", "str", "water, rail, motorway, wall"), Column("geometry", "geometry")),
    key=("barrier_id",),
    geometry="geometry",
)
CONTEXT = TableSchema(
    "context",
    (
        Column("context_id", "str"),
        Column("kind", "str", "water, green, rail, motorway, built: drawn behind the data, never measured"),
        Column("name", "str", required=False, nullable=True),
        Column("geometry", "geometry"),
    ),
    key=("context_id",),
    geometry="geometry",
)
FORECASTS = TableSchema(
    "forecasts",
    (
        Column("demand_id", "str", "a residential point of the table demand"),
        Column("year", "i8", "calendar year, at its end"),
        Column("residents", "i8", "people expected; a column residents_<group> for each population group"),
    ),
    key=("demand_id", "year"),
)
TABLES = {schema.name: schema for schema in (FACILITIES, ENTRANCES, DEMAND, UNITS, CANDIDATES, BARRIERS, CONTEXT, FORECASTS)}
# Tables that a city may lack: without rows they are neither written nor hashed, so that older folders keep their hash.
OPTIONAL_TABLES = frozenset({"forecasts"})
