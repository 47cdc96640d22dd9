"""Verdicts: measured figures against the limits of a standard, for every neighbourhood and class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike.analysis.measurement import Run, TermOfUnit, unit_positions
from yike.analysis.routing_graph import METRES, TENTHS
from yike.analysis.travel_time import UNREACHED
from yike.model.city import City
from yike.model.diagnosis import FAIL, NOT_DETERMINABLE, PASS
from yike.model.profile import Profile
from yike.model.standard import Standard

BORDERLINE_TENTHS = 10  # one second, or one metre
DEFAULT_SHARE = 1.0  # where the standard declares no share, every resident counts
COMMITTEE_CENTRE = "committee_centre"
_RANK = {FAIL: 0, NOT_DETERMINABLE: 1, PASS: 2}
_WORDS = np.array([FAIL, NOT_DETERMINABLE, PASS], dtype=object)

IndexArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Headcount:
    """Hold residents by unit (u,) and by group: all of them, those connected to streets, those within a limit."""

    everyone: NDArray[np.int64]
    connected: NDArray[np.int64]
    covered: NDArray[np.int64]
    covered_barely: NDArray[np.int64]
    covered_nearly: NDArray[np.int64]


def verdict_table(
    city: City,
    standard: Standard,
    runs: list[Run],
    terms: Mapping[tuple[str, str], list[TermOfUnit]],
    *,
    profiles: Mapping[str, Profile],
) -> pd.DataFrame:
    """Judge every required pair of unit and class; the columns are those of `yike.model.diagnosis.VERDICT_TABLE`.

    A class with several reach terms passes where all pass; the row shows the term that decides: the one that fails by most.
    Columns that begin with ``_`` hold people as whole numbers, for sums over areas: ``_connected``, and for each group
    ``_connected_<group>`` and ``_covered_<group>``.
    """
    asked = classes_with_reach(standard)
    pairs = [_undetermined(city, asked, terms)]
    for run in runs:
        for class_id in run.classes:
            for term in _distinct_terms(run, class_id, terms):
                pairs.append(_judge(city, standard, run, term, terms, profiles=profiles))
    table = pd.concat([part for part in pairs if len(part)], ignore_index=True) if pairs else pd.DataFrame()
    table["_decides"] = table["verdict"].map(_RANK) + 4 * (table["term"] == "")
    table["_over"] = -(table["shortfall_s"].fillna(0) + table["shortfall_m"].fillna(0))
    table = table.sort_values(["unit_id", "class_id", "_decides", "_over", "term", "limit_s", "limit_m"], kind="stable")
    table = table.drop_duplicates(["unit_id", "class_id"]).drop(columns=["_decides", "_over"])
    recommended = {entry.id for entry in standard.classes if entry.obligation == "recommended"}
    table["obligation"] = np.where(table["class_id"].isin(recommended), "recommended", "required")
    return table.reset_index(drop=True)


def classes_with_reach(standard: Standard) -> list[str]:
    """List the classes of which the standard asks reach at least in one zone."""
    zones = [zone.id for zone in standard.zones]
    return [entry.id for entry in standard.classes if any(standard.reach_terms(entry.id, zone) for zone in zones)]


def _distinct_terms(run: Run, class_id: str, terms: Mapping[tuple[str, str], list[TermOfUnit]]) -> list[TermOfUnit]:
    found = {term for listed in terms.values() for term in listed if term.measure == run.measure and term.class_id == class_id}
    return sorted(found, key=lambda term: (term.limit, term.term))


def _undetermined(city: City, asked: list[str], terms: Mapping[tuple[str, str], list[TermOfUnit]]) -> pd.DataFrame:
    """List every pair as undetermined: what no run judges stays so, because no mode is declared or its streets are missing.

    A pair whose class the unit's zone does not ask for is no pair.
    """
    keys = list(zip(city.units["zone"], city.units["kind"], strict=True))
    reasons = np.array(["no_network" if terms[key] else "no_zone" for key in keys], dtype=object)
    units = city.units["unit_id"].to_numpy()
    everyone = _by_unit(unit_positions(city), city.demand["residents"].to_numpy(), len(units))
    count = len(asked)
    rows = pd.DataFrame(
        {
            "unit_id": np.repeat(units, count),
            "class_id": np.tile(np.array(asked, dtype=object), len(units)),
            "verdict": NOT_DETERMINABLE,
            "reason": np.repeat(reasons, count),
            "by_centre": NOT_DETERMINABLE,
            "by_residents": NOT_DETERMINABLE,
            "residents": np.repeat(everyone, count),
        }
    )
    asked_of = {key: {term.class_id for term in listed} or set(asked) for key, listed in terms.items()}
    kept = np.fromiter((class_id in asked_of[key] for key in keys for class_id in asked), np.bool_, len(rows))
    return rows.assign(**_blank_figures(len(rows), city.groups))[kept]


def _blank_figures(count: int, groups: tuple[str, ...]) -> dict[str, Any]:
    empty = np.full(count, np.nan)
    words = np.full(count, "", dtype=object)
    people = np.zeros(count, np.int64)
    figures = ["limit_s", "limit_m", "time_s", "distance_m", "shortfall_s", "shortfall_m", "covered_share"]
    figures += [f"covered_share_{group}" for group in groups]
    headcounts = ["covered_residents", "_connected"]
    headcounts += [f"{part}_{group}" for group in groups for part in ("_connected", "_covered")]
    return {
        "borderline": np.zeros(count, np.bool_),
        "near_edge": np.zeros(count, np.bool_),
        "term": words,
        "profile": words,
        "mode": words,
        "nearest_facility_id": words,
        **dict.fromkeys(headcounts, people),
        **dict.fromkeys(figures, empty),
    }


def _judge(
    city: City,
    standard: Standard,
    run: Run,
    term: TermOfUnit,
    terms: Mapping[tuple[str, str], list[TermOfUnit]],
    *,
    profiles: Mapping[str, Profile],
) -> pd.DataFrame:
    keys = zip(city.units["zone"].to_numpy()[run.unit], city.units["kind"].to_numpy()[run.unit], strict=True)
    asked = np.fromiter((term in terms[key] for key in keys), np.bool_, len(run.unit))
    row = run.classes.index(term.class_id)
    known = term.class_id in city.inventories
    cost = run.nearest.cost[row, run.centres()].astype(np.int64)
    connected = run.points.connected[run.centres()]
    by_centre, centre_reason = _by_centre(cost, term.limit, connected, known=known)
    counts = _headcount(city, run, row, term.limit, city.demand["residents"].to_numpy())
    share = standard.origin.minimum_share or DEFAULT_SHARE
    by_residents, resident_reason, close = _by_residents(counts, share, known=known)
    centre_decides = standard.origin.measured_at == COMMITTEE_CENTRE
    verdict = by_centre if centre_decides else by_residents
    near_limit = np.abs(cost - term.limit) <= BORDERLINE_TENTHS
    table = pd.DataFrame(
        {
            "unit_id": city.units["unit_id"].to_numpy()[run.unit],
            "class_id": term.class_id,
            "verdict": _WORDS[verdict],
            "reason": np.where(verdict == _RANK[NOT_DETERMINABLE], centre_reason if centre_decides else resident_reason, ""),
            "by_centre": _WORDS[by_centre],
            "by_residents": _WORDS[by_residents],
            "borderline": (near_limit if centre_decides else close) & (verdict != _RANK[NOT_DETERMINABLE]),
            "near_edge": (verdict == _RANK[FAIL]) & _near_edge(city, run, term, profiles[run.measure.profile]),
            "residents": counts.everyone,
            "covered_residents": counts.covered,
            "covered_share": _share(counts, known=known),
            "_connected": counts.connected,
        }
    )
    for group in city.groups:
        part = _headcount(city, run, row, term.limit, city.demand[f"residents_{group}"].to_numpy())
        table[f"covered_share_{group}"] = _share(part, known=known)
        table[f"_connected_{group}"] = part.connected
        table[f"_covered_{group}"] = part.covered
    return table.assign(**_centre_figures(city, run, row, term, cost))[asked]


def _centre_figures(city: City, run: Run, row: int, term: TermOfUnit, cost: IndexArray) -> dict[str, Any]:
    reached = cost < UNREACHED
    figure = np.where(reached, cost / TENTHS, np.nan)
    over = np.where(reached & (cost > term.limit), (cost - term.limit) / TENTHS, np.nan)
    place = run.nearest.place[row, run.centres()]
    nearest = np.full(len(cost), "", dtype=object)
    nearest[reached] = city.facilities["facility_id"].to_numpy()[run.facility[place[reached]]]
    empty = np.full(len(cost), np.nan)
    limit = np.full(len(cost), term.limit / TENTHS)
    metres = run.measure.quantity == METRES
    return {
        "term": term.term,
        "profile": run.measure.profile,
        "mode": run.measure.mode,
        "nearest_facility_id": nearest,
        "limit_s": empty if metres else limit,
        "limit_m": limit if metres else empty,
        "time_s": empty if metres else figure,
        "distance_m": figure if metres else empty,
        "shortfall_s": empty if metres else over,
        "shortfall_m": over if metres else empty,
    }


def _by_centre(cost: IndexArray, limit: int, connected: BoolArray, *, known: bool) -> tuple[IndexArray, NDArray[np.object_]]:
    """Pass within the limit, the limit included; without an inventory only a found place can decide."""
    verdict = np.where(cost <= limit, _RANK[PASS], _RANK[FAIL] if known else _RANK[NOT_DETERMINABLE])
    verdict[~connected] = _RANK[NOT_DETERMINABLE]
    reason = np.where(connected, "" if known else "no_inventory", "centre_unconnected").astype(object)
    return verdict, reason


def _by_residents(counts: Headcount, share: float, *, known: bool) -> tuple[IndexArray, NDArray[np.object_], BoolArray]:
    """Pass where the share is reached even if nobody unconnected is covered, fail where not even if all of them were."""
    sure = _reaches(counts.covered, counts.everyone, share)
    possible = _reaches(counts.covered + counts.everyone - counts.connected, counts.everyone, share)
    verdict = np.where(sure, _RANK[PASS], np.where(possible | ~np.bool_(known), _RANK[NOT_DETERMINABLE], _RANK[FAIL]))
    empty = counts.everyone == 0
    verdict[empty] = _RANK[NOT_DETERMINABLE]
    reason = np.where(empty, "no_residents", "residents_unconnected" if known else "no_inventory").astype(object)
    close = _reaches(counts.covered_barely, counts.everyone, share) != _reaches(counts.covered_nearly, counts.everyone, share)
    return verdict, reason, close


def _reaches(part: IndexArray, whole: IndexArray, share: float) -> BoolArray:
    # Compared as people, not as a quotient, so that 80 of 100 is 80 per cent exactly.
    return np.asarray(part >= np.ceil(share * whole - 1e-9), np.bool_)


def _headcount(city: City, run: Run, row: int, limit: int, people: NDArray[np.int64]) -> Headcount:
    position = np.full(len(city.units), -1, np.int64)
    position[run.unit] = np.arange(len(run.unit))
    unit = position[unit_positions(city)[run.demand]]
    heads = people[run.demand]
    connected = run.points.connected[run.residents()]
    cost = run.nearest.cost[row, run.residents()]
    count = len(run.unit)
    return Headcount(
        everyone=_by_unit(unit, heads, count),
        connected=_by_unit(unit, heads * connected, count),
        covered=_by_unit(unit, heads * (cost <= limit), count),
        covered_barely=_by_unit(unit, heads * (cost < limit - BORDERLINE_TENTHS), count),
        covered_nearly=_by_unit(unit, heads * (cost <= limit + BORDERLINE_TENTHS), count),
    )


def _by_unit(unit: IndexArray, people: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    placed = unit >= 0
    return np.rint(np.bincount(unit[placed], weights=people[placed], minlength=count)).astype(np.int64)


def _share(counts: Headcount, *, known: bool) -> NDArray[np.float64]:
    """Return the share of connected people that are covered; unknown where nobody is, or where places may be missing."""
    return np.where((counts.connected > 0) & known, counts.covered / np.maximum(counts.connected, 1), np.nan)


def _near_edge(city: City, run: Run, term: TermOfUnit, profile: Profile) -> BoolArray:
    """Tell which centres lie so near the edge of known data that a place beyond it could be within the limit."""
    if city.extent is None:
        return np.zeros(len(run.unit), np.bool_)
    reach_m = term.limit / TENTHS
    if run.measure.quantity != METRES:
        reach_m *= profile.number("top_speed_m_s")
    centres = shapely.points(city.units[["centre_x", "centre_y"]].to_numpy(np.float64)[run.unit])
    outside = ~shapely.contains(city.extent, centres)
    return np.asarray(outside | (shapely.distance(city.extent.boundary, centres) < reach_m), np.bool_)
