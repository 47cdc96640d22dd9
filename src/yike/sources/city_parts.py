"""Put the parts of a City together: each import reads one file, replaces what came from it before, and saves the whole.

Streets come first, they set the coordinate system. Residents are assigned to neighbourhoods after every import of either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike.errors import Fault, InputError
from yike.model.city import CITY_FILE, City, Origin
from yike.model.network import StreetNetwork
from yike.model.standard import Standard
from yike.sources.candidates import read_candidates
from yike.sources.facilities import COUNT_SEPARATOR, read_facilities, read_hexagon_counts
from yike.sources.lines import StreetLines, read_street_lines
from yike.sources.notes import note
from yike.sources.outline_entrances import KIND as OUTLINE_KIND
from yike.sources.outline_entrances import find_outline_entrances
from yike.sources.population import GROUP_PREFIX, read_population
from yike.sources.row_checks import REFUSE, PartRows
from yike.sources.unit_grid import SOURCE as GRID
from yike.sources.unit_grid import grid_units
from yike.sources.units import read_boundary, read_units

OSM_ENDINGS = (".pbf", ".osm", ".osm.gz", ".osm.bz2")
MODES = ("walk", "cycle")
ROWS_NAMED = 100
METRES_PER_KILOMETRE = 1000.0
ELSEWHERE_M = 20_000.0
HULL_RATIO = 0.1
HULL_MARGIN_M = 50.0
HULL_CELL_M = 10.0
_INVENTORY_SEPARATOR = "; "

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class ImportSummary:
    """Say what an import did: rows of the file, faults of those left out, notes and the City's new hash."""

    rows_read: int
    rows_kept: int
    rows_left_out: int
    faults: tuple[Fault, ...]
    city_hash: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Source:
    """Hold where a part comes from, as the user stated it."""

    path: Path
    licence: str
    date: str

    def origin(self, part: str, notes: Sequence[str]) -> Origin:
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        return Origin(part, self.path.name, digest, self.date, self.licence, " ".join(notes))


def is_osm(path: Path) -> bool:
    """Tell whether a file holds OpenStreetMap data, by its ending."""
    return str(path).lower().endswith(OSM_ENDINGS)


def import_streets(
    path: Path,
    *,
    city: Path,
    modes: Sequence[str] = MODES,
    crs: str | None = None,
    title: str | None = None,
    boundary: Path | None = None,
    class_column: str | None = None,
    layer: str | None = None,
    licence: str = "",
    date: str = "",
    on_bad_rows: str = REFUSE,
    progress: Progress | None = None,
) -> ImportSummary:
    """Read streets from OpenStreetMap data or lines into the City folder ``city``, making it where there is none.

    The first import sets the City's coordinate system: ``crs``, else the file's own or its UTM zone. OpenStreetMap data also
    brings barriers and context. The known area is the ``boundary`` polygon, else what the streets give.

    Raises:
        InputError: the file or the boundary cannot be read; nothing is written then.
        CityChanged: the folder was edited since it was written.
    """
    path, city = Path(path), Path(city)
    old = City.load(city, check=True) if (city / CITY_FILE).exists() else None
    source = _Source(path, licence, date)
    if is_osm(path):
        fresh, summary = _osm_streets(source, modes, crs=old.crs if old else crs, title=title, progress=progress)
    else:
        into = old.crs if old else None
        fresh, summary = _line_streets(source, modes, crs, class_column, layer, into=into, on_bad_rows=on_bad_rows)
    base = old or City(title=title or path.name.split(".")[0], crs=fresh.crs, networks={})
    merged = _with_streets(base, fresh, barriers=is_osm(path), title=title)
    if boundary is not None:
        area = _Source(Path(boundary), "", "").origin("extent", [note("boundary", file=Path(boundary).name)])
        kept = tuple(origin for origin in merged.provenance if origin.part != "extent")
        merged = merged.replace(extent=read_boundary(Path(boundary), crs=merged.crs), provenance=(*kept, area))
    return _saved(merged, city, summary)


