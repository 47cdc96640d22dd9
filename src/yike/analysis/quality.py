"""Data quality of a City: what is there, what is missing and what does not fit together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from yike.model.city import City
from yike.model.network import DECIMETRES_PER_METRE, StreetNetwork
from yike.texts import text

OK, NOTE, WARNING = "ok", "note", "warning"
SOUND_COMPONENT_SHARE = 0.95
OVERLAP_SHARE = 0.01
_NAMED_VALUES = ("mode", "table")
_DECIMETRES_PER_KILOMETRE = 1000 * DECIMETRES_PER_METRE


@dataclass(frozen=True)
class CheckLine:
    """Say one thing about a City: its level (``ok``, ``note``, ``warning``) and the text ``check.<code>`` with its values."""

    level: str
    code: str
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def words(self, lang: str) -> str:
        """Say the line in a language."""
        named = {key: text(f"check.{key}.{value}", lang) for key, value in self.values.items() if key in _NAMED_VALUES}
        said = text(f"check.{self.code}", lang, **{**self.values, **named})
        return text("check.line", lang, level=text(f"check.level.{self.level}", lang), words=said)

    def facts(self) -> dict[str, object]:
        """Return the line for machines."""
        return {"level": self.level, "code": self.code, "values": dict(self.values)}


def check_city(city: City, *, stated_hash: str | None = None) -> tuple[CheckLine, ...]:
    """List what a City holds, lacks and contradicts; ``stated_hash`` is the hash that its folder states."""
    lines: list[CheckLine] = []
    if stated_hash is not None:
        lines += _hash_line(city, stated_hash)
    lines += _street_lines(city)
    lines += [
        _line(OK, "rows", table=name, count=len(city.table(name))) for name in ("facilities", "units", "candidates")
    ]
    lines += _resident_lines(city) + _forecast_lines(city) + _inventory_lines(city) + _extent_lines(city)
    return tuple(lines + _unit_lines(city.units) + _assignment_lines(city))


def largest_component_share(network: StreetNetwork) -> float:
    """Return the share of street length that hangs together in the largest component, 0 to 1; directions are ignored."""
    ends = (network.tail, network.head)
    links = coo_matrix((np.ones(network.segment_count, np.int8), ends), shape=(network.node_count,) * 2)
    labels = connected_components(links, directed=False)[1]
    length = np.bincount(labels[network.tail], weights=network.length_dm, minlength=1)
    return float(length.max() / length.sum()) if length.sum() > 0 else 0.0


def _line(level: str, code: str, **values: object) -> CheckLine:
    return CheckLine(level, code, values)


def _count_line(level: str, code: str, count: int, **values: object) -> list[CheckLine]:
    return [_line(level, code, count=count, **values)] if count else []


def _hash_line(city: City, stated_hash: str) -> list[CheckLine]:
    if city.hash == stated_hash:
        return [_line(OK, "hash_matches", hash=city.hash)]
    return [_line(WARNING, "hash_differs", found=city.hash, expected=stated_hash)]


def _street_lines(city: City) -> list[CheckLine]:
    if not city.networks:
        return [_line(WARNING, "no_streets")]
    lines = []
    for mode, network in sorted(city.networks.items()):
        km = f"{network.length_dm.sum(dtype=np.int64) / _DECIMETRES_PER_KILOMETRE:.1f}"
        lines.append(_line(OK, "streets", mode=mode, nodes=network.node_count, segments=network.segment_count, km=km))
        share = largest_component_share(network)
        level = OK if share >= SOUND_COMPONENT_SHARE else WARNING
        lines.append(_line(level, "component", mode=mode, percent=f"{share * 100:.2f}"))
    return lines


def _resident_lines(city: City) -> list[CheckLine]:
    if not len(city.demand):
        return [_line(NOTE, "no_residents")]
    count = int(city.demand["residents"].sum())
    return [_line(OK, "residents", count=count, places=len(city.demand), groups=", ".join(city.groups) or "–")]


def _forecast_lines(city: City) -> list[CheckLine]:
    lines = []
    for year, rows in city.forecasts.groupby("year"):
        lines.append(_line(OK, "forecast", year=int(str(year)), count=int(rows["residents"].sum()), places=len(rows)))
    stray = ~city.forecasts["demand_id"].isin(city.demand["demand_id"])
    return lines + _count_line(WARNING, "forecast_stray", int(stray.sum()))


def _inventory_lines(city: City) -> list[CheckLine]:
    if not city.inventories:
        return [_line(WARNING, "no_inventories")]
    return [_line(OK, "inventories", count=len(city.inventories), classes=", ".join(sorted(city.inventories)))]


def _extent_lines(city: City) -> list[CheckLine]:
    if city.extent is None:
        return [_line(NOTE, "no_extent")]
    shapely.prepare(city.extent)
    places, residents = city.facilities, city.demand
    away = ~shapely.intersects_xy(city.extent, places["x"].to_numpy(), places["y"].to_numpy())
    lines = _count_line(NOTE, "facilities_outside", int(away.sum()))
    away = ~shapely.intersects_xy(city.extent, residents["x"].to_numpy(), residents["y"].to_numpy())
    return lines + _count_line(WARNING, "demand_outside", int(residents["residents"].to_numpy()[away].sum()))


def _unit_lines(units: pd.DataFrame) -> list[CheckLine]:
    if not len(units):
        return []
    outlines = units["outline"].to_numpy(object)
    drawn = ~shapely.is_missing(outlines)
    outside = drawn & ~shapely.intersects_xy(outlines, units["centre_x"].to_numpy(), units["centre_y"].to_numpy())
    lines = _count_line(WARNING, "units_without_zone", int((units["zone"] == "").sum()))
    lines += _count_line(WARNING, "units_without_kind", int((units["kind"] == "").sum()))
    lines += _count_line(NOTE, "units_without_area", int((~drawn).sum()))
    lines += _count_line(NOTE, "centres_outside", int(outside.sum()))
    return lines + _count_line(WARNING, "units_overlap", _overlapping(outlines[drawn]))


def _overlapping(outlines: np.ndarray) -> int:
    """Count the outlines that share more than 1 % of their area with another."""
    one, other = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    one, other = one[one != other], other[one != other]
    shared = shapely.area(shapely.intersection(outlines[one], outlines[other]))
    return len(np.unique(one[shared > OVERLAP_SHARE * shapely.area(outlines[one])]))


def _assignment_lines(city: City) -> list[CheckLine]:
    if not len(city.units) or not len(city.demand):
        return []
    stray = city.demand["unit_id"] == ""
    residents = int(city.demand.loc[stray, "residents"].sum())
    return _count_line(WARNING, "demand_without_unit", residents, places=int(stray.sum()))
