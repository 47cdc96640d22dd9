"""What a map service's types of places are in our classes: the 869 types and name rules of `mappings/map-service-types.yaml`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
import yaml

LEVEL_SEPARATOR, TYPE_SEPARATOR = ";", "|"
BY_TYPE, BY_NAME = "by_type", "by_name"
TYPE_UNKNOWN, TYPE_MISSING = "type_unknown", "type_missing"
_CODE = re.compile(r"^\d{6}$")
_LINE_SEPARATOR = ";"


@dataclass(frozen=True)
class MapServiceType:
    """Hold one type: its six-digit code, its three levels, and its outcome: classes, a rule on the name, or a reason for none."""

    code: str
    path: str
    classes: tuple[str, ...] = ()
    by_name: str = ""
    none: str = ""


@dataclass(frozen=True)
class TypeReading:
    """Say the classes of a record, or why it has none.

    ``reason`` is ``by_type`` or ``by_name`` where there are classes, else a key of the texts ``class_reason.<reason>``;
    ``codes`` are the types that were recognised.
    """

    class_ids: tuple[str, ...]
    reason: str
    codes: tuple[str, ...] = ()

    @property
    def class_id(self) -> str | None:
        """Return the first class, or None."""
        return self.class_ids[0] if self.class_ids else None


@cache
def _content() -> Mapping[str, Any]:
    path = files("yike.sources") / "mappings" / "map-service-types.yaml"
    content: Mapping[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return content


@cache
def map_service_types() -> Mapping[str, MapServiceType]:
    """Return all types, six-digit code to type."""
    return {
        code: MapServiceType(
            code, entry["path"], tuple(entry.get("classes", ())), entry.get("by_name", ""), entry.get("none", "")
        )
        for code, entry in _content()["types"].items()
    }


@cache
def _codes_by_path() -> Mapping[str, str]:
    return {_folded(entry.path): code for code, entry in map_service_types().items()}


def class_of_type(text_or_code: str, name: str | None = None, *, address: str | None = None) -> TypeReading:
    """Read the classes of a record from its type, and from its name and address where the type alone does not tell.

    ``text_or_code`` holds one or several types, parted by ``|``: six-digit codes or three levels parted by ``;``. Classes of
    several types add up in their order. ``address`` matters for stops only, whose map record lists their lines there.
    """
    words = _folded(name or "")
    types = [_found(part) for part in str(text_or_code).split(TYPE_SEPARATOR) if part.strip()]
    if not types:
        return TypeReading((), TYPE_MISSING)
    readings = [
        TypeReading((), TYPE_UNKNOWN) if found is None else _reading(found, words, _folded(address or "")) for found in types
    ]
    codes = tuple(found.code for found in types if found is not None)
    decisive = [reading for reading in readings if reading.reason in _content()["decisive"]]
    classes = () if decisive else tuple(dict.fromkeys(name for reading in readings for name in reading.class_ids))
    if not classes:
        return TypeReading((), (decisive or readings)[0].reason, codes)
    reason = next(reading.reason for reading in readings if reading.class_ids)
    return TypeReading(classes, reason, codes)


def classes_of_types(
    types: Sequence[str], names: Sequence[str] | None = None, *, addresses: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read many records at once: columns ``class_ids`` (parted by ``;``) and ``class_reason``, one row a record."""
    count = len(types)
    blank = [""] * count
    readings = [
        class_of_type(*record[:2], address=record[2])
        for record in zip(types, blank if names is None else names, blank if addresses is None else addresses, strict=True)
    ]
    return pd.DataFrame(
        {
            "class_ids": [LEVEL_SEPARATOR.join(reading.class_ids) for reading in readings],
            "class_reason": [reading.reason for reading in readings],
        },
        dtype=object,
    )


def _found(part: str) -> MapServiceType | None:
    word = part.strip()
    if _CODE.match(word):
        return map_service_types().get(word)
    code = _codes_by_path().get(_folded(word))
    return None if code is None else map_service_types()[code]


def _reading(found: MapServiceType, name: str, address: str) -> TypeReading:
    if _not_open(found.code, name, address):
        return TypeReading((), "not_open")
    if _is_room(found.code, name):
        return TypeReading((), "part_of_place")
    if found.by_name:
        return _by_rule(_content()["name_rules"][found.by_name], name)
    return TypeReading(found.classes, BY_TYPE) if found.classes else TypeReading((), found.none)


def _by_rule(rule: Sequence[Mapping[str, Any]], name: str) -> TypeReading:
    for line in rule:
        if "otherwise" in line:
            last = line["otherwise"]
            return TypeReading((), last) if isinstance(last, str) else TypeReading(tuple(last), BY_TYPE)
        if any(word in name for word in line["words"]):
            return TypeReading((), line["none"]) if "none" in line else TypeReading(tuple(line["classes"]), BY_NAME)
    return TypeReading((), "name_says_nothing")


def _not_open(code: str, name: str, address: str) -> bool:
    closed = _content()["not_open"]
    if any(word in name for word in closed["names"]):
        return True
    lines = [line for line in address.split(_LINE_SEPARATOR) if line]
    if code not in closed["lines_of"] or not lines:
        return False
    return all(any(mark in line for mark in closed["line_marks"]) for line in lines)


def _is_room(code: str, name: str) -> bool:
    rooms = _content()["rooms"]
    if not code.startswith(tuple(rooms["codes"])) or any(word in name for word in rooms["except"]):
        return False
    if any(word in name for word in rooms["names"]):
        return True
    return name.endswith(tuple(rooms["ends"])) and any(word in name for word in rooms["ends_of"])


@cache
def _folded(words: str) -> str:
    return unicodedata.normalize("NFKC", words).replace(" ", "")
