"""Facilities from tables: a class by column or for the whole file, points or outlines, sizes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from yike.errors import Fault, InputError, UnknownName
from yike.model.tables import FACILITIES, WEEK_HOURS
from yike.sources.notes import note
from yike.sources.row_checks import REFUSE, ObjectArray, PartRows, RowChecks, Values, points_and_outlines
from yike.sources.tables import plain, read_table

SIZES = ("floor_area_m2", "beds", "seats")
COUNT_SEPARATOR = "#"
_MASK_DIGITS = WEEK_HOURS // 4
_HEX = frozenset("0123456789abcdef")


def read_facilities(
    path: Path,
    *,
    crs: str,
    classes: Mapping[str, str] | None = None,
    class_id: str | None = None,
    standard_ids: Collection[str] | None = None,
    layer: str | None = None,
    on_bad_rows: str = REFUSE,
) -> PartRows:
    """Read facilities to rows of the table `facilities`, placed in the metric system ``crs``.

    The class of a row is ``class_id`` where given, else its class cell: an id of ``standard_ids`` or a word of ``classes``
    (word to id). Without both the cell is taken as an id. A polygon stays as outline, its place is a point inside and its area
    the site area where the file states none. Without an id column rows are called ``<file>-<row>``.

    Raises:
        InputError: columns are missing, or rows are bad and ``on_bad_rows`` is "refuse".
        UnknownName: ``class_id`` is not among ``standard_ids``.
    """
    path = Path(path)
    _check_class(class_id, standard_ids)
    checks = RowChecks.of(read_table(path, layer=layer), "facilities", file=str(path))
    class_ids = _classes(checks, classes, class_id, standard_ids)
    xy, outlines = points_and_outlines(checks, checks.places(crs))
    rows: dict[str, object] = {
        "facility_id": checks.ids("facility_id", prefix=path.stem),
        "class_id": class_ids,
        "name": checks.words("name"),
        "x": xy[:, 0],
        "y": xy[:, 1],
        **{size: checks.figures(size) for size in SIZES},
        "site_area_m2": _site_area(checks, outlines),
        "open_hours": _hours_mask(checks, "open_hours"),
        "unknown_hours": _hours_mask(checks, "unknown_hours"),
        "source": path.name,
        "outline": outlines,
    }
    good, faults = checks.settle(on_bad_rows)
    table = FACILITIES.conform(pd.DataFrame(rows, index=checks.table.index)[good], file=str(path))
    notes = (note("outlines", count=int((~table["outline"].isna()).sum())),) if table["outline"].notna().any() else ()
    return PartRows(table, checks.count, checks.numbers_of(~good), faults, notes)


def read_hexagon_counts(
    path: Path,
    *,
    crs: str,
    count_column: str,
    class_id: str,
    layer: str | None = None,
    on_bad_rows: str = REFUSE,
) -> PartRows:
    """Read a table of cells with a number of facilities each: a cell with k facilities gives k rows at its centre.

    Raises:
        InputError: the count column is missing, or a count is no whole number of zero or more.
    """
    path = Path(path)
    checks = RowChecks.of(read_table(path, layer=layer), "facilities", file=str(path))
    if count_column not in checks.table.columns:
        present = ", ".join(map(str, checks.table.columns))
        raise InputError([Fault("table.missing_column", str(path), field=count_column, values={"present": present})])
    checks.columns["count"] = count_column
    counts = checks.figures("count", whole=True, filled=True)
    cell_ids = checks.ids("facility_id", prefix="cell")
    xy, _ = points_and_outlines(checks, checks.places(crs))
    good, faults = checks.settle(on_bad_rows)
    cells = np.repeat(np.flatnonzero(good), counts[good].astype(np.int64))
    nth = pd.Series(cells).groupby(cells).cumcount().to_numpy() + 1
    source = f"{path.name}{COUNT_SEPARATOR}{count_column}"
    ids = [f"{path.stem}-{count_column}-{cell_ids[cell]}-{n}" for cell, n in zip(cells, nth, strict=True)]
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
    return PartRows(table, checks.count, checks.numbers_of(~good), faults, notes)


def _check_class(class_id: str | None, standard_ids: Collection[str] | None) -> None:
    if class_id is not None and standard_ids is not None and class_id not in standard_ids:
        values = {"thing": "class_id", "name": class_id, "known": ", ".join(standard_ids)}
        raise UnknownName([Fault("name.unknown", "class_id", values=values)])


def _classes(
    checks: RowChecks, classes: Mapping[str, str] | None, class_id: str | None, standard_ids: Collection[str] | None
) -> ObjectArray:
    if class_id is not None:
        return np.full(checks.count, class_id, object)
    if not checks.has("class_id"):
        checks.missing("class_id", subject="facilities")
        return np.full(checks.count, "", object)
    words = checks.words("class_id")
    checks.mark("tables.no_class", "class_id", words == "")
    if classes is None and standard_ids is None:
        return words
    by_word = {plain(name): name for name in standard_ids or ()}
    by_word |= {plain(word): name for word, name in (classes or {}).items()}
    ids = np.array([by_word.get(plain(word), "") for word in words], object)
    values: dict[str, Values] = {"value": words, "known": [", ".join(sorted(set(by_word.values())))] * checks.count}
    checks.mark("tables.unknown_class", "class_id", (ids == "") & (words != ""), values)
    return ids


def _site_area(checks: RowChecks, outlines: ObjectArray) -> ObjectArray:
    stated = checks.figures("site_area_m2")
    drawn = np.array([np.nan if outline is None else round(outline.area, 1) for outline in outlines], np.float64)
    return np.where(np.isnan(stated), drawn, stated)


def _hours_mask(checks: RowChecks, name: str) -> ObjectArray:
    masks = checks.words(name)
    bad = np.array(
        [mask != "" and (len(mask) != _MASK_DIGITS or not _HEX.issuperset(mask.lower())) for mask in masks], bool
    )
    checks.mark("tables.not_hours", name, bad, {"value": masks})
    return masks
