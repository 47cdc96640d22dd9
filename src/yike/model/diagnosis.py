"""Diagnosis: what a city measured against a standard gave, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from yike.model.canonical import combined_hash, table_hash
from yike.model.standard import Standard
from yike.model.tables import Column, TableSchema

PASS = "pass"
FAIL = "fail"
NOT_DETERMINABLE = "not_determinable"
VERDICTS = (PASS, FAIL, NOT_DETERMINABLE)

# Why a pair is not determinable; the words are the texts `verdict.reason.<code>`.
REASONS = (
    "no_inventory",  # no source lists facilities of the class
    "no_figure",  # the standard gives no reach figure for the class
    "no_zone",  # the unit has no zone or kind, so no mode of travel is declared
    "no_network",  # the city has no streets for the mode
    "centre_unconnected",  # the centre is farther from any street than the profile allows, or behind a barrier
    "no_residents",  # the standard judges residents and the unit's residents are unknown
    "data_quality",  # the unit's data score below the threshold that the caller set
    "residents_unconnected",  # so many residents are unconnected that they decide the share
)

VERDICT_TABLE = TableSchema(
    "verdicts",
    (
        Column("unit_id", "str"),
        Column("class_id", "str"),
        Column("obligation", "str", "required, or recommended: then outside the compliance rate"),
        Column("verdict", "str", "pass, fail, not_determinable: of the origin that the standard declares"),
        Column("reason", "str", "why not determinable: one of REASONS", nullable=True),
        Column("by_centre", "str", "verdict measured from the committee's centre; of several terms the worst"),
        Column("by_residents", "str", "verdict measured from the residents; of several terms the worst"),
        Column("borderline", "bool", "the deciding figure lies within one second (or metre) of the limit"),
        Column("near_edge", "bool", "fails, and the edge of known data lies within the limit's reach"),
        Column("term", "str", "reach_time or reach_distance", nullable=True),
        Column("profile", "str", "who travels", nullable=True),
        Column("mode", "str", "walk or cycle", nullable=True),
        Column("limit_s", "f8", "s", nullable=True),
        Column("limit_m", "f8", "m", nullable=True),
        Column("nearest_facility_id", "str", nullable=True),
        Column("time_s", "f8", "s, centre to nearest facility; empty beyond the search horizon", nullable=True),
        Column("distance_m", "f8", "m along the streets from the centre; only for metre terms", nullable=True),
        Column("shortfall_s", "f8", "s over the limit; of the worst home where residents decide", nullable=True),
        Column("shortfall_m", "f8", "m over the limit; both empty where it passes or nothing is in reach", nullable=True),
        Column("residents", "i8", "people"),
        Column("covered_residents", "i8", "people within the limit; of several terms the fewest, so at most so many meet all"),
        Column("residents_missing", "i8", "people short of the declared share where by_residents fails, else 0"),
        Column("covered_share", "f8", "covered_residents / residents of known connection", nullable=True),
    ),
    key=("unit_id", "class_id"),
)  # one further column covered_share_<group> for each population group
AREA_TABLE = TableSchema(
    "areas",
    (
        Column("area_kind", "str", "all, district, subdistrict, zone"),
        Column("area_id", "str"),
        Column("area_name", "str", nullable=True),
        Column("units", "i8", "neighbourhoods"),
        Column("units_complete", "i8", "neighbourhoods that pass every class"),
        Column("residents", "i8", "people"),
        Column("passed", "i8", "neighbourhood × class pairs"),
        Column("failed", "i8", "pairs: the missing items (缺项)"),
        Column("not_determinable", "i8", "pairs"),
        Column("borderline", "i8", "pairs"),
        Column("near_edge", "i8", "pairs"),
        Column("rate", "f8", "passed / (passed + failed): the compliance rate (达标率)", nullable=True),
        Column("rate_low", "f8", "passed / all pairs: nothing undetermined passes", nullable=True),
        Column("rate_high", "f8", "(passed + not_determinable) / all pairs: everything undetermined passes", nullable=True),
        Column("covered_share", "f8", "covered residents × classes / residents × classes known", nullable=True),
    ),
    key=("area_kind", "area_id"),
)
AREA_CLASS_TABLE = TableSchema(
    "area_classes",
    (
        Column("area_kind", "str"),
        Column("area_id", "str"),
        Column("class_id", "str"),
        Column("passed", "i8", "neighbourhoods"),
        Column("failed", "i8", "neighbourhoods"),
        Column("not_determinable", "i8", "neighbourhoods"),
        Column("rate", "f8", nullable=True),
        Column("residents", "i8", "people"),
        Column("covered_residents", "i8", "people"),
        Column("covered_share", "f8", nullable=True),
    ),
    key=("area_kind", "area_id", "class_id"),
)  # further columns covered_share_<group>
GAP_TABLE = TableSchema(
    "gaps",
    (
        Column("unit_id", "str"),
        Column("class_id", "str"),
        Column("origin", "str", "centre, or the residential point that is served worst where the standard judges residents"),
        Column("facility_id", "str", "the nearest by the streets, or as the crow flies where none is reachable", nullable=True),
        Column("facility_name", "str", nullable=True),
        Column("reachable", "bool", "within the search horizon"),
        Column("limit_s", "f8", "s", nullable=True),
        Column("limit_m", "f8", "m", nullable=True),
        Column("time_s", "f8", "s = walked_s + waited_s + connected_s", nullable=True),
        Column("walked_s", "f8", "s along streets", nullable=True),
        Column("waited_s", "f8", "s at crossings and signals", nullable=True),
        Column("connected_s", "f8", "s from the centre to the street and from the street to the entrance", nullable=True),
        Column("misses_s", "f8", "s over the limit", nullable=True),
        Column("misses_m", "f8", "m over the limit", nullable=True),
        Column("route_m", "f8", "m along the streets, connections included", nullable=True),
        Column("straight_m", "f8", "m as the crow flies", nullable=True),
        Column("between", "str", "kinds of barrier that the straight line crosses, comma separated", nullable=True),
        Column("route", "geometry", nullable=True),
    ),
    key=("unit_id", "class_id"),
    geometry="route",
)
BLIND_ZONE_TABLE = TableSchema(
    "blind_zones",
    (
        Column("class_id", "str"),
        Column("zone_no", "i8", "1 is the one with most residents"),
        Column("residents", "i8", "people out of reach"),
        Column("points", "i8", "residential points"),
        Column("unit_ids", "str", "neighbourhoods touched, comma separated", nullable=True),
        Column("x", "f8", "m"),
        Column("y", "f8", "m"),
        Column("outline", "geometry"),
    ),
    key=("class_id", "zone_no"),
    geometry="outline",
)
UNCONNECTED_TABLE = TableSchema(
    "unconnected",
    (
        Column("part", "str", "centre, demand, facility"),
        Column("item_id", "str"),
        Column("mode", "str"),
        Column("distance_m", "f8", "m to the nearest street, whatever lies between", nullable=True),
        Column("residents", "i8", "people"),
    ),
    key=("part", "item_id", "mode"),
)
RESULT_TABLES = {
    schema.name: schema
    for schema in (VERDICT_TABLE, AREA_TABLE, AREA_CLASS_TABLE, GAP_TABLE, BLIND_ZONE_TABLE, UNCONNECTED_TABLE)
}


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Hold the verdicts of one city against one standard, with what they were computed from.

    The tables follow the schemas of this module. ``parameters`` holds everything a replay needs beside city and standard.
    """

    city_title: str
    city_hash: str
    standard: Standard
    engine_version: str
    parameters: Mapping[str, object]
    verdicts: pd.DataFrame
    areas: pd.DataFrame
    area_classes: pd.DataFrame
    gaps: pd.DataFrame
    blind_zones: pd.DataFrame
    unconnected: pd.DataFrame

    def table(self, name: str) -> pd.DataFrame:
        """Return one of the result tables by its name."""
        table: pd.DataFrame = getattr(self, name)
        return table

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each result table in canonical form."""
        return table_hashes({name: self.table(name) for name in RESULT_TABLES})

    def hash(self) -> str:
        """Return the SHA-256 over all result tables: the evidence."""
        return combined_hash(self.hashes())


def table_hashes(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return the SHA-256 of each result table in canonical form."""
    return {name: table_hash(tables[name], key=schema.key, geometry=schema.geometry) for name, schema in RESULT_TABLES.items()}
