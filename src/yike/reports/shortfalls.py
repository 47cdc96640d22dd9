"""Where a neighbourhood falls short: by how much, by which way, in one sentence, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import shapely

from yike.model.city import City
from yike.model.diagnosis import FAIL, PASS, Diagnosis
from yike.reports.places import Neighbourhood, Places
from yike.reports.wording import Wording, reconciled_tenths

DETOUR = 1.5


@dataclass(frozen=True, eq=False)
class Shortfall:
    """Hold one failing pair. Times in seconds, lengths in metres, shares 0 to 1; NaN where there is no figure.

    ``severity`` orders shortfalls of any kind: what is missing over what is allowed; infinite where nothing is reached.
    """

    unit_id: str
    class_id: str
    severity: float
    mode: str
    limit_s: float
    limit_m: float
    time_s: float
    distance_m: float
    over_s: float
    over_m: float
    covered_share: float
    asked_share: float
    residents_out: int
    facility_name: str
    exists: bool
    reachable: bool
    walked_s: float
    waited_s: float
    connected_s: float
    route_m: float
    straight_m: float
    horizon_s: float
    speed_m_s: float
    between: tuple[str, ...]
    borderline: bool
    near_edge: bool
    required: bool
    route: shapely.Geometry | None
    straight: shapely.LineString | None

    @property
    def by_residents(self) -> bool:
        """Tell whether the share of residents decides."""
        return math.isfinite(self.asked_share)

    @property
    def near_straight(self) -> bool:
        """Tell whether the place would be within the limit if the streets led there in a straight line at the same pace."""
        if not self.reachable or not self.route_m > 0:
            return False
        if math.isfinite(self.limit_m):
            return self.straight_m <= self.limit_m
        return self.straight_m * self.time_s / self.route_m <= self.limit_s

    @property
    def detour(self) -> bool:
        """Tell whether the way is at least 1.5 times as long as the straight line."""
        return self.reachable and self.route_m >= DETOUR * self.straight_m

    @property
    def barred(self) -> bool:
        """Tell whether a shorter way alone would mend it: near in a straight line, with a barrier between or a long detour."""
        return self.near_straight and (bool(self.between) or self.detour)

    @property
    def beyond_horizon(self) -> bool:
        """Tell whether even the straight line takes as long as the search went on, so that it says nothing about ways."""
        return self.straight_m / self.speed_m_s >= self.horizon_s if self.speed_m_s > 0 else False

    @property
    def order(self) -> tuple[bool, float, float, str]:
        """Return what sorts the worst first; what is only recommended comes after all that is required."""
        far = self.straight_m if math.isfinite(self.straight_m) else 0.0
        return not self.required, -self.severity, -far, self.class_id


def shortfalls_of(diagnosis: Diagnosis, city: City, places: Places) -> dict[str, list[Shortfall]]:
    """Return the shortfalls of each unit id, the worst first."""
    failing = diagnosis.verdicts[diagnosis.verdicts["verdict"] == FAIL]
    gaps = {(row["unit_id"], row["class_id"]): row for row in rows_of(diagnosis.gaps)}
    spots = city.facilities.drop_duplicates("facility_id").set_index("facility_id")[["x", "y"]]
    where = dict(zip(spots.index, zip(spots["x"], spots["y"], strict=True), strict=True))
    asked = asked_share(diagnosis)
    found: dict[str, list[Shortfall]] = {unit.unit_id: [] for unit in places.units}
    for row in rows_of(failing):
        unit = places.by_id.get(str(row["unit_id"]))
        if unit is None:
            continue
        gap = gaps.get((row["unit_id"], row["class_id"]), {})
        search = _search(diagnosis, row)
        found[unit.unit_id].append(_shortfall(row, gap, unit, where=where, asked_share=asked, search=search))
    return {unit_id: sorted(rows, key=lambda one: one.order) for unit_id, rows in found.items()}


def asked_share(diagnosis: Diagnosis) -> float:
    """Return the share [0..1] of residents that must reach a class; NaN where the centre decides."""
    if diagnosis.standard.origin.measured_at != "residents":
        return math.nan
    return _number(diagnosis.parameters, "resident_share")


def _search(diagnosis: Diagnosis, row: Mapping[str, object]) -> tuple[float, float]:
    """Return how long was searched for a place [s], at least up to the limit, and the traveller's speed [m/s]."""
    profiles = diagnosis.parameters.get("profiles")
    traveller = profiles.get(str(row["profile"])) if isinstance(profiles, Mapping) else None
    speed = _number(traveller, "speed_m_s") if isinstance(traveller, Mapping) else math.nan
    reaches = (_number(diagnosis.parameters, "horizon_s"), _number(row, "limit_s"), _number(row, "limit_m") / speed)
    return max((reach for reach in reaches if math.isfinite(reach)), default=math.nan), speed


