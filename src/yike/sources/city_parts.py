"""Put the parts of a City together: each import reads one file, replaces what came from it before, and saves the whole.

Streets come first, they set the coordinate system. Residents are assigned to neighbourhoods after every import of either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from yike.errors import Fault, InputError
from yike.model.city import CITY_FILE, City, Origin
from yike.model.standard import Standard
from yike.sources.bad_rows import MARK as BAD_ROWS_MARK
from yike.sources.bad_rows import source_label, source_name, write_bad_rows
from yike.sources.candidates import read_candidates
from yike.sources.city_merge import (
    assign_units,
    hull_of,
    joined,
    of_other_sources,
    refuse_elsewhere,
    walked_network,
    with_facilities,
    with_origin,
    with_residents,
    with_streets,
)
from yike.sources.column_words import FoundColumn
from yike.sources.facilities import read_facilities, read_hexagon_counts
from yike.sources.lines import StreetLines, read_street_lines
from yike.sources.notes import note
from yike.sources.outline_entrances import find_outline_entrances
from yike.sources.population import PopulationRows, read_population
from yike.sources.reading_plan import ReadingPlan, find_plan, name_pattern, plan_path, save_plan, with_columns
from yike.sources.row_checks import REFUSE, PartRows
from yike.sources.unit_grid import SOURCE as GRID
from yike.sources.unit_grid import grid_units
from yike.sources.units import read_boundary, read_units

OSM_ENDINGS = (".pbf", ".osm", ".osm.gz", ".osm.bz2")
MODES = ("walk", "cycle")
ROWS_NAMED = 100

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class ImportSummary:
    """Say what an import did: rows of the file, faults of those left out, notes and the City's new hash.

    ``plan_file`` holds how the file was read, ``bad_rows_file`` the bad rows for correction (None where there were none).
    """

    rows_read: int
    rows_kept: int
    rows_left_out: int
    faults: tuple[Fault, ...]
    city_hash: str
    notes: tuple[str, ...] = ()
    plan_file: Path | None = None
    bad_rows_file: Path | None = None


@dataclass(frozen=True)
class Source:
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
    source = Source(path, licence, date)
    if is_osm(path):
        fresh, summary = _osm_streets(source, modes, crs=old.crs if old else crs, title=title, progress=progress)
    else:
        into = old.crs if old else None
        fresh, summary = _line_streets(source, modes, crs, class_column, layer, into=into, on_bad_rows=on_bad_rows)
    base = old or City(title=title or path.name.split(".")[0], crs=fresh.crs, networks={})
    merged = with_streets(base, fresh, barriers=is_osm(path), title=title)
    if boundary is not None:
        area = Source(Path(boundary), "", "").origin("extent", [note("boundary", file=Path(boundary).name)])
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
    plan: ReadingPlan = ReadingPlan(),
    licence: str = "",
    date: str = "",
    on_bad_rows: str = REFUSE,
    progress: Progress | None = None,
) -> ImportSummary:
    """Read facilities into a City folder: from a table, a table of counts (``count_column``) or OpenStreetMap data.

    The classes are those of ``standard``, by id, name or synonym; ``class_id`` gives one class to the whole file. Each class of
    the file, and each of ``complete_for`` (listed by the file, though it has none), gets the file as inventory. ``plan`` says
    how the file is read; what it leaves open is taken from the plan saved for such files, else found out.

    Raises:
        InputError: the folder has no streets, the file is bad, or an id belongs to another source; nothing is written then.
    """
    path = Path(path)
    base = existing_city(city)
    source = Source(path, licence, date)
    if is_osm(path):
        return _osm_facilities(base, source, Path(city), progress=progress)
    plan = plan_for(city, "facilities", path, replace(plan, class_id=class_id, count_column=count_column))
    read = read_part("facilities", path, city=base, plan=plan, standard=standard, on_bad_rows=on_bad_rows)
    label = source_label(path, column=plan.count_column)
    refuse_elsewhere(base, read.table, "x", "y", file=str(path))
    of_file = {plan.class_id} if plan.class_id else set()
    listed = dict.fromkeys({*read.table["class_id"], *complete_for} | of_file, label.removesuffix(BAD_ROWS_MARK))
    entrances = find_outline_entrances(read.table, walked_network(base))
    notes = (*read.notes, *((note("outline_entrances", count=len(entrances)),) if len(entrances) else ()))
    merged = with_facilities(base, read.table, entrances, listed, label=label, file=str(path))
    return finished(merged, Path(city), read, plan, source, notes, label=label)


def import_population(
    path: Path,
    *,
    city: Path,
    rounding: str | None = None,
    plan: ReadingPlan = ReadingPlan(),
    licence: str = "",
    date: str = "",
    on_bad_rows: str = REFUSE,
) -> ImportSummary:
    """Read residents into a City folder and assign them to neighbourhoods; ``plan`` as in `import_facilities`.

    Raises:
        InputError: the folder has no streets, the file is bad, or its groups differ from those of another source of the City.
    """
    path = Path(path)
    base = existing_city(city)
    plan = plan_for(city, "population", path, replace(plan, rounding=rounding))
    read = read_part("population", path, city=base, plan=plan, on_bad_rows=on_bad_rows)
    groups = read.groups if isinstance(read, PopulationRows) else ()
    merged = with_residents(base, read.table, groups, label=source_label(path), file=str(path))
    return finished(merged, Path(city), read, plan, Source(path, licence, date), read.notes)


def import_units(
    path: Path,
    *,
    city: Path,
    centres: Path | None = None,
    plan: ReadingPlan = ReadingPlan(),
    licence: str = "",
    date: str = "",
    on_bad_rows: str = REFUSE,
) -> ImportSummary:
    """Read neighbourhoods into a City folder, from a table or OpenStreetMap's places, and assign the residents to them.

    ``plan`` as in `import_facilities`.

    Raises:
        InputError: the folder has no streets, the file is bad, or an id belongs to another source.
    """
    path = Path(path)
    base = existing_city(city)
    source = Source(path, licence, date)
    if is_osm(path):
        return _osm_units(base, source, Path(city))
    plan = plan_for(city, "units", path, plan)
    read = read_part("units", path, city=base, plan=plan, centres=centres, on_bad_rows=on_bad_rows)
    refuse_elsewhere(base, read.table, "centre_x", "centre_y", file=str(path))
    units = joined(of_other_sources(base.units, source_label(path)), read.table, key="unit_id", file=str(path))
    merged = assign_units(base.replace(units=units))
    if centres is not None:
        merged = with_origin(merged, Source(Path(centres), licence, date).origin("unit_centres", ()))
    return finished(merged, Path(city), read, plan, source, read.notes)


def import_grid(*, city: Path, size_m: float) -> ImportSummary:
    """Put square units over the known area of a City folder, in place of an earlier grid, and assign the residents to them.

    Raises:
        InputError: the folder has no streets, or the size [m] is out of range.
    """
    base = existing_city(city)
    squares = grid_units(base, size_m=size_m)
    units = joined(of_other_sources(base.units, GRID), squares, key="unit_id", file=GRID)
    notes = (note("grid", count=len(squares), size_m=f"{size_m:g}"),)
    merged = with_origin(assign_units(base.replace(units=units)), Origin("units", GRID, note=notes[0]))
    return _saved(merged, Path(city), ImportSummary(len(squares), len(squares), 0, (), "", notes))


def import_candidates(
    path: Path,
    *,
    city: Path,
    plan: ReadingPlan = ReadingPlan(),
    licence: str = "",
    date: str = "",
    on_bad_rows: str = REFUSE,
) -> ImportSummary:
    """Read candidate sites into a City folder; ``plan`` as in `import_facilities`.

    Raises:
        InputError: the folder has no streets, the file is bad, or an id belongs to another source.
    """
    path = Path(path)
    base = existing_city(city)
    plan = plan_for(city, "candidates", path, plan)
    read = read_part("candidates", path, city=base, plan=plan, on_bad_rows=on_bad_rows)
    refuse_elsewhere(base, read.table, "x", "y", file=str(path))
    others = of_other_sources(base.candidates, source_label(path))
    merged = base.replace(candidates=joined(others, read.table, key="candidate_id", file=str(path)))
    return finished(merged, Path(city), read, plan, Source(path, licence, date), read.notes)


def plan_for(city: Path, part: str, path: Path, stated: ReadingPlan) -> ReadingPlan:
    """Return how a file is read: as stated, else as the plan saved for such files says.

    Raises:
        InputError: the saved plan was edited and is no longer valid.
    """
    stated = replace(stated, part=part, files=name_pattern(source_name(path)))
    saved = None if stated.fresh else find_plan(city, part, source_name(path), count_column=stated.count_column)
    return stated if saved is None else stated.over(saved)


def read_part(
    part: str,
    path: Path,
    *,
    city: City,
    plan: ReadingPlan,
    standard: Standard | None = None,
    centres: Path | None = None,
    on_bad_rows: str = REFUSE,
) -> PartRows:
    """Read a file of one part as its plan says.

    Raises:
        InputError: the file cannot be read, columns are missing, or rows are bad and ``on_bad_rows`` is "refuse".
    """
    if part == "population":
        return read_population(
            path, crs=city.crs, rounding=plan.rounding or REFUSE, plan=plan, within=city.extent, on_bad_rows=on_bad_rows
        )
    if part == "units":
        return read_units(path, crs=city.crs, centres=centres, plan=plan, within=city.extent, on_bad_rows=on_bad_rows)
    if part == "candidates":
        return read_candidates(path, crs=city.crs, plan=plan, within=city.extent, on_bad_rows=on_bad_rows)
    if plan.count_column is not None:
        if plan.class_id is None:
            raise InputError([Fault("tables.count_without_class", str(path), field=plan.count_column)])
        return read_hexagon_counts(
            path, crs=city.crs, count_column=plan.count_column, class_id=plan.class_id, plan=plan, within=city.extent,
            on_bad_rows=on_bad_rows,
        )  # fmt: skip
    words = None if standard is None else {word: entry.id for entry in standard.classes for word in entry.words}
    ids = None if standard is None else [entry.id for entry in standard.classes]
    return read_facilities(
        path, crs=city.crs, classes=words, standard_ids=ids, plan=plan, within=city.extent, on_bad_rows=on_bad_rows
    )


def resolved(plan: ReadingPlan, read: PartRows) -> ReadingPlan:
    """Return a plan with what was found out on reading: the field and unit of each column, the header's rows, the encoding."""
    if read.checks is None or read.checks.opened is None:
        return plan
    checks, opened = read.checks, read.checks.opened
    columns = {name: checks.factors.get(name, FoundColumn(column)) for name, column in checks.columns.items() if name != "count"}
    present = [str(name) for name in checks.table.columns if name != "geometry" and not str(name).startswith("yike_")]
    found = with_columns(plan, present, columns)
    return replace(found, header_rows=opened.header_rows or None, encoding=opened.stated_encoding, layer=opened.layer)


