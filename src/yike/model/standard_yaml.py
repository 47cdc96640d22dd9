"""Build a Standard from the nodes of its YAML file, noting every fault in a planner's terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from yike.model.requirement import TERM_TYPES, Bound, Term
from yike.model.requirement_yaml import (
    NO_PROVENANCE,
    PROVENANCE_KEYS,
    Known,
    read_figure,
    read_names,
    read_note,
    read_profile,
    read_provenance,
    read_sources,
    read_terms,
)
from yike.model.standard import (
    KINDS,
    MEASURED_AT,
    MODES,
    OBLIGATIONS,
    TAGS,
    TIERS,
    UNIT_KINDS,
    FacilityClass,
    Field,
    Origin,
    Standard,
    Zone,
    word_key,
)
from yike.model.yaml_checked import Node, Sheet, join, label

_STANDARD_KEYS = (
    "id", "title", "version", "issued", "note", "origin", "profiles", "sources", "fields", "zones", "every_class", "classes",
)  # fmt: skip
_CLASS_KEYS = (
    "id", "field", "names", "synonyms", "kind", "obligation", "tier", "tags", "terms", "also_met_by", *PROVENANCE_KEYS,
)  # fmt: skip


def build_standard(sheet: Sheet, root: Node, *, profiles: Iterable[str]) -> Standard:
    """Build a Standard from the root node of a file; faults are noted on the sheet, not raised."""
    required = ("id", "title", "version", "origin", "profiles", "sources", "fields", "zones", "classes")
    top = sheet.entries(root, "", known=_STANDARD_KEYS, required=required)
    sources = read_sources(sheet, top.get("sources"))
    known = Known(frozenset(source.key for source in sources), frozenset(profiles))
    fields = _read_fields(sheet, top.get("fields"), known)
    every = read_terms(sheet, top.get("every_class"), "every_class", known)
    classes = _read_classes(sheet, top.get("classes"), known, fields=fields, every=every)
    mode_profiles = _read_mode_profiles(sheet, top.get("profiles"), known)
    return Standard(
        id=sheet.id_word(top["id"], "id") if "id" in top else "",
        title=read_names(sheet, top.get("title"), "title"),
        version=sheet.optional_words(top, "version", "") or "",
        issued=sheet.date(top.get("issued"), "issued"),
        origin=read_origin(sheet, top.get("origin"), known),
        profiles=mode_profiles,
        zones=_read_zones(sheet, top.get("zones"), known, classes=classes, mode_profiles=mode_profiles),
        fields=fields,
        classes=classes,
        sources=sources,
        note=read_note(sheet, top),
    )


def _read_mode_profiles(sheet: Sheet, node: Node | None, known: Known) -> Mapping[str, str]:
    entries = {} if node is None else sheet.entries(node, "profiles", known=MODES)
    chosen = {mode: read_profile(sheet, entries[mode], join("profiles", mode), known) for mode in entries}
    return {mode: profile for mode, profile in chosen.items() if profile is not None}


def read_origin(sheet: Sheet, node: Node | None, known: Known) -> Origin:
    """Read where reach is measured; residents need a declared share, a committee centre has none."""
    keys = ("measured_at", "minimum_share_percent", *PROVENANCE_KEYS)
    entries = {} if node is None else sheet.entries(node, "origin", known=keys, required=("measured_at",))
    if node is None or not entries:
        return Origin(MEASURED_AT[0], None, NO_PROVENANCE)
    measured_at = None
    if "measured_at" in entries:
        measured_at = sheet.choice(entries["measured_at"], "origin.measured_at", among=MEASURED_AT)
    share = None
    path = "origin.minimum_share_percent"
    share_node = entries.get("minimum_share_percent")
    if share_node is not None and not sheet.is_null(share_node):
        share = read_figure(sheet, share_node, path, known, bound=Bound("%", 0, 100))
    if measured_at == "residents" and (share is None or share.value is None):
        sheet.fault("standard.no_share", node, path)
    provenance = read_provenance(sheet, node, entries, "origin", known)
    return Origin(measured_at or MEASURED_AT[0], share, provenance)


def _read_fields(sheet: Sheet, node: Node | None, known: Known) -> tuple[Field, ...]:
    found: dict[str, Field] = {}
    for item in [] if node is None else sheet.items(node, "fields"):
        entries = sheet.entries(
            item, label(item, "fields", "id"), known=("id", "names", "slogan", "terms"), required=("id", "names")
        )
        if "id" not in entries:
            continue
        field_id = sheet.id_word(entries["id"], "fields.id")
        path = join("fields", field_id)
        if field_id in found:
            sheet.fault("standard.repeated_id", item, path, id=field_id)
        slogan = entries.get("slogan")
        found[field_id] = Field(
            id=field_id,
            names=read_names(sheet, entries.get("names"), join(path, "names")),
            slogan=None if sheet.is_null(slogan) else read_names(sheet, slogan, join(path, "slogan")),
            terms=read_terms(sheet, entries.get("terms"), join(path, "terms"), known),
        )
    return tuple(found.values())


def _read_zones(
    sheet: Sheet,
    node: Node | None,
    known: Known,
    *,
    classes: Sequence[FacilityClass],
    mode_profiles: Mapping[str, str],
) -> tuple[Zone, ...]:
    found: dict[str, Zone] = {}
    keys = ("id", "names", "modes", "terms_by_class", *PROVENANCE_KEYS)
    for item in [] if node is None else sheet.items(node, "zones"):
        entries = sheet.entries(item, label(item, "zones", "id"), known=keys, required=("id", "names"))
        if "id" not in entries:
            continue
        zone_id = sheet.id_word(entries["id"], "zones.id")
        path = join("zones", zone_id)
        if zone_id in found:
            sheet.fault("standard.repeated_id", item, path, id=zone_id)
        found[zone_id] = Zone(
            id=zone_id,
            names=read_names(sheet, entries.get("names"), join(path, "names")),
            modes=_read_modes(sheet, item, entries.get("modes"), join(path, "modes"), mode_profiles),
            provenance=read_provenance(sheet, item, entries, path, known),
            terms_by_class=_read_terms_by_class(sheet, entries.get("terms_by_class"), path, known, classes=classes),
        )
    return tuple(found.values())


def _read_modes(sheet: Sheet, zone: Node, node: Node | None, path: str, mode_profiles: Mapping[str, str]) -> Mapping[str, str]:
    entries = {} if sheet.is_null(node) or node is None else sheet.entries(node, path, known=UNIT_KINDS)
    if not entries:
        sheet.fault("standard.zone_without_modes", zone, path)
    chosen = {kind: sheet.choice(entries[kind], join(path, kind), among=MODES) for kind in entries}
    for kind, mode in chosen.items():
        if mode is not None and mode not in mode_profiles:
            sheet.fault("standard.mode_without_profile", entries[kind], join(path, kind), mode=mode)
    return {kind: mode for kind, mode in chosen.items() if mode is not None}


def _read_terms_by_class(
    sheet: Sheet, node: Node | None, path: str, known: Known, *, classes: Sequence[FacilityClass]
) -> Mapping[str, tuple[Term, ...]]:
    if node is None or sheet.is_null(node):
        return {}
    where = join(path, "terms_by_class")
    entries = sheet.entries(node, where, known=tuple(entry.id for entry in classes))
    return {key: read_terms(sheet, entries[key], join(where, key), known) for key in entries}


def _read_classes(
    sheet: Sheet, node: Node | None, known: Known, *, fields: Sequence[Field], every: Sequence[Term]
) -> tuple[FacilityClass, ...]:
    found: dict[str, FacilityClass] = {}
    owners: dict[str, str] = {}
    for item in [] if node is None else sheet.items(node, "classes"):
        entries = sheet.entries(item, label(item, "classes", "id"), known=_CLASS_KEYS, required=("id", "field", "names"))
        if "id" not in entries:
            continue
        entry = _read_class(sheet, item, entries, known, fields=fields, every=every)
        if entry.id in found:
            sheet.fault("standard.repeated_id", item, join("classes", entry.id), id=entry.id)
            continue
        found[entry.id] = entry
        _check_words(sheet, entries.get("synonyms", item), entry, owners)
    if node is not None and not found:
        sheet.fault("standard.without_classes", node, "classes")
    return tuple(found.values())


def _check_words(sheet: Sheet, node: Node, entry: FacilityClass, owners: dict[str, str]) -> None:
    for word in entry.words:
        owner = owners.setdefault(word_key(word), entry.id)
        if word and owner != entry.id:
            path = join("classes", entry.id)
            sheet.fault("standard.word_of_two_classes", node, path, word=word, first=owner, second=entry.id)


def _read_class(
    sheet: Sheet,
    node: Node,
    entries: Mapping[str, Node],
    known: Known,
    *,
    fields: Sequence[Field],
    every: Sequence[Term],
) -> FacilityClass:
    class_id = sheet.id_word(entries["id"], "classes.id")
    path = join("classes", class_id)
    field_id = None
    if "field" in entries:
        field_id = sheet.choice(entries["field"], join(path, "field"), among=[entry.id for entry in fields])
    own = read_terms(sheet, entries.get("terms"), join(path, "terms"), known)
    held = {term.kind: term for term in (*every, *own)}
    return FacilityClass(
        id=class_id,
        field=field_id or "",
        names=read_names(sheet, entries.get("names"), join(path, "names")),
        synonyms=_read_synonyms(sheet, entries.get("synonyms"), join(path, "synonyms")),
        provenance=read_provenance(sheet, node, entries, path, known),
        kind=_optional_choice(sheet, entries, "kind", path, among=KINDS),
        obligation=_optional_choice(sheet, entries, "obligation", path, among=OBLIGATIONS),
        tier=_read_tier(sheet, entries, path),
        tags=_read_tags(sheet, entries.get("tags"), join(path, "tags")),
        terms=tuple(held[kind] for kind in TERM_TYPES if kind in held),
        also_met_by=sheet.word_list(entries.get("also_met_by"), join(path, "also_met_by")),
    )


def _optional_choice(sheet: Sheet, entries: Mapping[str, Node], key: str, path: str, *, among: Sequence[str]) -> str | None:
    return sheet.choice(entries[key], join(path, key), among=among) if key in entries else None


def _read_tier(sheet: Sheet, entries: Mapping[str, Node], path: str) -> int | None:
    word = _optional_choice(sheet, entries, "tier", path, among=[str(tier) for tier in TIERS])
    return None if word is None else int(word)


def _read_tags(sheet: Sheet, node: Node | None, path: str) -> tuple[str, ...]:
    if node is None or sheet.is_null(node):
        return ()
    chosen = (sheet.choice(item, f"{path}[{i}]", among=TAGS) for i, item in enumerate(sheet.items(node, path), 1))
    return tuple(tag for tag in chosen if tag is not None)


def _read_synonyms(sheet: Sheet, node: Node | None, path: str) -> Mapping[str, tuple[str, ...]]:
    entries = {} if node is None or sheet.is_null(node) else sheet.entries(node, path, known=("zh", "en"))
    return {lang: sheet.word_list(entries.get(lang), join(path, lang)) for lang in ("zh", "en")}
