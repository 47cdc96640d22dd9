"""Facilities from tables: a class by column or for the whole file, points or outlines, sizes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from yike.errors import Fault, InputError
from yike.model.tables import FACILITIES, WEEK_HOURS
from yike.sources.bad_rows import open_for, source_label, source_name
from yike.sources.facility_classes import check_class, row_classes, set_aside_closed
from yike.sources.notes import note
from yike.sources.placing import places, points_and_outlines
from yike.sources.reading_plan import ReadingPlan
from yike.sources.row_checks import REFUSE, ObjectArray, PartRows, RowChecks

SIZES = ("floor_area_m2", "beds", "seats")
_MASK_DIGITS = WEEK_HOURS // 4
_HEX = frozenset("0123456789abcdef")


def read_facilities(
    path: Path,
    *,
    crs: str,
    classes: Mapping[str, str] | None = None,
    class_id: str | None = None,
    standard_ids: Collection[str] | None = None,
    plan: ReadingPlan = ReadingPlan(),
    within: shapely.Geometry | None = None,
    on_bad_rows: str = REFUSE,
) -> PartRows:
    """Read facilities to rows of the table `facilities`, placed in the metric system ``crs``.

    The class of a row is ``class_id`` where given, else its class cell: a word of the plan, an id of ``standard_ids``, a word of
    ``classes`` (word to id), or a map service's type, which may give several classes (a row each, the id followed by the class)
    or none. Without all of these the cell is taken as an id. Rows of no class and of places that are not open are set aside. A
    polygon stays as outline, its place is a point inside and its area the site area where the file states none. Without an id
    column rows are called ``<file>-<row>``.

    Raises:
        InputError: columns are missing, or rows are bad and ``on_bad_rows`` is "refuse".
        UnknownName: ``class_id`` is not among ``standard_ids``.
    """
    path = Path(path)
    class_id = class_id or plan.class_id
    check_class(class_id, standard_ids)
    checks = RowChecks.of(open_for(path, plan), "facilities", plan=plan)
    names = checks.words("name")
    set_aside_closed(checks, names)
    class_ids = row_classes(checks, names, classes, class_id, standard_ids, planned=plan.classes)
    xy, outlines = points_and_outlines(checks, places(checks, crs, system=plan.system, within=within))
    rows: dict[str, object] = {
        "facility_id": checks.ids("facility_id", prefix=source_name(path).rpartition(".")[0]),
        "name": names,
        "x": xy[:, 0],
        "y": xy[:, 1],
        **{size: checks.figures(size) for size in SIZES},
        "site_area_m2": _site_area(checks, outlines),
        "open_hours": _hours_mask(checks, "open_hours"),
        "unknown_hours": _hours_mask(checks, "unknown_hours"),
        "source": source_label(path),
        "outline": outlines,
    }
    good, faults = checks.settle(on_bad_rows)
    table = _one_row_a_class(pd.DataFrame(rows, index=checks.table.index)[good], class_ids[good])
    table = FACILITIES.conform(table, file=str(path))
    outlined = int(table["outline"].notna().sum())
    notes: tuple[str, ...] = (note("outlines", count=outlined),) if outlined else ()
    several = len(table) - int(good.sum())
    notes += (note("several_classes", count=several),) if several else ()
    return checks.rows(table, good, faults, notes)


def _one_row_a_class(rows: pd.DataFrame, class_ids: ObjectArray) -> pd.DataFrame:
    """Repeat a row for each of its classes; the ids of repeated rows end in the class."""
    counts = np.array([len(each) for each in class_ids], np.int64)
    at = np.repeat(np.arange(len(rows)), counts)
    table = rows.iloc[at].reset_index(drop=True)
    table["class_id"] = np.array([name for each in class_ids for name in each], object)
    repeated = counts[at] > 1
    table.loc[repeated, "facility_id"] = table.loc[repeated, "facility_id"] + ":" + table.loc[repeated, "class_id"]
    return table


def read_hexagon_counts(
    path: Path,
    *,
    crs: str,
    count_column: str,
    class_id: str,
    plan: ReadingPlan = ReadingPlan(),
    within: shapely.Geometry | None = None,
    on_bad_rows: str = REFUSE,
) -> PartRows:
    """Read a table of cells with a number of facilities each: a cell with k facilities gives k rows at its centre.

    Raises:
        InputError: the count column is missing, or a count is no whole number of zero or more.
    """
    path = Path(path)
    checks = RowChecks.of(open_for(path, plan), "facilities", plan=plan)
    if count_column not in checks.table.columns:
        present = ", ".join(map(str, checks.table.columns))
        raise InputError([Fault("table.missing_column", str(path), field=count_column, values={"present": present})])
    checks.columns["count"] = count_column
    counts = checks.figures("count", whole=True, filled=True)
    cell_ids = checks.ids("facility_id", prefix="cell")
    xy, _ = points_and_outlines(checks, places(checks, crs, system=plan.system, within=within))
    good, faults = checks.settle(on_bad_rows)
    cells = np.repeat(np.flatnonzero(good), counts[good].astype(np.int64))
    nth = pd.Series(cells).groupby(cells).cumcount().to_numpy() + 1
    source = source_label(path, column=count_column)
    ids = [
        f"{source_name(path).rpartition('.')[0]}-{count_column}-{cell_ids[cell]}-{n}" for cell, n in zip(cells, nth, strict=True)
    ]
    rows = {
        "facility_id": ids,
        "class_id": class_id,
        "name": "",
        "x": xy[cells, 0],
        "y": xy[cells, 1],
        "source": source,
    }
    table = FACILITIES.conform(pd.DataFrame(rows), file=str(path))
    notes = (note("cell_centres", count=len(table), cells=len(np.unique(cells))),)
    return checks.rows(table, good, faults, notes)


def _site_area(checks: RowChecks, outlines: ObjectArray) -> ObjectArray:
    stated = checks.figures("site_area_m2")
    drawn = np.array([np.nan if outline is None else round(outline.area, 1) for outline in outlines], np.float64)
    return np.where(np.isnan(stated), drawn, stated)


def _hours_mask(checks: RowChecks, name: str) -> ObjectArray:
    masks = checks.words(name)
    bad = np.array([mask != "" and (len(mask) != _MASK_DIGITS or not _HEX.issuperset(mask.lower())) for mask in masks], bool)
    checks.mark("tables.not_hours", name, bad, {"value": masks})
    return masks
