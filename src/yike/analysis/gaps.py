"""Gaps: every failing pair explained by its route: walked, waited, connected, and by what it misses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from yike.analysis.measurement import TIME, Run, barrier_lines, connected_homes, entrance_geometries, worst_homes
from yike.analysis.routes import Route, routes_from
from yike.analysis.routing_graph import METRES, TENTHS
from yike.analysis.travel_time import NO_PLACE, UNREACHED
from yike.model.city import City
from yike.model.diagnosis import FAIL, GAP_TABLE
from yike.model.requirement import ReachDistance
from yike.model.standard import Standard

CENTRE = "centre"
CENTRE_DECIDES = "committee_centre"
ALL, WORST, NONE, AUTO = "all", "worst", "none", "auto"
EXPLAIN = (AUTO, ALL, WORST, NONE)
AUTO_PAIRS = 20_000  # so many routes take seconds; more would take most of a run
IndexArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Case:
    """Hold one failing pair: its verdict row, its run, the point it starts from and the class's row in the run."""

    verdict: int
    run: Run
    point: int
    class_row: int

    @property
    def home(self) -> int | None:
        """Return the row in ``demand`` where it starts, None where it starts at the centre."""
        return None if self.point < len(self.run.unit) else int(self.run.demand[self.point - len(self.run.unit)])


def explained(verdicts: pd.DataFrame, explain: str) -> str:
    """Say which failing pairs ``auto`` explains: all of them up to `AUTO_PAIRS`, else the worst of each unit."""
    if explain != AUTO:
        return explain
    return ALL if int((verdicts["verdict"] == FAIL).sum()) <= AUTO_PAIRS else WORST


def gap_table(city: City, standard: Standard, runs: list[Run], verdicts: pd.DataFrame, *, explain: str = AUTO) -> pd.DataFrame:
    """Explain the failing pairs (`yike.model.diagnosis.GAP_TABLE`).

    The way starts at the committee's centre or, where the standard judges residents, at the residential point of the unit that is
    served worst. ``explain``: ``all`` pairs, only the ``worst`` of each unit, ``none``, or ``auto`` (see `explained`). Worst is,
    required classes first, what misses its limit by the largest part of it (nothing in reach is worst of all) or, where residents
    decide, what covers the least share.
    """
    chosen = _chosen(verdicts, explained(verdicts, explain), centre_decides=standard.origin.measured_at == CENTRE_DECIDES)
    if not len(chosen):
        return GAP_TABLE.empty()
    cases = _cases(city, standard, runs, verdicts, chosen)
    geometries, _ = entrance_geometries(city)
    begin = _starts_xy(city, cases)
    routes: list[Route | None] = [None] * len(cases)
    for group in _by_point(cases):
        asked = [cases[number] for number in group]
        for number, route in zip(group, _routes(asked, begin[group[0]], geometries), strict=True):
            routes[number] = route
    facility = _facilities(city, standard, cases, begin)
    return _table(city, verdicts, cases, begin, facility, routes)


def _chosen(verdicts: pd.DataFrame, explain: str, *, centre_decides: bool) -> IndexArray:
    failed = np.flatnonzero(verdicts["verdict"] == FAIL)
    if explain == NONE:
        return failed[:0]
    if explain == ALL:
        return failed
    rows = verdicts.iloc[failed]
    if centre_decides:
        excess = (rows["shortfall_s"] / rows["limit_s"]).fillna(rows["shortfall_m"] / rows["limit_m"]).fillna(np.inf)
    else:
        excess = 1 - rows["covered_share"].fillna(0.0)
    worst = rows.assign(_excess=excess.to_numpy(), _optional=(rows["obligation"] == "recommended").to_numpy(), _row=failed)
    worst = worst.sort_values(["unit_id", "_optional", "_excess", "class_id"], ascending=[True, True, False, True], kind="stable")
    return np.asarray(worst.drop_duplicates("unit_id")["_row"].to_numpy(), np.int64)