def import_facilities(
    path: Path,
    *,
    city: Path,
    standard: Standard | None = None,
    class_id: str | None = None,
    count_column: str | None = None,
    complete_for: Collection[str] = (),
    layer: str | None = None,
    licence: str = "",
    date: str = "",
    on_bad_rows: str = REFUSE,
    progress: Progress | None = None,
) -> ImportSummary:
    """Read facilities into a City folder: from a table, a table of counts (``count_column``) or OpenStreetMap data.

    The classes are those of ``standard``, by id, name or synonym; ``class_id`` gives one class to the whole file. Each class of
    the file, and each of ``complete_for`` (listed by the file, though it has none), gets the file as inventory.

    Raises:
        InputError: the folder has no streets, the file is bad, or an id belongs to another source; nothing is written then.
    """
    path = Path(path)
    base = _existing(city)
    source = _Source(path, licence, date)
    if is_osm(path):
        return _osm_facilities(base, source, Path(city), progress=progress)
    if count_column is not None:
        if class_id is None:
            raise InputError([Fault("tables.count_without_class", str(path), field=count_column)])
        read = read_hexagon_counts(
            path, crs=base.crs, count_column=count_column, class_id=class_id, layer=layer, on_bad_rows=on_bad_rows
        )
    else:
        words = None if standard is None else {word: entry.id for entry in standard.classes for word in entry.words}
        ids = None if standard is None else [entry.id for entry in standard.classes]
        read = read_facilities(
            path, crs=base.crs, classes=words, class_id=class_id, standard_ids=ids, layer=layer, on_bad_rows=on_bad_rows
        )
    label = path.name if count_column is None else f"{path.name}{COUNT_SEPARATOR}{count_column}"
    _refuse_elsewhere(base, read.table, "x", "y", file=str(path))
    listed = dict.fromkeys({*read.table["class_id"], *complete_for} | ({class_id} if class_id else set()), label)
    entrances = find_outline_entrances(read.table, _walked(base))
    notes = (*read.notes, *((note("outline_entrances", count=len(entrances)),) if len(entrances) else ()))
    merged = _with_facilities(base, read.table, entrances, listed, label=label, file=str(path))
    origin = replace(source.origin("facilities", _left_out(read, notes)), source=label)
    return _saved(_with_origin(merged, origin), Path(city), _summary(read, notes))


def import_population(
    path: Path,
    *,
    city: Path,
    rounding: str = REFUSE,
    layer: str | None = None,
    licence: str = "",
    date: str = "",
    on_bad_rows: str = REFUSE,
) -> ImportSummary:
    """Read residents into a City folder and assign them to neighbourhoods.

    Raises:
        InputError: the folder has no streets, the file is bad, or its groups differ from those of another source of the City.
    """
    path = Path(path)
    base = _existing(city)
    read = read_population(path, crs=base.crs, rounding=rounding, layer=layer, on_bad_rows=on_bad_rows)
    _refuse_elsewhere(base, read.table, "x", "y", file=str(path))
    others = _of_other_sources(base.demand, path.name)
    if len(others) and set(base.groups) != set(read.groups):
        values = {"here": ", ".join(read.groups) or "–", "there": ", ".join(base.groups) or "–"}
        raise InputError([Fault("tables.other_groups", str(path), values=values)])
    others = others.drop(columns=[name for name in map(str, others) if name.startswith(GROUP_PREFIX) and name not in read.table])
    demand = _joined(others, read.table, key="demand_id", file=str(path))
    merged = assign_units(base.replace(demand=demand, groups=read.groups))
    origin = _Source(path, licence, date).origin("population", _left_out(read, read.notes))
    return _saved(_with_origin(merged, origin), Path(city), _summary(read, read.notes))


def import_units(
    path: Path,
    *,
    city: Path,
    centres: Path | None = None,
    layer: str | None = None,
    licence: str = "",
    date: str = "",
    on_bad_rows: str = REFUSE,
) -> ImportSummary:
    """Read neighbourhoods into a City folder, from a table or OpenStreetMap's places, and assign the residents to them.

    Raises:
        InputError: the folder has no streets, the file is bad, or an id belongs to another source.
    """
    path = Path(path)
    base = _existing(city)
    if is_osm(path):
        return _osm_units(base, _Source(path, licence, date), Path(city))
    read = read_units(path, crs=base.crs, centres=centres, layer=layer, on_bad_rows=on_bad_rows)
    _refuse_elsewhere(base, read.table, "centre_x", "centre_y", file=str(path))
    units = _joined(_of_other_sources(base.units, path.name), read.table, key="unit_id", file=str(path))
    merged = assign_units(base.replace(units=units))
    merged = _with_origin(merged, _Source(path, licence, date).origin("units", _left_out(read, read.notes)))
    if centres is not None:
        merged = _with_origin(merged, _Source(Path(centres), licence, date).origin("unit_centres", ()))
    return _saved(merged, Path(city), _summary(read, read.notes))


