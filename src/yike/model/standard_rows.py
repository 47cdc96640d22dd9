"""A standard as rows of words, for a screen, a report or a table: one row for each number that it asks for."""

from __future__ import annotations

from collections.abc import Iterator

from yike.model.profile import load_profiles
from yike.model.requirement import Figure, PerThousand, Provenance, ReachTime, Share, Term, figures_of
from yike.model.standard import FacilityClass, Field, Standard
from yike.texts import text

Row = dict[str, str | int | float | bool | None]


def standard_rows(standard: Standard, lang: str) -> list[Row]:
    """List what a standard asks for, in the order of its file; a class that asks for nothing measurable has one row.

    Each row holds ``field``, ``class_id`` (None: the field as a whole), ``class``, ``obligation``, ``tier_min``, ``kind``,
    ``term``, ``number``, ``value``, ``unit``, ``words`` (the requirement as a phrase), ``evaluated`` (by this release),
    ``status`` and ``status_words``, ``source`` (document and clause as words), ``source_key`` and ``note``.
    """
    rows = [row for field in standard.fields for row in _field_rows(standard, field, lang)]
    for facility_class in standard.classes:
        rows.extend(_class_rows(standard, facility_class, lang))
    order = {field.id: position for position, field in enumerate(standard.fields)}
    return sorted(rows, key=lambda row: order[str(row["field_id"])])


def _field_rows(standard: Standard, field: Field, lang: str) -> Iterator[Row]:
    head: Row = {"field_id": field.id, "field": field.names.say(lang), "class_id": None}
    head |= {"class": text("standard.whole_field", lang), "obligation": None, "tier_min": None, "kind": None}
    for term in field.terms:
        yield from _term_rows(standard, term, head, lang)


def _class_rows(standard: Standard, held: FacilityClass, lang: str) -> Iterator[Row]:
    head: Row = {"field_id": held.field, "field": standard.field_(held.field).names.say(lang)}
    head |= {"class_id": held.id, "class": held.names.say(lang), "tier_min": held.tier}
    head["obligation"] = None if held.obligation is None else text(f"standard.obligation.{held.obligation}", lang)
    head["kind"] = None if held.kind is None else text(f"standard.kind.{held.kind}", lang)
    if not held.terms:
        named: Row = {"term": None, "number": None, "value": None, "unit": None, "evaluated": False}
        yield head | named | {"words": text("standard.term.none", lang)} | _origin(standard, held.provenance, lang)
    for term in held.terms:
        yield from _term_rows(standard, term, head, lang)


def _term_rows(standard: Standard, term: Term, head: Row, lang: str) -> Iterator[Row]:
    for name, figure in figures_of(term).items():
        row: Row = {"term": term.kind, "number": name, "value": figure.value, "unit": figure.unit}
        row |= {"words": term_words(term, name, figure, lang), "evaluated": term.evaluated}
        yield head | row | _origin(standard, figure.provenance, lang)


def term_words(term: Term, name: str, figure: Figure, lang: str) -> str:
    """Say one number of a term as a phrase."""
    key = f"standard.term.{term.kind}.{name}"
    values = {"value": text("standard.no_number", lang) if figure.value is None else f"{figure.value:g}"}
    if isinstance(term, ReachTime) and term.profile is not None:
        key = f"standard.term.{term.kind}.profile"
        values["profile"] = load_profiles()[term.profile].names.say(lang)
    if isinstance(term, PerThousand):
        values["quantity"] = text(f"standard.quantity.{term.quantity}", lang)
        values["group"] = text("standard.group.all", lang) if term.group == "all" else term.group
    if isinstance(term, Share):
        values["of"] = term.of.say(lang)
    return text(key, lang, **values)


def _origin(standard: Standard, provenance: Provenance, lang: str) -> Row:
    document = standard.source(provenance.source)
    place = " ".join(part for part in (document.title.say(lang), document.number, provenance.clause) if part)
    if provenance.seen_in is not None:
        seen_in = standard.source(provenance.seen_in).title.say(lang)
        place = text("standard.seen_in", lang, place=place, seen_in=seen_in)
    return {
        "status": provenance.status,
        "status_words": text(f"standard.status.{provenance.status}", lang),
        "source": place,
        "source_key": provenance.source,
        "note": None if provenance.note is None else provenance.note.say(lang),
    }
