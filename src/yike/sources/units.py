"""Neighbourhoods from tables: committee areas as polygons, or committee points whose areas are grown on the streets later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from yike.errors import Fault, InputError
from yike.model.tables import UNIT_KINDS, UNITS
from yike.sources.bad_rows import open_for, source_label, source_name
from yike.sources.column_words import mapping, plain, words_to_ids
from yike.sources.notes import note
from yike.sources.placing import places, places_by_columns, points_and_outlines
from yike.sources.reading_plan import ReadingPlan
from yike.sources.row_checks import REFUSE, FloatArray, ObjectArray, PartRows, RowChecks, chosen_words
from yike.sources.tables import open_table, read_table

_WORDS = ("name_en", "subdistrict", "subdistrict_en", "district", "zone")


def read_units(
    path: Path,
    *,
    crs: str,
    centres: Path | None = None,
    plan: ReadingPlan = ReadingPlan(),
    within: shapely.Geometry | None = None,
    on_bad_rows: str = REFUSE,
) -> PartRows:
    """Read neighbourhoods to rows of the table `units`, placed in the metric system ``crs``.

    A point row is a committee without an area (outline empty). The centre of a polygon row is, in this order: its unit's point in
    the file ``centres`` (columns unit_id and a place), its columns ``centre_lon``, ``centre_lat`` [degree], a point inside. Where
    the kind is empty the end of the name tells it (居委会, 村委会).

    Raises:
        InputError: columns are missing, or rows are bad and ``on_bad_rows`` is "refuse".
    """
    path = Path(path)
    checks = RowChecks.of(open_for(path, plan), "units", plan=plan)
    ids = checks.ids("unit_id", prefix=source_name(path).rpartition(".")[0])
    names = checks.words("name")
    if checks.has("name"):
        checks.mark("table.empty_cell", "name", names == "")
    xy, outlines = points_and_outlines(checks, places(checks, crs, system=plan.system, within=within))
    inside = int((~shapely.is_missing(outlines)).sum())
    stated = _stated_centres(checks, crs, plan)
    xy = np.where(np.isnan(stated), xy, stated)
    if centres is not None:
        listed = _listed_centres(Path(centres), ids, crs=crs, plan=plan)
        xy, stated = np.where(np.isnan(listed), xy, listed), np.where(np.isnan(listed), stated, listed)
    rows: dict[str, object] = {
        "unit_id": ids,
        "name": np.where(names == "", ids, names),
        "kind": _kinds(checks, names),
        "subdistrict_id": checks.codes("subdistrict_id"),
        **{name: checks.words(name) for name in _WORDS},
        "centre_x": xy[:, 0],
        "centre_y": xy[:, 1],
        "outline": outlines,
        "source": source_label(path),
    }
    good, faults = checks.settle(on_bad_rows)
    table = UNITS.conform(pd.DataFrame(rows, index=checks.table.index)[good], file=str(path))
    known = int((~np.isnan(stated[:, 0]) & ~shapely.is_missing(outlines)).sum())
    notes: tuple[str, ...] = (note("centres_inside", count=inside - known),) if inside > known else ()
    points = int(table["outline"].isna().sum())
    notes += (note("areas_to_grow", count=points),) if points else ()
    return checks.rows(table, good, faults, notes)


def _kinds(checks: RowChecks, names: ObjectArray) -> ObjectArray:
    kinds = chosen_words(checks, "kind", words_to_ids(checks.vocabulary["unit_kinds"]), known=UNIT_KINDS)
    endings = words_to_ids(mapping("unit_kind_of_name_ending"))
    for position in np.flatnonzero(kinds == ""):
        name = plain(names[position])
        kinds[position] = next((kind for ending, kind in endings.items() if name.endswith(ending)), "")
    return kinds


def _stated_centres(checks: RowChecks, crs: str, plan: ReadingPlan) -> FloatArray:
    """Return (n, 2) [m] the centres that the row itself gives, NaN where it gives none."""
    nowhere = np.full((checks.count, 2), np.nan)
    if not (checks.has("centre_lon") and checks.has("centre_lat")):
        return nowhere
    columns = [checks.columns["centre_lon"], checks.columns["centre_lat"]]
    own = RowChecks(checks.file, pd.DataFrame(checks.table)[columns], {"lon": columns[0], "lat": columns[1]})
    xy, _ = points_and_outlines(own, places_by_columns(own, "lon", "lat", crs=crs, system=plan.system))
    given = (checks.words("centre_lon") != "") | (checks.words("centre_lat") != "")
    for key, found in own.marks.items():
        checks.marks.setdefault(key, {}).update({row: values for row, values in found.items() if given[row]})
    return np.where(given[:, None], xy, nowhere)


def _listed_centres(path: Path, unit_ids: ObjectArray, *, crs: str, plan: ReadingPlan) -> FloatArray:
    checks = RowChecks.of(open_table(path, words=plan.vocabulary), "units", plan=replace(plan, columns=None))
    if not checks.has("unit_id"):
        checks.missing("unit_id", subject="units")
    ids = checks.ids("unit_id", prefix="")
    xy, _ = points_and_outlines(checks, places(checks, crs, system=plan.system))
    checks.mark("tables.unknown_unit", "unit_id", ~np.isin(ids.astype(str), unit_ids.astype(str)), {"id": ids})
    checks.settle(REFUSE)
    by_id = pd.DataFrame(xy, index=pd.Index(ids))
    return by_id.reindex(unit_ids).to_numpy(np.float64)


def read_boundary(path: Path, *, crs: str, layer: str | None = None) -> shapely.Polygon | shapely.MultiPolygon:
    """Read polygons that bound the known data and return them as one area in the metric system ``crs``.

    Raises:
        InputError: the file cannot be read or holds no polygon.
    """
    path = Path(path)
    checks = RowChecks(str(path), read_table(path, layer=layer), {})
    _, outlines = points_and_outlines(checks, places(checks, crs))
    checks.settle(REFUSE)
    outlines = outlines[~shapely.is_missing(outlines)]
    if not len(outlines):
        raise InputError([Fault("tables.no_polygon", str(path))])
    area: shapely.Polygon | shapely.MultiPolygon = shapely.union_all(outlines)
    return area
