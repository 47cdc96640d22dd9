"""The rules of conflation: groups, points and limits of `mappings/conflation.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import Any

import yaml

from yike.sources.place_names import name_words

OTHER_GROUP = "other"


@dataclass(frozen=True)
class Group:
    """Hold what is one comparison: the distances [m] within which records meet, and its options."""

    name: str
    reach_m: float
    same_name_m: float
    one_per_address: bool = False
    exact_name: bool = False
    lines: bool = False
    strict_name: bool = False


@cache
def conflation_rules() -> Mapping[str, Any]:
    """Read the rules."""
    content: Mapping[str, Any] = yaml.safe_load((files("yike.sources") / "mappings" / "conflation.yaml").read_text("utf-8"))
    return content


@cache
def groups() -> Mapping[str, Group]:
    """Return the groups by name."""
    return {name: Group(name, **entry) for name, entry in conflation_rules()["groups"].items()}


@cache
def _group_of_class() -> Mapping[str, str]:
    return {class_id: group for group, ids in conflation_rules()["classes"].items() for class_id in ids}


@cache
def group_of(class_ids: str, type_text: str) -> str:
    """Return the group of a record by its classes (parted by ``;``), else by its first type that a group names."""
    for class_id in class_ids.split(";"):
        if class_id in _group_of_class():
            return _group_of_class()[class_id]
    for part in type_text.split("|"):
        for group, words in conflation_rules()["types"].items():
            if any(word in part for word in words):
                return str(group)
    return OTHER_GROUP


@cache
def kind_relations() -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
    """Return the pairs of kinds that cannot be one place and those that seldom are, each in both orders."""

    def both_ways(lists: list[list[str]]) -> frozenset[tuple[str, str]]:
        found = {pair for kinds in lists for pair in combinations(kinds, 2) if pair[0] != pair[1]}
        return frozenset(found | {(second, first) for first, second in found})

    return both_ways(name_words()["kinds_apart"]), both_ways(name_words()["kinds_loose"])
