"""Who may use a street of OpenStreetMap: its kind, directions and whether points attach to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yike.sources.osm.rules import HighwayRule, Tags, at_grade, highway_rules, mapping, says_yes, values_of

CROSSING_SIGNAL = "signal"
CROSSING_MARKED = "crossing"
CROSSING_NONE = "none"


@dataclass(frozen=True)
class StreetUse:
    """Say how a mode uses a way: kind of segment, directions along the way's nodes, and whether a point may attach."""

    kind: str
    road: bool
    forward: bool
    backward: bool
    attachable: bool


def _rules() -> Mapping[str, Any]:
    return mapping("osm-streets")


def highway_rule(tags: Tags) -> HighwayRule | None:
    """Return the rule of a way's ``highway`` value; railway and public-transport platforms count as platforms.

    None where the way is no street: no such tag, a value without a rule (construction, proposed, raceway …) or a ferry.
    """
    value = tags.get("highway")
    if value is None and "platform" in (tags.get("railway"), tags.get("public_transport")):
        value = "platform"
    return highway_rules().get(value or "")


def is_road(tags: Tags) -> bool:
    """Tell whether vehicles drive on the way, whoever else may use it."""
    rule = highway_rule(tags)
    return rule is not None and rule.road


def street_use(tags: Tags, mode: str) -> StreetUse | None:
    """Return how a mode (walk, walk_step_free, cycle) uses a way, or None where it may not.

    The most telling access tag decides (``foot`` before ``access``; ``bicycle`` before ``vehicle`` before ``access``);
    without one the table of ``highway`` values does. Bridges, tunnels, other layers, indoor ways, platforms and crossings
    are used but not attached to.
    """
    rule = highway_rule(tags)
    wheels = "cycle" if mode == "cycle" else "walk"
    if rule is None or not _open(tags, rule, wheels):
        return None
    if mode == "walk_step_free" and not _step_free(tags, rule):
        return None
    forward, backward = _cycle_directions(tags) if mode == "cycle" else _walk_directions(tags)
    kind = "crossing" if is_crossing_way(tags) else rule.kind
    inside = says_yes(tags, "indoor") or tags.get("highway") in ("corridor", "elevator")
    platform = tags.get("highway", "platform") == "platform"
    attachable = at_grade(tags) and kind != "crossing" and not inside and not platform
    return StreetUse(kind, rule.road, forward, backward, attachable)


def _open(tags: Tags, rule: HighwayRule, wheels: str) -> bool:
    access = _rules()["access"]
    allowed = rule.cycle if wheels == "cycle" else rule.walk
    if allowed == "closed" or says_yes(tags, "motorroad"):
        return False
    word = _access_word(tags, access["keys"][wheels])
    if word in access["closed"]:
        return False
    own_word = tags.get(access["keys"][wheels][0])
    if allowed == "tagged" and own_word not in access["explicit"]:
        return wheels == "walk" and rule.road and has_pavement(tags)
    return True


def _access_word(tags: Tags, keys: list[str]) -> str | None:
    access = _rules()["access"]
    for key in keys:
        word = tags.get(key)
        if word in access["open"] or word in access["closed"]:
            return word
    return None


def has_pavement(tags: Tags) -> bool:
    """Tell whether a pavement belongs to the way."""
    pavement = _rules()["pavement"]
    return any(tags.get(key) in pavement["values"] for key in pavement["keys"])


def _step_free(tags: Tags, rule: HighwayRule) -> bool:
    rules = _rules()["step_free"]
    if rule.kind in rules["closed_kinds"]:
        return any(tags.get(key) in rules["ramp_values"] for key in rules["ramp_keys"])
    return tags.get("wheelchair") not in rules["closed_wheelchair"]


def _walk_directions(tags: Tags) -> tuple[bool, bool]:
    """Return the directions of walkers: both, but for ``oneway:foot`` and for escalators and moving walkways."""
    word = tags.get("oneway:foot", tags.get("conveying", ""))
    if word in (*_rules()["oneway"]["backward"], "backward"):
        return False, True
    if word == "forward" or ("oneway:foot" in tags and word in _rules()["oneway"]["forward"]):
        return True, False
    return True, True


