"""Residents that come as totals by neighbourhood, as a raster, or as a forecast: read, spread over homes, put into a City."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from yike.analysis.population import forecast_rows, largest_remainder
from yike.errors import Fault, InputError
from yike.model.city import City
from yike.sources.bad_rows import open_for, source_label, source_name
from yike.sources.city_merge import with_origin, with_residents
from yike.sources.city_parts import ImportSummary, Source, existing_city, finished, import_population, plan_for
from yike.sources.column_words import find_fields
from yike.sources.notes import note
from yike.sources.placing import places, points_and_outlines
from yike.sources.population import PopulationRows, find_groups, people_counts
from yike.sources.rasters import RASTER_ENDINGS, read_raster_population
from yike.sources.reading_plan import ReadingPlan
from yike.sources.residences import STREETS, spread_over_residences
from yike.sources.row_checks import REFUSE, ObjectArray, RowChecks
from yike.sources.tables import has_shapes

FIRST_YEAR, LAST_YEAR = 2000, 2100


def read_totals(
    path: Path, *, units: pd.DataFrame, crs: str, plan: ReadingPlan = ReadingPlan(), on_bad_rows: str = REFUSE
) -> PopulationRows:
    """Read people by neighbourhood: rows of ``area_id`` (a unit of ``units``), ``residents`` and ``residents_<group>``.

    A neighbourhood is named by its id, or by its name where only one has it. The rows of a file with shapes are areas of their
    own: then ``area_id`` is the row's id and ``outline`` its polygon in ``crs``. Where the plan's rounding is
    "largest_remainder", fractions of people are rounded so that each group's total stays the nearest whole number; else they are
    refused.

    Raises:
        InputError: columns are missing, or rows are bad and ``on_bad_rows`` is "refuse".
    """
    path = Path(path)
    checks = RowChecks.of(open_for(path, plan), "population", plan=plan)
    groups = find_groups(checks)
    counts = people_counts(checks, groups, whole=(plan.rounding or REFUSE) == REFUSE)
    outlines = None
    if has_shapes(checks.table):
        area_ids = checks.ids("demand_id", prefix=source_name(path).rpartition(".")[0])
        _, outlines = points_and_outlines(checks, places(checks, crs, system=plan.system))
        checks.mark("population.not_areas", "geometry", shapely.is_missing(outlines))
    else:
        area_ids = _areas(checks, units)
    good, faults = checks.settle(on_bad_rows)
    counts = counts[good]
    whole = [largest_remainder(column, total=round(float(column.sum()))) for column in counts.T]
    names = [f"residents_{group}" for group in groups] or ["residents"]
    table = pd.DataFrame(dict(zip(names, whole, strict=True)))
    table.insert(0, "area_id", area_ids[good])
    table["residents"] = table[names].sum(axis=1)
    if outlines is not None:
        table["outline"] = outlines[good]
    return PopulationRows(**vars(checks.rows(table, good, faults)), groups=groups)


def _areas(checks: RowChecks, units: pd.DataFrame) -> ObjectArray:
    """Return each row's unit; rows that name none, an unknown one, or one of several of the same name are marked."""
    if not checks.has("unit_id"):
        spellings = checks.vocabulary["columns"]
        found = find_fields(_named_columns(checks), "units", words=checks.vocabulary)
        column = found.get("name", found.get("unit_id"))
        if column is None:
            known = ", ".join(map(str, (*spellings["population"]["unit_id"], *spellings["units"]["name"])))
            values = {"known": known, "present": ", ".join(map(str, checks.table.columns))}
            checks.whole.append(Fault("population.no_area_column", checks.file, row=1, field="unit_id", values=values))
            return np.full(checks.count, "", object)
        checks.columns["unit_id"] = column.column
    words = checks.codes("unit_id")
    ids = set(units["unit_id"])
    of_name = units.groupby("name")["unit_id"].agg(list).to_dict()
    listed = [[word] if word in ids else of_name.get(word, []) for word in words]
    sizes = np.array([len(each) for each in listed])
    named = np.array([each[0] if each else "" for each in listed], object)
    checks.mark("population.no_area", "unit_id", words == "")
    checks.mark("population.unknown_area", "unit_id", (sizes == 0) & (words != ""), {"area": words})
    checks.mark("population.ambiguous_area", "unit_id", sizes > 1, {"area": words, "count": sizes.astype(object)})
    repeated = pd.Series(named).duplicated().to_numpy() & (named != "")
    checks.mark("population.area_twice", "unit_id", repeated)
    return named


def _named_columns(checks: RowChecks) -> list[str]:
    return [str(name) for name in checks.table.columns if name != "geometry"]


def import_residents(
    path: Path,
    *,
    city: Path,
    by: str | None = None,
    weights: Path | None = None,
    forecast: int | None = None,
    band: int | None = None,
    rounding: str | None = None,
    plan: ReadingPlan = ReadingPlan(),
    licence: str = "",
    date: str = "",
    on_bad_rows: str = REFUSE,
) -> ImportSummary:
    """Read residents into a City folder, in the way that the file and the options ask for.

    A GeoTIFF is a raster of people; with ``forecast`` the file holds a later year's totals by neighbourhood; with ``by`` today's
    totals, to be spread over homes; else it holds residents where they live (`import_population`).

    Raises:
        InputError: as the chosen one says.
    """
    path = Path(path)
    if path.suffix.lower() in RASTER_ENDINGS:
        return import_raster(path, city=city, band=band, licence=licence, date=date)
    stated = {"licence": licence, "date": date, "on_bad_rows": on_bad_rows}
    if forecast is not None:
        return import_forecast(path, city=city, year=forecast, rounding=rounding, plan=plan, **stated)
    if by is not None:
        return import_totals(path, city=city, by=by, weights=weights, rounding=rounding, plan=plan, **stated)
    return import_population(path, city=city, rounding=rounding, plan=plan, **stated)


