"""Find a standard by id or path, read it whole, and apply an overlay: a short file that changes parts of another standard.

An overlay names what it ``extends`` and lists under ``set`` what it changes by dotted path:
``class.term`` for a whole term and ``class.term.number`` for one number. A number is given anew or scaled
(``{scale: 1.15}``); either way with its own source and status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from yike.errors import InputError
from yike.model.profile import load_profiles, packaged_text
from yike.model.requirement import TERM_TYPES, Bound, Figure, Term, figures_of
from yike.model.requirement_yaml import (
    PROVENANCE_KEYS,
    Known,
    check_bound,
    read_figure,
    read_names,
    read_note,
    read_provenance,
    read_sources,
    read_term,
)
from yike.model.standard import FacilityClass, Standard, unknown_name
from yike.model.standard_yaml import build_standard, read_origin
from yike.model.yaml_checked import Node, Sheet, compose, join, keys_of, nearest, read_text, some_of

_OVERLAY_KEYS = ("id", "title", "version", "issued", "note", "extends", "sources", "origin", "set")
_NOT_STANDARDS = ("profiles", "quality")
_SCALE = Bound("1", 0.01, 100)
_PRODUCT_DECIMALS = 9  # 3000 × 1.15 is 3450, not 3449.9999999999995


def packaged_ids() -> tuple[str, ...]:
    """List the ids of the standards that come with the package."""
    from importlib.resources import files

    names = (entry.name for entry in files("yike").joinpath("standards").iterdir())
    stems = (name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))
    return tuple(sorted(stem for stem in stems if stem not in _NOT_STANDARDS))


def read_standard(id_or_path: str | Path, *, above: tuple[str, ...] = ()) -> Standard:
    """Read a standard by id or path; ``above`` names the overlays that led here, to refuse a ring.

    Raises:
        UnknownName: neither a standard of the package nor an existing file.
        InputError: the file has faults.
    """
    ids = packaged_ids()
    name = str(id_or_path)
    trusted = name in ids
    if not trusted and not _looks_like_path(id_or_path):
        raise unknown_name("standard", name, dict.fromkeys(ids), where=name)
    file = f"{name}.yaml" if trusted else name
    text = packaged_text(name) if trusted else read_text(Path(name))
    root = compose(text, file=file, trusted=trusted)
    sheet = Sheet(file)
    if "extends" in keys_of(root):
        standard = _read_overlay(sheet, root, above=above)
    else:
        standard = build_standard(sheet, root, profiles=load_profiles())
    sheet.refuse_faults()
    return standard


def _looks_like_path(id_or_path: str | Path) -> bool:
    if isinstance(id_or_path, Path) or Path(id_or_path).exists():
        return True
    return "/" in id_or_path or "\\" in id_or_path or id_or_path.endswith((".yaml", ".yml"))


def _read_overlay(sheet: Sheet, root: Node, *, above: tuple[str, ...]) -> Standard:
    required = ("id", "title", "version", "extends", "set")
    top = sheet.entries(root, "", known=_OVERLAY_KEYS, required=required)
    base = _read_base(sheet, top, above=above)
    own = read_sources(sheet, top.get("sources"))
    for source in own:
        if source.key in {entry.key for entry in base.sources}:
            sheet.fault("standard.repeated_id", top["sources"], join("sources", source.key), id=source.key)
    sources = (*base.sources, *own)
    known = Known(frozenset(source.key for source in sources), frozenset(load_profiles()))
    changed = replace(
        base,
        id=sheet.id_word(top["id"], "id") if "id" in top else base.id,
        title=read_names(sheet, top.get("title"), "title"),
        version=sheet.optional_words(top, "version", "") or "",
        issued=sheet.date(top.get("issued"), "issued"),
        note=read_note(sheet, top) or base.note,
        origin=read_origin(sheet, top["origin"], known) if "origin" in top else base.origin,
        sources=sources,
        extends=base.id,
    )
    return _apply(sheet, changed, top.get("set"), known)


def _read_base(sheet: Sheet, top: Mapping[str, Node], *, above: tuple[str, ...]) -> Standard:
    """Read the standard that the overlay extends: by id, or by a path that starts at the overlay's folder.

    Raises:
        InputError: there is no such standard, or the overlays form a ring; then nothing of the overlay can be judged.
    """
    node = top.get("extends")
    name = "" if node is None else sheet.words(node, "extends")
    if not name:
        raise InputError(sheet.faults)
    beside = Path(sheet.file).parent / name
    target: str | Path = name if name in packaged_ids() else beside
    here = str(Path(sheet.file).resolve())
    if isinstance(target, Path) and str(target.resolve()) in (*above, here):
        sheet.fault("standard.ring_of_overlays", node, "extends", value=name)
    elif isinstance(target, Path) and not target.is_file():
        ids = packaged_ids()
        sheet.fault("standard.unknown_base", node, "extends", value=name, nearest=nearest(name, ids), known=some_of(ids, name))
    if any(fault.code in ("standard.ring_of_overlays", "standard.unknown_base") for fault in sheet.faults):
        raise InputError(sheet.faults)
    return read_standard(target, above=(*above, here))


def _apply(sheet: Sheet, standard: Standard, node: Node | None, known: Known) -> Standard:
    classes = {entry.id: entry for entry in standard.classes}
    entries = {} if node is None else sheet.entries(node, "set", known=None)
    for path, value in entries.items():
        class_id, _, rest = path.partition(".")
        kind, _, number = rest.partition(".")
        if class_id not in classes:
            values = {"value": class_id, "nearest": nearest(class_id, classes), "known": some_of(classes, class_id)}
            sheet.fault("standard.set_unknown_class", value, join("set", path), **values)
        elif kind not in TERM_TYPES:
            values = {"value": kind, "nearest": nearest(kind, TERM_TYPES), "known": some_of(TERM_TYPES, kind)}
            sheet.fault("standard.set_unknown_term", value, join("set", path), **values)
        else:
            term = _changed_term(sheet, value, path, known, held=classes[class_id], kind=kind, number=number)
            classes[class_id] = _with_term(classes[class_id], term)
    return replace(standard, classes=tuple(classes.values()))


def _changed_term(
    sheet: Sheet, node: Node, path: str, known: Known, *, held: FacilityClass, kind: str, number: str
) -> Term | None:
    where = join("set", path)
    if not number:
        return read_term(sheet, node, kind, where, known)
    term = next((term for term in held.terms if term.kind == kind), None)
    bounds = TERM_TYPES[kind].bounds
    if number not in bounds:
        values = {"value": number, "nearest": nearest(number, bounds), "known": some_of(bounds, number)}
        sheet.fault("standard.set_unknown_number", node, where, **values)
        return None
    if term is None:
        sheet.fault("standard.set_absent_term", node, where, term=kind, id=held.id)
        return None
    figure = _changed_figure(sheet, node, where, known, before=figures_of(term).get(number), bound=bounds[number])
    return replace(term, **{number: figure})  # type: ignore[arg-type]  # the bounds name exactly the term's figures


def _changed_figure(sheet: Sheet, node: Node, path: str, known: Known, *, before: Figure | None, bound: Bound) -> Figure:
    if "scale" not in keys_of(node):
        return read_figure(sheet, node, path, known, bound=bound)
    entries = sheet.entries(node, path, known=("scale", *PROVENANCE_KEYS), required=("scale",))
    scale = sheet.number(entries["scale"], join(path, "scale"))
    provenance = read_provenance(sheet, node, entries, path, known)
    if before is None or before.value is None:
        sheet.fault("standard.scale_of_nothing", node, path)
        return Figure(None, bound.unit, provenance)
    check_bound(sheet, entries["scale"], join(path, "scale"), Figure(scale, _SCALE.unit, provenance), bound=_SCALE)
    product = round(before.value * (1.0 if scale is None else scale), _PRODUCT_DECIMALS)
    figure = Figure(product, bound.unit, provenance)
    check_bound(sheet, node, path, figure, bound=bound)
    return figure


def _with_term(held: FacilityClass, term: Term | None) -> FacilityClass:
    if term is None:
        return held
    kept = {entry.kind: entry for entry in held.terms} | {term.kind: term}
    return replace(held, terms=tuple(kept[kind] for kind in TERM_TYPES if kind in kept))
