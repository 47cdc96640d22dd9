"""Which facility classes an object of OpenStreetMap belongs to: the rules of `mappings/osm-places.yaml` applied to tags."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from yike.sources.osm.rules import Tags, mapping, values_of

_ANY = "*"
_DENIED = "no"
_GRADE = re.compile(r"^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$")
_EAST_ASIAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class ClassRule:
    """Hold one rule: the class, what must hold and what must not."""

    class_id: str
    when: Mapping[str, Any]
    unless: Mapping[str, Any]


@cache
def class_rules() -> tuple[ClassRule, ...]:
    """Read the rules of all classes."""
    rules = mapping("osm-places")["classes"]
    return tuple(ClassRule(rule["class"], rule["when"], rule.get("unless", {})) for rule in rules)


@cache
def _rules_by_key() -> Mapping[str, tuple[ClassRule, ...]]:
    """Group the rules by the tag key that opens them."""
    grouped: dict[str, list[ClassRule]] = {}
    for rule in class_rules():
        grouped.setdefault(next(iter(rule.when)), []).append(rule)
    return {key: tuple(rules) for key, rules in grouped.items()}


@cache
def place_keys() -> tuple[str, ...]:
    """List the tag keys that open a rule: an object with none of them is no facility."""
    return tuple(sorted(_rules_by_key()))


@cache
def _opening_values() -> Mapping[str, frozenset[str]]:
    """Return for each key the values that open a rule; the mark for any value among them where one does."""
    values: dict[str, set[str]] = {}
    for key, rules in _rules_by_key().items():
        for rule in rules:
            wanted = rule.when[key]
            values.setdefault(key, set()).update(wanted if isinstance(wanted, list) else [wanted])
    return {key: frozenset(found) for key, found in values.items()}


def may_be_place(tags: Tags) -> bool:
    """Tell whether an object opens a rule: quick, and true for every object that has a class."""
    for key, values in _opening_values().items():
        if key in tags and (_ANY in values or tags[key] in values or ";" in tags[key]):
            return True
    return False


def classes_of(tags: Tags, *, area_m2: float | None) -> tuple[str, ...]:
    """Return the classes of an object, sorted; ``area_m2`` [m²] is the area of its outline or None.

    Objects that are closed to the public, gone or not yet there have none.
    """
    rules = mapping("osm-places")
    if any(tags.get(key) in words for key, words in rules["closed"].items()):
        return ()
    if any(tags.get(word) not in (None, "no") for word in rules["gone"]):
        return ()
    names = _names(tags)
    found: set[str] = set()
    for key in place_keys():
        for rule in _rules_by_key()[key] if key in tags else ():
            holds = all(_holds(tags, names, part, wanted, area_m2) for part, wanted in rule.when.items())
            if holds and not any(_holds(tags, names, part, wanted, area_m2) for part, wanted in rule.unless.items()):
                found.add(rule.class_id)
    return tuple(sorted(found))


def _holds(tags: Tags, names: list[str], key: str, wanted: Any, area_m2: float | None) -> bool:
    if key == "words":
        return _named(names, mapping("osm-places")["word_lists"][wanted])
    if key == "level":
        return wanted in school_stages(tags)
    if key == "area_m2":
        return area_m2 is not None and wanted["min"] <= area_m2 < wanted.get("max", float("inf"))
    if wanted == _ANY:
        return tags.get(key, _DENIED) != _DENIED
    words = wanted if isinstance(wanted, list) else [wanted]
    return any(value in words for value in values_of(tags, key))


def school_stages(tags: Tags) -> frozenset[str]:
    """Return the stages that a school teaches: kindergarten, primary, lower_secondary, upper_secondary, nine_year.

    From ``isced:level``, else ``grades``, else ``school``, else the words of its name; empty where nothing says. A name with
    九年一贯 adds nine_year whatever else is known.
    """
    rules = mapping("osm-places")["school"]
    names = _names(tags)
    named = {stage for stage, words in rules["words"].items() if _named(names, words)}
    for stage, words in rules["not_words"].items():
        if _named(names, words):
            named.discard(stage)
    tagged = _isced_stages(tags) or _grade_stages(tags) or _tagged_stages(tags)
    return frozenset(tagged | (named & {"nine_year"})) if tagged else frozenset(named)


def _isced_stages(tags: Tags) -> set[str]:
    levels = mapping("osm-places")["school"]["isced"]
    return {levels[str(number)] for number in _numbers(tags, "isced:level") if str(number) in levels}


def _grade_stages(tags: Tags) -> set[str]:
    grades = mapping("osm-places")["school"]["grades"]
    taught = set(_numbers(tags, "grades"))
    return {stage for stage, (low, high) in grades.items() if taught & set(range(low, high + 1))}


def _tagged_stages(tags: Tags) -> set[str]:
    table = mapping("osm-places")["school"]["school_tag"]
    return {stage for stage, words in table.items() if tags.get("school") in words}


def _numbers(tags: Tags, key: str) -> list[int]:
    numbers: list[int] = []
    for part in (piece for value in values_of(tags, key) for piece in value.split(",")):
        match = _GRADE.match(part)
        if match:
            low = int(match[1])
            numbers += range(low, int(match[2] or low) + 1)
    return numbers


def _names(tags: Tags) -> list[str]:
    return [folded(tags[key]) for key in mapping("osm-places")["names"] if key in tags]


def folded(name: str) -> str:
    """Return a name without accents, dots and capitals, its words between single blanks, for comparison."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    words = re.sub(r"[^\w]+", " ", plain.casefold().replace(".", "")).split()
    return f" {' '.join(words)} "


def _named(names: Iterable[str], words: Iterable[str]) -> bool:
    return any((word if _EAST_ASIAN.search(word) else f" {word} ") in name for name in names for word in words)
