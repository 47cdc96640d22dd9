"""Residents from tables: points, or polygons spread over a lattice, whole people by group, nobody lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from yike.analysis.population import largest_remainder
from yike.errors import Fault, InputError
from yike.model.tables import AGE_GROUPS, DEMAND
from yike.sources.bad_rows import open_for, source_label, source_name
from yike.sources.column_words import FoundColumn, column_spellings, split_unit, units_of, words_to_ids
from yike.sources.notes import note
from yike.sources.placing import places, points_and_outlines
from yike.sources.reading_plan import ReadingPlan
from yike.sources.row_checks import REFUSE, FloatArray, ObjectArray, PartRows, RowChecks

LATTICE_M = 100.0
GROUP_PREFIX = "residents_"
LARGEST_REMAINDER = "largest_remainder"
ROUNDINGS = (REFUSE, LARGEST_REMAINDER)
SUM_TOLERANCE_PEOPLE = 1e-6

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PopulationRows(PartRows):
    """Hold rows of the table `demand` and the groups that they count."""

    groups: tuple[str, ...] = ()


def read_population(
    path: Path,
    *,
    crs: str,
    rounding: str = REFUSE,
    plan: ReadingPlan = ReadingPlan(),
    within: shapely.Geometry | None = None,
    on_bad_rows: str = REFUSE,
) -> PopulationRows:
    """Read residents to rows of the table `demand`, placed in the metric system ``crs``.

    A column ``residents_<group>`` or a spelling of the mapping is a group. Groups must sum to ``residents``, row by row; given
    alone, their sum is the number of residents. A polygon's people are spread over the points of a 100 m lattice inside it (a
    point inside where none falls), each group whole and complete. Fractions of people are refused; with ``rounding``
    "largest_remainder" each group is rounded so that the file's total stays the nearest whole number.

    Raises:
        InputError: columns are missing, or rows are bad and ``on_bad_rows`` is "refuse".
    """
    if rounding not in ROUNDINGS:
        values = {"thing": "rounding", "name": rounding, "known": ", ".join(ROUNDINGS)}
        raise InputError([Fault("name.unknown", "rounding", values=values)])
    path = Path(path)
    checks = RowChecks.of(open_for(path, plan), "population", plan=plan)
    groups = find_groups(checks)
    counts = people_counts(checks, groups, whole=rounding == REFUSE)
    ids = checks.ids("demand_id", prefix=source_name(path).rpartition(".")[0])
    shapes = places(checks, crs, system=plan.system, within=within)
    xy, outlines = points_and_outlines(checks, shapes)
    good, faults = checks.settle(on_bad_rows)
    people = _whole_people(counts[good])
    table = _demand_rows(ids[good], xy[good], outlines[good], people, unit_ids=checks.codes("unit_id")[good])
    names = [GROUP_PREFIX + group for group in groups] or ["residents"]
    table = table.rename(columns=dict(enumerate(names)))
    table["residents"] = table[names].sum(axis=1).astype(np.int64)
    table["source"] = source_label(path)
    spread = int((~shapely.is_missing(outlines[good])).sum())
    notes: tuple[str, ...] = (note("lattice", polygons=spread, points=len(table)),) if spread else ()
    if rounding != REFUSE and (counts[good] != np.rint(counts[good])).any():
        notes += (note("rounded", before=f"{counts[good].sum():.9g}", after=int(people.sum())),)
    rows = DEMAND.conform(table, file=str(path))
    read = checks.rows(rows, good, faults, notes)
    return PopulationRows(**vars(read), groups=groups)


def find_groups(checks: RowChecks) -> tuple[str, ...]:
    """Find the group columns; known age groups come first, in order of age. A plan that names any names all."""
    found = {name.removeprefix(GROUP_PREFIX): column for name, column in checks.columns.items() if name.startswith(GROUP_PREFIX)}
    if not found:
        found = _groups_by_name(checks)
    known = [group for group in AGE_GROUPS if group in found]
    return (*known, *sorted(set(found) - set(known)))


def _groups_by_name(checks: RowChecks) -> dict[str, str]:
    spellings = words_to_ids(checks.vocabulary["groups"])
    units = units_of(GROUP_PREFIX, checks.vocabulary)
    found: dict[str, str] = {}
    for spelled, column in column_spellings(list(map(str, checks.table.columns))).items():
        word, unit = (spelled, "") if spelled in spellings else split_unit(spelled, units)
        group = word.removeprefix(GROUP_PREFIX) if word.startswith(GROUP_PREFIX) else spellings.get(word)
        if group is None and word in AGE_GROUPS:
            group = word
        if not group or found.get(group) == column:
            continue
        if group in found:
            values = {"group": group, "first": found[group]}
            checks.whole.append(Fault("tables.repeated_group", checks.file, row=1, field=column, values=values))
            continue
        found[group] = column
        checks.columns[GROUP_PREFIX + group] = column
        if unit:
            checks.factors[GROUP_PREFIX + group] = FoundColumn(column, unit, units[unit])
    return found


def people_counts(checks: RowChecks, groups: Sequence[str], *, whole: bool) -> FloatArray:
    """Return (n, groups) people, or (n, 1) residents where the file has no groups."""
    if not groups:
        if not checks.has("residents"):
            checks.missing("residents", subject="population")
        return checks.figures("residents", whole=whole, filled=True)[:, None]
    counts = np.column_stack([checks.figures(GROUP_PREFIX + group, whole=whole, filled=True) for group in groups])
    if checks.has("residents"):
        stated = checks.figures("residents", whole=whole, filled=True)
        total = counts.sum(axis=1)
        differs = np.abs(stated - total) > SUM_TOLERANCE_PEOPLE * np.maximum(1.0, np.abs(stated))
        shown = {"residents": [f"{figure:.10g}" for figure in stated], "total": [f"{figure:.10g}" for figure in total]}
        checks.mark("tables.groups_differ", "residents", differs, shown)
    return counts


def _whole_people(counts: FloatArray) -> IntArray:
    """Round each column by largest remainder; whole counts stay as they are."""
    totals = np.rint(counts.sum(axis=0)).astype(np.int64)
    columns = [largest_remainder(counts[:, i], total=int(totals[i])) for i in range(counts.shape[1])]
    return np.column_stack(columns) if columns else np.zeros((len(counts), 0), np.int64)


def spread_evenly(people: IntArray, *, places: int) -> IntArray:
    """Spread (g,) whole people over equal places: (places, g), each group complete, no two places more than one apart.

    Place i of n gets ⌊((i + 1)·T + φ)/n⌋ − ⌊(i·T + φ)/n⌋ of a group's T people: equal shares with the largest remainders strewn
    over the lattice. The phase φ = g·n/G differs by group so that the odd people of all groups do not fall on one place.
    """
    phases = np.arange(len(people), dtype=np.int64) * places // max(1, len(people))
    steps = np.arange(places + 1, dtype=np.int64)[:, None] * people[None, :] + phases[None, :]
    return np.diff(steps // places, axis=0)


def lattice_points(outline: shapely.Geometry) -> FloatArray:
    """Return the (n, 2) [m] centres of the 100 m cells whose centre lies in the outline, or one point inside it."""
    left, low, right, high = outline.bounds
    columns = np.arange(np.floor(left / LATTICE_M), np.floor(right / LATTICE_M) + 1) * LATTICE_M + LATTICE_M / 2
    rows = np.arange(np.floor(low / LATTICE_M), np.floor(high / LATTICE_M) + 1) * LATTICE_M + LATTICE_M / 2
    xy = np.array(np.meshgrid(columns, rows)).reshape(2, -1).T
    shapely.prepare(outline)
    inside = xy[shapely.contains_xy(outline, xy[:, 0], xy[:, 1])]
    if len(inside):
        return np.asarray(inside, np.float64)
    return np.asarray(shapely.get_coordinates(outline.point_on_surface()), np.float64)


def _demand_rows(
    ids: ObjectArray, xy: FloatArray, outlines: ObjectArray, people: IntArray, *, unit_ids: ObjectArray
) -> pd.DataFrame:
    """Return one row a point and one a populated lattice point; the counts of group g stand in column g."""
    row_of: list[IntArray] = []
    names: list[object] = []
    places: list[FloatArray] = []
    shares: list[IntArray] = []
    for row, outline in enumerate(outlines):
        points, share = xy[row : row + 1], people[row : row + 1]
        if outline is not None and share.any():
            points = lattice_points(outline)
            share = spread_evenly(people[row], places=len(points))
            kept = share.any(axis=1)
            points, share = points[kept], share[kept]
        names += [ids[row]] if outline is None else [f"{ids[row]}-{n}" for n in range(1, len(points) + 1)]
        row_of.append(np.full(len(points), row, np.int64))
        places.append(points)
        shares.append(share)
    at = np.concatenate(places)
    frame = pd.DataFrame({"demand_id": np.array(names, object), "x": at[:, 0], "y": at[:, 1]})
    frame["unit_id"] = unit_ids[np.concatenate(row_of)]
    return frame.join(pd.DataFrame(np.concatenate(shares)))
