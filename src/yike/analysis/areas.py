"""Areas: compliance rate, missing items and covered population of every area."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from yike.model.city import City
from yike.model.diagnosis import FAIL, NOT_DETERMINABLE, PASS

WHOLE = "all"
AREA_COLUMNS = {"district": ("district", "district"), "subdistrict": ("subdistrict_id", "subdistrict"), "zone": ("zone", "zone")}
_COUNTED = {"passed": PASS, "failed": FAIL, "not_determinable": NOT_DETERMINABLE}


def area_rates(city: City, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Sum the required pairs of every area (`yike.model.diagnosis.AREA_TABLE`).

    rate = passed / (passed + failed); rate_low = passed / all; rate_high = (passed + not determinable) / all. ``covered_share``
    is the share of (resident, class) pairs within the limit, over connected residents and classes with an inventory.
    """
    required = verdicts[verdicts["obligation"] == "required"]
    tallies = _tallies(required)
    pieces = []
    for kind, areas in _areas(city):
        area = areas["area_id"].reindex(required["unit_id"]).to_numpy()
        sums = tallies.groupby(area).sum()
        units = _units(areas, required)
        table = units.join(sums, how="left").fillna(dict.fromkeys(sums.columns, 0))
        table[list(_COUNTED)] = table[list(_COUNTED)].astype(np.int64)
        pairs = table["passed"] + table["failed"] + table["not_determinable"]
        table["rate"] = _ratio(table["passed"], table["passed"] + table["failed"])
        table["rate_low"] = _ratio(table["passed"], pairs)
        table["rate_high"] = _ratio(table["passed"] + table["not_determinable"], pairs)
        table["covered_share"] = _ratio(table["_covered"], table["_connected"])
        table.insert(0, "area_kind", kind)
        pieces.append(table.drop(columns=["_covered", "_connected", "_residents"]).rename_axis("area_id").reset_index())
    return pd.concat(pieces, ignore_index=True)


def area_class_rates(city: City, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Sum every area by class, recommended classes too (`yike.model.diagnosis.AREA_CLASS_TABLE`)."""
    tallies = pd.concat([_tallies(verdicts), _group_tallies(verdicts, city.groups)], axis=1)
    tallies = tallies.drop(columns=["borderline", "near_edge"])
    pieces = []
    for kind, areas in _areas(city):
        area = areas["area_id"].reindex(verdicts["unit_id"]).to_numpy()
        sums = tallies.groupby([area, verdicts["class_id"].to_numpy()]).sum()
        table = pd.DataFrame({name: sums[name].astype(np.int64) for name in _COUNTED})
        table["rate"] = _ratio(sums["passed"], sums["passed"] + sums["failed"])
        table["residents"] = sums["_residents"].astype(np.int64)
        table["covered_residents"] = sums["_covered"].astype(np.int64)
        table["covered_share"] = _ratio(sums["_covered"], sums["_connected"])
        for group in city.groups:
            table[f"covered_share_{group}"] = _ratio(sums[f"_covered_{group}"], sums[f"_connected_{group}"])
        table.insert(0, "area_kind", kind)
        pieces.append(table.rename_axis(["area_id", "class_id"]).reset_index())
    return pd.concat(pieces, ignore_index=True)


def _areas(city: City) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each kind of area with a table by unit_id: area_id and area_name; units outside every area are left out."""
    index = pd.Index(city.units["unit_id"].to_numpy(), name="unit_id")
    yield WHOLE, pd.DataFrame({"area_id": WHOLE, "area_name": city.title}, index=index)
    for kind, (id_column, name_column) in AREA_COLUMNS.items():
        areas = pd.DataFrame(
            {"area_id": city.units[id_column].to_numpy(), "area_name": city.units[name_column].to_numpy()}, index=index
        )
        areas = areas[areas["area_id"] != ""]
        if len(areas):
            yield kind, areas


def _units(areas: pd.DataFrame, required: pd.DataFrame) -> pd.DataFrame:
    complete = (required["verdict"] == PASS).groupby(required["unit_id"].to_numpy()).all()
    residents = required.drop_duplicates("unit_id").set_index("unit_id")["residents"]
    by_unit = areas.assign(
        units=1,
        units_complete=complete.reindex(areas.index).fillna(False).astype(np.int64),
        residents=residents.reindex(areas.index).fillna(0).astype(np.int64),
    )
    return by_unit.groupby("area_id").agg(
        area_name=("area_name", "first"),
        units=("units", "sum"),
        units_complete=("units_complete", "sum"),
        residents=("residents", "sum"),
    )


def _tallies(verdicts: pd.DataFrame) -> pd.DataFrame:
    known = verdicts["covered_share"].notna()
    counted = {name: (verdicts["verdict"] == value).astype(np.int64) for name, value in _COUNTED.items()}
    return pd.DataFrame(
        {
            **counted,
            "borderline": verdicts["borderline"].astype(np.int64),
            "near_edge": verdicts["near_edge"].astype(np.int64),
            "_residents": verdicts["residents"].where(known, 0),
            "_covered": verdicts["covered_residents"].where(known, 0),
            "_connected": verdicts["_connected"].where(known, 0),
        },
        index=verdicts.index,
    )


def _group_tallies(verdicts: pd.DataFrame, groups: tuple[str, ...]) -> pd.DataFrame:
    """Return the people of each group in the pair's unit, connected and covered, where the share is known."""
    data = {}
    for group in groups:
        known = verdicts[f"covered_share_{group}"].notna()
        for part in ("_connected", "_covered"):
            data[f"{part}_{group}"] = verdicts[f"{part}_{group}"].where(known, 0)
    return pd.DataFrame(data, index=verdicts.index)


def _ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    return (part / whole.where(whole > 0)).astype(np.float64)