def import_grid(*, city: Path, size_m: float) -> ImportSummary:
    """Put square units over the known area of a City folder, in place of an earlier grid, and assign the residents to them.

    Raises:
        InputError: the folder has no streets, or the size [m] is out of range.
    """
    base = _existing(city)
    squares = grid_units(base, size_m=size_m)
    units = _joined(_of_other_sources(base.units, GRID), squares, key="unit_id", file=GRID)
    notes = (note("grid", count=len(squares), size_m=f"{size_m:g}"),)
    merged = _with_origin(assign_units(base.replace(units=units)), Origin("units", GRID, note=notes[0]))
    return _saved(merged, Path(city), ImportSummary(len(squares), len(squares), 0, (), "", notes))


def import_candidates(
    path: Path,
    *,
    city: Path,
    layer: str | None = None,
    licence: str = "",
    date: str = "",
    on_bad_rows: str = REFUSE,
) -> ImportSummary:
    """Read candidate sites into a City folder.

    Raises:
        InputError: the folder has no streets, the file is bad, or an id belongs to another source.
    """
    path = Path(path)
    base = _existing(city)
    read = read_candidates(path, crs=base.crs, layer=layer, on_bad_rows=on_bad_rows)
    _refuse_elsewhere(base, read.table, "x", "y", file=str(path))
    others = _of_other_sources(base.candidates, path.name)
    merged = base.replace(candidates=_joined(others, read.table, key="candidate_id", file=str(path)))
    origin = _Source(path, licence, date).origin("candidates", _left_out(read, read.notes))
    return _saved(_with_origin(merged, origin), Path(city), _summary(read, read.notes))


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


def _existing(folder: Path) -> City:
    city = City.load(Path(folder), check=True)
    if not city.networks:
        raise InputError([Fault("tables.no_streets", str(folder))])
    return city


def _refuse_elsewhere(city: City, table: pd.DataFrame, x: str, y: str, *, file: str) -> None:
    """Refuse a file none of whose places lies within 20 km of the known area's frame: it is of another city."""
    if city.extent is None or not len(table):
        return
    left, low, right, high = city.extent.bounds
    frame = shapely.box(left - ELSEWHERE_M, low - ELSEWHERE_M, right + ELSEWHERE_M, high + ELSEWHERE_M)
    if not shapely.intersects_xy(frame, table[x].to_numpy(np.float64), table[y].to_numpy(np.float64)).any():
        kilometres = city.extent.distance(shapely.Point(table[x].iloc[0], table[y].iloc[0])) / METRES_PER_KILOMETRE
        values = {"count": len(table), "km": f"{kilometres:,.0f}"}
        raise InputError([Fault("tables.elsewhere", file, values=values)])


def _osm_streets(
    source: _Source, modes: Sequence[str], *, crs: str | None, title: str | None, progress: Progress | None
) -> tuple[City, ImportSummary]:
    from yike.sources.osm import read_osm_city

    fresh = read_osm_city(source.path, modes=tuple(modes), crs=crs, title=title, progress=progress)
    count = sum(network.segment_count for network in fresh.networks.values())
    origin = _osm_origin(fresh, "streets", source)
    return fresh.replace(provenance=(origin,)), ImportSummary(count, count, 0, (), "")


def _osm_origin(fresh: City, part: str, source: _Source) -> Origin:
    """Return the reader's own origin of a part; what the user stated wins."""
    found = [origin for origin in fresh.provenance if origin.part.startswith(part)] or list(fresh.provenance)
    first = found[0] if found else Origin(part, source.path.name)
    stated = source.origin(part, ())
    return replace(stated, date=source.date or first.date, licence=source.licence or first.licence, note=first.note)


def _line_streets(
    source: _Source,
    modes: Sequence[str],
    crs: str | None,
    class_column: str | None,
    layer: str | None,
    *,
    into: str | None,
    on_bad_rows: str,
) -> tuple[City, ImportSummary]:
    read = read_street_lines(
        source.path, modes=modes, crs=crs, class_column=class_column, layer=layer, into=into, on_bad_rows=on_bad_rows
    )
    first = next(iter(read.networks.values()))
    notes = _left_out(read, (*read.notes, note("hull")))
    fresh = City(
        title="",
        crs=first.crs,
        networks=read.networks,
        extent=_hull(np.concatenate([network.shape_xy for network in read.networks.values()])),
        provenance=(source.origin("streets", notes),),
        data_date=source.date,
    )
    return fresh, _summary(read, read.notes)


