"""How a part that was read comes into a City: what came from its file before is replaced, everything else stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.model.city import City, Origin
from yike.model.network import StreetNetwork
from yike.sources.bad_rows import labels_replaced_by
from yike.sources.outline_entrances import KIND as OUTLINE_KIND
from yike.sources.outline_entrances import find_outline_entrances
from yike.sources.population import GROUP_PREFIX

METRES_PER_KILOMETRE = 1000.0
ELSEWHERE_M = 20_000.0
HULL_RATIO = 0.1
HULL_MARGIN_M = 50.0
HULL_CELL_M = 10.0
_INVENTORY_SEPARATOR = "; "


def with_streets(base: City, fresh: City, *, barriers: bool, title: str | None) -> City:
    """Return the City with streets read anew; entrances are set again, a stated boundary stays."""
    networks: Mapping[str, StreetNetwork] = {**base.networks, **fresh.networks}
    replaced = set(base.networks) <= set(fresh.networks)
    kept = tuple(
        origin
        for origin in base.provenance
        if origin.part != "streets" or not (replaced or origin.source == fresh.provenance[0].source)
    )
    bounded = any(origin.part == "extent" for origin in kept)
    merged = base.replace(
        title=title or base.title,
        networks=networks,
        extent=base.extent if bounded else fresh.extent,
        provenance=(*kept, *fresh.provenance),
        data_date=fresh.data_date or base.data_date,
        **({"barriers": fresh.barriers, "context": fresh.context} if barriers else {}),
    )
    if not len(merged.facilities):
        return merged
    mapped = merged.entrances[merged.entrances["kind"] != OUTLINE_KIND]
    unmapped = merged.facilities[~merged.facilities["facility_id"].isin(mapped["facility_id"])]
    met = find_outline_entrances(unmapped, walked_network(merged))
    return merged.replace(entrances=pd.concat([mapped, met], ignore_index=True))


def walked_network(city: City) -> StreetNetwork:
    """Return the walking network, else the first."""
    return city.networks.get("walk") or next(iter(city.networks.values()))


def hull_of(xy: NDArray[np.float64]) -> shapely.Polygon | shapely.MultiPolygon:
    """Return a concave hull of the streets' vertices with a margin, drawn to 10 m."""
    places = np.unique(np.rint(xy / HULL_CELL_M), axis=0) * HULL_CELL_M
    hull = shapely.concave_hull(shapely.multipoints(places), ratio=HULL_RATIO)
    area: shapely.Polygon | shapely.MultiPolygon = shapely.simplify(shapely.buffer(hull, HULL_MARGIN_M), HULL_CELL_M)
    return area


def with_facilities(
    base: City, table: pd.DataFrame, entrances: pd.DataFrame, listed: Mapping[str, str], *, label: str, file: str
) -> City:
    """Return the City with the facilities of one source, their entrances and the classes that it lists.

    Raises:
        InputError: an id belongs to another source.
    """
    others = of_other_sources(base.facilities, label)
    facilities = joined(others, table, key="facility_id", file=file)
    kept_entrances = base.entrances[base.entrances["facility_id"].isin(others["facility_id"])]
    inventories: dict[str, str] = {}
    for class_id in sorted({*base.inventories, *listed}):
        sources = set(base.inventories.get(class_id, "").split(_INVENTORY_SEPARATOR)) - {"", *_spellings(label)}
        sources |= {listed[class_id]} if class_id in listed else set()
        if sources:
            inventories[class_id] = _INVENTORY_SEPARATOR.join(sorted(sources))
    return base.replace(
        facilities=facilities,
        entrances=pd.concat([kept_entrances, entrances], ignore_index=True),
        inventories=inventories,
    )


def _spellings(label: str) -> set[str]:
    return {spelling for each in labels_replaced_by(label) for spelling in (each, f"OpenStreetMap, {each}")}


def of_other_sources(table: pd.DataFrame, label: str) -> pd.DataFrame:
    """Return the rows that an import of a source leaves as they are."""
    return table[~table["source"].isin(labels_replaced_by(label))] if "source" in table else table


