"""The findings page: headline figures with their reasons, sentences, the largest gaps, the quality of the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from yike.model.city import City
from yike.model.diagnosis import FAIL, NOT_DETERMINABLE, PASS, Diagnosis
from yike.reports.places import Places
from yike.reports.shortfalls import DETOUR, Shortfall, gap_words, why_words
from yike.reports.wording import Wording

LARGEST_GAPS = 12
_GAPS_OF_A_CLASS = 2
_LISTED = 5
_NAMED = 3
_GOOD_RATE = 0.9
_POOR_RATE = 0.6


@dataclass(frozen=True)
class WhyRow:
    """Hold one row behind a figure; ``href`` leads to where it stands in the report."""

    name: str
    figure: str
    href: str = ""


@dataclass(frozen=True)
class Headline:
    """Hold one headline figure: what it is, its detail, its formula and the rows behind it.

    ``tone`` is good, poor or empty: it colours a figure that is a verdict, and no other.
    """

    key: str
    label: str
    figure: str
    detail: str
    formula: str
    rows: tuple[WhyRow, ...] = ()
    tone: str = ""


@dataclass(frozen=True)
class Bar:
    """Hold one line of a bar list; ``share`` [0..1] is the length of the bar."""

    name: str
    figure: str
    share: float
    href: str


@dataclass(frozen=True)
class AreaLine:
    """Hold one subdistrict of the overview; ``figures`` stand in the order of its columns."""

    name: str
    href: str
    figures: tuple[str, ...]


@dataclass(frozen=True)
class GapLine:
    """Hold one line of the list of the largest gaps."""

    unit: str
    subdistrict: str
    href: str
    class_name: str
    sentence: str
    why: str


@dataclass(frozen=True)
class Findings:
    """Hold the findings page."""

    headlines: tuple[Headline, ...]
    sentences: tuple[str, ...]
    worst_classes: tuple[Bar, ...]
    worst_areas: tuple[Bar, ...]
    areas: tuple[AreaLine, ...]
    total: tuple[str, ...]
    gaps: tuple[GapLine, ...]
    quality: tuple[WhyRow, ...]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Bring together what every part of the report is written from."""

    diagnosis: Diagnosis
    city: City
    places: Places
    shortfalls: Mapping[str, Sequence[Shortfall]]
    words: Wording

    def area(self, kind: str, area_id: str | None = None) -> pd.Series | None:
        """Return the row of an area; the only row of the kind where no id is given."""
        areas = self.diagnosis.areas
        rows = areas[(areas["area_kind"] == kind) & ((areas["area_id"] == area_id) | (area_id is None))]
        return rows.iloc[0] if len(rows) else None

    def classes(self, kind: str, area_id: str | None = None) -> pd.DataFrame:
        """Return the class rows of an area in the standard's order, indexed by class id."""
        table = self.diagnosis.area_classes
        rows = table[(table["area_kind"] == kind) & ((table["area_id"] == area_id) | (area_id is None))]
        order = [entry.id for entry in self.diagnosis.standard.classes]
        return rows.set_index("class_id").reindex([name for name in order if name in set(rows["class_id"])])

    def required_classes(self) -> pd.DataFrame:
        """Return the class rows of the whole city, of the classes that count."""
        classes = self.classes("all")
        recommended = [entry.id for entry in self.diagnosis.standard.classes if entry.obligation == "recommended"]
        return classes.drop(index=recommended, errors="ignore")

    def class_name(self, class_id: str) -> str:
        """Return the name of a class in the report's language."""
        return self.diagnosis.standard.class_(class_id).names.say(self.words.lang)


def findings_of(evidence: Evidence, blind_class: str | None) -> Findings:
    """Write the findings page; ``blind_class`` is the class whose blind zones are drawn, if any."""
    return Findings(
        headlines=_headlines(evidence),
        sentences=_sentences(evidence, blind_class),
        worst_classes=_worst_classes(evidence),
        worst_areas=_worst_areas(evidence),
        areas=_area_lines(evidence),
        total=_area_figures(evidence, evidence.area("all")),
        gaps=_largest_gaps(evidence),
        quality=_quality(evidence),
    )