def _cases(city: City, standard: Standard, runs: list[Run], verdicts: pd.DataFrame, chosen: IndexArray) -> list[_Case]:
    by_measure = {(run.measure.mode, run.measure.profile, run.measure.quantity): run for run in runs}
    unit_rows = pd.Index(city.units["unit_id"]).get_indexer(pd.Index(verdicts["unit_id"].iloc[chosen]))
    centre_decides = standard.origin.measured_at == CENTRE_DECIDES
    columns = verdicts[["mode", "profile", "term", "class_id"]].iloc[chosen].itertuples(index=False)
    homes = {} if centre_decides else {id(run): connected_homes(city, run) for run in runs}
    worst: dict[tuple[int, int], IndexArray] = {}
    cases = []
    for row, unit, (mode, profile, term, class_id) in zip(chosen, unit_rows, columns, strict=True):
        run = by_measure[mode, profile, METRES if term == ReachDistance.kind else TIME]
        class_row = run.classes.index(class_id)
        position = int(np.searchsorted(run.unit, unit))
        if not centre_decides and (id(run), class_row) not in worst:
            worst[id(run), class_row] = worst_homes(run, class_row, homes[id(run)])
        point = position if centre_decides else int(worst[id(run), class_row][position])
        cases.append(_Case(int(row), run, point, class_row))
    return cases


def _by_point(cases: list[_Case]) -> Iterable[list[int]]:
    """Group the numbers of cases that start at one point, so that one search serves them all."""
    groups: dict[tuple[int, int], list[int]] = {}
    for number, case in enumerate(cases):
        groups.setdefault((id(case.run), case.point), []).append(number)
    return groups.values()


def _starts_xy(city: City, cases: list[_Case]) -> NDArray[np.float64]:
    """Return (cases, 2) [m] where each case starts."""
    centres = city.units[["centre_x", "centre_y"]].to_numpy(np.float64)
    homes = city.demand[["x", "y"]].to_numpy(np.float64)
    return np.array([homes[case.home] if case.home is not None else centres[case.run.unit[case.point]] for case in cases])


def _routes(group: list[_Case], start: NDArray[np.float64], geometries: NDArray[np.object_]) -> list[Route | None]:
    run, point = group[0].run, group[0].point
    cost = np.array([run.nearest.cost[case.class_row, point] for case in group])
    reached = cost[cost < UNREACHED]
    if not len(reached):
        return [None] * len(group)
    here = run.points.take(np.array([point]))
    targets, spots, asked = [], [], []
    for number, case in enumerate(group):
        place = run.nearest.place[case.class_row, point]
        if place != NO_PLACE:
            entrances = np.arange(*np.searchsorted(run.places.owner, [place, place + 1]))
            targets.append(run.places.attachment.take(entrances))
            spots.append(_entrance_xy(geometries[run.entrance[entrances]], start))
            asked.append(number)
    found = routes_from(run.graph, here, start, targets, spots, limit=int(reached.max()))
    routes: list[Route | None] = [None] * len(group)
    for number, route in zip(asked, found, strict=True):
        routes[number] = route
    return routes