def existing_city(folder: Path) -> City:
    """Return the City of a folder that has streets.

    Raises:
        InputError: the folder is no City's, or has no streets.
        CityChanged: the folder was edited since it was written.
    """
    city = City.load(Path(folder), check=True)
    if not city.networks:
        raise InputError([Fault("tables.no_streets", str(folder))])
    return city


def _osm_streets(
    source: Source, modes: Sequence[str], *, crs: str | None, title: str | None, progress: Progress | None
) -> tuple[City, ImportSummary]:
    from yike.sources.osm import read_osm_city

    fresh = read_osm_city(source.path, modes=tuple(modes), crs=crs, title=title, progress=progress)
    count = sum(network.segment_count for network in fresh.networks.values())
    origin = _osm_origin(fresh, "streets", source)
    return fresh.replace(provenance=(origin,)), ImportSummary(count, count, 0, (), "")


def _osm_origin(fresh: City, part: str, source: Source) -> Origin:
    """Return the reader's own origin of a part; what the user stated wins."""
    found = [origin for origin in fresh.provenance if origin.part.startswith(part)] or list(fresh.provenance)
    first = found[0] if found else Origin(part, source.path.name)
    stated = source.origin(part, ())
    return replace(stated, date=source.date or first.date, licence=source.licence or first.licence, note=first.note)


