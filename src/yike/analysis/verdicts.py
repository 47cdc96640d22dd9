"""Verdicts: measured figures against the limits of a standard, for every neighbourhood and class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from yike.analysis.measurement import Homes, Run, TermOfUnit, connected_homes, unit_positions, worst_homes
from yike.analysis.routing_graph import METRES, TENTHS
from yike.analysis.travel_time import UNREACHED
from yike.model.city import City
from yike.model.diagnosis import FAIL, NOT_DETERMINABLE, PASS
from yike.model.profile import Profile
from yike.model.standard import Standard

BORDERLINE_TENTHS = 10  # one second, or one metre
DEFAULT_SHARE = 1.0  # where the standard declares no share, every resident counts
COMMITTEE_CENTRE = "committee_centre"
PAIR = ["unit_id", "class_id"]
_RANK = {FAIL: 0, NOT_DETERMINABLE: 1, PASS: 2}
_WORDS = np.array([FAIL, NOT_DETERMINABLE, PASS], dtype=object)

IndexArray = NDArray[np.int64]
Counts = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Headcount:
    """Hold residents by unit and population group, (u, 1 + g): everybody in column 0, then each group.

    everyone, connected  all of them; those connected to streets
    covered              those within a limit
    barely, nearly       (u,) of everybody, those within the limit with a second to spare, and with a second's grace
    """

    everyone: Counts
    connected: Counts
    covered: Counts
    barely: NDArray[np.int64]
    nearly: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Ground:
    """Hold what all terms of a run share.

    keys       zone and kind of each of u units
    homes      (u, d) 1 where a residential point belongs to a unit
    heads      (d, 1 + g) people of each point: everybody, then each group
    lived_in   the homes of which the worst one measures a unit's shortfall; None where the centre decides
    edge_m     (u,) [m] from the centre to the edge of known data; 0 outside it, infinite where it is unknown
    """

    keys: list[tuple[str, str]]
    homes: csr_array
    heads: NDArray[np.int64]
    lived_in: Homes | None
    everyone: Counts
    connected: Counts
    edge_m: NDArray[np.float64]


def verdict_table(
    city: City,
    standard: Standard,
    runs: list[Run],
    terms: Mapping[tuple[str, str], list[TermOfUnit]],
    *,
    profiles: Mapping[str, Profile],
) -> pd.DataFrame:
    """Judge every required pair of unit and class; the columns are those of `yike.model.diagnosis.VERDICT_TABLE`.

    A class with several reach terms passes where all pass; the row shows the term that decides: the one that fails by the
    largest part of its limit, out of reach being most. ``by_centre`` and ``by_residents`` are the worst over the terms, people
    covered the fewest over the terms: where different homes fail different terms, fewer still meet all of them.
    Columns that begin with ``_`` hold people as whole numbers, for sums over areas: ``_connected``, and for each group
    ``_connected_<group>`` and ``_covered_<group>``.
    """
    asked = classes_with_reach(standard)
    pairs = [_undetermined(city, asked, terms)]
    for run in runs:
        ground = _ground(city, run, homes_decide=standard.origin.measured_at != COMMITTEE_CENTRE)
        for class_id in run.classes:
            for term in _distinct_terms(run, class_id, terms):
                pairs.append(_judge(city, standard, run, ground, term, terms, profiles=profiles))
    table = pd.DataFrame({name: np.concatenate([part[name] for part in pairs]) for name in pairs[0]})
    table["_decides"] = table["verdict"].map(_RANK) + 4 * (table["term"] == "")
    table["_excess"] = -_excess(table)
    table = table.sort_values([*PAIR, "_decides", "_excess", "term", "limit_s", "limit_m"], kind="stable")
    table = _deciding(table.drop(columns=["_decides", "_excess"]), city.groups)
    recommended = {entry.id for entry in standard.classes if entry.obligation == "recommended"}
    table["obligation"] = np.where(table["class_id"].isin(recommended), "recommended", "required")
    return table.reset_index(drop=True)


def _excess(table: pd.DataFrame) -> pd.Series:
    """Return the shortfall as a part of the limit: 0 where the term passes, infinite where nothing is in reach."""
    over = (table["shortfall_s"] / table["limit_s"]).fillna(table["shortfall_m"] / table["limit_m"])
    return over.fillna(np.inf).where(table["verdict"] != PASS, 0.0)


def _deciding(table: pd.DataFrame, groups: tuple[str, ...]) -> pd.DataFrame:
    """Keep the deciding row of each pair, which stands first, with the worst of what all terms of the pair found."""
    rows = table.drop_duplicates(PAIR)
    judged = table[(table["term"] != "").to_numpy()]
    several = judged[judged.duplicated(PAIR, keep=False).to_numpy()]
    if several.empty:
        return rows
    origins = ("by_centre", "by_residents")
    of_pair = several.assign(**{name: several[name].map(_RANK) for name in origins}).groupby(PAIR, sort=True)
    chosen = rows.set_index(PAIR).index.isin(of_pair.size().index)
    first = rows[chosen].copy()
    for name in origins:
        first[name] = _WORDS[of_pair[name].min().to_numpy(np.int64)]
    first["residents_missing"] = of_pair["residents_missing"].max().to_numpy(np.int64)
    for covered, suffix in (("covered_residents", ""), *((f"_covered_{group}", f"_{group}") for group in groups)):
        first[covered] = of_pair[covered].min().to_numpy(np.int64)
        known = first[f"covered_share{suffix}"].notna().to_numpy()
        first[f"covered_share{suffix}"] = _share(first[covered].to_numpy(), first[f"_connected{suffix}"].to_numpy(), known=known)
    return pd.concat([rows[~chosen], first]).sort_values(PAIR, kind="stable")


def classes_with_reach(standard: Standard) -> list[str]:
    """List the classes of which the standard asks reach at least in one zone."""
    zones = [zone.id for zone in standard.zones]
    return [entry.id for entry in standard.classes if any(standard.reach_terms(entry.id, zone) for zone in zones)]


def _distinct_terms(run: Run, class_id: str, terms: Mapping[tuple[str, str], list[TermOfUnit]]) -> list[TermOfUnit]:
    found = {term for listed in terms.values() for term in listed if term.measure == run.measure and term.class_id == class_id}
    return sorted(found, key=lambda term: (term.limit, term.term))


def _undetermined(city: City, asked: list[str], terms: Mapping[tuple[str, str], list[TermOfUnit]]) -> dict[str, NDArray[Any]]:
    """List every pair as undetermined: what no run judges stays so, because no mode is declared or its streets are missing.

    A pair whose class the unit's zone does not ask for is no pair.
    """
    keys = list(zip(city.units["zone"], city.units["kind"], strict=True))
    reasons = np.array(["no_network" if terms[key] else "no_zone" for key in keys], dtype=object)
    units = city.units["unit_id"].to_numpy()
    everyone = _by_unit(unit_positions(city), city.demand["residents"].to_numpy(), len(units))
    count = len(asked)
    rows = count * len(units)
    columns: dict[str, NDArray[Any]] = {
        "unit_id": np.repeat(units, count),
        "class_id": np.tile(np.array(asked, dtype=object), len(units)),
        "reason": np.repeat(reasons, count),
        "residents": np.repeat(everyone, count),
        **dict.fromkeys(("verdict", "by_centre", "by_residents"), _repeated(NOT_DETERMINABLE, rows)),
        **_blank_figures(rows, city.groups),
    }
    asked_of = {key: {term.class_id for term in listed} or set(asked) for key, listed in terms.items()}
    kept = np.fromiter((class_id in asked_of[key] for key in keys for class_id in asked), np.bool_, rows)
    return {name: column[kept] for name, column in columns.items()}


def _blank_figures(count: int, groups: tuple[str, ...]) -> dict[str, Any]:
    empty = np.full(count, np.nan)
    words = np.full(count, "", dtype=object)
    people = np.zeros(count, np.int64)
    figures = ["limit_s", "limit_m", "time_s", "distance_m", "shortfall_s", "shortfall_m", "covered_share"]
    figures += [f"covered_share_{group}" for group in groups]
    headcounts = ["covered_residents", "residents_missing", "_connected"]
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


def _ground(city: City, run: Run, *, homes_decide: bool) -> _Ground:
    position = np.full(len(city.units), -1, np.int64)
    position[run.unit] = np.arange(len(run.unit))
    unit = position[unit_positions(city)[run.demand]]
    home = np.arange(len(run.demand))
    homes = csr_array((np.ones(len(home), np.int64), (unit, home)), shape=(len(run.unit), len(home)))
    columns = ["residents", *(f"residents_{group}" for group in city.groups)]
    heads = city.demand[columns].to_numpy(np.int64)[run.demand]
    connected = run.points.connected[run.residents()]
    zones, kinds = city.units["zone"].to_numpy()[run.unit], city.units["kind"].to_numpy()[run.unit]
    return _Ground(
        keys=list(zip(zones, kinds, strict=True)),
        homes=homes,
        heads=heads,
        lived_in=connected_homes(city, run) if homes_decide else None,
        everyone=homes @ heads,
        connected=homes @ (heads * connected[:, None]),
        edge_m=_edge_distance(city, run),
    )


def _judge(
    city: City,
    standard: Standard,
    run: Run,
    ground: _Ground,
    term: TermOfUnit,
    terms: Mapping[tuple[str, str], list[TermOfUnit]],
    *,
    profiles: Mapping[str, Profile],
) -> dict[str, NDArray[Any]]:
    """Judge one term for the units that it is asked of; the columns are those of the verdict table."""
    asking = {key for key, listed in terms.items() if term in listed}
    asked = np.fromiter((key in asking for key in ground.keys), np.bool_, len(ground.keys))
    row = run.classes.index(term.class_id)
    known = term.class_id in city.inventories
    cost = run.nearest.cost[row, run.centres()].astype(np.int64)
    by_centre, centre_reason = _by_centre(cost, term.limit, run.points.connected[run.centres()], known=known)
    counts = _headcount(run, ground, row, term.limit)
    share = standard.origin.minimum_share or DEFAULT_SHARE
    by_residents, resident_reason, close = _by_residents(counts, share, known=known)
    centre_decides = standard.origin.measured_at == COMMITTEE_CENTRE
    verdict = by_centre if centre_decides else by_residents
    near_limit = np.abs(cost - term.limit) <= BORDERLINE_TENTHS
    columns = {
        "unit_id": city.units["unit_id"].to_numpy()[run.unit],
        "class_id": _repeated(term.class_id, len(cost)),
        "verdict": _WORDS[verdict],
        "reason": np.where(verdict == _RANK[NOT_DETERMINABLE], centre_reason if centre_decides else resident_reason, ""),
        "by_centre": _WORDS[by_centre],
        "by_residents": _WORDS[by_residents],
        "borderline": (near_limit if centre_decides else close) & (verdict != _RANK[NOT_DETERMINABLE]),
        "near_edge": (verdict == _RANK[FAIL]) & (ground.edge_m < _reach_m(term, profiles[run.measure.profile])),
        "residents": counts.everyone[:, 0],
        "residents_missing": np.where(by_residents == _RANK[FAIL], _missing(counts, share), 0),
        **_people(city, counts, known=known),
        **_centre_figures(city, run, row, term, cost),
        **_shortfall(run, term, cost if centre_decides else _cost_of_worst_home(run, row, ground), verdict),
    }
    return {name: np.asarray(column)[asked] for name, column in columns.items()}


def _people(city: City, counts: Headcount, *, known: bool) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {"covered_residents": counts.covered[:, 0]}
    for column, suffix in enumerate(["", *(f"_{group}" for group in city.groups)]):
        covered, connected = counts.covered[:, column], counts.connected[:, column]
        columns[f"covered_share{suffix}"] = _share(covered, connected, known=known)
        columns[f"_connected{suffix}"] = connected
        if suffix:
            columns[f"_covered{suffix}"] = covered
    return columns


def _repeated(word: str, count: int) -> NDArray[np.object_]:
    return np.full(count, word, dtype=object)


def _centre_figures(city: City, run: Run, row: int, term: TermOfUnit, cost: IndexArray) -> dict[str, Any]:
    reached = cost < UNREACHED
    figure = np.where(reached, cost / TENTHS, np.nan)
    place = run.nearest.place[row, run.centres()]
    nearest = np.full(len(cost), "", dtype=object)
    nearest[reached] = city.facilities["facility_id"].to_numpy()[run.facility[place[reached]]]
    empty = np.full(len(cost), np.nan)
    limit = np.full(len(cost), term.limit / TENTHS)
    metres = run.measure.quantity == METRES
    return {
        "term": _repeated(term.term, len(cost)),
        "profile": _repeated(run.measure.profile, len(cost)),
        "mode": _repeated(run.measure.mode, len(cost)),
        "nearest_facility_id": nearest,
        "limit_s": empty if metres else limit,
        "limit_m": limit if metres else empty,
        "time_s": empty if metres else figure,
        "distance_m": figure if metres else empty,
    }


def _cost_of_worst_home(run: Run, row: int, ground: _Ground) -> IndexArray:
    """Return (u,) the cost of the home that is served worst, as if unreached where a unit has no connected home."""
    cost = np.full(len(run.unit), UNREACHED, np.int64)
    if ground.lived_in is not None:
        worst = worst_homes(run, row, ground.lived_in)
        cost[worst >= 0] = run.nearest.cost[row, worst[worst >= 0]]
    return cost


def _shortfall(run: Run, term: TermOfUnit, cost: IndexArray, verdict: IndexArray) -> dict[str, NDArray[np.float64]]:
    """Return by what the deciding origin's cost is over the limit; empty where the term passes or nothing is in reach."""
    beyond = (cost < UNREACHED) & (cost > term.limit) & (verdict != _RANK[PASS])
    over = np.where(beyond, (cost - term.limit) / TENTHS, np.nan)
    empty = np.full(len(cost), np.nan)
    metres = run.measure.quantity == METRES
    return {"shortfall_s": empty if metres else over, "shortfall_m": over if metres else empty}