def import_totals(
    path: Path,
    *,
    city: Path,
    by: str = STREETS,
    weights: Path | None = None,
    rounding: str | None = None,
    plan: ReadingPlan = ReadingPlan(),
    licence: str = "",
    date: str = "",
    on_bad_rows: str = REFUSE,
) -> ImportSummary:
    """Read people by neighbourhood, or by polygons of their own, into a City folder, spread over its residences.

    ``by`` and ``weights`` as `spread_over_residences` has them.

    Raises:
        InputError: the folder has no streets, or the totals or the weights are bad; nothing is written then.
    """
    path = Path(path)
    base = existing_city(city)
    plan = plan_for(city, "population", path, replace(plan, rounding=rounding))
    read = read_totals(path, units=base.units, crs=base.crs, plan=plan, on_bad_rows=on_bad_rows)
    areas = _own_areas(read.table) if "outline" in read.table else base.units.rename(columns={"unit_id": "area_id"})
    rows, notes = spread_over_residences(
        read.table, areas=areas, city=base, by=by, weights=weights, groups=read.groups, file=str(path)
    )
    stem = source_name(path).rpartition(".")[0]
    rows = rows.assign(demand_id=[f"{stem}:{home}" for home in rows["demand_id"]], source=source_label(path))
    merged = with_residents(base, rows, read.groups, label=source_label(path), file=str(path))
    if weights is not None:
        merged = with_origin(merged, Source(Path(weights), "", "").origin("population_weights", ()))
    return finished(merged, Path(city), read, plan, Source(path, licence, date), (*read.notes, *notes))


def import_raster(path: Path, *, city: Path, band: int | None = None, licence: str = "", date: str = "") -> ImportSummary:
    """Read people from a GeoTIFF into a City folder: those in its neighbourhoods or, without any drawn, in its known area.

    Raises:
        InputError: the folder has no streets, the file is no raster of people here, or another source counts groups.
    """
    path = Path(path)
    base = existing_city(city)
    drawn = base.units[~shapely.is_missing(base.units["outline"].to_numpy(object))]
    areas = drawn.rename(columns={"unit_id": "area_id"})[["area_id", "outline"]]
    if not len(areas):
        areas = pd.DataFrame({"area_id": [""], "outline": [base.extent]})
    read = read_raster_population(path, areas=areas, crs=base.crs, band=band)
    merged = with_residents(base, read.table.assign(source=source_label(path)), (), label=source_label(path), file=str(path))
    merged = with_origin(merged, Source(path, licence, date).origin("population", read.notes))
    merged.save(Path(city))
    return ImportSummary(read.rows_read, len(read.table), 0, (), merged.hash, read.notes)


def import_forecast(
    path: Path,
    *,
    city: Path,
    year: int,
    rounding: str | None = None,
    plan: ReadingPlan = ReadingPlan(),
    licence: str = "",
    date: str = "",
    on_bad_rows: str = REFUSE,
) -> ImportSummary:
    """Read a later year's people by neighbourhood into a City folder, spread as its people live today.

    A forecast of the same year for the same neighbourhoods is replaced.

    Raises:
        InputError: the city has no residents or neighbourhoods yet, the year is out of range, the file is bad or counts other
            groups than the city, or a neighbourhood where nobody lives today is to grow.
    """
    path = Path(path)
    base = _with_units(city)
    if not len(base.demand):
        raise InputError([Fault("forecast.no_population", str(city))])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        values = {"value": year, "least": FIRST_YEAR, "most": LAST_YEAR}
        raise InputError([Fault("forecast.year", str(path), field="--forecast", values=values)])
    stated = replace(plan, rounding=rounding, part="population", files=path.name)
    read = read_totals(path, units=base.units, crs=base.crs, plan=stated, on_bad_rows=on_bad_rows)
    if "outline" in read.table:
        raise InputError([Fault("forecast.shapes", str(path))])
    if set(read.groups) != set(base.groups):
        differing = {"here": ", ".join(read.groups) or "–", "there": ", ".join(base.groups) or "–"}
        raise InputError([Fault("tables.other_groups", str(path), values=differing)])
    rows = forecast_rows(base, read.table, year=year, file=str(path))
    older = base.forecasts[(base.forecasts["year"] != year) | ~base.forecasts["demand_id"].isin(rows["demand_id"])]
    told = note("forecast", year=year, people=int(rows["residents"].sum()), points=len(rows))
    merged = base.replace(forecasts=pd.concat([older, rows], ignore_index=True) if len(older) else rows)
    origin = Source(path, licence, date).origin("forecasts", (told,))
    merged = with_origin(merged, origin)
    merged.save(Path(city))
    kept = read.rows_read - len(read.left_out) - len(read.set_aside)
    return ImportSummary(read.rows_read, kept, read.rows_read - kept, read.faults, merged.hash, (*read.notes, told))


def _own_areas(table: pd.DataFrame) -> pd.DataFrame:
    inside = shapely.point_on_surface(table["outline"].to_numpy(object))
    return table[["area_id", "outline"]].assign(centre_x=shapely.get_x(inside), centre_y=shapely.get_y(inside))


def _with_units(folder: Path) -> City:
    base = existing_city(folder)
    if not len(base.units):
        raise InputError([Fault("population.no_units", str(folder))])
    return base
