"""The HTML report: one file that needs nothing else, in Chinese or English, for the screen, the phone and A4."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from yike.model.city import City
from yike.model.diagnosis import FAIL, Diagnosis
from yike.reports.findings import (
    Evidence,
    Findings,
    findings_of,
    most_blind_class,
    most_missing_class,
    required_pairs,
    unit_rates,
)
from yike.reports.maps import (
    DrawnMap,
    SharedLayers,
    blind_zone_map,
    covered_map,
    missing_map,
    rate_map,
    shared_layers,
    time_map,
)
from yike.reports.method_page import Method, method_of
from yike.reports.places import places_of
from yike.reports.ramps import css_rules
from yike.reports.shortfalls import asked_share, shortfalls_of
from yike.reports.subdistrict_pages import Page, pages_of
from yike.reports.wording import Wording
from yike.sources.notes import say_notes

_SHOWN_HASH = 12
_SHOWN_SOURCES = 3


@dataclass(frozen=True, eq=False)
class Report:
    """Hold everything that the template prints."""

    title: str
    subtitle: tuple[tuple[str, str], ...]
    definitions: Markup
    findings: Findings
    maps: tuple[DrawnMap, ...]
    pages: tuple[Page, ...]
    method: Method
    source_line: str
    divided: bool


def write_html(
    diagnosis: Diagnosis,
    city: City,
    path: Path,
    *,
    lang: str,
    evidence: Mapping[str, object] | None = None,
) -> Path:
    """Write the report as one HTML file, whole or not at all, and return its path.

    ``lang`` is ``zh`` or ``en``; ``evidence`` holds further entries for the table of hashes and parameters.
    """
    page = render_html(diagnosis, city, lang=lang, evidence=evidence)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(page)
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)
    return path


def render_html(
    diagnosis: Diagnosis, city: City, *, lang: str, evidence: Mapping[str, object] | None = None
) -> str:
    """Return the report as text; the same diagnosis gives the same bytes."""
    words = Wording(lang)
    residents = diagnosis.verdicts.groupby("unit_id")["residents"].max()
    people = {str(unit): int(count) for unit, count in residents.items()}
    places = places_of(city, residents=people, words=words)
    gathered = Evidence(diagnosis, city, places, shortfalls_of(diagnosis, city, places), words)
    blind = most_blind_class(diagnosis) if places.population_known else None
    shared = shared_layers(city, places)
    result_hash = diagnosis.hash()
    report = Report(
        title=words.say("title", place=_place_name(diagnosis, places.district, lang)),
        subtitle=tuple(_subtitle(diagnosis, city, result_hash, words)),
        definitions=shared.definitions,
        findings=findings_of(gathered, blind),
        maps=tuple(_maps(gathered, shared, blind)),
        pages=pages_of(gathered),
        method=method_of(gathered, result_hash=result_hash, extra=evidence or {}),
        source_line=_source_line(city, words),
        divided=places.divided,
    )
    template = _environment().get_template("report.html")
    return template.render(report=report, lang=lang, say=words.say, words=words, ramp_css=Markup(css_rules()))


def _place_name(diagnosis: Diagnosis, district: str, lang: str) -> str:
    """Name the place: the district in Chinese; in English the city's title, which may carry both."""
    return district if district and lang == "zh" else diagnosis.city_title


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("yike.reports", "templates"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _subtitle(diagnosis: Diagnosis, city: City, result_hash: str, words: Wording) -> list[tuple[str, str]]:
    standard = diagnosis.standard
    title = f"{standard.title.say(words.lang)} ({standard.id} v{standard.version})"
    return [
        (words.say("head.city"), diagnosis.city_title),
        (words.say("head.standard"), title),
        (words.say("head.date"), city.data_date or words.say("head.date_unknown")),
        (words.say("head.hash"), result_hash[:_SHOWN_HASH]),
        (words.say("head.engine"), f"Yike {diagnosis.engine_version}"),
    ]


def _maps(evidence: Evidence, shared: SharedLayers, blind: str | None) -> list[DrawnMap]:
    diagnosis, words, places = evidence.diagnosis, evidence.words, evidence.places
    required = required_pairs(diagnosis.verdicts)
    drawn = [rate_map(shared, unit_rates(diagnosis.verdicts), places, words=words)]
    if blind is not None:
        zones = diagnosis.blind_zones[diagnosis.blind_zones["class_id"] == blind].sort_values("zone_no")
        drawn.append(blind_zone_map(shared, zones, class_name=evidence.class_name(blind), words=words))
    else:
        failed = required[required["verdict"] == FAIL].groupby("unit_id").size()
        missing = {unit: int(failed.get(unit, 0)) for unit in required["unit_id"].unique()}
        drawn.append(missing_map(shared, missing, places, words=words))
    worst = most_missing_class(evidence, beside=blind) or next(iter(required["class_id"]), None)
    return drawn if worst is None else [*drawn, _class_map(evidence, shared, worst)]


def _class_map(evidence: Evidence, shared: SharedLayers, class_id: str) -> DrawnMap:
    """Draw one class by what decides: the share of residents, or the way from the centres."""
    diagnosis, city, places = evidence.diagnosis, evidence.city, evidence.places
    rows = diagnosis.verdicts[diagnosis.verdicts["class_id"] == class_id]
    served = (class_id, *diagnosis.standard.class_(class_id).also_met_by)
    name, words, asked = evidence.class_name(class_id), evidence.words, asked_share(diagnosis)
    if math.isfinite(asked):
        return covered_map(
            shared, city, rows, places, class_ids=served, class_name=name, asked_share=asked, words=words
        )
    return time_map(shared, city, rows, places, class_ids=served, class_name=name, words=words)


def _source_line(city: City, words: Wording) -> str:
    sources = list(dict.fromkeys(say_notes(origin.source, words.lang) for origin in city.provenance if origin.source))
    more = words.say("map.more_sources", count=len(sources) - _SHOWN_SOURCES) if len(sources) > _SHOWN_SOURCES else ""
    named = words.joined(sources[:_SHOWN_SOURCES]) or words.say("map.no_source")
    return words.say("map.source", sources=named + more, date=city.data_date or words.say("head.date_unknown"))