def _by_centre(cost: IndexArray, limit: int, connected: BoolArray, *, known: bool) -> tuple[IndexArray, NDArray[np.object_]]:
    """Pass within the limit, the limit included; without an inventory only a found place can decide."""
    verdict = np.where(cost <= limit, _RANK[PASS], _RANK[FAIL] if known else _RANK[NOT_DETERMINABLE])
    verdict[~connected] = _RANK[NOT_DETERMINABLE]
    reason = np.where(connected, "" if known else "no_inventory", "centre_unconnected").astype(object)
    return verdict, reason


def _by_residents(counts: Headcount, share: float, *, known: bool) -> tuple[IndexArray, NDArray[np.object_], BoolArray]:
    """Pass where the share is reached even if nobody unconnected is covered, fail where not even if all of them were."""
    everyone, covered = counts.everyone[:, 0], counts.covered[:, 0]
    sure = _reaches(covered, everyone, share)
    possible = _reaches(covered + everyone - counts.connected[:, 0], everyone, share)
    verdict = np.where(sure, _RANK[PASS], np.where(possible | ~np.bool_(known), _RANK[NOT_DETERMINABLE], _RANK[FAIL]))
    empty = everyone == 0
    verdict[empty] = _RANK[NOT_DETERMINABLE]
    reason = np.where(empty, "no_residents", "residents_unconnected" if known else "no_inventory").astype(object)
    close = _reaches(counts.barely, everyone, share) != _reaches(counts.nearly, everyone, share)
    return verdict, reason, close