def rows_of(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows of a table, each as a mapping of its columns."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _shortfall(
    row: Mapping[str, object],
    gap: Mapping[str, object],
    unit: Neighbourhood,
    *,
    where: Mapping[str, tuple[float, float]],
    asked_share: float,
    search: tuple[float, float],
) -> Shortfall:
    over_s, over_m = _number(row, "shortfall_s"), _number(row, "shortfall_m")
    share = _number(row, "covered_share")
    facility_id = str(gap.get("facility_id") or row["nearest_facility_id"] or "")
    reachable = bool(gap.get("reachable", math.isfinite(over_s) or math.isfinite(over_m)))
    spot = where.get(facility_id)
    route = gap.get("route")
    between = str(gap.get("between") or "")
    missing = 0.0 if math.isnan(share) else 1.0 - share
    return Shortfall(
        unit_id=unit.unit_id,
        class_id=str(row["class_id"]),
        severity=_severity(row, over_s, over_m, asked_share - share, reachable=reachable),
        mode=str(row["mode"] or ""),
        limit_s=_number(row, "limit_s"),
        limit_m=_number(row, "limit_m"),
        time_s=_number(gap, "time_s") if "time_s" in gap else _number(row, "time_s"),
        distance_m=_number(row, "distance_m"),
        over_s=over_s,
        over_m=over_m,
        covered_share=share,
        asked_share=asked_share,
        residents_out=round(missing * unit.residents),
        facility_name=str(gap.get("facility_name") or ""),
        exists=bool(facility_id),
        reachable=reachable,
        walked_s=_number(gap, "walked_s"),
        waited_s=_number(gap, "waited_s"),
        connected_s=_number(gap, "connected_s"),
        route_m=_number(gap, "route_m"),
        straight_m=_number(gap, "straight_m"),
        horizon_s=search[0],
        speed_m_s=search[1],
        between=tuple(kind.strip() for kind in between.split(",") if kind.strip()),
        borderline=bool(row["borderline"]),
        near_edge=bool(row["near_edge"]),
        required=row.get("obligation", "required") != "recommended",
        route=route if isinstance(route, shapely.Geometry) and not route.is_empty else None,
        straight=_straight(route, unit, spot),
    )


def _straight(
    route: object, unit: Neighbourhood, spot: tuple[float, float] | None
) -> shapely.LineString | None:
    """Draw the straight line from where the route starts to where it ends; without a route from the centre to the place."""
    if isinstance(route, shapely.LineString) and not route.is_empty:
        return shapely.LineString([route.coords[0], route.coords[-1]])
    return None if spot is None else shapely.LineString([(unit.x, unit.y), spot])


def _severity(
    row: Mapping[str, object], over_s: float, over_m: float, short_share: float, *, reachable: bool
) -> float:
    if math.isfinite(short_share):
        return short_share
    if math.isfinite(over_s):
        return over_s / max(_number(row, "limit_s"), 1.0)
    if math.isfinite(over_m):
        return over_m / max(_number(row, "limit_m"), 1.0)
    return math.inf if not reachable else 0.0


def _number(row: Mapping[str, object], name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, (int, float)) else math.nan


