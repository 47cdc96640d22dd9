"""A page for each subdistrict: the matrix of verdicts, the worst gap of every neighbourhood, classes and residents covered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from yike.model.diagnosis import FAIL, NOT_DETERMINABLE, PASS
from yike.reports.findings import Evidence, required_pairs, unit_rates, verdict_counts
from yike.reports.maps import DrawnMap, subdistrict_map
from yike.reports.places import Neighbourhood, Subdistrict
from yike.reports.shortfalls import Shortfall, gap_words, limit_words, rows_of, tightest_pass, why_words
from yike.reports.wording import SECONDS_PER_MINUTE

MOST_UNITS = 250
_VERDICT_MARK = {PASS: "p", FAIL: "f", NOT_DETERMINABLE: "n"}
_GROUP_PREFIX = "covered_share_"


@dataclass(frozen=True)
class Cell:
    """Hold one cell of the matrix: ``mark`` p, f or n, the shortfall in figures, and the two doubts."""

    mark: str
    figure: str = ""
    borderline: bool = False
    near_edge: bool = False


@dataclass(frozen=True)
class Row:
    """Hold one neighbourhood of the matrix with the sums of its cells."""

    unit: Neighbourhood
    cells: tuple[Cell, ...]
    passed: int
    failed: int
    unknown: int


@dataclass(frozen=True)
class ClassColumn:
    """Hold one class of the matrix with the sums of its cells; ``starts`` marks the first class of a field.

    A class that is only ``recommended`` is shown, but enters no sum over classes.
    """

    class_id: str
    name: str
    starts: bool
    recommended: bool
    passed: int
    failed: int
    unknown: int


@dataclass(frozen=True)
class Matrix:
    """Hold the matrix of one page. ``left_out`` names classes that are not determinable for all of its neighbourhoods."""

    fields: tuple[tuple[str, int], ...]
    columns: tuple[ClassColumn, ...]
    rows: tuple[Row, ...]
    totals: tuple[int, int, int]
    left_out: tuple[tuple[str, str], ...]
    check: str
    hidden_units: int


@dataclass(frozen=True)
class WorstLine:
    """Hold what a neighbourhood lacks most, in words; ``state`` is fail, pass or not_determinable."""

    unit: Neighbourhood
    state: str
    sentence: str
    why: str
    more: int


@dataclass(frozen=True)
class ClassLine:
    """Hold one class of the table of classes of a page."""

    name: str
    limits: str
    passed: str
    failed: str
    unknown: str
    rate: str
    by_residents: str
    covered: str
    share: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """Hold the page of one subdistrict."""

    area: Subdistrict
    summary: str
    rate: str
    map: DrawnMap
    worst: tuple[WorstLine, ...]
    matrix: Matrix
    classes: tuple[ClassLine, ...]
    groups: tuple[str, ...]


def pages_of(evidence: Evidence) -> tuple[Page, ...]:
    """Write the page of every subdistrict."""
    verdicts = evidence.diagnosis.verdicts
    rates = unit_rates(verdicts)
    home = verdicts["unit_id"].map({unit: area.anchor for unit, area in evidence.places.home.items()})
    return tuple(
        _page(evidence, area, verdicts[home == area.anchor], rates=rates) for area in evidence.places.subdistricts
    )


def _page(evidence: Evidence, area: Subdistrict, verdicts: pd.DataFrame, *, rates: Mapping[str, float]) -> Page:
    words = evidence.words
    worst = [gap for unit in area.units for gap in evidence.shortfalls[unit.unit_id][:1] if gap.required]
    failing = set(verdicts.loc[verdicts["verdict"] == FAIL, "class_id"])
    classes = {name for class_id in failing for name in evidence.diagnosis.standard.class_(class_id).also_met_by}
    counts = required_pairs(verdicts)["verdict"].value_counts()
    passed, failed, unknown = (int(counts.get(verdict, 0)) for verdict in (PASS, FAIL, NOT_DETERMINABLE))
    rate = words.percent(passed / (passed + failed) if passed + failed else None)
    residents = sum(unit.residents for unit in area.units)
    people = words.say("page.people", residents=words.count(residents)) if evidence.places.population_known else ""
    groups = evidence.city.groups if evidence.places.population_known else ()
    return Page(
        area=area,
        summary=words.say(
            "page.summary",
            units=words.count(len(area.units)),
            people=people or words.say("page.people_unknown"),
            rate=rate,
            failed=words.count(failed),
            unknown=words.count(unknown),
        ),
        rate=rate,
        map=subdistrict_map(
            evidence.city, area, evidence.places, rates=rates, worst=worst, class_ids=failing | classes, words=words
        ),
        worst=tuple(_worst_line(evidence, unit, verdicts) for unit in area.units),
        matrix=_matrix(evidence, area, verdicts),
        classes=_class_lines(evidence, area, verdicts, groups),
        groups=tuple(words.say_or(f"group.{group}", group) for group in groups),
    )


def _worst_line(evidence: Evidence, unit: Neighbourhood, verdicts: pd.DataFrame) -> WorstLine:
    words = evidence.words
    gaps = [gap for gap in evidence.shortfalls[unit.unit_id] if gap.required]
    if gaps:
        name = evidence.class_name(gaps[0].class_id)
        sentence = gap_words(gaps[0], name, words=words)
        return WorstLine(unit, FAIL, sentence, why_words(gaps[0], words=words), len(gaps) - 1)
    rows = required_pairs(verdicts[verdicts["unit_id"] == unit.unit_id])
    unknown = rows[rows["verdict"] == NOT_DETERMINABLE]
    if len(unknown) and not (rows["verdict"] == PASS).any():
        reasons = words.joined(words.reason(code) for code in unknown["reason"].unique())
        return WorstLine(unit, NOT_DETERMINABLE, words.say("worst.unknown", reasons=reasons), "", 0)
    near = tightest_pass(rows)
    passed = words.count(int((rows["verdict"] == PASS).sum()))
    if near is None:
        return WorstLine(unit, PASS, words.say("worst.none", passed=passed), "", 0)
    limit = limit_words(_figure(near["limit_s"]), _figure(near["limit_m"]), words=words)
    timed = math.isfinite(_figure(near["time_s"])) and math.isfinite(_figure(near["limit_s"]))
    used = words.span(_figure(near["time_s"])) if timed else words.metres(_figure(near["distance_m"]))
    name = evidence.class_name(str(near["class_id"]))
    return WorstLine(unit, PASS, words.say("worst.tightest", passed=passed, name=name, used=used, limit=limit), "", 0)


def _figure(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


def _matrix(evidence: Evidence, area: Subdistrict, verdicts: pd.DataFrame) -> Matrix:
    words, standard = evidence.words, evidence.diagnosis.standard
    counts = verdict_counts(verdicts, "class_id")
    shown = [entry for entry in standard.classes if entry.id in counts.index]
    blank = {str(i) for i in counts.index[(counts[PASS] == 0) & (counts[FAIL] == 0)]}
    blank = blank if len(blank) < len(shown) else set()
    left_out = tuple(
        (entry.names.say(words.lang), _reasons(evidence, verdicts, entry.id)) for entry in shown if entry.id in blank
    )
    shown = [entry for entry in shown if entry.id not in blank]
    columns: list[ClassColumn] = []
    fields: list[tuple[str, int]] = []
    for entry in shown:
        starts = not fields or fields[-1][0] != entry.field
        fields.append((entry.field, 1 if starts else fields.pop()[1] + 1))
        passed, failed, unknown = (int(counts[key].loc[entry.id]) for key in (PASS, FAIL, NOT_DETERMINABLE))
        name, recommended = entry.names.say(words.lang), entry.obligation == "recommended"
        columns.append(ClassColumn(entry.id, name, starts, recommended, passed, failed, unknown))
    by_pair = {(str(row["unit_id"]), str(row["class_id"])): row for row in rows_of(verdicts)}
    rows = [_row(evidence, unit, columns, by_pair) for unit in _listed(evidence, area)]
    counted = [column for column in columns if not column.recommended]
    totals = tuple(sum(getattr(column, key) for column in counted) for key in ("passed", "failed", "unknown"))
    check = words.say(
        "matrix.check",
        units=len(area.units),
        classes=len(counted),
        pairs=words.count(sum(totals)),
        passed=words.count(totals[0]),
        failed=words.count(totals[1]),
        unknown=words.count(totals[2]),
    )
    named = tuple((standard.field_(field).names.say(words.lang), count) for field, count in fields)
    return Matrix(
        named,
        tuple(columns),
        tuple(rows),
        (totals[0], totals[1], totals[2]),
        left_out,
        check,
        len(area.units) - len(rows),
    )


def _listed(evidence: Evidence, area: Subdistrict) -> Sequence[Neighbourhood]:
    """List the neighbourhoods of a matrix; of very many, those with most missing items."""
    if len(area.units) <= MOST_UNITS:
        return area.units
    worst = sorted(area.units, key=lambda unit: -len(evidence.shortfalls[unit.unit_id]))[:MOST_UNITS]
    return sorted(worst, key=lambda unit: unit.number)


def _row(
    evidence: Evidence,
    unit: Neighbourhood,
    columns: Sequence[ClassColumn],
    by_pair: Mapping[tuple[str, str], Mapping[str, object]],
) -> Row:
    gaps = {gap.class_id: gap for gap in evidence.shortfalls[unit.unit_id]}
    cells = []
    for column in columns:
        row = by_pair.get((unit.unit_id, column.class_id))
        if row is None:
            cells.append(Cell("n"))
            continue
        mark = _VERDICT_MARK[str(row["verdict"])]
        figure = _short_figure(evidence, gaps[column.class_id]) if mark == "f" else ""
        cells.append(Cell(mark, figure, bool(row["borderline"]), bool(row["near_edge"])))
    marks = [cell.mark for cell, column in zip(cells, columns, strict=True) if not column.recommended]
    return Row(unit, tuple(cells), marks.count("p"), marks.count("f"), marks.count("n"))


def _short_figure(evidence: Evidence, gap: Shortfall) -> str:
    """Write a shortfall for a narrow cell: minutes plain, seconds and metres with their letter."""
    if gap.by_residents:
        return evidence.words.percent(gap.covered_share)
    if math.isfinite(gap.over_s):
        whole = math.ceil(gap.over_s)
        return f"+{whole}s" if whole < SECONDS_PER_MINUTE else f"+{evidence.words.minutes(gap.over_s)}"
    if math.isfinite(gap.over_m):
        return f"+{max(1, round(gap.over_m)):,}m"
    return evidence.words.say("cell.unreached" if gap.exists else "cell.none")


def _reasons(evidence: Evidence, verdicts: pd.DataFrame, class_id: str) -> str:
    codes = verdicts.loc[verdicts["class_id"] == class_id, "reason"].unique()
    return evidence.words.joined(evidence.words.reason(str(code)) for code in codes if code)


def _class_lines(
    evidence: Evidence, area: Subdistrict, verdicts: pd.DataFrame, groups: Sequence[str]
) -> tuple[ClassLine, ...]:
    words = evidence.words
    table = evidence.classes("subdistrict", area.area_id) if evidence.places.divided else evidence.classes("all")
    lines = []
    for class_id, row in table.iterrows():
        own = verdicts[verdicts["class_id"] == class_id]
        people = own["by_residents"].value_counts()
        judged = people.get(PASS, 0) + people.get(FAIL, 0)
        known = evidence.places.population_known
        lines.append(
            ClassLine(
                name=evidence.class_name(str(class_id)),
                limits=_limits(evidence, own),
                passed=words.count(row["passed"]),
                failed=words.count(row["failed"]),
                unknown=words.count(row["not_determinable"]),
                rate=words.percent(row["rate"]),
                by_residents=words.percent(people.get(PASS, 0) / judged if judged else None),
                covered=words.count(row["covered_residents"]) if known and math.isfinite(row["covered_share"]) else "–",
                share=words.percent(row["covered_share"]) if known else "–",
                groups=tuple(words.percent(row.get(f"{_GROUP_PREFIX}{group}")) for group in groups),
            )
        )
    return tuple(lines)


def _limits(evidence: Evidence, rows: pd.DataFrame) -> str:
    words = evidence.words
    kinds = rows[["mode", "limit_s", "limit_m"]].drop_duplicates()
    said = []
    for kind in rows_of(kinds):
        if math.isfinite(_figure(kind["limit_s"])) or math.isfinite(_figure(kind["limit_m"])):
            mode = words.say_or(f"mode.{kind['mode']}", str(kind["mode"]))
            limit = limit_words(_figure(kind["limit_s"]), _figure(kind["limit_m"]), words=words)
            said.append(words.say("page.limit", mode=mode, limit=limit))
    return " / ".join(said) or "–"