def _entrance_xy(geometries: NDArray[np.object_], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where each entrance is drawn: a point itself, an outline at its place nearest to the start."""
    lines = shapely.shortest_line(geometries, shapely.Point(start))
    return np.asarray(shapely.get_coordinates(shapely.get_point(lines, 0)), np.float64)


def _facilities(city: City, standard: Standard, cases: list[_Case], begin: NDArray[np.float64]) -> IndexArray:
    """Return the facility of each case: the nearest by the streets, else as the crow flies; -1 where the class has none."""
    place = np.array([case.run.nearest.place[case.class_row, case.point] for case in cases], np.int64)
    facility = np.array([case.run.facility[at] if at != NO_PLACE else NO_PLACE for case, at in zip(cases, place, strict=True)])
    class_ids = np.array([case.run.classes[case.class_row] for case in cases], dtype=object)
    xy = city.facilities[["x", "y"]].to_numpy(np.float64)
    for class_id in sorted(set(class_ids[place == NO_PLACE])):
        rows = np.flatnonzero(city.facilities["class_id"].isin((class_id, *standard.class_(class_id).also_met_by)))
        if len(rows):
            lost = (place == NO_PLACE) & (class_ids == class_id)
            facility[lost] = rows[cKDTree(xy[rows]).query(begin[lost])[1]]
    return np.asarray(facility, np.int64)


def _table(
    city: City,
    verdicts: pd.DataFrame,
    cases: list[_Case],
    begin: NDArray[np.float64],
    facility: IndexArray,
    routes: list[Route | None],
) -> pd.DataFrame:
    judged = verdicts.iloc[[case.verdict for case in cases]]
    homes = city.demand["demand_id"].to_numpy()
    known = facility >= 0
    end = np.full((len(cases), 2), np.nan)
    end[known] = city.facilities[["x", "y"]].to_numpy(np.float64)[facility[known]]
    for number, route in enumerate(routes):
        if route is not None:
            end[number] = route.line.coords[-1]
    table = pd.DataFrame(
        {
            "unit_id": judged["unit_id"].to_numpy(),
            "class_id": judged["class_id"].to_numpy(),
            "origin": [CENTRE if case.home is None else homes[case.home] for case in cases],
            **{
                name: np.append(city.facilities[column].to_numpy(dtype=object), "")[facility]  # -1 is the empty word at the end
                for name, column in (("facility_id", "facility_id"), ("facility_name", "name"))
            },
            "reachable": [route is not None for route in routes],
            "limit_s": judged["limit_s"].to_numpy(),
            "limit_m": judged["limit_m"].to_numpy(),
            **_route_figures(cases, routes, judged),
            "straight_m": np.hypot(*(end - begin).T),
            "between": _between(city, begin, end),
        }
    )
    table["route"] = np.array([None if route is None else route.line for route in routes], dtype=object)
    return table


def _route_figures(cases: list[_Case], routes: list[Route | None], judged: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return the figures of the routes as columns, not a number where there is none or the term counts the other unit."""
    costs = ("cost", "moving", "waiting", "connecting")
    rows = [(np.nan,) * 5 if route is None else (*(getattr(route, name) for name in costs), route.length_m) for route in routes]
    cost, moving, waiting, connecting, metres = np.array(rows, np.float64).T
    by_metres = np.array([case.run.measure.quantity == METRES for case in cases])
    return {
        "time_s": np.where(by_metres, np.nan, cost / TENTHS),
        "walked_s": np.where(by_metres, np.nan, moving / TENTHS),
        "waited_s": np.where(by_metres, np.nan, waiting / TENTHS),
        "connected_s": np.where(by_metres, np.nan, connecting / TENTHS),
        "misses_s": np.where(by_metres, np.nan, cost / TENTHS - judged["limit_s"].to_numpy(np.float64)),
        "misses_m": np.where(by_metres, cost / TENTHS - judged["limit_m"].to_numpy(np.float64), np.nan),
        "route_m": metres,
    }


def _between(city: City, begin: NDArray[np.float64], end: NDArray[np.float64]) -> list[str]:
    """Name the kinds of barrier that each straight line crosses."""
    barriers = barrier_lines(city)
    crossed: list[set[str]] = [set() for _ in begin]
    drawn = np.flatnonzero(np.isfinite(end).all(axis=1))
    if len(barriers) and len(drawn):
        kinds = city.barriers["kind"].to_numpy()
        straight = shapely.linestrings(np.stack([begin[drawn], end[drawn]], axis=1))
        line, barrier = shapely.STRtree(barriers).query(straight, predicate="crosses")
        for number, kind in zip(drawn[line], kinds[barrier], strict=True):
            crossed[number].add(str(kind))
    return [",".join(sorted(kinds)) for kinds in crossed]
