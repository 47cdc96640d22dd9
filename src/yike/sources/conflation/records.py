"""Records of several sources side by side, names and addresses taken apart and turned into codes that arrays can compare."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.sources.conflation.rules import group_of
from yike.sources.place_names import Address, PlaceName, folded, parse_address, parse_names

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ObjectArray = NDArray[np.object_]

REQUIRED = ("record_id", "name", "x", "y")
OPTIONAL = ("class_ids", "address", "phone", "type")
FINGERPRINT_CELL_M = 10.0
_FINGERPRINT_DIGITS = 16


@dataclass(frozen=True, eq=False)
class Records:
    """Hold the records of all sources, one row each.

    ``table``: source, record_id, name, class_ids, x, y, address, phone, type. ``codes``: an integer an attribute and row, equal
    where the attribute is. ``fingerprint`` names a record by what it says, so that it is found again in another year's file.
    """

    table: pd.DataFrame
    names: Sequence[PlaceName]
    addresses: Sequence[Address]
    group: ObjectArray
    xy: FloatArray
    codes: Mapping[str, IntArray]
    fingerprint: ObjectArray

    @property
    def count(self) -> int:
        """Count the rows."""
        return len(self.table)


def gather_records(tables: Mapping[str, pd.DataFrame]) -> Records:
    """Put the tables of several sources under one another and take their names and addresses apart.

    A table has the columns record_id (or facility_id), name, x [m], y [m], and class_ids (or class_id), address, phone, type
    where known. Raises InputError naming each missing column, repeated id and place that is no number.
    """
    faults: list[Fault] = []
    frames = [_one_source(source, table, faults) for source, table in tables.items()]
    if faults:
        raise InputError(faults)
    columns = ["source", *REQUIRED, *OPTIONAL]
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({name: [] for name in columns})
    names = parse_names(table["name"].tolist())
    unique, inverse = np.unique(table["address"].to_numpy(str), return_inverse=True)
    parsed = [parse_address(str(address)) for address in unique]
    addresses = [parsed[row] for row in inverse]
    group = np.array([group_of(*pair) for pair in zip(table["class_ids"], table["type"], strict=True)], object)
    xy = table[["x", "y"]].to_numpy(np.float64)
    return Records(table, names, addresses, group, xy, _codes(table, names, addresses), _fingerprints(table, addresses, group))


def _one_source(source: str, table: pd.DataFrame, faults: list[Fault]) -> pd.DataFrame:
    renamed = {
        old: new
        for old, new in (("facility_id", "record_id"), ("class_id", "class_ids"))
        if old in table.columns and new not in table.columns
    }
    table = table.rename(columns=renamed)
    missing = [name for name in REQUIRED if name not in table.columns]
    present = ", ".join(map(str, table.columns))
    faults += [Fault("table.missing_column", source, field=name, values={"present": present}) for name in missing]
    if missing:
        return table
    out: dict[str, ObjectArray | FloatArray] = {"source": np.full(len(table), source, object)}
    for name in ("record_id", "name", *OPTIONAL):
        out[name] = _texts(table[name]) if name in table.columns else np.full(len(table), "", object)
    for name in ("x", "y"):
        figures = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)
        out[name] = figures
        bad = np.flatnonzero(~np.isfinite(figures))
        if bad.size:
            values = {"value": table[name].iloc[bad[0]]}
            faults.append(Fault("table.not_a_number", source, row=int(bad[0]) + 2, field=name, values=values, count=len(bad)))
    # Plain objects: pandas would store texts in a form that is slow to go through one by one.
    frame = pd.DataFrame({name: pd.Series(cells, dtype=None if name in ("x", "y") else object) for name, cells in out.items()})
    repeated = np.flatnonzero(frame["record_id"].duplicated().to_numpy())
    if repeated.size:
        row = int(repeated[0])
        values = {"id": frame["record_id"].iloc[row]}
        faults.append(Fault("table.duplicate_id", source, row=row + 2, field="record_id", values=values, count=len(repeated)))
    return frame


def _texts(series: pd.Series) -> ObjectArray:
    cells = np.where(series.isna().to_numpy(), "", series.to_numpy(object))
    return np.array([cell if type(cell) is str else str(cell) for cell in cells.tolist()], object)


def _codes(table: pd.DataFrame, names: Sequence[PlaceName], addresses: Sequence[Address]) -> dict[str, IntArray]:
    """Give a number to the different values of each attribute; the empty value is 0 everywhere."""
    texts: dict[str, list[str]] = {
        "core": [name.core for name in names],
        "kind": [name.kind for name in names],
        "ordinals": [" ".join(map(str, name.ordinals)) for name in names],
        "branch": [name.branch for name in names],
        "part": [name.part for name in names],
        "road": [address.road for address in addresses],
        "plain": [address.plain for address in addresses],
        "class": table["class_ids"].tolist(),
        "phone": [folded(phone) if phone else "" for phone in table["phone"].tolist()],
    }
    codes = {}
    for name, values in texts.items():
        found, _ = pd.factorize(np.array(["", *values], object))
        codes[name] = found[1:].astype(np.int64)
    codes["low"] = np.array([address.low for address in addresses], np.int64)
    codes["high"] = np.array([address.high for address in addresses], np.int64)
    codes["approximate"] = np.array([address.approximate for address in addresses], np.int64)
    return codes


def _fingerprints(table: pd.DataFrame, addresses: Sequence[Address], group: ObjectArray) -> ObjectArray:
    cells = np.rint(table[["x", "y"]].to_numpy(np.float64) / FINGERPRINT_CELL_M).astype(np.int64)
    texts = zip(group, table["name"], (address.plain for address in addresses), cells.tolist(), strict=True)
    return np.array(
        [
            hashlib.sha1(f"{kind}|{folded(name)}|{plain}|{x}|{y}".encode(), usedforsecurity=False).hexdigest()[
                :_FINGERPRINT_DIGITS
            ]
            for kind, name, plain, (x, y) in texts
        ],
        object,
    )
