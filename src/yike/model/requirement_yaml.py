"""Read what standards and travel profiles share from YAML nodes: wordings, documents, sourced numbers, terms.

Each ``read_*`` function takes the sheet that gathers faults, the node and its field path, and answers with the noun or
with an empty one where the node was at fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from yike.model.requirement import (
    QUANTITIES,
    STATUSES,
    TERM_TYPES,
    Bound,
    Figure,
    Names,
    OnePerSubdistrict,
    PerThousand,
    Provenance,
    ReachTime,
    Share,
    Source,
    Status,
    Term,
)
from yike.model.yaml_checked import Node, Sheet, join, label, nearest, some_of

PROVENANCE_KEYS = ("source", "clause", "status", "seen_in", "note")
NO_PROVENANCE = Provenance("", "", "unverified")
_TEXT_KEYS: Mapping[type[Term], tuple[str, ...]] = {
    ReachTime: ("profile",),
    PerThousand: ("quantity", "group"),
    Share: ("of",),
}
_REQUIRED_NUMBERS: Mapping[type[Term], tuple[str, ...]] = {Share: ("percent",)}


@dataclass(frozen=True)
class Known:
    """Hold the names that the rest of a file may refer to."""

    sources: frozenset[str]
    profiles: frozenset[str] = frozenset()


def read_names(sheet: Sheet, node: Node | None, path: str) -> Names:
    """Read a wording in Chinese and English."""
    if node is None:
        return Names("", "")
    entries = sheet.entries(node, path, known=("zh", "en"), required=("zh", "en"))
    said = {lang: sheet.words(entries[lang], join(path, lang)) for lang in entries}
    return Names(said.get("zh", ""), said.get("en", ""))


def read_note(sheet: Sheet, entries: Mapping[str, Node], path: str = "") -> Names | None:
    """Read the remark of an entry, if there is one."""
    node = entries.get("note")
    if node is None or sheet.is_null(node):
        return None
    return read_names(sheet, node, join(path, "note"))


def read_sources(sheet: Sheet, node: Node | None) -> tuple[Source, ...]:
    """Read the list of documents; a key that stands twice is a fault."""
    found: dict[str, Source] = {}
    keys = ("key", "title", "publisher", "number", "date", "address", "note")
    for item in [] if node is None else sheet.items(node, "sources"):
        entries = sheet.entries(item, label(item, "sources", "key"), known=keys, required=("key", "title"))
        if "key" not in entries:
            continue
        key = sheet.id_word(entries["key"], "sources.key")
        path = join("sources", key)
        if key in found:
            sheet.fault("standard.repeated_id", item, path, id=key)
        publisher = entries.get("publisher")
        found[key] = Source(
            key=key,
            title=read_names(sheet, entries.get("title"), join(path, "title")),
            publisher=None if sheet.is_null(publisher) else read_names(sheet, publisher, join(path, "publisher")),
            number=sheet.optional_words(entries, "number", path),
            date=sheet.optional_words(entries, "date", path),
            address=sheet.optional_words(entries, "address", path),
            note=read_note(sheet, entries, path),
        )
    return tuple(found.values())


def read_provenance(sheet: Sheet, node: Node, entries: Mapping[str, Node], path: str, known: Known) -> Provenance:
    """Read source, clause, status, seen_in and note of an entry; the first three must be there."""
    source = sheet.optional_words(entries, "source", path)
    if source is None:
        sheet.fault("standard.no_source", node, path, known=some_of(sorted(known.sources)))
    clause = sheet.optional_words(entries, "clause", path)
    status = _read_status(sheet, node, entries, path)
    if clause is None and status != "unverified":
        sheet.fault("standard.no_clause", node, path)
    seen_in = sheet.optional_words(entries, "seen_in", path)
    for key, value in (("source", source), ("seen_in", seen_in)):
        if value is not None and value not in known.sources:
            sheet.fault(
                "standard.unknown_source",
                entries[key],
                join(path, key),
                value=value,
                nearest=nearest(value, known.sources),
                known=some_of(sorted(known.sources)),
            )
    return Provenance(source or "", clause or "", status, seen_in, read_note(sheet, entries, path))


def _read_status(sheet: Sheet, node: Node, entries: Mapping[str, Node], path: str) -> Status:
    if sheet.is_null(entries.get("status")):
        sheet.fault("standard.no_status", node, path)
        return "unverified"
    word = sheet.choice(entries["status"], join(path, "status"), among=STATUSES)
    return next((status for status in STATUSES if status == word), "unverified")


def read_figure(sheet: Sheet, node: Node, path: str, known: Known, *, bound: Bound) -> Figure:
    """Read one number with its source; a value of null is legal and means that the source gives none."""
    keys = ("value", *PROVENANCE_KEYS)
    entries = sheet.entries(node, path, known=keys, required=("value",))
    if not entries:
        return Figure(None, bound.unit, NO_PROVENANCE)
    value = sheet.number(entries["value"], join(path, "value")) if "value" in entries else None
    figure = Figure(value, bound.unit, read_provenance(sheet, node, entries, path, known))
    check_bound(sheet, entries.get("value", node), path, figure, bound=bound)
    return figure


def check_bound(sheet: Sheet, node: Node, path: str, figure: Figure, *, bound: Bound) -> None:
    """Note a fault where a number lies outside what is believable."""
    if figure.value is not None and not bound.least <= figure.value <= bound.most:
        values = {"value": f"{figure.value:g}", "least": f"{bound.least:g}", "most": f"{bound.most:g}"}
        sheet.fault("standard.out_of_range", node, path, unit=bound.unit, **values)


def read_terms(sheet: Sheet, node: Node | None, path: str, known: Known) -> tuple[Term, ...]:
    """Read the terms of one holder, at most one of a kind; in the order of the kinds, not of the file."""
    if node is None or sheet.is_null(node):
        return ()
    entries = sheet.entries(node, path, known=tuple(TERM_TYPES))
    read = {kind: read_term(sheet, entries[kind], kind, join(path, kind), known) for kind in entries}
    return tuple(term for kind in TERM_TYPES if (term := read.get(kind)) is not None)


def read_term(sheet: Sheet, node: Node, kind: str, path: str, known: Known) -> Term | None:
    """Read one term by its kind; None where the node is too faulty to make one."""
    shape = TERM_TYPES[kind]
    numbers = tuple(shape.bounds)
    needed = _REQUIRED_NUMBERS.get(shape, numbers if len(numbers) == 1 else ())
    entries = sheet.entries(node, path, known=(*numbers, *_TEXT_KEYS.get(shape, ())), required=needed)
    figures = {
        name: read_figure(sheet, entries[name], join(path, name), known, bound=shape.bounds[name])
        for name in numbers
        if name in entries
    }
    if not figures:
        if entries or not needed:
            sheet.fault("standard.term_without_number", node, path, known=some_of(numbers))
        return None
    if any(name not in figures for name in needed):
        return None
    return _make_term(sheet, node, entries, path, known, shape=shape, figures=figures)


def _make_term(
    sheet: Sheet,
    node: Node,
    entries: Mapping[str, Node],
    path: str,
    known: Known,
    *,
    shape: type[Term],
    figures: Mapping[str, Figure],
) -> Term | None:
    if shape is ReachTime:
        return ReachTime(figures["minutes"], read_profile(sheet, entries.get("profile"), join(path, "profile"), known))
    if shape is PerThousand:
        quantity = None
        if "quantity" in entries:
            quantity = sheet.choice(entries["quantity"], join(path, "quantity"), among=QUANTITIES)
        else:
            sheet.fault("yaml.missing_key", node, path, entry="quantity")
        group = sheet.optional_words(entries, "group", path) or "all"
        return PerThousand(figures["minimum"], quantity or "", group)
    if shape is Share:
        if "of" not in entries:
            sheet.fault("yaml.missing_key", node, path, entry="of")
        of = read_names(sheet, entries.get("of"), join(path, "of"))
        return Share(figures["percent"], of, figures.get("within_m"))
    if shape is OnePerSubdistrict and (figures["count"].value or 1) % 1:
        sheet.fault("standard.not_whole", node, join(path, "count"), value=figures["count"].value)
    return shape(**figures)  # type: ignore[arg-type]  # the bounds of the shape name exactly its figures


def read_profile(sheet: Sheet, node: Node | None, path: str, known: Known) -> str | None:
    """Read the id of a travel profile; absent is None."""
    if node is None:
        return None
    return sheet.choice(node, path, among=sorted(known.profiles))