def gap_words(gap: Shortfall, class_name: str, *, words: Wording) -> str:
    """Say one shortfall in one sentence, with the figures that make it up."""
    if gap.by_residents and gap.exists:
        share, asked = words.percent(gap.covered_share), words.percent(gap.asked_share)
        people = words.count(gap.residents_out)
        said = words.say("gap.residents", name=class_name, share=share, asked=asked, people=people)
        return said + _farthest(gap, words)
    mode = words.say_or(f"mode.{gap.mode}", gap.mode)
    limit = limit_words(gap.limit_s, gap.limit_m, words=words)
    if not gap.exists:
        return words.say("gap.none", name=class_name)
    if math.isfinite(gap.over_m):
        return words.say(
            "gap.metres",
            name=class_name,
            distance=words.metres(gap.distance_m),
            over=words.metres(gap.over_m),
        )
    if not math.isfinite(gap.over_s) or not math.isfinite(gap.time_s):
        straight = words.metres(gap.straight_m) if math.isfinite(gap.straight_m) else words.say("unit.unknown")
        return words.say("gap.unreached", name=class_name, limit=limit, straight=straight, mode=mode)
    sentence = words.say(
        "gap.time", name=class_name, mode=mode, time=words.minutes(gap.time_s), over=words.span(gap.over_s)
    )
    if not math.isfinite(gap.walked_s):
        return sentence
    parts = (gap.walked_s, gap.waited_s, gap.connected_s)
    walked, waited, connected = reconciled_tenths(gap.time_s, parts)
    key = "gap.parts_cycle" if gap.mode == "cycle" else "gap.parts_walk"
    return sentence + words.say(key, walked=walked, waited=waited, connected=connected)


def _farthest(gap: Shortfall, words: Wording) -> str:
    """Say how far the home lies that is served worst."""
    if math.isfinite(gap.time_s):
        mode = words.say_or(f"mode.{gap.mode}", gap.mode)
        return words.say("gap.farthest", mode=mode, time=words.minutes(gap.time_s))
    if math.isfinite(gap.route_m):
        return words.say("gap.farthest_metres", distance=words.metres(gap.route_m))
    return ""


def why_words(gap: Shortfall, *, words: Wording) -> str:
    """Say why the facility is that far: a barrier between, a detour, waiting, or nothing near."""
    if not gap.exists:
        return words.say("why.none")
    known = math.isfinite(gap.straight_m)
    straight = words.metres(gap.straight_m) if known else words.say("unit.unknown")
    if not gap.reachable:
        return _unreached(gap, straight, words)
    if not known or not math.isfinite(gap.route_m):
        return ""
    route = words.metres(gap.route_m)
    if gap.between and (gap.detour or gap.near_straight):
        return words.say("why.barrier", between=_between(gap, words), straight=straight, route=route)
    if math.isfinite(gap.over_s) and gap.waited_s >= gap.over_s > 0:
        return words.say("why.waiting", waited=words.span(gap.waited_s))
    key = "why.detour" if gap.detour else "why.near" if gap.near_straight else "why.far"
    return words.say(key, straight=straight, route=route)


def _unreached(gap: Shortfall, straight: str, words: Wording) -> str:
    """Say that the search ended without a place; that none was found does not mean that no way exists."""
    within = limit_words(gap.horizon_s, math.nan, words=words)
    if gap.beyond_horizon:
        mode = words.say_or(f"mode.{gap.mode}", gap.mode)
        return words.say("why.beyond", straight=straight, within=within, mode=mode)
    if gap.between:
        return words.say("why.cut_off", between=_between(gap, words), straight=straight, within=within)
    return words.say("why.unreached", straight=straight, within=within)


def limit_words(limit_s: float, limit_m: float, *, words: Wording) -> str:
    """Say a limit in minutes or metres."""
    if math.isfinite(limit_s):
        return words.say("unit.minutes", figure=words.number(limit_s / 60))
    if math.isfinite(limit_m):
        return words.metres(limit_m)
    return words.say("unit.unknown")


def tightest_pass(rows: Sequence[Mapping[str, object]]) -> Mapping[str, object] | None:
    """Return the passing row that uses the largest part of its limit; None where none has a figure."""
    passing = [row for row in rows if row["verdict"] == PASS and math.isfinite(_used(row))]
    return max(passing, key=_used) if passing else None


def _used(row: Mapping[str, object]) -> float:
    by_time = _number(row, "time_s") / _number(row, "limit_s")
    return by_time if math.isfinite(by_time) else _number(row, "distance_m") / _number(row, "limit_m")


def _between(gap: Shortfall, words: Wording) -> str:
    return words.joined(words.say_or(f"barrier.{kind}", kind) for kind in gap.between)
