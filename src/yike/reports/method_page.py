"""Method and sources: what is asked and where that stands, how people travel, where the data comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from yike.model.diagnosis import NOT_DETERMINABLE, Diagnosis
from yike.model.profile import load_profiles, profile_sources
from yike.model.requirement import STATUSES, Figure, Provenance, Source, Term, figures_of
from yike.model.standard import FacilityClass, Standard
from yike.reports.findings import Evidence, WhyRow, classes_without_reach
from yike.reports.wording import Wording
from yike.sources.notes import say_notes

FORMULAS = ("rate", "missing", "covered", "complete", "reach", "metres", "shortfall", "worst", "borderline", "near_edge")
_PROFILE_FIGURES = (
    "speed_m_s",
    "top_speed_m_s",
    "signal_s",
    "marked_crossing_s",
    "steps_factor",
    "connection_limit_m",
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
Cited = Mapping[tuple[str, str], tuple[int, Source]]
_SAID_ALREADY = ("kind", "format", "engine_version", "city", "standard", "parameters", "result_hash")


@dataclass(frozen=True)
class ClassRequirement:
    """Hold one requirement of one class with where it stands; ``first`` marks the first row of its class."""

    class_id: str
    field: str
    name: str
    first: bool
    requirement: str
    source: str
    status: str
    note: str


@dataclass(frozen=True)
class ProfileFigure:
    """Hold one figure of a travel profile with where it stands."""

    profile: str
    name: str
    figure: str
    source: str
    status: str
    note: str


@dataclass(frozen=True)
class Origins:
    """Hold one row of the table of data sources."""

    part: str
    source: str
    date: str
    licence: str
    sha256: str
    note: str


@dataclass(frozen=True)
class Method:
    """Hold the pages of method and sources."""

    origin: str
    zones: tuple[tuple[str, str], ...]
    formulas: tuple[tuple[str, str], ...]
    requirements: tuple[ClassRequirement, ...]
    statuses: tuple[WhyRow, ...]
    without_reach: tuple[str, ...]
    profiles: tuple[ProfileFigure, ...]
    reasons: tuple[WhyRow, ...]
    sources: tuple[tuple[str, str], ...]
    data: tuple[Origins, ...]
    limits: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]


def method_of(evidence: Evidence, *, result_hash: str, extra: Mapping[str, object]) -> Method:
    """Write method and sources; ``extra`` holds further entries for the evidence table."""
    diagnosis, words = evidence.diagnosis, evidence.words
    standard = diagnosis.standard
    cited = _numbers(standard)
    return Method(
        origin=_origin(standard, cited, words),
        zones=tuple(_zones(standard, words)),
        formulas=tuple((words.say(f"formula.{key}.name"), words.say(f"formula.{key}")) for key in FORMULAS),
        requirements=tuple(_requirements(standard, cited, words)),
        statuses=_statuses(standard, words),
        without_reach=tuple(classes_without_reach(evidence)),
        profiles=tuple(_profile_figures(diagnosis, cited, words)),
        reasons=_reasons(evidence),
        sources=tuple(_sources(cited, words)),
        data=tuple(_data(evidence)),
        limits=tuple(words.say(f"limits.{key}") for key in ("reach", "streets", "inventory", "profile", "polygons")),
        evidence=tuple(_evidence(diagnosis, result_hash, extra, words)),
    )


def _origin(standard: Standard, cited: Cited, words: Wording) -> str:
    share = standard.origin.minimum_share
    said = words.say(f"method.origin.{standard.origin.measured_at}")
    if share is not None:
        said += words.say("method.origin.share", share=words.percent(share))
    place = _place(cited, standard.origin.provenance, words)
    return words.say("method.origin.source", said=said, place=place, status=_status(standard.origin.provenance.status, words))


def _zones(standard: Standard, words: Wording) -> Iterator[tuple[str, str]]:
    for zone in standard.zones:
        modes = words.joined(
            words.say("method.zone.mode", kind=words.say_or(f"kind.{kind}", kind), mode=words.say_or(f"mode.{mode}", mode))
            for kind, mode in zone.modes.items()
        )
        yield zone.names.say(words.lang), modes


def _requirements(standard: Standard, cited: Cited, words: Wording) -> Iterator[ClassRequirement]:
    for entry in standard.classes:
        field = standard.field_(entry.field).names.say(words.lang)
        rows = [(term, figure) for term in entry.terms for figure in figures_of(term).items()]
        if not rows:
            yield _class_only(entry, field, cited, words)
        for order, (term, (_, figure)) in enumerate(rows):
            note = figure.note or (entry.note if order == 0 else None)
            yield ClassRequirement(
                class_id=entry.id,
                field=field,
                name=_class_label(entry, words),
                first=order == 0,
                requirement=_requirement(term, figure, words),
                source=_place(cited, figure.provenance, words),
                status=_status(figure.status, words),
                note=note.say(words.lang) if note else "",
            )


def _class_only(entry: FacilityClass, field: str, cited: Cited, words: Wording) -> ClassRequirement:
    return ClassRequirement(
        class_id=entry.id,
        field=field,
        name=_class_label(entry, words),
        first=True,
        requirement=words.say("term.none"),
        source=_place(cited, entry.provenance, words),
        status=_status(entry.status, words),
        note=entry.note.say(words.lang) if entry.note else "",
    )


def _class_label(entry: FacilityClass, words: Wording) -> str:
    name = entry.names.say(words.lang)
    marks = [words.say("method.tier", minutes=entry.tier)] if entry.tier else []
    marks += [words.say(f"kind.{entry.kind}")] if entry.kind else []
    marks += [words.say("kind.recommended")] if entry.obligation == "recommended" else []
    marks += [words.say("method.class_status", status=_status(entry.status, words))] if entry.status != "official" else []
    return words.say("method.class", name=name, marks=words.joined(marks)) if marks else name


def _requirement(term: Term, figure: Figure, words: Wording) -> str:
    unit = words.say_or(f"figure_unit.{figure.unit.replace(' ', '_')}", figure.unit)
    value = words.say("term.null")
    if figure.value is not None:
        value = words.say("term.value", value=words.number(figure.value), unit=unit)
    said = words.say("term.said", term=words.say(f"term.{term.kind}"), value=value)
    return said if term.evaluated else words.say("term.not_judged", said=said)


def _statuses(standard: Standard, words: Wording) -> tuple[WhyRow, ...]:
    terms = [term for entry in standard.classes for term in entry.terms]
    figures = [str(figure.status) for term in terms for figure in figures_of(term).values()]
    counted = (("figures", figures), ("classes", [str(entry.status) for entry in standard.classes]))
    return tuple(
        WhyRow(words.say(f"method.statuses.{kind}"), words.joined(_status_counts(found, words))) for kind, found in counted
    )


def _status_counts(found: list[str], words: Wording) -> list[str]:
    listed = [(status, found.count(status)) for status in STATUSES]
    return [words.say("method.status_count", status=_status(status, words), count=count) for status, count in listed]


def _status(status: str, words: Wording) -> str:
    return words.say(f"status.{status}")


def _numbers(standard: Standard) -> Cited:
    """Give every document a number: those of the standard, then those of the travel profiles."""
    listed = [("standard", source) for source in standard.sources] + [("profile", source) for source in profile_sources()]
    return {(owner, source.key): (number, source) for number, (owner, source) in enumerate(listed, start=1)}


def _place(cited: Cited, provenance: Provenance, words: Wording, *, owner: str = "standard") -> str:
    """Say where a figure stands: the document's number in the list, the clause, and where its words were read."""
    said = f"[{cited[owner, provenance.source][0]}]"
    if provenance.clause:
        key = "method.place_chinese" if _HAN.search(provenance.clause) else "method.place"
        said = words.say(key, number=said, clause=provenance.clause)
    if provenance.seen_in:
        said = words.say("method.seen_in", place=said, number=f"[{cited[owner, provenance.seen_in][0]}]")
    return said


