"""The tag rules of `sources/mappings/osm-*.yaml` as values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

Tags = dict[str, str]


@dataclass(frozen=True)
class HighwayRule:
    """Say how one value of ``highway`` is read: segment kind, carriageway or not, and open, tagged or closed per mode."""

    kind: str
    road: bool
    walk: str
    cycle: str


@cache
def mapping(name: str) -> MappingProxyType[str, Any]:
    """Read one mapping file, such as ``osm-streets``."""
    path = files("yike.sources") / "mappings" / f"{name}.yaml"
    return MappingProxyType(yaml.safe_load(path.read_text("utf-8")))


@cache
def highway_rules() -> MappingProxyType[str, HighwayRule]:
    """Read the table of ``highway`` values."""
    table = mapping("osm-streets")["highway"]
    return MappingProxyType({value: HighwayRule(**rule) for value, rule in table.items()})


def values_of(tags: Tags, key: str) -> list[str]:
    """Split a tag that holds several values (``crossing;traffic_signals``)."""
    value = tags.get(key)
    return [] if value is None else [part.strip() for part in value.split(";")]


def says_yes(tags: Tags, key: str) -> bool:
    """Tell whether a tag is there and does not deny."""
    return tags.get(key, "no") not in ("no", "false", "0")


def layer(tags: Tags) -> int:
    """Return the layer of a way; 0 where none or no number is given."""
    try:
        return int(tags.get("layer", "0"))
    except ValueError:
        return 0


def is_bridge(tags: Tags) -> bool:
    """Tell whether a way is carried above the ground."""
    return says_yes(tags, "bridge")


def is_tunnel(tags: Tags) -> bool:
    """Tell whether a way runs underground; a passage through a building does not."""
    return (says_yes(tags, "tunnel") and tags["tunnel"] != "building_passage") or tags.get("location") == "underground"


def at_grade(tags: Tags) -> bool:
    """Tell whether a way runs on the ground."""
    return not is_bridge(tags) and not is_tunnel(tags) and layer(tags) == 0