def _line_streets(
    source: Source,
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
        extent=hull_of(np.concatenate([network.shape_xy for network in read.networks.values()])),
        provenance=(source.origin("streets", notes),),
        data_date=source.date,
    )
    return fresh, _summary(read, read.notes)


def _osm_facilities(base: City, source: Source, folder: Path, *, progress: Progress | None) -> ImportSummary:
    from yike.sources.osm import read_osm_city

    fresh = read_osm_city(source.path, modes=("walk",), crs=base.crs, title=base.title, progress=progress)
    label = source.path.name
    table = fresh.facilities.assign(source=label)
    merged = with_facilities(base, table, fresh.entrances, fresh.inventories, label=label, file=str(source.path))
    origin = _osm_origin(fresh, "facilities", source)
    return _saved(with_origin(merged, origin), folder, ImportSummary(len(table), len(table), 0, (), ""))


def _osm_units(base: City, source: Source, folder: Path) -> ImportSummary:
    from yike.sources.osm import LICENCE
    from yike.sources.osm.neighbourhoods import read_neighbourhoods

    found = read_neighbourhoods(source.path, crs=base.crs, extent=base.extent)
    if not len(found.units):
        raise InputError([Fault("units.no_places", str(source.path))])
    label = source.path.name
    merged = assign_units(
        base.replace(units=joined(of_other_sources(base.units, label), found.units, key="unit_id", file=str(source.path)))
    )
    points = int(found.units["outline"].isna().sum())
    notes: tuple[str, ...]
    notes = (note("osm_places", count=len(found.units), unnamed=found.unnamed, outside=found.outside), note("osm_kinds"))
    notes += (note("outlines_given_up", count=found.outlines_given_up),) if found.outlines_given_up else ()
    notes += (note("areas_to_grow", count=points),) if points else ()
    dated = replace(source, licence=source.licence or LICENCE, date=source.date or found.date)
    kept = len(found.units)
    summary = ImportSummary(found.places, kept, found.places - kept, (), "", notes)
    return _saved(with_origin(merged, dated.origin("units", notes)), folder, summary)