def _profile_figures(diagnosis: Diagnosis, cited: Cited, words: Wording) -> Iterator[ProfileFigure]:
    """List the figures of the profiles used: with their source, or as the run declares them where they are the planner's own."""
    known, used = load_profiles(), _mapping(diagnosis.parameters.get("profiles"))
    hashes = _mapping(diagnosis.parameters.get("profile_hashes"))
    for profile_id, declared in used.items():
        profile = known.get(profile_id)
        if profile is None or hashes.get(profile_id, profile.hash) != profile.hash:
            yield from _own_figures(profile_id, _mapping(declared), words)
            continue
        for name in _PROFILE_FIGURES:
            figure: Figure = getattr(profile, name)
            value = words.say("term.null") if figure.value is None else words.number(figure.value)
            yield ProfileFigure(
                profile=profile.names.say(words.lang),
                name=words.say(f"profile.{name}"),
                figure=value,
                source=_place(cited, figure.provenance, words, owner="profile"),
                status=_status(figure.status, words),
                note=figure.note.say(words.lang) if figure.note else "",
            )


def _own_figures(profile_id: str, declared: Mapping[str, object], words: Wording) -> Iterator[ProfileFigure]:
    own, status = words.say("profile.own"), _status("unverified", words)
    for name, value in declared.items():
        said = words.number(float(value)) if isinstance(value, (int, float)) else words.say("term.null")
        yield ProfileFigure(profile_id, words.say_or(f"profile.{name}", name), said, own, status, "")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _reasons(evidence: Evidence) -> tuple[WhyRow, ...]:
    verdicts = evidence.diagnosis.verdicts
    unknown = verdicts.loc[verdicts["verdict"] == NOT_DETERMINABLE, "reason"].value_counts()
    words = evidence.words
    return tuple(WhyRow(words.reason(str(code)), words.count(int(count))) for code, count in unknown.items())