def _hull(xy: NDArray[np.float64]) -> shapely.Polygon | shapely.MultiPolygon:
    """Return a concave hull of the streets' vertices with a margin, drawn to 10 m."""
    places = np.unique(np.rint(xy / HULL_CELL_M), axis=0) * HULL_CELL_M
    hull = shapely.concave_hull(shapely.multipoints(places), ratio=HULL_RATIO)
    area: shapely.Polygon | shapely.MultiPolygon = shapely.simplify(shapely.buffer(hull, HULL_MARGIN_M), HULL_CELL_M)
    return area


def _with_streets(base: City, fresh: City, *, barriers: bool, title: str | None) -> City:
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
    met = find_outline_entrances(unmapped, _walked(merged))
    return merged.replace(entrances=pd.concat([mapped, met], ignore_index=True))


def _walked(city: City) -> StreetNetwork:
    return city.networks.get("walk") or next(iter(city.networks.values()))


def _osm_facilities(base: City, source: _Source, folder: Path, *, progress: Progress | None) -> ImportSummary:
    from yike.sources.osm import read_osm_city

    fresh = read_osm_city(source.path, modes=("walk",), crs=base.crs, title=base.title, progress=progress)
    label = source.path.name
    table = fresh.facilities.assign(source=label)
    merged = _with_facilities(base, table, fresh.entrances, fresh.inventories, label=label, file=str(source.path))
    origin = _osm_origin(fresh, "facilities", source)
    return _saved(_with_origin(merged, origin), folder, ImportSummary(len(table), len(table), 0, (), ""))


def _osm_units(base: City, source: _Source, folder: Path) -> ImportSummary:
    from yike.sources.osm import LICENCE
    from yike.sources.osm.neighbourhoods import read_neighbourhoods

    found = read_neighbourhoods(source.path, crs=base.crs, extent=base.extent)
    if not len(found.units):
        raise InputError([Fault("units.no_places", str(source.path))])
    label = source.path.name
    merged = assign_units(
        base.replace(units=_joined(_of_other_sources(base.units, label), found.units, key="unit_id", file=str(source.path)))
    )
    points = int(found.units["outline"].isna().sum())
    notes: tuple[str, ...]
    notes = (note("osm_places", count=len(found.units), unnamed=found.unnamed, outside=found.outside), note("osm_kinds"))
    notes += (note("outlines_given_up", count=found.outlines_given_up),) if found.outlines_given_up else ()
    notes += (note("areas_to_grow", count=points),) if points else ()
    dated = replace(source, licence=source.licence or LICENCE, date=source.date or found.date)
    kept = len(found.units)
    summary = ImportSummary(found.places, kept, found.places - kept, (), "", notes)
    return _saved(_with_origin(merged, dated.origin("units", notes)), folder, summary)


def _with_facilities(
    base: City, table: pd.DataFrame, entrances: pd.DataFrame, listed: Mapping[str, str], *, label: str, file: str
) -> City:
    others = _of_other_sources(base.facilities, label)
    facilities = _joined(others, table, key="facility_id", file=file)
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


def _spellings(label: str) -> tuple[str, str]:
    return label, f"OpenStreetMap, {label}"


def _of_other_sources(table: pd.DataFrame, label: str) -> pd.DataFrame:
    return table[table["source"] != label] if "source" in table else table


def _joined(others: pd.DataFrame, new: pd.DataFrame, *, key: str, file: str) -> pd.DataFrame:
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


def _with_origin(city: City, origin: Origin) -> City:
    same = (origin.part, origin.source)
    kept = tuple(entry for entry in city.provenance if (entry.part, entry.source) != same)
    return city.replace(provenance=(*kept, origin))


def _left_out(read: PartRows | StreetLines, notes: Sequence[str]) -> tuple[str, ...]:
    if not read.left_out:
        return tuple(notes)
    named = ", ".join(map(str, read.left_out[:ROWS_NAMED])) + (" …" if len(read.left_out) > ROWS_NAMED else "")
    return (*notes, note("left_out", count=len(read.left_out), rows=named))


def _summary(read: PartRows | StreetLines, notes: Sequence[str]) -> ImportSummary:
    left_out = len(read.left_out)
    return ImportSummary(read.rows_read, read.rows_read - left_out, left_out, read.faults, "", tuple(notes))


def _saved(city: City, folder: Path, summary: ImportSummary) -> ImportSummary:
    city.save(folder)
    return replace(summary, city_hash=city.hash)