def _left_out(read: PartRows | StreetLines, notes: Sequence[str]) -> tuple[str, ...]:
    if not read.left_out:
        return tuple(notes)
    named = ", ".join(map(str, read.left_out[:ROWS_NAMED])) + (" …" if len(read.left_out) > ROWS_NAMED else "")
    return (*notes, note("left_out", count=len(read.left_out), rows=named))


def _summary(read: PartRows | StreetLines, notes: Sequence[str]) -> ImportSummary:
    aside = len(read.set_aside) if isinstance(read, PartRows) else 0
    left_out = len(read.left_out) + aside
    return ImportSummary(read.rows_read, read.rows_read - left_out, left_out, read.faults, "", tuple(notes))


def finished(
    city: City, folder: Path, read: PartRows, plan: ReadingPlan, source: Source, notes: Sequence[str], *, label: str = ""
) -> ImportSummary:
    """Save a City with a part that was read, then the plan of the file and its bad rows beside it."""
    origin = source.origin(plan.part, _left_out(read, notes))
    merged = with_origin(city, replace(origin, source=label or source_label(source.path)))
    summary = _saved(merged, folder, _summary(read, notes))
    plan_file = None
    if source_name(source.path) == source.path.name:
        plan_file = save_plan(resolved(plan, read), plan_path(folder, plan, source.path))
    bad = None if read.checks is None or not read.left_out else write_bad_rows(read.checks, source.path, city=folder)
    return replace(summary, plan_file=plan_file, bad_rows_file=bad)


def _saved(city: City, folder: Path, summary: ImportSummary) -> ImportSummary:
    city.save(folder)
    return replace(summary, city_hash=city.hash)