def _sources(cited: Cited, words: Wording) -> Iterator[tuple[str, str]]:
    for number, source in cited.values():
        yield f"[{number}] {source.title.say(words.lang)}", words.joined(_about(source, words))


def _about(source: Source, words: Wording) -> Iterator[str]:
    if source.publisher:
        yield source.publisher.say(words.lang)
    yield from (part for part in (source.number, source.date, source.address) if part)
    if source.note:
        yield source.note.say(words.lang)


def _data(evidence: Evidence) -> Iterator[Origins]:
    words = evidence.words
    for origin in evidence.city.provenance:
        part = words.say_or(f"part.{origin.part}", origin.part)
        source, note = say_notes(origin.source, words.lang), say_notes(origin.note, words.lang)
        yield Origins(part, source, origin.date, origin.licence, origin.sha256, note)


def _evidence(
    diagnosis: Diagnosis, result_hash: str, extra: Mapping[str, object], words: Wording
) -> Iterator[tuple[str, str]]:
    yield words.say("evidence.city"), diagnosis.city_hash
    yield words.say("evidence.standard"), f"{diagnosis.standard.id} {diagnosis.standard.version} · {diagnosis.standard.hash}"
    yield words.say("evidence.results"), result_hash
    yield words.say("evidence.engine"), diagnosis.engine_version
    for key, value in diagnosis.parameters.items():
        said = _parameter(key, value, standard=diagnosis.standard, words=words)
        yield words.say_or(f"evidence.parameter.{key}", str(key)), said
    for key, value in extra.items():
        if key in _SAID_ALREADY:
            continue
        yield words.say_or(f"evidence.{key}", str(key)), _plain(value, words)


def _parameter(key: str, value: object, *, standard: Standard, words: Wording) -> str:
    """Say one parameter of the run in words; what has no words of its own stands as it is."""
    if key == "zone":
        names = {zone.id: zone.names.say(words.lang) for zone in standard.zones}
        return names.get(str(value), str(value) or words.say("term.null"))
    if key in ("measured_at", "explain", "explained"):
        return words.say_or(f"value.{value}", str(value))
    if key == "resident_share" and isinstance(value, float):
        return words.percent(value)
    if key == "borderline_tenths" and isinstance(value, int):
        return words.say("value.borderline", figure=words.number(value / 10))
    if key in ("profiles", "profile_hashes"):
        known = load_profiles()
        value = {known[name].names.say(words.lang) if name in known else name: item for name, item in _mapping(value).items()}
    return _plain(value, words)


def _plain(value: object, words: Wording) -> str:
    if isinstance(value, Mapping):
        said = (
            words.say("value.pair", name=words.say_or(f"profile.{key}", str(key)), value=_plain(item, words))
            for key, item in value.items()
        )
        return words.say("list.semicolon").join(said)
    if isinstance(value, (list, tuple)):
        return words.joined(_plain(item, words) for item in value)
    if isinstance(value, bool):
        return words.say("value.yes" if value else "value.no")
    if value is None:
        return words.say("term.null")
    return words.number(value) if isinstance(value, (int, float)) else str(value)