def _missing(counts: Headcount, share: float) -> IndexArray:
    """Return (u,) how many more people must come within the limit for the share to be reached."""
    return np.asarray(_needed(counts.everyone[:, 0], share) - counts.covered[:, 0], np.int64)


def _reaches(part: IndexArray, whole: IndexArray, share: float) -> BoolArray:
    return np.asarray(part >= _needed(whole, share), np.bool_)


def _needed(whole: IndexArray, share: float) -> IndexArray:
    # Compared as people, not as a quotient, so that 80 of 100 is 80 per cent exactly.
    return np.asarray(np.ceil(share * whole - 1e-9), np.int64)


def _headcount(run: Run, ground: _Ground, row: int, limit: int) -> Headcount:
    cost = run.nearest.cost[row, run.residents()]
    everybody = ground.heads[:, 0]
    return Headcount(
        everyone=ground.everyone,
        connected=ground.connected,
        covered=ground.homes @ (ground.heads * (cost <= limit)[:, None]),
        barely=ground.homes @ (everybody * (cost < limit - BORDERLINE_TENTHS)),
        nearly=ground.homes @ (everybody * (cost <= limit + BORDERLINE_TENTHS)),
    )


def _by_unit(unit: IndexArray, people: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    placed = unit >= 0
    return np.rint(np.bincount(unit[placed], weights=people[placed], minlength=count)).astype(np.int64)


def _share(covered: NDArray[np.int64], connected: NDArray[np.int64], *, known: bool | BoolArray) -> NDArray[np.float64]:
    """Return the share of connected people that are covered; unknown where nobody is, or where places may be missing."""
    return np.where((connected > 0) & known, covered / np.maximum(connected, 1), np.nan)


def _reach_m(term: TermOfUnit, profile: Profile) -> float:
    """Return how far [m] a term's limit can reach at most."""
    return term.limit / TENTHS * (1.0 if term.measure.quantity == METRES else profile.number("top_speed_m_s"))


def _edge_distance(city: City, run: Run) -> NDArray[np.float64]:
    if city.extent is None:
        return np.full(len(run.unit), np.inf)
    centres = shapely.points(city.units[["centre_x", "centre_y"]].to_numpy(np.float64)[run.unit])
    inside = shapely.contains(city.extent, centres)
    return np.where(inside, shapely.distance(city.extent.boundary, centres), 0.0)
