"""What columns and words of other people's tables mean: the mapping `mappings/columns.yaml`, and what a user adds to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from yike.errors import Fault, InputError
from yike.model.yaml_checked import read_text

# Between the levels of a header of two rows.
LEVELS = " / "
Vocabulary = Mapping[str, Any]
_SAME_AS_DASH = str.maketrans(dict.fromkeys("- ~–—－\u3000\n\r\t", "_"))
_BRACKETED_UNIT = re.compile(r"^(.+?)_*[(\[【](?:单位[::]?)?([^()\[\]【】]+)[)\]】]$")
_EXTENDABLE = ("columns", "groups", "unit_kinds", "pathways", "units", "missing", "status", "rows")


def plain(word: object) -> str:
    """Return what two spellings of one column or word share: half width, lower case, blanks and dashes alike."""
    return unicodedata.normalize("NFKC", str(word)).strip().casefold().translate(_SAME_AS_DASH)


@dataclass(frozen=True)
class FoundColumn:
    """Say which column holds a field, and the unit of its figures where the header states one (with its size in ours)."""

    column: str
    unit: str = ""
    factor: float = 1.0


@cache
def own_words() -> Vocabulary:
    """Return the mapping that comes with Yike."""
    content = (files("yike.sources") / "mappings" / "columns.yaml").read_text(encoding="utf-8")
    loaded: Vocabulary = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return loaded


def mapping(section: str) -> Mapping[str, Any]:
    """Return one section of the mapping that comes with Yike."""
    found: Mapping[str, Any] = own_words()[section]
    return found


def read_words(path: Path) -> Mapping[str, Any]:
    """Read a user's words: a YAML file with sections of `mappings/columns.yaml`.

    Raises:
        InputError: the file is no YAML, or its words are not as `extended_words` wants them.
    """
    file = str(path)
    try:
        content = yaml.safe_load(read_text(Path(path)))
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError([Fault("file.damaged", file, values={"reason": " ".join(str(error).split()).rstrip(".")})]) from error
    if not isinstance(content, dict):
        raise InputError([Fault("plan.not_a_mapping", file)])
    extended_words(content, file=file)
    return content


def extended_words(content: Mapping[str, Any], *, file: str) -> Vocabulary:
    """Return Yike's words with a user's, which are looked at first.

    Raises:
        InputError: there is a section, subject or field that the mapping lacks, or words of another form; all are named.
    """
    faults: list[Fault] = []
    merged: dict[str, Any] = dict(own_words())
    for section, entries in content.items():
        if section not in _EXTENDABLE:
            faults.append(Fault("plan.unknown_key", file, field=str(section), values={"known": ", ".join(_EXTENDABLE)}))
        else:
            merged[section] = _merged(merged[section], entries, where=str(section), faults=faults, file=file)
    if faults:
        raise InputError(faults)
    return merged


def _merged(ours: Any, theirs: Any, *, where: str, faults: list[Fault], file: str) -> Any:
    """Put a user's words before ours, level by level; new names are allowed among groups and units only."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        merged = dict(ours)
        for name, entry in theirs.items():
            path = f"{where}.{name}"
            if name in ours:
                merged[name] = _merged(ours[name], entry, where=path, faults=faults, file=file)
            elif where == "groups" and _is_words(entry):
                merged[str(name)] = list(entry)
            elif where.startswith("units.") and isinstance(entry, int | float) and entry > 0:
                merged[plain(name)] = float(entry)
            else:
                faults.append(Fault("plan.unknown_key", file, field=path, values={"known": ", ".join(map(str, ours)) or "–"}))
        return merged
    if isinstance(ours, list) and _is_words(theirs):
        return [*theirs, *ours]
    if isinstance(ours, int | float) and isinstance(theirs, int | float) and theirs > 0:
        return float(theirs)
    faults.append(Fault("plan.not_words", file, field=where))
    return ours


def _is_words(entry: object) -> bool:
    return isinstance(entry, list) and all(isinstance(word, str | int | float) for word in entry)


def words_to_ids(synonyms: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Turn ``id: [words]`` of the mapping into ``word: id`` in plain spelling; a word's first id counts."""
    ids: dict[str, str] = {}
    for name, words in synonyms.items():
        for word in words:
            ids.setdefault(plain(word), name)
    return ids


def column_spellings(present: Sequence[object]) -> dict[str, str]:
    """Return each plain spelling under which a column can be found: its whole name or, if no other has it, its lower level."""
    spelled: dict[str, str] = {}
    for column in present:
        spelled.setdefault(plain(column), str(column))
    lower = [plain(str(column).rpartition(LEVELS)[2]) for column in present]
    for column, word in zip(present, lower, strict=True):
        if lower.count(word) == 1:
            spelled.setdefault(word, str(column))
    return spelled


def split_unit(word: str, units: Mapping[str, float]) -> tuple[str, str]:
    """Split a plain column name into its name and one of the ``units``, empty where it carries none."""
    bracketed = _BRACKETED_UNIT.match(word)
    if bracketed and bracketed[2] in units:
        return bracketed[1], bracketed[2]
    for unit in sorted(units, key=len, reverse=True):
        if word.endswith("_" + unit) and len(word) > len(unit) + 1:
            return word.removesuffix("_" + unit), unit
    return word, ""


def find_fields(present: Sequence[object], subject: str, *, words: Vocabulary | None = None) -> dict[str, FoundColumn]:
    """Return which column of a table holds each field of a subject; fields that the table lacks are left out.

    ``present`` names the table's columns, ``subject`` a part of ``columns`` in the mapping, such as ``facilities``.
    """
    words = words or own_words()
    spelled = column_spellings(present)
    found = {}
    for field, spellings in words["columns"][subject].items():
        column = find_column(spelled, spellings, units=units_of(field, words))
        if column is not None:
            found[field] = column
    return found


def units_of(field: str, words: Vocabulary) -> Mapping[str, float]:
    """Return the units in which a field's figures may stand, plain word to size in ours."""
    kind = words["unit_of_field"].get(field, "people" if field.startswith("residents_") else "")
    return {plain(unit): float(size) for unit, size in words["units"].get(kind, {}).items()}


def find_column(spelled: Mapping[str, str], spellings: Sequence[object], *, units: Mapping[str, float]) -> FoundColumn | None:
    """Return the first of a field's spellings that a column has, as it is or with a unit."""
    with_unit: dict[str, FoundColumn] = {}
    for word, column in spelled.items() if units else ():
        base, unit = split_unit(word, units)
        if unit:
            with_unit.setdefault(base, FoundColumn(column, unit, units[unit]))
    for spelling in spellings:
        word = plain(spelling)
        if word in spelled:
            return FoundColumn(spelled[word])
        if word in with_unit:
            return with_unit[word]
    return None


def find_columns(present: Sequence[object], subject: str) -> dict[str, str]:
    """Return which column of a table holds each field of a subject, whatever its unit."""
    return {field: found.column for field, found in find_fields(present, subject).items()}