def traffic_directions(tags: Tags) -> tuple[bool, bool]:
    """Return the directions of vehicles along the way's nodes."""
    rules = _rules()["oneway"]
    word = tags.get("oneway", "yes" if tags.get("junction") in rules["implied_by_junction"] else "no")
    return word not in rules["backward"], word not in rules["forward"]


def _cycle_directions(tags: Tags) -> tuple[bool, bool]:
    """Return the directions of bicycles: the way's own ``oneway``, unless a tag lets bicycles ride against it."""
    rules = _rules()["oneway"]
    word = tags.get("oneway:bicycle") or tags.get("oneway")
    if word is None:
        word = "yes" if tags.get("junction") in rules["implied_by_junction"] else "no"
    if word in rules["both"] or (word not in rules["forward"] and word not in rules["backward"]):
        return True, True
    if "oneway:bicycle" not in tags and _lane_against(tags):
        return True, True
    return (True, False) if word in rules["forward"] else (False, True)


def _lane_against(tags: Tags) -> bool:
    rules = _rules()["oneway"]
    return any(tags.get(key) in rules["against_values"] for key in rules["against_keys"]) or any(
        tags.get(key) in rules["lane_direction_values"] for key in rules["lane_direction_keys"]
    )


def blocks(tags: Tags, mode: str) -> bool:
    """Tell whether a node stops a mode.

    A locked gate blocks; else the most telling access tag of the node decides; else the kind of barrier: walls, fences and
    their like block, gates, bollards, kerbs and toll booths pass. Without steps, stiles, turnstiles and raised kerbs block
    too.
    """
    if mode == "walk_step_free" and _blocks_wheels(tags):
        return True
    if "barrier" not in tags:
        return False
    if tags.get("locked") == "yes":
        return True
    rules = _rules()
    wheels = "cycle" if mode == "cycle" else "walk"
    word = _access_word(tags, rules["access"]["keys"][wheels])
    if word is not None:
        return word in rules["access"]["closed"] and not (word == "dismount" and wheels == "cycle")
    return tags["barrier"] in rules["node_barrier"]["blocks"][wheels]


def _blocks_wheels(tags: Tags) -> bool:
    rules = _rules()["node_barrier"]
    if tags.get("wheelchair") in ("yes", "designated", "limited"):
        return False
    raised = tags.get("kerb") in rules["raised_kerb"]
    denied = "barrier" in tags and tags.get("wheelchair") == "no"
    return raised or denied or tags.get("barrier") in rules["blocks"]["walk_step_free"]


def is_crossing_way(tags: Tags) -> bool:
    """Tell whether a way itself crosses a carriageway (``highway=footway`` with ``footway=crossing`` and its like)."""
    return any(tags.get(key) == "crossing" for key in _rules()["crossing"]["way_keys"])


def is_crossing_node(tags: Tags) -> bool:
    """Tell whether a node is mapped as a place where a carriageway is crossed on foot."""
    return "crossing" in values_of(tags, "highway") or (has_signal(tags) and "crossing" in tags)


def has_signal(tags: Tags) -> bool:
    """Tell whether a node carries traffic signals."""
    return "traffic_signals" in values_of(tags, "highway")


def crossing_type(tags: Tags) -> str | None:
    """Return what one waits for at a crossing: ``signal``, ``crossing`` (marked), ``none``; None where no tag says."""
    rules = _rules()["crossing"]
    words = values_of(tags, "crossing")
    if says_yes(tags, "crossing:signals") or any(word in rules["signal"] for word in words) or has_signal(tags):
        return CROSSING_SIGNAL
    if not words and "crossing:markings" in tags:
        return CROSSING_MARKED if says_yes(tags, "crossing:markings") else CROSSING_NONE
    if not words:
        return None
    return CROSSING_NONE if all(word in rules["none"] for word in words) else CROSSING_MARKED
