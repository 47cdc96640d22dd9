"""Gaps: every failing pair explained by its route: walked, waited, connected, and by what it misses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from yike.analysis.measurement import TIME, Run, barrier_lines, entrance_geometries
from yike.analysis.routes import Route, routes_from
from yike.analysis.routing_graph import METRES, TENTHS
from yike.analysis.travel_time import NO_PLACE, UNREACHED
from yike.model.city import City
from yike.model.diagnosis import FAIL, GAP_TABLE
from yike.model.requirement import ReachDistance
from yike.model.standard import Standard

CENTRE = "centre"
CENTRE_DECIDES = "committee_centre"
EXPLAIN = ("all", "worst", "none")
IndexArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Case:
    """Hold one failing pair: its verdict row, its run, the point it starts from and the class's row in the run."""

    verdict: int
    run: Run
    point: int
    class_row: int


def gap_table(city: City, standard: Standard, runs: list[Run], verdicts: pd.DataFrame, *, explain: str = "all") -> pd.DataFrame:
    """Explain the failing pairs (`yike.model.diagnosis.GAP_TABLE`).

    The way starts at the committee's centre or, where the standard judges residents, at the residential point of the unit that is
    served worst. ``explain``: ``all`` pairs, only the ``worst`` of each unit, or ``none``. Worst is, required classes first, what
    misses its limit by the largest part of it (nothing in reach is worst of all) or, where residents decide, what covers the
    least share.
    """
    chosen = _chosen(verdicts, explain, centre_decides=standard.origin.measured_at == CENTRE_DECIDES)
    if not len(chosen):
        return GAP_TABLE.empty()
    cases = _cases(city, standard, runs, verdicts, chosen)
    geometries, _ = entrance_geometries(city)
    rows = []
    for run, point, group in _by_point(cases):
        start = _point_xy(city, run, point)
        routes = _routes(run, point, start, group, geometries)
        for case, route in zip(group, routes, strict=True):
            rows.append(_row(city, standard, verdicts, case, start, route))
    table = pd.DataFrame(rows)
    table["between"] = _between(city, table.pop("_straight").to_numpy())
    return table


def _chosen(verdicts: pd.DataFrame, explain: str, *, centre_decides: bool) -> IndexArray:
    failed = np.flatnonzero(verdicts["verdict"] == FAIL)
    if explain == "none":
        return failed[:0]
    if explain == "all":
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
    unit_of_demand = pd.Index(city.units["unit_id"]).get_indexer(pd.Index(city.demand["unit_id"]))
    cases = []
    for row, unit, (mode, profile, term, class_id) in zip(chosen, unit_rows, columns, strict=True):
        run = by_measure[mode, profile, METRES if term == ReachDistance.kind else TIME]
        class_row = run.classes.index(class_id)
        point = int(np.searchsorted(run.unit, unit)) if centre_decides else _worst_home(run, class_row, unit, unit_of_demand)
        cases.append(_Case(int(row), run, point, class_row))
    return cases


def _worst_home(run: Run, class_row: int, unit: int, unit_of_demand: IndexArray) -> int:
    homes = np.flatnonzero(unit_of_demand[run.demand] == unit) + len(run.unit)
    homes = homes[run.points.connected[homes]]
    return int(homes[np.argmax(run.nearest.cost[class_row, homes])])


def _by_point(cases: list[_Case]) -> Iterator[tuple[Run, int, list[_Case]]]:
    groups: dict[tuple[int, int], list[_Case]] = {}
    for case in cases:
        groups.setdefault((id(case.run), case.point), []).append(case)
    for group in groups.values():
        yield group[0].run, group[0].point, group


def _point_xy(city: City, run: Run, point: int) -> NDArray[np.float64]:
    if point < len(run.unit):
        row = city.units.iloc[run.unit[point]]
        return np.array([row["centre_x"], row["centre_y"]], np.float64)
    home = city.demand.iloc[run.demand[point - len(run.unit)]]
    return np.array([home["x"], home["y"]], np.float64)


def _routes(
    run: Run, point: int, start: NDArray[np.float64], group: list[_Case], geometries: NDArray[np.object_]
) -> list[Route | None]:
    cost = np.array([run.nearest.cost[case.class_row, point] for case in group])
    reached = cost[cost < UNREACHED]
    if not len(reached):
        return [None] * len(group)
    here = run.points.take(np.array([point]))
    targets, spots, asked = [], [], []
    for number, case in enumerate(group):
        place = run.nearest.place[case.class_row, point]
        if place != NO_PLACE:
            entrances = np.flatnonzero(run.places.owner == place)
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


def _row(
    city: City, standard: Standard, verdicts: pd.DataFrame, case: _Case, start: NDArray[np.float64], route: Route | None
) -> dict[str, object]:
    verdict = verdicts.iloc[case.verdict]
    metres = case.run.measure.quantity == METRES
    limit = verdict["limit_m"] if metres else verdict["limit_s"]
    facility = _facility(city, standard, case, str(verdict["class_id"]), start)
    target = None if facility is None else city.facilities.iloc[facility]
    end = route.line.coords[-1] if route is not None else None if target is None else (target["x"], target["y"])
    home = case.point >= len(case.run.unit)
    demand = None if not home else city.demand["demand_id"].iloc[case.run.demand[case.point - len(case.run.unit)]]
    nothing = float("nan")
    row: dict[str, object] = {
        "unit_id": verdict["unit_id"],
        "class_id": verdict["class_id"],
        "origin": demand if home else CENTRE,
        "facility_id": "" if target is None else target["facility_id"],
        "facility_name": "" if target is None else target["name"],
        "reachable": route is not None,
        "limit_s": verdict["limit_s"],
        "limit_m": verdict["limit_m"],
        **dict.fromkeys(("time_s", "walked_s", "waited_s", "connected_s", "misses_s", "misses_m", "route_m"), nothing),
        "straight_m": nothing if end is None else float(np.hypot(*(np.asarray(end) - start))),
        "between": "",
        "route": None if route is None else route.line,
        "_straight": None if end is None else shapely.LineString([start, end]),
    }
    if route is not None:
        row["route_m"] = route.length_m
        row["misses_m" if metres else "misses_s"] = route.cost / TENTHS - limit
        if not metres:
            parts = {"time_s": route.cost, "walked_s": route.moving, "waited_s": route.waiting, "connected_s": route.connecting}
            row |= {name: cost / TENTHS for name, cost in parts.items()}
    return row


def _facility(city: City, standard: Standard, case: _Case, class_id: str, start: NDArray[np.float64]) -> int | None:
    place = int(case.run.nearest.place[case.class_row, case.point])
    if place != NO_PLACE:
        return int(case.run.facility[place])
    meets = (class_id, *standard.class_(class_id).also_met_by)
    rows = np.flatnonzero(city.facilities["class_id"].isin(meets))
    if not len(rows):
        return None
    return int(rows[cKDTree(city.facilities[["x", "y"]].to_numpy(np.float64)[rows]).query(start)[1]])


def _between(city: City, straight: NDArray[np.object_]) -> list[str]:
    """Name the kinds of barrier that each straight line crosses."""
    barriers = barrier_lines(city)
    crossed: list[set[str]] = [set() for _ in straight]
    if len(barriers):
        kinds = city.barriers["kind"].to_numpy()
        drawn = np.flatnonzero([line is not None for line in straight])
        line, barrier = shapely.STRtree(barriers).query(straight[drawn], predicate="crosses")
        for number, kind in zip(drawn[line], kinds[barrier], strict=True):
            crossed[number].add(str(kind))
    return [",".join(sorted(kinds)) for kinds in crossed]