def required_pairs(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return the verdicts that count: recommended classes are shown but enter no rate."""
    return verdicts[verdicts["obligation"] != "recommended"] if "obligation" in verdicts else verdicts


def unit_rates(verdicts: pd.DataFrame) -> dict[str, float]:
    """Return passed / (passed + failed) of each unit id; units without a determined pair are left out."""
    counts = verdict_counts(required_pairs(verdicts), "unit_id")
    determined = counts[PASS] + counts[FAIL]
    share = (counts[PASS] / determined)[determined > 0]
    return {str(unit): float(rate) for unit, rate in share.items()}


def classes_without_reach(evidence: Evidence) -> list[str]:
    """Name the required classes that were judged nowhere because the standard gives no figure of reach."""
    judged = set(evidence.diagnosis.verdicts["class_id"])
    entries = evidence.diagnosis.standard.classes
    return [
        entry.names.say(evidence.words.lang)
        for entry in entries
        if entry.obligation != "recommended" and entry.id not in judged
    ]


def verdict_counts(verdicts: pd.DataFrame, by: str) -> pd.DataFrame:
    """Count the verdicts by a column: one row a value, one column each for pass, fail and not_determinable."""
    counts = pd.crosstab(verdicts[by], verdicts["verdict"])
    return counts.reindex(columns=[PASS, FAIL, NOT_DETERMINABLE], fill_value=0)


def most_missing_class(evidence: Evidence, *, beside: str | None = None) -> str | None:
    """Return the class that most neighbourhoods miss, another than ``beside`` where there is one."""
    failed = evidence.required_classes()["failed"]
    others = failed.drop(index=beside, errors="ignore") if beside is not None else failed
    failed = others if len(others) and others.max() > 0 else failed
    return str(failed.idxmax()) if len(failed) and failed.max() > 0 else None


def most_blind_class(diagnosis: Diagnosis) -> str | None:
    """Return the required class with most residents in blind zones."""
    required = required_pairs(diagnosis.verdicts)["class_id"]
    zones = diagnosis.blind_zones[diagnosis.blind_zones["class_id"].isin(required)]
    people = zones.groupby("class_id")["residents"].sum()
    return str(people.idxmax()) if len(people) and people.max() > 0 else None


def _headlines(evidence: Evidence) -> tuple[Headline, ...]:
    words, total = evidence.words, evidence.area("all")
    if total is None:
        return ()
    return (
        _rate_headline(evidence, total),
        _missing_headline(evidence, total),
        _covered_headline(evidence, total),
        Headline(
            "complete",
            words.say("headline.complete"),
            words.count(total["units_complete"]),
            words.say("headline.complete.detail", units=words.count(total["units"])),
            words.say("formula.complete"),
            _complete_rows(evidence),
            "good" if total["units_complete"] else "",
        ),
    )


def _rate_headline(evidence: Evidence, total: pd.Series) -> Headline:
    words = evidence.words
    rows = [WhyRow(words.say(f"mark.{key}"), words.count(total[key])) for key in ("passed", "failed", "not_determinable")]
    for origin in ("by_centre", "by_residents"):
        counts = required_pairs(evidence.diagnosis.verdicts)[origin].value_counts()
        determined = counts.get(PASS, 0) + counts.get(FAIL, 0)
        share = counts.get(PASS, 0) / determined if determined else None
        rows.append(WhyRow(words.say(f"origin.{origin}"), words.percent(share)))
    detail = words.say(
        "headline.rate.detail",
        low=words.percent(total["rate_low"]),
        high=words.percent(total["rate_high"]),
        count=words.count(total["not_determinable"]),
    )
    formula = words.say(
        "formula.rate.filled",
        passed=words.count(total["passed"]),
        failed=words.count(total["failed"]),
        rate=words.percent(total["rate"]),
    )
    label = words.say("headline.rate")
    tone = "good" if total["rate"] >= _GOOD_RATE else "poor" if total["rate"] < _POOR_RATE else ""
    return Headline("rate", label, words.percent(total["rate"]), detail, formula, tuple(rows), tone)


def _missing_headline(evidence: Evidence, total: pd.Series) -> Headline:
    words, standard = evidence.words, evidence.diagnosis.standard
    required = required_pairs(evidence.diagnosis.verdicts)
    fails = required[required["verdict"] == FAIL]
    by_field = fails["class_id"].map({entry.id: entry.field for entry in standard.classes}).value_counts()
    rows = tuple(
        WhyRow(field.names.say(words.lang), words.count(by_field.get(field.id, 0)))
        for field in standard.fields
        if by_field.get(field.id, 0)
    )
    units = words.count(fails["unit_id"].nunique())
    detail = words.say("headline.missing.detail", units=units)
    basic = {entry.id for entry in standard.classes if entry.kind == "basic_guarantee"}
    if basic:
        count = words.count(int(fails["class_id"].isin(basic).sum()))
        detail = words.say("headline.missing.detail_basic", units=units, basic=count)
    return Headline(
        "missing",
        words.say("headline.missing"),
        words.count(total["failed"]),
        detail,
        words.say("formula.missing"),
        rows,
        "poor" if total["failed"] else "good",
    )


def _covered_headline(evidence: Evidence, total: pd.Series) -> Headline:
    words, label = evidence.words, evidence.words.say("headline.covered")
    if not evidence.places.population_known:
        unknown = words.say("headline.covered.unknown")
        return Headline("covered", label, "–", unknown, words.say("formula.covered"))
    classes = evidence.required_classes().sort_values("covered_share", kind="stable").head(_LISTED)
    rows = tuple(WhyRow(evidence.class_name(str(i)), words.percent(share)) for i, share in classes["covered_share"].items())
    detail = words.say("headline.covered.detail", residents=words.count(total["residents"]))
    return Headline("covered", label, words.percent(total["covered_share"]), detail, words.say("formula.covered"), rows)


def _complete_rows(evidence: Evidence) -> tuple[WhyRow, ...]:
    counts = verdict_counts(required_pairs(evidence.diagnosis.verdicts), "unit_id")
    whole = set(counts.index[(counts[FAIL] == 0) & (counts[NOT_DETERMINABLE] == 0)].astype(str))
    units = [unit for unit in evidence.places.units if unit.unit_id in whole]
    return tuple(
        WhyRow(unit.name, evidence.places.home[unit.unit_id].name, f"#u-{unit.index}") for unit in units[: 2 * _LISTED]
    )


def _worst_classes(evidence: Evidence) -> tuple[Bar, ...]:
    classes = evidence.required_classes()
    worst = classes[classes["failed"] > 0].sort_values("failed", ascending=False, kind="stable").head(_LISTED)
    bars = []
    for class_id, row in worst.iterrows():
        judged = int(row["passed"]) + int(row["failed"])
        figure = evidence.words.say("bar.failed", failed=evidence.words.count(row["failed"]), judged=judged)
        bars.append(Bar(evidence.class_name(str(class_id)), figure, row["failed"] / judged, f"#class-{class_id}"))
    return tuple(bars)


def _worst_areas(evidence: Evidence) -> tuple[Bar, ...]:
    rated = []
    for area in evidence.places.subdistricts:
        row = evidence.area("subdistrict", area.area_id)
        if row is not None and math.isfinite(row["rate"]):
            rated.append((float(row["rate"]), area, int(row["failed"])))
    worst = sorted(rated, key=lambda one: one[0])[:_LISTED]
    words = evidence.words
    return tuple(
        Bar(area.name, words.say("bar.rate", rate=words.percent(rate), failed=failed), rate, f"#{area.anchor}")
        for rate, area, failed in worst
    )


def _area_lines(evidence: Evidence) -> tuple[AreaLine, ...]:
    lines = []
    for area in evidence.places.subdistricts:
        row = evidence.area("subdistrict", area.area_id)
        if row is not None:
            lines.append(AreaLine(area.name, f"#{area.anchor}", _area_figures(evidence, row)))
    return tuple(lines)


def _area_figures(evidence: Evidence, row: pd.Series | None) -> tuple[str, ...]:
    """Write the figures of an area: neighbourhoods, residents, pairs, rate with bounds, complete ones, residents covered."""
    words, known = evidence.words, evidence.places.population_known
    if row is None:
        return ()
    return (
        words.count(row["units"]),
        words.count(row["residents"]) if known else words.percent(None),
        *(words.count(row[key]) for key in ("passed", "failed", "not_determinable")),
        words.percent(row["rate"]),
        f"{words.percent(row['rate_low'])} – {words.percent(row['rate_high'])}",
        words.count(row["units_complete"]),
        words.percent(row["covered_share"] if known else None),
    )


def _sentences(evidence: Evidence, blind_class: str | None) -> tuple[str, ...]:
    words, total = evidence.words, evidence.area("all")
    if total is None:
        return ()
    said = [_opening(evidence, total)]
    classes = evidence.required_classes().sort_values("failed", ascending=False, kind="stable")
    lacking = classes[classes["failed"] > 0].head(_NAMED)
    if len(lacking):
        named = [
            words.say("sentence.class", name=evidence.class_name(str(i)), count=words.count(n))
            for i, n in lacking["failed"].items()
        ]
        said.append(words.say("sentence.most_missing", classes=words.joined(named)))
    if blind_class is not None:
        zones = evidence.diagnosis.blind_zones
        zones = zones[zones["class_id"] == blind_class]
        said.append(
            words.say(
                "sentence.blind",
                name=evidence.class_name(blind_class),
                residents=words.count(int(zones["residents"].sum())),
                zones=words.count(len(zones)),
            )
        )
    areas = _worst_areas(evidence)[:_NAMED]
    if len(areas) > 1:
        named = [words.say("sentence.area", name=bar.name, rate=words.percent(bar.share)) for bar in areas]
        said.append(words.say("sentence.weakest", areas=words.joined(named)))
    said += [sentence for sentence in (_barred(evidence, total), _without_figure(evidence)) if sentence]
    if not evidence.places.population_known:
        said.append(words.say("sentence.no_population"))
    return tuple(said)


def _barred(evidence: Evidence, total: pd.Series) -> str:
    """Say how many missing items a shorter way may mend; nothing where there are none."""
    words = evidence.words
    barred = sum(gap.barred and gap.required for gaps in evidence.shortfalls.values() for gap in gaps)
    if not barred:
        return ""
    every = evidence.diagnosis.parameters.get("explained", "all") == "all"
    failed = words.count(total["failed"] if every else len(evidence.diagnosis.gaps))
    key = "sentence.barred" if every else "sentence.barred_of_traced"
    return words.say(key, count=words.count(barred), failed=failed, detour=words.number(DETOUR))


def _without_figure(evidence: Evidence) -> str:
    """Say how many required classes carry no figure of reach and so enter nothing; nothing where there are none."""
    words, standard = evidence.words, evidence.diagnosis.standard
    count = len(classes_without_reach(evidence))
    if not count:
        return ""
    required = sum(entry.obligation != "recommended" for entry in standard.classes)
    return words.say("sentence.without_figure", count=words.count(count), classes=words.count(required))


def _opening(evidence: Evidence, total: pd.Series) -> str:
    words = evidence.words
    return words.say(
        "sentence.opening",
        units=words.count(total["units"]),
        classes=words.count(required_pairs(evidence.diagnosis.verdicts)["class_id"].nunique()),
        judged=words.count(total["passed"] + total["failed"]),
        passed=words.count(total["passed"]),
        failed=words.count(total["failed"]),
        unknown=words.count(total["not_determinable"]),
    )


def _largest_gaps(evidence: Evidence) -> tuple[GapLine, ...]:
    every = sorted((gap for gaps in evidence.shortfalls.values() for gap in gaps if gap.required), key=lambda one: one.order)
    listed: dict[str, list[str]] = {}
    lines: list[GapLine] = []
    for gap in every:
        units = listed.setdefault(gap.class_id, [])
        if len(units) == _GAPS_OF_A_CLASS or any(gap.unit_id in others for others in listed.values()):
            continue
        if len(lines) == LARGEST_GAPS:
            break
        units.append(gap.unit_id)
        unit = evidence.places.by_id[gap.unit_id]
        name = evidence.class_name(gap.class_id)
        lines.append(
            GapLine(
                unit=unit.name,
                subdistrict=evidence.places.home[gap.unit_id].name,
                href=f"#u-{unit.index}",
                class_name=name,
                sentence=gap_words(gap, name, words=evidence.words),
                why=why_words(gap, words=evidence.words),
            )
        )
    return tuple(lines)


def _quality(evidence: Evidence) -> tuple[WhyRow, ...]:
    words, total, city = evidence.words, evidence.area("all"), evidence.city
    lost = evidence.diagnosis.unconnected
    rows = []
    for part in ("centre", "demand", "facility"):
        items = lost[lost["part"] == part].drop_duplicates("item_id")
        figure = words.count(len(items))
        if part == "demand" and evidence.places.population_known:
            figure = words.say("quality.points", count=figure, residents=words.count(int(items["residents"].sum())))
        rows.append(WhyRow(words.say(f"quality.unconnected.{part}"), figure))
    if total is not None:
        rows += [WhyRow(words.say(f"quality.{key}"), words.count(total[key])) for key in ("borderline", "near_edge")]
    listed = [entry for entry in evidence.diagnosis.standard.classes if entry.id not in city.inventories]
    names = words.joined(entry.names.say(words.lang) for entry in listed) if listed else words.say("quality.none")
    rows.append(WhyRow(words.say("quality.no_inventory"), names))
    outside = evidence.diagnosis.parameters.get("residents_outside_units")
    if isinstance(outside, int) and outside > 0:
        grow = evidence.diagnosis.parameters.get("units_without_outline", 1)
        said = words.say("quality.outside.grow" if grow else "quality.outside.drawn", residents=words.count(outside))
        rows.append(WhyRow(words.say("quality.outside"), said))
    people = words.count(int(city.demand["residents"].sum())) if evidence.places.population_known else ""
    rows.append(WhyRow(words.say("quality.population"), people or words.say("quality.population.unknown")))
    edge = "quality.extent.known" if city.extent is not None else "quality.extent.unknown"
    rows.append(WhyRow(words.say("quality.extent"), words.say(edge)))
    return tuple(rows)
