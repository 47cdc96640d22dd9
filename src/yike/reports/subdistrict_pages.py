"""A page for each subdistrict: the matrix of verdicts, the worst gap of every neighbourhood, classes and residents covered."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from yike.model.diagnosis import FAIL, NOT_DETERMINABLE, PASS
from yike.reports.findings import Evidence, unit_rates
from yike.reports.maps import DrawnMap, subdistrict_map
from yike.reports.places import Neighbourhood, Subdistrict
from yike.reports.shortfalls import Shortfall, gap_words, limit_words, rows_of, tightest_pass, why_words
from yike.reports.wording import SECONDS_PER_MINUTE

MOST_UNITS = 250
_VERDICT_MARK = {PASS: "p", FAIL: "f", NOT_DETERMINABLE: "n"}
_GROUP_PREFIX = "covered_share_"

VerdictRow = Mapping[str, object]


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
    rates = unit_rates(evidence.diagnosis.verdicts)
    rows: dict[str, list[VerdictRow]] = {area.anchor: [] for area in evidence.places.subdistricts}
    for row in rows_of(evidence.diagnosis.verdicts):
        home = evidence.places.home.get(str(row["unit_id"]))
        if home is not None:
            rows[home.anchor].append(row)
    return tuple(_page(evidence, area, rows[area.anchor], rates=rates) for area in evidence.places.subdistricts)


def _page(evidence: Evidence, area: Subdistrict, verdicts: Sequence[VerdictRow], *, rates: Mapping[str, float]) -> Page:
    words = evidence.words
    worst = [gap for unit in area.units for gap in evidence.shortfalls[unit.unit_id][:1] if gap.required]
    failing = {str(row["class_id"]) for row in verdicts if row["verdict"] == FAIL}
    classes = {name for class_id in failing for name in evidence.diagnosis.standard.class_(class_id).also_met_by}
    counts = Counter(row["verdict"] for row in verdicts if _counts(row))
    passed, failed, unknown = (counts[verdict] for verdict in (PASS, FAIL, NOT_DETERMINABLE))
    rate = words.percent(passed / (passed + failed) if passed + failed else None)
    by_unit = _grouped(verdicts, "unit_id")
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
        worst=tuple(_worst_line(evidence, unit, by_unit.get(unit.unit_id, [])) for unit in area.units),
        matrix=_matrix(evidence, area, verdicts),
        classes=_class_lines(evidence, area, verdicts, groups),
        groups=tuple(words.say_or(f"group.{group}", group) for group in groups),
    )


def _counts(row: VerdictRow) -> bool:
    """Tell whether a pair enters the rates: recommended classes do not."""
    return row.get("obligation") != "recommended"


def _grouped(rows: Sequence[VerdictRow], name: str) -> dict[str, list[VerdictRow]]:
    groups: dict[str, list[VerdictRow]] = {}
    for row in rows:
        groups.setdefault(str(row[name]), []).append(row)
    return groups


def _worst_line(evidence: Evidence, unit: Neighbourhood, verdicts: Sequence[VerdictRow]) -> WorstLine:
    words = evidence.words
    gaps = [gap for gap in evidence.shortfalls[unit.unit_id] if gap.required]
    if gaps:
        name = evidence.class_name(gaps[0].class_id)
        sentence = gap_words(gaps[0], name, words=words)
        return WorstLine(unit, FAIL, sentence, why_words(gaps[0], words=words), len(gaps) - 1)
    rows = [row for row in verdicts if _counts(row)]
    met = sum(row["verdict"] == PASS for row in rows)
    if rows and not met:
        reasons = words.joined(words.reason(code) for code in dict.fromkeys(str(row["reason"]) for row in rows))
        return WorstLine(unit, NOT_DETERMINABLE, words.say("worst.unknown", reasons=reasons), "", 0)
    near = tightest_pass(rows)
    passed = words.count(met)
    if near is None:
        return WorstLine(unit, PASS, words.say("worst.none", passed=passed), "", 0)
    limit = limit_words(_figure(near["limit_s"]), _figure(near["limit_m"]), words=words)
    timed = math.isfinite(_figure(near["time_s"])) and math.isfinite(_figure(near["limit_s"]))
    used = words.span(_figure(near["time_s"])) if timed else words.metres(_figure(near["distance_m"]))
    name = evidence.class_name(str(near["class_id"]))
    return WorstLine(unit, PASS, words.say("worst.tightest", passed=passed, name=name, used=used, limit=limit), "", 0)


def _figure(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


def _matrix(evidence: Evidence, area: Subdistrict, verdicts: Sequence[VerdictRow]) -> Matrix:
    words, standard = evidence.words, evidence.diagnosis.standard
    by_class = _grouped(verdicts, "class_id")
    counts = {class_id: Counter(row["verdict"] for row in rows) for class_id, rows in by_class.items()}
    shown = [entry for entry in standard.classes if entry.id in counts]
    blank = {class_id for class_id, found in counts.items() if not found[PASS] + found[FAIL]}
    blank = blank if len(blank) < len(shown) else set()
    left_out = tuple(
        (entry.names.say(words.lang), _reasons(evidence, by_class[entry.id])) for entry in shown if entry.id in blank
    )
    shown = [entry for entry in shown if entry.id not in blank]
    columns: list[ClassColumn] = []
    fields: list[tuple[str, int]] = []
    for entry in shown:
        starts = not fields or fields[-1][0] != entry.field
        fields.append((entry.field, 1 if starts else fields.pop()[1] + 1))
        passed, failed, unknown = (counts[entry.id][key] for key in (PASS, FAIL, NOT_DETERMINABLE))
        name, recommended = entry.names.say(words.lang), entry.obligation == "recommended"
        columns.append(ClassColumn(entry.id, name, starts, recommended, passed, failed, unknown))
    by_pair = {(str(row["unit_id"]), str(row["class_id"])): row for row in verdicts}
    lines = [_row(evidence, unit, columns, by_pair) for unit in _listed(evidence, area)]
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
        tuple(lines),
        (totals[0], totals[1], totals[2]),
        left_out,
        check,
        len(area.units) - len(lines),
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


def _reasons(evidence: Evidence, rows: Sequence[VerdictRow]) -> str:
    codes = dict.fromkeys(str(row["reason"]) for row in rows if row["reason"])
    return evidence.words.joined(evidence.words.reason(code) for code in codes)


def _class_lines(
    evidence: Evidence, area: Subdistrict, verdicts: Sequence[VerdictRow], groups: Sequence[str]
) -> tuple[ClassLine, ...]:
    words = evidence.words
    table = evidence.classes("subdistrict", area.area_id) if evidence.places.divided else evidence.classes("all")
    lines = []
    by_class, known = _grouped(verdicts, "class_id"), evidence.places.population_known
    for row in rows_of(table.reset_index()):
        own = by_class.get(str(row["class_id"]), [])
        people = Counter(one["by_residents"] for one in own)
        judged = people[PASS] + people[FAIL]
        share = _figure(row["covered_share"]) if known else math.nan
        covered = words.count(_figure(row["covered_residents"])) if math.isfinite(share) else words.percent(None)
        lines.append(
            ClassLine(
                name=evidence.class_name(str(row["class_id"])),
                limits=_limits(evidence, own),
                passed=words.count(_figure(row["passed"])),
                failed=words.count(_figure(row["failed"])),
                unknown=words.count(_figure(row["not_determinable"])),
                rate=words.percent(_figure(row["rate"])),
                by_residents=words.percent(people[PASS] / judged if judged else None),
                covered=covered,
                share=words.percent(share),
                groups=tuple(words.percent(_figure(row.get(f"{_GROUP_PREFIX}{group}"))) for group in groups),
            )
        )
    return tuple(lines)


def _limits(evidence: Evidence, rows: Sequence[VerdictRow]) -> str:
    words = evidence.words
    kinds = dict.fromkeys((str(row["mode"]), _figure(row["limit_s"]), _figure(row["limit_m"])) for row in rows)
    said: dict[str, None] = {}
    for mode, limit_s, limit_m in kinds:
        if math.isfinite(limit_s) or math.isfinite(limit_m):
            limit = limit_words(limit_s, limit_m, words=words)
            said[words.say("page.limit", mode=words.say_or(f"mode.{mode}", mode), limit=limit)] = None
    return " / ".join(said) or "–"