def joined(others: pd.DataFrame, new: pd.DataFrame, *, key: str, file: str) -> pd.DataFrame:
    """Put the rows of other sources and the new ones together.

    Raises:
        InputError: both hold one id; the first twenty are named.
    """
    taken = others[others[key].isin(new[key])]
    if len(taken):
        sources = taken["source"] if "source" in taken else pd.Series("", index=taken.index)
        pairs = list(zip(taken[key], sources, strict=True))[:20]
        raise InputError(
            [Fault("tables.id_taken", file, field=key, values={"id": name, "source": source or "–"}) for name, source in pairs]
        )
    if not len(others):
        return new
    joined: pd.DataFrame = pd.concat([others, new], ignore_index=True)
    return joined.assign(source=joined["source"].fillna(""))


def with_origin(city: City, origin: Origin) -> City:
    """Return the City with a part's origin, in place of the one of the same source."""
    replaced = labels_replaced_by(origin.source)
    kept = tuple(entry for entry in city.provenance if entry.part != origin.part or entry.source not in replaced)
    return city.replace(provenance=(*kept, origin))


def with_residents(base: City, rows: pd.DataFrame, groups: Sequence[str], *, label: str, file: str) -> City:
    """Return the City with rows of the table `demand` in place of an earlier import's, assigned to neighbourhoods.

    Raises:
        InputError: the rows lie elsewhere, share ids with another source, or count other groups than it.
    """
    refuse_elsewhere(base, rows, "x", "y", file=file)
    others = of_other_sources(base.demand, label)
    if len(others) and set(base.groups) != set(groups):
        values = {"here": ", ".join(groups) or "–", "there": ", ".join(base.groups) or "–"}
        raise InputError([Fault("tables.other_groups", file, values=values)])
    others = others.drop(columns=[name for name in map(str, others) if name.startswith(GROUP_PREFIX) and name not in rows])
    return assign_units(base.replace(demand=joined(others, rows, key="demand_id", file=file), groups=tuple(groups)))


def assign_units(city: City) -> City:
    """Return the City with each demand point in the neighbourhood whose area holds it, borders included.

    Of several the one with the first id is taken. Outside every area a point keeps its neighbourhood only where that one has no
    area of its own yet; else it belongs to none.
    """
    if not len(city.demand):
        return city
    drawn = ~shapely.is_missing(city.units["outline"].to_numpy(object))
    with_area, pointlike = city.units[drawn], set(city.units["unit_id"][~drawn])
    unit_ids = np.array([name if name in pointlike else "" for name in city.demand["unit_id"]], object)
    points = shapely.points(city.demand["x"].to_numpy(np.float64), city.demand["y"].to_numpy(np.float64))
    tree = shapely.STRtree(with_area["outline"].to_numpy(object))
    place, unit = tree.query(points, predicate="intersects")
    order = np.lexsort((-unit, place))
    unit_ids[place[order]] = with_area["unit_id"].to_numpy(object)[unit[order]]
    return city.replace(demand=city.demand.assign(unit_id=unit_ids))


def refuse_elsewhere(city: City, table: pd.DataFrame, x: str, y: str, *, file: str) -> None:
    """Refuse a file none of whose places lies within 20 km of the known area's frame: it is of another city."""
    if city.extent is None or not len(table):
        return
    left, low, right, high = city.extent.bounds
    frame = shapely.box(left - ELSEWHERE_M, low - ELSEWHERE_M, right + ELSEWHERE_M, high + ELSEWHERE_M)
    if not shapely.intersects_xy(frame, table[x].to_numpy(np.float64), table[y].to_numpy(np.float64)).any():
        kilometres = city.extent.distance(shapely.Point(table[x].iloc[0], table[y].iloc[0])) / METRES_PER_KILOMETRE
        values = {"count": len(table), "km": f"{kilometres:,.0f}"}
        raise InputError([Fault("tables.elsewhere", file, values=values)])
