"""The classes of rows: words of a standard, of the user's plan, types of a map service; rows of places that are not open."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from yike.errors import Fault, UnknownName
from yike.sources.column_words import plain
from yike.sources.map_service_types import TYPE_MISSING, TYPE_UNKNOWN, TypeReading, class_of_type
from yike.sources.notes import note
from yike.sources.reading_plan import NO_CLASS
from yike.sources.row_checks import BoolArray, ObjectArray, RowChecks

_LAST_BRACKET = re.compile(r"[(（\[【]([^()（）\[\]【】]+)[)）\]】]\s*$")
_LOOKS_LIKE_TYPE = re.compile(r"^\s*(\d{6}|[^;；|]+[;；][^;；|]+([;；].*)?)(\|.*)?$")
_IDS_NAMED = 60


def check_class(class_id: str | None, standard_ids: Collection[str] | None) -> None:
    """Refuse a class for the whole file that the standard has not.

    Raises:
        UnknownName: ``class_id`` is not among ``standard_ids``.
    """
    if class_id is not None and standard_ids is not None and class_id not in standard_ids:
        values = {"thing": "class_id", "name": class_id, "known": ", ".join(standard_ids)}
        raise UnknownName([Fault("name.unknown", "class_id", values=values)])


def set_aside_closed(checks: RowChecks, names: ObjectArray) -> None:
    """Set aside rows whose status, or a bracket at the end of their name, says that the place is not open; others are marked."""
    closed = {plain(word) for word in checks.vocabulary["status"]["not_open"]}
    known = closed | {plain(word) for word in checks.vocabulary["status"]["open"]}
    status = checks.words("status")
    spelled = np.array([plain(word) for word in status], object)
    for word in sorted(set(spelled.tolist()) & closed):
        checks.set_aside(note("not_open", word=word), spelled == word)
    unknown = np.array([word != "" and word not in known for word in spelled], bool)
    shown = ", ".join(map(str, [*checks.vocabulary["status"]["open"][:3], *checks.vocabulary["status"]["not_open"][:3], "…"]))
    checks.mark("tables.unknown_word", "status", unknown, {"value": status, "known": [shown] * checks.count})
    brackets = [_LAST_BRACKET.search(name) for name in names]
    ends = np.array([plain(found[1]) if found else "" for found in brackets], object)
    for word in sorted(set(ends.tolist()) & closed):
        checks.set_aside(note("not_open", word=word), ends == word)


def row_classes(
    checks: RowChecks,
    names: ObjectArray,
    classes: Mapping[str, str] | None,
    class_id: str | None,
    standard_ids: Collection[str] | None,
    *,
    planned: Mapping[str, str],
) -> ObjectArray:
    """Return each row's classes as a tuple, empty where a row has none (then it is marked or set aside)."""
    found = np.empty(checks.count, object)
    found[:] = [(class_id,) if class_id is not None else ()] * checks.count
    if class_id is not None:
        return found
    if not checks.has("class_id"):
        checks.missing("class_id", subject="facilities")
        return found
    words = checks.codes("class_id")
    checks.mark("tables.no_class", "class_id", words == "")
    if classes is None and standard_ids is None and not planned:
        found[:] = [(word,) if word else () for word in words]
        return found
    by_word = {plain(name): name for name in standard_ids or ()}
    by_word |= {plain(word): name for word, name in (classes or {}).items()}
    by_word |= {plain(word): name for word, name in planned.items()}
    known = {word: by_word.get(plain(word), "") for word in set(words.tolist()) if word}
    for word in sorted(word for word, name in known.items() if name == NO_CLASS):
        checks.set_aside(note("class_not_wanted", word=word), words == word)
    found[:] = [(known[word],) if word and known[word] not in ("", NO_CLASS) else () for word in words]
    unread = np.array([bool(word) and not known[word] for word in words], bool)
    typed = unread & np.array([bool(_LOOKS_LIKE_TYPE.match(word)) for word in words], bool)
    unknown = unread & ~typed | _read_types(checks, names, words, typed, found)
    ids = sorted({name for name in by_word.values() if name != NO_CLASS})
    shown = ", ".join(ids[:_IDS_NAMED]) + (" …" if len(ids) > _IDS_NAMED else "")
    checks.mark("tables.unknown_class", "class_id", unknown, {"value": words, "known": [shown] * checks.count})
    return found


def _read_types(checks: RowChecks, names: ObjectArray, words: ObjectArray, typed: BoolArray, found: ObjectArray) -> BoolArray:
    """Fill in the classes of rows with a map service's type, set aside those that have none; returns rows of unknown types."""
    unknown = np.zeros(checks.count, bool)
    if not typed.any():
        return unknown
    rows = np.flatnonzero(typed)
    readings = _readings(words[rows], names[rows], checks.words("address")[rows])
    reasons = np.full(checks.count, "", object)
    for row, reading in zip(rows.tolist(), readings, strict=True):
        if reading.class_ids:
            found[row] = reading.class_ids
        elif reading.reason in (TYPE_UNKNOWN, TYPE_MISSING):
            unknown[row] = True
        else:
            reasons[row] = reading.reason
    for reason in sorted(set(reasons.tolist()) - {""}):
        checks.set_aside(note("no_class", reason=reason), reasons == reason)
    checks.notes.append(note("types_read", count=int(typed.sum()), classed=int(sum(bool(each.class_ids) for each in readings))))
    return unknown


def _readings(words: ObjectArray, names: ObjectArray, addresses: ObjectArray) -> Sequence[TypeReading]:
    """Read types with names and addresses, each different record once."""
    records = pd.MultiIndex.from_arrays([words, names, addresses])
    which, distinct = pd.factorize(records)
    readings = [class_of_type(word.replace("；", ";"), name, address=address) for word, name, address in distinct]
    return [readings[position] for position in which.tolist()]
